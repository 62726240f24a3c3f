/* crm_flow_private.h - what the files of crm_flow share. */
#ifndef SB_CORE_CRM_FLOW_PRIVATE_H
#define SB_CORE_CRM_FLOW_PRIVATE_H

#include "base/json_text.h"
#include "core/crm/crm_flow.h"
#include "store/store_back.h"

#define FLOW_MARK_SIZE 64

/* "switchboard:<client id>" */
void flow_client_mark(const json_t *client, char out[FLOW_MARK_SIZE]);

/* The ways of who->ways, and the mark, that `held` ([{"kind","value"}]) has not: a new reference.
 */
json_t *flow_missing(const json_t *held, const struct crm_flow_who *who, const char *country);

/* Remembers what a card says now, where the adapter hears of its changes (crm_flow_changed());
 * target is ours. No error: what is not remembered is taken for older than it is. */
void flow_says(struct crm_flow *f, const struct store_card_says *says, core_done_fn fn, void *arg);

#endif
