/* config_print.c - prints the commented sample from the tables, and the configuration in force. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "config/config_private.h"

#define WIDTH 92

/* A paragraph as comment lines. */
static void comment(struct buf *out, const char *indent, const char *text) {
    while (*text) {
        size_t n = strlen(text), room = WIDTH - strlen(indent);
        if (n > room) {
            n = room;
            while (n > 1 && text[n] != ' ')
                n--;
        }
        buf_addf(out, "%s# %.*s\n", indent, (int)n, text);
        text += n;
        while (*text == ' ')
            text++;
    }
}

static bool is_number(const struct setting *row) {
    return row->type == SETTING_INT || row->type == SETTING_BOOL;
}

static void print_list(struct buf *out, const char *commas) {
    const char *sep = "";
    buf_adds(out, "{");
    while (*commas) {
        size_t n = strcspn(commas, ",");
        buf_addf(out, "%s\"%.*s\"", sep, (int)n, commas);
        sep = ", ";
        commas += n + (commas[n] == ',');
    }
    buf_adds(out, "}");
}

static void print_limits(struct buf *out, const char *indent, const struct setting *row) {
    if (row->type == SETTING_ENUM)
        buf_addf(out, "%s# One of: %s.\n", indent, row->choices);
    else if (row->type == SETTING_INT && (row->min || row->max))
        buf_addf(out, "%s# %lld to %lld.\n", indent, (long long)row->min, (long long)row->max);
}

static void print_row(
    struct buf *out, const char *indent, const char *off, const struct setting *row) {
    comment(out, indent, row->help);
    print_limits(out, indent, row);
    buf_addf(out, "%s%s%s = ", indent, row->preset ? off : (*off ? off : ""), row->key);
    if (row->type == SETTING_LIST)
        print_list(out, row->preset ? row->preset : "");
    else if (is_number(row))
        buf_adds(out, row->preset ? row->preset : "0");
    else
        buf_addf(out, "\"%s\"", row->preset ? row->preset : "");
    buf_adds(out, "\n\n");
}

static void print_section(struct buf *out, const struct section_type *t) {
    bool titled = t->kind != SECTION_PLAIN;
    const char *off = titled && !t->sample ? "# " : "";
    buf_adds(out, "\n");
    comment(out, "", t->help);
    if (titled)
        buf_addf(out, "%s%s \"%s\" {\n", off, t->name, t->sample ? t->sample : "name");
    else
        buf_addf(out, "%s {\n", t->name);
    for (size_t i = 0; t->table[i].key; i++) {
        /* Inside a section that is switched off, its keys are comments too. */
        struct buf one;
        buf_init(&one, 16384);
        print_row(&one, "    ", "", &t->table[i]);
        for (const char *p = buf_str(&one); *off && *p;) {
            size_t n = strcspn(p, "\n");
            buf_addf(out, "#%.*s\n", (int)n, p);
            p += n + (p[n] == '\n');
        }
        if (!*off)
            buf_adds(out, buf_str(&one));
        buf_free(&one);
    }
    buf_addf(out, "%s}\n", off);
}

void config_print_sample(const struct section_type *types, struct buf *out) {
    comment(out, "",
        "Switchboard's configuration: every key with its default. Printed by `switchboard "
        "check-config --print-sample`.");
    comment(out, "",
        "Values may use the environment: \"${NAME}\" or \"${NAME:-default}\". Another file is read "
        "by "
        "include(\"file.conf\"), relative to this one.");
    buf_adds(out, "\n");
    const struct section_type *top = config_type(types, "");
    for (size_t i = 0; top->table[i].key; i++)
        print_row(out, "", "", &top->table[i]);
    for (const struct section_type *t = types; t->name; t++)
        if (*t->name)
            print_section(out, t);
}

static void print_value(
    struct buf *out, const char *indent, const struct setting *row, const struct value *v) {
    buf_addf(out, "%s%s = ", indent, row->key);
    if (row->secret) {
        buf_adds(out, "\"***\"\n");
        return;
    }
    if (row->type == SETTING_LIST) {
        buf_adds(out, "{");
        for (size_t i = 0; v->list && v->list[i]; i++)
            buf_addf(out, "%s\"%s\"", i ? ", " : "", v->list[i]);
        buf_adds(out, "}\n");
        return;
    }
    const char *quote = is_number(row) ? "" : "\"";
    buf_addf(out, "%s%s%s\n", quote, v->text ? v->text : "", quote);
}

void config_print(const struct config *c, struct buf *out) {
    for (size_t i = 0; i < c->n; i++) {
        const struct settings *s = c->sections[i];
        bool top = !*s->type->name;
        if (!top && s->type->kind != SECTION_PLAIN)
            buf_addf(out, "%s \"%s\" {\n", s->type->name, s->title);
        else if (!top)
            buf_addf(out, "%s {\n", s->type->name);
        for (size_t k = 0; s->type->table[k].key; k++)
            print_value(out, top ? "" : "    ", &s->type->table[k], &s->values[k]);
        if (!top)
            buf_adds(out, "}\n");
    }
}

/* In single quotes nothing but \ and ' has a meaning. */
static void print_quoted(struct buf *out, const char *text) {
    buf_adds(out, "'");
    for (; *text; text++) {
        if (*text == '\\' || *text == '\'')
            buf_adds(out, "\\");
        buf_add(out, text, 1);
    }
    buf_adds(out, "'");
}

void config_print_added(const struct config *c, struct buf *out) {
    comment(out, "",
        "Channels that were added in the inbox or by the API. The gateway writes this file anew "
        "with "
        "each change there: what is changed here by hand counts after a reload (SIGHUP).");
    for (size_t i = 0; i < c->n; i++) {
        const struct settings *s = c->sections[i];
        if (!s->added)
            continue;
        buf_addf(out, "\n%s \"%s\" {\n", s->type->name, s->title);
        for (size_t k = 0; s->type->table[k].key; k++) {
            const struct value *v = &s->values[k];
            if (!v->text)
                continue;
            buf_addf(out, "    %s = %s", s->type->table[k].key, v->list ? "{" : "");
            for (size_t n = 0; v->list && v->list[n]; n++) {
                buf_adds(out, n ? ", " : "");
                print_quoted(out, v->list[n]);
            }
            if (!v->list)
                print_quoted(out, v->text);
            buf_adds(out, v->list ? "}\n" : "\n");
        }
        buf_adds(out, "}\n");
    }
}
