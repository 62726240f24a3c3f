/* config.c - the configuration as a whole: file, --set, defaults, checks, and printing it. */
#include "config/config.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "config/config_private.h"

#define TITLE_CHARS "abcdefghijklmnopqrstuvwxyz0123456789_-"

const struct section_type *config_type(const struct section_type *types, const char *name) {
    for (; types->name; types++)
        if (strcmp(types->name, name) == 0)
            return types;
    return NULL;
}

struct settings *config_add(struct config *c, const struct section_type *type, const char *title) {
    c->sections = mem_realloc(c->sections, (c->n + 1) * sizeof *c->sections);
    c->sections[c->n] = settings_create(type, title);
    return c->sections[c->n++];
}

void config_remove(struct config *c, struct settings *s) {
    size_t i = 0;
    while (c->sections[i] != s)
        i++;
    settings_free(s);
    memmove(&c->sections[i], &c->sections[i + 1], (--c->n - i) * sizeof *c->sections);
}

static struct settings *find(const struct config *c, const char *name, const char *title) {
    for (size_t i = 0; i < c->n; i++)
        if (strcmp(c->sections[i]->type->name, name) == 0 &&
            (!title || strcmp(c->sections[i]->title, title) == 0))
            return c->sections[i];
    return NULL;
}

/* --- --set ----------------------------------------------------------------------------------- */

/* "key", "section.key" or "section.title.key" -> the section (made when a titled one is new). */
static struct settings *section_of(
    struct config *c, const char *name, const char **key_out, struct buf *problems) {
    const char *dot = strchr(name, '.'), *last = strrchr(name, '.');
    if (!dot) {
        *key_out = name;
        return find(c, "", NULL);
    }
    char *section = mem_strndup(name, (size_t)(dot - name));
    char *title = last > dot ? mem_strndup(dot + 1, (size_t)(last - dot - 1)) : NULL;
    const struct section_type *type = config_type(c->types, section);
    struct settings *s = NULL;
    *key_out = last + 1;
    if (!type || !*section)
        buf_addf(problems, "--set %s: there is no section \"%s\"\n", name, section);
    else if ((type->kind == SECTION_PLAIN) != (title == NULL))
        buf_addf(problems, "--set %s: expected %s\n", name,
            type->kind == SECTION_PLAIN ? "section.key=value" : "section.title.key=value");
    else if (!(s = find(c, section, title)))
        s = config_add(c, type, title);
    free(section);
    free(title);
    return s;
}

