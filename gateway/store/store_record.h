/* store_record.h - a message as the log keeps it (see scripts/_common.lua), and its JSON form.
 * Pure. */
#ifndef SB_STORE_STORE_RECORD_H
#define SB_STORE_STORE_RECORD_H

#include <jansson.h>

#include "base/span.h"
#include "model/message.h"

/* The body as stored: direction, channel and connector first, keys that are null left out. NULL
 * never. The caller frees. */
char *record_body(enum direction d, const char *channel, const char *connector, const json_t *body);

/* The full Message (openapi) of a record; NULL when the record is damaged. */
json_t *record_message(struct span record, const char *thread, const char *client, int64_t seq);

/* [{"at","what","detail"}...]: the message's trail. */
json_t *record_trail(struct span record);

/* The message's id, or "" (out holds ID_SIZE). */
void record_id(struct span record, char *out);

/* The first line of what the list shows: at most 120 code points, no line breaks. Caller frees. */
char *record_preview(const json_t *body);

#endif
