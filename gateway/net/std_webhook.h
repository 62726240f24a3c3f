/* std_webhook.h - Standard Webhooks: how events are signed that we send to other systems, and those
 * that they send to us. Pure. https://github.com/standard-webhooks/standard-webhooks (2026-08) */
#ifndef SB_NET_STD_WEBHOOK_H
#define SB_NET_STD_WEBHOOK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/span.h"

#define STD_WEBHOOK_KEY_MAX 64
#define STD_WEBHOOK_SIGNATURE_SIZE 48 /* "v1,<base64 of 32 bytes>" with its NUL */
#define STD_WEBHOOK_TOLERANCE_S 300

/* The key of a secret "whsec_<base64 of 24 to 64 bytes>". Its length, or -1 with err (which does
 * not repeat the secret). */
int std_webhook_key(struct span secret, unsigned char out[STD_WEBHOOK_KEY_MAX], struct err *err);

/* A new secret, of 32 random bytes: 51 characters with the NUL. */
#define STD_WEBHOOK_SECRET_SIZE 51
void std_webhook_secret(char out[STD_WEBHOOK_SECRET_SIZE]);

/* The signature of "<id>.<timestamp>.<body>"; id has no dot. -1 with err: the secret is no secret.
 */
int std_webhook_sign(struct span secret, const char *id, int64_t timestamp_s, struct span body,
    char out[STD_WEBHOOK_SIGNATURE_SIZE], struct err *err);

/* What came with the headers webhook-id, webhook-timestamp and webhook-signature (any of its
 * signatures, separated by spaces, may match any of the secrets; NULL-ended). In constant time.
 * 0, or -1 with err: ERR_AUTH says what is wrong with it, or that the clocks differ by more than
 * five minutes. Whether the id came before is the caller's to find out. */
int std_webhook_check(const char *const *secrets, struct span id, struct span timestamp,
    struct span signature, struct span body, int64_t now_s, struct err *err);

#endif
