/* loop_redis.c - hiredis on the loop, by an adapter of our own: the one that hiredis 0.14 ships
 * drops poll errors, so that a refused connection is never noticed. Works with 0.14 and 1.x. */
#include "loop/loop_redis.h"

#include <arpa/inet.h>
#include <hiredis/async.h>
#include <hiredis/hiredis.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <uv.h>

#include "base/mem.h"

struct lookup {
    uv_getaddrinfo_t uv;
    struct loop_redis *c; /* NULL when the connection was closed meanwhile */
};

struct loop_redis {
    struct loop *loop;
    struct loop_redis_events events;
    redisAsyncContext *ac; /* NULL before the lookup's end and after the loss */
    struct lookup *lookup;
    struct loop_fd *fd;
    int want, watched; /* LOOP_READ | LOOP_WRITE */
    int port;
    bool open;     /* connected */
    bool closed;   /* by the owner: no events any more */
    bool flushing; /* inside redisAsyncHandleWrite() */
    bool flush_due;
    uint64_t sent, tried;
    size_t unsent; /* bytes */
    char why[160];
};

static void free_later(void *arg) {
    free(arg);
}

/* --- adapter --------------------------------------------------------------------------------- */

static void watch(struct loop_redis *c, int want) {
    c->want = want;
    if (c->fd && c->want != c->watched) {
        c->watched = want;
        loop_fd_change(c->fd, want);
    }
}

static void write_now(struct loop_redis *c) {
    c->tried = c->sent;
    c->unsent = 0;
    c->flushing = true;
    redisAsyncHandleWrite(c->ac);
    c->flushing = false;
}

static void on_flush(void *arg) {
    struct loop_redis *c = arg;
    c->flush_due = false;
    if (c->ac && c->open)
        write_now(c);
}

static void ev_add_read(void *arg) {
    struct loop_redis *c = arg;
    watch(c, c->want | LOOP_READ);
}

static void ev_del_read(void *arg) {
    struct loop_redis *c = arg;
    watch(c, c->want & ~LOOP_READ);
}

/* Commands of one turn are written together at its end, without asking epoll first; epoll is
 * asked only while connecting and when the socket did not take everything. */
static void ev_add_write(void *arg) {
    struct loop_redis *c = arg;
    if (!c->open || c->flushing) {
        watch(c, c->want | LOOP_WRITE);
    } else if (!c->flush_due) {
        c->flush_due = true;
        loop_defer(c->loop, on_flush, c);
    }
}

static void ev_del_write(void *arg) {
    struct loop_redis *c = arg;
    watch(c, c->want & ~LOOP_WRITE);
}

static void report_lost(void *arg) {
    struct loop_redis *c = arg;
    if (!c->closed)
        c->events.on_lost(c->events.arg, c->why);
}

static void lost(struct loop_redis *c, const char *why) {
    c->open = false;
    snprintf(c->why, sizeof c->why, "%s", why && *why ? why : "connection lost");
    loop_defer(c->loop, report_lost, c);
}

/* hiredis frees its context: the last thing that we hear of it. */
static void ev_cleanup(void *arg) {
    struct loop_redis *c = arg;
    const char *why = c->ac && c->ac->err ? c->ac->errstr : NULL;
    loop_fd_stop(&c->fd);
    c->ac = NULL;
    lost(c, why);
}

/* An error of the socket is found by hiredis itself when it tries to read and write. */
static void on_fd(void *arg, int events) {
    struct loop_redis *c = arg;
    if (events & LOOP_ERROR)
        c->watched = 0;
    if ((events & (LOOP_READ | LOOP_ERROR)) && c->ac)
        redisAsyncHandleRead(c->ac);
    if ((events & (LOOP_WRITE | LOOP_ERROR)) && c->ac)
        write_now(c);
    if ((events & LOOP_ERROR) && c->ac)
        watch(c, c->want);
}

/* --- connecting ------------------------------------------------------------------------------ */

