/* std_webhook_fuzz.c - any three headers and body, and any secret: nothing passes that was not
 * signed, and what was signed passes. The first byte may ask for a good signature. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "net/std_webhook.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SECRET "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
#define NOW 1800000000

static const char *const ours[] = {SECRET, NULL};

static struct span line(struct span *rest) {
    const char *nl = rest->n ? memchr(rest->p, '\n', rest->n) : NULL;
    size_t n = nl ? (size_t)(nl - rest->p) : rest->n;
    struct span out = span_of(rest->p, n);
    rest->p += n + (nl ? 1 : 0);
    rest->n -= n + (nl ? 1 : 0);
    return out;
}

static void any_secret(struct span text) {
    unsigned char key[STD_WEBHOOK_KEY_MAX];
    struct err err;
    int n = std_webhook_key(text, key, &err);
    if (n > STD_WEBHOOK_KEY_MAX || (n >= 0 && n < 24))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct err err;
    if (size == 0 || crypto_start() < 0)
        return 0;
    struct span rest = span_of((const char *)data + 1, size - 1);
    any_secret(rest);
    struct span id = line(&rest), at = line(&rest), signature = line(&rest);
    if (std_webhook_check(ours, id, at, signature, rest, NOW, &err) == 0)
        abort(); /* 256 bits were guessed */
    if (data[0] & 1) {
        char out[STD_WEBHOOK_SIGNATURE_SIZE];
        if (std_webhook_sign(span_str(SECRET), "msg_1", NOW, rest, out, &err) < 0)
            abort();
        if (std_webhook_check(ours, span_str("msg_1"), span_str("1800000000"), span_str(out), rest,
                NOW, &err) < 0)
            abort();
    }
    return 0;
}
