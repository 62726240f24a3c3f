/* telegram_text.c - a text with entities as safe HTML: one walk to find the places of the entities,
 * one to write, with a stack of open tags. */
#include "connectors/telegram/telegram_text.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/mem.h"
#include "connectors/telegram/telegram_text_private.h"

#define HTML_MAX ((size_t)1 << 20)
#define UNITS_MAX (1 << 24) /* far beyond any text, far from an overflow */

/* What a type looks like. Types that are only found by their text (mention, url, ...) are not here:
 * the inbox finds links by itself. */
struct look {
    const char *type, *open, *close;
    bool is_block; /* goes around those that begin and end with it */
};
static const struct look looks[] = {{"bold", "<b>", "</b>", false},
    {"italic", "<i>", "</i>", false}, {"underline", "<u>", "</u>", false},
    {"strikethrough", "<s>", "</s>", false},
    {"spoiler", "<span class=\"spoiler\">", "</span>", false}, {"code", "<code>", "</code>", false},
    {"pre", "<pre>", "</pre>", true}, {"blockquote", "<blockquote>", "</blockquote>", true},
    {"expandable_blockquote", "<blockquote>", "</blockquote>", true},
    {"text_link", NULL, "</a>", false}};

/* A mark that changes how the text looks. */
struct shown {
    struct telegram_mark at;
    const struct look *look;
    const char *href; /* of a link; NULL */
};

size_t telegram_units(const char *text) {
    size_t units = 0;
    for (; *text; text += telegram_char_bytes(text))
        units += telegram_char_units(text);
    return units;
}

bool telegram_is_safe_link(const char *url) {
    static const char *const schemes[] = {"http://", "https://", "mailto:", "tel:", "tg://"};
    for (size_t i = 0; i < ARRAY_LEN(schemes); i++)
        if (strncasecmp(url, schemes[i], strlen(schemes[i])) == 0)
            return true;
    return false;
}

/* --- places
 * ------------------------------------------------------------------------------------------ */

/* One end of an entity, and where its byte goes. */
struct place {
    size_t unit;
    size_t *byte_out;
};

static int by_unit(const void *a, const void *b) {
    const struct place *x = a, *y = b;
    return x->unit < y->unit ? -1 : x->unit > y->unit;
}

/* Fills *byte_out; SIZE_MAX where the unit is outside or in the middle of a character. */
static void find_places(const char *text, struct place *places, size_t n) {
    const char *p = text;
    size_t at = 0;
    qsort(places, n, sizeof *places, by_unit);
    for (size_t i = 0; i < n; i++) {
        for (; *p && at < places[i].unit; p += telegram_char_bytes(p))
            at += telegram_char_units(p);
        *places[i].byte_out = at == places[i].unit ? (size_t)(p - text) : SIZE_MAX;
    }
}

size_t telegram_marks_read(
    const char *text, const json_t *entities, struct telegram_mark marks[TELEGRAM_ENTITIES_MAX]) {
    struct place places[TELEGRAM_ENTITIES_MAX * 2];
    size_t n = 0, good = 0;
    for (size_t i = 0; i < json_array_size(entities) && i < TELEGRAM_ENTITIES_MAX; i++) {
        const json_t *entity = json_array_get(entities, i), *offset, *length;
        offset = json_object_get(entity, "offset");
        length = json_object_get(entity, "length");
        json_int_t from = json_integer_value(offset), units = json_integer_value(length);
        if (!json_is_integer(offset) || !json_is_string(json_object_get(entity, "type")) ||
            from < 0 || units < 1 || from > UNITS_MAX || units > UNITS_MAX)
            continue;
        marks[n] = (struct telegram_mark){
            .from = (size_t)from, .to = (size_t)(from + units), .order = i, .entity = entity};
        places[2 * n] = (struct place){marks[n].from, &marks[n].from_byte};
        places[2 * n + 1] = (struct place){marks[n].to, &marks[n].to_byte};
        n++;
    }
    find_places(text, places, 2 * n);
    for (size_t i = 0; i < n; i++)
        if (marks[i].from_byte != SIZE_MAX && marks[i].to_byte != SIZE_MAX)
            marks[good++] = marks[i];
    return good;
}

