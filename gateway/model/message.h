/* message.h - what a message is: the words for its direction, status and trail, and the checks on
 * the part that somebody else wrote (the body).
 *
 * A body is a JSON object with any of: text, html, subject, attachments (array of media objects
 * {"id","kind","name","mime","size","sha256"}, and of what has to be fetched first: without id,
 * with "state" and "remote"), reply_to (message id), quote, forward, author, location, contact,
 * poll, checklist, button, buttons, request, topic, external_id, sent_at, raw_type, from {"kind",
 * "address","name","agent"}, origin {"target","id"} (in which CRM it was written); an event has
 * event {"type":...} instead of text. What happened to it later: edited_at, edits, deleted_at,
 * deleted_by, reactions. The store adds id, thread, seq, client, channel, connector, received_at,
 * status, change. The full form is in api/openapi.json, "Message"; private keys (route, to, raw,
 * remote) never leave the gateway: store_record.h.
 */
#ifndef SB_MODEL_MESSAGE_H
#define SB_MODEL_MESSAGE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/id.h"
#include "base/span.h"

enum direction { DIRECTION_IN, DIRECTION_OUT, DIRECTION_NOTE, DIRECTION_EVENT };
const char *direction_name(enum direction d); /* "in" ... */

/* In the order of rank: a status never goes back. FAILED and UNKNOWN end an attempt that did not
 * arrive; a later receipt (sent, delivered, read) lifts them, as the channel knows better. */
enum status {
    STATUS_RECEIVED,
    STATUS_QUEUED,
    STATUS_SENDING,
    STATUS_UNKNOWN,
    STATUS_FAILED,
    STATUS_SENT,
    STATUS_DELIVERED,
    STATUS_READ
};
const char *status_name(enum status s);
int status_parse(const char *name, enum status *out); /* 0 or -1 */

/* How a channel knows a person. kind: "visitor", "user", "telegram", "email", "phone", ...;
 * address: at most 200 bytes. */
struct identity {
    const char *kind;
    const char *address;
    const char *name; /* as the channel shows it; NULL unknown */
    bool verified;    /* proven by the channel or by a signature, not just claimed */
};

#define MESSAGE_TEXT_MAX 65536 /* bytes of text, of html */
#define MESSAGE_ATTACHMENTS_MAX 20

/* Checks a body that came over the API or a socket: known keys only, types, UTF-8 without control
 * characters, lengths (text_max code points), attachment ids, something to say. 0, or -1 with a
 * sentence that names the key. */
int message_body_check(const json_t *body, size_t text_max, struct err *err);

/* The sender's own key of a command: 1..100 printable ASCII characters without spaces. */
int message_key_check(const json_t *key, struct err *err);

#endif
