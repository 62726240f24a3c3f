/* email_decode.h - Content-Transfer-Encoding of foreign parts, tolerant: GMime 3.2.13 drops all
 * that follows a padding inside base64, so base64 is ours. Pure. */
#ifndef SB_CONNECTORS_EMAIL_EMAIL_DECODE_H
#define SB_CONNECTORS_EMAIL_EMAIL_DECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/span.h"

struct email_base64 {
    uint32_t bits;
    unsigned count;        /* characters of the current group */
    bool padded, repaired; /* repaired: something was not as it should be */
};

/* Decodes a piece; out needs 3 bytes for each 4 of in, and 3 more. Returns how many came out. */
size_t email_base64_step(struct email_base64 *b, struct span in, char *out);
/* The rest, at most 2 bytes. */
size_t email_base64_end(struct email_base64 *b, char *out);

#endif
