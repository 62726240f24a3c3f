/* loop_mhd.c - libmicrohttpd on the loop, by its epoll descriptor. It has no thread and no
 * listening socket of its own: gate.c gives it connections whose first head is known to be good.
 *
 * Between two requests a connection is parked: suspended, so that the library does not read, while
 * what comes is looked at in the kernel (the library takes heads that net/http_head.h refuses). Its
 * manual names the handlers as the place to suspend; outside of MHD_run(), on the only thread, it
 * is the same (0.9.75, 1.0.1). It also saves adding the socket to its epoll set each time. */
#include "loop/loop_mhd.h"

#include <errno.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "loop/loop_linger.h"

#define POOL_SIZE 32768u /* of a connection: head, buffers */
/* of a body that nobody wants, before the connection is cut */
#define DISCARD_MAX ((size_t)1024 * 1024)
#define SWEEP_MS 1000
#define SPARE_CONNECTIONS 256u /* the ceiling is the gate's: here it shall not be met */
#define LOOKS_A_TURN 64
#define FOUND_MS 2000 /* for the library to find the head that we have seen */
/* To resume one connection, the library goes through all that are suspended: when there are many,
 * those that wait for a next request go earlier. */
#define PARKED_MANY 1000u
#define PARKED_MANY_MS 2000u

struct conn {
    struct conn *next, *prev;
    struct conn *next_answered; /* in the list of those, when listed */
    struct MHD_Connection *mhd; /* once libmicrohttpd has announced it */
    void *user;
    int fd;
    uint64_t deadline_ms; /* 0: none, the work is ours */
    uint64_t idle_from_ms;
    bool idle; /* between two requests */
    bool parked;
    bool watched; /* it is in `looks` */
    bool stirred; /* something came while it was not parked */
    bool hung_up; /* nothing more will come */
    bool listed;
    bool cut;
    bool unread; /* it ends before the client has sent everything */
};

enum phase { PHASE_HEAD, PHASE_BODY, PHASE_COMPLETE };

struct loop_mhd_request {
    struct loop_mhd_request *next, *prev; /* all that have begun */
    struct loop_mhd *m;
    struct conn *conn;
    struct MHD_Connection *mhd;
    struct MHD_Response *response;
    int status;
    char *target;
    const char *method;
    int minor;
    void *user;
    enum phase phase;
    bool announced; /* on_head was called */
    bool hold;
    bool suspended;
    bool answered;
    size_t discarded;
    struct buf raw; /* the answer in bytes, for when libmicrohttpd cannot send it any more */
};

struct loop_mhd {
    const struct env *env;
    struct loop_mhd_limits limits;
    struct loop_mhd_events events;
    struct MHD_Daemon *daemon;
    struct loop_fd *fd, *looks_fd;
    int looks; /* epoll set of those that were parked once, edge-triggered */
    struct loop_timer *timer, *sweep;
    struct loop_linger *linger;
    struct conn *conns;
    struct conn *answered; /* in this turn, and not parked yet */
    unsigned n_parked;
    struct loop_mhd_request *requests;
    unsigned unannounced; /* adopted, and not announced by libmicrohttpd yet */
    bool pump_due, running, closing, sweeping;
    char peeked[LOOP_MHD_PEEK];
};

/* --- turning the crank ----------------------------------------------------------------------- */

static void park_answered(struct loop_mhd *m);

static void pump(void *arg) {
    struct loop_mhd *m = arg;
    unsigned long long wait_ms = 0;
    m->pump_due = false;
    if (!m->daemon)
        return;
    m->running = true;
    MHD_run(m->daemon);
    m->running = false;
    park_answered(m);
    if (MHD_get_timeout(m->daemon, &wait_ms) == MHD_YES)
        loop_timer_again(m->timer, wait_ms, 0);
}

/* Soon, once for everything that happens in this turn of the loop. */
static void pump_soon(struct loop_mhd *m) {
    if (!m->pump_due && !m->closing)
        loop_defer(m->env->loop, pump, m);
    m->pump_due = true;
}

static void on_fd(void *arg, int events) {
    (void)events;
    pump(arg);
}

/* --- connections ----------------------------------------------------------------------------- */

static void set_deadline(struct conn *c, unsigned ms) {
    c->deadline_ms = ms ? clock_mono_ms() + ms : 0;
}

