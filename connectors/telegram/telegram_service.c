/* telegram_service.c - what happened in a chat, as one short sentence. Nothing acts on the words;
 * blocked and unblocked, joined and left (our bot) are told apart by event.what. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "connectors/telegram/telegram_update_private.h"

#define NAMES_BYTES 2000
#define SENTENCE_BYTES 4000
#define NAMES_MAX 5 /* of people who came at once */

struct service_row {
    enum telegram_field field;
    const char *what;  /* NULL: of no interest for a thread */
    const char *words; /* after the name of who did it, or a sentence of its own */
    /* Adds what it was about. NULL: nothing. */
    void (*more)(struct buf *b, const struct telegram_reading *r, const json_t *v);
    unsigned flags;
};

/* ALONE: words is the whole sentence. PART: there is more to it than the sentence says. */
enum { ALONE = 1, PART = 2 };

void telegram_service_event(struct telegram_reading *r, const char *what, char *text) {
    r->u->what = TELEGRAM_EVENT;
    json_decref(r->u->body);
    r->u->body =
        json_pack("{s:{s:s,s:s,s:s}}", "event", "type", "channel", "what", what, "text", text);
    free(text);
}

/* The name of a User or Chat; the word where it has none. */
static void add_name(struct buf *b, const json_t *who, const char *none) {
    char *name = telegram_name_of(who);
    buf_adds(b, *name ? name : none);
    free(name);
}

static const json_t *actor_of(const struct telegram_reading *r) {
    return r->m.at[F_sender_chat] ? r->m.at[F_sender_chat] : r->m.at[F_from];
}

/* --- what it was about
 * ------------------------------------------------------------------------------ */

static void add_quoted(struct buf *b, const char *before, const char *s) {
    char *name = telegram_name(s);
    if (*name)
        buf_addf(b, "%s\"%s\"", before, name);
    free(name);
}

static void add_title(struct buf *b, const struct telegram_reading *r, const json_t *v) {
    (void)r;
    add_quoted(b, " to ", json_string_value(v));
}

static void add_topic(struct buf *b, const struct telegram_reading *r, const json_t *v) {
    (void)r;
    add_quoted(b, " ", telegram_string(v, "name"));
}

static void add_pinned(struct buf *b, const struct telegram_reading *r, const json_t *v) {
    struct telegram_fields fields;
    telegram_external_id(r, v, r->u->reply_to);
    if (!telegram_string(v, "text") && !telegram_string(v, "caption"))
        return;
    telegram_fields_read((json_t *)v, &fields);
    char *text = telegram_content_excerpt(&fields);
    add_quoted(b, ": ", text);
    free(text);
}

/* --- who came and went
 * ------------------------------------------------------------------------------- */

static bool is_user(const json_t *user, int64_t id) {
    int64_t its;
    return telegram_int(json_object_get(user, "id"), &its) && its == id;
}

static bool is_actor(const struct telegram_reading *r, const json_t *user) {
    int64_t id;
    return telegram_int(json_object_get(r->m.at[F_from], "id"), &id) && is_user(user, id);
}

/* "Ann joined." or "Bob added Ann, Carl." Of our own bot my_chat_member tells. */
static bool read_came(struct telegram_reading *r, const json_t *users) {
    struct buf names, b;
    size_t n = 0, left_out = 0;
    bool self = false;
    buf_init(&names, NAMES_BYTES);
    buf_init(&b, SENTENCE_BYTES);
    for (size_t i = 0; i < json_array_size(users); i++) {
        const json_t *user = json_array_get(users, i);
        if (!json_is_object(user) || is_user(user, r->bot_id))
            continue;
        self = self || is_actor(r, user);
        if (n == NAMES_MAX) {
            left_out++;
            continue;
        }
        buf_adds(&names, n++ ? ", " : "");
        add_name(&names, user, "somebody");
    }
    if (left_out)
        buf_addf(&names, " and %zu more", left_out);
    if (self || !actor_of(r)) {
        buf_addf(&b, "%s joined the group.", buf_str(&names));
    } else {
        add_name(&b, actor_of(r), "Somebody");
        buf_addf(&b, " added %s to the group.", buf_str(&names));
    }
    if (n)
        telegram_service_event(r, "service", buf_take(&b));
    buf_free(&b);
    buf_free(&names);
    return true;
}

