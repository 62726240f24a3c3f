/* telegram_split.c - a text that is too long for one message, in parts. One walk over each part,
 * which remembers the last place of each kind where it could be cut. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "connectors/telegram/telegram_text_private.h"

#define JOINER 0x200d

/* White space: dropped at a cut. */
static bool is_space(uint32_t c) {
    return (c >= 0x09 && c <= 0x0d) || c == ' ' || c == 0x85 || c == 0xa0 || c == 0x1680 ||
           (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f ||
           c == 0x205f || c == 0x3000;
}

/* Shows nothing: a message of such characters only is empty to Telegram. */
static bool is_blank(uint32_t c) {
    static const uint32_t others[] = {0xad, 0x34f, 0x61c, 0x115f, 0x1160, 0x17b4, 0x17b5, 0x180e,
        0x2800, 0x3164, 0xfeff, 0xffa0, 0xfffc};
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        if (c == others[i])
            return true;
    return is_space(c) || c < 0x20 || (c >= 0x7f && c < 0xa0) || (c >= 0x200b && c <= 0x200f) ||
           (c >= 0x202a && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) ||
           (c >= 0xfe00 && c <= 0xfe0f) || (c >= 0xe0000 && c <= 0xe0fff);
}

/* Two of these letters are one flag. */
static bool is_flag_half(uint32_t c) {
    return c >= 0x1f1e6 && c <= 0x1f1ff;
}

/* A place in the text. */
struct spot {
    size_t byte, unit;
};

/* Where a part could end, the best kind first: an empty line, a line's end, a space, between two
 * characters as people see them. byte 0: no such place. */
enum { EMPTY_LINE, LINE_END, SPACE, LETTER, KINDS };

static bool empty_line_follows(const char *newline) {
    const char *p = newline + 1;
    while (*p == ' ' || *p == '\t' || *p == '\r')
        p++;
    return *p == '\n';
}

/* A cut before this white space: what comes next must be able to begin a message. */
static bool may_begin_after(const char *p) {
    while (*p && is_space(telegram_char_point(p)))
        p += telegram_char_bytes(p);
    return !*p || !telegram_is_extender(telegram_char_point(p));
}

/* Walks from a part's begin as far as max_units reach; the last place of each kind. Returns where
 * it stopped. */
static struct spot find_cuts(
    const char *text, struct spot from, size_t max_units, struct spot cuts[KINDS]) {
    struct spot at = from;
    uint32_t before = 0;
    size_t flags = 0; /* halves of flags in a row */
    bool run = false, run_is_good = false;
    for (;;) {
        uint32_t c = telegram_char_point(text + at.byte);
        size_t units = at.unit - from.unit;
        bool space = is_space(c), inner = at.byte > from.byte;
        if (space && !run)
            run_is_good = may_begin_after(text + at.byte);
        run = space;
        if (inner && space && run_is_good) {
            cuts[SPACE] = at;
            if (c == '\n')
                cuts[empty_line_follows(text + at.byte) ? EMPTY_LINE : LINE_END] = at;
        }
        if (inner && !telegram_is_extender(c) && before != JOINER &&
            !(is_flag_half(c) && flags % 2 == 1))
            cuts[LETTER] = at;
        if (!c || units + telegram_char_units(text + at.byte) > max_units)
            return at;
        flags = is_flag_half(c) ? flags + 1 : 0;
        before = c;
        at.unit += telegram_char_units(text + at.byte);
        at.byte += telegram_char_bytes(text + at.byte);
    }
}

static struct spot skip_spaces(const char *text, struct spot at) {
    while (text[at.byte] && is_space(telegram_char_point(text + at.byte))) {
        at.unit += telegram_char_units(text + at.byte);
        at.byte += telegram_char_bytes(text + at.byte);
    }
    return at;
}

/* The end of the part that begins here. */
static struct spot find_end(const char *text, struct spot from, size_t max_units) {
    struct spot cuts[KINDS] = {0}, stop = find_cuts(text, from, max_units, cuts);
    if (!text[stop.byte])
        return stop;
    for (int kind = EMPTY_LINE; kind < LETTER; kind++)
        if (cuts[kind].byte > from.byte && (cuts[kind].unit - from.unit) * 2 >= max_units)
            return cuts[kind];
    return cuts[LETTER].byte > from.byte ? cuts[LETTER] : stop;
}

/* Without the white space at its end. All white space is of one unit. */
static struct spot trim_end(const char *text, struct spot from, struct spot to) {
    while (to.byte > from.byte) {
        size_t byte = to.byte - 1;
        while (byte > from.byte && ((unsigned char)text[byte] & 0xc0) == 0x80)
            byte--;
        if (!is_space(telegram_char_point(text + byte)))
            break;
        to = (struct spot){byte, to.unit - 1};
    }
    return to;
}

static bool is_all_blank(const char *text, size_t from, size_t to) {
    for (; from < to; from += telegram_char_bytes(text + from))
        if (!is_blank(telegram_char_point(text + from)))
            return false;
    return true;
}

/* What of the entities lies in this part, counted from its begin. */
static json_t *entities_between(
    const struct telegram_mark *marks, size_t n, struct spot from, struct spot to) {
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++) {
        size_t begin = marks[i].from > from.unit ? marks[i].from : from.unit;
        size_t end = marks[i].to < to.unit ? marks[i].to : to.unit;
        if (begin >= end)
            continue;
        json_t *e = json_copy((json_t *)marks[i].entity);
        json_object_set_new_nocheck(e, "offset", json_integer((json_int_t)(begin - from.unit)));
        json_object_set_new_nocheck(e, "length", json_integer((json_int_t)(end - begin)));
        json_array_append_new(list, e);
    }
    return list;
}

size_t telegram_split(
    const char *text, const json_t *entities, size_t max_units, struct telegram_part *parts) {
    struct telegram_mark marks[TELEGRAM_ENTITIES_MAX];
    size_t n = 0, nmarks = telegram_marks_read(text, entities, marks);
    struct spot at = skip_spaces(text, (struct spot){0, 0});
    while (text[at.byte] && n < TELEGRAM_PARTS_MAX) {
        struct spot cut = find_end(text, at, max_units < 2 ? 2 : max_units);
        struct spot end = trim_end(text, at, cut);
        if (!is_all_blank(text, at.byte, end.byte))
            parts[n++] =
                (struct telegram_part){at.byte, end.byte, entities_between(marks, nmarks, at, end)};
        at = skip_spaces(text, cut);
    }
    return n;
}

void telegram_parts_free(struct telegram_part *parts, size_t n) {
    for (size_t i = 0; i < n; i++)
        json_decref(parts[i].entities);
}
