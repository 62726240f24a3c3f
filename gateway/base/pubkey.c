/* pubkey.c - public keys and signatures. OpenSSL's queue of errors is emptied each time: curl's
 * TLS looks into the same one. */
#include "base/pubkey.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <stdlib.h>

#include "base/mem.h"

#define RSA_BITS_MIN 2048
#define RSA_BITS_MAX 8192
#define EXPONENT_BITS_MAX 64
#define HALF 32 /* bytes of a coordinate, and of r and s */

struct pubkey {
    EVP_PKEY *key;
    enum pubkey_kind kind;
};

static struct pubkey *made(EVP_PKEY *key, enum pubkey_kind kind) {
    struct pubkey *k = NULL;
    ERR_clear_error();
    if (!key)
        return NULL;
    k = mem_alloc(sizeof *k);
    *k = (struct pubkey){key, kind};
    return k;
}

/* Takes build's parameters; NULL when they make no good key. */
static EVP_PKEY *from_params(const char *type, OSSL_PARAM_BLD *build) {
    EVP_PKEY *key = NULL;
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    if (!params || !ctx || EVP_PKEY_fromdata_init(ctx) != 1 ||
        EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
        key = NULL;
    EVP_PKEY_CTX_free(ctx);
    OSSL_PARAM_free(params);
    return key;
}

struct pubkey *pubkey_rsa(struct span n_, struct span e_) {
    EVP_PKEY *key = NULL;
    if (n_.n > RSA_BITS_MAX / 8 + 1 || e_.n > EXPONENT_BITS_MAX / 8 + 1)
        return NULL;
    BIGNUM *n = BN_bin2bn((const unsigned char *)n_.p, (int)n_.n, NULL);
    BIGNUM *e = BN_bin2bn((const unsigned char *)e_.p, (int)e_.n, NULL);
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    bool good = n && e && build && BN_num_bits(n) >= RSA_BITS_MIN &&
                BN_num_bits(n) <= RSA_BITS_MAX && BN_is_odd(n) && BN_is_odd(e) && !BN_is_one(e) &&
                BN_num_bits(e) <= EXPONENT_BITS_MAX;
    if (good && OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
        OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e) == 1)
        key = from_params("RSA", build);
    OSSL_PARAM_BLD_free(build);
    BN_free(n);
    BN_free(e);
    return made(key, PUBKEY_RSA);
}

/* Is the point on the curve? */
static bool is_on_curve(EVP_PKEY *key) {
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    bool good = ctx && EVP_PKEY_public_check(ctx) == 1;
    EVP_PKEY_CTX_free(ctx);
    return good;
}

struct pubkey *pubkey_p256(struct span x, struct span y) {
    unsigned char point[1 + 2 * HALF] = {4}; /* not compressed */
    EVP_PKEY *key = NULL;
    if (x.n != HALF || y.n != HALF)
        return NULL;
    memcpy(point + 1, x.p, HALF);
    memcpy(point + 1 + HALF, y.p, HALF);
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    if (build &&
        OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0) == 1 &&
        OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point) == 1)
        key = from_params("EC", build);
    OSSL_PARAM_BLD_free(build);
    if (key && !is_on_curve(key)) {
        EVP_PKEY_free(key);
        key = NULL;
    }
    return made(key, PUBKEY_P256);
}

void pubkey_free(struct pubkey **kp) {
    if (!*kp)
        return;
    EVP_PKEY_free((*kp)->key);
    free(*kp);
    *kp = NULL;
}

enum pubkey_kind pubkey_kind(const struct pubkey *k) {
    return k->kind;
}

/* r and s as OpenSSL wants them, in DER; OPENSSL_free() it. -1: they cannot be. */
static int der_of(struct span signature, unsigned char **out) {
    const unsigned char *p = (const unsigned char *)signature.p;
    int n = -1;
    *out = NULL;
    if (signature.n != 2 * HALF)
        return -1;
    ECDSA_SIG *sig = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(p, HALF, NULL), *s = BN_bin2bn(p + HALF, HALF, NULL);
    if (sig && r && s && ECDSA_SIG_set0(sig, r, s) == 1) {
        n = i2d_ECDSA_SIG(sig, out);
    } else {
        BN_free(r);
        BN_free(s);
    }
    ECDSA_SIG_free(sig);
    return n;
}

static bool verify(EVP_PKEY *key, struct span data, const unsigned char *sig, size_t n) {
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool good = ctx && EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, key) == 1 &&
                EVP_DigestVerify(ctx, sig, n, (const unsigned char *)data.p, data.n) == 1;
    EVP_MD_CTX_free(ctx);
    ERR_clear_error();
    return good;
}

bool pubkey_verify(const struct pubkey *k, struct span data, struct span signature) {
    unsigned char *der;
    if (!data.n || !signature.n)
        return false;
    if (k->kind == PUBKEY_RSA)
        return verify(k->key, data, (const unsigned char *)signature.p, signature.n);
    int n = der_of(signature, &der);
    bool good = n > 0 && verify(k->key, data, der, (size_t)n);
    OPENSSL_free(der);
    ERR_clear_error();
    return good;
}