static bool read_went(struct telegram_reading *r, const json_t *user) {
    struct buf b;
    if (is_user(user, r->bot_id))
        return true;
    buf_init(&b, SENTENCE_BYTES);
    if (is_actor(r, user) || !actor_of(r)) {
        add_name(&b, user, "Somebody");
        buf_adds(&b, " left the group.");
    } else {
        add_name(&b, actor_of(r), "Somebody");
        buf_adds(&b, " removed ");
        add_name(&b, user, "somebody");
        buf_adds(&b, " from the group.");
    }
    telegram_service_event(r, "service", buf_take(&b));
    return true;
}

/* --- the rows
 * ------------------------------------------------------------------------------------------ */

static const struct service_row rows[] = {
    {F_pinned_message, "pinned", "pinned a message", add_pinned, 0},
    {F_new_chat_title, "title", "changed the group's name", add_title, 0},
    {F_new_chat_photo, "service", "changed the group's picture", NULL, 0},
    {F_delete_chat_photo, "service", "removed the group's picture", NULL, 0},
    {F_group_chat_created, "service", "created the group", NULL, 0},
    {F_supergroup_chat_created, "service", "created the group", NULL, 0},
    {F_channel_chat_created, "service", "created the channel", NULL, 0},
    {F_chat_owner_left, "service", "The owner has left the group", NULL, ALONE | PART},
    {F_chat_owner_changed, "service", "The group has a new owner", NULL, ALONE | PART},
    {F_message_auto_delete_timer_changed, "service", "changed when messages are deleted", NULL,
        PART},
    {F_successful_payment, "service", "paid", NULL, PART},
    {F_refunded_payment, "service", "A payment was refunded", NULL, ALONE | PART},
    {F_users_shared, "service", "shared users", NULL, PART},
    {F_chat_shared, "service", "shared a chat", NULL, PART},
    {F_gift, "service", "sent a gift", NULL, PART},
    {F_unique_gift, "service", "sent a unique gift", NULL, PART},
    {F_gift_upgrade_sent, "service", "paid for a gift's upgrade", NULL, PART},
    {F_connected_website, "service", "logged in on a website", NULL, PART},
    {F_write_access_allowed, "service", "allowed the bot to write", NULL, 0},
    {F_passport_data, "service", "sent Telegram Passport data", NULL, PART},
    {F_proximity_alert_triggered, "service", "A proximity alert went off", NULL, ALONE | PART},
    {F_boost_added, "service", "boosted the chat", NULL, 0},
    {F_checklist_tasks_done, "service", "ticked tasks of a checklist", NULL, PART},
    {F_checklist_tasks_added, "service", "added tasks to a checklist", NULL, PART},
    {F_community_chat_added, "service", "The chat was added to a community", NULL, ALONE},
    {F_community_chat_removed, "service", "The chat was removed from a community", NULL, ALONE},
    {F_community_chat_joined, "service", "joined through a community", NULL, 0},
    {F_direct_message_price_changed, "service", "The price of direct messages was changed", NULL,
        ALONE | PART},
    {F_paid_message_price_changed, "service", "The price of messages was changed", NULL,
        ALONE | PART},
    {F_forum_topic_created, "topic", "created the topic", add_topic, 0},
    {F_forum_topic_edited, "topic", "changed the topic", add_topic, 0},
    {F_forum_topic_closed, "topic", "closed the topic", NULL, 0},
    {F_forum_topic_reopened, "topic", "opened the topic again", NULL, 0},
    {F_general_forum_topic_hidden, "topic", "hid the General topic", NULL, 0},
    {F_general_forum_topic_unhidden, "topic", "showed the General topic again", NULL, 0},
    {F_giveaway_created, "service", "A giveaway was announced", NULL, ALONE},
    {F_giveaway_completed, "service", "A giveaway has ended", NULL, ALONE | PART},
    {F_poll_option_added, "service", "added an option to a poll", NULL, PART},
    {F_poll_option_deleted, "service", "removed an option from a poll", NULL, PART},
    {F_suggested_post_approved, "service", "A suggested post was approved", NULL, ALONE | PART},
    {F_suggested_post_approval_failed, "service", "A suggested post could not be approved", NULL,
        ALONE | PART},
    {F_suggested_post_declined, "service", "A suggested post was declined", NULL, ALONE | PART},
    {F_suggested_post_paid, "service", "A suggested post was paid", NULL, ALONE | PART},
    {F_suggested_post_refunded, "service", "A suggested post was refunded", NULL, ALONE | PART},
    {F_video_chat_scheduled, "service", "scheduled a video chat", NULL, PART},
    {F_video_chat_started, "service", "started a video chat", NULL, 0},
    {F_video_chat_ended, "service", "The video chat has ended", NULL, ALONE},
    {F_web_app_data, "service", "sent data from a web app", NULL, PART},
    {F_video_chat_participants_invited, NULL, NULL, NULL, 0},
    {F_chat_background_set, NULL, NULL, NULL, 0},
    {F_managed_bot_created, NULL, NULL, NULL, 0},
};

