/* oidc_token.c - reads what a token endpoint answers, and believes an ID token or not. */
#include "base/json_text.h"
#include "core/oidc/oidc_token.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "base/json_strict.h"
#include "base/mem.h"
#include "base/utf8.h"

#define DEPTH_MAX 16
#define HEADER_MAX 2048
#define SIGNATURE_MAX 1100
#define SUB_MAX 255
#define SKEW_S 60      /* two clocks */
#define AGE_MAX_S 3600 /* it was made just now */
#define TIME_MAX 1e15

/* --- the token endpoint's answer ------------------------------------------------------------- */

static bool is_visible(const char *s) {
    size_t n = 0;
    for (; s[n]; n++)
        if (s[n] <= ' ' || s[n] >= 0x7f)
            return false;
    return n > 0 && n <= OIDC_TOKEN_MAX;
}

static int refused(int status, const json_t *o, struct err *err) {
    const char *word = json_text(o, "error");
    char *more = utf8_clean_name(json_text(o, "error_description"), 120);
    if (status >= 500 || status == 429)
        err_set(err, ERR_UNAVAILABLE, "the provider's token endpoint answers %d", status);
    else if (!*word || strlen(word) > 60 || !is_visible(word))
        err_set(err, ERR_PROTOCOL, "the provider's token endpoint answers %d, without a reason",
            status);
    else
        err_set(err, ERR_PROTOCOL, "the provider gives no token: %s%s%s", word, *more ? ": " : "",
            more);
    free(more);
    return -1;
}

static void wipe(char **s) {
    if (*s)
        explicit_bzero(*s, strlen(*s));
    free(*s);
    *s = NULL;
}

void oidc_answer_free(struct oidc_answer *a) {
    wipe(&a->id_token);
    wipe(&a->access_token);
}

int oidc_answer_read(int status, struct span body, struct oidc_answer *out, struct err *err) {
    json_t *o = json_strict_parse(body, DEPTH_MAX, NULL);
    int rc = 0;
    *out = (struct oidc_answer){0};
    if (status != 200)
        rc = refused(status, o, err);
    else if (!o)
        rc = err_set(err, ERR_PROTOCOL, "the token endpoint's answer is no JSON object");
    else if (strcasecmp(json_text(o, "token_type"), "bearer") != 0 ||
             !is_visible(json_text(o, "access_token")))
        rc = err_set(err, ERR_PROTOCOL, "the token endpoint gives no bearer token");
    else if (!is_visible(json_text(o, "id_token")))
        rc = err_set(err, ERR_PROTOCOL, "the token endpoint gives no ID token (scope openid?)");
    if (rc == 0)
        *out = (struct oidc_answer){
            mem_strdup(json_text(o, "id_token")), mem_strdup(json_text(o, "access_token"))};
    json_decref(o);
    return rc;
}

/* --- the token ------------------------------------------------------------------------------- */

static int bad(struct err *err, const char *why) {
    return err_set(err, ERR_PROTOCOL, "the ID token is refused: %s", why);
}

/* A part of it as a JSON object; NULL: it is none. */
static json_t *part(struct span coded, size_t max) {
    char *bytes = mem_alloc(max);
    long n = crypto_base64url_decode(coded, bytes, max);
    json_t *o = n > 0 ? json_strict_parse(span_of(bytes, (size_t)n), DEPTH_MAX, NULL) : NULL;
    free(bytes);
    return o;
}

static int take_header(struct span coded, struct oidc_token *out, struct err *err) {
    json_t *o = part(coded, HEADER_MAX);
    const char *alg = json_text(o, "alg"), *kid = json_text(o, "kid");
    int rc = 0;
    if (!o)
        rc = bad(err, "its header is no JSON object");
    else if (json_object_get(o, "crit"))
        rc = bad(err, "it wants an extension (crit)");
    else if (strcmp(alg, "RS256") != 0 && strcmp(alg, "ES256") != 0)
        rc = bad(err, "it is signed neither by RS256 nor by ES256");
    else if (strlen(kid) >= OIDC_KID_SIZE || (json_object_get(o, "kid") && !*kid))
        rc = bad(err, "its kid is malformed");
    out->kind = strcmp(alg, "ES256") == 0 ? PUBKEY_P256 : PUBKEY_RSA;
    if (rc == 0)
        snprintf(out->kid, sizeof out->kid, "%s", kid);
    json_decref(o);
    return rc;
}

int oidc_token_read(const char *token, struct oidc_token *out, struct err *err) {
    const char *first = strchr(token, '.');
    const char *second = first ? strchr(first + 1, '.') : NULL;
    *out = (struct oidc_token){0};
    if (!second || strchr(second + 1, '.') || !second[1] || strlen(token) > OIDC_TOKEN_MAX)
        return bad(err, "it is no signed JWT");
    out->signed_text = span_of(token, (size_t)(second - token));
    out->payload = span_of(first + 1, (size_t)(second - first - 1));
    out->signature = span_str(second + 1);
    return take_header(span_of(token, (size_t)(first - token)), out, err);
}

