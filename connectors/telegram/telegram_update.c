/* telegram_update.c - one Update as what happened in our words: which kind of Update it is, whose
 * dialogue, under which ids. What a message says is read in telegram_content.c, what happened in a
 * chat in telegram_service.c. */
#include "connectors/telegram/telegram_update.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_strict.h"
#include "base/mem.h"
#include "connectors/telegram/telegram_json.h"
#include "connectors/telegram/telegram_update_private.h"

#define BUSINESS_MAX 90 /* bytes of a connection's id that fit into our external ids */
#define ALBUM_MAX 40
#define CALLBACK_MAX 64
#define START_MAX 64
#define REACTIONS_MAX 20
#define EMOJI_POINTS 16
#define LABEL_POINTS 200

/* What is special about an Update that carries a Message. */
enum { EDITED = 1, GUEST = 2 };

struct update_kind {
    const char *key;
    void (*read)(struct telegram_reading *r, json_t *payload, unsigned flags); /* NULL: NOTHING */
    unsigned flags;
};

/* --- the chat: whose dialogue it is --------------------------------------------------------------
 */

/* A connection's id goes into ids of ours, which are parsed again: no slash, nothing invisible. */
static void business_text(const char *id, char out[BUSINESS_MAX + 1]) {
    size_t n = 0;
    for (; *id && n < BUSINESS_MAX; id++)
        out[n++] = *id > 0x20 && *id < 0x7f && *id != '/' ? *id : '_';
    out[n] = '\0';
}

static bool is_private_chat(const json_t *chat) {
    const char *type = telegram_string(chat, "type");
    return type ? strcmp(type, "private") == 0 : !json_object_get(chat, "title");
}

/* Address, prefix of external ids, business connection, name. False when there is no chat. */
static bool read_chat(struct telegram_reading *r, const json_t *chat, const char *business) {
    struct telegram_update *u = r->u;
    char safe[BUSINESS_MAX + 1];
    int64_t id;
    if (!telegram_int(json_object_get(chat, "id"), &id))
        return false;
    snprintf(u->address, sizeof u->address, "%" PRId64, id);
    u->is_group = !is_private_chat(chat);
    u->name = telegram_name_of(chat);
    if (business && *business) {
        business_text(business, safe);
        u->business = mem_strdup(business);
        snprintf(u->route, sizeof u->route, "biz=%s", safe);
        snprintf(r->prefix, sizeof r->prefix, "%s/%s:", safe, u->address);
        u->understood = u->understood && strcmp(safe, business) == 0;
    } else {
        snprintf(r->prefix, sizeof r->prefix, "%s:", u->address);
    }
    return true;
}

static bool is_same_id(const json_t *a, const json_t *b) {
    int64_t x, y;
    return telegram_int(json_object_get(a, "id"), &x) &&
           telegram_int(json_object_get(b, "id"), &y) && x == y;
}

/* The person of a private chat: name where the chat has none, user name, language. */
static void read_person(struct telegram_reading *r, const json_t *chat, const json_t *from) {
    struct telegram_update *u = r->u;
    const json_t *person = !u->is_group && is_same_id(from, chat) ? from : chat;
    if (!*u->name && person == from) {
        free(u->name);
        u->name = telegram_name_of(from);
    }
    const char *username = telegram_string(chat, "username");
    if (!username)
        username = telegram_string(person, "username");
    const char *locale = telegram_string(person, "language_code");
    if (!username && !locale)
        return;
    u->profile = json_object();
    telegram_set_text(u->profile, "username", telegram_name(username));
    telegram_set_text(u->profile, "locale", telegram_name(locale));
}

static bool is_bot_user(const json_t *user, int64_t bot_id) {
    int64_t id;
    return telegram_int(json_object_get(user, "id"), &id) && id == bot_id;
}

/* --- the ids of a message
 * --------------------------------------------------------------------------- */

/* An ephemeral message has number 0 and ids that are used again: its second and its author make
 * them one of a kind, and the same for its edits. */
void telegram_external_id(
    const struct telegram_reading *r, const json_t *message, char out[TELEGRAM_EXTERNAL_SIZE]) {
    int64_t id, date = 0, from = 0;
    *out = '\0';
    if (telegram_int(json_object_get(message, "message_id"), &id) && id > 0) {
        snprintf(out, TELEGRAM_EXTERNAL_SIZE, "%.120s%" PRId64, r->prefix, id);
        return;
    }
    if (!telegram_int(json_object_get(message, "ephemeral_message_id"), &id))
        return;
    telegram_int(json_object_get(message, "date"), &date);
    telegram_int(json_object_get(json_object_get(message, "from"), "id"), &from);
    snprintf(out, TELEGRAM_EXTERNAL_SIZE, "%.80se%" PRId64 ":%" PRId64 ":%" PRId64, r->prefix, id,
        date, from);
}

