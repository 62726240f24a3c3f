/* std_webhook.c - HMAC-SHA256 over "id.timestamp.body". */
#include "net/std_webhook.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/crypto.h"

#define PREFIX "whsec_"
#define KEY_MIN 24
#define ID_MAX 128
#define SIGNATURES_MAX 16

int std_webhook_key(struct span secret, unsigned char out[STD_WEBHOOK_KEY_MAX], struct err *err) {
    size_t n = 0;
    const char *end = NULL, *from = secret.p + strlen(PREFIX);
    if (!span_starts(secret, PREFIX))
        return err_set(err, ERR_INVALID, "a secret begins with " PREFIX);
    if (sodium_base642bin(out, STD_WEBHOOK_KEY_MAX, from, secret.n - strlen(PREFIX), NULL, &n, &end,
            sodium_base64_VARIANT_ORIGINAL) != 0 ||
        end != secret.p + secret.n || n < KEY_MIN)
        return err_set(err, ERR_INVALID, "a secret is " PREFIX " and the base64 of %d to %d bytes",
            KEY_MIN, STD_WEBHOOK_KEY_MAX);
    return (int)n;
}

void std_webhook_secret(char out[STD_WEBHOOK_SECRET_SIZE]) {
    unsigned char key[32];
    memcpy(out, PREFIX, strlen(PREFIX));
    randombytes_buf(key, sizeof key);
    sodium_bin2base64(out + strlen(PREFIX), STD_WEBHOOK_SECRET_SIZE - strlen(PREFIX), key,
        sizeof key, sodium_base64_VARIANT_ORIGINAL);
    sodium_memzero(key, sizeof key);
}

int std_webhook_sign(struct span secret, const char *id, int64_t timestamp_s, struct span body,
    char out[STD_WEBHOOK_SIGNATURE_SIZE], struct err *err) {
    unsigned char key[STD_WEBHOOK_KEY_MAX], mac[32];
    int n = std_webhook_key(secret, key, err);
    struct buf text;
    if (n < 0)
        return -1;
    buf_init(&text, body.n + ID_MAX + 64);
    buf_addf(&text, "%.*s.%" PRId64 ".", ID_MAX, id, timestamp_s);
    buf_add(&text, body.p, body.n);
    crypto_hmac_sha256(span_of((const char *)key, (size_t)n), span_of(text.p, text.n), mac);
    buf_free(&text);
    sodium_memzero(key, sizeof key);
    memcpy(out, "v1,", 3);
    sodium_bin2base64(
        out + 3, STD_WEBHOOK_SIGNATURE_SIZE - 3, mac, sizeof mac, sodium_base64_VARIANT_ORIGINAL);
    return 0;
}

static int64_t seconds_of(struct span text) {
    int64_t s = 0;
    if (text.n == 0 || text.n > 12)
        return -1;
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] < '0' || text.p[i] > '9')
            return -1;
        s = s * 10 + (text.p[i] - '0');
    }
    return s;
}

static bool has_signature(struct span list, const char *expected) {
    bool found = false;
    for (size_t at = 0, n = 0; at < list.n && n < SIGNATURES_MAX; n++) {
        const char *space = memchr(list.p + at, ' ', list.n - at);
        size_t end = space ? (size_t)(space - list.p) : list.n;
        if (crypto_equal(span_of(list.p + at, end - at), span_str(expected)))
            found = true;
        at = end + 1;
    }
    return found;
}

int std_webhook_check(const char *const *secrets, struct span id, struct span timestamp,
    struct span signature, struct span body, int64_t now_s, struct err *err) {
    char name[ID_MAX + 1], expected[STD_WEBHOOK_SIGNATURE_SIZE];
    int64_t at = seconds_of(timestamp);
    bool found = false;
    if (id.n == 0 || id.n > ID_MAX || memchr(id.p, '.', id.n) || memchr(id.p, '\0', id.n))
        return err_set(err, ERR_AUTH, "webhook-id is missing, too long or has a dot");
    if (at < 0)
        return err_set(err, ERR_AUTH, "webhook-timestamp is no number of seconds");
    if (at > now_s + STD_WEBHOOK_TOLERANCE_S || at < now_s - STD_WEBHOOK_TOLERANCE_S)
        return err_set(err, ERR_AUTH,
            "webhook-timestamp is more than %d s from our clock: check both clocks",
            STD_WEBHOOK_TOLERANCE_S);
    memcpy(name, id.p, id.n);
    name[id.n] = '\0';
    for (; *secrets; secrets++)
        if (std_webhook_sign(span_str(*secrets), name, at, body, expected, err) == 0 &&
            has_signature(signature, expected))
            found = true;
    return found ? 0 : err_set(err, ERR_AUTH, "webhook-signature matches none of our secrets");
}
