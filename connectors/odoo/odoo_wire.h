/* odoo_wire.h - what is asked of Odoo's external API, and what it answered. Pure. Two ways lead to
 * the same models: JSON-RPC (up to 19; it will be gone in 22), and JSON-2 (from 19). */
#ifndef SB_CONNECTORS_ODOO_ODOO_WIRE_H
#define SB_CONNECTORS_ODOO_ODOO_WIRE_H

#include <jansson.h>
#include <stdbool.h>

#include "core/crm/crm_flow.h"
#include "net/http_client.h"

#define ODOO_PAGE 200

struct odoo_fields {
    const char *mark;      /* the field of our mark */
    const char *messenger; /* the field of messengers' identities; "" none */
    const char *lead;      /* "none", "lead", "opportunity" */
    bool has_search;       /* this Odoo finds numbers in any writing (phone_mobile_search) */
    bool has_mobile;       /* a contact has two numbers (until 18) */
};

/* One call of a model's method. ids: NULL for what is asked of the model. named: its arguments. */
struct odoo_call {
    const char *model, *method;
    json_t *ids, *named;
};

/* --- bodies: the caller frees ---------------------------------------------------------------- */

char *odoo_login_body(const char *database, const char *user, const char *key);
char *odoo_rpc_body(const char *database, json_int_t uid, const char *key,
    const struct odoo_call *call, json_int_t company);
char *odoo_json2_body(const struct odoo_call *call, json_int_t company);

/* --- answers --------------------------------------------------------------------------------- */

/* What was called gave *out (a new reference): 0, or -1 with err: ERR_AUTH the key, ERR_DENIED a
 * right, ERR_NOT_FOUND a record that is gone, ERR_INVALID a rule, ERR_UNAVAILABLE its database,
 * ERR_PROTOCOL others. Errors of JSON-RPC come with status 200. */
int odoo_result(const struct http_answer *a, bool json2, json_t **out, struct err *err);
/* Which of the fields that we asked for a contact has (fields_get): 0, or -1: one that we cannot be
 * without is missing. */
int odoo_take_schema(const json_t *result, struct odoo_fields *f, struct err *err);
/* 7 or [7]: an id; 0: none. */
json_int_t odoo_id(const json_t *result);
/* The message that a note's message_id names: its id; false: none of ours. */
#define ODOO_MESSAGE_SIZE 27
bool odoo_message_of(const char *message_id, char out[ODOO_MESSAGE_SIZE]);

/* --- contacts: new references ---------------------------------------------------------------- */

/* Names of the fields that we ask fields_get about, and read. */
json_t *odoo_asked_fields(const struct odoo_fields *f);
json_t *odoo_card_fields(const struct odoo_fields *f);
/* Contacts that may be his: those with our mark; those that what is proven finds, NULL: nothing is.
 */
json_t *odoo_mark_domain(const struct odoo_fields *f, const struct crm_flow_who *who);
json_t *odoo_find_domain(const struct odoo_fields *f, const struct crm_flow_who *who);
/* All ways that a contact holds: [{"kind","value"}..], the kind "mark" too. */
json_t *odoo_ways(const struct odoo_fields *f, const json_t *record);
/* A new contact, with a lead where wanted. utm: {"source_id":7..}; NULL none. */
json_t *odoo_contact(
    const struct odoo_fields *f, const struct crm_flow_who *who, const json_t *utm);
/* What is to be written so that it has what is missing: empty fields only, and the list of
 * messengers. plain: no number and no address. */
json_t *odoo_changes(
    const struct odoo_fields *f, const json_t *record, const json_t *missing, bool plain);
/* What the client's visit was led by: its source, medium, campaign (0..2); NULL. Borrowed. */
const char *odoo_utm(const json_t *client, unsigned which);

#endif
