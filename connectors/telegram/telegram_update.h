/* telegram_update.h - one Update of the Bot API, as what happened in our words. Pure.
 * Source: Bot API 10.3, "Update", "Message". */
#ifndef SB_CONNECTORS_TELEGRAM_TELEGRAM_UPDATE_H
#define SB_CONNECTORS_TELEGRAM_TELEGRAM_UPDATE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/span.h"

#define TELEGRAM_ADDRESS_SIZE 32
#define TELEGRAM_EXTERNAL_SIZE                                                                     \
    160                         /* "<chat>:<message>" or "<business connection>/<chat>:<message>" */
#define TELEGRAM_ROUTE_SIZE 160 /* "" or "topic=45", "direct=7" or "biz=<business connection>" */
#define TELEGRAM_DELETED_MAX 100
#define TELEGRAM_DEPTH_MAX 100 /* blocks of a rich_message may stand in each other */

enum telegram_what {
    TELEGRAM_MESSAGE,  /* a new message; also a pressed button, shown as a message */
    TELEGRAM_OWN,      /* written from our side elsewhere: the owner of a business account, the
                          channel in its direct messages or into its discussion group. A post in
                          a channel is a MESSAGE: the channel is the client, like a group */
    TELEGRAM_EDIT,     /* external_id has changed; body is its new content */
    TELEGRAM_DELETE,   /* deleted[] are gone (business chats only) */
    TELEGRAM_REACTION, /* body = {"by":"client","name":..,"address":..,"emoji":[...]}: all that the
                          reaction of this person (address) to external_id now is ([] none) */
    TELEGRAM_EVENT,    /* something happened: body = {"event":{"type":"channel","what":WHAT,
                          "text":...}}; see below */
    TELEGRAM_CONNECTION, /* a business account was connected, changed or disabled: body is the
                            BusinessConnection as it came */
    TELEGRAM_NOTHING     /* of no interest for a thread: poll votes, inline queries ...; a button of
                            an inline message still has its callback_id */
};

/* WHAT of an event: blocked, unblocked (a private chat), joined, left (this bot itself, to or from
 * a group; other people who come and go are "service"), title, topic, pinned (reply_to is the
 * message), migrated, service. */

struct telegram_update {
    int64_t update_id;
    enum telegram_what what;
    /* Whose dialogue: the chat. "" for CONNECTION and NOTHING. */
    char address[TELEGRAM_ADDRESS_SIZE];
    char *name; /* first and last name, or the group's title (CONNECTION: the owner's name); may
                   be "", never NULL after 0 was returned */
    bool is_group, is_bot; /* is_bot: written by another bot */
    char route[TELEGRAM_ROUTE_SIZE];
    char external_id[TELEGRAM_EXTERNAL_SIZE]; /* "" for CONNECTION and NOTHING */
    char album[TELEGRAM_EXTERNAL_SIZE];    /* "<external prefix of chat>:g<media_group_id>" or "" */
    char reply_to[TELEGRAM_EXTERNAL_SIZE]; /* external id of the message that this answers, or "" */
    char moved_to[TELEGRAM_ADDRESS_SIZE];  /* the group goes on under this chat id, or "" */
    char moved_from[TELEGRAM_ADDRESS_SIZE];
    char *start_payload; /* of "/start PAYLOAD" in a private chat, else NULL */
    char *callback_id;   /* callback query to be answered, else NULL */
    char *business;      /* id of the business connection, else NULL */
    char *own_phone;     /* the user's own number, proven ("+..." digits only), else NULL */
    bool live_location;  /* an edit that only moves a live location (its end is an ordinary one) */
    bool own;            /* OWN, or an EDIT of such a message: our side wrote it */
    bool understood;     /* false: raw should be kept with the message */
    json_t *body;        /* new: see below; NULL for DELETE, NOTHING */
    json_t *profile;     /* new: {"username","locale"} or NULL */
    char (*deleted)[TELEGRAM_EXTERNAL_SIZE];
    size_t ndeleted;
    json_t *root; /* the parsed Update: raw, as it came */
};

/* Parses one Update. -1 with err when it is not one (not JSON even after mending, no update_id, no
 * object). Whatever
 * is a valid Update gives 0, however strange: what we do not know becomes a MESSAGE with
 * "raw_type" (when it is of a chat) or NOTHING. bot_id: our own user id; own_bot messages are
 * skipped (NOTHING). The caller calls telegram_update_free() in both cases. */
int telegram_update_parse(
    struct span text, int64_t bot_id, struct telegram_update *out, struct err *err);
/* The same for an Update that is parsed already (element of getUpdates' answer); takes a reference
 * to root. */
int telegram_update_read(
    json_t *root, int64_t bot_id, struct telegram_update *out, struct err *err);
void telegram_update_free(struct telegram_update *u);

/* The body of a message (model/message.h), any of:
 *  text, html (only when entities change how it looks; telegram_html), sent_at (RFC 3339 ms),
 *  author {"name","address","username"} in groups and of OWN: who wrote (sender_chat
 *    first),
 *  attachments [{"kind":"image|video|audio|document","role":"voice|video_note|sticker|animation"?,
 *    "name","mime"?,"size"?,"duration"?,"width"?,"height"?,"emoji"?,"state":"waiting",
 *    "external_id":this part's,"remote":{"file_id","unique"}}]; one larger than `file_max`... is
 *    decided by the caller; paid previews have state "unavailable" and no remote,
 *  quote {"text","by"?}: the quoted part, or the first 200 characters of the message that this
 *    answers (its kind in words such as "[photo]" when it has no text),
 *  forward {"kind":"user|hidden_user|chat|channel","name","at"},
 *  location {"lat","lon","accuracy"?,"name"?,"address"?,"live_until"?},
 *  contact {"name","phone","own":bool},
 *  poll {"question","options":[{"text","votes"}],"closed"}, checklist {"title","tasks":[{"text",
 *    "done"}]}, button {"text"} (a press: text is the button's label), topic {"id","name"?},
 *  raw_type: the Bot API's word for what we show only in part or not at all ("story", "giveaway",
 *    "rich_message", "dice", "sticker" is NOT one). dice has text "🎲 4".
 * Texts are cut to MESSAGE_TEXT_MAX, names to 200 bytes, all valid UTF-8 without control
 * characters but \n and \t. */

#endif
