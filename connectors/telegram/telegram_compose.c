/* telegram_compose.c - a message of ours as calls of the Bot API: the order of files and text, what
 * goes as caption, who carries reply and keyboard; and edits, deletions. The files are in
 * telegram_compose_media.c. */
#include "connectors/telegram/telegram_compose.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "connectors/telegram/telegram_compose_private.h"
#include "connectors/telegram/telegram_text_private.h"

#define CALLBACK_BYTES 64
#define ROWS_MAX 30
#define ROW_MAX 8
#define DELETE_MAX 100

/* The agent's text on its way. */
struct words {
    char *text;
    json_t *entities; /* NULL: none */
    struct telegram_part parts[TELEGRAM_PARTS_MAX];
    size_t nparts;
};

static const char *string_at(const json_t *o, const char *key) {
    return json_string_value(json_object_get(o, key));
}

/* --- ids and targets
 * -------------------------------------------------------------------------------- */

bool telegram_external_parse(const char *id, struct telegram_external *out) {
    const char *slash = strrchr(id, '/'), *chat = slash ? slash + 1 : id;
    size_t n = slash ? (size_t)(slash - id) : 0, sign = *chat == '-';
    size_t digits = strspn(chat + sign, "0123456789");
    const char *colon = chat + sign + digits, *message = colon + 1;
    memset(out, 0, sizeof *out);
    if (n >= sizeof out->business || (slash && n == 0) || digits < 1 || digits > 18 ||
        *colon != ':')
        return false;
    digits = strspn(message, "0123456789");
    if (digits < 1 || digits > 18 || message[digits])
        return false;
    memcpy(out->business, id, n);
    out->chat = strtoll(chat, NULL, 10);
    out->message = strtoll(message, NULL, 10);
    return out->message > 0;
}

long long telegram_message_id(const char *external_id) {
    struct telegram_external e;
    return telegram_external_parse(external_id, &e) ? e.message : -1;
}

/* Numbers as numbers; "@username" as it is. */
static json_t *chat_json(const char *address) {
    size_t sign = *address == '-', digits = strspn(address + sign, "0123456789");
    if (digits < 1 || digits > 18 || address[sign + digits])
        return json_string(address);
    return json_integer(strtoll(address, NULL, 10));
}

static const char *route_value(const char *route, const char *name) {
    size_t n = strlen(name);
    return strncmp(route, name, n) == 0 && route[n] == '=' && route[n + 1] ? route + n + 1 : NULL;
}

json_t *telegram_compose_params(const struct telegram_target *to) {
    json_t *params = json_object();
    const char *topic = route_value(to->route, "topic");
    const char *direct = route_value(to->route, "direct");
    const char *business = route_value(to->route, "biz");
    json_object_set_new(params, "chat_id", chat_json(to->address));
    if (topic)
        json_object_set_new(params, "message_thread_id", chat_json(topic));
    if (direct)
        json_object_set_new(params, "direct_messages_topic_id", chat_json(direct));
    if (business)
        json_object_set_new(params, "business_connection_id", json_string(business));
    return params;
}

/* The parameters that name one message of ours. */
static json_t *message_params(const struct telegram_external *e) {
    json_t *params = json_pack(
        "{s:I,s:I}", "chat_id", (json_int_t)e->chat, "message_id", (json_int_t)e->message);
    if (*e->business)
        json_object_set_new(params, "business_connection_id", json_string(e->business));
    return params;
}

/* Only of this very chat: a group that moved began to count anew. */
static void set_reply(json_t *params, const struct telegram_target *to) {
    struct telegram_external e;
    const char *business = route_value(to->route, "biz");
    const json_t *chat = json_object_get(params, "chat_id");
    if (!to->reply_to || !telegram_external_parse(to->reply_to, &e) || !json_is_integer(chat) ||
        json_integer_value(chat) != e.chat || strcmp(business ? business : "", e.business) != 0)
        return;
    json_object_set_new(params, "reply_parameters",
        json_pack(
            "{s:I,s:b}", "message_id", (json_int_t)e.message, "allow_sending_without_reply", 1));
}

/* --- keyboards
 * -------------------------------------------------------------------------------------- */

