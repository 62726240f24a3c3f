/* config_file.c - reads a file through libConfuse, with options made from our tables. Every value
 * is a string to libConfuse; the tables judge it, so the sentences are ours. */
#include <confuse.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "config/config_private.h"
#include "config/config_text.h"
#include "config/value.h"

struct reading {
    struct config *config;
    struct buf *problems;
    struct config_text text;
    struct place *places;
    size_t nplaces;
};

/* Which section an option belongs to. libConfuse gives its callbacks no pointer of ours, so the
 * place's address travels as text in each option's comment, which it keeps for us. */
struct place {
    struct reading *reading;
    const struct section_type *type;
};

static const struct place *place_of(cfg_t *cfg) {
    void *p = NULL;
    const char *text = cfg->opts[0].comment;
    if (!text || sscanf(text, "%p", &p) != 1)
        abort();
    return p;
}

/* --- problems -------------------------------------------------------------------------------- */

/* Adds "file:line: " of what is read now. */
static void add_place(struct reading *r, const cfg_t *cfg) {
    unsigned line;
    const char *file = config_text_place(&r->text, cfg->line, &line);
    buf_addf(r->problems, "%s:%u: ", file, line);
}

static void unknown_key(struct reading *r, cfg_t *cfg, const struct place *place, const char *key) {
    const char *near = settings_nearest(place->type, key);
    size_t least = near ? value_distance(key, near) : strlen(key) / 2 + 1;
    bool top = !*place->type->name;
    for (const struct section_type *t = r->config->types; top && t->name; t++)
        if (*t->name && value_distance(key, t->name) < least) {
            least = value_distance(key, t->name);
            near = t->name;
        }
    add_place(r, cfg);
    buf_addf(r->problems, "unknown key \"%s\"%s%s", key, top ? "" : " in ", place->type->name);
    buf_addf(r->problems, near ? "; did you mean \"%s\"?\n" : "%s\n", near ? near : "");
}

__attribute__((format(printf, 2, 0))) static void on_error(
    cfg_t *cfg, const char *fmt, va_list ap) {
    const struct place *place = place_of(cfg);
    struct reading *r = place->reading;
    char text[400];
    if (strstr(fmt, "no such option")) {
        unknown_key(r, cfg, place, va_arg(ap, const char *));
        return;
    }
    vsnprintf(text, sizeof text, fmt, ap);
    add_place(r, cfg);
    buf_addf(r->problems, "%s\n", text);
}

/* Called when a key has its value. Every problem is reported; reading goes on. */
static int on_value(cfg_t *cfg, cfg_opt_t *opt) {
    const struct place *place = place_of(cfg);
    struct reading *r = place->reading;
    long row = settings_row(place->type, cfg_opt_name(opt));
    struct err err;
    int64_t number;
    for (unsigned i = 0; row >= 0 && i < cfg_opt_size(opt); i++) {
        const char *v = cfg_opt_getnstr(opt, i);
        if (value_check(&place->type->table[row], v ? v : "", &number, &err) < 0) {
            add_place(r, cfg);
            buf_addf(r->problems, "%s: %s\n", cfg_opt_name(opt), err.text);
        }
    }
    return 0;
}

/* --- tables to options ----------------------------------------------------------------------- */

static size_t rows_of(const struct section_type *t) {
    size_t n = 0;
    while (t->table[n].key)
        n++;
    return n;
}

static cfg_opt_t *options_of(struct reading *r, const struct section_type *t, size_t more) {
    size_t n = rows_of(t);
    cfg_opt_t *o = mem_zalloc((n + more + 2) * sizeof *o);
    struct place *place = &r->places[r->nplaces++];
    *place = (struct place){r, t};
    for (size_t i = 0; i < n; i++) {
        const struct setting *row = &t->table[i];
        cfg_opt_t str = CFG_STR(row->key, NULL, CFGF_NODEFAULT);
        cfg_opt_t list = CFG_STR_LIST(row->key, NULL, CFGF_NODEFAULT);
        o[i] = row->type == SETTING_LIST ? list : str;
        o[i].validcb = on_value;
    }
    if (n == 0) {
        cfg_opt_t none = CFG_STR("unused", NULL, CFGF_NODEFAULT);
        o[n++] = none;
    }
    o[0].comment = mem_printf("%p", (void *)place);
    cfg_opt_t end = CFG_END();
    o[n] = end;
    return o;
}