static void read_row(struct telegram_reading *r, const struct service_row *row, const json_t *v) {
    struct buf b;
    if (!row->what)
        return;
    buf_init(&b, SENTENCE_BYTES);
    if (!(row->flags & ALONE)) {
        add_name(&b, actor_of(r), r->u->is_group ? "Somebody" : "The client");
        buf_adds(&b, " ");
    }
    buf_adds(&b, row->words);
    if (row->more)
        row->more(&b, r, v);
    buf_adds(&b, ".");
    if (row->flags & PART)
        r->u->understood = false;
    telegram_service_event(r, row->what, buf_take(&b));
}

bool telegram_service_read(struct telegram_reading *r) {
    if (r->m.at[F_new_chat_members])
        return read_came(r, r->m.at[F_new_chat_members]);
    if (r->m.at[F_left_chat_member])
        return read_went(r, r->m.at[F_left_chat_member]);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const json_t *v = r->m.at[rows[i].field];
        if (!v)
            continue;
        read_row(r, &rows[i], v);
        return true;
    }
    return false;
}

/* --- our own bot's place in the chat
 * ------------------------------------------------------------------ */

static bool is_gone(const char *status) {
    return status && (strcmp(status, "left") == 0 || strcmp(status, "kicked") == 0);
}

void telegram_service_member(struct telegram_reading *r, json_t *changed, const json_t *chat) {
    const char *now = telegram_string(json_object_get(changed, "new_chat_member"), "status");
    const char *was = telegram_string(json_object_get(changed, "old_chat_member"), "status");
    const char *type = telegram_string(chat, "type");
    const char *where = type && strcmp(type, "channel") == 0 ? "channel" : "group";
    struct buf b;
    if (!now)
        return;
    if (!r->u->is_group) {
        if (is_gone(now))
            telegram_service_event(r, "blocked", mem_strdup("The client has blocked this bot."));
        else
            telegram_service_event(
                r, "unblocked", mem_strdup("The client has unblocked this bot."));
        return;
    }
    if (was && is_gone(was) == is_gone(now)) /* other rights, same place */
        return;
    buf_init(&b, SENTENCE_BYTES);
    add_name(&b, json_object_get(changed, "from"), "Somebody");
    buf_addf(
        &b, is_gone(now) ? " removed this bot from the %s." : " added this bot to the %s.", where);
    telegram_service_event(r, is_gone(now) ? "left" : "joined", buf_take(&b));
}