/* --- HTML
 * -------------------------------------------------------------------------------------------- */

static bool read_shown(const struct telegram_mark *mark, struct shown *out) {
    const char *type = json_string_value(json_object_get(mark->entity, "type"));
    const char *url = json_string_value(json_object_get(mark->entity, "url"));
    const struct look *look = NULL;
    for (size_t i = 0; i < ARRAY_LEN(looks); i++)
        if (strcmp(looks[i].type, type) == 0)
            look = &looks[i];
    if (!look || (!look->open && (!url || !telegram_is_safe_link(url))))
        return false;
    *out = (struct shown){*mark, look, look->open ? NULL : url};
    return true;
}

/* The one that begins first is first; of those that begin together the longest is outermost. */
static int by_place(const void *a, const void *b) {
    const struct shown *x = a, *y = b;
    if (x->at.from != y->at.from)
        return x->at.from < y->at.from ? -1 : 1;
    if (x->at.to != y->at.to)
        return x->at.to > y->at.to ? -1 : 1;
    if (x->look->is_block != y->look->is_block)
        return x->look->is_block ? -1 : 1;
    return x->at.order < y->at.order ? -1 : x->at.order > y->at.order;
}

/* What stands for a byte in HTML; "" for one that has no place there, NULL when it is itself. */
static const char *escape_of(unsigned char c) {
    switch (c) {
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '&':
        return "&amp;";
    case '"':
        return "&quot;";
    default:
        return (c < 0x20 && c != '\n' && c != '\t') || c == 0x7f ? "" : NULL;
    }
}

static void add_escaped(struct buf *b, const char *p, size_t n) {
    size_t done = 0;
    for (size_t i = 0; i < n; i++) {
        const char *escape = escape_of((unsigned char)p[i]);
        if (!escape)
            continue;
        buf_add(b, p + done, i - done);
        buf_adds(b, escape);
        done = i + 1;
    }
    buf_add(b, p + done, n - done);
}

static void open_mark(struct buf *b, const struct shown *s) {
    if (!s->href) {
        buf_adds(b, s->look->open);
        return;
    }
    buf_adds(b, "<a href=\"");
    add_escaped(b, s->href, strlen(s->href));
    buf_adds(b, "\">");
}

static bool is_in_link(struct shown *const *open, size_t depth) {
    while (depth--)
        if (open[depth]->href)
            return true;
    return false;
}

/* Tags open and close between two characters; none is longer than the one around it, and no link
 * stands in another. */
static void write_html(struct buf *b, const char *text, struct shown *marks, size_t n) {
    struct shown *open[TELEGRAM_ENTITIES_MAX];
    size_t depth = 0, next = 0, at = 0, end = strlen(text);
    for (;;) {
        while (depth && open[depth - 1]->at.to_byte == at)
            buf_adds(b, open[--depth]->look->close);
        for (; next < n && marks[next].at.from_byte == at; next++) {
            if (marks[next].href && is_in_link(open, depth))
                continue;
            if (depth && marks[next].at.to_byte > open[depth - 1]->at.to_byte)
                marks[next].at.to_byte = open[depth - 1]->at.to_byte;
            open[depth++] = &marks[next];
            open_mark(b, &marks[next]);
        }
        size_t stop = depth ? open[depth - 1]->at.to_byte : end;
        if (next < n && marks[next].at.from_byte < stop)
            stop = marks[next].at.from_byte;
        if (at == end)
            break;
        add_escaped(b, text + at, stop - at);
        at = stop;
    }
}

char *telegram_html(const char *text, const json_t *entities) {
    struct telegram_mark marks[TELEGRAM_ENTITIES_MAX];
    struct shown shown[TELEGRAM_ENTITIES_MAX];
    struct buf b;
    size_t n = 0, all = telegram_marks_read(text, entities, marks);
    for (size_t i = 0; i < all; i++)
        n += read_shown(&marks[i], &shown[n]);
    if (n == 0)
        return NULL;
    qsort(shown, n, sizeof shown[0], by_place);
    buf_init(&b, HTML_MAX);
    write_html(&b, text, shown, n);
    if (b.failed) {
        buf_free(&b);
        return NULL;
    }
    return buf_take(&b);
}
