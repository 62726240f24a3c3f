/* telegram_compose.h - a message of ours as calls of the Bot API. Pure.
 * Source: Bot API 10.3, "sendMessage" and the other send methods. */
#ifndef SB_CONNECTORS_TELEGRAM_TELEGRAM_COMPOSE_H
#define SB_CONNECTORS_TELEGRAM_TELEGRAM_COMPOSE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "connectors/telegram/telegram_answer.h"

#define TELEGRAM_CALLS_MAX 64
#define TELEGRAM_UPLOADS_MAX 10

/* A file that goes with a call: the multipart part named `part` holds attachment `media`. */
struct telegram_upload {
    char part[24];           /* "photo", "document", or "file0" for attach://file0 */
    const char *media;       /* media id, borrowed from the body */
    const char *name, *mime; /* borrowed; never NULL */
};

struct telegram_call {
    const char *method; /* "sendMessage" */
    json_t *params; /* owned; objects as objects: the sender makes strings of them in multipart */
    struct telegram_upload uploads[TELEGRAM_UPLOADS_MAX];
    size_t nuploads;
};

struct telegram_target {
    const char *address;        /* chat id as text */
    const char *route;          /* see telegram_update.h; "" none */
    const char *reply_to;       /* external id of the message that ours answers; NULL none */
    const char *contact_button; /* what the button that asks for a number says; NULL English */
    bool local_files;           /* our own Bot API server: larger limits */
};

/* body: message.h with text, html, attachments (ready: id, kind, role?, name, mime, size), buttons
 * (rows of {"text","url"?}), request ("contact"). Order: a text that fits as caption goes with the
 * (first) file, else the files first and then the text in parts; images and videos of one message
 * become albums of 2-10, documents albums of documents, audio of audio, in the agent's order;
 * voice (role voice, or audio/ogg) alone as sendVoice; images that are no JPEG/PNG/WEBP or over
 * 10 MB go as documents; GIF as animation. reply_parameters (allow_sending_without_reply true) on
 * the first call, reply_markup on the last one that may carry it (a group of media may not: then a
 * text goes last; without text the files go one by one). Text goes as plain text with entities,
 * never with a parse_mode; html counts where the body has both. callback_data of a button is its
 * text, cut to 64 bytes at a character. A request goes only to a private chat, and not together
 * with buttons: a message has one keyboard. Returns the number of calls, or 0 with err when it can
 * never be sent (file over the limit, nothing to send). */
size_t telegram_compose(const json_t *body, const struct telegram_target *to,
    struct telegram_call *calls, struct err *err);
void telegram_calls_free(struct telegram_call *calls, size_t n);

/* Changes a call that was refused so that it may be sent once more, as the answer's class asks for:
 * MIGRATED (moved_to is the new chat), NO_REPLY, NO_QUOTE, NO_TOPIC, PLAIN, AS_DOCUMENT. False when
 * there is nothing of that to change: then it is refused for good. */
bool telegram_call_amend(struct telegram_call *call, enum telegram_class cls, const char *moved_to);

/* editMessageText or editMessageCaption of a message that went in one part. external: its id, which
 * also names the chat. NULL with err when it cannot be edited (too long for one message). Buttons
 * must be in the body again: an edit without them takes them away. New reference. */
json_t *telegram_compose_edit(const json_t *body, const struct telegram_target *to,
    const char *external_id, bool has_files, const char **method_out, struct err *err);
/* deleteMessages of all the parts (deleteBusinessMessages where they are of a business connection),
 * at most 100 of one chat. NULL when none of the ids is a message's. New reference. */
json_t *telegram_compose_delete(const struct telegram_target *to, const char *const *external_ids,
    size_t n, const char **method_out);
/* setMessageReaction; emoji NULL or "" removes. U+FE0F is dropped; an emoji that Telegram does not
 * know is ERR_INVALID with a sentence; in a business chat bots have no reactions (ERR_UNSUPPORTED).
 * New reference, or NULL with err. */
json_t *telegram_compose_reaction(const struct telegram_target *to, const char *external_id,
    const char *emoji, const char **method_out, struct err *err);

/* The message id in an external id ("<chat>:<message>", "<biz>/<chat>:<message>"), or -1. */
long long telegram_message_id(const char *external_id);

#endif
