/* http_head.h - a strict reader of HTTP/1.x request heads (RFC 9110, 9112, and 6455 for websocket
 * handshakes). Pure: bytes in, spans into these bytes out. It refuses everything that two readers
 * could understand differently. */
#ifndef SB_NET_HTTP_HEAD_H
#define SB_NET_HTTP_HEAD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/span.h"

#define HTTP_HEAD_MAX 8192u
#define HTTP_HEAD_FIELDS 64u

struct http_field {
    struct span name, value; /* the value without white space around it */
};

struct http_head {
    struct span method, target; /* target in origin form: "/path?query" */
    struct span path, query;    /* query without its '?'; empty when there is none */
    int minor;                  /* HTTP/1.0 or HTTP/1.1 */
    struct http_field fields[HTTP_HEAD_FIELDS];
    size_t n_fields;
    size_t size; /* bytes of the whole head, with the empty line */
    int status;  /* after a refusal: the HTTP status that fits it */

    /* What http_head_judge() found in the fields. */
    struct span host; /* empty only in HTTP/1.0 */
    bool chunked;
    int64_t content_length; /* -1: none given */
    bool websocket;         /* a complete websocket handshake */
};

/* 0: head is complete and good. 1: more bytes are needed. -1: refused, err and out->status say
 * why. Bytes after the head are not looked at. */
int http_head_parse(struct span bytes, struct http_head *out, struct err *err);

/* The second half of the above: method, target, minor and fields are filled in, by the parser or
 * from a library that has split them. 0 or -1 with err and status. */
int http_head_judge(struct http_head *head, struct err *err);

/* The value of the first field of this name, NULL span when there is none. */
struct span http_head_field(const struct http_head *head, const char *name);

/* True when a comma-separated list (Connection: ...) has this token, in any case. */
bool http_list_has(struct span list, const char *token);

#endif