static void apply_set(struct config *c, const char *set, struct buf *problems) {
    const char *eq = strchr(set, '='), *key;
    struct err err;
    if (!eq) {
        buf_addf(problems, "--set %s: expected key=value\n", set);
        return;
    }
    char *name = mem_strndup(set, (size_t)(eq - set));
    struct settings *s = section_of(c, name, &key, problems);
    long row = s ? settings_row(s->type, key) : -1;
    if (s && row < 0) {
        const char *near = settings_nearest(s->type, key);
        buf_addf(problems, "--set %s: unknown key \"%s\"%s%s%s\n", name, key,
            near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
    } else if (s && settings_set(s, (size_t)row, eq + 1, &err) < 0) {
        buf_addf(problems, "--set %s: %s\n", name, err.text);
    }
    free(name);
}

/* --- the whole ------------------------------------------------------------------------------- */

/* Fills what was not given; a key without default must have been. */
static void fill(struct settings *s, const char *path, struct buf *problems) {
    struct err err;
    for (size_t i = 0; s->type->table[i].key; i++) {
        const struct setting *row = &s->type->table[i];
        if (s->values[i].text)
            continue;
        if (!row->preset)
            buf_addf(problems, "%s: %s \"%s\" needs the key \"%s\" (%s)\n", path, s->type->name,
                s->title, row->key, row->help);
        else if (settings_set(s, i, row->preset, &err) < 0)
            buf_addf(problems, "bug: the default of %s: %s\n", row->key, err.text);
    }
}

bool config_title_is_good(const char *title) {
    size_t n = strlen(title);
    return n && n <= 32 && strspn(title, TITLE_CHARS) == n;
}

static void check_titles(const struct config *c, const char *path, struct buf *problems) {
    for (size_t i = 0; i < c->n; i++) {
        const struct settings *s = c->sections[i];
        if (s->type->kind == SECTION_PLAIN)
            continue;
        if (!config_title_is_good(s->title))
            buf_addf(problems, "%s: %s \"%s\": a name is 1 to 32 of a-z, 0-9, _ and -\n", path,
                s->type->name, s->title);
        for (size_t k = 0; k < i; k++)
            if (c->sections[k]->type->kind == s->type->kind &&
                strcmp(c->sections[k]->title, s->title) == 0)
                buf_addf(problems, "%s: the name \"%s\" is used twice (%s and %s%s)\n", path,
                    s->title, c->sections[k]->type->name, s->type->name,
                    s->added ? ", which was added in the inbox or by the API" : "");
    }
}

/* data_dir as it will be, before --set and defaults are applied; NULL: these types have none. */
static const char *data_dir_of(const struct config *c, const char *const *sets) {
    const struct settings *top = find(c, "", NULL);
    long row = top ? settings_row(top->type, "data_dir") : -1;
    const char *found = NULL;
    if (row >= 0)
        found = top->values[row].text ? top->values[row].text : top->type->table[row].preset;
    for (size_t i = 0; row >= 0 && sets && sets[i]; i++)
        if (strncmp(sets[i], "data_dir=", 9) == 0)
            found = sets[i] + 9;
    return found;
}

struct config *config_read_changed(
    const struct config_source *from, config_change_fn change, void *arg, struct buf *problems) {
    struct config *c = mem_zalloc(sizeof *c);
    size_t before = problems->n;
    bool ended = false;
    c->types = from->types;
    for (const struct section_type *t = from->types; t->name; t++)
        if (t->kind == SECTION_PLAIN)
            config_add(c, t, NULL);
    int rc = config_file_read(c, from->path, problems);
    const char *data_dir = data_dir_of(c, from->sets);
    if (rc == 0 && data_dir)
        rc = config_channels_read(c, data_dir, problems);
    if (rc == 0 && problems->n == before && change)
        ended = change(c, arg) < 0;
    if (rc == 0 && !ended) {
        for (size_t i = 0; from->sets && from->sets[i]; i++)
            apply_set(c, from->sets[i], problems);
        for (size_t i = 0; i < c->n; i++)
            fill(c->sections[i], from->path, problems);
        check_titles(c, from->path, problems);
    }
    if (problems->n != before || ended)
        config_destroy(&c);
    return c;
}

struct config *config_read(const char *path, const char *const *sets,
    const struct section_type *types, struct buf *problems) {
    struct config_source from = {path, sets, types};
    return config_read_changed(&from, NULL, NULL, problems);
}

void config_destroy(struct config **cp) {
    struct config *c = *cp;
    if (!c)
        return;
    for (size_t i = 0; i < c->n; i++)
        settings_free(c->sections[i]);
    free(c->sections);
    free(c);
    *cp = NULL;
}

const struct settings *config_section(const struct config *c, const char *name) {
    return find(c, name, NULL);
}

size_t config_count(const struct config *c, enum section_kind kind) {
    size_t n = 0;
    for (size_t i = 0; i < c->n; i++)
        n += c->sections[i]->type->kind == kind;
    return n;
}

const struct settings *config_at(const struct config *c, enum section_kind kind, size_t at,
    const struct section_type **type_out) {
    for (size_t i = 0; i < c->n; i++) {
        if (c->sections[i]->type->kind != kind || at--)
            continue;
        if (type_out)
            *type_out = c->sections[i]->type;
        return c->sections[i];
    }
    return NULL;
}

const struct settings *config_channel(
    const struct config *c, const char *name, const struct section_type **type_out) {
    for (size_t i = 0; i < c->n; i++) {
        const struct settings *s = c->sections[i];
        if (s->type->kind != SECTION_CHANNEL || strcmp(s->title, name) != 0)
            continue;
        if (type_out)
            *type_out = s->type;
        return s;
    }
    return NULL;
}
