/* bitrix24_text.c - BB-code to plain text and back, and names as open lines take them. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/json_text.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "connectors/bitrix24/bitrix24_event.h"

#define TEXT_MAX ((size_t)4 * 1024 * 1024)
#define PERSON_POINTS 25

/* --- from BB-code ---------------------------------------------------------------------------- */

struct tag {
    const char *name, *value; /* "url", "https://..." */
    size_t name_n, value_n, len;
    bool closes;
};

/* One tag at p, which is a '['. */
static bool tag_at(const char *p, struct tag *t) {
    size_t n = strcspn(p + 1, "[]\n");
    if (p[1 + n] != ']' || n == 0)
        return false;
    t->closes = p[1] == '/';
    t->name = p + 1 + t->closes;
    t->name_n = strcspn(t->name, "=] ");
    t->value = t->name + t->name_n + (t->name[t->name_n] == '=');
    t->len = n + 2;
    t->value_n = (size_t)(p + 1 + n - t->value);
    return true;
}

static bool is_tag(const struct tag *t, const char *name) {
    return strlen(name) == t->name_n && strncasecmp(t->name, name, t->name_n) == 0;
}

static bool is_dropped(const struct tag *t) {
    static const char *const names[] = {"b", "i", "u", "s", "code", "quote", "user", "chat", "send",
        "put", "size", "color", "font", "list", "p", "left", "center", "right", "icon", "attach"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (is_tag(t, names[i]))
            return true;
    return false;
}

static bool ends_with(const struct buf *out, size_t from, const char *p, size_t n) {
    return out->n >= from && out->n - from == n && memcmp(out->p + from, p, n) == 0;
}

/* A link says where it leads, unless its text does. */
static void close_url(struct buf *out, const struct tag *open, size_t from) {
    if (open->name && open->value_n && !ends_with(out, from, open->value, open->value_n))
        buf_addf(out, " (%.*s)", (int)open->value_n, open->value);
}

static void take_tag(struct buf *out, const struct tag *t, struct tag *url, size_t *url_from) {
    if (is_tag(t, "br")) {
        buf_adds(out, "\n");
    } else if (is_tag(t, "*")) {
        buf_adds(out, "- ");
    } else if (is_tag(t, "url") && !t->closes) {
        *url = *t;
        *url_from = out->n;
    } else if (is_tag(t, "url")) {
        close_url(out, url, *url_from);
        *url = (struct tag){0};
    } else if (!is_dropped(t)) {
        buf_add(out, t->closes ? t->name - 2 : t->name - 1, t->len); /* no tag that we know */
    }
}

/* "[b]Anna:[/b] [br]text": where the text begins; the name's length. */
static const char *after_author(const char *bb, size_t *name_n) {
    const char *end = strncmp(bb, "[b]", 3) == 0 ? strstr(bb, ":[/b]") : NULL;
    *name_n = 0;
    if (!end || strcspn(bb + 3, "[]\n") != (size_t)(end - bb) - 2)
        return bb;
    const char *p = end + 5;
    while (*p == ' ')
        p++;
    if (strncasecmp(p, "[br]", 4) != 0)
        return bb;
    *name_n = (size_t)(end - bb) - 3;
    for (p += 4; *p == ' ';)
        p++;
    return p;
}

char *bitrix24_plain(const char *bb, char **author_out) {
    struct buf out;
    struct tag t, url = {0};
    size_t name_n = 0, from = 0;
    const char *p = after_author(bb, &name_n);
    if (author_out) {
        char *raw = mem_strndup(bb + (name_n ? 3 : 0), name_n);
        *author_out = utf8_clean_name(raw, 100);
        free(raw);
    }
    buf_init(&out, TEXT_MAX);
    while (*p) {
        size_t n = strcspn(p, "[");
        buf_add(&out, p, n);
        p += n;
        if (*p && tag_at(p, &t)) {
            take_tag(&out, &t, &url, &from);
            p += t.len;
        } else if (*p) {
            buf_add(&out, p++, 1);
        }
    }
    while (out.n && strchr(" \n\t\r", out.p[out.n - 1]))
        out.p[--out.n] = '\0';
    char *text = mem_strdup(buf_str(&out));
    buf_free(&out);
    return text;
}

/* --- names ----------------------------------------------------------------------------------- */

/* Letters of the scripts that people's names are written in here. */
static bool is_letter(uint32_t c) {
    static const uint32_t ranges[][2] = {{'A', 'Z'}, {'a', 'z'}, {0xC0, 0xD6}, {0xD8, 0xF6},
        {0xF8, 0x24F}, {0x386, 0x3FF}, {0x400, 0x481}, {0x48A, 0x52F}, {0x531, 0x556},
        {0x561, 0x587}, {0x5D0, 0x5EA}, {0x620, 0x64A}, {0x671, 0x6D3}, {0x10A0, 0x10FF},
        {0x1E00, 0x1FFC}, {0x3041, 0x3096}, {0x30A1, 0x30FA}, {0x4E00, 0x9FFF}, {0xAC00, 0xD7A3}};
    for (size_t i = 0; i < ARRAY_LEN(ranges); i++)
        if (c >= ranges[i][0] && c <= ranges[i][1])
            return true;
    return false;
}

/* One character of valid UTF-8. */
static size_t point_at(const char *p, uint32_t *c) {
    const unsigned char *u = (const unsigned char *)p;
    size_t n = u[0] < 0x80 ? 1 : u[0] < 0xE0 ? 2 : u[0] < 0xF0 ? 3 : 4;
    *c = n == 1 ? u[0] : u[0] & (0x7Fu >> n);
    for (size_t i = 1; i < n; i++)
        *c = *c << 6 | (u[i] & 0x3Fu);
    return n;
}

char *bitrix24_person(const char *name) {
    struct buf out;
    size_t points = 0;
    bool gap = false;
    buf_init(&out, 4 * PERSON_POINTS + 1);
    if (!utf8_is_valid(name, strlen(name)))
        name = "";
    for (uint32_t c; *name && points < PERSON_POINTS;) {
        size_t n = point_at(name, &c);
        bool joins = points && (c == '-' || c == '\'');
        if (is_letter(c) || joins) {
            if (gap && points) {
                if (points + 2 > PERSON_POINTS)
                    break;
                buf_adds(&out, " ");
                points++;
            }
            buf_add(&out, name, n);
            points++;
            gap = false;
        } else {
            gap = true;
        }
        name += n;
    }
    char *text = mem_strdup(buf_str(&out));
    buf_free(&out);
    return text;
}

/* --- to BB-code ------------------------------------------------------------------------------ */

static void add(struct buf *out, const char *s) {
    for (; *s; s++)
        if (*s == '[')
            buf_adds(out, "[\xe2\x80\x8b"); /* a space without width: no tag begins so */
        else if (*s != '\r')
            buf_add(out, (unsigned char)*s < ' ' && *s != '\n' && *s != '\t' ? " " : s, 1);
}

static void add_name(struct buf *out, const char *name) {
    char *clean = utf8_clean_name(name, 120);
    add(out, clean);
    free(clean);
}

static void add_head(struct buf *out, const json_t *message, bool russian) {
    const json_t *from = json_object_get(message, "from");
    const char *name =
        *json_text(from, "name") ? json_text(from, "name") : json_text(from, "agent");
    const char *direction = json_text(message, "direction");
    bool is_note = strcmp(direction, "note") == 0;
    if (!is_note && strcmp(direction, "out") != 0)
        return;
    buf_adds(out, "[b]");
    buf_adds(out, is_note ? (russian ? "заметка" : "note") : russian ? "сотрудник" : "agent");
    buf_adds(out, *name ? " " : "");
    add_name(out, name);
    buf_adds(out, ":[/b]\n");
}

static const char *file_name(const json_t *file) {
    return *json_text(file, "name") ? json_text(file, "name") : json_text(file, "kind");
}

static void add_files(struct buf *out, const json_t *message, const struct bitrix24_saying *s) {
    size_t i;
    json_t *file;
    json_array_foreach(json_object_get(message, "attachments"), i, file) {
        if (*json_text(file, "id"))
            continue;
        buf_adds(out, s->russian ? "файла нет: " : "file, not here: ");
        add_name(out, file_name(file));
        buf_adds(out, "\n");
    }
}

static void add_content(struct buf *out, const json_t *message, const struct bitrix24_saying *s) {
    const json_t *place = json_object_get(message, "location");
    const json_t *contact = json_object_get(message, "contact");
    const char *lines[] = {json_text(message, "subject"), json_text(message, "text")};
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        add(out, lines[i]);
        buf_adds(out, *lines[i] ? "\n" : "");
    }
    if (json_is_object(place)) {
        buf_addf(out, "%.6f, %.6f ", json_number_value(json_object_get(place, "lat")),
            json_number_value(json_object_get(place, "lon")));
        add_name(out, json_text(place, "name"));
        buf_adds(out, "\n");
    }
    if (json_is_object(contact)) {
        add_name(out, json_text(contact, "name"));
        buf_adds(out, " ");
        add_name(out, json_text(contact, "phone"));
        buf_adds(out, "\n");
    }
    add_files(out, message, s);
}

