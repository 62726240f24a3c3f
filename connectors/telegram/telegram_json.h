/* telegram_json.h - JSON that Telegram should not send. Pure. */
#ifndef SB_CONNECTORS_TELEGRAM_TELEGRAM_JSON_H
#define SB_CONNECTORS_TELEGRAM_TELEGRAM_JSON_H

#include <jansson.h>

#include "base/span.h"

/* Parses once more what no parser takes: escapes of NUL and halves of surrogate pairs become
 * U+FFFD, control characters in strings spaces, bytes that are no UTF-8 "?". One such string must
 * not hold back the other 99 updates of an answer. A new reference, or NULL: it is no JSON. */
json_t *telegram_json_mended(struct span text);

#endif
