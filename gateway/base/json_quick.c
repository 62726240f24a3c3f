/* json_quick.c - a small reader and writer over Jansson's values. Whatever is not plain goes to
 * Jansson as a whole. */
#include "base/json_quick.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/utf8.h"

#define DEPTH_MAX 32
#define KEY_MAX 100
#define DIGITS_MAX 17
#define DUMP_MAX ((size_t)1 << 31)

/* Bytes that end a run inside a string: quote, backslash, control characters. */
static bool ends_run(unsigned char c) {
    return c < 0x20 || c == '"' || c == '\\';
}

/* Eight bytes at once: is one of them such? (Bytes above 0x7f never are.) */
static bool any_ends_run(const char *p) {
    const uint64_t ones = 0x0101010101010101u, high = 0x8080808080808080u;
    uint64_t w;
    memcpy(&w, p, sizeof w);
    uint64_t quote = w ^ (ones * '"'), slash = w ^ (ones * '\\');
    return (((w - ones * 0x20) & ~w) | ((quote - ones) & ~quote) | ((slash - ones) & ~slash)) &
           high;
}

static size_t run_length(const char *p, size_t n) {
    size_t i = 0;
    while (i + 8 <= n && !any_ends_run(p + i))
        i += 8;
    while (i < n && !ends_run((unsigned char)p[i]))
        i++;
    return i;
}

/* --- reading --------------------------------------------------------------------------------- */

struct reader {
    const char *p, *end;
    unsigned depth;
};

static json_t *read_value(struct reader *r);

static void skip_space(struct reader *r) {
    while (r->p < r->end && (*r->p == ' ' || *r->p == '\n' || *r->p == '\r' || *r->p == '\t'))
        r->p++;
}

static bool take(struct reader *r, char c) {
    skip_space(r);
    if (r->p == r->end || *r->p != c)
        return false;
    r->p++;
    return true;
}

/* What a backslash and this make; 0: not plain. */
static char unescaped(char c) {
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    const char *at = c ? strchr(from, c) : NULL;
    return at ? to[at - from] : '\0';
}

/* A string with escapes in it; head bytes were read. */
static json_t *read_escaped(struct reader *r, size_t head) {
    const char *close = r->p + head;
    while ((close = memchr(close, '"', (size_t)(r->end - close))) && close[-1] == '\\')
        close++; /* at worst too far: the text is longer than needed */
    size_t n = head;
    char *text = mem_alloc((close ? (size_t)(close - r->p) : (size_t)(r->end - r->p)) + 1);
    memcpy(text, r->p, n);
    r->p += head;
    while (r->end - r->p >= 2 && *r->p == '\\' && (!close || r->p < close)) {
        text[n] = unescaped(r->p[1]);
        if (!text[n])
            break;
        n++;
        r->p += 2;
        size_t run = run_length(r->p, (size_t)(r->end - r->p));
        memcpy(text + n, r->p, run);
        n += run;
        r->p += run;
    }
    bool whole = r->p < r->end && *r->p == '"' && utf8_is_valid(text, n);
    json_t *s = whole ? json_stringn_nocheck(text, n) : NULL;
    r->p += whole;
    free(text);
    return s;
}

static json_t *read_string(struct reader *r) {
    size_t n = run_length(r->p, (size_t)(r->end - r->p));
    if (r->p + n == r->end)
        return NULL;
    if (r->p[n] != '"')
        return read_escaped(r, n);
    json_t *s = utf8_is_valid(r->p, n) ? json_stringn_nocheck(r->p, n) : NULL;
    r->p += n + 1;
    return s;
}

static bool read_key(struct reader *r, char key[KEY_MAX + 1]) {
    if (!take(r, '"'))
        return false;
    size_t n = run_length(r->p, (size_t)(r->end - r->p));
    if (r->p + n == r->end || r->p[n] != '"' || n > KEY_MAX)
        return false;
    memcpy(key, r->p, n);
    key[n] = '\0';
    r->p += n + 1;
    return take(r, ':');
}

static json_t *read_object(struct reader *r) {
    json_t *o = json_object();
    char key[KEY_MAX + 1];
    if (take(r, '}'))
        return o;
    do {
        json_t *v = read_key(r, key) ? read_value(r) : NULL;
        if (!v || json_object_set_new(o, key, v) < 0) {
            json_decref(o);
            return NULL;
        }
    } while (take(r, ','));
    if (take(r, '}'))
        return o;
    json_decref(o);
    return NULL;
}

static json_t *read_list(struct reader *r) {
    json_t *list = json_array();
    if (take(r, ']'))
        return list;
    do {
        json_t *v = read_value(r);
        if (!v || json_array_append_new(list, v) < 0) {
            json_decref(list);
            return NULL;
        }
    } while (take(r, ','));
    if (take(r, ']'))
        return list;
    json_decref(list);
    return NULL;
}

