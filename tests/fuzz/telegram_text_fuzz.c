/* telegram_text_fuzz.c - any text with any entities: the HTML is well-formed and says the same,
 * parts cover all that can be seen, entities stay on whole characters; and any text as an agent's
 * HTML.
 *
 * Input: two bytes of units for a part, one of how many entities, six for each, then the text. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "connectors/telegram/telegram_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good) {
    if (!good)
        abort();
}

static json_t *read_entities(const uint8_t *data, size_t n) {
    static const char *const types[] = {"bold", "italic", "underline", "strikethrough", "spoiler",
        "code", "pre", "blockquote", "text_link", "text_link", "mention", "custom_emoji"};
    static const char *const urls[] = {"https://x/?a=1&b=\"<", "javascript:alert(1)", "tel:1", ""};
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++, data += 6)
        json_array_append_new(
            list, json_pack("{s:s,s:i,s:i,s:s}", "type", types[data[0] % ARRAY_LEN(types)],
                      "offset", (int16_t)(data[1] << 8 | data[2]), "length",
                      (int16_t)(data[3] << 8 | data[4]), "url", urls[data[5] % ARRAY_LEN(urls)]));
    return list;
}

/* --- HTML: tags close in order, the content is the text --------------------------------------- */

static const char *read_escape(const char *p, struct buf *text) {
    static const struct {
        const char *escape;
        char c;
    } all[] = {{"&lt;", '<'}, {"&gt;", '>'}, {"&amp;", '&'}, {"&quot;", '"'}};
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        if (strncmp(p, all[i].escape, strlen(all[i].escape)) == 0) {
            buf_add(text, &all[i].c, 1);
            return p + strlen(all[i].escape);
        }
    abort();
}

/* After a tag; its name is pushed on or taken from the stack. */
static const char *read_tag(const char *p, const char **stack, size_t *depth) {
    static const char *const opens[] = {"<b>", "<i>", "<u>", "<s>", "<span class=\"spoiler\">",
        "<code>", "<pre>", "<blockquote>", "<a href=\""};
    const char *end = strchr(p, '>');
    check(end != NULL);
    if (p[1] == '/') {
        check(*depth > 0);
        size_t n = (size_t)(end - p - 2);
        const char *name = stack[--*depth];
        check(strncmp(name, p + 2, n) == 0 && strchr(" >", name[n]));
        return end + 1;
    }
    size_t i = 0;
    while (i < ARRAY_LEN(opens) && strncmp(p, opens[i], strlen(opens[i])) != 0)
        i++;
    check(i < ARRAY_LEN(opens));
    stack[(*depth)++] = p + 1;
    if (p[1] != 'a')
        return end + 1;
    end = strchr(p + strlen("<a href=\""), '"'); /* escaped inside */
    check(end && end[1] == '>');
    check(strncmp(p, "<a href=\"javascript", 19) != 0);
    return end + 2;
}

static void check_html(const char *html, const char *text) {
    const char *stack[TELEGRAM_ENTITIES_MAX];
    size_t depth = 0;
    struct buf got, want;
    buf_init(&got, 1 << 22);
    buf_init(&want, 1 << 22);
    while (*html) {
        if (*html == '<')
            html = read_tag(html, stack, &depth);
        else if (*html == '&')
            html = read_escape(html, &got);
        else
            buf_add(&got, html++, 1);
    }
    check(depth == 0);
    for (; *text; text++)
        if (((unsigned char)*text >= 0x20 && *text != 0x7f) || *text == '\n' || *text == '\t')
            buf_add(&want, text, 1);
    check(strcmp(buf_str(&got), buf_str(&want)) == 0);
    buf_free(&got);
    buf_free(&want);
}

/* --- entities and parts -------------------------------------------------------------------------
 */

/* Is this unit between two characters of the text? */
static bool is_boundary(const char *text, size_t n, json_int_t unit) {
    json_int_t at = 0;
    for (size_t i = 0; i < n && at < unit; i++)
        if (((unsigned char)text[i] & 0xc0) != 0x80)
            at += (unsigned char)text[i] >= 0xf0 ? 2 : 1;
    return at == unit;
}

static void check_entities(const json_t *list, const char *text, size_t n) {
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *e = json_array_get(list, i);
        json_int_t from = json_integer_value(json_object_get(e, "offset"));
        json_int_t length = json_integer_value(json_object_get(e, "length"));
        check(from >= 0 && length >= 1);
        check(is_boundary(text, n, from) && is_boundary(text, n, from + length));
    }
}