static void set_external(struct telegram_reading *r, const json_t *message) {
    struct telegram_update *u = r->u;
    telegram_external_id(r, message, u->external_id);
    if (!*u->external_id)
        snprintf(u->external_id, sizeof u->external_id, "%.120su%" PRId64, r->prefix, u->update_id);
}

static void set_album(struct telegram_reading *r) {
    const json_t *id = r->m.at[F_media_group_id];
    const char *s = json_string_value(id);
    int64_t n;
    if (s && *s && strlen(s) <= ALBUM_MAX)
        snprintf(r->u->album, sizeof r->u->album, "%.115sg%s", r->prefix, s);
    else if (json_is_integer(id) && telegram_int(id, &n))
        snprintf(r->u->album, sizeof r->u->album, "%.115sg%" PRId64, r->prefix, n);
}

/* A business connection's route is set by read_chat(). */
static void set_route(struct telegram_reading *r) {
    struct telegram_update *u = r->u;
    int64_t id;
    if (*u->route)
        return;
    if (telegram_int(json_object_get(r->m.at[F_direct_messages_topic], "topic_id"), &id))
        snprintf(u->route, sizeof u->route, "direct=%" PRId64, id);
    else if (json_is_true(r->m.at[F_is_topic_message]) &&
             telegram_int(r->m.at[F_message_thread_id], &id) && id > 1)
        snprintf(u->route, sizeof u->route, "topic=%" PRId64, id); /* 1 is the General topic */
}

/* --- messages
 * ------------------------------------------------------------------------------------------ */

/* Our own bot wrote it: we know. */
static bool is_own_echo(const struct telegram_reading *r) {
    return is_bot_user(r->m.at[F_sender_business_bot], r->bot_id) ||
           (!r->m.at[F_sender_chat] && is_bot_user(r->m.at[F_from], r->bot_id));
}

/* Written on our side, but not by us: by a business account's owner, by the channel whose direct
 * messages these are, or by a channel into its discussion group. */
static bool is_our_side(const struct telegram_reading *r) {
    const json_t *from = r->m.at[F_from];
    const json_t *topic_user = json_object_get(r->m.at[F_direct_messages_topic], "user");
    if (r->u->business)
        return !r->u->is_group && from && !is_same_id(from, r->m.at[F_chat]);
    if (topic_user)
        return r->m.at[F_sender_chat] || (from && !is_same_id(from, topic_user));
    return json_is_true(r->m.at[F_is_automatic_forward]);
}

