/* gate.c - accept, peek, judge, hand over. A connection stays here until its head is complete: at
 * most so long as the limits say. It reads nothing from a socket that it hands over. */
#include "net/gate.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "net/gate_address.h"
#include "net/http_adopt.h"
#include "net/http_head.h"
#include "net/http_refusal.h"
#include "net/peers.h"
#include "net/ws_adopt.h"

#define ACCEPTS_A_TURN 8 /* no more: the workers share what comes */
#define PAUSE_MS 100     /* when the process has no more descriptors */
#define LINGER_MS 1000   /* for a refused client to read why */
#define DRAIN_MAX 65536
#define HEAD_TIMEOUT_MS 10000

/* A connection that is being judged, or that has been refused and is read empty. */
struct waiting {
    struct waiting *next, *prev;
    struct gate *gate;
    int fd;
    struct loop_fd *watch;
    struct sockaddr_storage peer;
    socklen_t peer_len;
    struct peer_ticket ticket;
    uint64_t deadline_ms;
    size_t seen; /* bytes of the head at the last look */
    bool refused;
};

struct gate {
    const struct env *env;
    struct http_server *http;
    struct ws_server *ws;
    struct peers *peers;
    unsigned head_timeout_ms;
    int fd;
    struct loop_fd *watch;
    struct loop_timer *pause, *sweep;
    struct waiting *waiting;
    bool sweeping;
};

/* --- who waits ------------------------------------------------------------------------------- */

static void free_waiting(struct waiting *w) {
    loop_fd_stop(&w->watch);
    if (w->gate->waiting == w)
        w->gate->waiting = w->next;
    else
        w->prev->next = w->next;
    if (w->next)
        w->next->prev = w->prev;
    peers_leave(&w->ticket);
    free(w);
}

static void drop(struct waiting *w) {
    int fd = w->fd;
    free_waiting(w); /* stops watching, which must come before the close */
    close(fd);
}

static void count_refused(struct gate *g, const char *why) {
    metrics_add(g->env->metrics, M_REFUSED, why, 1);
    metrics_add(g->env->metrics, M_HTTP, "4xx", 1);
}

static void sweep_from_now(struct gate *g) {
    if (!g->sweeping)
        loop_timer_again(g->sweep, 250, 250);
    g->sweeping = true;
}

/* --- refusing -------------------------------------------------------------------------------- */

static void on_waiting(void *arg, int events);

/* The client reads the answer only if nothing of what it sent is unread when we close: so what
 * comes is thrown away for a moment. */
