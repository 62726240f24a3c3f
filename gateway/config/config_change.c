/* config_change.c - one change of the added channels, applied to what the files say. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "config/config_channels.h"
#include "config/config_private.h"

#define HIDDEN "***"

struct changing {
    const struct channel_change *change;
    struct buf *text;
    struct err *err;
};

static int refuse(struct err *err, const char *key, const char *why) {
    struct err copy;
    err_set(&copy, ERR_INVALID, "%s: %s", key, why);
    *err = copy;
    return -1;
}

/* --- values ---------------------------------------------------------------------------------- */

/* A text of one value, or NULL when v is none; the caller frees. */
static char *text_of(const struct setting *row, const json_t *v) {
    if (json_is_boolean(v) && row->type == SETTING_BOOL)
        return mem_strdup(json_is_true(v) ? "yes" : "no");
    if (json_is_integer(v) && (row->type == SETTING_INT || row->type == SETTING_SIZE))
        return mem_printf("%lld", (long long)json_integer_value(v));
    if (json_is_string(v) && utf8_is_text(json_string_value(v), json_string_length(v)))
        return mem_strdup(json_string_value(v));
    return NULL;
}

static int set_list(struct settings *s, size_t i, const json_t *v, struct err *err) {
    const struct setting *row = &s->type->table[i];
    size_t n = json_array_size(v), k = 0;
    if (json_is_array(v) && n == 0) { /* in the file, an empty list is the default */
        settings_unset(s, i);
        return 0;
    }
    char **items = mem_zalloc((n + 1) * sizeof *items);
    while (k < n && (items[k] = text_of(row, json_array_get(v, k))))
        k++;
    int rc = json_is_array(v) && k == n ? settings_set_list(s, i, items, n, err)
                                        : err_set(err, ERR_INVALID, "expected a list of texts");
    while (k)
        free(items[--k]);
    free(items);
    return rc;
}

static int set_one(struct settings *s, size_t i, const json_t *v, struct err *err) {
    const struct setting *row = &s->type->table[i];
    if (json_is_null(v)) {
        settings_unset(s, i);
        return 0;
    }
    if (row->type == SETTING_LIST)
        return set_list(s, i, v, err);
    char *text = text_of(row, v);
    int rc = text ? settings_set(s, i, text, err)
                  : err_set(err, ERR_INVALID, "expected %s",
                        row->type == SETTING_BOOL  ? "true or false"
                        : row->type == SETTING_INT ? "a number"
                                                   : "a text without control characters");
    if (text)
        explicit_bzero(text, strlen(text));
    free(text);
    return rc;
}

static bool is_kept(const struct setting *row, const json_t *v) {
    const char *text = json_string_value(v);
    return row->secret && text && strcmp(text, HIDDEN) == 0;
}

/* Somebody with a stolen session must not get the secrets sent to a server of his. */
static int check_secrets_again(
    const struct settings *s, const struct setting *where, const json_t *given, struct err *err) {
    for (size_t i = 0; s->type->table[i].key; i++) {
        const struct setting *row = &s->type->table[i];
        const json_t *v = json_object_get(given, row->key);
        if (row->secret && s->values[i].text && *s->values[i].text && (!v || is_kept(row, v)))
            return err_set(err, ERR_INVALID,
                "%s: is needed again with another %s, where it is sent", row->key, where->key);
    }
    return 0;
}

static bool differs(const struct settings *s, size_t i, const json_t *v) {
    const struct setting *row = &s->type->table[i];
    const char *is = s->values[i].text ? s->values[i].text : row->preset;
    const char *becomes = json_is_null(v) ? row->preset : json_string_value(v);
    return !is || !becomes || strcmp(is, becomes) != 0;
}

static int apply_values(struct settings *s, const json_t *given, bool is_new, struct err *err) {
    const char *key;
    json_t *v;
    json_object_foreach((json_t *)given, key, v) {
        long i = settings_row(s->type, key);
        const struct setting *row = i < 0 ? NULL : &s->type->table[i];
        const char *near = row ? NULL : settings_nearest(s->type, key);
        if (!row)
            return err_set(err, ERR_INVALID, "%.60s: %s has no such key%s%s", key, s->type->name,
                near ? "; did you mean " : "", near ? near : "");
        if (row->file_only)
            return refuse(err, key, "only the configuration file may say this");
        if (is_kept(row, v))
            continue;
        if (!is_new && row->sends_secrets && differs(s, (size_t)i, v) &&
            check_secrets_again(s, row, given, err) < 0)
            return -1;
    }
    json_object_foreach((json_t *)given, key, v) {
        size_t i = (size_t)settings_row(s->type, key);
        if (!is_kept(&s->type->table[i], v) && set_one(s, i, v, err) < 0)
            return refuse(err, key, err->text);
    }
    for (size_t i = 0; s->type->table[i].key; i++)
        if (!s->type->table[i].preset && !s->values[i].text)
            return refuse(err, s->type->table[i].key, "is needed");
    return 0;
}