/* "/start PAYLOAD" of the client himself: not of a message that he passed on. */
static void read_start(struct telegram_reading *r) {
    const char *text = json_string_value(r->m.at[F_text]);
    if (!text || strncmp(text, "/start ", 7) != 0 || r->u->is_group || r->u->business ||
        r->m.at[F_forward_origin] || r->m.at[F_via_bot])
        return;
    const char *payload = text + 7;
    size_t n = strspn(payload, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-");
    if (n >= 1 && n <= START_MAX && !payload[n])
        r->u->start_payload = mem_strdup(payload);
}

/* A group goes on under another id; told in the old one and in the new one. */
static bool read_migration(struct telegram_reading *r) {
    int64_t to, from;
    bool moves = telegram_int(r->m.at[F_migrate_to_chat_id], &to);
    bool moved = telegram_int(r->m.at[F_migrate_from_chat_id], &from);
    if (moves)
        snprintf(r->u->moved_to, sizeof r->u->moved_to, "%" PRId64, to);
    if (moved)
        snprintf(r->u->moved_from, sizeof r->u->moved_from, "%" PRId64, from);
    if (moves || moved)
        telegram_service_event(r, "migrated",
            mem_strdup(
                moves ? "The group becomes a supergroup." : "The group has become a supergroup."));
    return moves || moved;
}

/* All that can stand around any content. */
static void read_around(struct telegram_reading *r, unsigned flags) {
    struct telegram_update *u = r->u;
    json_t *live = json_object_get(r->m.at[F_location], "live_period");
    set_album(r);
    telegram_origin_read(r);
    if (flags & EDITED)
        telegram_set_time(u->body, "edited_at", r->m.at[F_edit_date]);
    u->live_location = (flags & EDITED) && live && !r->m.at[F_venue];
    if (u->what == TELEGRAM_MESSAGE)
        read_start(r);
    if (flags & GUEST)
        telegram_content_raw(r, "guest_message");
}

static void read_content(struct telegram_reading *r, unsigned flags) {
    struct telegram_update *u = r->u;
    u->body = json_object();
    bool known = telegram_content_read(r);
    if (!known && telegram_service_read(r))
        return;
    if (!known)
        telegram_content_raw(r, r->m.unknown ? r->m.unknown : "unsupported");
    u->understood = u->understood && !r->m.unknown;
    u->own = is_our_side(r);
    u->what = flags & EDITED ? TELEGRAM_EDIT : u->own ? TELEGRAM_OWN : TELEGRAM_MESSAGE;
    read_around(r, flags);
}

static void read_message(struct telegram_reading *r, json_t *message, unsigned flags) {
    struct telegram_update *u = r->u;
    telegram_fields_read(message, &r->m);
    bool moves = r->m.at[F_migrate_to_chat_id] || r->m.at[F_migrate_from_chat_id];
    if (is_own_echo(r) && !moves)
        return;
    const json_t *chat = r->m.at[F_chat], *from = r->m.at[F_from];
    if (!read_chat(r, chat, json_string_value(r->m.at[F_business_connection_id]))) {
        u->understood = false;
        return;
    }
    read_person(r, chat, from);
    set_external(r, message);
    set_route(r);
    u->is_bot = r->m.at[F_sender_business_bot] ||
                (!r->m.at[F_sender_chat] && json_is_true(json_object_get(from, "is_bot")));
    if (!read_migration(r))
        read_content(r, flags);
    if (u->body)
        telegram_set_time(u->body, "sent_at", r->m.at[F_date]);
    if (u->body && (u->is_group || u->own))
        telegram_set_author(
            r, from, r->m.at[F_sender_chat], json_string_value(r->m.at[F_author_signature]));
}

/* --- the other kinds
 * --------------------------------------------------------------------------------- */

/* The text on the button with this data; NULL when the keyboard is not there (an old message). */
static const char *button_label(const json_t *message, const char *data) {
    const json_t *rows =
        json_object_get(json_object_get(message, "reply_markup"), "inline_keyboard");
    size_t i, j;
    json_t *row, *button;
    json_array_foreach((json_t *)rows, i, row) {
        json_array_foreach(row, j, button) {
            const char *its = telegram_string(button, "callback_data");
            const char *text = telegram_string(button, "text");
            if (its && text && *text && strcmp(its, data) == 0)
                return text;
        }
    }
    return NULL;
}

static void read_callback(struct telegram_reading *r, json_t *query, unsigned flags) {
    (void)flags;
    struct telegram_update *u = r->u;
    json_t *message = json_object_get(query, "message"), *from = json_object_get(query, "from");
    const char *id = telegram_string(query, "id"), *data = telegram_string(query, "data");
    const char *game = telegram_string(query, "game_short_name"), *label = NULL;
    if (id && strlen(id) <= CALLBACK_MAX)
        u->callback_id = mem_strdup(id);
    telegram_fields_read(message, &r->m);
    if (!read_chat(r, r->m.at[F_chat], json_string_value(r->m.at[F_business_connection_id])))
        return; /* of a message in a chat that is not ours: only to be answered */
    read_person(r, r->m.at[F_chat], from);
    set_route(r);
    if (u->callback_id)
        snprintf(u->external_id, sizeof u->external_id, "cb:%.64s", id);
    else
        snprintf(u->external_id, sizeof u->external_id, "cb:u%" PRId64, u->update_id);
    telegram_external_id(r, message, u->reply_to);
    u->what = TELEGRAM_MESSAGE;
    u->is_bot = json_is_true(json_object_get(from, "is_bot"));
    u->body = json_object();
    if (data)
        label = button_label(message, data);
    if (!label)
        label = data && *data ? data : game;
    char *text = telegram_excerpt(label ? label : "", LABEL_POINTS);
    if (*text) {
        json_object_set_new(u->body, "text", json_string(text));
        json_object_set_new(u->body, "button", json_pack("{s:s}", "text", text));
    } else {
        telegram_content_raw(r, "callback_query");
    }
    free(text);
    if (u->is_group)
        telegram_set_author(r, from, NULL, NULL);
}

/* A custom one has no character: any sign is better than none. */
static json_t *reaction_sign(const json_t *one) {
    const char *emoji = telegram_string(one, "emoji"), *type = telegram_string(one, "type");
    bool paid = type && strcmp(type, "paid") == 0;
    char *sign = telegram_excerpt(emoji ? emoji : "", EMOJI_POINTS);
    json_t *out = json_string(*sign ? sign : paid ? "\xe2\xad\x90" : "\xe2\x9d\x94");
    free(sign);
    return out;
}

static void read_reaction(struct telegram_reading *r, json_t *change, unsigned flags) {
    (void)flags;
    struct telegram_update *u = r->u;
    json_t *user = json_object_get(change, "user"), *chat = json_object_get(change, "chat");
    json_t *actor = json_object_get(change, "actor_chat"), *one;
    json_t *now = json_object_get(change, "new_reaction"), *list = json_array();
    const json_t *who = user ? user : actor;
    int64_t id = 0;
    size_t i;
    if (!who || is_bot_user(user, r->bot_id) || !read_chat(r, chat, NULL)) {
        json_decref(list);
        return;
    }
    telegram_external_id(r, change, u->external_id);
    json_array_foreach(now, i, one) {
        if (i < REACTIONS_MAX)
            json_array_append_new(list, reaction_sign(one));
    }
    if (!*u->external_id) {
        json_decref(list);
        return;
    }
    char *name = telegram_name_of(who), address[TELEGRAM_ADDRESS_SIZE] = "";
    if (telegram_int(json_object_get(who, "id"), &id))
        snprintf(address, sizeof address, "%" PRId64, id);
    u->what = TELEGRAM_REACTION;
    u->is_bot = json_is_true(json_object_get(user, "is_bot"));
    u->body = json_pack(
        "{s:s,s:s,s:s,s:o}", "by", "client", "name", name, "address", address, "emoji", list);
    free(name);
}

static void read_member(struct telegram_reading *r, json_t *changed, unsigned flags) {
    (void)flags;
    json_t *chat = json_object_get(changed, "chat"), *from = json_object_get(changed, "from");
    if (!read_chat(r, chat, NULL))
        return;
    read_person(r, chat, from);
    snprintf(r->u->external_id, sizeof r->u->external_id, "mcm:%" PRId64, r->u->update_id);
    telegram_service_member(r, changed, chat);
    if (r->u->body)
        telegram_set_time(r->u->body, "sent_at", json_object_get(changed, "date"));
}

static void read_connection(struct telegram_reading *r, json_t *connection, unsigned flags) {
    (void)flags;
    const char *id = telegram_string(connection, "id");
    if (!id || !*id) {
        r->u->understood = false;
        return;
    }
    r->u->what = TELEGRAM_CONNECTION;
    r->u->business = mem_strdup(id);
    r->u->name = telegram_name_of(json_object_get(connection, "user"));
    r->u->body = json_incref(connection);
}

static void read_deleted(struct telegram_reading *r, json_t *gone, unsigned flags) {
    (void)flags;
    struct telegram_update *u = r->u;
    json_t *ids = json_object_get(gone, "message_ids");
    size_t n = json_array_size(ids);
    const char *business = telegram_string(gone, "business_connection_id");
    if (!n || !read_chat(r, json_object_get(gone, "chat"), business))
        return;
    if (n > TELEGRAM_DELETED_MAX) {
        n = TELEGRAM_DELETED_MAX;
        u->understood = false;
    }
    u->deleted = mem_zalloc(n * sizeof *u->deleted);
    for (size_t i = 0; i < n; i++) {
        int64_t id;
        if (telegram_int(json_array_get(ids, i), &id) && id > 0)
            snprintf(
                u->deleted[u->ndeleted++], sizeof *u->deleted, "%.120s%" PRId64, r->prefix, id);
    }
    u->what = u->ndeleted ? TELEGRAM_DELETE : TELEGRAM_NOTHING;
}

/* A kind of Update that came after us. Where it is of a chat it is shown as what it is called. */
static void read_unknown(struct telegram_reading *r, json_t *payload, const char *key) {
    struct telegram_update *u = r->u;
    u->understood = false;
    if (!read_chat(r, json_object_get(payload, "chat"),
            telegram_string(payload, "business_connection_id")))
        return;
    read_person(r, json_object_get(payload, "chat"), json_object_get(payload, "from"));
    snprintf(u->external_id, sizeof u->external_id, "%.120su%" PRId64, r->prefix, u->update_id);
    u->what = TELEGRAM_MESSAGE;
    u->body = json_object();
    telegram_content_raw(r, key);
    telegram_set_time(u->body, "sent_at", json_object_get(payload, "date"));
}

/* --- an Update
 * -------------------------------------------------------------------------------------------- */

static const struct update_kind kinds[] = {{"message", read_message, 0},
    {"edited_message", read_message, EDITED}, {"callback_query", read_callback, 0},
    {"business_message", read_message, 0}, {"edited_business_message", read_message, EDITED},
    {"deleted_business_messages", read_deleted, 0}, {"business_connection", read_connection, 0},
    {"channel_post", read_message, 0}, {"edited_channel_post", read_message, EDITED},
    {"guest_message", read_message, GUEST}, {"message_reaction", read_reaction, 0},
    {"my_chat_member", read_member, 0}, {"message_reaction_count", NULL, 0},
    {"inline_query", NULL, 0}, {"chosen_inline_result", NULL, 0}, {"shipping_query", NULL, 0},
    {"pre_checkout_query", NULL, 0}, {"purchased_paid_media", NULL, 0}, {"subscription", NULL, 0},
    {"poll", NULL, 0}, {"poll_answer", NULL, 0}, {"chat_member", NULL, 0},
    {"chat_join_request", NULL, 0}, {"chat_boost", NULL, 0}, {"removed_chat_boost", NULL, 0},
    {"managed_bot", NULL, 0}, {"stopped_message_generation", NULL, 0}};

static const struct update_kind *find_kind(const char *key) {
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (strcmp(kinds[i].key, key) == 0)
            return &kinds[i];
    return NULL;
}

static void read_payload(struct telegram_reading *r, json_t *root) {
    const struct update_kind *kind = NULL;
    const char *key, *strange = NULL;
    json_t *v, *payload = NULL;
    json_object_foreach(root, key, v) {
        if (kind || json_is_null(v) || strcmp(key, "update_id") == 0)
            continue;
        kind = find_kind(key);
        if (kind)
            payload = v;
        else if (!strange && json_is_object(v))
            strange = key;
    }
    if (kind && kind->read && json_is_object(payload))
        kind->read(r, payload, kind->flags);
    else if (kind)
        r->u->understood = !kind->read;
    else if (strange)
        read_unknown(r, json_object_get(root, strange), strange);
    else
        r->u->understood = false;
}

/* NOTHING is of no chat, whatever was found on the way to it. */
static void clear_ids(struct telegram_update *u) {
    json_decref(u->body);
    json_decref(u->profile);
    u->body = u->profile = NULL;
    u->is_group = u->is_bot = false;
    *u->address = *u->route = *u->external_id = *u->album = *u->reply_to = '\0';
    if (u->name)
        *u->name = '\0';
}

int telegram_update_read(
    json_t *root, int64_t bot_id, struct telegram_update *out, struct err *err) {
    struct telegram_reading r = {.u = out, .bot_id = bot_id};
    memset(out, 0, sizeof *out);
    out->what = TELEGRAM_NOTHING;
    out->understood = true;
    if (!json_is_object(root))
        return err_set(err, ERR_INVALID, "an Update must be an object");
    if (!telegram_int(json_object_get(root, "update_id"), &out->update_id))
        return err_set(err, ERR_INVALID, "update_id is missing");
    out->root = json_incref(root);
    read_payload(&r, root);
    if (out->what == TELEGRAM_NOTHING)
        clear_ids(out);
    if (!out->name)
        out->name = mem_strdup("");
    return 0;
}

int telegram_update_parse(
    struct span text, int64_t bot_id, struct telegram_update *out, struct err *err) {
    json_t *root = json_strict_parse(text, TELEGRAM_DEPTH_MAX, err), *mended = NULL;
    if (!root)
        root = mended = telegram_json_mended(text);
    if (!root) {
        memset(out, 0, sizeof *out);
        return -1;
    }
    int rc = telegram_update_read(root, bot_id, out, err);
    if (mended)
        out->understood = false;
    json_decref(root);
    return rc;
}

void telegram_update_free(struct telegram_update *u) {
    free(u->name);
    free(u->start_payload);
    free(u->callback_id);
    free(u->business);
    free(u->own_phone);
    free(u->deleted);
    json_decref(u->body);
    json_decref(u->profile);
    json_decref(u->root);
    memset(u, 0, sizeof *u);
}
