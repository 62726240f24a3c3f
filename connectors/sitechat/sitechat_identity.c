/* sitechat_identity.c - visitor tokens, proofs of a site's users. Keeps nothing. */
#include "connectors/sitechat/sitechat_identity.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "base/id.h"
#include "base/json_strict.h"
#include "base/mem.h"
#include "base/utf8.h"

#define TOKEN_TTL_S (366 * 86400LL)
#define SKEW_S 300
#define JWT_MAX 4096
#define PAYLOAD_MAX 3072
#define MAC_TEXT 43 /* 32 bytes in base64url */

static void copy_text(char *out, size_t size, const json_t *v) {
    const char *s = json_string_value(v);
    snprintf(out, size, "%s", s && strlen(s) < size ? s : "");
}

/* --- the visitor's token --------------------------------------------------------------------- */

void visitor_id_make(char *out) {
    char random[CRYPTO_TOKEN_SIZE];
    crypto_token(random);
    memcpy(out, random, VISITOR_ID_SIZE - 1);
    out[VISITOR_ID_SIZE - 1] = '\0';
}

char *visitor_token_make(const char *secret, const struct visitor_token *t) {
    unsigned char mac[32];
    json_t *o = json_pack("{s:i,s:s,s:s,s:I}", "k", TOKEN_KEY_VERSION, "s", t->site, "v",
        t->visitor, "i", (json_int_t)t->issued_s);
    if (t->user[0])
        json_object_set_new(o, "u", json_string(t->user));
    char *json = json_dumps(o, JSON_COMPACT);
    char *body = crypto_base64url(json, strlen(json));
    crypto_hmac_for(secret, "sitechat visitor", span_str(body), mac);
    char *tail = crypto_base64url(mac, sizeof mac);
    char *out = mem_printf("%s.%s", body, tail);
    json_decref(o);
    free(json);
    free(body);
    free(tail);
    return out;
}

static bool mac_fits(const unsigned char mac[32], struct span text) {
    unsigned char given[32];
    if (text.n != MAC_TEXT || crypto_base64url_decode(text, given, sizeof given) != 32)
        return false;
    return crypto_equal(span_of((const char *)mac, 32), span_of((const char *)given, 32));
}

static int bad_token(struct err *err) {
    return err_set(err, ERR_AUTH, "the visitor's token is not valid; begin without one");
}

static int read_token_json(const json_t *o, struct visitor_token *out) {
    copy_text(out->site, sizeof out->site, json_object_get(o, "s"));
    copy_text(out->visitor, sizeof out->visitor, json_object_get(o, "v"));
    copy_text(out->user, sizeof out->user, json_object_get(o, "u"));
    out->issued_s = json_integer_value(json_object_get(o, "i"));
    bool good = json_integer_value(json_object_get(o, "k")) == TOKEN_KEY_VERSION &&
                strlen(out->visitor) == VISITOR_ID_SIZE - 1 && out->site[0];
    return good ? 0 : -1;
}

int visitor_token_read(const char *secret, const char *text, const char *site, int64_t now_s,
    struct visitor_token *out, struct err *err) {
    unsigned char mac[32];
    char json[TOKEN_TEXT_MAX];
    const char *dot = strchr(text, '.');
    memset(out, 0, sizeof *out);
    if (!dot || strlen(text) > TOKEN_TEXT_MAX)
        return bad_token(err);
    struct span body = span_of(text, (size_t)(dot - text));
    crypto_hmac_for(secret, "sitechat visitor", body, mac);
    if (!mac_fits(mac, span_str(dot + 1)))
        return bad_token(err);
    long n = crypto_base64url_decode(body, json, sizeof json);
    json_t *o = n > 0 ? json_strict_parse(span_of(json, (size_t)n), 4, NULL) : NULL;
    int rc = o ? read_token_json(o, out) : -1;
    json_decref(o);
    if (rc < 0 || strcmp(out->site, site) != 0 || now_s - out->issued_s > TOKEN_TTL_S ||
        out->issued_s > now_s + SKEW_S)
        return bad_token(err);
    return 0;
}

/* --- the site's proof of its user ------------------------------------------------------------ */

static int not_proven(struct err *err, const char *why) {
    return err_set(err, ERR_AUTH, "the user's signature was refused: %s", why);
}

static bool user_id_ok(const char *id) {
    size_t n = id ? strlen(id) : 0;
    return n >= 1 && n <= USER_ID_MAX && utf8_is_text(id, n) && !strpbrk(id, "\r\n\t");
}