static void begin_idle(struct loop_mhd *m, struct conn *c) {
    c->idle = true;
    c->idle_from_ms = clock_mono_ms();
    set_deadline(c, m->limits.head_ms);
}

static void unpark(struct loop_mhd *m, struct conn *c) {
    c->parked = false;
    m->n_parked--;
    MHD_resume_connection(c->mhd);
    pump_soon(m);
}

static void cut(struct loop_mhd *m, struct conn *c) {
    c->cut = true;
    shutdown(c->fd, SHUT_RDWR); /* libmicrohttpd finds it and cleans up */
    if (c->parked)
        unpark(m, c);
}

static bool is_due(const struct loop_mhd *m, const struct conn *c, uint64_t now) {
    uint64_t earlier = 0;
    if (c->parked && m->n_parked > PARKED_MANY && m->limits.head_ms > PARKED_MANY_MS)
        earlier = m->limits.head_ms - PARKED_MANY_MS;
    return c->deadline_ms && now + earlier >= c->deadline_ms && c->mhd && !c->cut;
}

static void on_sweep(void *arg) {
    struct loop_mhd *m = arg;
    uint64_t now = clock_mono_ms();
    for (struct conn *c = m->conns; c; c = c->next)
        if (is_due(m, c, now)) {
            if (!c->idle)
                m->events.on_slow(m->events.arg);
            cut(m, c);
        }
    if (!m->conns) {
        m->sweeping = false;
        loop_timer_again(m->sweep, UINT32_MAX, 0); /* an idle server does not wake up */
    }
}

static void add_conn(struct loop_mhd *m, struct conn *c) {
    c->next = m->conns;
    if (c->next)
        c->next->prev = c;
    m->conns = c;
    if (!m->sweeping)
        loop_timer_again(m->sweep, SWEEP_MS, SWEEP_MS);
    m->sweeping = true;
}

static void remove_conn(struct loop_mhd *m, struct conn *c) {
    if (m->conns == c)
        m->conns = c->next;
    else
        c->prev->next = c->next;
    if (c->next)
        c->next->prev = c->prev;
}

static void end_conn(struct loop_mhd *m, struct conn *c) {
    struct conn **at = &m->answered;
    while (c->listed && *at != c)
        at = &(*at)->next_answered;
    if (c->listed)
        *at = c->next_answered;
    if (c->watched)
        epoll_ctl(m->looks, EPOLL_CTL_DEL, c->fd, NULL);
    m->n_parked -= c->parked;
    if (c->unread && !m->closing) { /* the library closes its descriptor after this */
        int fd = dup(c->fd);
        if (fd >= 0)
            loop_linger_add(m->linger, fd);
    }
    remove_conn(m, c);
    m->events.on_closed(m->events.arg, c->user);
    free(c);
}

static struct conn *find_adopted(struct loop_mhd *m, int fd) {
    for (struct conn *c = m->conns; m->unannounced && c; c = c->next)
        if (c->fd == fd && !c->mhd)
            return c;
    return NULL;
}

/* Version 0.9 announces a connection inside MHD_add_connection(), version 1.0 in a later MHD_run(),
 * many at a time: the descriptor tells which one it is. */
static void on_connection(void *arg, struct MHD_Connection *mhd, void **context,
    enum MHD_ConnectionNotificationCode what) {
    struct loop_mhd *m = arg;
    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        const union MHD_ConnectionInfo *info =
            MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
        struct conn *c = info ? find_adopted(m, info->connect_fd) : NULL;
        *context = c;
        if (c) {
            c->mhd = mhd;
            m->unannounced--;
        }
    } else if (*context) {
        struct conn *c = *context;
        *context = NULL;
        end_conn(m, c);
    }
}

int loop_mhd_adopt(
    struct loop_mhd *m, int fd, const struct sockaddr *peer, unsigned len, void *user) {
    struct conn *stale = find_adopted(m, fd);
    if (stale) { /* closed without ever being announced: the number is in use again */
        m->unannounced--;
        end_conn(m, stale);
    }
    struct conn *c = mem_zalloc(sizeof *c);
    c->user = user;
    c->fd = fd;
    begin_idle(m, c);
    add_conn(m, c);
    m->unannounced++;
    if (MHD_add_connection(m->daemon, fd, peer, len) != MHD_YES) { /* it has closed the socket */
        c = find_adopted(m, fd);
        if (c) {
            m->unannounced--;
            remove_conn(m, c);
            free(c);
            return -1;
        }
        return 0; /* it was announced, and ended by on_connection() */
    }
    pump_soon(m);
    return 0;
}

