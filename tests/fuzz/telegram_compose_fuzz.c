/* telegram_compose_fuzz.c - any JSON object as a message of ours: the calls keep Telegram's limits,
 * every file is named in its call, and amending ends. Address, route, reply are in the body's
 * "address", "route", "reply". */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_strict.h"
#include "connectors/telegram/telegram_compose.h"
#include "connectors/telegram/telegram_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good) {
    if (!good)
        abort();
}

static const char *string_at(const json_t *o, const char *key, const char *none) {
    const char *s = json_string_value(json_object_get(o, key));
    return s ? s : none;
}

static void check_text(const json_t *o, const char *key, const char *entities, size_t max) {
    const char *text = json_string_value(json_object_get(o, key));
    const json_t *list = json_object_get(o, entities);
    size_t units = text ? telegram_units(text) : 0;
    check(!list || text);
    check(units <= max);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *e = json_array_get(list, i);
        json_int_t from = json_integer_value(json_object_get(e, "offset"));
        json_int_t n = json_integer_value(json_object_get(e, "length"));
        check(from >= 0 && n >= 1 && (size_t)(from + n) <= units);
    }
}

static void check_call(const struct telegram_call *c) {
    const json_t *p = c->params, *media = json_object_get(p, "media");
    bool album = strcmp(c->method, "sendMediaGroup") == 0;
    check(json_object_get(p, "chat_id") != NULL);
    check_text(p, "text", "entities", TELEGRAM_TEXT_UNITS);
    check_text(p, "caption", "caption_entities", TELEGRAM_CAPTION_UNITS);
    check((strcmp(c->method, "sendMessage") == 0) == (c->nuploads == 0));
    check(album == (media != NULL) && !(album && json_object_get(p, "reply_markup")));
    check(!album || (json_array_size(media) >= 2 && json_array_size(media) == c->nuploads));
    for (size_t i = 0; i < c->nuploads; i++) {
        const char *ref = string_at(json_array_get(media, i), "media", "");
        check(c->uploads[i].media[0] && c->uploads[i].name && c->uploads[i].mime);
        check(!album || strcmp(ref + strlen("attach://"), c->uploads[i].part) == 0);
        if (album)
            check_text(
                json_array_get(media, i), "caption", "caption_entities", TELEGRAM_CAPTION_UNITS);
    }
}

static void amend(struct telegram_call *c) {
    for (int cls = TELEGRAM_OK; cls <= TELEGRAM_UNKNOWN; cls++) {
        unsigned n = 0;
        while (telegram_call_amend(c, (enum telegram_class)cls, "-1007"))
            check(++n < 3);
    }
    char *text = json_dumps(c->params, JSON_COMPACT);
    check(text != NULL);
    free(text);
}

static void change(const json_t *body, const struct telegram_target *to, const char *id) {
    struct err err = {0};
    const char *method = NULL;
    for (int files = 0; files < 2; files++) {
        json_t *p = telegram_compose_edit(body, to, id, files, &method, &err);
        check(p ? method != NULL : err.code != ERR_NONE);
        check_text(p, "text", "entities", TELEGRAM_TEXT_UNITS);
        check_text(p, "caption", "caption_entities", TELEGRAM_CAPTION_UNITS);
        json_decref(p);
    }
    json_t *p = telegram_compose_delete(to, &id, 1, &method);
    check((p != NULL) == (telegram_message_id(id) > 0));
    json_decref(p);
    json_decref(telegram_compose_reaction(to, id, string_at(body, "text", NULL), &method, &err));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct telegram_call calls[TELEGRAM_CALLS_MAX];
    struct err err = {0};
    json_t *body = json_strict_parse(span_of((const char *)data, size), 20, &err);
    if (!body)
        return 0;
    struct telegram_target to = {.address = string_at(body, "address", "42"),
        .route = string_at(body, "route", ""),
        .reply_to = string_at(body, "reply", NULL),
        .local_files = json_is_true(json_object_get(body, "local"))};
    err.code = ERR_NONE;
    size_t n = telegram_compose(body, &to, calls, &err);
    check(n <= TELEGRAM_CALLS_MAX && (n > 0 || err.code != ERR_NONE));
    for (size_t i = 0; i < n; i++)
        check_call(&calls[i]);
    for (size_t i = 0; i < n; i++)
        amend(&calls[i]);
    telegram_calls_free(calls, n);
    change(body, &to, to.reply_to ? to.reply_to : "42:7");
    json_decref(body);
    return 0;
}
