/* http_ahead_fuzz.c - any bytes of a client that does not wait for answers: no crash, and whatever
 * is called good is a good head, at the place where the one before ends. */
#include <stdint.h>
#include <stdlib.h>

#include "net/http_ahead.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int good) {
    if (!good)
        abort();
}

/* How many bytes the request at the beginning takes; what is said of its head must be so. */
static size_t check_next(const struct http_ahead *a, struct span bytes) {
    struct http_head head;
    struct err err;
    int rc = http_head_parse(bytes, &head, &err);
    must((rc < 0) == (a->bad != NULL));
    must((rc == 0) == (a->size > 0));
    if (rc != 0)
        return bytes.n;
    must(a->size == head.size);
    uint64_t end = head.size + (uint64_t)(head.content_length > 0 ? head.content_length : 0);
    return head.chunked || end > bytes.n ? bytes.n : (size_t)end;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct span bytes = span_of((const char *)data, size > HTTP_HEAD_MAX ? HTTP_HEAD_MAX : size);
    struct http_ahead a;
    http_ahead_init(&a);
    must(http_ahead_see(&a, bytes) == (a.size || a.bad));
    for (;;) {
        size_t n = check_next(&a, bytes);
        bytes = span_of(bytes.p + n, bytes.n - n);
        if (!a.size)
            break;
        if (http_ahead_take(&a, a.size) == HTTP_AHEAD_LAST) {
            must(bytes.n > 0);
            break;
        }
        if (bytes.n == 0)
            break;
    }
    must(a.bad || http_ahead_take(&a, 1) == HTTP_AHEAD_UNKNOWN);
    http_ahead_free(&a);
    return 0;
}
