/* telegram_compose_again.c - a refused call changed so that it may pass; and reactions. */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/span.h"
#include "connectors/telegram/telegram_compose_private.h"

static bool drop(json_t *o, const char *key) {
    return json_object_del(o, key) == 0;
}

/* Formatting of the text, of the caption, of captions in an album. */
static bool make_plain(json_t *params) {
    json_t *media = json_object_get(params, "media");
    bool changed = drop(params, "entities");
    changed = drop(params, "caption_entities") || changed;
    for (size_t i = 0; i < json_array_size(media); i++)
        changed = drop(json_array_get(media, i), "caption_entities") || changed;
    return changed;
}

/* All of an album: documents go with documents only. */
static bool make_documents(struct telegram_call *call) {
    json_t *media = json_object_get(call->params, "media"), *item;
    bool changed = false;
    size_t i;
    if (strcmp(call->method, "sendPhoto") == 0) {
        call->method = "sendDocument";
        memcpy(call->uploads[0].part, "document", sizeof "document");
        return true;
    }
    json_array_foreach(media, i, item) {
        const char *type = json_string_value(json_object_get(item, "type"));
        changed = changed || (type && strcmp(type, "photo") == 0);
    }
    json_array_foreach(media, i, item) {
        if (!changed)
            break;
        json_object_set_new(item, "type", json_string("document"));
        drop(item, "width");
        drop(item, "height");
        drop(item, "duration");
        drop(item, "supports_streaming");
    }
    return changed;
}

static bool move(json_t *params, const char *moved_to) {
    char *end;
    long long chat = moved_to ? strtoll(moved_to, &end, 10) : 0;
    const json_t *now = json_object_get(params, "chat_id");
    if (!chat || *end || json_integer_value(now) == chat)
        return false;
    json_object_set_new(params, "chat_id", json_integer(chat));
    drop(params, "reply_parameters"); /* the numbers of messages began anew */
    return true;
}

bool telegram_call_amend(
    struct telegram_call *call, enum telegram_class cls, const char *moved_to) {
    switch (cls) {
    case TELEGRAM_MIGRATED:
        return move(call->params, moved_to);
    case TELEGRAM_NO_REPLY:
    case TELEGRAM_NO_QUOTE: /* we quote nothing: what is quoted is the answered message */
        return drop(call->params, "reply_parameters");
    case TELEGRAM_NO_TOPIC:
        return drop(call->params, "message_thread_id");
    case TELEGRAM_PLAIN:
        return make_plain(call->params);
    case TELEGRAM_AS_DOCUMENT:
        return make_documents(call);
    default:
        return false;
    }
}

/* --- reactions
 * -------------------------------------------------------------------------------------- */

/* Those that Telegram takes from bots, without U+FE0F. */
static const char *const reactions[] = {"❤", "👍", "👎", "🔥", "🥰", "👏", "😁", "🤔", "🤯", "😱",
    "🤬", "😢", "🎉", "🤩", "🤮", "💩", "🙏", "👌", "🕊", "🤡", "🥱", "🥴", "😍", "🐳",
    "❤‍🔥", "🌚", "🌭", "💯", "🤣", "⚡", "🍌", "🏆", "💔", "🤨", "😐", "🍓", "🍾", "💋",
    "🖕", "😈", "😴", "😭", "🤓", "👻", "👨‍💻", "👀", "🎃", "🙈", "😇", "😨", "🤝", "✍", "🤗",
    "🫡", "🎅", "🎄", "☃", "💅", "🤪", "🗿", "🆒", "💘", "🙉", "🦄", "😘", "💊", "🙊", "😎", "👾",
    "🤷‍♂", "🤷", "🤷‍♀", "😡"};

/* Telegram's form of it, or NULL. */
static const char *find_reaction(const char *emoji) {
    static const char selector[] = "\xef\xb8\x8f"; /* U+FE0F */
    struct buf plain;
    const char *found = NULL, *next;
    buf_init(&plain, 64);
    for (; (next = strstr(emoji, selector)); emoji = next + sizeof selector - 1)
        buf_add(&plain, emoji, (size_t)(next - emoji));
    buf_adds(&plain, emoji);
    for (size_t i = 0; i < ARRAY_LEN(reactions) && !plain.failed; i++)
        if (strcmp(reactions[i], buf_str(&plain)) == 0)
            found = reactions[i];
    buf_free(&plain);
    return found;
}

json_t *telegram_compose_reaction(const struct telegram_target *to, const char *external_id,
    const char *emoji, const char **method_out, struct err *err) {
    struct telegram_external e;
    const char *known = emoji && *emoji ? find_reaction(emoji) : NULL;
    if (!telegram_external_parse(external_id, &e)) {
        err_set(err, ERR_INVALID, "this message has no number in Telegram");
        return NULL;
    }
    if (*e.business || strncmp(to->route, "biz=", 4) == 0) {
        err_set(err, ERR_UNSUPPORTED, "a bot cannot react in the chat of a business account");
        return NULL;
    }
    if (emoji && *emoji && !known) {
        err_set(err, ERR_INVALID, "Telegram has no such reaction as %.40s", emoji);
        return NULL;
    }
    *method_out = "setMessageReaction";
    json_t *list = json_array();
    if (known)
        json_array_append_new(list, json_pack("{s:s,s:s}", "type", "emoji", "emoji", known));
    return json_pack("{s:I,s:I,s:o}", "chat_id", (json_int_t)e.chat, "message_id",
        (json_int_t)e.message, "reaction", list);
}
