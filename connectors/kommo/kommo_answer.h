/* kommo_answer.h - what Kommo's API v4 and its service of chats answered, and what contacts and
 * notes look like there. Pure. */
#ifndef SB_CONNECTORS_KOMMO_KOMMO_ANSWER_H
#define SB_CONNECTORS_KOMMO_KOMMO_ANSWER_H

#include <jansson.h>
#include <stdbool.h>

#include "core/crm/crm_flow.h"
#include "core/crm/crm_token.h"
#include "net/http_client.h"

/* The body as JSON (a new reference; JSON null when there is none), or NULL with err, in the
 * server's words: ERR_AUTH also for an account that is not paid. */
json_t *kommo_answer(const struct http_answer *a, struct err *err);

/* A pair of tokens (crm_token.h). */
int kommo_tokens(const struct http_answer *a, struct crm_tokens *out, struct err *err);

/* Of {"_embedded":{what:[..]}} the array, borrowed; NULL none. */
const json_t *kommo_embedded(const json_t *answer, const char *what);
/* The id of the first of them: 0 none. */
long long kommo_first_id(const json_t *answer, const char *what);
bool kommo_has_next(const json_t *answer);
/* Is it a list of these: an empty one has no body. 0, or -1 with err. */
int kommo_check_list(const json_t *answer, const char *what, struct err *err);
/* Is it one contact or note? 0 yes; ERR_NOT_FOUND: it has no body, or says that it is deleted;
 * ERR_PROTOCOL: it is something else. */
int kommo_check_one(const json_t *answer, struct err *err);

/* --- contacts -------------------------------------------------------------------------------- */

/* A contact as struct crm_flow_ops wants it of look(): a new reference; NULL: it is none, or is
 * deleted. mark_field: the id or the code of the field that holds our marks. */
json_t *kommo_card(const json_t *contact, const char *mark_field);
/* Adds to found ([{"card","kind","value"}]) what the contacts of an answer hold. */
void kommo_found(const json_t *answer, const char *mark_field, json_t *found);

struct kommo_contact_options {
    const char *mark_field;
    long long responsible;    /* of what is new; 0: whose token it is */
    const char *const *extra; /* "code=value" (crm_fields.h); NULL none */
};
/* The body that makes the contact: an array. A new reference. */
json_t *kommo_contact_new(const struct crm_flow_who *who, const struct kommo_contact_options *o);
/* The body that adds missing ([{"kind","value"}]) to a contact: the fields that change, whole, for
 * what is given is written over. A new reference; NULL: there is nothing to be changed. */
json_t *kommo_contact_add(const json_t *contact, const json_t *missing, bool is_plain,
    const struct kommo_contact_options *o);

/* Adds to fields ([{"field_id"|"field_code","values"}]) what an admin wants of what is new. */
void kommo_extra_fields(json_t *fields, const char *const *rows, const json_t *client);

/* What is looked for: an array of strings that people may have typed a way so (a number in several
 * writings). A new reference. */
json_t *kommo_queries(const struct crm_flow_who *who);

/* --- notes ----------------------------------------------------------------------------------- */

/* Adds to entries ([{"id","text","message"}]) the notes of an answer that are ours, of one message
 * (its mark) or all (NULL). */
void kommo_entries(const json_t *answer, const char *mark, json_t *entries);
/* When a message with this mark was made at the earliest: seconds since 1970; 0 unknown. */
long long kommo_mark_since(const char *mark);

/* Percent-encoded, for a query. The caller frees. */
char *kommo_encode(const char *text);

#endif
