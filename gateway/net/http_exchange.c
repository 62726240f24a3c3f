/* http_exchange.c - a request from its head to its end: judged once more, as the library shows it,
 * routed, its body collected or streamed. Answers are http_reply.c. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "net/http_cookie.h"
#include "net/http_private.h"
#include "net/http_url.h"

/* --- the head -------------------------------------------------------------------------------- */

struct collect {
    struct http_head head;
    size_t bytes;
    bool too_many;
};

static void add_field(void *arg, struct span name, struct span value) {
    struct collect *c = arg;
    c->bytes += name.n + value.n + 4;
    if (c->head.n_fields == HTTP_HEAD_FIELDS || c->bytes > HTTP_HEAD_MAX)
        c->too_many = true;
    else
        c->head.fields[c->head.n_fields++] = (struct http_field){name, value};
}

static void refuse(struct http_exchange *x, int status, const char *code, const char *detail) {
    metrics_add(x->server->env->metrics, M_REFUSED, status == 413 ? "too_large" : "bad_request", 1);
    x->close = true;
    http_reply_problem(x, status, code, detail);
}

static bool query_is_clean(struct span query) {
    char *decoded = http_url_decode(query, true);
    free(decoded);
    return decoded != NULL;
}

/* Who asks, when the socket belongs to a proxy of ours: the last header line is the nearest. */
static void find_peer(struct http_exchange *x) {
    struct peer_ip ip = x->conn->ip;
    for (size_t i = x->n_fields; x->conn->trusted && i-- > 0;)
        if (span_ieq(x->fields[i].name, "X-Forwarded-For"))
            peer_ip_unproxy(&ip, x->fields[i].value, &x->server->trusted);
    peer_ip_format(&ip, x->peer);
    ip = peer_ip_group(&ip);
    peer_ip_format(&ip, x->peer_group);
    x->tls = x->conn->trusted && span_ieq(http_exchange_field(x, "X-Forwarded-Proto"), "https");
}

/* What was seen of its bytes before the library read them. 0, or -1 after an answer. */
static int judge_bytes(struct http_exchange *x) {
    switch (http_ahead_take(&x->conn->ahead, loop_mhd_head_size(x->rq))) {
    case HTTP_AHEAD_UNKNOWN: /* 408 tells a client that it may ask again, on a new connection */
        refuse(x, 408, "timeout", "this request came too early; ask again");
        return -1;
    case HTTP_AHEAD_LAST:
        x->close = true;
        return 0;
    case HTTP_AHEAD_GOOD:
        break;
    }
    return 0;
}

/* The head must pass what the gate asks of a connection's first one. 0, or -1 after an answer. */
static int judge(struct http_exchange *x) {
    struct collect c = {.head = {.method = span_str(x->method),
                            .target = span_str(loop_mhd_target(x->rq)),
                            .minor = loop_mhd_minor(x->rq)}};
    struct err err;
    loop_mhd_each_header(x->rq, add_field, &c);
    x->path = mem_strndup(c.head.target.p, c.head.target.n);
    if (judge_bytes(x) < 0)
        return -1;
    if (c.too_many || c.head.target.n > HTTP_HEAD_MAX) {
        refuse(x, 431, "too_large", "the request's head is too large");
        return -1;
    }
    if (c.head.minor < 0) {
        refuse(x, 505, "unsupported", "only HTTP/1.0 and HTTP/1.1 are spoken here");
        return -1;
    }
    if (http_head_judge(&c.head, &err) < 0) {
        refuse(x, c.head.status, err_name(err.code), err.text);
        return -1;
    }
    x->path[c.head.path.n] = '\0';
    x->query = span_of(x->path + c.head.path.n + (c.head.query.n ? 1 : 0), c.head.query.n);
    x->n_fields = c.head.n_fields;
    x->fields = mem_alloc((x->n_fields + 1) * sizeof *x->fields);
    memcpy(x->fields, c.head.fields, x->n_fields * sizeof *x->fields);
    find_peer(x);
    if (c.head.websocket) {
        refuse(x, 426, "unsupported", "a websocket needs a connection of its own");
        return -1;
    }
    if (!query_is_clean(x->query)) {
        refuse(x, 400, "invalid", "the query is malformed");
        return -1;
    }
    x->body_seen = c.head.chunked
                       ? UINT64_MAX
                       : (uint64_t)(c.head.content_length > 0 ? c.head.content_length : 0);
    return 0;
}

/* body_seen still holds what the head announced: UINT64_MAX when it said only "chunked". */
static int check_body(struct http_exchange *x) {
    uint64_t announced = x->body_seen;
    struct span encoding = http_exchange_field(x, "Content-Encoding");
    x->body_seen = 0;
    if (!announced)
        return 0;
    if (encoding.n && !span_ieq(encoding, "identity")) {
        refuse(x, 415, "unsupported", "a compressed body is not read");
        return -1;
    }
    if (x->route->body_max == 0 || (announced != UINT64_MAX && announced > x->route->body_max)) {
        refuse(x, 413, "too_large",
            x->route->body_max ? "the body is too large" : "no body is expected here");
        return -1;
    }
    return 0;
}

