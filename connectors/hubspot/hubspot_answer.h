/* hubspot_answer.h - what an answer of HubSpot's means, and bodies of requests. Pure. */
#ifndef SB_CONNECTORS_HUBSPOT_HUBSPOT_ANSWER_H
#define SB_CONNECTORS_HUBSPOT_HUBSPOT_ANSWER_H

#include <jansson.h>
#include <stdbool.h>

#include "base/err.h"
#include "core/crm/crm_flow.h"
#include "net/http_client.h"

/* Names of a contact's properties: "" it has none of this kind. mark: a unique one of ours. */
struct hubspot_properties {
    const char *mark, *name, *phone, *mobile, *mail, *messenger;
};

/* What the history is made of. */
struct hubspot_history {
    const char *type; /* "notes" */
    const char *body; /* "hs_note_body" */
    int link;         /* the association's type */
    bool is_note;
};

/* What a new client's deal is. */
struct hubspot_deals {
    bool on;
    const char *stage, *pipeline; /* internal ids; pipeline "" the account's default */
    const char *mark;             /* a unique property of deals, ours; "" none */
    const char *const *extra;     /* rows of crm_fields.h */
};

/* --- answers --------------------------------------------------------------------------------- */

/* The whole answer, an object (a new reference), or NULL with err: its category says more than the
 * status. *retry_ms: 429 names the limit that was passed. */
json_t *hubspot_result(const struct http_answer *a, struct err *err, unsigned *retry_ms);
/* The contact that a refusal names as the one that is there already ("Existing ID: 17"): 0, or -1.
 */
int hubspot_existing(const char *text, char out[24]);

/* {"id","ways","name"?,"responsible"?,"stage"?,"url"?} of a contact; null: it is none, or archived.
 */
json_t *hubspot_card(const json_t *contact, const struct hubspot_properties *p);
/* Adds to out {"card","kind","value"} for all that the contacts of a search hold. */
void hubspot_hits(const json_t *answer, const struct hubspot_properties *p, json_t *out);
/* The first result of a batch; NULL: err tells why there is none. */
const json_t *hubspot_first(const json_t *answer, struct err *err);

/* Adds the ids that a page of associations names; the cursor of the next page, or NULL. */
const char *hubspot_associated(const json_t *page, json_t *ids);
/* Those that are numbers, newest first. */
json_t *hubspot_newest_first(const json_t *ids);
/* Adds what of ours a batch of entries has: {"id","text","message","at"}, of one message (its id)
 * or all (NULL). */
void hubspot_entries(
    const json_t *answer, const struct hubspot_history *h, const char *message, json_t *out);
/* As the contact shows them (a new reference), without "at". */
json_t *hubspot_in_order(const json_t *entries);

/* --- requests: a new reference each ------------------------------------------------------------
 */

/* "firstname,phone,...": what is asked of a contact. The caller frees. */
char *hubspot_asked(const struct hubspot_properties *p);
/* The searches that find him by number and address, five groups of filters each at most: bodies. */
json_t *hubspot_searches(const json_t *ways, const struct hubspot_properties *p);
/* A new contact's upsert. extra: rows of crm_fields.h. */
json_t *hubspot_contact(
    const struct crm_flow_who *who, const struct hubspot_properties *p, const char *const *extra);
/* What is to be set on a contact so that it has these ways, too: {} nothing. What is there stays.
 */
json_t *hubspot_additions(
    const json_t *contact, const json_t *missing, const struct hubspot_properties *p);
/* His deal, linked to his contact. */
json_t *hubspot_deal(const json_t *client, const char *card, const struct hubspot_deals *d);
/* An entry's properties. files NULL: they stay as they are. */
json_t *hubspot_entry(const struct crm_flow_entry *e, const struct hubspot_history *h);
/* ids of entries from, at most 100. */
json_t *hubspot_batch(const json_t *ids, size_t from, const struct hubspot_history *h);
#define HUBSPOT_BATCH 100

#endif