static void linger(struct waiting *w) {
    char junk[4096];
    size_t drained = 0;
    ssize_t n;
    while (drained < DRAIN_MAX && (n = recv(w->fd, junk, sizeof junk, MSG_DONTWAIT)) > 0)
        drained += (size_t)n;
    if (drained >= DRAIN_MAX || n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
        drop(w);
}

static void refuse(struct waiting *w, int status, const char *code, const char *detail) {
    struct buf answer;
    http_refusal_write(&answer, status, code, detail);
    w->refused = true;
    ssize_t sent = send(w->fd, answer.p, answer.n, MSG_NOSIGNAL | MSG_DONTWAIT);
    bool whole = sent == (ssize_t)answer.n;
    buf_free(&answer);
    if (!whole) {
        drop(w);
        return;
    }
    shutdown(w->fd, SHUT_WR);
    w->deadline_ms = clock_mono_ms() + LINGER_MS;
    sweep_from_now(w->gate);
    if (!w->watch)
        w->watch = loop_fd_start(w->gate->env->loop, w->fd, LOOP_READ, on_waiting, w);
    linger(w);
}

/* An idle gate does not wake up: the sweep runs while somebody waits. */
static void on_sweep(void *arg) {
    struct gate *g = arg;
    uint64_t now = clock_mono_ms();
    for (struct waiting *w = g->waiting, *next; w; w = next) {
        next = w->next;
        if (now < w->deadline_ms)
            continue;
        if (w->refused) {
            drop(w);
            continue;
        }
        count_refused(g, "slow");
        refuse(w, 408, "timeout", "the request's head did not come in time");
    }
    if (!g->waiting) {
        g->sweeping = false;
        loop_timer_again(g->sweep, UINT32_MAX, 0);
    }
}

/* --- handing over ---------------------------------------------------------------------------- */

static void to_http(struct waiting *w, struct span seen) {
    struct gate *g = w->gate;
    struct sockaddr_storage peer = w->peer;
    struct peer_ticket ticket = w->ticket;
    int fd = w->fd;
    w->ticket.peers = NULL;
    socklen_t len = w->peer_len;
    free_waiting(w); /* our watch must be gone before another is set on the descriptor */
    http_server_adopt(g->http, fd, (const struct sockaddr *)&peer, len, &ticket, seen);
}

static void find_client(
    const struct waiting *w, const struct http_head *head, struct peer_ip *out) {
    const struct peer_nets *trusted = http_server_trusted(w->gate->http);
    peer_ip_from_sockaddr((const struct sockaddr *)&w->peer, out);
    for (size_t i = head->n_fields; i-- > 0;)
        if (span_ieq(head->fields[i].name, "X-Forwarded-For"))
            peer_ip_unproxy(out, head->fields[i].value, trusted);
}

static void to_websocket(struct waiting *w, const struct http_head *head) {
    struct gate *g = w->gate;
    struct peer_ip client;
    find_client(w, head, &client);
    int status = ws_server_judge(g->ws, head, &client);
    if (status == 0) {
        struct peer_ticket ticket = w->ticket;
        int fd = w->fd;
        w->ticket.peers = NULL;
        free_waiting(w);
        ws_server_adopt(g->ws, fd, head, &client, &ticket);
        return;
    }
    count_refused(g, status == 403 ? "origin" : status == 404 ? "bad_request" : "rate");
    if (status == 403)
        refuse(w, status, "denied", "websockets from this origin are not allowed");
    else if (status == 404)
        refuse(w, status, "not_found", "there is no websocket at this address");
    else if (status == 429)
        refuse(w, status, "too_many", "too many websockets from this address");
    else
        refuse(w, status, "unavailable", "the gateway is restarting");
}

/* Looks at what has come so far. True when w is settled (and may be gone). */
static bool judge(struct waiting *w) {
    char bytes[HTTP_HEAD_MAX];
    struct http_head head;
    struct err err;
    ssize_t n = recv(w->fd, bytes, sizeof bytes, MSG_PEEK | MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return false;
    if (n <= 0) {
        drop(w);
        return true;
    }
    int rc = http_head_parse(span_of(bytes, (size_t)n), &head, &err);
    if (rc > 0) {
        /* The rest later: the kernel shall wake us only when there is more than we have seen. */
        int low = (int)n + 1;
        if ((size_t)n == w->seen) { /* woken for nothing new: the client has hung up */
            drop(w);
            return true;
        }
        w->seen = (size_t)n;
        setsockopt(w->fd, SOL_SOCKET, SO_RCVLOWAT, &low, sizeof low);
        return false;
    }
    if (rc == 0 && w->seen) {
        int low = 1;
        setsockopt(w->fd, SOL_SOCKET, SO_RCVLOWAT, &low, sizeof low);
    }
    if (rc < 0) {
        count_refused(w->gate, err.code == ERR_TOO_LARGE ? "too_large" : "bad_request");
        refuse(w, head.status, err_name(err.code), err.text);
    } else if (head.websocket) {
        to_websocket(w, &head);
    } else if (ws_server_knows(w->gate->ws, head.path)) {
        count_refused(w->gate, "bad_request");
        refuse(w, 426, "unsupported", "this address speaks websocket only");
    } else {
        to_http(w, span_of(bytes, (size_t)n));
    }
    return true;
}

static void on_waiting(void *arg, int events) {
    struct waiting *w = arg;
    if (events & LOOP_ERROR)
        drop(w);
    else if (w->refused)
        linger(w);
    else
        judge(w);
}

/* --- accepting ------------------------------------------------------------------------------- */

static void on_pause_over(void *arg) {
    struct gate *g = arg;
    if (g->watch)
        loop_fd_change(g->watch, LOOP_READ);
}

static void take(struct gate *g, int fd, const struct sockaddr_storage *peer, socklen_t len) {
    struct waiting *w = mem_zalloc(sizeof *w);
    struct peer_ip ip;
    int on = 1;
    peer_ip_from_sockaddr((const struct sockaddr *)peer, &ip);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    w->gate = g;
    w->fd = fd;
    w->peer = *peer;
    w->peer_len = len;
    w->deadline_ms = clock_mono_ms() + g->head_timeout_ms;
    w->next = g->waiting;
    if (w->next)
        w->next->prev = w;
    g->waiting = w;
    bool proxy = peer_nets_have(http_server_trusted(g->http), &ip);
    if (!peers_enter(g->peers, &ip, !proxy, &w->ticket)) {
        count_refused(g, "rate");
        drop(w);
        return;
    }
    if (judge(w))
        return;
    w->watch = loop_fd_start(g->env->loop, fd, LOOP_READ, on_waiting, w);
    sweep_from_now(g);
    if (!w->watch)
        drop(w);
}

/* False when nobody is left to be accepted. */
static bool accept_some(struct gate *g) {
    for (int i = 0; i < ACCEPTS_A_TURN && g->fd >= 0; i++) {
        struct sockaddr_storage peer;
        socklen_t len = sizeof peer;
        int fd = accept4(g->fd, (struct sockaddr *)&peer, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            take(g, fd, &peer, len);
            continue;
        }
        if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
            loop_fd_change(g->watch, 0);
            loop_timer_again(g->pause, PAUSE_MS, 0);
        }
        if (errno != ECONNABORTED && errno != EINTR)
            return false;
    }
    return true;
}

static void on_accept(void *arg, int events) {
    (void)events;
    accept_some(arg);
}

/* --- for app.c ------------------------------------------------------------------------------- */

struct gate *gate_create(
    const struct env *env, int listen_fd, struct http_server *http, struct ws_server *ws) {
    const struct http_limits *limits = http_server_limits(http);
    struct gate *g = mem_zalloc(sizeof *g);
    g->env = env;
    g->http = http;
    g->ws = ws;
    g->fd = listen_fd;
    g->head_timeout_ms = limits->head_timeout_ms ? limits->head_timeout_ms : HEAD_TIMEOUT_MS;
    g->peers = peers_create(limits->connections, limits->connections_per_ip);
    g->pause = loop_timer_start(env->loop, UINT32_MAX, 0, on_pause_over, g);
    g->sweep = loop_timer_start(env->loop, UINT32_MAX, 0, on_sweep, g);
    g->watch = loop_fd_start(env->loop, g->fd, LOOP_READ, on_accept, g);
    return g;
}

void gate_stop_accepting(struct gate *g) {
    /* Who stands in the kernel's queue would be reset by the close if this descriptor is the last:
     * all of them come in. */
    while (g->watch && accept_some(g))
        ;
    loop_fd_stop(&g->watch);
    if (g->fd >= 0)
        close(g->fd);
    g->fd = -1;
}

size_t gate_waiting(const struct gate *g) {
    size_t n = 0;
    for (const struct waiting *w = g->waiting; w; w = w->next)
        n++;
    return n;
}

void gate_destroy(struct gate **g_) {
    struct gate *g = *g_;
    if (!g)
        return;
    *g_ = NULL;
    gate_stop_accepting(g);
    for (struct waiting *w = g->waiting, *next; w; w = next) {
        next = w->next;
        drop(w);
    }
    loop_timer_stop(&g->pause);
    loop_timer_stop(&g->sweep);
    peers_destroy(&g->peers);
    free(g);
}
