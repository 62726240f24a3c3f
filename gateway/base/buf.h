/* buf.h - a growing byte buffer with a ceiling. Going over the ceiling sets `failed`, keeps what
 * was there and makes every later add fail too, so that it may be checked once at the end. */
#ifndef SB_BASE_BUF_H
#define SB_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>

#include "base/span.h"

struct buf {
    char *p; /* NUL-terminated whenever n > 0 or buf_str() was called */
    size_t n;
    size_t cap;
    size_t max;
    bool failed;
};

void buf_init(struct buf *b, size_t max);
void buf_free(struct buf *b);  /* frees the bytes; b may be used again after buf_init */
void buf_reset(struct buf *b); /* empties, keeps the memory */

/* Room for so many more bytes at once, to save growing step by step. 0, or -1 as buf_add. */
int buf_reserve(struct buf *b, size_t more);

/* 0, or -1 when the ceiling would be passed (nothing is added then). */
int buf_add(struct buf *b, const void *p, size_t n);
int buf_adds(struct buf *b, const char *s);
int buf_addf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Drops the first n bytes (all of them when there are fewer). */
void buf_drop(struct buf *b, size_t n);

/* The content as a C string, owned by b; "" when empty. */
const char *buf_str(struct buf *b);

/* Takes the bytes out as a malloc'ed C string; b is empty after. */
char *buf_take(struct buf *b);

static inline struct span buf_span(const struct buf *b) {
    return span_of(b->p, b->n);
}

#endif
