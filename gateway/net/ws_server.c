/* ws_server.c - websocket sessions: endpoints, messages put together from pieces, the bounded queue
 * of a slow reader, closing. Framing is libwebsockets's (loop_lws.c); what messages mean is not
 * known here. */
#include "net/ws_server.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "base/utf8.h"
#include "loop/loop_lws.h"
#include "net/http_cookie.h"
#include "net/ws_adopt.h"

#define PING_S 25
#define HANGUP_S 35
#define CLOSE_WAIT_S 5   /* for what is queued, and for the peer's close frame */
#define WRITES_A_TURN 16 /* to one session */
#define DRAIN_TICK_MS 50

struct ws_frame {
    unsigned refs;
    unsigned n;     /* bytes on the wire */
    unsigned count; /* frames: more than one when they were joined */
    char bytes[];   /* LOOP_LWS_ROOM, then what goes on the wire */
};

struct waiting {
    struct waiting *next;
    struct ws_frame *frame;
};

struct endpoint {
    struct endpoint *next;
    struct ws_endpoint o;
    char *path, *kind;
    struct peers *peers;
    unsigned n_open;
};

/* The headers that are kept, in the order of struct ws_session's texts. */
static const char *const kept_headers[] = {
    "origin", "cookie", "host", "user-agent", "authorization"};
#define KEPT ARRAY_LEN(kept_headers)

struct ws_session {
    struct ws_session *next, *prev;
    struct ws_server *server; /* NULL once that is destroyed */
    struct endpoint *endpoint;
    struct loop_lws_conn *conn; /* NULL before the handshake's end and after the close */
    void *user;
    char *texts;    /* the peer's address and the kept headers, one NUL-ended text after another */
    short at[KEPT]; /* where in texts; -1: absent */
    unsigned short close_code;
    bool closing; /* by us */
    bool close_sent;
    bool peer_closed;
    bool reported; /* on_close was called */
    unsigned alive_s;
    unsigned n_waiting;
    size_t waiting_bytes;
    struct waiting *first, **last;
    struct buf message; /* pieces of one that came so far */
    char *close_reason;
    char *cookie; /* the last one asked for */
    struct peer_ticket ticket, endpoint_ticket;
};

struct ws_server {
    const struct env *env;
    struct loop_lws *lws;
    struct endpoint *endpoints;
    struct ws_session *sessions;
    unsigned n_sessions;
    struct loop_timer *drain;
    int drain_code;
    uint64_t drain_end_ms;
};

/* --- frames ---------------------------------------------------------------------------------- */

static struct ws_frame *frame_alloc(size_t n, unsigned count) {
    struct ws_frame *f = mem_alloc(sizeof *f + LOOP_LWS_ROOM + n);
    f->refs = 1;
    f->n = (unsigned)n;
    f->count = count;
    return f;
}

struct ws_frame *ws_frame_create(const char *text, size_t n) {
    char head[LOOP_LWS_HEAD];
    size_t nhead = loop_lws_head(head, n);
    struct ws_frame *f = frame_alloc(nhead + n, 1);
    memcpy(f->bytes + LOOP_LWS_ROOM, head, nhead);
    if (n)
        memcpy(f->bytes + LOOP_LWS_ROOM + nhead, text, n);
    return f;
}

struct ws_frame *ws_frame_join(struct ws_frame *const *parts, size_t n) {
    size_t bytes = 0, at = LOOP_LWS_ROOM;
    unsigned count = 0;
    for (size_t i = 0; i < n; i++) {
        bytes += parts[i]->n;
        count += parts[i]->count;
    }
    struct ws_frame *f = frame_alloc(bytes, count);
    for (size_t i = 0; i < n; i++) {
        memcpy(f->bytes + at, parts[i]->bytes + LOOP_LWS_ROOM, parts[i]->n);
        at += parts[i]->n;
    }
    return f;
}

struct ws_frame *ws_frame_ref(struct ws_frame *f) {
    f->refs++;
    return f;
}

void ws_frame_release(struct ws_frame **f) {
    if (*f && --(*f)->refs == 0)
        free(*f);
    *f = NULL;
}

static void queue_push(struct ws_session *s, struct ws_frame *f) {
    struct waiting *w = mem_alloc(sizeof *w);
    *w = (struct waiting){NULL, f};
    f->refs++;
    *s->last = w;
    s->last = &w->next;
    s->n_waiting += f->count;
    s->waiting_bytes += f->n;
}

