/* whatsapp_template.c - templates: read, and filled in. Pure. */
#include "base/json_text.h"
#include "connectors/whatsapp/whatsapp_template.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/utf8.h"

#define TEXT_MAX 4096
#define VALUE_POINTS 1024
#define VARIABLES_MAX 60
#define NAME_BYTES 60

static json_t *lower(const char *s) {
    char *copy = mem_strdup(s);
    for (char *p = copy; *p; p++)
        *p = (char)tolower((unsigned char)*p);
    json_t *out = json_string(copy);
    free(copy);
    return out;
}

static bool is_word(const char *s, const char *word) {
    return strcasecmp(s, word) == 0;
}

/* --- variables ------------------------------------------------------------------------------- */

/* The next "{{name}}" at or after p: its name (at most NAME_BYTES) and where it ends. NULL none. */
static const char *next_variable(const char *p, char name[NAME_BYTES + 1], const char **end) {
    for (const char *at = strstr(p, "{{"); at; at = strstr(at + 2, "{{")) {
        const char *from = at + 2 + strspn(at + 2, " ");
        size_t n = strspn(from, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
        const char *to = from + n + strspn(from + n, " ");
        if (n < 1 || n > NAME_BYTES || strncmp(to, "}}", 2) != 0)
            continue;
        memcpy(name, from, n);
        name[n] = '\0';
        *end = to + 2;
        return at;
    }
    return NULL;
}

/* The example of a variable: by its place, or by its name. */
static const char *example_of(
    const json_t *component, const char *part, const char *name, size_t place) {
    const json_t *e = json_object_get(component, "example"), *one;
    char key[40];
    size_t i;
    snprintf(key, sizeof key, "%s_text_named_params", part);
    json_array_foreach(json_object_get(e, key), i, one) {
        if (strcmp(json_text(one, "param_name"), name) == 0)
            return json_text(one, "example");
    }
    snprintf(key, sizeof key, "%s_text", part);
    const json_t *list = json_object_get(e, key);
    if (json_is_array(json_array_get(list, 0)))
        list = json_array_get(list, 0);
    const char *s = json_string_value(json_array_get(list, place));
    return s ? s : "";
}

static void add_field(json_t *fields, const char *id, const char *label, const char *example) {
    json_t *f = json_pack("{s:s,s:s}", "id", id, "label", label), *o;
    size_t i;
    json_array_foreach(fields, i, o) {
        if (strcmp(json_text(o, "id"), id) == 0) { /* used twice: asked for once */
            json_decref(f);
            return;
        }
    }
    if (*example)
        json_object_set_new(f, "example", json_string(example));
    json_array_append_new(fields, f);
}

static void add_fields(
    json_t *fields, const char *part, const char *text, const json_t *component) {
    char name[NAME_BYTES + 1], id[NAME_BYTES + 20];
    const char *end;
    size_t n = 0;
    for (const char *p = text; n < VARIABLES_MAX && (p = next_variable(p, name, &end)); p = end) {
        snprintf(id, sizeof id, "%s.%s", part, name);
        add_field(fields, id, name, example_of(component, part, name, n++));
    }
}

/* --- reading --------------------------------------------------------------------------------- */

struct reading {
    json_t *out, *fields;
    const char *why; /* it cannot be used; NULL it can */
};

static void read_header(struct reading *r, const json_t *c) {
    static const char *const media[] = {"image", "video", "document"};
    const char *format = json_text(c, "format");
    json_t *h = json_object();
    if (is_word(format, "TEXT") || !*format) {
        json_object_set_new(h, "kind", json_string("text"));
        json_object_set_new(h, "text", json_string(json_text(c, "text")));
        add_fields(r->fields, "header", json_text(c, "text"), c);
    } else {
        bool known = false;
        for (size_t i = 0; i < ARRAY_LEN(media); i++)
            known = known || is_word(format, media[i]);
        json_object_set_new(h, "kind", known ? lower(format) : json_string("location"));
        if (!known)
            r->why = "its header is of a kind that the gateway cannot fill in";
    }
    json_object_set_new(r->out, "header", h);
}

static void read_buttons(struct reading *r, const json_t *c) {
    json_t *list = json_array(), *b;
    size_t i;
    char id[40], name[NAME_BYTES + 1];
    const char *end;
    json_array_foreach(json_object_get(c, "buttons"), i, b) {
        const char *type = json_text(b, "type"), *url = json_text(b, "url");
        bool is_url = is_word(type, "URL"), is_code = is_word(type, "COPY_CODE");
        bool is_plain = is_word(type, "QUICK_REPLY") || is_word(type, "PHONE_NUMBER") ||
                        is_word(type, "REQUEST_CONTACT_INFO") || is_word(type, "VOICE_CALL");
        json_t *one = json_pack("{s:o,s:s}", "kind",
            is_word(type, "PHONE_NUMBER") ? json_string("phone") : lower(type), "text",
            json_text(b, "text"));
        if (is_url)
            json_object_set_new(one, "url", json_string(url));
        snprintf(id, sizeof id, "button.%zu", i);
        if (is_url && next_variable(url, name, &end)) {
            const json_t *e = json_object_get(b, "example");
            const char *example = json_string_value(json_is_array(e) ? json_array_get(e, 0) : e);
            add_field(r->fields, id, json_text(b, "text"), example ? example : "");
        } else if (is_code) {
            add_field(r->fields, id, json_text(b, "text"), "");
        } else if (!is_url && !is_plain) {
            r->why = "it has a button of a kind that the gateway cannot fill in";
        }
        json_array_append_new(list, one);
    }
    json_object_set_new(r->out, "buttons", list);
}

static void read_component(struct reading *r, const json_t *c) {
    const char *type = json_text(c, "type");
    if (is_word(type, "HEADER")) {
        read_header(r, c);
    } else if (is_word(type, "BODY")) {
        json_object_set_new(r->out, "body", json_string(json_text(c, "text")));
        add_fields(r->fields, "body", json_text(c, "text"), c);
    } else if (is_word(type, "FOOTER")) {
        json_object_set_new(r->out, "footer", json_string(json_text(c, "text")));
    } else if (is_word(type, "BUTTONS")) {
        read_buttons(r, c);
    } else {
        r->why = "it has a part that the gateway cannot fill in";
    }
}

json_t *whatsapp_template_read(const json_t *entry) {
    const char *name = json_text(entry, "name"), *language = json_text(entry, "language");
    const char *status = json_text(entry, "status");
    json_t *components = json_object_get(entry, "components"), *c;
    size_t i;
    if (!*name || !*language || !json_is_array(components))
        return NULL;
    struct reading r = {.fields = json_array()};
    r.out = json_pack("{s:s,s:s,s:o,s:o,s:s}", "name", name, "language", language, "category",
        lower(json_text(entry, "category")), "status", lower(status), "body", "");
    json_array_foreach(components, i, c) {
        read_component(&r, c);
    }
    json_object_set_new(r.out, "fields", r.fields);
    if (!is_word(status, "APPROVED"))
        r.why = "it is not approved";
    if (is_word(json_text(entry, "category"), "AUTHENTICATION"))
        r.why = "templates with codes are for programs, not for agents";
    json_object_set_new(r.out, "usable", json_boolean(!r.why));
    if (r.why)
        json_object_set_new(r.out, "why", json_string(r.why));
    return r.out;
}

/* --- filling in ------------------------------------------------------------------------------ */

static int check_value(const char *id, const json_t *v, struct err *err) {
    const char *s = json_string_value(v);
    size_t n = json_string_length(v);
    if (!s || n == 0)
        return err_set(err, ERR_INVALID, "the template's field \"%.60s\" is not filled in", id);
    if (strpbrk(s, "\n\r\t") || strstr(s, "     "))
        return err_set(err, ERR_INVALID,
            "the template's field \"%.60s\" may have no line breaks, tabs or more than four spaces "
            "in "
            "a row",
            id);
    if (utf8_length(s, n) > VALUE_POINTS)
        return err_set(err, ERR_TOO_LARGE,
            "the template's field \"%.60s\" is longer than %d characters", id, VALUE_POINTS);
    return 0;
}

static int check_values(const json_t *tpl, const json_t *values, struct err *err) {
    const json_t *fields = json_object_get(tpl, "fields");
    size_t i;
    json_t *f, *v;
    const char *key;
    json_array_foreach((json_t *)fields, i, f) {
        if (check_value(json_text(f, "id"), json_object_get(values, json_text(f, "id")), err) < 0)
            return -1;
    }
    json_object_foreach((json_t *)values, key, v) {
        bool known = false;
        json_array_foreach((json_t *)fields, i, f) {
            known = known || strcmp(json_text(f, "id"), key) == 0;
        }
        if (!known)
            return err_set(err, ERR_INVALID, "the template has no field \"%.60s\"", key);
    }
    return 0;
}

/* A media header takes a file of its kind. */
static int check_file(const char *kind, const char *mime, struct err *err) {
    bool is_media = strcmp(kind, "text") != 0 && *kind;
    if (!is_media)
        return mime ? err_set(err, ERR_INVALID, "this template takes no file") : 0;
    if (!mime)
        return err_set(err, ERR_INVALID, "this template needs a file of kind %s", kind);
    bool fits = strcmp(kind, "document") == 0 ||
                (strcmp(kind, "image") == 0 &&
                    (strcmp(mime, "image/jpeg") == 0 || strcmp(mime, "image/png") == 0)) ||
                (strcmp(kind, "video") == 0 &&
                    (strcmp(mime, "video/mp4") == 0 || strcmp(mime, "video/3gpp") == 0));
    return fits ? 0
                : err_set(err, ERR_INVALID, "this template needs a file of kind %s, not %.60s",
                      kind, mime);
}

/* A parameter in its place: numbered ones by their number, wherever they stand in the text. */
static void add_param(json_t *params, const char *name, const char *value) {
    bool numbered = name[strspn(name, "0123456789")] == '\0';
    json_t *param = json_pack("{s:s,s:s,s:s}", "type", "text", "text", value, "name", name), *other;
    size_t i, at = json_array_size(params);
    json_array_foreach(params, i, other) {
        const char *its = json_text(other, "name");
        if (strcmp(its, name) == 0) { /* used twice, given once */
            json_decref(param);
            return;
        }
        if (numbered && at > i && strtoul(its, NULL, 10) > strtoul(name, NULL, 10))
            at = i;
    }
    json_array_insert_new(params, at, param);
}

/* Numbered parameters have no name for the API. */
static void finish_params(json_t *params) {
    size_t i;
    json_t *param;
    json_array_foreach(params, i, param) {
        const char *name = json_text(param, "name");
        if (name[strspn(name, "0123456789")])
            json_object_set(param, "parameter_name", json_object_get(param, "name"));
        json_object_del(param, "name");
    }
}

/* Puts values into a text; parameters of the API on the way, each variable once. */
static json_t *fill_text(
    struct buf *shown, const char *part, const char *text, const json_t *values) {
    json_t *params = json_array();
    char name[NAME_BYTES + 1], id[NAME_BYTES + 20];
    const char *p = text, *at, *end;
    while ((at = next_variable(p, name, &end))) {
        snprintf(id, sizeof id, "%s.%s", part, name);
        buf_add(shown, p, (size_t)(at - p));
        buf_adds(shown, json_text(values, id));
        add_param(params, name, json_text(values, id));
        p = end;
    }
    buf_adds(shown, p);
    finish_params(params);
    return params;
}

static void add_component(json_t *list, const char *type, json_t *params) {
    if (json_array_size(params))
        json_array_append_new(list, json_pack("{s:s,s:o}", "type", type, "parameters", params));
    else
        json_decref(params);
}

static void fill_header(
    json_t *list, struct buf *shown, const json_t *header, const json_t *values) {
    const char *kind = json_text(header, "kind");
    if (!*kind)
        return;
    if (strcmp(kind, "text") != 0) {
        add_component(list, "header", json_pack("[{s:s,s:{}}]", "type", kind, kind));
        return;
    }
    add_component(list, "header", fill_text(shown, "header", json_text(header, "text"), values));
    if (shown->n)
        buf_adds(shown, "\n\n");
}

static void fill_buttons(json_t *list, const json_t *tpl, const json_t *values) {
    json_t *b;
    size_t i;
    char id[40], index[24];
    json_array_foreach(json_object_get(tpl, "buttons"), i, b) {
        snprintf(id, sizeof id, "button.%zu", i);
        snprintf(index, sizeof index, "%zu", i);
        const char *value = json_string_value(json_object_get(values, id));
        bool is_code = strcmp(json_text(b, "kind"), "copy_code") == 0;
        if (!value)
            continue;
        json_array_append_new(
            list, json_pack("{s:s,s:s,s:s,s:[{s:s,s:s}]}", "type", "button", "sub_type",
                      is_code ? "copy_code" : "url", "index", index, "parameters", "type",
                      is_code ? "coupon_code" : "text", is_code ? "coupon_code" : "text", value));
    }
}

int whatsapp_template_fill(const json_t *tpl, const json_t *values, const char *file_mime,
    json_t **components, char **text, struct err *err) {
    const json_t *header = json_object_get(tpl, "header");
    struct buf shown;
    if (!json_is_true(json_object_get(tpl, "usable")))
        return err_set(err, ERR_INVALID, "template \"%.60s\" cannot be used: %s",
            json_text(tpl, "name"), json_text(tpl, "why"));
    if (check_file(json_text(header, "kind"), file_mime, err) < 0 ||
        check_values(tpl, values, err) < 0)
        return -1;
    json_t *list = json_array();
    buf_init(&shown, 16 * TEXT_MAX);
    fill_header(list, &shown, header, values);
    add_component(list, "body", fill_text(&shown, "body", json_text(tpl, "body"), values));
    fill_buttons(list, tpl, values);
    if (*json_text(tpl, "footer")) {
        buf_adds(&shown, "\n\n");
        buf_adds(&shown, json_text(tpl, "footer"));
    }
    if (shown.failed || utf8_length(buf_str(&shown), shown.n) > TEXT_MAX) {
        json_decref(list);
        buf_free(&shown);
        return err_set(err, ERR_TOO_LARGE, "the template is too long with these values");
    }
    *components = list;
    *text = buf_take(&shown);
    return 0;
}
