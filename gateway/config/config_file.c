/* config_file.c - reads a file through libConfuse, with options made from our tables. Every value
 * is a string to libConfuse; the tables judge it, so the sentences are ours. */
#include <confuse.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "config/config_private.h"
#include "config/config_scan.h"
#include "config/value.h"

#define FILE_MAX (1u << 20)
#define INCLUDES_MAX 64
#define INCLUDES_DEEP 8 /* libConfuse has room for 10 */

struct included {
    char *path;
    unsigned depth;
};

struct reading {
    struct config *config;
    struct buf *problems;
    const char *path;
    struct place *places;
    size_t nplaces;
    struct included included[INCLUDES_MAX];
    size_t nincluded;
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

static const char *file_of(cfg_t *cfg, const struct reading *r) {
    return cfg->filename ? cfg->filename : r->path;
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
    buf_addf(r->problems, "%s:%d: unknown key \"%s\"%s%s", file_of(cfg, r), cfg->line, key,
        top ? "" : " in ", place->type->name);
    buf_addf(r->problems, near ? "; did you mean \"%s\"?\n" : "%s\n", near ? near : "");
}

static void on_error(cfg_t *cfg, const char *fmt, va_list ap) {
    const struct place *place = place_of(cfg);
    struct reading *r = place->reading;
    char text[400];
    if (strstr(fmt, "no such option")) {
        unknown_key(r, cfg, place, va_arg(ap, const char *));
        return;
    }
    vsnprintf(text, sizeof text, fmt, ap);
    buf_addf(r->problems, "%s:%d: %s\n", file_of(cfg, r), cfg->line, text);
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
        if (value_check(&place->type->table[row], v ? v : "", &number, &err) < 0)
            buf_addf(r->problems, "%s:%d: %s: %s\n", file_of(cfg, r), cfg->line, cfg_opt_name(opt),
                err.text);
    }
    return 0;
}

/* --- files ----------------------------------------------------------------------------------- */

/* Opens a plain file; libConfuse opens it a second time, so it must be one that stays. */
static FILE *open_plain(const char *path, struct buf *problems) {
    struct stat st;
    FILE *f = fopen(path, "re");
    if (f && fstat(fileno(f), &st) == 0 && S_ISREG(st.st_mode))
        return f;
    buf_addf(problems, "%s: %s\n", path, f ? "is not a plain file" : strerror(errno));
    if (f)
        fclose(f);
    return NULL;
}

static int scan_file(const char *path, struct buf *problems) {
    struct buf text;
    char chunk[8192];
    size_t n;
    int rc = 0;
    FILE *f = open_plain(path, problems);
    if (!f)
        return -1;
    buf_init(&text, FILE_MAX);
    while (!text.failed && (n = fread(chunk, 1, sizeof chunk, f)) > 0)
        buf_add(&text, chunk, n);
    fclose(f);
    if (text.failed)
        rc = (buf_addf(problems, "%s: is larger than 1 MB\n", path), -1);
    else if (memchr(text.p ? text.p : "", 0, text.n))
        rc = (buf_addf(problems, "%s: has a NUL byte\n", path), -1);
    else
        rc = config_scan(path, buf_span(&text), problems);
    buf_free(&text);
    return rc;
}

/* How deep the file that is read now was included; 0 for the first one. */
static unsigned depth_of(const struct reading *r, const char *path) {
    for (size_t i = r->nincluded; i-- > 0;)
        if (strcmp(r->included[i].path, path) == 0)
            return r->included[i].depth;
    return 0;
}

/* include("file"): relative to the file that includes it. What is wrong was told, and reading goes
 * on: libConfuse loses memory when an include fails. */
static int on_include(cfg_t *cfg, cfg_opt_t *opt, int argc, const char **argv) {
    const struct place *place = place_of(cfg);
    struct reading *r = place->reading;
    const char *from = file_of(cfg, r), *slash = strrchr(from, '/');
    unsigned depth = depth_of(r, from) + 1;
    if (argc != 1 || depth > INCLUDES_DEEP || r->nincluded == INCLUDES_MAX) {
        buf_addf(r->problems, "%s:%d: %s\n", from, cfg->line,
            argc != 1 ? "include takes one file name"
                      : "too many includes: does a file include itself?");
        return 0;
    }
    char *path = argv[0][0] == '/' || !slash
                     ? mem_strdup(argv[0])
                     : mem_printf("%.*s/%s", (int)(slash - from), from, argv[0]);
    const char *args[] = {path};
    r->included[r->nincluded++] = (struct included){path, depth};
    if (scan_file(path, r->problems) < 0)
        buf_addf(r->problems, "%s:%d: included from here\n", from, cfg->line);
    else if (cfg_include(cfg, opt, 1, args) != 0)
        return -1;
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
    struct reading r = {.config = c, .problems = problems, .path = path};
    size_t ntypes = 0, before = problems->n;
    if (scan_file(path, problems) < 0)
        return -1;
    while (c->types[ntypes].name)
        ntypes++;
    r.places = mem_zalloc(ntypes * sizeof *r.places);
    cfg_opt_t **sections = mem_zalloc(ntypes * sizeof *sections);
    cfg_opt_t *root = options_of(&r, config_type(c->types, ""), ntypes + 1);
    size_t at = rows_of(config_type(c->types, ""));
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
    cfg_opt_t include = CFG_FUNC("include", on_include), end = CFG_END();
    root[at++] = include;
    root[at] = end;
    cfg_t *cfg = cfg_init(root, CFGF_NONE);
    cfg_set_error_function(cfg, on_error);
    int rc = cfg_parse(cfg, path);
    if (rc != CFG_SUCCESS && problems->n == before)
        buf_addf(problems, "%s: %s\n", path, rc == CFG_FILE_ERROR ? strerror(errno) : "not read");
    if (rc == CFG_SUCCESS)
        take_all(&r, cfg);
    cfg_free(cfg);
    for (size_t i = 0; i < ntypes; i++)
        if (sections[i])
            free_options(sections[i]);
    free_options(root);
    free(sections);
    free(r.places);
    while (r.nincluded)
        free(r.included[--r.nincluded].path);
    return rc == CFG_SUCCESS ? 0 : -1;
}
