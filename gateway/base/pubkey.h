/* pubkey.h - public keys of others, and what they have signed (RFC 7518 3.3, 3.4), over OpenSSL. */
#ifndef SB_BASE_PUBKEY_H
#define SB_BASE_PUBKEY_H

#include <stdbool.h>

#include "base/span.h"

enum pubkey_kind {
    PUBKEY_RSA, /* RS256: RSASSA-PKCS1-v1_5 with SHA-256 */
    PUBKEY_P256 /* ES256: ECDSA on P-256 with SHA-256, r and s of 32 bytes each */
};

struct pubkey;

/* Modulus and exponent, the highest byte first. NULL: not of 2048 to 8192 bits, or an exponent that
 * nobody uses. */
struct pubkey *pubkey_rsa(struct span n, struct span e);
/* A point of the curve, 32 bytes each. NULL: it is none. */
struct pubkey *pubkey_p256(struct span x, struct span y);
void pubkey_free(struct pubkey **k);

enum pubkey_kind pubkey_kind(const struct pubkey *k);
bool pubkey_verify(const struct pubkey *k, struct span data, struct span signature);

#endif
