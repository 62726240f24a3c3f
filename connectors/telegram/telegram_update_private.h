/* telegram_update_private.h - what the readers of an Update share: the fields of a Message that we
 * know, sorted out in one walk, and small readers that trust nothing. */
#ifndef SB_CONNECTORS_TELEGRAM_TELEGRAM_UPDATE_PRIVATE_H
#define SB_CONNECTORS_TELEGRAM_TELEGRAM_UPDATE_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "connectors/telegram/telegram_update.h"

#define TELEGRAM_NAME_BYTES 200   /* of a name, a title */
#define TELEGRAM_QUOTE_POINTS 200 /* of the message that is answered */
#define TELEGRAM_LIST_MAX 100     /* options of a poll, tasks of a list */

/* Every field of Message that we know, in the order of strcmp() (a unit test checks it). */
#define TELEGRAM_FIELDS(X)                                                                         \
    X(animation), X(audio), X(author_signature), X(boost_added), X(business_connection_id),        \
        X(caption), X(caption_entities), X(channel_chat_created), X(chat), X(chat_background_set), \
        X(chat_owner_changed), X(chat_owner_left), X(chat_shared), X(checklist),                   \
        X(checklist_tasks_added), X(checklist_tasks_done), X(community_chat_added),                \
        X(community_chat_joined), X(community_chat_removed), X(connected_website), X(contact),     \
        X(date), X(delete_chat_photo), X(dice), X(direct_message_price_changed),                   \
        X(direct_messages_topic), X(document), X(edit_date), X(effect_id), X(entities),            \
        X(ephemeral_message_id), X(external_reply), X(forum_topic_closed), X(forum_topic_created), \
        X(forum_topic_edited), X(forum_topic_reopened), X(forward_origin), X(from), X(game),       \
        X(general_forum_topic_hidden), X(general_forum_topic_unhidden), X(gift),                   \
        X(gift_upgrade_sent), X(giveaway), X(giveaway_completed), X(giveaway_created),             \
        X(giveaway_winners), X(group_chat_created), X(guest_bot_caller_chat),                      \
        X(guest_bot_caller_user), X(guest_query_id), X(has_media_spoiler),                         \
        X(has_protected_content), X(invoice), X(is_automatic_forward), X(is_from_offline),         \
        X(is_paid_post), X(is_topic_message), X(left_chat_member), X(link_preview_options),        \
        X(live_photo), X(location), X(managed_bot_created), X(media_group_id),                     \
        X(message_auto_delete_timer_changed), X(message_id), X(message_thread_id),                 \
        X(migrate_from_chat_id), X(migrate_to_chat_id), X(new_chat_members), X(new_chat_photo),    \
        X(new_chat_title), X(paid_media), X(paid_message_price_changed), X(paid_star_count),       \
        X(passport_data), X(photo), X(pinned_message), X(poll), X(poll_option_added),              \
        X(poll_option_deleted), X(proximity_alert_triggered), X(quote), X(receiver_user),          \
        X(refunded_payment), X(reply_markup), X(reply_to_checklist_task_id), X(reply_to_message),  \
        X(reply_to_poll_option_id), X(reply_to_story), X(rich_message), X(sender_business_bot),    \
        X(sender_chat), X(sender_tag), X(show_caption_above_media), X(sticker), X(story),          \
        X(successful_payment), X(suggested_post_approval_failed), X(suggested_post_approved),      \
        X(suggested_post_declined), X(suggested_post_info), X(suggested_post_paid),                \
        X(suggested_post_refunded), X(supergroup_chat_created), X(text), X(unique_gift),           \
        X(users_shared), X(venue), X(via_bot), X(video), X(video_chat_ended),                      \
        X(video_chat_participants_invited), X(video_chat_scheduled), X(video_chat_started),        \
        X(video_note), X(voice), X(web_app_data), X(write_access_allowed)

