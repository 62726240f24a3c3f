/* http_range.c - the Range and If-None-Match headers. Sends nothing. */
#include "net/http_range.h"

#define DIGITS_MAX 18u

/* Reads digits; false when there are none or too many. */
static bool read_number(struct span *s, uint64_t *out) {
    size_t n = 0;
    for (*out = 0; n < s->n && s->p[n] >= '0' && s->p[n] <= '9'; n++) {
        if (n == DIGITS_MAX)
            return false;
        *out = *out * 10 + (uint64_t)(s->p[n] - '0');
    }
    *s = span_of(s->p + n, s->n - n);
    return n > 0;
}

static enum http_range part(uint64_t first, uint64_t last, uint64_t *from, uint64_t *n) {
    *from = first;
    *n = last - first + 1;
    return HTTP_RANGE_PART;
}

enum http_range http_range_parse(struct span header, uint64_t size, uint64_t *from, uint64_t *n) {
    uint64_t first, last;
    if (header.n < 6 || strncasecmp(header.p, "bytes=", 6) != 0)
        return HTTP_RANGE_WHOLE;
    struct span s = span_of(header.p + 6, header.n - 6);
    if (s.n && s.p[0] == '-') { /* the last so many */
        s = span_of(s.p + 1, s.n - 1);
        if (!read_number(&s, &last) || s.n)
            return HTTP_RANGE_WHOLE;
        if (last == 0 || size == 0)
            return HTTP_RANGE_UNSATISFIABLE;
        return part(last > size ? 0 : size - last, size - 1, from, n);
    }
    if (!read_number(&s, &first) || s.n == 0 || s.p[0] != '-')
        return HTTP_RANGE_WHOLE;
    s = span_of(s.p + 1, s.n - 1);
    last = size ? size - 1 : 0;
    if (s.n) {
        uint64_t given;
        if (!read_number(&s, &given) || s.n || given < first)
            return HTTP_RANGE_WHOLE;
        last = given < last ? given : last;
    }
    if (first >= size)
        return HTTP_RANGE_UNSATISFIABLE;
    return part(first, last, from, n);
}

static struct span skip_weak(struct span tag) {
    return tag.n > 2 && tag.p[0] == 'W' && tag.p[1] == '/' ? span_of(tag.p + 2, tag.n - 2) : tag;
}

bool http_etag_matches(struct span list, const char *etag) {
    struct span mine = skip_weak(span_str(etag));
    if (span_eq(list, "*"))
        return true;
    while (list.n) {
        const char *comma = memchr(list.p, ',', list.n);
        size_t n = comma ? (size_t)(comma - list.p) : list.n;
        struct span tag = span_of(list.p, n);
        while (tag.n && (tag.p[0] == ' ' || tag.p[0] == '\t'))
            tag = span_of(tag.p + 1, tag.n - 1);
        while (tag.n && (tag.p[tag.n - 1] == ' ' || tag.p[tag.n - 1] == '\t'))
            tag.n--;
        tag = skip_weak(tag);
        if (tag.n == mine.n && tag.n && memcmp(tag.p, mine.p, tag.n) == 0)
            return true;
        n += comma ? 1 : 0;
        list = span_of(list.p + n, list.n - n);
    }
    return false;
}