static void free_options(cfg_opt_t *o) {
    free(o[0].comment);
    free(o);
}

/* The values of one section, into ours. Wrong ones were reported when they were read. */
static void take(struct settings *s, cfg_t *cfg) {
    struct err err;
    for (size_t i = 0; s->type->table[i].key; i++) {
        cfg_opt_t *opt = cfg_getopt(cfg, s->type->table[i].key);
        unsigned n = cfg_opt_size(opt);
        if (s->type->table[i].type == SETTING_LIST && n) {
            char **items = mem_alloc(n * sizeof *items);
            for (unsigned k = 0; k < n; k++)
                items[k] = cfg_opt_getnstr(opt, k);
            settings_set_list(s, i, items, n, &err);
            free(items);
        } else if (n && cfg_opt_getnstr(opt, 0)) {
            settings_set(s, i, cfg_opt_getnstr(opt, 0), &err);
        }
    }
}

static void take_all(struct reading *r, cfg_t *root) {
    struct config *c = r->config;
    for (const struct section_type *t = c->types; t->name; t++) {
        if (!*t->name) {
            take((struct settings *)config_section(c, ""), root);
            continue;
        }
        for (unsigned i = 0; i < cfg_size(root, t->name); i++) {
            cfg_t *sec = cfg_getnsec(root, t->name, i);
            take(t->kind == SECTION_PLAIN ? (struct settings *)config_section(c, t->name)
                                          : config_add(c, t, cfg_title(sec)),
                sec);
        }
    }
}

int config_file_read(struct config *c, const char *path, struct buf *problems) {
    struct reading r = {.config = c, .problems = problems};
    size_t ntypes = 0, before = problems->n;
    if (config_text_read(&r.text, path, problems) < 0) {
        config_text_free(&r.text);
        return -1;
    }
    while (c->types[ntypes].name)
        ntypes++;
    r.places = mem_zalloc(ntypes * sizeof *r.places);
    cfg_opt_t **sections = mem_zalloc(ntypes * sizeof *sections);
    cfg_opt_t *root = options_of(&r, config_type(c->types, ""), ntypes);
    size_t rows = rows_of(config_type(c->types, "")), at = rows ? rows : 1;
    for (size_t i = 0; i < ntypes; i++) {
        const struct section_type *t = &c->types[i];
        if (!*t->name)
            continue;
        cfg_flag_t flags = t->kind == SECTION_PLAIN ? CFGF_NODEFAULT
                                                    : CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES;
        sections[i] = options_of(&r, t, 0);
        cfg_opt_t sec = CFG_SEC(t->name, sections[i], flags);
        root[at++] = sec;
    }
    cfg_opt_t end = CFG_END();
    root[at] = end;
    cfg_t *cfg = cfg_init(root, CFGF_NONE);
    cfg_set_error_function(cfg, on_error);
    int rc = cfg_parse_buf(cfg, buf_str(&r.text.out));
    if (rc != CFG_SUCCESS && problems->n == before)
        buf_addf(problems, "%s: cannot be read\n", path);
    if (rc == CFG_SUCCESS)
        take_all(&r, cfg);
    cfg_free(cfg);
    for (size_t i = 0; i < ntypes; i++)
        if (sections[i])
            free_options(sections[i]);
    free_options(root);
    free(sections);
    free(r.places);
    config_text_free(&r.text);
    return rc == CFG_SUCCESS ? 0 : -1;
}
