/* http_ahead.c - one step ahead of the HTTP library. What it knows is bound to the library's view
 * by one number only: the size of the head. Whoever makes the library hold bytes that were not seen
 * makes that number larger. */
#include "net/http_ahead.h"

#include <stdlib.h>

#include "base/mem.h"

void http_ahead_init(struct http_ahead *a) {
    *a = (struct http_ahead){0};
    buf_init(&a->rest, HTTP_HEAD_MAX);
}

void http_ahead_free(struct http_ahead *a) {
    buf_free(&a->rest);
    free(a->bad);
    a->bad = NULL;
}

static void refuse(struct http_ahead *a, int status, const struct err *err) {
    a->bad = mem_alloc(sizeof *a->bad);
    *a->bad = (struct http_refusal){status, *err};
}

/* Reads the head at the beginning of bytes. Returns how many of them belong to its request (its
 * body may still be on its way), 0 when the head is not whole. */
static size_t read_head(struct http_ahead *a, struct span bytes) {
    struct http_head head;
    struct err err;
    int rc = http_head_parse(bytes, &head, &err);
    a->size = 0;
    if (rc > 0)
        return 0;
    if (rc < 0) {
        refuse(a, head.status, &err);
        return bytes.n;
    }
    a->size = head.size;
    if (head.chunked) /* where it ends is for the library to find; nothing is known behind it */
        return bytes.n;
    uint64_t end = head.size + (uint64_t)(head.content_length > 0 ? head.content_length : 0);
    return end < bytes.n ? (size_t)end : bytes.n;
}

bool http_ahead_see(struct http_ahead *a, struct span bytes) {
    free(a->bad);
    a->bad = NULL;
    buf_free(&a->rest);
    size_t n = read_head(a, bytes);
    if (n && n < bytes.n)
        buf_add(&a->rest, bytes.p + n, bytes.n - n);
    return n > 0;
}

enum http_ahead_verdict http_ahead_take(struct http_ahead *a, size_t head_size) {
    bool known = a->size && a->size == head_size;
    a->size = 0;
    if (!known)
        return HTTP_AHEAD_UNKNOWN;
    if (a->rest.n == 0)
        return HTTP_AHEAD_GOOD;
    /* The library may have read the rest already, so what is not whole now is never seen whole. */
    size_t n = read_head(a, buf_span(&a->rest));
    if (n == 0 || n == a->rest.n)
        buf_free(&a->rest);
    else
        buf_drop(&a->rest, n);
    return n ? HTTP_AHEAD_GOOD : HTTP_AHEAD_LAST;
}
