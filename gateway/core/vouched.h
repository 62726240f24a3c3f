/* vouched.h - a sign-in for which a provider vouches instead of a password (core/oidc/oidc.h): the
 * same session, audit entry and refusals. The provider's word counts for the second factor, too. */
#ifndef SB_CORE_VOUCHED_H
#define SB_CORE_VOUCHED_H

#include "core/oidc/oidc_person.h"
#include "core/users.h"

struct vouched {
    const char *provider;          /* its id */
    const struct oidc_person *who; /* a role is given to him before he comes in */
    bool create;                   /* make an agent of who is none yet */
    int64_t session_ms;            /* his session ends after so long in all */
    const char *peer, *browser;    /* as in struct sign_in; browser may be NULL */
};

/* All is copied. ERR_DENIED: he is no agent, disabled, or not the one whom the provider has meant
 * by this agent before. */
void users_vouched(struct users *u, const struct vouched *v, users_login_fn fn, void *arg);

#endif