static void queue_pop(struct ws_session *s) {
    struct waiting *w = s->first;
    s->first = w->next;
    if (!s->first)
        s->last = &s->first;
    s->n_waiting -= w->frame->count;
    s->waiting_bytes -= w->frame->n;
    ws_frame_release(&w->frame);
    free(w);
}

static void queue_clear(struct ws_session *s) {
    while (s->first)
        queue_pop(s);
}

/* --- closing --------------------------------------------------------------------------------- */

static void count_closed(struct ws_session *s, const char *why) {
    char label[48];
    snprintf(label, sizeof label, "%s|%s", s->endpoint->kind, why);
    metrics_add(s->server->env->metrics, M_WS_CLOSED, label, 1);
}

static void begin_close(struct ws_session *s, int code, const char *reason, const char *why) {
    if (s->closing || !s->conn)
        return;
    s->closing = true;
    s->close_code = (unsigned short)code;
    s->close_reason = mem_strdup(reason);
    if (why)
        count_closed(s, why);
    loop_lws_want_write(s->conn);
    loop_lws_cut(s->conn, CLOSE_WAIT_S);
}

void ws_close(struct ws_session *s, int code, const char *reason) {
    begin_close(s, code, reason, "policy");
}

static void report_close(struct ws_session *s) {
    struct endpoint *e = s->endpoint;
    if (s->reported || !e)
        return;
    s->reported = true;
    metrics_set(s->server->env->metrics, M_WS_SESSIONS, e->kind, --e->n_open);
    if (e->o.on_close)
        e->o.on_close(s, e->o.arg);
}

/* --- sending --------------------------------------------------------------------------------- */

static int write_frame(struct ws_session *s, struct ws_frame *f) {
    if (loop_lws_write(s->conn, f->bytes + LOOP_LWS_ROOM, f->n) < 0) {
        s->closing = true; /* broken: it is being cut */
        queue_clear(s);
        return -1;
    }
    metrics_add(s->server->env->metrics, M_PUSHED, s->endpoint->kind, f->count);
    return 0;
}

int ws_send(struct ws_session *s, struct ws_frame *f) {
    if (!s->conn || s->closing)
        return -1;
    if (!s->first && !loop_lws_is_blocked(s->conn))
        return write_frame(s, f);
    const struct ws_endpoint *o = &s->endpoint->o;
    if (s->n_waiting >= o->queue_frames || s->waiting_bytes + f->n > o->queue_bytes) {
        queue_clear(s);
        begin_close(s, 1013, "reading too slowly", "slow");
        return -1;
    }
    if (!s->first)
        loop_lws_want_write(s->conn);
    queue_push(s, f);
    return 0;
}

int ws_send_text(struct ws_session *s, const char *text, size_t n) {
    struct ws_frame *f = ws_frame_create(text, n);
    int rc = ws_send(s, f);
    ws_frame_release(&f);
    return rc;
}

static int on_writable(void *session) {
    struct ws_session *s = session;
    for (int i = 0; i < WRITES_A_TURN && s->first && !loop_lws_is_blocked(s->conn); i++) {
        if (write_frame(s, s->first->frame) < 0)
            return 0;
        queue_pop(s);
    }
    if (s->first) {
        loop_lws_want_write(s->conn);
        return 0;
    }
    if (!s->closing || !s->close_code || s->close_sent)
        return 0;
    if (loop_lws_is_blocked(s->conn)) {
        loop_lws_want_write(s->conn);
        return 0;
    }
    s->close_sent = true; /* and now the peer's close frame is waited for, or the cut comes */
    return loop_lws_write_close(s->conn, s->close_code, s->close_reason);
}

/* --- receiving ------------------------------------------------------------------------------- */

static void refuse(struct ws_session *s, int code, const char *reason, const char *metric) {
    metrics_add(s->server->env->metrics, M_REFUSED, metric, 1);
    buf_free(&s->message);
    begin_close(s, code, reason, "policy");
}

static void deliver(struct ws_session *s, struct span text) {
    if (!utf8_is_valid(text.p, text.n))
        refuse(s, 1007, "not valid UTF-8", "bad_request");
    else
        s->endpoint->o.on_message(s, s->endpoint->o.arg, text);
}