/* --- the change ------------------------------------------------------------------------------ */

static int unknown_connector(const struct config *c, struct err *err) {
    struct buf names;
    buf_init(&names, 200);
    for (const struct section_type *t = c->types; t->name; t++)
        if (t->kind == SECTION_CHANNEL)
            buf_addf(&names, "%s%s", names.n ? ", " : "", t->name);
    err_set(err, ERR_INVALID, "connector: expected one of %s", buf_str(&names));
    buf_free(&names);
    return -1;
}

static int add(struct config *c, const struct channel_change *ch, struct err *err) {
    const struct section_type *type = config_type(c->types, ch->connector);
    const struct section_type *other;
    if (!type || type->kind != SECTION_CHANNEL)
        return unknown_connector(c, err);
    if (!config_title_is_good(ch->name))
        return refuse(err, "name", "expected 1 to 32 of a-z, 0-9, _ and -");
    if (config_channel(c, ch->name, &other))
        return err_set(err, ERR_CONFLICT, "name: there is a channel \"%s\" already (%s)", ch->name,
            other->name);
    struct settings *s = config_add(c, type, ch->name);
    s->added = true;
    return apply_values(s, ch->settings, true, err);
}

static int apply(struct config *c, void *arg) {
    struct changing *g = arg;
    const struct channel_change *ch = g->change;
    struct settings *s = (struct settings *)config_channel(c, ch->name, NULL);
    int rc = 0;
    if (ch->what == CHANNEL_ADD)
        rc = add(c, ch, g->err);
    else if (!s)
        rc = err_set(g->err, ERR_NOT_FOUND, "there is no such channel");
    else if (!s->added)
        rc = err_set(g->err, ERR_CONFLICT,
            "the channel \"%s\" is in the configuration file: it is changed there only", ch->name);
    else if (ch->what == CHANNEL_CHANGE)
        rc = apply_values(s, ch->settings, false, g->err);
    else
        config_remove(c, s);
    if (rc == 0)
        config_print_added(c, g->text);
    if (rc == 0 && g->text->failed)
        rc = err_set(g->err, ERR_TOO_LARGE, "there are too many channels for one file");
    return rc;
}

struct config *config_channels_change(const struct config_source *from,
    const struct channel_change *change, struct buf *text, struct err *err) {
    struct changing g = {change, text, err};
    struct buf problems;
    buf_init(&problems, 1 << 16);
    struct config *c = config_read_changed(from, apply, &g, &problems);
    if (!c && problems.n)
        err_set(err, ERR_CONFLICT, "the configuration must be mended first: %.*s",
            (int)strcspn(buf_str(&problems), "\n"), buf_str(&problems));
    buf_free(&problems);
    return c;
}

/* --- as JSON --------------------------------------------------------------------------------- */

static json_t *choices_json(const char *choices) {
    json_t *list = json_array();
    for (const char *p = choices; *p;) {
        size_t n = strcspn(p, "|");
        json_array_append_new(list, json_stringn(p, n));
        p += n + (p[n] == '|');
    }
    return list;
}

json_t *config_table_json(const struct setting *table) {
    static const char *const types[] = {[SETTING_STRING] = "string",
        [SETTING_BOOL] = "bool",
        [SETTING_INT] = "int",
        [SETTING_DURATION] = "duration",
        [SETTING_SIZE] = "size",
        [SETTING_ENUM] = "enum",
        [SETTING_LIST] = "list"};
    json_t *list = json_array();
    for (const struct setting *row = table; row->key; row++) {
        if (row->file_only)
            continue;
        json_t *o = json_pack("{s:s,s:s,s:b,s:s?,s:b,s:s}", "key", row->key, "type",
            types[row->type], "required", !row->preset, "default", row->preset, "secret",
            row->secret, "help", row->help);
        if (row->min || row->max) {
            json_object_set_new(o, "min", json_integer(row->min));
            json_object_set_new(o, "max", json_integer(row->max));
        }
        if (row->type == SETTING_ENUM)
            json_object_set_new(o, "choices", choices_json(row->choices));
        json_array_append_new(list, o);
    }
    return list;
}

static json_t *value_json(const struct setting *row, const struct value *v) {
    if (row->secret)
        return v->text && *v->text ? json_string(HIDDEN) : json_null();
    if (row->type == SETTING_BOOL)
        return json_boolean(v->number != 0);
    if (row->type == SETTING_INT)
        return json_integer(v->number);
    if (row->type != SETTING_LIST)
        return json_string(v->text ? v->text : "");
    json_t *list = json_array();
    for (size_t i = 0; v->list && v->list[i]; i++)
        json_array_append_new(list, json_string(v->list[i]));
    return list;
}

json_t *config_values_json(const struct settings *s) {
    json_t *o = json_object();
    for (size_t i = 0; s->type->table[i].key; i++)
        json_object_set_new(
            o, s->type->table[i].key, value_json(&s->type->table[i], &s->values[i]));
    return o;
}
