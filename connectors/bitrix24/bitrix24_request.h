/* bitrix24_request.h - what Bitrix24's REST is asked. Pure. */
#ifndef SB_CONNECTORS_BITRIX24_BITRIX24_REQUEST_H
#define SB_CONNECTORS_BITRIX24_BITRIX24_REQUEST_H

#include <jansson.h>

#include "core/crm/crm_flow.h"

#define BITRIX24_CONTACT 3

/* A command of a batch: "crm.item.get?entityTypeId=3&id=7", as PHP reads parameters. Nothing in
 * params can refer to another command's result; tail is added as it is ("" nothing). A new
 * reference. */
json_t *bitrix24_command(const char *method, const json_t *params, const char *tail);

/* The commands of a batch that looks for a client: by our mark, by his messengers (five at most),
 * by his numbers in each way of writing, by his addresses; by what is proven. A new reference. */
json_t *bitrix24_find_commands(const struct crm_flow_who *who);

/* Ways (crm_flow.h) as multifields: [{"typeId","valueType","value"}]. plain: all as messengers,
 * which may be any text. A new reference. */
json_t *bitrix24_multifields(const json_t *ways, bool plain);

/* The fields of a new contact, and of the lead or deal that goes with it. source: an id of the
 * portal's list of sources, responsible: a user; "" none. A new reference. */
struct bitrix24_making {
    const char *source, *responsible;
    const char *also;                                       /* "lead", "deal" */
    const char *stage;                                      /* of it; "" the first */
    int category;                                           /* of a deal; 0 the common one */
    const char *const *contact_fields, *const *also_fields; /* crm_fields.h; NULL none */
};
json_t *bitrix24_name(const char *name); /* as long as a name may be */
json_t *bitrix24_contact_fields(const struct crm_flow_who *who, const struct bitrix24_making *m);
json_t *bitrix24_also_fields(const struct crm_flow_who *who, const struct bitrix24_making *m);

#endif