static int on_piece(void *session, const struct loop_lws_piece *p) {
    struct ws_session *s = session;
    s->alive_s = (unsigned)(clock_mono_ms() / 1000);
    if (s->closing || !s->server)
        return 0;
    if (p->first)
        buf_reset(&s->message);
    if (p->first && p->binary) {
        refuse(s, 1003, "only text is spoken here", "bad_request");
        return 0;
    }
    if (s->message.n + p->data.n + p->more > s->endpoint->o.frame_max) {
        refuse(s, 1009, "the message is too large", "too_large");
        return 0;
    }
    if (p->first && p->last) {
        deliver(s, span_of(p->data.n ? p->data.p : "", p->data.n));
        return 0;
    }
    buf_add(&s->message, p->data.p, p->data.n);
    if (p->last) {
        struct buf whole = s->message;
        buf_init(&s->message, s->endpoint->o.frame_max);
        deliver(s, span_of(whole.n ? whole.p : "", whole.n));
        buf_free(&whole);
    }
    return 0;
}

static void on_alive(void *session) {
    struct ws_session *s = session;
    s->alive_s = (unsigned)(clock_mono_ms() / 1000);
}

static int on_peer_close(void *session) {
    struct ws_session *s = session;
    s->peer_closed = true;
    s->closing = true;
    queue_clear(s);
    return s->close_sent ? -1 : 0;
}

/* --- a session's life ------------------------------------------------------------------------ */

static int on_open(void *session, struct loop_lws_conn *c) {
    struct ws_session *s = session;
    if (!s->server)
        return -1;
    struct endpoint *e = s->endpoint;
    s->conn = c;
    s->alive_s = (unsigned)(clock_mono_ms() / 1000);
    metrics_set(s->server->env->metrics, M_WS_SESSIONS, e->kind, ++e->n_open);
    e->o.on_open(s, e->o.arg);
    return 0;
}

static void on_closed(void *session) {
    struct ws_session *s = session;
    unsigned now_s = (unsigned)(clock_mono_ms() / 1000);
    if (!s->conn)
        return; /* never opened, or the server is gone */
    if (!s->closing && !s->peer_closed && now_s - s->alive_s >= HANGUP_S - 1)
        count_closed(s, "idle");
    report_close(s);
    s->conn = NULL;
    queue_clear(s);
}

static void on_gone(void *session) {
    struct ws_session *s = session;
    on_closed(s);
    if (s->server) {
        if (s->server->sessions == s)
            s->server->sessions = s->next;
        else
            s->prev->next = s->next;
        if (s->next)
            s->next->prev = s->prev;
        s->server->n_sessions--;
    }
    queue_clear(s);
    peers_leave(&s->ticket);
    peers_leave(&s->endpoint_ticket);
    buf_free(&s->message);
    free(s->close_reason);
    free(s->cookie);
    free(s->texts);
    free(s);
}

static struct endpoint *find_endpoint(const struct ws_server *w, struct span path) {
    for (struct endpoint *e = w->endpoints; e; e = e->next)
        if (span_eq(path, e->path))
            return e;
    return NULL;
}

bool ws_server_knows(const struct ws_server *w, struct span path) {
    return find_endpoint(w, path) != NULL;
}

int ws_server_judge(
    struct ws_server *w, const struct http_head *head, const struct peer_ip *client) {
    const struct endpoint *e = find_endpoint(w, head->path);
    struct span origin = http_head_field(head, "Origin");
    if (!e)
        return 404;
    if (w->drain)
        return 503;
    char *origin_text = origin.p ? mem_strndup(origin.p, origin.n) : NULL;
    char *host = mem_strndup(head->host.p, head->host.n);
    bool ok = !e->o.origin_ok || e->o.origin_ok(e->o.arg, origin_text, host);
    free(origin_text);
    free(host);
    if (!ok)
        return 403;
    return e->o.per_ip && peers_of(e->peers, client) >= e->o.per_ip ? 429 : 0;
}

static void keep_texts(
    struct ws_session *s, const struct http_head *head, const struct peer_ip *client) {
    char peer[PEER_IP_TEXT];
    struct buf b;
    buf_init(&b, (size_t)HTTP_HEAD_MAX * 2);
    buf_adds(&b, peer_ip_format(client, peer));
    buf_add(&b, "", 1);
    for (size_t i = 0; i < KEPT; i++) {
        struct span value = http_head_field(head, kept_headers[i]);
        s->at[i] = value.p ? (short)b.n : -1;
        if (value.p) {
            buf_add(&b, value.p, value.n);
            buf_add(&b, "", 1);
        }
    }
    s->texts = mem_alloc(b.n); /* no larger than it must be */
    memcpy(s->texts, b.p, b.n);
    buf_free(&b);
}

