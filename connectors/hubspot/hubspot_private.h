/* hubspot_private.h - what the files of this folder share. */
#ifndef SB_CONNECTORS_HUBSPOT_HUBSPOT_PRIVATE_H
#define SB_CONNECTORS_HUBSPOT_HUBSPOT_PRIVATE_H

#include "connectors/hubspot/hubspot_answer.h"
#include "core/crm/crm_call.h"
#include "core/crm/crm_flow.h"

struct hubspot_call;

struct hubspot {
    struct crm_flow flow; /* first: the core gives us a pointer to its base */
    struct hubspot_properties properties;
    struct hubspot_history history;
    const char *const *extra; /* properties of new contacts */
    struct hubspot_deals deals;
    const char *card_url; /* "https://.../{id}"; "" HubSpot's own */
    const char *folder;
    uint64_t file_max;
    char *objects;  /* "https://api.hubapi.com/crm/objects/2026-03" */
    char *messages; /* ".../conversations/custom-channels/2026-03/7/messages" */
    char *uploads;  /* "https://api.hubapi.com/files/2026-03/files" */
    char *renewals; /* "https://api.hubapi.com/oauth/v1/token" */
    char *auth;     /* the header with the token; NULL: to be had by renewing */
    const char *client_id, *client_secret, *refresh_token; /* of a public app; "" a fixed token */
    const char *channel, *account, *address; /* custom channel; "" the history is notes */
    const char *hook_token;                  /* the end of the address that HubSpot posts to */
    bool signed_only;
    bool renewing;
    struct hubspot_call *waiting; /* for a token */
    char *asked;                  /* "firstname,phone": of a contact */
    struct crm_calls_options options;
    unsigned searches_per_second;
    struct crm_calls *calls, *searches;
};

static inline struct hubspot *hubspot_of(struct crm *c) {
    return (struct hubspot *)c;
}

/* --- hubspot_call.c -------------------------------------------------------------------------- */

/* One request to h->objects and path; takes body (NULL: none). */
void hubspot_call(struct hubspot *h, const char *method, const char *path, json_t *body,
    crm_step_fn fn, void *arg);
/* The same to h->messages. */
void hubspot_channel_call(struct hubspot *h, const char *method, const char *path, json_t *body,
    crm_step_fn fn, void *arg);
/* A search: of these HubSpot takes few a second. */
void hubspot_search(struct hubspot *h, json_t *body, crm_step_fn fn, void *arg);
/* fn, at once or later, when there is a token; with the error when none is given. */
void hubspot_with_token(struct hubspot *h, crm_step_fn fn, void *arg);
/* Is a new token to be had for one that is over? */
bool hubspot_can_renew(const struct hubspot *h);
/* An upload with the token that is there; the parts' fd is taken. With ERR_AUTH the next one has a
 * new token. */
void hubspot_send(
    struct hubspot *h, const struct http_part *parts, size_t n, crm_step_fn fn, void *arg);
void hubspot_calls_stop(struct hubspot *h);
/* fn with this error, later. */
void hubspot_fail(struct hubspot *h, const struct err *err, crm_step_fn fn, void *arg);

/* --- hubspot_card.c, hubspot_entry.c: the single requests --------------------------------------
 */

void hubspot_look(struct crm *c, const char *card, crm_step_fn fn, void *arg);
void hubspot_find(struct crm *c, const struct crm_flow_who *who, crm_step_fn fn, void *arg);
void hubspot_create(struct crm *c, const struct crm_flow_who *who, crm_step_fn fn, void *arg);
void hubspot_add(struct crm *c, const char *card, const struct crm_flow_who *who,
    const json_t *missing, crm_step_fn fn, void *arg);
void hubspot_assign(struct crm *c, const char *card, const char *user, crm_step_fn fn, void *arg);
void hubspot_rename(struct crm *c, const char *card, const char *name, crm_step_fn fn, void *arg);
void hubspot_list_entries(
    struct crm *c, const char *card, const char *mark, crm_step_fn fn, void *arg);
void hubspot_write(struct crm *c, const struct crm_flow_entry *e, crm_step_fn fn, void *arg);
void hubspot_rewrite(
    struct crm *c, const char *id, const struct crm_flow_entry *e, crm_step_fn fn, void *arg);
void hubspot_upload(
    struct crm *c, const char *card, const json_t *attachment, crm_step_fn fn, void *arg);

/* --- hubspot_deal.c -------------------------------------------------------------------------- */

/* crm_ops.ensure_card, and a deal with it where wanted. */
void hubspot_ensure(
    struct crm *c, const json_t *client, const char *known, crm_done_fn fn, void *arg);

/* --- hubspot_inbox.c, hubspot_back.c: the custom channel ---------------------------------------
 */

bool hubspot_goes_to_inbox(const struct hubspot *h, const struct crm_attach *a);
void hubspot_inbox_attach(struct hubspot *h, const struct crm_attach *a, crm_done_fn fn, void *arg);
/* Of a message that an operator wrote: "SENT", "READ", "FAILED" and why. */
void hubspot_tell_status(struct hubspot *h, const char *id, const char *status, const char *why,
    crm_step_fn fn, void *arg);
void hubspot_on_hook(struct crm *c, struct http_exchange *x);
void hubspot_take(struct crm *c, const json_t *event, crm_done_fn fn, void *arg);

#endif
