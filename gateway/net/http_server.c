/* http_server.c - the routes and the connections. A request's life is http_exchange.c, answers are
 * http_reply.c. */
#include "net/http_server.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "net/http_adopt.h"
#include "net/http_private.h"
#include "net/http_refusal.h"
#include "net/http_url.h"

#define IDLE_HEAD_MS 60000u      /* from one answer to the next request's head, at most */
#define ANSWER_MS (15u * 60000u) /* a large file over a thin line */

static_assert(LOOP_MHD_PEEK >= HTTP_HEAD_MAX, "a head that is too large would be waited for");

/* A kept connection's next request, still in the kernel. */
static bool on_waiting(void *arg, void *conn_, struct span bytes) {
    struct http_conn *conn = conn_;
    (void)arg;
    return http_ahead_see(&conn->ahead, bytes);
}

static void on_begin(void *arg, void *conn_, struct buf *refusal) {
    struct http_server *s = arg;
    struct http_conn *conn = conn_;
    const struct http_refusal *bad = conn->ahead.bad;
    if (!bad)
        return;
    metrics_add(s->env->metrics, M_REFUSED,
        bad->err.code == ERR_TOO_LARGE ? "too_large" : "bad_request", 1);
    metrics_add(s->env->metrics, M_HTTP, "4xx", 1);
    http_refusal_write(refusal, bad->status, err_name(bad->err.code), bad->err.text);
}

static void on_closed(void *arg, void *conn_) {
    struct http_conn *conn = conn_;
    (void)arg;
    http_ahead_free(&conn->ahead);
    peers_leave(&conn->ticket);
    free(conn);
}

static void on_slow(void *arg) {
    struct http_server *s = arg;
    metrics_add(s->env->metrics, M_REFUSED, "slow", 1);
}

struct http_server *http_server_create(const struct env *env, const struct http_limits *limits) {
    struct http_server *s = mem_zalloc(sizeof *s);
    struct err err;
    s->env = env;
    s->limits = *limits;
    s->limits.trusted = NULL;
    s->tables_last = &s->tables;
    if (peer_nets_parse(limits->trusted, &s->trusted, &err) < 0) {
        LOG_ERROR(env->log, "http.refused", LOG_E(&err));
        free(s);
        return NULL;
    }
    unsigned idle_ms = limits->body_timeout_ms;
    struct loop_mhd_limits l = {.connections = limits->connections ? limits->connections : 10000,
        .idle_ms = idle_ms,
        .head_ms = idle_ms && idle_ms < IDLE_HEAD_MS ? idle_ms : IDLE_HEAD_MS,
        .body_ms = limits->body_total_ms,
        .answer_ms = ANSWER_MS};
    struct loop_mhd_events events = {.on_head = http_exchange_on_head,
        .on_body = http_exchange_on_body,
        .on_complete = http_exchange_on_complete,
        .on_gone = http_exchange_on_gone,
        .on_waiting = on_waiting,
        .on_begin = on_begin,
        .on_closed = on_closed,
        .on_slow = on_slow,
        .arg = s};
    s->mhd = loop_mhd_create(env, &l, &events);
    return s;
}

void http_server_add_routes(struct http_server *s, const struct http_route *routes, void *arg) {
    struct http_table *t = mem_zalloc(sizeof *t);
    t->routes = routes;
    t->arg = arg;
    *s->tables_last = t;
    s->tables_last = &t->next;
}

unsigned http_server_quiesce(struct http_server *s, unsigned idle_ms) {
    s->quiesced = true;
    return loop_mhd_dismiss(s->mhd, idle_ms);
}

unsigned http_server_awaited(const struct http_server *s) {
    return loop_mhd_awaited(s->mhd);
}

void http_server_destroy(struct http_server **s_) {
    struct http_server *s = *s_;
    if (!s)
        return;
    *s_ = NULL;
    if (s->open)
        LOG_WARN(s->env->log, "http.unanswered", LOG_I("exchanges", s->open));
    loop_mhd_destroy(&s->mhd);
    while (s->tables) {
        struct http_table *t = s->tables;
        s->tables = t->next;
        free(t);
    }
    peer_nets_free(&s->trusted);
    free(s);
}

const struct http_limits *http_server_limits(const struct http_server *s) {
    return &s->limits;
}

const struct peer_nets *http_server_trusted(const struct http_server *s) {
    return &s->trusted;
}

void http_server_adopt(struct http_server *s, int fd, const struct sockaddr *peer, unsigned len,
    const struct peer_ticket *ticket, struct span seen) {
    struct http_conn *conn = mem_zalloc(sizeof *conn);
    peer_ip_from_sockaddr(peer, &conn->ip);
    conn->trusted = peer_nets_have(&s->trusted, &conn->ip);
    conn->ticket = *ticket;
    http_ahead_init(&conn->ahead);
    http_ahead_see(&conn->ahead, seen);
    if (loop_mhd_adopt(s->mhd, fd, peer, len, conn) < 0)
        on_closed(s, conn);
}

/* --- routes ---------------------------------------------------------------------------------- */

static size_t segment_length(const char *p) {
    return strcspn(p, "/");
}

static void drop_args(struct http_exchange *x) {
    while (x->n_args)
        free(x->args[--x->n_args].value);
}

/* "{id}" takes one segment, a last "{rest...}" all that is left. 1: matches, 0: does not, -1: it
 * would, but the segment is no text. */
static int match_arg(struct http_exchange *x, const char *pattern, const char *path, size_t n) {
    size_t name = strcspn(pattern + 1, ".}");
    if (n == 0 || x->n_args == HTTP_PATH_ARGS)
        return 0;
    char *value = http_url_decode(span_of(path, n), false);
    if (!value)
        return -1;
    x->args[x->n_args++] = (struct http_path_arg){span_of(pattern + 1, name), value};
    return 1;
}

static int match(struct http_exchange *x, const char *pattern, const char *path) {
    int rc = 1;
    drop_args(x);
    while (rc == 1 && *pattern == '/' && *path == '/') {
        pattern++;
        path++;
        size_t want = segment_length(pattern), have = segment_length(path);
        bool rest = want > 5 && memcmp(pattern + want - 4, "...}", 4) == 0;
        if (*pattern == '{')
            rc = match_arg(x, pattern, path, rest ? strlen(path) : have);
        else
            rc = want == have && memcmp(pattern, path, want) == 0;
        pattern += want;
        path += rest ? strlen(path) : have;
    }
    return rc == 1 && (*pattern || *path) ? 0 : rc;
}

static bool method_fits(const struct http_route *r, const char *method) {
    return strcmp(r->method, method) == 0 ||
           (strcmp(method, "HEAD") == 0 && strcmp(r->method, "GET") == 0);
}

int http_server_route(struct http_exchange *x, struct buf *allow) {
    for (const struct http_table *t = x->server->tables; t; t = t->next)
        for (const struct http_route *r = t->routes; r->method; r++) {
            int rc = match(x, r->path, x->path);
            if (rc < 0)
                return 400;
            if (rc == 0)
                continue;
            if (method_fits(r, x->method)) {
                x->route = r;
                x->route_arg = t->arg;
                return 0;
            }
            buf_addf(allow, "%s%s%s", allow->n ? ", " : "", r->method,
                strcmp(r->method, "GET") == 0 ? ", HEAD" : "");
        }
    drop_args(x);
    return allow->n ? 405 : 404;
}
