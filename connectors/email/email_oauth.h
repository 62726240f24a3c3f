/* email_oauth.h - access tokens of one account (RFC 6749): fetched by the refresh token (6), or for
 * an application itself (4.4: Microsoft 365), five minutes ahead of their end. All workers and
 * doctor share them: one asks the server at a time, and what it gives is on disk before it is used,
 * for a refresh token that the server changed is good once. */
#ifndef SB_CONNECTORS_EMAIL_EMAIL_OAUTH_H
#define SB_CONNECTORS_EMAIL_EMAIL_OAUTH_H

#include <stdbool.h>

#include "base/err.h"
#include "base/span.h"
#include "loop/loop.h"
#include "net/http_client.h"

struct email_oauth;
struct email_oauth_wait;

struct email_oauth_account {
    const char *token_url; /* https://oauth2.googleapis.com/token */
    const char *client_id;
    const char *client_secret;       /* "" a public client: none is sent */
    const char *refresh_token;       /* "" by client credentials */
    const char *scope;               /* "" not sent */
    bool allow_private, allow_plain; /* as in http_client.h */
};

/* Where the tokens are kept for all: a text, and a lock. Each fn once, not inside, and also when
 * the account was destroyed meanwhile. */
struct email_oauth_keeper {
    void (*load)(void *arg, void (*fn)(void *o, struct span text, const struct err *err), void *o);
    void (*save)(void *arg, struct span text, void (*fn)(void *o, const struct err *err), void *o);
    void (*lock)(
        void *arg, unsigned ms, void (*fn)(void *o, bool got, const struct err *err), void *o);
    void (*unlock)(void *arg);
    void *arg;
};

/* token is NULL exactly when err is not. ERR_DENIED: the account has to be connected anew, or
 * client id and secret are wrong; asking again is of no use until the admin did something.
 * ERR_UNAVAILABLE, ERR_TIMEOUT: later. ERR_PROTOCOL: the answer makes no sense. */
typedef void (*email_oauth_fn)(void *arg, const char *token, const struct err *err);

/* Strings are copied, and keeper; http is borrowed. What was kept for another account (another
 * refresh_token in the configuration) is none of this one's; with another scope or token_url only
 * the access token is asked for anew. */
struct email_oauth *email_oauth_create(const struct env *env, struct http_client *http,
    const struct email_oauth_account *account, const struct email_oauth_keeper *keeper);
void email_oauth_destroy(struct email_oauth **o); /* who waits gets ERR_UNAVAILABLE */

/* A token that is good for some minutes. Never calls fn inside. */
struct email_oauth_wait *email_oauth_token(struct email_oauth *o, email_oauth_fn fn, void *arg);
void email_oauth_cancel(struct email_oauth_wait *w); /* fn is not called any more */
/* A server refused this access token (NULL: the one that was given last): it is not given again. */
void email_oauth_refused(struct email_oauth *o, const char *token);

#endif