static void on_connect(const redisAsyncContext *ac, int status) {
    struct loop_redis *c = ac->data;
    if (!c || status != REDIS_OK)
        return; /* the cleanup follows */
    if (ac->c.connection_type == REDIS_CONN_TCP) {
        int on = 1;
        setsockopt(ac->c.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        setsockopt(ac->c.fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    }
    c->open = true;
    c->events.on_open(c->events.arg);
}

static void attach(struct loop_redis *c, redisAsyncContext *ac) {
    if (!ac || ac->err) {
        lost(c, ac ? ac->errstr : "no memory");
        if (ac)
            redisAsyncFree(ac);
        return;
    }
    c->fd = loop_fd_start(c->loop, ac->c.fd, 0, on_fd, c);
    if (!c->fd) {
        lost(c, "the socket cannot be watched");
        redisAsyncFree(ac);
        return;
    }
    c->ac = ac;
    ac->data = c;
    ac->ev.data = c;
    ac->ev.addRead = ev_add_read;
    ac->ev.delRead = ev_del_read;
    ac->ev.addWrite = ev_add_write;
    ac->ev.delWrite = ev_del_write;
    ac->ev.cleanup = ev_cleanup;
    redisAsyncSetConnectCallback(ac, on_connect);
}

static void on_lookup(uv_getaddrinfo_t *rq, int status, struct addrinfo *found) {
    struct lookup *l = container_of(rq, struct lookup, uv);
    struct loop_redis *c = l->c;
    char ip[64];
    free(l);
    if (c) {
        c->lookup = NULL;
        if (status == 0)
            status = getnameinfo(
                found->ai_addr, found->ai_addrlen, ip, sizeof ip, NULL, 0, NI_NUMERICHOST);
        if (status == 0)
            attach(c, redisAsyncConnect(ip, c->port));
        else
            lost(c, "the host's name was not found");
    }
    uv_freeaddrinfo(found);
}

static void look_up(struct loop_redis *c, const char *host) {
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct lookup *l = mem_zalloc(sizeof *l);
    l->c = c;
    c->lookup = l;
    if (uv_getaddrinfo(loop_uv(c->loop), &l->uv, on_lookup, host, NULL, &hints) != 0) {
        c->lookup = NULL;
        free(l);
        lost(c, "the host's name cannot be looked up");
    }
}

struct loop_redis *loop_redis_open(
    struct loop *loop, const struct loop_redis_peer *peer, const struct loop_redis_events *events) {
    struct loop_redis *c = mem_zalloc(sizeof *c);
    struct in6_addr numeric;
    c->loop = loop;
    c->events = *events;
    c->port = peer->port;
    if (peer->path)
        attach(c, redisAsyncConnectUnix(peer->path));
    else if (inet_pton(AF_INET, peer->host, &numeric) == 1 ||
             inet_pton(AF_INET6, peer->host, &numeric) == 1)
        attach(c, redisAsyncConnect(peer->host, peer->port));
    else
        look_up(c, peer->host);
    return c;
}

void loop_redis_close(struct loop_redis **c_) {
    struct loop_redis *c = *c_;
    if (!c)
        return;
    *c_ = NULL;
    c->closed = true;
    c->open = false;
    if (c->lookup) {
        c->lookup->c = NULL;
        uv_cancel((uv_req_t *)&c->lookup->uv);
    }
    loop_fd_stop(&c->fd);
    if (c->ac) {
        redisAsyncContext *ac = c->ac;
        c->ac = NULL;
        ac->data = NULL;
        memset(&ac->ev, 0, sizeof ac->ev);
        redisAsyncFree(ac);
    }
    loop_defer(c->loop, free_later, c); /* its own callbacks may be on the stack */
}

/* --- commands -------------------------------------------------------------------------------- */

static void on_reply(redisAsyncContext *ac, void *reply, void *tag) {
    struct loop_redis *c = ac->data;
    if (c && !c->closed)
        c->events.on_reply(c->events.arg, tag, reply);
}

uint64_t loop_redis_send(struct loop_redis *c, struct span command, void *tag) {
    if (!c->ac || !c->open ||
        redisAsyncFormattedCommand(c->ac, on_reply, tag, command.p, command.n) != REDIS_OK)
        return 0;
    c->unsent += command.n;
    return ++c->sent;
}

size_t loop_redis_unsent(const struct loop_redis *c) {
    return c->unsent;
}

uint64_t loop_redis_tried(const struct loop_redis *c) {
    return c->tried;
}

/* --- replies --------------------------------------------------------------------------------- */

static const redisReply *raw(const struct redis_reply *r) {
    return (const redisReply *)(const void *)r;
}

enum loop_reply_type loop_reply_type(const struct redis_reply *r) {
    if (!r)
        return LOOP_REPLY_NIL;
    switch (raw(r)->type) {
    case REDIS_REPLY_STRING:
        return LOOP_REPLY_STRING;
    case REDIS_REPLY_STATUS:
        return LOOP_REPLY_STATUS;
    case REDIS_REPLY_INTEGER:
        return LOOP_REPLY_INTEGER;
    case REDIS_REPLY_ARRAY:
        return LOOP_REPLY_ARRAY;
    case REDIS_REPLY_ERROR:
        return LOOP_REPLY_ERROR;
    default:
        return LOOP_REPLY_NIL;
    }
}

struct span loop_reply_span(const struct redis_reply *r) {
    enum loop_reply_type type = loop_reply_type(r);
    if (type == LOOP_REPLY_STRING || type == LOOP_REPLY_STATUS || type == LOOP_REPLY_ERROR)
        return span_of(raw(r)->str, (size_t)raw(r)->len);
    return span_of("", 0);
}

int64_t loop_reply_int(const struct redis_reply *r) {
    return loop_reply_type(r) == LOOP_REPLY_INTEGER ? raw(r)->integer : 0;
}

size_t loop_reply_count(const struct redis_reply *r) {
    return loop_reply_type(r) == LOOP_REPLY_ARRAY ? raw(r)->elements : 0;
}

const struct redis_reply *loop_reply_at(const struct redis_reply *r, size_t i) {
    if (i >= loop_reply_count(r))
        return NULL;
    return (const struct redis_reply *)(const void *)raw(r)->element[i];
}
