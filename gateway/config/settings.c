/* settings.c - one section's values, read by key. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "config/config_private.h"
#include "config/value.h"

static size_t rows_of(const struct setting *table) {
    size_t n = 0;
    while (table[n].key)
        n++;
    return n;
}

struct settings *settings_create(const struct section_type *type, const char *title) {
    struct settings *s = mem_zalloc(sizeof *s);
    s->type = type;
    s->title = mem_strdup(title ? title : "");
    s->values = mem_zalloc((rows_of(type->table) + 1) * sizeof *s->values);
    return s;
}

static void value_free(struct value *v) {
    for (size_t i = 0; v->list && v->list[i]; i++)
        free(v->list[i]);
    free(v->list);
    if (v->text)
        explicit_bzero(v->text, strlen(v->text));
    free(v->text);
    *v = (struct value){0};
}

void settings_unset(struct settings *s, size_t i) {
    value_free(&s->values[i]);
}

void settings_free(struct settings *s) {
    for (size_t i = 0; s->type->table[i].key; i++)
        value_free(&s->values[i]);
    free(s->values);
    free(s->title);
    free(s);
}

long settings_row(const struct section_type *type, const char *key) {
    for (size_t i = 0; type->table[i].key; i++)
        if (strcmp(type->table[i].key, key) == 0)
            return (long)i;
    return -1;
}

const char *settings_nearest(const struct section_type *type, const char *key) {
    const char *best = NULL;
    size_t least = strlen(key) / 2 + 1;
    for (size_t i = 0; type->table[i].key; i++) {
        size_t d = value_distance(key, type->table[i].key);
        if (d < least) {
            least = d;
            best = type->table[i].key;
        }
    }
    return best;
}

int settings_set_list(struct settings *s, size_t i, char *const *items, size_t n, struct err *err) {
    const struct setting *row = &s->type->table[i];
    struct value v = {.text = mem_strdup(""), .list = mem_zalloc((n + 1) * sizeof *v.list)};
    for (size_t k = 0; k < n; k++) {
        int64_t number;
        if (value_check(row, items[k], &number, err) < 0) {
            value_free(&v);
            return -1;
        }
        v.list[k] = mem_strdup(items[k]);
    }
    value_free(&s->values[i]);
    s->values[i] = v;
    return 0;
}

/* The text between the spaces and one pair of these at its ends; changes text. */
static char *without(char *text, char first, char last) {
    size_t n = strlen(text = text + strspn(text, " "));
    while (n && text[n - 1] == ' ')
        text[--n] = '\0';
    if (n > 1 && text[0] == first && text[n - 1] == last) {
        text[n - 1] = '\0';
        text++;
    }
    return text;
}

/* A preset, or what --set says, "a, b" or as the file writes it, {"a", "b"} -> items. */
static int set_list_text(struct settings *s, size_t i, const char *text, struct err *err) {
    char *items[256], *copy = mem_strdup(text), *save = NULL;
    size_t n = 0;
    for (char *p = strtok_r(without(copy, '{', '}'), ",", &save); p && n < ARRAY_LEN(items);
         p = strtok_r(NULL, ",", &save)) {
        p = without(p, '"', '"');
        if (*p)
            items[n++] = p;
    }
    int rc = settings_set_list(s, i, items, n, err);
    free(copy);
    return rc;
}

int settings_set(struct settings *s, size_t i, const char *text, struct err *err) {
    const struct setting *row = &s->type->table[i];
    int64_t number;
    if (row->type == SETTING_LIST)
        return set_list_text(s, i, text, err);
    if (value_check(row, text, &number, err) < 0)
        return -1;
    value_free(&s->values[i]);
    s->values[i] = (struct value){.text = mem_strdup(text), .number = number};
    return 0;
}

/* --- reading --------------------------------------------------------------------------------- */

static const struct value *find(const struct settings *s, const char *key) {
    long i = settings_row(s->type, key);
    if (i < 0) {
        fprintf(stderr, "bug: section %s has no setting %s\n", s->type->name, key);
        abort();
    }
    return &s->values[i];
}

const char *settings_title(const struct settings *s) {
    return s->title;
}

bool settings_is_added(const struct settings *s) {
    return s->added;
}

const char *settings_str(const struct settings *s, const char *key) {
    const struct value *v = find(s, key);
    return v->text ? v->text : "";
}

bool settings_bool(const struct settings *s, const char *key) {
    return find(s, key)->number != 0;
}

int64_t settings_int(const struct settings *s, const char *key) {
    return find(s, key)->number;
}

const char *const *settings_list(const struct settings *s, const char *key) {
    static const char *const none[] = {NULL};
    const struct value *v = find(s, key);
    return v->list ? (const char *const *)v->list : none;
}