static size_t cut_at_character(const char *s, size_t max) {
    size_t n = strlen(s);
    if (n <= max)
        return n;
    for (n = max; n && ((unsigned char)s[n] & 0xc0) == 0x80; n--)
        ;
    return n;
}

static json_t *button_json(const json_t *button) {
    const char *text = string_at(button, "text"), *url = string_at(button, "url");
    if (!text || !*text)
        return NULL;
    if (!url)
        return json_pack("{s:s,s:s%}", "text", text, "callback_data", text,
            cut_at_character(text, CALLBACK_BYTES));
    bool good = strncasecmp(url, "http", 4) == 0 || strncasecmp(url, "tg:", 3) == 0;
    return good && telegram_is_safe_link(url) ? json_pack("{s:s,s:s}", "text", text, "url", url)
                                              : NULL;
}

static json_t *inline_keyboard(const json_t *rows) {
    json_t *keyboard = json_array();
    for (size_t i = 0; i < json_array_size(rows) && i < ROWS_MAX; i++) {
        const json_t *row = json_array_get(rows, i);
        json_t *out = json_array();
        for (size_t j = 0; j < json_array_size(row) && j < ROW_MAX; j++) {
            json_t *button = button_json(json_array_get(row, j));
            if (button)
                json_array_append_new(out, button);
        }
        if (json_array_size(out))
            json_array_append(keyboard, out);
        json_decref(out);
    }
    if (json_array_size(keyboard))
        return json_pack("{s:o}", "inline_keyboard", keyboard);
    json_decref(keyboard);
    return NULL;
}

static json_t *keyboard_of(const json_t *body, const struct telegram_target *to) {
    const char *request = string_at(body, "request");
    json_t *keyboard = inline_keyboard(json_object_get(body, "buttons"));
    if (keyboard || !request || strcmp(request, "contact") != 0 || *to->address == '-' ||
        *to->address == '@' || route_value(to->route, "biz"))
        return keyboard;
    return json_pack("{s:[[{s:s,s:b}]],s:b,s:b}", "keyboard", "text",
        to->contact_button ? to->contact_button : "Share my phone number", "request_contact", 1,
        "resize_keyboard", 1, "one_time_keyboard", 1);
}

/* --- text
 * ------------------------------------------------------------------------------------------- */

void telegram_compose_text(json_t *o, const char *key, const char *entities_key, const char *text,
    const struct telegram_part *part) {
    json_object_set_new(o, key, json_stringn(text + part->from, part->to - part->from));
    if (json_array_size(part->entities))
        json_object_set(o, entities_key, part->entities);
}

static void read_words(const json_t *body, size_t max_units, struct words *w) {
    const char *html = string_at(body, "html"), *text = string_at(body, "text");
    memset(w, 0, sizeof *w);
    if (html)
        w->text = telegram_from_html(html, &w->entities);
    if (w->text)
        w->nparts = telegram_split(w->text, w->entities, max_units, w->parts);
    if (w->nparts || !text)
        return;
    free(w->text);
    w->text = mem_strdup(text);
    w->nparts = telegram_split(w->text, NULL, max_units, w->parts);
}

static void free_words(struct words *w) {
    telegram_parts_free(w->parts, w->nparts);
    json_decref(w->entities);
    free(w->text);
}

static bool is_caption(const struct words *w) {
    size_t units = 0;
    if (w->nparts != 1)
        return false;
    for (const char *p = w->text + w->parts[0].from; p < w->text + w->parts[0].to;
         p += telegram_char_bytes(p))
        units += telegram_char_units(p);
    return units <= TELEGRAM_CAPTION_UNITS;
}

/* --- a message
 * -------------------------------------------------------------------------------------- */

static bool is_album(const struct telegram_call *call) {
    return strcmp(call->method, "sendMediaGroup") == 0;
}

/* An album's caption stands at its first item. */
static void set_caption(struct telegram_call *call, const struct words *w) {
    json_t *params =
        is_album(call) ? json_array_get(json_object_get(call->params, "media"), 0) : call->params;
    telegram_compose_text(params, "caption", "caption_entities", w->text, &w->parts[0]);
}