/* After a line or a word where there is one in its second half, else after a character. */
static size_t cut_at(const char *p, size_t n, size_t max) {
    if (n <= max)
        return n;
    for (const char *set = "\n "; *set; set++)
        for (size_t at = max; at > max / 2; at--)
            if (p[at - 1] == *set)
                return at;
    size_t at = max;
    while (at > 1 && ((unsigned char)p[at] & 0xc0) == 0x80)
        at--;
    return at;
}

json_t *bitrix24_say(const json_t *message, const struct bitrix24_saying *s) {
    json_t *out = json_array();
    struct buf text;
    buf_init(&text, TEXT_MAX);
    add_head(&text, message, s->russian);
    add_content(&text, message, s);
    while (text.n && strchr(" \n\t", text.p[text.n - 1]))
        text.p[--text.n] = '\0';
    for (size_t at = 0; at < text.n;) {
        size_t n = cut_at(text.p + at, text.n - at, s->max);
        json_array_append_new(out, json_stringn(text.p + at, n));
        at += n;
    }
    buf_free(&text);
    return out;
}

json_t *bitrix24_files(const json_t *message, const struct media_links *links) {
    json_t *out = json_array(), *file;
    size_t i;
    json_array_foreach(json_object_get(message, "attachments"), i, file) {
        char *url = media_link(links, json_text(file, "id"));
        if (url)
            json_array_append_new(out, json_pack("{s:s,s:s}", "url", url, "name", file_name(file)));
        free(url);
    }
    return out;
}

/* --- what is there --------------------------------------------------------------------------- */

#define HELD_MAX 1000

static size_t number_at(const char **p, char after) {
    char *end;
    unsigned long n = *p && **p == after ? strtoul(*p + 1, &end, 10) : 0;
    *p = *p && **p == after ? end : NULL;
    return n < HELD_MAX ? n : HELD_MAX;
}

void bitrix24_held_read(const char *known, struct bitrix24_held *out) {
    const char *p = known ? strrchr(known, ':') : NULL;
    out->pieces = number_at(&p, ':');
    out->with = number_at(&p, '+');
    out->files = number_at(&p, '+');
    if (out->with > out->files)
        out->with = out->files;
}

char *bitrix24_held_write(const char *id, const struct bitrix24_held *held) {
    return held->files ? mem_printf("%s:%zu+%zu+%zu", id, held->pieces, held->with, held->files)
                       : mem_printf("%s:%zu", id, held->pieces);
}
