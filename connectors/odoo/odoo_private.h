/* odoo_private.h - what the files of this folder share. */
#ifndef SB_CONNECTORS_ODOO_ODOO_PRIVATE_H
#define SB_CONNECTORS_ODOO_ODOO_PRIVATE_H

#include "connectors/odoo/odoo_wire.h"
#include "core/crm/crm_call.h"
#include "core/crm/crm_flow.h"

struct asked;

struct odoo {
    struct crm_flow flow;              /* first: the core gives us a pointer to its base */
    char *url;                         /* "https://crm.example.org", no slash at its end */
    const char *database, *user, *key; /* the settings' */
    bool json2;
    json_int_t company; /* 0: the user's */
    struct odoo_fields fields;
    const char *hook_secret, *reply_prefix; /* the settings' */
    bool replies_all;                       /* everybody there may write to clients */
    unsigned poll_ms;                       /* 0: never */
    struct loop_timer *poll_timer;
    bool polling;
    struct crm_calls_options options;
    struct crm_calls *calls;
    json_int_t uid; /* 0: not asked yet */
    bool ready;     /* we know who we are, and what a contact has */
    bool asking, ended;
    struct asked *waiting, **tail; /* until it is ready */
};

static inline struct odoo *odoo_of(struct crm *c) {
    return (struct odoo *)c;
}

/* --- odoo_call.c ----------------------------------------------------------------------------- */

/* Calls a method of a model, of the records ids (NULL: of the model itself), with these named
 * arguments; takes both. result is borrowed, NULL when there is err. Completes exactly once, later.
 */
void odoo_ask(struct odoo *o, const char *model, const char *method, json_t *ids, json_t *named,
    crm_step_fn fn, void *arg);
/* Records by a domain (taken), at most limit from offset on, as [{"id",..}..] with these fields
 * (taken). */
void odoo_search(struct odoo *o, const char *model, json_t *domain, json_t *fields, unsigned offset,
    unsigned limit, crm_step_fn fn, void *arg);
/* Goes on when we know what a contact has: at once, or later; or err tells why not. */
void odoo_ready(struct odoo *o, crm_step_fn fn, void *arg);
void odoo_call_stop(struct odoo *o);

/* --- odoo_card.c, odoo_note.c: struct crm_flow_ops ------------------------------------------- */

extern const struct crm_flow_ops odoo_flow_ops;

void odoo_look(struct crm *c, const char *card, crm_step_fn fn, void *arg);
void odoo_find(struct crm *c, const struct crm_flow_who *who, crm_step_fn fn, void *arg);
void odoo_create(struct crm *c, const struct crm_flow_who *who, crm_step_fn fn, void *arg);
void odoo_add(struct crm *c, const char *card, const struct crm_flow_who *who,
    const json_t *missing, crm_step_fn fn, void *arg);
void odoo_assign(struct crm *c, const char *card, const char *user, crm_step_fn fn, void *arg);
void odoo_rename(struct crm *c, const char *card, const char *name, crm_step_fn fn, void *arg);

void odoo_entries(struct crm *c, const char *card, const char *mark, crm_step_fn fn, void *arg);
void odoo_write(struct crm *c, const struct crm_flow_entry *e, crm_step_fn fn, void *arg);
void odoo_rewrite(
    struct crm *c, const char *id, const struct crm_flow_entry *e, crm_step_fn fn, void *arg);
void odoo_upload(
    struct crm *c, const char *card, const json_t *attachment, crm_step_fn fn, void *arg);

/* A note on a contact, that nobody is sent a mail of; name: its message_id; files: taken. */
void odoo_post(struct odoo *o, json_int_t card, const char *text, const char *name, json_t *files,
    crm_step_fn fn, void *arg);

/* --- odoo_file.c ----------------------------------------------------------------------------- */

#define ODOO_FILE_MAX ((size_t)20 * 1024 * 1024) /* both ways; in base64 it is a third more */

/* A note's attachments in media, in their order: an array as crm_fetch() gives one. */
void odoo_fetch(struct odoo *o, const json_t *ids, crm_result_fn fn, void *arg);

/* --- odoo_back.c, odoo_poll.c ---------------------------------------------------------------- */

void odoo_webhook(struct crm *c, struct http_exchange *x);
void odoo_take(struct crm *c, const json_t *event, crm_done_fn fn, void *arg);
void odoo_status(struct crm *c, const struct crm_attach *a, crm_step_fn fn, void *arg);
/* Looks for notes that are answers, now and then, on one worker at a time. */
void odoo_poll_start(struct odoo *o);

#endif
