/* email_oauth.h - access tokens of one account (RFC 6749): fetched by the refresh token (6), or for
 * an application itself (4.4: Microsoft 365), five minutes ahead of their end, by one request at a
 * time however many ask. A refresh token that the server changed is handed over to be kept. */
#ifndef SB_CONNECTORS_EMAIL_EMAIL_OAUTH_H
#define SB_CONNECTORS_EMAIL_EMAIL_OAUTH_H

#include <stdbool.h>

#include "base/err.h"
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

/* The server gave another refresh token: keep it before the next restart. The old one may be dead
 * by now. */
typedef void (*email_oauth_keep_fn)(void *arg, const char *refresh_token);

/* token is NULL exactly when err is not. ERR_DENIED: the account has to be connected anew, or
 * client id and secret are wrong; asking again is of no use until the admin did something, or
 * email_oauth_set_refresh_token() brought another token. ERR_UNAVAILABLE, ERR_TIMEOUT: later.
 * ERR_PROTOCOL: the answer makes no sense. */
typedef void (*email_oauth_fn)(void *arg, const char *token, const struct err *err);

/* Strings are copied; http is borrowed. */
struct email_oauth *email_oauth_create(const struct env *env, struct http_client *http,
    const struct email_oauth_account *account, email_oauth_keep_fn keep, void *arg);
void email_oauth_destroy(struct email_oauth **o); /* who waits gets ERR_UNAVAILABLE */

/* A token that is good for some minutes. Never calls fn inside. */
struct email_oauth_wait *email_oauth_token(struct email_oauth *o, email_oauth_fn fn, void *arg);
void email_oauth_cancel(struct email_oauth_wait *w); /* fn is not called any more */
/* A server refused this access token: it is not given again. */
void email_oauth_refused(struct email_oauth *o, const char *token);
/* Another worker was given a new one and kept it. */
void email_oauth_set_refresh_token(struct email_oauth *o, const char *refresh_token);

#endif
