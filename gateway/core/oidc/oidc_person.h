/* oidc_person.h - which agent it is whom a provider has signed in, and what he may, by the claims
 * about him. Pure. */
#ifndef SB_CORE_OIDC_PERSON_H
#define SB_CORE_OIDC_PERSON_H

#include <jansson.h>
#include <stdbool.h>

#include "base/crypto.h"
#include "base/err.h"
#include "core/users.h"

#define OIDC_CLAIM_MAX 128u /* bytes of a claim's name, by the settings */

/* What the section says; all borrowed, lists are NULL-ended. */
struct oidc_rules {
    const char *claim;                        /* has the agent's name */
    const char *const *domains;               /* of mail addresses; empty: names are no addresses */
    const char *role_claim;                   /* or the way to it: "a.b"; "" roles are given here */
    const char *const *roles[ROLE_ADMIN + 1]; /* by role: the words of role_claim that give it */
};

struct oidc_person {
    char name[65];
    char display_name[129];     /* "" not said */
    char mark[CRYPTO_HEX_SIZE]; /* issuer and sub: him, whatever he is called */
    bool has_role;
    enum role role;
};

/* claims: of an ID token that was believed. 0, or -1 with err (ERR_DENIED): he may not come in. */
int oidc_person_read(const struct oidc_rules *rules, const char *issuer, const json_t *claims,
    struct oidc_person *out, struct err *err);
/* Is something missing without which he may not come in? */
bool oidc_person_lacks(const struct oidc_rules *rules, const json_t *claims);

#endif
