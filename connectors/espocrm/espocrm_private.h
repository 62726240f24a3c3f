/* espocrm_private.h - what the files of this folder share. */
#ifndef SB_CONNECTORS_ESPOCRM_ESPOCRM_PRIVATE_H
#define SB_CONNECTORS_ESPOCRM_ESPOCRM_PRIVATE_H

#include "connectors/espocrm/espocrm_wire.h"
#include "core/crm/crm_call.h"
#include "core/crm/crm_flow.h"

struct espocrm {
    struct crm_flow flow; /* first: the core gives us a pointer to its base */
    char *url;            /* "https://crm.example.org", no slash at its end */
    const char *key;      /* the settings' */
    struct espocrm_fields fields;
    const char *const *hooks; /* "id:secret key" of EspoCRM's webhooks */
    const char *reply_prefix; /* of posts that are answers */
    bool replies_all;         /* everybody there may write to clients, not only `users` */
    struct crm_calls_options options;
    struct crm_calls *calls;
};

static inline struct espocrm *espocrm_of(struct crm *c) {
    return (struct espocrm *)c;
}

/* --- espocrm_call.c -------------------------------------------------------------------------- */

/* One request to "api/v1/<path>". body: NULL none; taken. result is NULL when there is err, but for
 * ERR_CONFLICT: then it is the list of duplicates. Completes exactly once, later. */
void espocrm_call(struct espocrm *e, const char *method, const char *path, json_t *body,
    crm_step_fn fn, void *arg);
/* A record is made though others are like it. */
void espocrm_call_anyway(
    struct espocrm *e, const char *path, json_t *body, crm_step_fn fn, void *arg);
/* One record by its id. */
void espocrm_call_record(struct espocrm *e, const char *method, const char *entity, const char *id,
    json_t *body, crm_step_fn fn, void *arg);

extern const struct crm_flow_ops espocrm_flow_ops;

/* --- espocrm_card.c, espocrm_note.c: struct crm_flow_ops ------------------------------------- */

void espocrm_look(struct crm *c, const char *card, crm_step_fn fn, void *arg);
void espocrm_find(struct crm *c, const struct crm_flow_who *who, crm_step_fn fn, void *arg);
void espocrm_create(struct crm *c, const struct crm_flow_who *who, crm_step_fn fn, void *arg);
void espocrm_add(struct crm *c, const char *card, const struct crm_flow_who *who,
    const json_t *missing, crm_step_fn fn, void *arg);
void espocrm_assign(struct crm *c, const char *card, const char *user, crm_step_fn fn, void *arg);
void espocrm_rename(struct crm *c, const char *card, const char *name, crm_step_fn fn, void *arg);

void espocrm_entries(struct crm *c, const char *card, const char *mark, crm_step_fn fn, void *arg);
void espocrm_write(struct crm *c, const struct crm_flow_entry *e, crm_step_fn fn, void *arg);
void espocrm_rewrite(
    struct crm *c, const char *id, const struct crm_flow_entry *e, crm_step_fn fn, void *arg);
void espocrm_upload(
    struct crm *c, const char *card, const json_t *attachment, crm_step_fn fn, void *arg);

/* --- espocrm_back.c --------------------------------------------------------------------------- */

void espocrm_webhook(struct crm *c, struct http_exchange *x);
void espocrm_take(struct crm *c, const json_t *event, crm_done_fn fn, void *arg);
void espocrm_status(struct crm *c, const struct crm_attach *a, crm_step_fn fn, void *arg);

#endif
