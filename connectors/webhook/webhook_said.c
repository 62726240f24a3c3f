/* webhook_said.c - the events that come, checked: each key by a row of a table. */
#include "connectors/webhook/webhook_said.h"

#include <string.h>

#include "base/id.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "model/message.h"

#define URL_MAX 2048

enum kind { WORDS, TEXT, OUR_ID, FLAG, FILES, AGENT };

struct row {
    const char *key;
    enum kind kind;
    size_t max; /* bytes */
    bool must;
};

static const struct row reply[] = {{"id", WORDS, 200, true}, {"thread", OUR_ID, 0, false},
    {"client", OUR_ID, 0, false}, {"card", WORDS, 200, false},
    {"text", TEXT, MESSAGE_TEXT_MAX, false}, {"attachments", FILES, 0, false},
    {"agent", WORDS, 64, false}, {"author", WORDS, 200, false}, {"note", FLAG, 0, false}, {0}};
static const struct row assigned[] = {
    {"card", WORDS, 200, true}, {"agent", AGENT, 64, true}, {"by", WORDS, 200, false}, {0}};
static const struct row renamed[] = {{"card", WORDS, 200, true}, {"name", WORDS, 512, true}, {0}};

static const struct {
    const char *type;
    const struct row *rows;
} types[] = {{"message.reply", reply}, {"thread.assigned", assigned}, {"client.renamed", renamed}};

static bool is_words(const json_t *v, size_t max) {
    const char *s = json_string_value(v);
    size_t n = json_string_length(v);
    return s && n && n <= max && utf8_is_text(s, n) && !strpbrk(s, "\r\n");
}

static bool is_file(const json_t *f) {
    const json_t *url = json_object_get(f, "url"), *name = json_object_get(f, "name");
    const char *u = json_string_value(url);
    return u && is_words(url, URL_MAX) &&
           (!strncmp(u, "https://", 8) || !strncmp(u, "http://", 7)) &&
           (!name || is_words(name, 500)) && json_object_size(f) == 1u + (name != NULL);
}

static int check_files(const json_t *list, struct err *err) {
    size_t i;
    json_t *f;
    bool good = json_is_array(list) && json_array_size(list) <= MESSAGE_ATTACHMENTS_MAX;
    json_array_foreach(list, i, f) {
        good = good && is_file(f);
    }
    return good ? 0
                : err_set(err, ERR_INVALID,
                      "data.attachments must be at most %d of {\"url\": \"https://...\", \"name\": "
                      "optional}",
                      MESSAGE_ATTACHMENTS_MAX);
}

static int check_value(const struct row *r, const json_t *v, struct err *err) {
    const char *s = json_string_value(v);
    switch (r->kind) {
    case AGENT:
        if (json_is_null(v))
            return 0;
        /* fall through */
    case WORDS:
        return is_words(v, r->max)
                   ? 0
                   : err_set(err, ERR_INVALID, "data.%s must be one line of text of 1 to %zu bytes",
                         r->key, r->max);
    case TEXT:
        return s && json_string_length(v) <= r->max && utf8_is_text(s, json_string_length(v))
                   ? 0
                   : err_set(err, ERR_INVALID, "data.%s must be text of at most %zu bytes", r->key,
                         r->max);
    case OUR_ID:
        return id_is_valid(s) ? 0 : err_set(err, ERR_INVALID, "data.%s is none of our ids", r->key);
    case FLAG:
        return json_is_boolean(v)
                   ? 0
                   : err_set(err, ERR_INVALID, "data.%s must be true or false", r->key);
    case FILES:
        return check_files(v, err);
    }
    return -1;
}

static int check_data(const struct row *rows, const json_t *data, struct err *err) {
    const char *key;
    json_t *v;
    json_object_foreach((json_t *)data, key, v) {
        const struct row *r = rows;
        while (r->key && strcmp(r->key, key) != 0)
            r++;
        if (!r->key)
            return err_set(err, ERR_INVALID, "data has an unknown key \"%.40s\"", key);
        if (check_value(r, v, err) < 0)
            return -1;
    }
    for (const struct row *r = rows; r->key; r++)
        if (r->must && !json_object_get(data, r->key))
            return err_set(err, ERR_INVALID, "data.%s is missing", r->key);
    return 0;
}

int webhook_said_check(const json_t *event, struct err *err) {
    const char *type = json_string_value(json_object_get(event, "type"));
    const json_t *data = json_object_get(event, "data");
    const struct row *rows = NULL;
    for (size_t i = 0; type && i < ARRAY_LEN(types); i++)
        if (strcmp(types[i].type, type) == 0)
            rows = types[i].rows;
    if (!rows)
        return err_set(
            err, ERR_INVALID, "type must be message.reply, thread.assigned or client.renamed");
    if (!json_is_object(data))
        return err_set(err, ERR_INVALID, "data must be an object");
    if (check_data(rows, data, err) < 0)
        return -1;
    if (rows != reply)
        return 0;
    size_t whose = 0;
    whose += json_object_get(data, "thread") != NULL;
    whose += json_object_get(data, "client") != NULL;
    whose += json_object_get(data, "card") != NULL;
    if (whose != 1)
        return err_set(err, ERR_INVALID, "data must have one of thread, client and card");
    if (json_string_length(json_object_get(data, "text")) == 0 &&
        json_array_size(json_object_get(data, "attachments")) == 0)
        return err_set(err, ERR_INVALID, "a reply needs text or attachments");
    return 0;
}

const char *webhook_said_lane(const json_t *event) {
    static const char *const keys[] = {"thread", "client", "card"};
    const json_t *data = json_object_get(event, "data");
    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        if (json_object_get(data, keys[i]))
            return json_string_value(json_object_get(data, keys[i]));
    return "";
}
