/* http_server.h - HTTP/1.1 for strangers: the gate (http_head.h, gate.h) judges the first bytes,
 * libmicrohttpd carries what passed, this gives each request to a route as an exchange.
 *
 * An exchange is answered exactly once, now or later; http_reply*() ends it and it must not be
 * touched after. When the client has gone meanwhile, the reply is dropped silently. */
#ifndef SB_NET_HTTP_SERVER_H
#define SB_NET_HTTP_SERVER_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/span.h"
#include "loop/loop.h"

struct http_server;
struct http_exchange;

typedef void (*http_fn)(struct http_exchange *x, void *arg);

struct http_route {
    const char *method; /* "GET" also serves HEAD */
    const char *path;   /* "/api/v1/threads/{id}/messages"; a last "{rest...}" takes slashes too */
    http_fn fn;         /* called when the whole body is there (or, for on_body, at its start) */
    size_t body_max;    /* larger: 413, fn is not called; 0: a body is refused */
    bool streamed;      /* fn is called after the head; it must call http_stream() or reply */
};

/* Streams a request's body: chunk(user, data) for each piece (-1 with err set refuses the rest and
 * is answered as a problem), then end(x, user) once when it is complete. abandoned(user) instead of
 * end when the client went away or chunk refused: free user there. */
struct http_stream {
    int (*chunk)(void *user, struct span data, struct err *err);
    void (*end)(struct http_exchange *x, void *user);
    void (*abandoned)(void *user);
    void *user;
};

struct http_limits {
    unsigned connections;        /* all together; over it: the new one is closed */
    unsigned connections_per_ip; /* proxies named in trusted are not counted */
    unsigned head_timeout_ms;    /* whole head within; 10 s */
    unsigned body_timeout_ms;    /* no byte for so long: closed */
    unsigned body_total_ms;      /* whole body within */
    const char *const *trusted;  /* NULL-ended list of proxy addresses or networks (CIDR) whose
                                    X-Forwarded-For / -Proto are believed */
};

/* routes is an array ended by a row without method; it and arg must outlive the server. More than
 * one table may be added; first match wins. Unknown path: 404; known path, other method: 405 with
 * Allow. */
struct http_server *http_server_create(const struct env *env,
    const struct http_limits *limits); /* NULL, logged, when trusted has what is no network */
void http_server_add_routes(struct http_server *s, const struct http_route *routes, void *arg);
/* From now on answers say Connection: close, and who has asked nothing for so long is closed; to be
 * called over and over. Returns how many are left: they are being answered, or not idle so long. */
unsigned http_server_quiesce(struct http_server *s, unsigned idle_ms);
unsigned http_server_awaited(const struct http_server *s); /* requests that have come, in part at
                                                              least, and have not begun */
/* What is not answered by then is answered with 503, and its exchange is gone: whoever may still
 * answer (Redis, the core) has been stopped before. */
void http_server_destroy(struct http_server **s);

/* The request. Strings live as long as the exchange. NULL when absent. */
const char *http_method(const struct http_exchange *x);
const char *http_path(const struct http_exchange *x);
const char *http_path_arg(const struct http_exchange *x, const char *name); /* percent-decoded */
const char *http_query(const struct http_exchange *x, const char *name);    /* percent-decoded */
const char *http_header(const struct http_exchange *x, const char *name);
const char *http_cookie(struct http_exchange *x, const char *name);
struct span http_body(const struct http_exchange *x);
const char *http_peer(const struct http_exchange *x); /* client's address, after trusted proxies */
const char *http_peer_group(const struct http_exchange *x); /* the same, of IPv6 its /64 */
bool http_is_tls(const struct http_exchange *x); /* X-Forwarded-Proto: https by such a proxy */
void http_stream(struct http_exchange *x, const struct http_stream *stream);

/* The request's body as a JSON object, strictly: valid UTF-8, no duplicate keys, depth <= 32.
 * NULL after it has replied with a 400 problem document itself. The caller decrefs. */
json_t *http_body_json(struct http_exchange *x);

/* Answers. Headers first (copied); nosniff, a strict CSP, Referrer-Policy and Cache-Control:
 * no-store are added unless set before. */
void http_set_header(struct http_exchange *x, const char *name, const char *value);
void http_reply(struct http_exchange *x, int status, const char *type, const void *p, size_t n);
void http_reply_static(struct http_exchange *x, int status, const char *type, const void *p,
    size_t n); /* bytes that live for ever: not copied */
void http_reply_json(struct http_exchange *x, int status, json_t *body); /* takes the reference */
void http_reply_empty(struct http_exchange *x, int status);
/* RFC 9457 application/problem+json: type "about:blank", title, status, code (err_name), detail.
 * 503 and 429 carry Retry-After (jittered 1..3 s unless set before); 401 WWW-Authenticate. */
void http_reply_err(struct http_exchange *x, const struct err *err);
void http_reply_problem(struct http_exchange *x, int status, const char *code, const char *detail);
/* Sends a file; takes the fd. Serves one range (RFC 9110 14): 206, or 416. etag may be NULL. */
void http_reply_file(
    struct http_exchange *x, int fd, uint64_t size, const char *type, const char *etag);

#endif