void ws_server_adopt(struct ws_server *w, int fd, const struct http_head *head,
    const struct peer_ip *client, const struct peer_ticket *ticket) {
    struct ws_session *s = mem_zalloc(sizeof *s);
    s->server = w;
    s->endpoint = find_endpoint(w, head->path);
    s->last = &s->first;
    s->ticket = *ticket;
    buf_init(&s->message, s->endpoint->o.frame_max);
    peers_enter(s->endpoint->peers, client, true, &s->endpoint_ticket);
    keep_texts(s, head, client);
    s->next = w->sessions;
    if (s->next)
        s->next->prev = s;
    w->sessions = s;
    w->n_sessions++;
    loop_lws_adopt(w->lws, fd, s);
}

const char *ws_header(const struct ws_session *s, const char *name) {
    for (size_t i = 0; i < KEPT; i++)
        if (strcasecmp(name, kept_headers[i]) == 0)
            return s->at[i] < 0 ? NULL : s->texts + s->at[i];
    return NULL;
}

const char *ws_cookie(struct ws_session *s, const char *name) {
    const char *header = ws_header(s, "cookie");
    struct span value;
    if (!header || !http_cookie_find(span_str(header), name, &value))
        return NULL;
    free(s->cookie);
    s->cookie = mem_strndup(value.p, value.n);
    return s->cookie;
}

const char *ws_peer(const struct ws_session *s) {
    return s->texts;
}

void ws_set_user(struct ws_session *s, void *user) {
    s->user = user;
}

void *ws_user(const struct ws_session *s) {
    return s->user;
}

/* --- the server ------------------------------------------------------------------------------ */

struct ws_server *ws_server_create(const struct env *env) {
    static const struct loop_lws_events events = {.on_open = on_open,
        .on_piece = on_piece,
        .on_writable = on_writable,
        .on_alive = on_alive,
        .on_peer_close = on_peer_close,
        .on_closed = on_closed,
        .on_gone = on_gone};
    struct ws_server *w = mem_zalloc(sizeof *w);
    w->env = env;
    w->lws = loop_lws_create(env, &events, PING_S, HANGUP_S);
    return w;
}

void ws_server_add(struct ws_server *w, const struct ws_endpoint *endpoint) {
    struct endpoint *e = mem_zalloc(sizeof *e);
    e->o = *endpoint;
    e->path = mem_strdup(endpoint->path);
    e->kind = mem_strdup(endpoint->kind);
    e->peers = peers_create(0, endpoint->per_ip);
    e->next = w->endpoints;
    w->endpoints = e;
}

/* Of those still open, as many as are due at this tick. */
static void on_drain(void *arg) {
    struct ws_server *w = arg;
    uint64_t now = clock_mono_ms();
    unsigned open = 0, due;
    for (struct ws_session *s = w->sessions; s; s = s->next)
        open += !s->closing;
    if (now >= w->drain_end_ms)
        due = open;
    else
        due = (unsigned)((uint64_t)open * DRAIN_TICK_MS / (w->drain_end_ms - now + DRAIN_TICK_MS)) +
              1;
    for (struct ws_session *s = w->sessions; s && due; s = s->next)
        if (!s->closing && s->conn) {
            begin_close(s, w->drain_code, "the gateway restarts", "drain");
            due--;
        }
}

void ws_server_drain(struct ws_server *w, int code, unsigned spread_ms) {
    w->drain_code = code;
    w->drain_end_ms = clock_mono_ms() + spread_ms;
    loop_timer_stop(&w->drain);
    w->drain = loop_timer_start(w->env->loop, 1, DRAIN_TICK_MS, on_drain, w);
}

unsigned ws_server_open(const struct ws_server *w) {
    return w->n_sessions;
}

void ws_server_destroy(struct ws_server **w_) {
    struct ws_server *w = *w_;
    if (!w)
        return;
    *w_ = NULL;
    loop_timer_stop(&w->drain);
    for (struct ws_session *s = w->sessions, *next; s; s = next) {
        next = s->next;
        if (s->conn)
            report_close(s);
        s->conn = NULL;
        s->server = NULL;
        s->endpoint = NULL;
        s->closing = true;
    }
    loop_lws_destroy(&w->lws);
    while (w->endpoints) {
        struct endpoint *e = w->endpoints;
        w->endpoints = e->next;
        peers_destroy(&e->peers);
        free(e->path);
        free(e->kind);
        free(e);
    }
    free(w);
}
