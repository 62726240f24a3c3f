/* store_record.h - a message as the log keeps it (see scripts/_common.lua), and its JSON form.
 * Pure. */
#ifndef SB_STORE_STORE_RECORD_H
#define SB_STORE_STORE_RECORD_H

#include <jansson.h>

#include "base/id.h"
#include "base/span.h"
#include "model/message.h"

/* The body as stored: direction, channel and connector first, keys that are null left out. NULL
 * never. The caller frees. */
char *record_body(enum direction d, const char *channel, const char *connector, const json_t *body);
/* The same of a body that was stored before (record_body_json) and changed since. */
char *record_body_again(const json_t *body);

/* The full Message (openapi) of a record; NULL when the record is damaged. */
json_t *record_message(struct span record, const char *thread, const char *client, int64_t seq);

/* The same with what only connectors may see: "route" and "to" (where it goes, or came from), "raw"
 * (as the channel sent it), "remote" of attachments (how to fetch them), "sent_ids": the
 * channel's ids of all the parts that were sent, "attached": {target: what the CRM calls it},
 * "again": {target: true} where it was queued once more: it may be there, and "took": its author
 * became responsible by it. */
json_t *record_private(struct span record, const char *thread, const char *client, int64_t seq);
/* Takes that out again: what goes out of the house is a Message and nothing else. */
void record_hide_private(json_t *m);

/* What the channel sent, as it came, where it was kept: a new reference, or NULL. */
json_t *record_raw(struct span record);

/* The stored body's text, and its JSON (a new reference, NULL when damaged). */
struct span record_body_text(struct span record);
json_t *record_body_json(struct span record);

/* [{"at","what","detail"}...]: the message's trail. */
json_t *record_trail(struct span record);

/* What the trail says of a message and one CRM target. */
enum record_state {
    RECORD_UNTOLD,   /* nothing: it waits, or was stored before the target was there */
    RECORD_WAITS,    /* tried or queued once more */
    RECORD_LEFT_OUT, /* the target does not take such messages */
    RECORD_ATTACHED
};
struct record_ledger {
    char id[ID_SIZE];
    enum record_state state;
    bool failed;         /* given up: a dead letter */
    int64_t received_ms; /* queued for all targets then */
    int64_t attached_ms; /* first, or first again after it was missed; 0 never */
    int64_t asked_ms;    /* queued once more by hand; 0 never */
};
int record_ledger(struct span record, const char *target, struct record_ledger *out); /* 0 or -1 */

/* The message's id, or "" (out holds ID_SIZE). */
void record_id(struct span record, char *out);

/* The first line of what the list shows: at most 120 code points, no line breaks. Caller frees. */
char *record_preview(const json_t *body);

#endif