#define TELEGRAM_FIELD_ENUM(name) F_##name
enum telegram_field { TELEGRAM_FIELDS(TELEGRAM_FIELD_ENUM), TELEGRAM_FIELD_COUNT };
#undef TELEGRAM_FIELD_ENUM

/* A Message's fields by name; a JSON null counts as absent. */
struct telegram_fields {
    json_t *at[TELEGRAM_FIELD_COUNT]; /* borrowed */
    const char *unknown;              /* the first one that we do not know; NULL none */
};
const char *telegram_field_name(enum telegram_field f);
void telegram_fields_read(json_t *message, struct telegram_fields *out);

/* One Update on its way into our words. */
struct telegram_reading {
    struct telegram_update *u;
    int64_t bot_id;
    struct telegram_fields m;            /* of its Message */
    char prefix[TELEGRAM_EXTERNAL_SIZE]; /* "<chat>:" or "<business connection>/<chat>:" */
};

/* --- small readers: what is missing or of another type gives NULL, false or "" ---------------- */

/* A whole number, also as text or as 7.0. */
bool telegram_int(const json_t *v, int64_t *out);
const char *telegram_string(const json_t *object, const char *key);
/* In lo..hi, else -1. */
int64_t telegram_int_in(const json_t *object, const char *key, int64_t lo, int64_t hi);

/* A new string without control characters but \n and \t, of at most max_bytes; the same one when
 * it is so already (a new reference). NULL for what is no string. */
json_t *telegram_text_of(json_t *s, size_t max_bytes);
/* The first `points` characters of it; the caller frees. */
char *telegram_excerpt(const char *s, size_t points);
/* A name to be shown: one line, at most TELEGRAM_NAME_BYTES. NULL gives "". The caller frees. */
char *telegram_name(const char *s);
/* First and last name of a User or Chat, its title, else "@username", else "". The caller frees. */
char *telegram_name_of(const json_t *who);
/* body[key] = the time; left out when it is none. */
void telegram_set_time(json_t *body, const char *key, const json_t *seconds);
/* body[key] = s; owns s; left out when it is NULL or "". */
void telegram_set_text(json_t *body, const char *key, char *s);

/* --- a message's content (telegram_content.c) --------------------------------------------------
 */

/* Reads the one kind of content that the message has into u->body. False when it has none. */
bool telegram_content_read(struct telegram_reading *r);
/* What a message that is answered says, for a quote: its text, or its kind ("[photo]"). */
char *telegram_content_excerpt(const struct telegram_fields *m);
/* Sets u->body's text and html. False when v is no string or nothing is left of it. */
bool telegram_content_text(struct telegram_reading *r, json_t *v, const json_t *entities);
/* u->body's raw_type; what is in it is not shown whole, so raw is to be kept. */
void telegram_content_raw(struct telegram_reading *r, const char *raw_type);

/* --- whom a message answers, whence it was forwarded, who wrote it (telegram_update_origin.c) ---
 */

void telegram_origin_read(struct telegram_reading *r);
/* body.author: who of a group it was. sender_chat is the real one where there is one. */
void telegram_set_author(struct telegram_reading *r, const json_t *from, const json_t *sender_chat,
    const char *signature);
/* The external id of a Message of this chat into out, "" when it has none that lasts. */
void telegram_external_id(
    const struct telegram_reading *r, const json_t *message, char out[TELEGRAM_EXTERNAL_SIZE]);

/* --- what happened in a chat (telegram_service.c) ----------------------------------------------
 */

/* A service message as EVENT, or NOTHING. False when it is none. */
bool telegram_service_read(struct telegram_reading *r);
/* my_chat_member: the bot was blocked, unblocked, added, removed. */
void telegram_service_member(struct telegram_reading *r, json_t *changed, const json_t *chat);
/* u->body = the event. Owns text. */
void telegram_service_event(struct telegram_reading *r, const char *what, char *text);

#endif