/* White space, and what shows nothing by itself. */
static bool shows_nothing(const char *p, size_t n) {
    static const char *const more[] = {"\xc2\xad", "\xcd\x8f", "\xd8\x9c", "\xe1\x85\x9f",
        "\xe1\x85\xa0", "\xe1\x9e\xb4", "\xe1\x9e\xb5", "\xe1\x9a\x80", "\xe1\xa0\x8e",
        "\xe2\xa0\x80", "\xe3\x80\x80", "\xe3\x85\xa4", "\xef\xbb\xbf", "\xef\xbe\xa0",
        "\xef\xbf\xbc"};
    for (size_t i = 0, len; i < n; i += len) {
        unsigned char c = (unsigned char)p[i];
        len = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
        bool blank = c <= 0x20 || c == 0x7f || (c == 0xc2 && (unsigned char)p[i + 1] <= 0xa0);
        blank = blank || (c == 0xe2 && (unsigned char)p[i + 1] <= 0x81); /* U+2000..U+207F */
        blank = blank || (c == 0xef && (unsigned char)p[i + 1] == 0xb8); /* U+FE00..U+FE3F */
        blank = blank || (c == 0xf3 && (unsigned char)p[i + 1] == 0xa0); /* U+E0000.. */
        for (size_t j = 0; j < ARRAY_LEN(more) && !blank; j++)
            blank = len == strlen(more[j]) && memcmp(p + i, more[j], len) == 0;
        if (!blank)
            return false;
    }
    return true;
}

static void check_split(const char *text, const json_t *entities, size_t max) {
    struct telegram_part parts[TELEGRAM_PARTS_MAX];
    size_t n = telegram_split(text, entities, max, parts), at = 0;
    for (size_t i = 0; i < n; i++) {
        const char *p = text + parts[i].from;
        size_t len = parts[i].to - parts[i].from;
        check(parts[i].from >= at && len > 0 && parts[i].to <= strlen(text));
        check(utf8_is_valid(p, len));
        char *copy = mem_strndup(p, len);
        check(telegram_units(copy) <= (max < 2 ? 2 : max));
        free(copy);
        check(shows_nothing(text + at, parts[i].from - at));
        check(!strchr(" \n\t", p[0]) && !strchr(" \n\t", p[len - 1]));
        check_entities(parts[i].entities, p, len);
        at = parts[i].to;
    }
    check(n == TELEGRAM_PARTS_MAX || shows_nothing(text + at, strlen(text + at)));
    telegram_parts_free(parts, n);
}

/* No two entities overlap in part. */
static void check_nesting(const json_t *list) {
    for (size_t i = 0; i + 1 < json_array_size(list) && i < 20; i++) {
        const json_t *a = json_array_get(list, i), *b = json_array_get(list, i + 1);
        json_int_t a0 = json_integer_value(json_object_get(a, "offset"));
        json_int_t a1 = a0 + json_integer_value(json_object_get(a, "length"));
        json_int_t b0 = json_integer_value(json_object_get(b, "offset"));
        json_int_t b1 = b0 + json_integer_value(json_object_get(b, "length"));
        check(b0 >= a0 && (b0 >= a1 || b1 <= a1));
    }
}

static void check_from_html(const char *html, size_t max) {
    json_t *entities;
    char *text = telegram_from_html(html, &entities);
    check(utf8_is_text(text, strlen(text)) && !strchr(text, '\r'));
    check(json_array_size(entities) <= TELEGRAM_ENTITIES_MAX);
    check_entities(entities, text, strlen(text));
    check_nesting(entities);
    check_split(text, entities, max);
    char *again = telegram_html(text, entities);
    if (again)
        check_html(again, text);
    free(again);
    free(text);
    json_decref(entities);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 3)
        return 0;
    size_t max = data[0] << 8 | data[1], n = data[2] % 24;
    if (size < 3 + 6 * n)
        return 0;
    json_t *entities = read_entities(data + 3, n);
    char *text = mem_strndup((const char *)data + 3 + 6 * n, size - 3 - 6 * n);
    utf8_repair(text);
    char *html = telegram_html(text, entities);
    if (html) {
        check_html(html, text);
        check_from_html(html, max);
    }
    check_split(text, entities, max);
    check_from_html(text, max);
    free(html);
    free(text);
    json_decref(entities);
    return 0;
}