static bool is_awaited(const struct conn *c) {
    int unread = 0;
    return c->idle && !c->cut && ioctl(c->fd, FIONREAD, &unread) == 0 && unread > 0;
}

unsigned loop_mhd_awaited(const struct loop_mhd *m) {
    unsigned n = 0;
    for (const struct conn *c = m->conns; c; c = c->next)
        n += is_awaited(c);
    return n;
}

unsigned loop_mhd_dismiss(struct loop_mhd *m, unsigned idle_ms) {
    uint64_t now = clock_mono_ms();
    unsigned left = 0;
    for (struct conn *c = m->conns; c; c = c->next) {
        if (c->cut || is_awaited(c))
            continue;
        bool over = c->idle && c->mhd && now >= c->idle_from_ms + idle_ms;
        left += !over;
        if (over)
            cut(m, c);
    }
    pump_soon(m);
    return left;
}

/* --- between two requests -------------------------------------------------------------------- */

/* What came of the next request, still in the kernel. The library may read when it is whole, and
 * when there is an end or an error to be found. */
static void look(struct loop_mhd *m, struct conn *c) {
    ssize_t n;
    c->stirred = false;
    do
        n = recv(c->fd, m->peeked, sizeof m->peeked, MSG_PEEK | MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    if (n < 0 && errno == EAGAIN && !c->hung_up)
        return;
    bool whole =
        n > 0 && m->events.on_waiting(m->events.arg, c->user, span_of(m->peeked, (size_t)n));
    if (n > 0 && !whole && !c->hung_up)
        return;
    if (whole)
        set_deadline(c, FOUND_MS);
    unpark(m, c);
}

static void on_looks(void *arg, int events) {
    struct loop_mhd *m = arg;
    struct epoll_event found[LOOKS_A_TURN];
    (void)events;
    int n = epoll_wait(m->looks, found, LOOKS_A_TURN, 0);
    for (int i = 0; i < n; i++) {
        struct conn *c = found[i].data.ptr;
        c->stirred = true;
        c->hung_up = c->hung_up || found[i].events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR);
        if (c->parked)
            look(m, c);
    }
}

static void park(struct loop_mhd *m, struct conn *c) {
    struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP | EPOLLET, .data = {.ptr = c}};
    if (!c->watched && epoll_ctl(m->looks, EPOLL_CTL_ADD, c->fd, &event) < 0) {
        cut(m, c);
        return;
    }
    c->watched = true;
    c->parked = true;
    m->n_parked++;
    MHD_suspend_connection(c->mhd);
    if (c->stirred)
        look(m, c);
}

/* A connection that has begun its next request already, out of what was read together with the one
 * before, goes on; one that has hung up is for the library to end. */
static void park_answered(struct loop_mhd *m) {
    while (m->answered) {
        struct conn *c = m->answered;
        m->answered = c->next_answered;
        c->listed = false;
        if (c->idle && !c->parked && !c->cut && !c->hung_up)
            park(m, c);
    }
}

static void list_answered(struct loop_mhd *m, struct conn *c) {
    if (c->listed)
        return;
    c->listed = true;
    c->next_answered = m->answered;
    m->answered = c;
}

/* --- requests -------------------------------------------------------------------------------- */

/* Refused here, and not as an answer of the library: for some heads that it finds bad by itself
 * version 0.9.75 sends its answer's head twice. */
