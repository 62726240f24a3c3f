/* crm_token.h - one access token of a CRM for all workers (OAuth2 with refresh tokens that can be
 * used once): asked for by one worker at a time, and on disk before it is used. */
#ifndef SB_CORE_CRM_TOKEN_H
#define SB_CORE_CRM_TOKEN_H

#include "core/crm.h"
#include "net/http_client.h"

/* What a token server gave; both from mem_strdup(), owned by whoever gets them. */
struct crm_tokens {
    char *access, *refresh;
    int64_t expires_s; /* 0: until somebody refuses it */
};

struct crm_token_options {
    const char *of;      /* whose tokens they are, of any length: what was kept for another account
                            is not looked at */
    const char *refresh; /* the first one, as an admin wrote it; borrowed for good */
    void *owner;
    /* Asks for new tokens; fn is called later, once. The call can be cancelled. */
    struct http_call *(*ask)(void *owner, const char *refresh, http_answer_fn fn, void *arg);
    /* 0, or -1 with err: ERR_UNAVAILABLE, ERR_TIMEOUT, ERR_IO pass; others are ERR_AUTH for
     * whoever waits. */
    int (*read)(const struct http_answer *a, struct crm_tokens *out, struct err *err);
};

struct crm_token;

struct crm_token *crm_token_create(struct crm *c, const struct crm_token_options *o);
/* The access token, valid during the call of fn only; NULL exactly when err is not. Never inside
 * the call. */
typedef void (*crm_token_fn)(void *arg, const char *token, const struct err *err);
void crm_token_get(struct crm_token *t, crm_token_fn fn, void *arg);
/* A server did not take this one: not to be given again. */
void crm_token_refused(struct crm_token *t, const char *token);
/* Whoever waits is told ERR_UNAVAILABLE. */
void crm_token_destroy(struct crm_token **t);

#endif
