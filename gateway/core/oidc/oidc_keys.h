/* oidc_keys.h - the keys that a provider signs with (RFC 7517). Pure. */
#ifndef SB_CORE_OIDC_KEYS_H
#define SB_CORE_OIDC_KEYS_H

#include "base/err.h"
#include "base/pubkey.h"
#include "base/span.h"

#define OIDC_KEYS_MAX 32u
#define OIDC_KID_SIZE 256

struct oidc_keys {
    struct {
        struct pubkey *key;
        char kid[OIDC_KID_SIZE]; /* "" it has none */
    } of[OIDC_KEYS_MAX];
    size_t n;
};

/* Those of the document that can check RS256 or ES256; others are passed over. 0, or -1 with err
 * (ERR_PROTOCOL) when there is none, and nothing to free. */
int oidc_keys_read(struct span body, struct oidc_keys *out, struct err *err);
void oidc_keys_free(struct oidc_keys *keys);

/* The key of this kind and name; kid "": the only one of the kind. NULL: none, or not clear which.
 */
const struct pubkey *oidc_keys_find(
    const struct oidc_keys *keys, enum pubkey_kind kind, const char *kid);

#endif
