/* span.h - a slice of bytes that somebody else owns; travels by value. */
#ifndef SB_BASE_SPAN_H
#define SB_BASE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

struct span {
    const char *p; /* may be NULL only when n is 0 */
    size_t n;
};

static inline struct span span_of(const char *p, size_t n) {
    return (struct span){p, n};
}

static inline struct span span_str(const char *s) {
    return (struct span){s, s ? strlen(s) : 0};
}

static inline bool span_eq(struct span a, const char *s) {
    return a.n == strlen(s) && (a.n == 0 || memcmp(a.p, s, a.n) == 0);
}

static inline bool span_ieq(struct span a, const char *s) {
    return a.n == strlen(s) && (a.n == 0 || strncasecmp(a.p, s, a.n) == 0);
}

static inline bool span_ends(struct span a, const char *end) {
    size_t n = strlen(end);
    return a.n >= n && memcmp(a.p + a.n - n, end, n) == 0;
}

static inline bool span_starts(struct span a, const char *prefix) {
    size_t n = strlen(prefix);
    return a.n >= n && memcmp(a.p, prefix, n) == 0;
}

#endif
