/* crypto.c - randomness, hashes and comparisons of secrets, over libsodium; what signs whole bodies
 * is OpenSSL's, which has SHA-256 in the processor. */
#include "base/crypto.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

int crypto_start(void) {
    return sodium_init() < 0 ? -1 : 0;
}

void crypto_sha256(struct span data, unsigned char out[32]) {
    if (!EVP_Digest(data.n ? data.p : "", data.n, out, NULL, EVP_sha256(), NULL))
        abort(); /* there is no memory */
}

void crypto_sha256_hex(struct span data, char *out) {
    unsigned char h[32];
    crypto_sha256(data, h);
    sodium_bin2hex(out, CRYPTO_HEX_SIZE, h, sizeof h);
}

struct crypto_sha256 {
    EVP_MD_CTX *ctx;
};

struct crypto_sha256 *crypto_sha256_begin(void) {
    struct crypto_sha256 *s = mem_alloc(sizeof *s);
    s->ctx = EVP_MD_CTX_new();
    if (!s->ctx || !EVP_DigestInit_ex(s->ctx, EVP_sha256(), NULL))
        abort(); /* there is no memory */
    return s;
}

void crypto_sha256_add(struct crypto_sha256 *s, struct span data) {
    if (data.n)
        EVP_DigestUpdate(s->ctx, data.p, data.n);
}

void crypto_sha256_end(struct crypto_sha256 **sp, unsigned char out[32]) {
    struct crypto_sha256 *s = *sp;
    if (!s)
        return;
    if (out)
        EVP_DigestFinal_ex(s->ctx, out, NULL);
    EVP_MD_CTX_free(s->ctx);
    free(s);
    *sp = NULL;
}

void crypto_hmac_sha256(struct span key, struct span data, unsigned char out[32]) {
    unsigned n = 32;
    if (!HMAC(EVP_sha256(), key.n ? key.p : "", (int)key.n, (const unsigned char *)data.p, data.n,
            out, &n))
        abort(); /* there is no memory */
}

void crypto_hmac_sha256_hex(struct span key, struct span data, char *out) {
    unsigned char h[32];
    crypto_hmac_sha256(key, data, h);
    sodium_bin2hex(out, CRYPTO_HEX_SIZE, h, sizeof h);
}

void crypto_hmac_for(
    const char *secret, const char *purpose, struct span data, unsigned char out[32]) {
    unsigned char key[32];
    crypto_hmac_sha256(span_str(secret), span_str(purpose), key);
    crypto_hmac_sha256(span_of((const char *)key, sizeof key), data, out);
    sodium_memzero(key, sizeof key);
}

void crypto_md5_hex(struct span data, char out[CRYPTO_MD5_SIZE]) {
    unsigned char h[16];
    if (EVP_Digest(data.p, data.n, h, NULL, EVP_md5(), NULL) != 1)
        abort(); /* there is no memory */
    sodium_bin2hex(out, CRYPTO_MD5_SIZE, h, sizeof h);
}

void crypto_hmac_sha1(struct span key, struct span data, unsigned char out[20]) {
    unsigned n = 20;
    if (!HMAC(EVP_sha1(), key.p, (int)key.n, (const unsigned char *)data.p, data.n, out, &n))
        abort(); /* there is no memory */
}

void crypto_hmac_sha1_hex(struct span key, struct span data, char out[CRYPTO_SHA1_SIZE]) {
    unsigned char h[20];
    crypto_hmac_sha1(key, data, h);
    sodium_bin2hex(out, CRYPTO_SHA1_SIZE, h, sizeof h);
}

void crypto_token(char out[CRYPTO_TOKEN_SIZE]) {
    unsigned char rnd[32];
    randombytes_buf(rnd, sizeof rnd);
    sodium_bin2base64(
        out, CRYPTO_TOKEN_SIZE, rnd, sizeof rnd, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    sodium_memzero(rnd, sizeof rnd);
}

int crypto_stretch(struct span secret, struct span salt, char out[CRYPTO_HEX_SIZE]) {
    unsigned char h[crypto_hash_sha256_BYTES], key[32];
    crypto_hash_sha256(h, (const unsigned char *)salt.p, salt.n); /* its first 16 bytes */
    int rc = crypto_pwhash(
        key, sizeof key, secret.p, secret.n, h, 2, 16u << 20, crypto_pwhash_ALG_ARGON2ID13);
    if (rc == 0)
        sodium_bin2hex(out, CRYPTO_HEX_SIZE, key, sizeof key);
    sodium_memzero(key, sizeof key);
    return rc == 0 ? 0 : -1;
}

bool crypto_equal(struct span a, struct span b) {
    return a.n == b.n && (a.n == 0 || sodium_memcmp(a.p, b.p, a.n) == 0);
}

char *crypto_base64url(const void *p, size_t n) {
    size_t size = sodium_base64_encoded_len(n, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    char *out = mem_alloc(size);
    return sodium_bin2base64(out, size, p, n, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

long crypto_base64url_decode(struct span text, void *out, size_t out_size) {
    size_t n = 0;
    const char *end = NULL;
    if (text.n == 0)
        return 0;
    if (sodium_base642bin(out, out_size, text.p, text.n, NULL, &n, &end,
            sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0 ||
        end != text.p + text.n)
        return -1;
    return (long)n;
}
