/* http_ahead.h - what is known of the request that comes next on a connection, from bytes that the
 * HTTP library has not read yet. The library is more tolerant than http_head.h, and shows only what
 * it made of the bytes: so each head is looked at before it gets there. Pure: bytes in. */
#ifndef SB_NET_HTTP_AHEAD_H
#define SB_NET_HTTP_AHEAD_H

#include "base/buf.h"
#include "net/http_head.h"

struct http_refusal {
    int status;
    struct err err;
};

struct http_ahead {
    size_t size;              /* of the next head, when it was seen whole and is good; else 0 */
    struct http_refusal *bad; /* the next one is refused when it begins */
    struct buf rest;          /* behind the next request: the client does not wait for answers */
};

void http_ahead_init(struct http_ahead *a);
void http_ahead_free(struct http_ahead *a);

/* bytes: what stands in the kernel when the library holds nothing. True when the head in it is
 * whole, or cannot become a good one any more; false when the rest is to be waited for. */
bool http_ahead_see(struct http_ahead *a, struct span bytes);

/* The library has found a request with a head of this size. LAST: good, but a part of another one
 * stands behind it, which nobody can look at any more: the connection ends with the answer.
 * UNKNOWN: it was not seen as it stands, so the client has not waited for the
 * answer before it (or something was hidden in a body). */
enum http_ahead_verdict { HTTP_AHEAD_GOOD, HTTP_AHEAD_LAST, HTTP_AHEAD_UNKNOWN };
enum http_ahead_verdict http_ahead_take(struct http_ahead *a, size_t head_size);

#endif
