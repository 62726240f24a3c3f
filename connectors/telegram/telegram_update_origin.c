/* telegram_update_origin.c - what a message comes from: who of a group wrote it, which message it
 * answers, whence it was forwarded, the topic it stands in. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "connectors/telegram/telegram_update_private.h"

void telegram_set_author(struct telegram_reading *r, const json_t *from, const json_t *sender_chat,
    const char *signature) {
    const json_t *who = sender_chat ? sender_chat : from;
    char address[TELEGRAM_ADDRESS_SIZE];
    int64_t id;
    char *name = who ? telegram_name_of(who) : telegram_name(signature);
    if (who && signature && *signature) {
        char *signer = telegram_name(signature), *both = mem_printf("%s (%s)", name, signer);
        free(name);
        free(signer);
        name = telegram_name(both);
        free(both);
    }
    json_t *author = json_object();
    telegram_set_text(author, "name", name);
    if (telegram_int(json_object_get(who, "id"), &id)) {
        snprintf(address, sizeof address, "%" PRId64, id);
        json_object_set_new_nocheck(author, "address", json_string(address));
    }
    telegram_set_text(author, "username", telegram_name(telegram_string(who, "username")));
    if (json_object_size(author))
        json_object_set_nocheck(r->u->body, "author", author);
    json_decref(author);
}

/* --- the message that this one answers -----------------------------------------------------------
 */

/* In a topic every message points at the service message that made the topic: no answer. */
static bool is_topic_root(const struct telegram_reading *r, const json_t *answered) {
    int64_t id, thread;
    if (json_object_get(answered, "forum_topic_created"))
        return true;
    return json_is_true(r->m.at[F_is_topic_message]) &&
           telegram_int(json_object_get(answered, "message_id"), &id) &&
           telegram_int(r->m.at[F_message_thread_id], &thread) && id == thread;
}

/* Who wrote what is quoted: a Message's sender, or the origin of one of another chat. */
static char *quoted_name(const json_t *answered, const json_t *external) {
    const json_t *origin = json_object_get(external, "origin");
    const json_t *who = json_object_get(answered, "sender_chat");
    if (!who)
        who = json_object_get(answered, "from");
    if (!who)
        who = json_object_get(origin, "sender_user");
    if (!who)
        who = json_object_get(origin, "sender_chat");
    if (!who)
        who = json_object_get(origin, "chat");
    if (who)
        return telegram_name_of(who);
    return telegram_name(telegram_string(origin, "sender_user_name"));
}

static void set_quote(struct telegram_reading *r, json_t *answered, json_t *external) {
    const char *part = telegram_string(r->m.at[F_quote], "text");
    struct telegram_fields fields;
    char *text = NULL;
    if (part && *part) {
        text = telegram_excerpt(part, 1024);
    } else if (answered || external) {
        telegram_fields_read(answered ? answered : external, &fields);
        text = telegram_content_excerpt(&fields);
    } else if (r->m.at[F_reply_to_story]) {
        text = mem_strdup("[story]");
    }
    if (!text)
        return;
    json_t *quote = json_object();
    telegram_set_text(quote, "text", text);
    telegram_set_text(quote, "by", quoted_name(answered, external));
    json_object_set_new_nocheck(r->u->body, "quote", quote);
}

/* An answer to a message of another chat names it only where that is another topic of this one. */
static bool is_this_chat(const struct telegram_reading *r, const json_t *message) {
    int64_t a, b;
    return telegram_int(json_object_get(r->m.at[F_chat], "id"), &a) &&
           telegram_int(json_object_get(json_object_get(message, "chat"), "id"), &b) && a == b;
}

static void read_reply(struct telegram_reading *r) {
    json_t *answered = r->m.at[F_reply_to_message], *external = r->m.at[F_external_reply];
    if (!answered && !external && !r->m.at[F_quote] && !r->m.at[F_reply_to_story])
        return;
    if (answered && is_topic_root(r, answered))
        answered = NULL;
    if (answered)
        telegram_external_id(r, answered, r->u->reply_to);
    else if (external && is_this_chat(r, external))
        telegram_external_id(r, external, r->u->reply_to);
    set_quote(r, answered, external);
}

/* --- whence it was forwarded ---------------------------------------------------------------------
 */

static void read_forward(struct telegram_reading *r) {
    static const char *const known[] = {"user", "hidden_user", "chat", "channel"};
    static const char *const senders[] = {"sender_user", "", "sender_chat", "chat"};
    const json_t *origin = r->m.at[F_forward_origin];
    const char *type = telegram_string(origin, "type");
    size_t i = 0;
    if (!origin)
        return;
    while (type && i < ARRAY_LEN(known) && strcmp(known[i], type) != 0)
        i++;
    if (!type || i == ARRAY_LEN(known)) {
        r->u->understood = false;
        return;
    }
    json_t *forward = json_pack("{s:s}", "kind", known[i]);
    const json_t *who = json_object_get(origin, senders[i]);
    telegram_set_text(forward, "name",
        who ? telegram_name_of(who) : telegram_name(telegram_string(origin, "sender_user_name")));
    telegram_set_time(forward, "at", json_object_get(origin, "date"));
    json_object_set_new_nocheck(r->u->body, "forward", forward);
}

/* --- the topic
 * ------------------------------------------------------------------------------------ */

static void read_topic(struct telegram_reading *r) {
    const char *route = r->u->route, *equals = strchr(route, '=');
    if (!equals || strncmp(route, "biz=", 4) == 0)
        return;
    const json_t *made = json_object_get(r->m.at[F_reply_to_message], "forum_topic_created");
    json_t *topic = json_pack("{s:s}", "id", equals + 1);
    const json_t *user = json_object_get(r->m.at[F_direct_messages_topic], "user");
    telegram_set_text(topic, "name",
        user ? telegram_name_of(user) : telegram_name(telegram_string(made, "name")));
    json_object_set_new_nocheck(r->u->body, "topic", topic);
}

void telegram_origin_read(struct telegram_reading *r) {
    read_reply(r);
    read_forward(r);
    read_topic(r);
}