static int route(struct http_exchange *x) {
    struct buf allow;
    buf_init(&allow, 256);
    int status = http_server_route(x, &allow);
    if (status == 405)
        http_set_header(x, "Allow", buf_str(&allow));
    buf_free(&allow);
    if (status == 404)
        http_reply_problem(x, 404, "not_found", "there is nothing at this address");
    else if (status == 405)
        http_reply_problem(x, 405, "unsupported", "this address does not know the method");
    else if (status == 400)
        refuse(x, 400, "invalid", "the path is malformed");
    return status ? -1 : check_body(x);
}

void http_exchange_on_head(void *server, struct loop_mhd_request *rq) {
    struct http_exchange *x = mem_zalloc(sizeof *x);
    x->server = server;
    x->rq = rq;
    x->conn = loop_mhd_conn(rq);
    x->started_us = clock_mono_us();
    x->method = loop_mhd_method(rq);
    buf_init(&x->body, 0);
    loop_mhd_set_user(rq, x);
    x->server->open++;
    if (judge(x) < 0 || route(x) < 0)
        return;
    x->body.max = x->route->body_max;
    if (!x->route->streamed)
        return;
    loop_mhd_hold(rq); /* until http_stream() or an answer */
    x->route->fn(x, x->route_arg);
}

/* --- the body -------------------------------------------------------------------------------- */

static void abandon(struct http_exchange *x) {
    if (x->stream_state != STREAM_OPEN)
        return;
    x->stream_state = STREAM_ABANDONED;
    x->stream.abandoned(x->stream.user);
}

void http_stream(struct http_exchange *x, const struct http_stream *stream) {
    x->stream = *stream;
    x->stream_state = STREAM_OPEN;
    loop_mhd_go_on(x->rq);
}

void http_exchange_on_body(void *server, struct loop_mhd_request *rq, struct span data) {
    struct http_exchange *x = loop_mhd_user(rq);
    struct err err = {0};
    (void)server;
    x->body_seen += data.n;
    if (x->body_seen > x->route->body_max) {
        abandon(x);
        refuse(x, 413, "too_large", "the body is too large");
    } else if (x->stream_state == STREAM_NONE) {
        buf_add(&x->body, data.p, data.n);
    } else if (x->stream_state == STREAM_OPEN && x->stream.chunk(x->stream.user, data, &err) < 0) {
        abandon(x);
        x->close = true;
        http_reply_err(x, &err);
    }
}

void http_exchange_on_complete(void *server, struct loop_mhd_request *rq) {
    struct http_exchange *x = loop_mhd_user(rq);
    (void)server;
    if (x->stream_state == STREAM_OPEN) {
        x->stream_state = STREAM_ENDED;
        x->stream.end(x, x->stream.user);
    } else {
        x->route->fn(x, x->route_arg);
    }
}

void http_exchange_on_gone(void *server, struct loop_mhd_request *rq) {
    struct http_exchange *x = loop_mhd_user(rq);
    (void)server;
    abandon(x);
    if (!x->answered)
        x->server->open--;
    while (x->kept) {
        struct http_kept *k = x->kept;
        x->kept = k->next;
        free(k->text);
        free(k);
    }
    while (x->n_args)
        free(x->args[--x->n_args].value);
    for (size_t i = 0; i < x->n_headers; i++) {
        free((char *)(uintptr_t)x->headers[i].name);
        free((char *)(uintptr_t)x->headers[i].value);
    }
    buf_free(&x->body);
    free(x->fields);
    free(x->path);
    free(x);
}

/* --- looking into the request ---------------------------------------------------------------- */

struct span http_exchange_field(const struct http_exchange *x, const char *name) {
    for (size_t i = 0; i < x->n_fields; i++)
        if (span_ieq(x->fields[i].name, name))
            return x->fields[i].value;
    return span_of(NULL, 0);
}

static const char *keep(struct http_exchange *x, char *text) {
    struct http_kept *k = mem_alloc(sizeof *k);
    *k = (struct http_kept){x->kept, text};
    x->kept = k;
    return text;
}

const char *http_method(const struct http_exchange *x) {
    return x->method;
}

const char *http_path(const struct http_exchange *x) {
    return x->path;
}

const char *http_path_arg(const struct http_exchange *x, const char *name) {
    for (size_t i = 0; i < x->n_args; i++)
        if (span_eq(x->args[i].name, name))
            return x->args[i].value;
    return NULL;
}

const char *http_query(const struct http_exchange *x_, const char *name) {
    struct http_exchange *x = (struct http_exchange *)(uintptr_t)x_; /* it only keeps the text */
    struct span value;
    if (!http_url_query_find(x->query, name, &value))
        return NULL;
    char *text = http_url_decode(value, true);
    return text ? keep(x, text) : NULL;
}

const char *http_header(const struct http_exchange *x, const char *name) {
    return http_exchange_field(x, name).p; /* the library ends each value with a NUL */
}

const char *http_cookie(struct http_exchange *x, const char *name) {
    struct span value, header = http_exchange_field(x, "Cookie");
    if (!http_cookie_find(header, name, &value))
        return NULL;
    return keep(x, mem_strndup(value.p, value.n));
}

struct span http_body(const struct http_exchange *x) {
    return buf_span(&x->body);
}

const char *http_peer(const struct http_exchange *x) {
    return x->peer;
}

const char *http_peer_group(const struct http_exchange *x) {
    return x->peer_group;
}

bool http_is_tls(const struct http_exchange *x) {
    return x->tls;
}
