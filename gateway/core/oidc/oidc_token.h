/* oidc_token.h - the answer of a provider's token endpoint (RFC 6749 5) and the ID token in it
 * (OpenID Connect Core 1.0, 2 and 3.1.3). Pure. */
#ifndef SB_CORE_OIDC_TOKEN_H
#define SB_CORE_OIDC_TOKEN_H

#include <jansson.h>
#include <stdint.h>

#include "base/err.h"
#include "base/pubkey.h"
#include "base/span.h"
#include "core/oidc/oidc_keys.h"

#define OIDC_TOKEN_MAX (64u << 10)

struct oidc_answer {
    char *id_token, *access_token; /* visible ASCII */
};

/* 0, or -1 with err and nothing to free. ERR_UNAVAILABLE: the provider cannot serve now;
 * ERR_PROTOCOL: it says no (err names its reason, RFC 6749 5.2), or its answer makes no sense. */
int oidc_answer_read(int status, struct span body, struct oidc_answer *out, struct err *err);
void oidc_answer_free(struct oidc_answer *a);

/* An ID token taken apart; nothing of it is believed yet. Spans are of the token's text. */
struct oidc_token {
    enum pubkey_kind kind;   /* of the key that its alg wants */
    char kid[OIDC_KID_SIZE]; /* "" none is named */
    struct span signed_text, payload, signature;
};

/* Only RS256 and ES256: "none", and HS256 by what everybody knows, are refused here (ERR_PROTOCOL).
 * Addresses of keys in the header (jku, x5u) are not looked at. */
int oidc_token_read(const char *text, struct oidc_token *out, struct err *err);

struct oidc_expected {
    const char *issuer, *client_id, *nonce;
    const char *access_token; /* that came with it, for at_hash */
    int64_t now_s;
};

/* Its claims, when key has signed it and it is for us, of now and for this sign-in; the caller
 * decrefs. NULL with err (ERR_PROTOCOL). */
json_t *oidc_token_claims(const struct oidc_token *t, const struct pubkey *key,
    const struct oidc_expected *e, struct err *err);

/* What the userinfo endpoint says (5.3): an object, whose sub must be that of claims. Adds to
 * claims what is not there. 0, or -1 with err (ERR_PROTOCOL). */
int oidc_userinfo_add(struct span body, json_t *claims, struct err *err);

#endif
