/* oidc_token_fuzz.c - any bytes as a token endpoint's answer, as an ID token, as its claims: only
 * what the provider has signed is believed, only what is for us, of now and for this sign-in. The
 * first byte chooses; claims are signed here, so that they are reached. */
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "core/oidc/oidc_person.h"
#include "core/oidc/oidc_token.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NOW 1800000000
#define HEADER "eyJhbGciOiJFUzI1NiJ9" /* {"alg":"ES256"} */

static const struct oidc_expected expected = {.issuer = "https://i.example",
    .client_id = "us",
    .nonce = "nonce",
    .access_token = "a",
    .now_s = NOW};

static void check(bool good) {
    if (!good)
        abort();
}

static void read_answer(int status, struct span body) {
    struct oidc_answer a;
    struct err err = {0};
    int rc = oidc_answer_read(status, body, &a, &err);
    check((rc == 0) == (err.code == ERR_NONE) && (rc == 0) == (a.id_token && a.access_token));
    check(utf8_is_valid(err.text, strlen(err.text)));
    oidc_answer_free(&a);
}

/* A key of its own each time: the fuzzer keeps nothing. */
static struct pubkey *make_key(EVP_PKEY **own) {
    unsigned char point[65];
    size_t n = 0;
    *own = EVP_EC_gen("P-256");
    check(*own && EVP_PKEY_get_octet_string_param(*own, "pub", point, sizeof point, &n) == 1);
    if (n != sizeof point) { /* compressed */
        EVP_PKEY_set_utf8_string_param(*own, "point-format", "uncompressed");
        EVP_PKEY_get_octet_string_param(*own, "encoded-pub-key", point, sizeof point, &n);
    }
    struct pubkey *k = pubkey_p256(span_of((char *)point + 1, 32), span_of((char *)point + 33, 32));
    check(k != NULL);
    return k;
}

static char *sign(EVP_PKEY *own, const char *text) {
    unsigned char der[100], raw[64];
    const unsigned char *at = der;
    size_t n = sizeof der;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    check(EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, own) == 1 &&
          EVP_DigestSign(ctx, der, &n, (const unsigned char *)text, strlen(text)) == 1);
    EVP_MD_CTX_free(ctx);
    ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &at, (long)n);
    check(BN_bn2binpad(ECDSA_SIG_get0_r(sig), raw, 32) == 32 &&
          BN_bn2binpad(ECDSA_SIG_get0_s(sig), raw + 32, 32) == 32);
    ECDSA_SIG_free(sig);
    return crypto_base64url(raw, sizeof raw);
}

static void check_person(const json_t *claims, bool by_mail) {
    static const char *const ours[] = {"corp.example", NULL}, *const staff[] = {"staff", NULL},
                             *const nobody[] = {NULL};
    struct oidc_rules rules = {by_mail ? "email" : "login", by_mail ? ours : nobody,
        by_mail ? "groups" : "", {staff, nobody, nobody}};
    struct oidc_person who;
    struct err err;
    oidc_person_lacks(&rules, claims);
    if (oidc_person_read(&rules, expected.issuer, claims, &who, &err) < 0)
        return;
    size_t n = strlen(who.name);
    check(n > 0 && strspn(who.name, "abcdefghijklmnopqrstuvwxyz0123456789._-") == n);
    check(utf8_is_valid(who.display_name, strlen(who.display_name)));
    check(!by_mail || (json_is_true(json_object_get(claims, "email_verified")) && who.has_role));
}

static void read_claims(struct span bytes, bool by_mail) {
    struct oidc_token token;
    struct err err;
    EVP_PKEY *own;
    struct pubkey *key = make_key(&own);
    char *payload = crypto_base64url(bytes.p, bytes.n);
    char *text = mem_printf(HEADER ".%s", payload);
    char *signature = sign(own, text);
    char *whole = mem_printf("%s.%s", text, signature);
    json_t *claims = oidc_token_read(whole, &token, &err) == 0
                         ? oidc_token_claims(&token, key, &expected, &err)
                         : NULL;
    if (claims) {
        check(strcmp(json_string_value(json_object_get(claims, "iss")), expected.issuer) == 0);
        check(strcmp(json_string_value(json_object_get(claims, "nonce")), "nonce") == 0);
        check_person(claims, by_mail);
        oidc_userinfo_add(bytes, claims, &err);
        json_decref(claims);
    }
    free(payload);
    free(text);
    free(signature);
    free(whole);
    pubkey_free(&key);
    EVP_PKEY_free(own);
}

/* Nobody has signed it. */
static void read_token(const char *text) {
    struct oidc_token token;
    struct err err;
    EVP_PKEY *own;
    if (oidc_token_read(text, &token, &err) < 0)
        return;
    struct pubkey *key = make_key(&own);
    check(oidc_token_claims(&token, key, &expected, &err) == NULL);
    pubkey_free(&key);
    EVP_PKEY_free(own);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const int statuses[] = {200, 400, 401, 503};
    if (!size)
        return 0;
    struct span rest = {(const char *)data + 1, size - 1};
    char *text = mem_strndup(rest.p, rest.n);
    if (data[0] < 64)
        read_answer(statuses[data[0] % 4], rest);
    else if (data[0] < 128)
        read_token(text);
    else
        read_claims(rest, data[0] & 1);
    free(text);
    return 0;
}
