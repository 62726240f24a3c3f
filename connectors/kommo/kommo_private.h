/* kommo_private.h - what the files of this folder share. */
#ifndef SB_CONNECTORS_KOMMO_KOMMO_PRIVATE_H
#define SB_CONNECTORS_KOMMO_KOMMO_PRIVATE_H

#include "connectors/kommo/kommo_answer.h"
#include "core/crm/crm_call.h"
#include "core/crm/crm_flow.h"

#define KOMMO_OPENED 1024 /* chats that are known to be linked to a contact */
#define KOMMO_OPENED_SIZE 64

struct kommo_opened {
    char key[KOMMO_OPENED_SIZE]; /* "<thread>/<contact>" */
    uint64_t until;              /* clock_mono_ms; then it is looked at again */
};

#define KOMMO_PAGE "250" /* elements of a list at once */

struct chat_call;

/* The service of chats (amojo). */
struct kommo_chat {
    bool on;
    char *url;                                  /* "https://amojo.kommo.com" */
    const char *channel, *secret, *title, *bot; /* the settings' */
    const char *const *users;
    char *account, *scope; /* NULL: to be asked for */
    bool connecting;
    struct chat_call *waiting, **tail; /* for the scope */
    struct crm_calls *calls;
    struct kommo_opened *opened;
};

struct kommo {
    struct crm_flow flow;  /* first: the core gives us a pointer to its base */
    struct crm_flow panel; /* for who only looks */
    char *url;             /* "https://shop.kommo.com" */
    const char *token;     /* the settings'; "": by OAuth2 */
    struct {
        const char *client_id, *client_secret, *redirect_uri, *refresh;
        struct crm_token *token;
    } oauth;
    struct kommo_contact_options contacts;
    bool leads;
    const char *const *lead_fields;
    long long pipeline;
    const char *hook_secret; /* the settings'; "" the account tells of no changes */
    struct crm_calls_options options;
    struct crm_calls *calls;
    uint64_t blocked_until; /* clock_mono_ms; the address is blocked: nothing is asked */
    unsigned excess;        /* answers 429 in a row */
    char *drive;            /* where files go; NULL: to be asked for */
    bool ended;
    struct kommo_chat chat;
};

static inline struct kommo *kommo_of(struct crm *c) {
    return (struct kommo *)c;
}

/* When a server wants to be asked again: an hour at most; 0 it did not say. */
static inline unsigned kommo_retry_ms(const struct http_answer *a) {
    long s = a ? a->retry_after_s : 0;
    return s <= 0 ? 0 : (unsigned)(s < 3600 ? s : 3600) * 1000;
}

/* --- kommo_api.c ----------------------------------------------------------------------------- */

/* One request of API v4; path: "/contacts?query=..". Takes body (NULL none). result: JSON null when
 * the answer has no body. Completes exactly once, later. ERR_AUTH also when our address is blocked.
 */
void kommo_call(
    struct kommo *k, const char *method, const char *path, json_t *body, crm_step_fn fn, void *arg);
/* The same to any address of theirs, with any body. type: NULL there is none. */
void kommo_call_url(struct kommo *k, const char *method, const char *url, struct span body,
    const char *type, const char *about, crm_step_fn fn, void *arg);
void kommo_api_stop(struct kommo *k);

/* --- kommo_token.c --------------------------------------------------------------------------- */

void kommo_token_start(struct kommo *k);
void kommo_token_stop(struct kommo *k);

/* --- kommo_card.c, kommo_note.c -------------------------------------------------------------- */

extern const struct crm_flow_ops kommo_flow_ops, kommo_panel_ops;

void kommo_look(struct crm *c, const char *card, crm_step_fn fn, void *arg);
void kommo_find(struct crm *c, const struct crm_flow_who *who, crm_step_fn fn, void *arg);
void kommo_create(struct crm *c, const struct crm_flow_who *who, crm_step_fn fn, void *arg);
void kommo_add(struct crm *c, const char *card, const struct crm_flow_who *who,
    const json_t *missing, crm_step_fn fn, void *arg);
void kommo_assign(struct crm *c, const char *card, const char *user, crm_step_fn fn, void *arg);
void kommo_rename(struct crm *c, const char *card, const char *name, crm_step_fn fn, void *arg);
void kommo_upload(
    struct crm *c, const char *card, const json_t *attachment, crm_step_fn fn, void *arg);
/* After a refusal: ends with ERR_NOT_FOUND when what is at path is gone, else with the refusal. */
void kommo_is_it_gone(
    struct kommo *k, const char *path, const struct err *refusal, crm_step_fn fn, void *arg);

/* --- kommo_chat.c ---------------------------------------------------------------------------- */

/* One request to the service of chats, within our scope; suffix: "/chats". Connects when there is
 * no scope, and once more when it is gone. As kommo_call(). */
void kommo_chat_call(struct kommo *k, const char *suffix, const char *method, const char *query,
    json_t *body, crm_step_fn fn, void *arg);
/* Our account in the service of chats, k->chat.account: asked for when it is not known yet. */
void kommo_chat_account(struct kommo *k, crm_step_fn fn, void *arg);
void kommo_chat_start(struct kommo *k);
void kommo_chat_stop(struct kommo *k);
void kommo_chat_finish(struct kommo *k);

/* --- kommo_talk.c, kommo_hook.c -------------------------------------------------------------- */

void kommo_talk_attach(struct kommo *k, const struct crm_attach *a, crm_done_fn fn, void *arg);
void kommo_talk_entries(struct kommo *k, const char *card, crm_step_fn fn, void *arg);
/* A hook comes once: what operators wrote in this chat within a day is taken again, which changes
 * nothing where it was taken before. */
void kommo_talk_catch_up(
    struct kommo *k, const char *chat, const char *thread, crm_step_fn fn, void *arg);
/* Tells the status of a message that the service of chats calls id. Takes body. */
void kommo_talk_status(struct kommo *k, const char *id, json_t *body, crm_step_fn fn, void *arg);
void kommo_webhook(struct crm *c, struct http_exchange *x);
void kommo_take(struct crm *c, const json_t *event, crm_done_fn fn, void *arg);

#endif
