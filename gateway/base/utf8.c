/* utf8.c - checks on text that strangers send. */
#include "base/utf8.h"

#include <stdint.h>
#include <string.h>

#include "base/buf.h"

/* Length of the code point at p, and the point; 0 when it is malformed. */
static size_t decode(const unsigned char *p, size_t n, uint32_t *point_out) {
    if (p[0] < 0x80) {
        *point_out = p[0];
        return 1;
    }
    size_t len = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
    if (p[0] < 0xc2 || p[0] > 0xf4 || n < len)
        return 0;
    uint32_t c = p[0] & (0xffu >> (len + 1));
    for (size_t i = 1; i < len; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
        c = c << 6 | (p[i] & 0x3fu);
    }
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    if (c < least[len] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
        return 0;
    *point_out = c;
    return len;
}

static inline bool is_control(unsigned char c) {
    return (c < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0x7f;
}

/* Points of one and two bytes, most of what is written here, need no look at the others' rules. */
static inline bool check(const char *p, size_t n, bool is_text) {
    const unsigned char *u = (const unsigned char *)p, *end = u + n;
    uint32_t c;
    while (u < end) {
        if (*u < 0x80) {
            if (is_text && is_control(*u))
                return false;
            u++;
        } else if (*u >= 0xc2 && *u < 0xe0 && end - u >= 2 && (u[1] & 0xc0) == 0x80) {
            u += 2;
        } else {
            size_t len = decode(u, (size_t)(end - u), &c);
            if (len == 0)
                return false;
            u += len;
        }
    }
    return true;
}

bool utf8_is_valid(const char *p, size_t n) {
    return check(p, n, false);
}

void utf8_repair(char *s) {
    uint32_t c;
    for (size_t n = strlen(s), i = 0; i < n;) {
        size_t len = decode((const unsigned char *)s + i, n - i, &c);
        if (len == 0)
            s[i] = '?';
        i += len ? len : 1;
    }
}

size_t utf8_length(const char *p, size_t n) {
    size_t points = 0;
    for (size_t i = 0; i < n; i++)
        if (((unsigned char)p[i] & 0xc0) != 0x80)
            points++;
    return points;
}

size_t utf8_prefix(const char *p, size_t n, size_t max_points) {
    size_t i = 0;
    for (size_t points = 0; i < n; i++)
        if (((unsigned char)p[i] & 0xc0) != 0x80 && points++ == max_points)
            break;
    return i;
}

bool utf8_is_text(const char *p, size_t n) {
    return check(p, n, true);
}

static bool is_invisible(uint32_t c) {
    return c < 0x20 || (c >= 0x7f && c < 0xa0) || (c >= 0x200b && c <= 0x200f) ||
           (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x2069) || c == 0xfeff;
}

static bool is_space(uint32_t c) {
    return c == ' ' || c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) || c == 0x202f ||
           c == 0x205f || c == 0x3000;
}

bool utf8_is_word(const char *p, size_t n) {
    uint32_t c = 0;
    for (size_t i = 0; i < n;) {
        size_t len = decode((const unsigned char *)p + i, n - i, &c);
        if (len == 0 || is_invisible(c) || is_space(c))
            return false;
        i += len;
    }
    return true;
}

char *utf8_clean_name(const char *s, size_t max_points) {
    struct buf b;
    size_t n = strlen(s), points = 0;
    buf_init(&b, max_points * 4 + 1);
    for (size_t i = 0; i < n && points < max_points;) {
        uint32_t c = 0;
        size_t len = decode((const unsigned char *)s + i, n - i, &c);
        if (len == 0) {
            buf_adds(&b, "\xef\xbf\xbd");
            points++;
            i++;
            continue;
        }
        if (!is_invisible(c)) {
            buf_add(&b, s + i, len);
            points++;
        }
        i += len;
    }
    return buf_take(&b);
}