int identity_hash_check(
    const char *const *secrets, const char *user_id, const char *hash, struct err *err) {
    char hex[CRYPTO_HEX_SIZE], given[CRYPTO_HEX_SIZE];
    bool any = false, good = false;
    if (!user_id_ok(user_id))
        return not_proven(err, "user.id must be 1 to 128 bytes of text");
    if (!hash || strlen(hash) != CRYPTO_HEX_SIZE - 1)
        return not_proven(err, "user.hash must be 64 hex digits");
    for (size_t i = 0; i < sizeof given; i++)
        given[i] = hash[i] >= 'A' && hash[i] <= 'F' ? (char)(hash[i] + 32) : hash[i];
    for (size_t i = 0; secrets[i]; i++) {
        if (!secrets[i][0])
            continue;
        any = true;
        crypto_hmac_sha256_hex(span_str(secrets[i]), span_str(user_id), hex);
        good |= crypto_equal(span_str(hex), span_str(given));
    }
    if (!any)
        return not_proven(err, "this channel has no identity_secret");
    return good ? 0 : not_proven(err, "user.hash does not fit user.id");
}

/* The JSON of one part of a JWT, or NULL. */
static json_t *jwt_part(struct span text) {
    char json[PAYLOAD_MAX];
    long n = crypto_base64url_decode(text, json, sizeof json);
    return n > 0 ? json_strict_parse(span_of(json, (size_t)n), 8, NULL) : NULL;
}

static bool jwt_header_ok(struct span text) {
    json_t *h = jwt_part(text);
    const char *alg = json_string_value(json_object_get(h, "alg"));
    bool good = alg && strcmp(alg, "HS256") == 0 && !json_object_get(h, "crit");
    json_decref(h);
    return good;
}

static int jwt_times(const json_t *claims, int64_t now_s, struct err *err) {
    const json_t *exp = json_object_get(claims, "exp"), *nbf = json_object_get(claims, "nbf");
    double late = json_number_value(exp), early = json_number_value(nbf);
    if (!json_is_number(exp))
        return not_proven(err, "the JWT has no exp");
    if (late + SKEW_S < (double)now_s)
        return not_proven(err, "the JWT is over (exp)");
    if (nbf && (!json_is_number(nbf) || early - SKEW_S > (double)now_s))
        return not_proven(err, "the JWT is not valid yet (nbf)");
    return 0;
}

static int jwt_claims(struct span text, int64_t now_s, struct proven_user *out, struct err *err) {
    static const char *const id_keys[] = {"user_id", "id", "sub"};
    json_t *claims = jwt_part(text);
    char number[24];
    int rc =
        claims ? jwt_times(claims, now_s, err) : not_proven(err, "the JWT's claims are no JSON");
    const json_t *id = NULL;
    for (size_t i = 0; i < ARRAY_LEN(id_keys) && !id; i++)
        id = json_object_get(claims, id_keys[i]);
    const char *text_id = json_string_value(id);
    if (json_is_integer(id)) {
        snprintf(number, sizeof number, "%lld", (long long)json_integer_value(id));
        text_id = number;
    }
    if (rc == 0 && !user_id_ok(text_id))
        rc = not_proven(err, "the JWT has no user_id (1 to 128 bytes of text)");
    if (rc == 0) {
        snprintf(out->id, sizeof out->id, "%s", text_id);
        copy_text(out->name, sizeof out->name, json_object_get(claims, "name"));
        copy_text(out->email, sizeof out->email, json_object_get(claims, "email"));
        copy_text(out->phone, sizeof out->phone, json_object_get(claims, "phone"));
    }
    json_decref(claims);
    return rc;
}

int identity_jwt_check(const char *const *secrets, const char *jwt, int64_t now_s,
    struct proven_user *out, struct err *err) {
    unsigned char mac[32];
    bool any = false, good = false;
    const char *first = strchr(jwt, '.');
    const char *second = first ? strchr(first + 1, '.') : NULL;
    memset(out, 0, sizeof *out);
    if (!second || strchr(second + 1, '.') || strlen(jwt) > JWT_MAX)
        return not_proven(err, "user.token is no JWT");
    if (!jwt_header_ok(span_of(jwt, (size_t)(first - jwt))))
        return not_proven(err, "the JWT's alg must be HS256");
    for (size_t i = 0; secrets[i]; i++) {
        if (!secrets[i][0])
            continue;
        any = true;
        crypto_hmac_sha256(span_str(secrets[i]), span_of(jwt, (size_t)(second - jwt)), mac);
        good |= mac_fits(mac, span_str(second + 1));
    }
    if (!any)
        return not_proven(err, "this channel has no identity_secret");
    if (!good)
        return not_proven(err, "the JWT's signature is wrong");
    return jwt_claims(span_of(first + 1, (size_t)(second - first - 1)), now_s, out, err);
}
