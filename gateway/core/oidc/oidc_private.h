/* oidc_private.h - what oidc.c and oidc_finish.c share: a provider and its two documents. */
#ifndef SB_CORE_OIDC_PRIVATE_H
#define SB_CORE_OIDC_PRIVATE_H

#include "core/oidc/oidc.h"
#include "core/oidc/oidc_keys.h"
#include "core/oidc/oidc_metadata.h"

#define OIDC_ANSWER_MAX (512u << 10)

typedef void (*oidc_ready_fn)(void *arg, const struct err *err);

struct oidc_wait {
    struct oidc_wait *next;
    oidc_ready_fn fn;
    void *arg;
};

/* A document of the provider's. */
struct oidc_paper {
    struct oidc *o;
    const char *what; /* for sentences */
    int (*take)(struct oidc *o, struct span body, struct err *err);
    struct http_call *call;
    struct oidc_wait *waits, **waits_end;
    uint64_t good_until_ms, asked_ms; /* clock_mono_ms */
    struct err failed;                /* the last time */
    bool serving;                     /* soon */
};

struct oidc {
    struct env env;
    struct http_client *http;
    const struct settings *settings;
    struct oidc_rules rules;
    const char *issuer, *client_id, *client_secret;
    bool allow_private, leaves_there;
    unsigned timeout_ms;
    char *redirect_url, *discovery_url, *home_url;
    struct oidc_paper metadata_paper, keys_paper;
    struct oidc_metadata metadata;
    struct oidc_keys keys;
    uint64_t keys_renewed_ms;         /* before their time; 0 never */
    struct oidc_finishing *finishing; /* under way */
    bool stopped;
};

/* Calls fn when the document is there and not too old. The keys: after the metadata. */
void oidc_need(struct oidc_paper *p, oidc_ready_fn fn, void *arg);
/* The keys are not what the provider signs with (any more): the next who needs them gets them anew.
 * False: they are new since just now, and it is not done for each token that somebody makes up. */
bool oidc_keys_are_old(struct oidc *o);

/* Ends all that is under way (oidc_finish.c); the papers' waits have been ended before. */
void oidc_finishing_cancel(struct oidc *o);

#endif
