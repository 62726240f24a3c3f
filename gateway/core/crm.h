/* crm.h - the contract between the core and a CRM adapter: the same shape as connector.h. An
 * adapter is a folder under connectors/ that exports one `const struct crm_ops`; `cards` is the
 * model.
 *
 * The core calls for one thread one at a time and in order, for many threads at once. Every call is
 * answered exactly once through its done function. Everything may come twice (at least once): the
 * adapter makes it exactly once by the message's id. */
#ifndef SB_CORE_CRM_H
#define SB_CORE_CRM_H

#include <jansson.h>

#include "base/err.h"
#include "config/setting.h"
#include "loop/loop.h"

#define CRM_API 1

struct crm;

enum {
    CRM_SEARCH = 1 << 0,  /* full-text search over messages */
    CRM_HISTORY = 1 << 1, /* can give old messages back */
    CRM_FILES = 1 << 2
};

/* err NULL: done. Otherwise ERR_UNAVAILABLE and ERR_TIMEOUT are tried again, the rest is final
 * (dead letter). card_id is set by ensure_card only: the card's id in the CRM. */
typedef void (*crm_done_fn)(void *arg, const char *card_id, const struct err *err);
/* result is borrowed. */
typedef void (*crm_result_fn)(void *arg, const json_t *result, const struct err *err);

struct crm_ops {
    unsigned api;
    const char *name; /* "cards" */
    unsigned caps;
    size_t size;
    const struct setting *settings;
    const char *help;

    int (*init)(struct crm *c, const struct settings *s, const char *data_dir, struct err *err);
    int (*start)(struct crm *c, struct err *err);

    /* Finds the client's card (by our client id, phone, e-mail, identity) or makes it; updates
     * name and identities on it. client: openapi "Client". */
    void (*ensure_card)(struct crm *c, const json_t *client, crm_done_fn fn, void *arg);
    /* Puts one message on the card. message: openapi "Message" (its id is the idempotency key). */
    void (*attach)(
        struct crm *c, const char *card_id, const json_t *message, crm_done_fn fn, void *arg);
    /* The card of client `from` is the same person as `into`: one card stays (into's). */
    void (*merge)(
        struct crm *c, const char *from_client, const char *into_client, crm_done_fn fn, void *arg);

    /* What follows may be NULL where caps do not say so. */
    /* Full-text search: {"hits":[{"message","thread","client","seq","snippet","at"}]}, newest
     * first; the snippet is plain text with U+2066..U+2069-free marks «[» and «]» around hits. */
    void (*search)(struct crm *c, const char *query, unsigned limit, crm_result_fn fn, void *arg);
    /* Messages of a thread with seq < before (before < 0: newest), at most limit, ascending:
     * {"messages":[...]} */
    void (*history)(struct crm *c, const char *thread, int64_t before, unsigned limit,
        crm_result_fn fn, void *arg);
    /* The card: {"card":{"id","name","phone","email","fields":{..},"messages":n,"created_at"}},
     * or {"card":null}. */
    void (*card)(struct crm *c, const char *client, crm_result_fn fn, void *arg);
    /* Changes the card's fields {"name","phone","email","note"}: all optional strings. */
    void (*update_card)(
        struct crm *c, const char *client, const json_t *fields, crm_done_fn fn, void *arg);

    void (*stop)(struct crm *c);   /* calls in flight still finish */
    void (*finish)(struct crm *c); /* frees what init and start took, not c */
};

struct crm {
    const struct crm_ops *ops;
    const char *target; /* the section's title: "main" */
    const struct env *env;
};

#endif
