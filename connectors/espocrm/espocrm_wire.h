/* espocrm_wire.h - what is asked of EspoCRM's REST API, and what it answered. Pure. */
#ifndef SB_CONNECTORS_ESPOCRM_ESPOCRM_WIRE_H
#define SB_CONNECTORS_ESPOCRM_ESPOCRM_WIRE_H

#include <jansson.h>
#include <stdbool.h>

#include "core/crm/crm_flow.h"
#include "net/http_client.h"

#define ESPOCRM_PAGE 200 /* records of a list: more is refused */

/* Where on a record a client is. */
struct espocrm_fields {
    const char *entity;    /* "Contact" or "Lead" */
    const char *mark;      /* the field of our mark */
    const char *messenger; /* the field of messengers' identities, a space between them; "" none */
};

/* The answer's JSON: 0, or -1 with err as crm_answer_check() and ERR_PROTOCOL. *out is a new
 * reference; with ERR_CONFLICT it is the list of duplicates, else NULL when -1. */
int espocrm_result(const struct http_answer *a, json_t **out, struct err *err);
/* The id of a record, if it is one that may stand in a URL; NULL. */
const char *espocrm_id(const json_t *record);
bool espocrm_is_id(const char *id);
/* The records of a list; NULL with err: it is none. Borrowed. */
const json_t *espocrm_list(const json_t *result, struct err *err);

/* "Contact?where..": records that may be his, by our mark and by what is proven. The caller frees.
 */
char *espocrm_find_path(const struct espocrm_fields *f, const struct crm_flow_who *who);
/* "Note?where..": posts on a card that hold the mark ("#": any of ours), oldest first. The caller
 * frees. */
char *espocrm_notes_path(
    const struct espocrm_fields *f, const char *card, const char *mark, unsigned offset);
/* The message whose mark ends a post (or one of its pieces): its id; false: none of ours. */
#define ESPOCRM_MESSAGE_SIZE 27
bool espocrm_message_of(const char *post, char out[ESPOCRM_MESSAGE_SIZE]);

/* All ways that a record holds: [{"kind","value"}..], the kind "mark" too. A new reference. */
json_t *espocrm_ways(const struct espocrm_fields *f, const json_t *record);
/* First and last name of a record. */
void espocrm_set_name(json_t *record, const char *name);

/* A new record. A new reference. */
json_t *espocrm_record(const struct espocrm_fields *f, const struct crm_flow_who *who);
/* What is to be changed on a record so that it has what is missing: empty fields only, and the list
 * of messengers. An empty object: nothing. plain: no number and no address. A new reference. */
json_t *espocrm_changes(
    const struct espocrm_fields *f, const json_t *record, const json_t *missing, bool plain);

/* What a file is called there; the caller frees. And its type, if it is one that a data: URL can
 * have; else application/octet-stream. Borrowed. */
char *espocrm_file_name(const json_t *attachment);
const char *espocrm_file_type(const json_t *attachment);

#endif