/* --- its claims ------------------------------------------------------------------------------ */

/* Seconds since 1970; -1: none, or no time. */
static double time_of(const json_t *claims, const char *key) {
    const json_t *v = json_object_get(claims, key);
    double t = json_is_number(v) ? json_number_value(v) : -1;
    return t >= 0 && t < TIME_MAX ? t : -1;
}

static int check_times(const json_t *claims, int64_t now_s, struct err *err) {
    double now = (double)now_s, exp = time_of(claims, "exp"), iat = time_of(claims, "iat");
    if (exp < 0 || iat < 0)
        return bad(err, "it does not say from when to when it is valid (iat, exp)");
    if (exp + SKEW_S <= now)
        return bad(err, "it is over (exp; is the clock right?)");
    if (iat - SKEW_S > now || iat + AGE_MAX_S < now)
        return bad(err, "it was not made now (iat; is the clock right?)");
    if (json_object_get(claims, "nbf") &&
        (time_of(claims, "nbf") < 0 || time_of(claims, "nbf") - SKEW_S > now))
        return bad(err, "it is not valid yet (nbf)");
    return 0;
}

/* It is for us; for others, too, only when it was made for us (azp). */
static int check_audience(const json_t *claims, const char *client_id, struct err *err) {
    const json_t *aud = json_object_get(claims, "aud"), *one;
    const char *azp = json_text(claims, "azp");
    bool ours = json_is_string(aud) && strcmp(json_string_value(aud), client_id) == 0;
    size_t i;
    json_array_foreach((json_t *)aud, i, one) {
        ours = ours || (json_is_string(one) && strcmp(json_string_value(one), client_id) == 0);
    }
    if (!ours)
        return bad(err, "it is for somebody else (aud)");
    if (json_object_get(claims, "azp") ? strcmp(azp, client_id) != 0 : json_array_size(aud) > 1)
        return bad(err, "it was made for somebody else (azp)");
    return 0;
}

/* The left half of the access token's SHA-256 (3.1.3.8), when it is said. */
static int check_hash(const json_t *claims, const char *access_token, struct err *err) {
    unsigned char sha[32];
    if (!json_object_get(claims, "at_hash"))
        return 0;
    crypto_sha256(span_str(access_token), sha);
    char *half = crypto_base64url(sha, 16);
    bool good = crypto_equal(span_str(half), span_str(json_text(claims, "at_hash")));
    free(half);
    return good ? 0 : bad(err, "it came with another access token (at_hash)");
}

static int check_claims(const json_t *claims, const struct oidc_expected *e, struct err *err) {
    const char *sub = json_text(claims, "sub");
    if (strcmp(json_text(claims, "iss"), e->issuer) != 0)
        return bad(err, "it is of another issuer (iss)");
    if (check_audience(claims, e->client_id, err) < 0 || check_times(claims, e->now_s, err) < 0)
        return -1;
    if (!*e->nonce || !crypto_equal(span_str(json_text(claims, "nonce")), span_str(e->nonce)))
        return bad(err, "it is of another sign-in (nonce)");
    if (!*sub || strlen(sub) > SUB_MAX)
        return bad(err, "it does not say whom it is about (sub)");
    return check_hash(claims, e->access_token, err);
}

json_t *oidc_token_claims(const struct oidc_token *t, const struct pubkey *key,
    const struct oidc_expected *e, struct err *err) {
    char signature[SIGNATURE_MAX];
    long n = crypto_base64url_decode(t->signature, signature, sizeof signature);
    if (pubkey_kind(key) != t->kind || n <= 0 ||
        !pubkey_verify(key, t->signed_text, span_of(signature, (size_t)n))) {
        bad(err, "its signature is wrong");
        return NULL;
    }
    json_t *claims = part(t->payload, t->payload.n + 1);
    int rc = claims ? check_claims(claims, e, err) : bad(err, "its claims are no JSON object");
    if (rc == 0)
        return claims;
    json_decref(claims);
    return NULL;
}

int oidc_userinfo_add(struct span body, json_t *claims, struct err *err) {
    json_t *o = json_strict_parse(body, DEPTH_MAX, NULL);
    int rc = 0;
    if (!o)
        rc = err_set(err, ERR_PROTOCOL, "the provider's userinfo is no JSON object");
    else if (!*json_text(o, "sub") || strcmp(json_text(o, "sub"), json_text(claims, "sub")) != 0)
        rc = err_set(err, ERR_PROTOCOL, "the provider's userinfo is about somebody else (sub)");
    if (rc == 0) {
        /* Whether an address is verified is said of that very address: both of one place. */
        if (!json_object_get(claims, "email") || !json_object_get(claims, "email_verified")) {
            json_object_del(claims, "email");
            json_object_del(claims, "email_verified");
        }
        json_object_update_missing(claims, o);
    }
    json_decref(o);
    return rc;
}
