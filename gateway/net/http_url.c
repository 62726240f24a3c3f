/* http_url.c - percent-decoding and clean paths. Knows nothing of routes. */
#include "net/http_url.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/utf8.h"

static int hex(char c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* The byte at p[*i], decoded; *i moves behind it. -1 for a malformed escape. */
static int next_byte(struct span text, size_t *i, bool plus) {
    char c = text.p[(*i)++];
    if (c == '+' && plus)
        return ' ';
    if (c != '%')
        return (unsigned char)c;
    if (text.n - *i < 2)
        return -1;
    int high = hex(text.p[*i]), low = hex(text.p[*i + 1]);
    *i += 2;
    return high < 0 || low < 0 ? -1 : high << 4 | low;
}

char *http_url_decode(struct span text, bool plus) {
    char *out = mem_alloc(text.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < text.n;) {
        int c = next_byte(text, &i, plus);
        if (c < 0x20 || c == 0x7f) { /* malformed, NUL or a control character */
            free(out);
            return NULL;
        }
        out[n++] = (char)c;
    }
    out[n] = '\0';
    if (!utf8_is_valid(out, n)) {
        free(out);
        return NULL;
    }
    return out;
}

static bool is_path_char(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c && strchr("-._~!$&'()*+,;=:@%/", c));
}

/* False when the segment, decoded, is "." or ".." or has a slash, a backslash or a malformed
 * escape: the bytes that make one reader's segment another reader's two. */
static bool is_clean_segment(struct span segment) {
    size_t n = 0;
    bool only_dots = true;
    for (size_t i = 0; i < segment.n; n++) {
        int c = next_byte(segment, &i, false);
        if (c < 0x20 || c == 0x7f || c == '/' || c == '\\')
            return false;
        only_dots = only_dots && c == '.';
    }
    return !only_dots || n > 2 || n == 0;
}

bool http_url_path_is_clean(struct span path) {
    if (path.n == 0 || path.p[0] != '/')
        return false;
    size_t from = 1;
    for (size_t i = 0; i < path.n; i++)
        if (!is_path_char(path.p[i]))
            return false;
    for (size_t i = 1; i <= path.n; i++) {
        if (i < path.n && path.p[i] != '/')
            continue;
        if ((i == from && i < path.n) || !is_clean_segment(span_of(path.p + from, i - from)))
            return false;
        from = i + 1;
    }
    return true;
}

bool http_url_query_find(struct span query, const char *name, struct span *value_out) {
    size_t len = strlen(name);
    for (size_t i = 0; i < query.n;) {
        const char *p = query.p + i;
        const char *amp = memchr(p, '&', query.n - i);
        size_t n = amp ? (size_t)(amp - p) : query.n - i;
        if (n >= len && memcmp(p, name, len) == 0 && (n == len || p[len] == '=')) {
            *value_out = n == len ? span_of(p + n, 0) : span_of(p + len + 1, n - len - 1);
            return true;
        }
        i += n + 1;
    }
    return false;
}