static void begin(struct loop_mhd *m, struct conn *c) {
    struct buf refusal;
    c->idle = false;
    buf_init(&refusal, 0);
    m->events.on_begin(m->events.arg, c->user, &refusal);
    if (refusal.n == 0)
        return;
    if (!c->cut && send(c->fd, refusal.p, refusal.n, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0)
        shutdown(c->fd, SHUT_WR);
    c->cut = true;
    c->unread = true;
    buf_free(&refusal);
}

static void *on_uri(void *arg, const char *uri, struct MHD_Connection *mhd) {
    struct loop_mhd *m = arg;
    struct loop_mhd_request *rq = mem_zalloc(sizeof *rq);
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    rq->m = m;
    rq->mhd = mhd;
    rq->conn = info ? info->socket_context : NULL;
    if (rq->conn)
        begin(m, rq->conn);
    rq->target = mem_strdup(uri);
    buf_init(&rq->raw, 65536);
    rq->next = m->requests;
    if (rq->next)
        rq->next->prev = rq;
    m->requests = rq;
    return rq;
}

static void on_completed(
    void *arg, struct MHD_Connection *mhd, void **context, enum MHD_RequestTerminationCode why) {
    struct loop_mhd *m = arg;
    struct loop_mhd_request *rq = *context;
    (void)mhd;
    if (!rq)
        return;
    *context = NULL;
    if (why == MHD_REQUEST_TERMINATED_TIMEOUT_REACHED)
        m->events.on_slow(m->events.arg);
    if (rq->conn) {
        begin_idle(m, rq->conn);
        list_answered(m, rq->conn);
    }
    if (m->requests == rq)
        m->requests = rq->next;
    else
        rq->prev->next = rq->next;
    if (rq->next)
        rq->next->prev = rq->prev;
    if (rq->announced)
        m->events.on_gone(m->events.arg, rq);
    if (rq->response)
        MHD_destroy_response(rq->response);
    buf_free(&rq->raw);
    free(rq->target);
    free(rq);
}

static enum MHD_Result queue(struct loop_mhd_request *rq) {
    enum MHD_Result rc = MHD_queue_response(rq->mhd, (unsigned)rq->status, rq->response);
    MHD_destroy_response(rq->response);
    rq->response = NULL;
    set_deadline(rq->conn, rq->m->limits.answer_ms);
    return rc;
}

static void suspend(struct loop_mhd_request *rq) {
    rq->suspended = true;
    set_deadline(rq->conn, 0);
    MHD_suspend_connection(rq->mhd);
}

static bool has_body(struct loop_mhd_request *rq) {
    const char *length = MHD_lookup_connection_value(rq->mhd, MHD_HEADER_KIND, "Content-Length");
    return (length && strcmp(length, "0") != 0) ||
           MHD_lookup_connection_value(rq->mhd, MHD_HEADER_KIND, "Transfer-Encoding");
}

static enum MHD_Result handle_head(
    struct loop_mhd_request *rq, const char *method, const char *version) {
    struct loop_mhd *m = rq->m;
    if (!rq->announced) {
        rq->announced = true;
        rq->method = method;
        rq->minor = strcmp(version, "HTTP/1.1") == 0   ? 1
                    : strcmp(version, "HTTP/1.0") == 0 ? 0
                                                       : -1;
        set_deadline(rq->conn, m->limits.body_ms);
        m->events.on_head(m->events.arg, rq);
    }
    if (rq->answered && has_body(rq)) {
        rq->conn->unread = true;
        return queue(rq); /* the body is not read, so the connection ends with the answer */
    }
    if (rq->hold && !rq->answered) {
        suspend(rq);
        return MHD_YES;
    }
    set_deadline(rq->conn, m->limits.body_ms);
    rq->phase = PHASE_BODY;
    return MHD_YES;
}

/* libmicrohttpd takes no answer in the middle of a body. A client that is told nothing until it has
 * sent everything would be told too late: so the answer's bytes go out now, and then it ends. */
static enum MHD_Result answer_and_cut(struct loop_mhd_request *rq) {
    rq->conn->unread = true;
    if (send(rq->conn->fd, rq->raw.p, rq->raw.n, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0)
        shutdown(rq->conn->fd, SHUT_WR);
    return MHD_NO;
}

static enum MHD_Result handle_body(struct loop_mhd_request *rq, struct span data) {
    struct loop_mhd *m = rq->m;
    if (!rq->answered) {
        m->events.on_body(m->events.arg, rq, data);
        return MHD_YES;
    }
    rq->discarded += data.n;
    return rq->discarded > DISCARD_MAX ? answer_and_cut(rq) : MHD_YES;
}

static enum MHD_Result on_request(void *arg, struct MHD_Connection *mhd, const char *url,
    const char *method, const char *version, const char *data, size_t *size, void **context) {
    struct loop_mhd *m = arg;
    struct loop_mhd_request *rq = *context;
    (void)mhd;
    (void)url;
    if (!rq || !rq->conn || (!rq->announced && (m->closing || rq->conn->cut)))
        return MHD_NO;
    if (rq->phase == PHASE_HEAD)
        return handle_head(rq, method, version);
    if (*size) {
        struct span piece = span_of(data, *size);
        *size = 0;
        return handle_body(rq, piece);
    }
    if (rq->phase == PHASE_BODY) {
        rq->phase = PHASE_COMPLETE;
        if (!rq->answered)
            m->events.on_complete(m->events.arg, rq);
    }
    if (rq->answered)
        return rq->response ? queue(rq) : MHD_NO;
    suspend(rq);
    return MHD_YES;
}

static void resume(struct loop_mhd_request *rq) {
    if (!rq->suspended)
        return;
    rq->suspended = false;
    MHD_resume_connection(rq->mhd);
    pump_soon(rq->m);
}

void loop_mhd_hold(struct loop_mhd_request *rq) {
    rq->hold = true;
}

void loop_mhd_go_on(struct loop_mhd_request *rq) {
    rq->hold = false;
    resume(rq);
}

/* --- answers --------------------------------------------------------------------------------- */

static struct MHD_Response *make_response(const struct loop_mhd_answer *a) {
    struct MHD_Response *r;
    if (a->kind == LOOP_MHD_FILE) {
        r = MHD_create_response_from_fd_at_offset64(a->n, a->fd, a->offset);
    } else {
        enum MHD_ResponseMemoryMode mode = a->kind == LOOP_MHD_COPY     ? MHD_RESPMEM_MUST_COPY
                                           : a->kind == LOOP_MHD_STATIC ? MHD_RESPMEM_PERSISTENT
                                                                        : MHD_RESPMEM_MUST_FREE;
        r = MHD_create_response_from_buffer(a->n, (void *)(uintptr_t)a->p, mode);
    }
    if (!r) {
        fputs("out of memory\n", stderr);
        abort();
    }
    for (size_t i = 0; i < a->n_headers; i++)
        MHD_add_response_header(r, a->headers[i].name, a->headers[i].value);
    if (a->close)
        MHD_add_response_header(r, "Connection", "close");
    return r;
}

/* Keeps the answer as bytes too, when the body is still coming in. */
static void make_raw(struct loop_mhd_request *rq, const struct loop_mhd_answer *a) {
    bool file = a->kind == LOOP_MHD_FILE;
    buf_addf(&rq->raw, "HTTP/1.1 %d Refused\r\nConnection: close\r\nContent-Length: %zu\r\n",
        a->status, file ? (size_t)0 : a->n);
    for (size_t i = 0; i < a->n_headers; i++)
        buf_addf(&rq->raw, "%s: %s\r\n", a->headers[i].name, a->headers[i].value);
    buf_adds(&rq->raw, "\r\n");
    if (!file)
        buf_add(&rq->raw, a->p, a->n);
}

void loop_mhd_reply(struct loop_mhd_request *rq, const struct loop_mhd_answer *answer) {
    struct loop_mhd_answer a = *answer;
    rq->answered = true;
    rq->hold = false;
    rq->status = a.status;
    if (rq->phase == PHASE_BODY) {
        a.close = true;
        make_raw(rq, &a);
    }
    rq->response = make_response(&a);
    resume(rq);
}

/* --- looking into a request ------------------------------------------------------------------ */

void *loop_mhd_conn(const struct loop_mhd_request *rq) {
    return rq->conn->user;
}

void loop_mhd_set_user(struct loop_mhd_request *rq, void *user) {
    rq->user = user;
}

void *loop_mhd_user(const struct loop_mhd_request *rq) {
    return rq->user;
}

const char *loop_mhd_method(const struct loop_mhd_request *rq) {
    return rq->method;
}

const char *loop_mhd_target(const struct loop_mhd_request *rq) {
    return rq->target;
}

int loop_mhd_minor(const struct loop_mhd_request *rq) {
    return rq->minor;
}

size_t loop_mhd_head_size(const struct loop_mhd_request *rq) {
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(rq->mhd, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
    return info ? info->header_size : 0;
}

struct each {
    void (*fn)(void *arg, struct span name, struct span value);
    void *arg;
};

static enum MHD_Result on_header(
    void *arg, enum MHD_ValueKind kind, const char *name, const char *value) {
    const struct each *e = arg;
    (void)kind;
    e->fn(e->arg, span_str(name), value ? span_str(value) : span_of("", 0));
    return MHD_YES;
}

void loop_mhd_each_header(struct loop_mhd_request *rq,
    void (*fn)(void *arg, struct span name, struct span value), void *arg) {
    struct each e = {fn, arg};
    MHD_get_connection_values(rq->mhd, MHD_HEADER_KIND, on_header, &e);
}

/* --- beginning and end ----------------------------------------------------------------------- */

static void on_log(void *arg, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));
static void on_log(void *arg, const char *fmt, va_list ap) {
    struct loop_mhd *m = arg;
    char text[256];
    vsnprintf(text, sizeof text, fmt, ap);
    text[strcspn(text, "\n")] = '\0';
    const char *line = text;
    LOG_DEBUG(m->env->log, "http.library", LOG_S("text", line));
}

/* Targets stay as they were sent; http_url.c decodes them, strictly. */
static size_t on_unescape(void *arg, struct MHD_Connection *mhd, char *text) {
    (void)arg;
    (void)mhd;
    return strlen(text);
}

struct loop_mhd *loop_mhd_create(const struct env *env, const struct loop_mhd_limits *limits,
    const struct loop_mhd_events *events) {
    struct loop_mhd *m = mem_zalloc(sizeof *m);
    unsigned idle_s = (limits->idle_ms + 999) / 1000;
    m->env = env;
    m->limits = *limits;
    m->events = *events;
    m->daemon = MHD_start_daemon(
        MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_NO_LISTEN_SOCKET | MHD_USE_ERROR_LOG, 0,
        NULL, NULL, on_request, m, MHD_OPTION_EXTERNAL_LOGGER, on_log, m,
        MHD_OPTION_CONNECTION_LIMIT, limits->connections + SPARE_CONNECTIONS,
        MHD_OPTION_CONNECTION_TIMEOUT, idle_s, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t)POOL_SIZE, MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_NOTIFY_COMPLETED,
        on_completed, m, MHD_OPTION_NOTIFY_CONNECTION, on_connection, m,
        MHD_OPTION_URI_LOG_CALLBACK, on_uri, m, MHD_OPTION_UNESCAPE_CALLBACK, on_unescape, m,
        MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, MHD_OPTION_END);
    const union MHD_DaemonInfo *info =
        m->daemon ? MHD_get_daemon_info(m->daemon, MHD_DAEMON_INFO_EPOLL_FD) : NULL;
    m->looks = epoll_create1(EPOLL_CLOEXEC);
    if (!info || m->looks < 0) {
        fputs("libmicrohttpd does not start\n", stderr);
        abort();
    }
    m->timer = loop_timer_start(env->loop, UINT32_MAX, 0, pump, m);
    m->sweep = loop_timer_start(env->loop, UINT32_MAX, 0, on_sweep, m);
    m->linger = loop_linger_create(env->loop);
    m->fd = loop_fd_start(env->loop, info->epoll_fd, LOOP_READ, on_fd, m);
    m->looks_fd = loop_fd_start(env->loop, m->looks, LOOP_READ, on_looks, m);
    return m;
}

static void free_later(void *arg) {
    free(arg);
}

/* A daemon that is stopped while a connection is suspended aborts the process: first everything is
 * answered and resumed. */
void loop_mhd_destroy(struct loop_mhd **m_) {
    struct loop_mhd *m = *m_;
    if (!m)
        return;
    *m_ = NULL;
    m->closing = true;
    for (struct loop_mhd_request *rq = m->requests; rq; rq = rq->next)
        if (!rq->answered)
            loop_mhd_reply(
                rq, &(struct loop_mhd_answer){.status = 503, .kind = LOOP_MHD_STATIC, .p = ""});
    for (struct conn *c = m->conns; c; c = c->next)
        if (c->parked)
            unpark(m, c);
    for (int i = 0; i < 3; i++)
        MHD_run(m->daemon);
    loop_fd_stop(&m->fd);
    loop_fd_stop(&m->looks_fd);
    loop_timer_stop(&m->timer);
    loop_timer_stop(&m->sweep);
    MHD_stop_daemon(m->daemon);
    m->daemon = NULL;
    while (m->conns) /* never announced */
        end_conn(m, m->conns);
    loop_linger_destroy(&m->linger);
    close(m->looks);
    loop_defer(m->env->loop, free_later, m);
}
