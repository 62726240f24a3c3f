/* oidc_keys.c - reads a JSON Web Key Set. Symmetric keys (kty oct) are none of ours. */
#include "base/json_text.h"
#include "core/oidc/oidc_keys.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/crypto.h"
#include "base/json_strict.h"
#include "base/mem.h"

#define DEPTH_MAX 8
#define NUMBER_MAX 1100 /* bytes: an RSA modulus of 8192 bits and some */

static struct span number(const json_t *o, const char *key, unsigned char out[NUMBER_MAX]) {
    long n = crypto_base64url_decode(span_str(json_text(o, key)), out, NUMBER_MAX);
    return span_of((const char *)out, n > 0 ? (size_t)n : 0);
}

/* Is it meant to check signatures by this algorithm? What is not said is allowed. */
static bool is_for(const json_t *o, const char *alg) {
    const json_t *ops = json_object_get(o, "key_ops"), *one;
    bool verifies = !ops;
    size_t i;
    json_array_foreach((json_t *)ops, i, one) {
        verifies =
            verifies || (json_is_string(one) && strcmp(json_string_value(one), "verify") == 0);
    }
    return verifies && (!json_object_get(o, "use") || strcmp(json_text(o, "use"), "sig") == 0) &&
           (!json_object_get(o, "alg") || strcmp(json_text(o, "alg"), alg) == 0);
}

static struct pubkey *key_of(const json_t *o) {
    unsigned char a[NUMBER_MAX], b[NUMBER_MAX];
    if (strcmp(json_text(o, "kty"), "RSA") == 0 && is_for(o, "RS256"))
        return pubkey_rsa(number(o, "n", a), number(o, "e", b));
    if (strcmp(json_text(o, "kty"), "EC") == 0 && strcmp(json_text(o, "crv"), "P-256") == 0 &&
        is_for(o, "ES256"))
        return pubkey_p256(number(o, "x", a), number(o, "y", b));
    return NULL;
}

int oidc_keys_read(struct span body, struct oidc_keys *out, struct err *err) {
    struct err why;
    size_t i;
    json_t *one;
    *out = (struct oidc_keys){0};
    json_t *o = json_strict_parse(body, DEPTH_MAX, &why);
    if (!o)
        return err_set(err, ERR_PROTOCOL, "the provider's keys: %s", why.text);
    json_array_foreach(json_object_get(o, "keys"), i, one) {
        const char *kid = json_text(one, "kid");
        struct pubkey *key =
            out->n < OIDC_KEYS_MAX && strlen(kid) < OIDC_KID_SIZE ? key_of(one) : NULL;
        if (!key)
            continue;
        snprintf(out->of[out->n].kid, OIDC_KID_SIZE, "%s", kid);
        out->of[out->n++].key = key;
    }
    json_decref(o);
    if (!out->n)
        return err_set(err, ERR_PROTOCOL, "the provider has no key that checks RS256 or ES256");
    return 0;
}

void oidc_keys_free(struct oidc_keys *keys) {
    for (size_t i = 0; i < keys->n; i++)
        pubkey_free(&keys->of[i].key);
    *keys = (struct oidc_keys){0};
}

const struct pubkey *oidc_keys_find(
    const struct oidc_keys *keys, enum pubkey_kind kind, const char *kid) {
    const struct pubkey *found = NULL;
    for (size_t i = 0; i < keys->n; i++) {
        if (pubkey_kind(keys->of[i].key) != kind || (*kid && strcmp(keys->of[i].kid, kid) != 0))
            continue;
        if (found && !*kid)
            return NULL; /* which of them? */
        if (!found)
            found = keys->of[i].key;
    }
    return found;
}
