/* crypto.h - randomness, hashes and comparisons of secrets, over libsodium. crypto_start() first.
 */
#ifndef SB_BASE_CRYPTO_H
#define SB_BASE_CRYPTO_H

#include <stdbool.h>
#include <stddef.h>

#include "base/span.h"

#define CRYPTO_HEX_SIZE 65   /* SHA-256 or HMAC-SHA256 in hex, with its NUL */
#define CRYPTO_TOKEN_SIZE 44 /* 32 random bytes in base64url, with its NUL */

int crypto_start(void); /* once a process; 0 or -1 */

/* Lower-case hex. out holds CRYPTO_HEX_SIZE bytes. */
void crypto_sha256_hex(struct span data, char *out);
void crypto_sha256(struct span data, unsigned char out[32]);
void crypto_hmac_sha256_hex(struct span key, struct span data, char *out);
void crypto_hmac_sha256(struct span key, struct span data, unsigned char out[32]);

/* HMAC-SHA256 under a key of its own for each purpose, which is made of the secret. */
void crypto_hmac_for(
    const char *secret, const char *purpose, struct span data, unsigned char out[32]);

/* MD5 and HMAC-SHA1 in lower-case hex, for APIs that sign so; neither is to be chosen. */
#define CRYPTO_MD5_SIZE 33
#define CRYPTO_SHA1_SIZE 41
void crypto_md5_hex(struct span data, char out[CRYPTO_MD5_SIZE]);
void crypto_hmac_sha1_hex(struct span key, struct span data, char out[CRYPTO_SHA1_SIZE]);
void crypto_hmac_sha1(struct span key, struct span data, unsigned char out[20]);

/* SHA-256 of what comes in pieces. end frees it; out NULL: that only. */
struct crypto_sha256;
struct crypto_sha256 *crypto_sha256_begin(void);
void crypto_sha256_add(struct crypto_sha256 *s, struct span data);
void crypto_sha256_end(struct crypto_sha256 **s, unsigned char out[32]);

/* 256 random bits as base64url without padding: session ids, API tokens. */
void crypto_token(char out[CRYPTO_TOKEN_SIZE]);

/* A key from a secret that people choose: slow (some 20 ms, 16 MB for that time) for whoever
 * guesses. The same salt gives the same key. 0, or -1: no memory. */
int crypto_stretch(struct span secret, struct span salt, char out[CRYPTO_HEX_SIZE]);

/* Constant time in the content; lengths may show. */
bool crypto_equal(struct span a, struct span b);

/* base64url without padding (RFC 4648 5). Encode: the caller frees. Decode: bytes written, or -1.
 */
char *crypto_base64url(const void *p, size_t n);
long crypto_base64url_decode(struct span text, void *out, size_t out_size);

#endif
