/* oidc.h - signing in by another's word: an OpenID Connect provider, found by discovery. It is
 * asked for a code by way of the browser (authorization code with PKCE S256, state and nonce; RFC
 * 9700), the code is turned into an ID token here, and what that says of the person is believed
 * when all of it is right. Who it is then, and opening his session, is vouched.h.
 *
 * Its documents are fetched when they are needed and believed for an hour; of many who need one at
 * once, one request is made. Everything completes exactly once, never inside the call. */
#ifndef SB_CORE_OIDC_H
#define SB_CORE_OIDC_H

#include "config/setting.h"
#include "core/oidc/oidc_person.h"
#include "core/oidc/oidc_round.h"
#include "loop/loop.h"
#include "net/http_client.h"

struct oidc;

/* s: of the section oidc "name" { }; it must outlive this, as http must (NULL: only its settings
 * are tried). public_url "" is refused. NULL with err: what is wrong with the settings. */
struct oidc *oidc_create(const struct env *env, struct http_client *http, const struct settings *s,
    const char *public_url, struct err *err);
void oidc_stop(struct oidc *o); /* what is under way ends with ERR_UNAVAILABLE, and what comes */
void oidc_destroy(struct oidc **o);

const char *oidc_id(const struct oidc *o);           /* of the section: "corp" */
const char *oidc_name(const struct oidc *o);         /* as people call it: "Corp" */
const char *oidc_redirect_url(const struct oidc *o); /* to be registered there */
bool oidc_makes_agents(const struct oidc *o);
int64_t oidc_session_ms(const struct oidc *o);

/* Where the browser is to be sent. url is NULL exactly when err is not. ERR_UNAVAILABLE,
 * ERR_TIMEOUT: the provider does not answer; ERR_PROTOCOL: what it answers cannot be believed. */
typedef void (*oidc_url_fn)(void *arg, const char *url, const struct err *err);
void oidc_begin(struct oidc *o, const struct oidc_round *round, oidc_url_fn fn, void *arg);

/* Where the browser is to be sent that has signed out here and is to do so there (OpenID Connect
 * RP-Initiated Logout 1.0). url NULL without err: the provider has no such page. */
void oidc_leave(struct oidc *o, oidc_url_fn fn, void *arg);
bool oidc_leaves_there(const struct oidc *o); /* as the section wants it */
bool oidc_can_leave(const struct oidc *o);    /* as its documents say, once they are there */

/* The browser has come back with a code. issuer: who says so (RFC 9207), or NULL. Besides the above
 * ERR_DENIED: the provider knows him, but he may not come in. */
typedef void (*oidc_person_fn)(void *arg, const struct oidc_person *who, const struct err *err);
void oidc_finish(struct oidc *o, const struct oidc_round *round, const char *code,
    const char *issuer, oidc_person_fn fn, void *arg);

/* Are its documents there, and good? keys: how many it signs with. */
typedef void (*oidc_check_fn)(void *arg, size_t keys, const struct err *err);
void oidc_check(struct oidc *o, oidc_check_fn fn, void *arg);

#endif