static size_t add_texts(const struct words *w, const struct telegram_target *to,
    struct telegram_call *calls, size_t n) {
    for (size_t i = 0; i < w->nparts && n < TELEGRAM_CALLS_MAX; i++) {
        calls[n] = (struct telegram_call){.method = "sendMessage"};
        calls[n].params = telegram_compose_params(to);
        telegram_compose_text(calls[n++].params, "text", "entities", w->text, &w->parts[i]);
    }
    return n;
}

size_t telegram_compose(const json_t *body, const struct telegram_target *to,
    struct telegram_call *calls, struct err *err) {
    struct words w;
    json_t *keyboard = keyboard_of(body, to);
    read_words(body, TELEGRAM_TEXT_UNITS, &w);
    int files = telegram_compose_files(body, to, !keyboard || w.nparts, calls, err);
    size_t n = files > 0 ? (size_t)files : 0;
    if (n && is_caption(&w) && !(keyboard && is_album(&calls[n - 1])))
        set_caption(&calls[0], &w);
    else if (files >= 0)
        n = add_texts(&w, to, calls, n);
    free_words(&w);
    if (files >= 0 && n == 0)
        err_set(err, ERR_INVALID, "there is nothing to send");
    if (n) {
        set_reply(calls[0].params, to);
        if (keyboard)
            json_object_set(calls[n - 1].params, "reply_markup", keyboard);
    }
    json_decref(keyboard);
    return n;
}

void telegram_calls_free(struct telegram_call *calls, size_t n) {
    for (size_t i = 0; i < n; i++)
        json_decref(calls[i].params);
    memset(calls, 0, n * sizeof *calls);
}

/* --- changes to what was sent
 * ----------------------------------------------------------------------- */

json_t *telegram_compose_edit(const json_t *body, const struct telegram_target *to,
    const char *external_id, bool has_files, const char **method_out, struct err *err) {
    (void)to;
    size_t max = has_files ? TELEGRAM_CAPTION_UNITS : TELEGRAM_TEXT_UNITS;
    struct telegram_external e;
    struct words w;
    if (!telegram_external_parse(external_id, &e)) {
        err_set(err, ERR_INVALID, "this message has no number in Telegram");
        return NULL;
    }
    read_words(body, max, &w);
    json_t *params = NULL;
    if (w.nparts > 1) {
        err_set(err, ERR_TOO_LARGE,
            "a message that was sent can be changed to at most %zu characters", max);
    } else if (w.nparts == 0 && !has_files) {
        err_set(err, ERR_INVALID, "a text cannot be changed to an empty one");
    } else {
        params = message_params(&e);
        if (w.nparts)
            telegram_compose_text(params, has_files ? "caption" : "text",
                has_files ? "caption_entities" : "entities", w.text, &w.parts[0]);
        else
            json_object_set_new(params, "caption", json_string(""));
        json_t *keyboard = inline_keyboard(json_object_get(body, "buttons"));
        if (keyboard)
            json_object_set_new(params, "reply_markup", keyboard);
        *method_out = has_files ? "editMessageCaption" : "editMessageText";
    }
    free_words(&w);
    return params;
}

json_t *telegram_compose_delete(const struct telegram_target *to, const char *const *external_ids,
    size_t n, const char **method_out) {
    (void)to;
    struct telegram_external first = {0}, e;
    json_t *ids = json_array();
    for (size_t i = 0; i < n && json_array_size(ids) < DELETE_MAX; i++) {
        if (!telegram_external_parse(external_ids[i], &e))
            continue;
        if (!first.message)
            first = e;
        if (e.chat == first.chat && strcmp(e.business, first.business) == 0)
            json_array_append_new(ids, json_integer(e.message));
    }
    if (!first.message) {
        json_decref(ids);
        return NULL;
    }
    *method_out = *first.business ? "deleteBusinessMessages" : "deleteMessages";
    if (*first.business)
        return json_pack("{s:s,s:o}", "business_connection_id", first.business, "message_ids", ids);
    return json_pack("{s:I,s:o}", "chat_id", (json_int_t)first.chat, "message_ids", ids);
}