/* A whole number without a zero in front. */
static json_t *read_number(struct reader *r) {
    bool minus = r->p < r->end && *r->p == '-';
    const char *first = r->p + minus;
    json_int_t v = 0;
    for (r->p = first; r->p < r->end && *r->p >= '0' && *r->p <= '9'; r->p++) {
        if (r->p - first >= DIGITS_MAX)
            return NULL;
        v = v * 10 + (*r->p - '0');
    }
    bool is_plain = r->p > first && (*first != '0' || r->p == first + 1) &&
                    !(r->p < r->end && (*r->p == '.' || *r->p == 'e' || *r->p == 'E'));
    return is_plain ? json_integer(minus ? -v : v) : NULL;
}

static json_t *read_word(struct reader *r) {
    static const char *const words[] = {"true", "false", "null"};
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        size_t n = strlen(words[i]);
        if ((size_t)(r->end - r->p) < n || memcmp(r->p, words[i], n) != 0)
            continue;
        r->p += n;
        return i == 0 ? json_true() : i == 1 ? json_false() : json_null();
    }
    return NULL;
}

static json_t *read_value(struct reader *r) {
    json_t *v = NULL;
    skip_space(r);
    if (r->p == r->end || ++r->depth > DEPTH_MAX)
        return NULL;
    char c = *r->p;
    if (c == '"' || c == '{' || c == '[') {
        r->p++;
        v = c == '"' ? read_string(r) : c == '{' ? read_object(r) : read_list(r);
    } else {
        v = c == '-' || (c >= '0' && c <= '9') ? read_number(r) : read_word(r);
    }
    r->depth--;
    return v;
}

json_t *json_quick_load(struct span text) {
    struct reader r = {text.p ? text.p : "", text.p ? text.p + text.n : "", 0};
    skip_space(&r);
    bool is_container = r.p < r.end && (*r.p == '{' || *r.p == '[');
    json_t *v = is_container ? read_value(&r) : NULL;
    if (v) {
        skip_space(&r);
        if (r.p == r.end)
            return v;
        json_decref(v);
    }
    return json_loadb(text.p ? text.p : "", text.n, 0, NULL);
}

/* --- writing --------------------------------------------------------------------------------- */

static void write_string(struct buf *b, const char *p, size_t n) {
    static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";
    buf_add(b, "\"", 1);
    while (n) {
        size_t run = run_length(p, n);
        buf_add(b, p, run);
        p += run;
        n -= run;
        if (!n)
            break;
        const char *at = *p ? strchr(from, *p) : NULL;
        char escaped[8] = {'\\', at ? to[at - from] : '\0'};
        if (!at)
            snprintf(escaped, sizeof escaped, "\\u%04X", (unsigned)(unsigned char)*p);
        buf_adds(b, escaped);
        p++;
        n--;
    }
    buf_add(b, "\"", 1);
}

/* -1: not plain. */
static int write_value(struct buf *b, const json_t *v, unsigned depth);

static int write_object(struct buf *b, const json_t *o, unsigned depth) {
    const char *key, *comma = "{";
    json_t *v;
    if (json_object_size(o) == 0)
        return buf_adds(b, "{}");
    json_object_foreach((json_t *)(uintptr_t)o, key, v) {
        buf_add(b, comma, 1);
        comma = ",";
        write_string(b, key, strlen(key));
        buf_add(b, ":", 1);
        if (write_value(b, v, depth + 1) < 0)
            return -1;
    }
    return buf_add(b, "}", 1);
}

static int write_list(struct buf *b, const json_t *list, unsigned depth) {
    if (json_array_size(list) == 0)
        return buf_adds(b, "[]");
    for (size_t i = 0; i < json_array_size(list); i++) {
        buf_add(b, i ? "," : "[", 1);
        if (write_value(b, json_array_get(list, i), depth + 1) < 0)
            return -1;
    }
    return buf_add(b, "]", 1);
}

static int write_value(struct buf *b, const json_t *v, unsigned depth) {
    if (depth > DEPTH_MAX)
        return -1;
    switch (json_typeof(v)) {
    case JSON_OBJECT:
        return write_object(b, v, depth);
    case JSON_ARRAY:
        return write_list(b, v, depth);
    case JSON_STRING:
        write_string(b, json_string_value(v), json_string_length(v));
        return b->failed ? -1 : 0;
    case JSON_INTEGER:
        return buf_addf(b, "%lld", (long long)json_integer_value(v));
    case JSON_TRUE:
        return buf_adds(b, "true");
    case JSON_FALSE:
        return buf_adds(b, "false");
    case JSON_NULL:
        return buf_adds(b, "null");
    default:
        return -1;
    }
}

char *json_quick_dump(const json_t *o) {
    struct buf b;
    buf_init(&b, DUMP_MAX);
    if ((json_is_object(o) || json_is_array(o)) && write_value(&b, o, 1) == 0)
        return buf_take(&b);
    buf_free(&b);
    return json_dumps(o, JSON_COMPACT);
}
