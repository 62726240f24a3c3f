/* redis_conn.c - one connection to Redis that comes back by itself. Does not choose who sends
 * what: see redis.c. */
#include "net/redis_conn.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "net/redis_wire.h"

#define BACKOFF_MIN_MS 50
#define BACKOFF_MAX_MS 1000

enum conn_state { CONN_DOWN, CONN_OPENING, CONN_HELLO, CONN_UP };

struct redis_conn {
    struct redis_conn_options o;
    struct loop_redis *io;
    enum conn_state state;
    struct redis_pending *first, **last; /* sent, in order, without an answer yet */
    size_t waiting;
    struct loop_timer *retry;
    struct loop_timer *watchdog;
    uint64_t opening_deadline_ms;
    unsigned backoff_ms;
    bool watching; /* the watchdog is armed */
    bool complained;
};

static void conn_open(void *arg);
static void conn_lost(struct redis_conn *c, enum err_code code, const char *why);

/* --- the queue of what waits for an answer --------------------------------------------------- */

static void push(struct redis_conn *c, struct redis_pending *p) {
    p->next = NULL;
    *c->last = p;
    c->last = &p->next;
    c->waiting++;
}

static struct redis_pending *shift(struct redis_conn *c) {
    struct redis_pending *p = c->first;
    c->first = p->next;
    if (!c->first)
        c->last = &c->first;
    c->waiting--;
    return p;
}

/* --- deadlines: one lazy timer, re-armed for the oldest command when it fires ---------------- */

static void arm(struct redis_conn *c, uint64_t deadline_ms) {
    uint64_t now = clock_mono_ms();
    if (c->watching)
        return;
    c->watching = true;
    loop_timer_again(c->watchdog, deadline_ms > now ? deadline_ms - now : 1, 0);
}

static void on_watchdog(void *arg) {
    struct redis_conn *c = arg;
    uint64_t now = clock_mono_ms();
    c->watching = false;
    if (c->state == CONN_OPENING || c->state == CONN_HELLO) {
        if (now >= c->opening_deadline_ms)
            conn_lost(c, ERR_UNAVAILABLE, "no answer to the first command in time");
        else
            arm(c, c->opening_deadline_ms);
        return;
    }
    if (!c->first)
        return;
    if (now < c->first->deadline_ms) {
        arm(c, c->first->deadline_ms);
        return;
    }
    metrics_add(c->o.env->metrics, M_REDIS_ERRORS, "timeout", 1);
    conn_lost(c, ERR_TIMEOUT, "no answer in time");
}

/* --- losing and coming back ------------------------------------------------------------------ */

static void fail_all(struct redis_conn *c, enum err_code code, const char *why, uint64_t tried) {
    struct redis_pending *p = c->first;
    c->first = NULL;
    c->last = &c->first;
    c->waiting = 0;
    while (p) {
        struct redis_pending *next = p->next;
        struct err err;
        bool written = p->number <= tried;
        err_set(
            &err, written && code != ERR_NONE ? ERR_TIMEOUT : ERR_UNAVAILABLE, "Redis: %s", why);
        c->o.on_answer(c->o.arg, p, NULL, &err);
        p = next;
    }
}

static void complain(struct redis_conn *c, const char *why) {
    if (!c->complained)
        LOG_WARN(c->o.env->log, "redis.lost", LOG_S("error", why));
    c->complained = true; /* once an outage, not once a try */
}

static void conn_lost(struct redis_conn *c, enum err_code code, const char *why) {
    enum conn_state was = c->state;
    uint64_t tried = c->io ? loop_redis_tried(c->io) : 0;
    unsigned wait = c->backoff_ms / 2 + (unsigned)(clock_mono_us() % (c->backoff_ms / 2 + 1));
    loop_redis_close(&c->io);
    c->state = CONN_DOWN;
    complain(c, why);
    if (code != ERR_TIMEOUT)
        metrics_add(c->o.env->metrics, M_REDIS_ERRORS, "disconnected", 1);
    c->backoff_ms = c->backoff_ms * 2 > BACKOFF_MAX_MS ? BACKOFF_MAX_MS : c->backoff_ms * 2;
    loop_timer_again(c->retry, wait, 0);
    if (was == CONN_UP)
        c->o.on_state(c->o.arg, false);
    fail_all(c, code, why, tried);
}

/* --- signing in ------------------------------------------------------------------------------ */

static void send_hello(struct redis_conn *c, const char *a, const char *b, const char *d) {
    const char *const args[] = {a, b, d};
    struct buf wire;
    size_t n = 1;
    buf_init(&wire, 4096);
    while (n < ARRAY_LEN(args) && args[n])
        n++;
    redis_wire_begin(&wire, n);
    for (size_t i = 0; i < n; i++)
        redis_wire_arg(&wire, span_str(args[i]));
    loop_redis_send(c->io, buf_span(&wire), c);
    buf_free(&wire);
}

static void on_open(void *arg) {
    struct redis_conn *c = arg;
    const struct redis_url *u = c->o.url;
    char db[16];
    c->state = CONN_HELLO;
    if (u->password && u->user)
        send_hello(c, "AUTH", u->user, u->password);
    else if (u->password)
        send_hello(c, "AUTH", u->password, NULL);
    if (u->db) {
        snprintf(db, sizeof db, "%d", u->db);
        send_hello(c, "SELECT", db, NULL);
    }
    send_hello(c, "PING", NULL, NULL);
}

/* Answers of AUTH and SELECT are +OK; the one of PING is the last. A server that is loading, or
 * does not know us, is no server yet; one that only refuses writes is. */
static void on_hello(struct redis_conn *c, const struct redis_reply *reply) {
    struct span text = loop_reply_span(reply);
    if (!reply)
        return; /* on_lost follows */
    if (loop_reply_type(reply) == LOOP_REPLY_ERROR && !span_starts(text, "MISCONF") &&
        !span_starts(text, "MASTERDOWN") && !span_starts(text, "BUSY")) {
        struct err err;
        redis_wire_error(text, &err);
        conn_lost(c, ERR_UNAVAILABLE, err.text);
        return;
    }
    if (span_eq(text, "OK"))
        return;
    c->state = CONN_UP;
    c->backoff_ms = BACKOFF_MIN_MS;
    if (c->complained)
        LOG_INFO(c->o.env->log, "redis.back");
    c->complained = false;
    c->o.on_state(c->o.arg, true);
}

/* The server does not know the script yet: the same command once more, with the script's text. */
static void send_whole_script(struct redis_conn *c, struct redis_pending *p) {
    struct buf whole;
    const char *head_end = (const char *)memchr(p->command.p, '\n', p->command.n) + 1;
    buf_init(&whole, (size_t)REDIS_COMMAND_MAX * 2);
    buf_add(&whole, p->command.p, (size_t)(head_end - p->command.p)); /* as many arguments */
    redis_wire_arg(&whole, span_str("EVAL"));
    redis_wire_arg(&whole, span_str(p->script->body));
    buf_add(&whole, p->command.p + p->keys_at, p->command.n - p->keys_at);
    buf_free(&p->command);
    p->command = whole;
    p->script = NULL;
    redis_conn_send(c, p);
}

static void on_reply(void *arg, void *tag, const struct redis_reply *reply) {
    struct redis_conn *c = arg;
    struct err err;
    if (tag == c) {
        if (c->state == CONN_HELLO)
            on_hello(c, reply);
        return;
    }
    if (!tag) {
        if (reply && c->o.on_push)
            c->o.on_push(c->o.arg, reply);
        return;
    }
    if (!reply)
        return; /* on_lost follows and fails them in order */
    struct redis_pending *p = shift(c);
    assert(p == tag);
    if (loop_reply_type(reply) != LOOP_REPLY_ERROR) {
        c->o.on_answer(c->o.arg, p, reply, NULL);
        return;
    }
    struct span text = loop_reply_span(reply);
    if (p->script && span_starts(text, "NOSCRIPT")) {
        send_whole_script(c, p);
        return;
    }
    metrics_add(c->o.env->metrics, M_REDIS_ERRORS, redis_wire_error(text, &err), 1);
    if (err.code == ERR_UNAVAILABLE && c->o.on_refused)
        c->o.on_refused(c->o.arg, &err);
    c->o.on_answer(c->o.arg, p, NULL, &err);
}

static void on_lost(void *arg, const char *why) {
    struct redis_conn *c = arg;
    conn_lost(c, ERR_UNAVAILABLE, why);
}

static void conn_open(void *arg) {
    struct redis_conn *c = arg;
    struct loop_redis_peer peer = {c->o.url->path, c->o.url->host, c->o.url->port};
    struct loop_redis_events events = {on_open, on_reply, on_lost, c};
    c->state = CONN_OPENING;
    c->opening_deadline_ms = clock_mono_ms() + c->o.timeout_ms;
    c->watching = false;
    c->io = loop_redis_open(c->o.env->loop, &peer, &events);
    arm(c, c->opening_deadline_ms);
}

/* --- for redis.c ----------------------------------------------------------------------------- */

struct redis_conn *redis_conn_create(const struct redis_conn_options *options) {
    struct redis_conn *c = mem_zalloc(sizeof *c);
    c->o = *options;
    c->last = &c->first;
    c->backoff_ms = BACKOFF_MIN_MS;
    c->retry = loop_timer_start(c->o.env->loop, 0, 0, conn_open, c);
    c->watchdog = loop_timer_start(c->o.env->loop, c->o.timeout_ms, 0, on_watchdog, c);
    c->watching = true;
    return c;
}

static void free_later(void *arg) {
    free(arg);
}

void redis_conn_destroy(struct redis_conn **c_) {
    struct redis_conn *c = *c_;
    if (!c)
        return;
    *c_ = NULL;
    loop_redis_close(&c->io);
    loop_timer_stop(&c->retry);
    loop_timer_stop(&c->watchdog);
    c->state = CONN_DOWN;
    fail_all(c, ERR_NONE, "the connection is being closed", 0);
    loop_defer(c->o.env->loop, free_later, c);
}

bool redis_conn_is_up(const struct redis_conn *c) {
    return c->state == CONN_UP;
}

size_t redis_conn_waiting(const struct redis_conn *c) {
    return c->waiting;
}

size_t redis_conn_unsent(const struct redis_conn *c) {
    return c->io ? loop_redis_unsent(c->io) : 0;
}

void redis_conn_send(struct redis_conn *c, struct redis_pending *p) {
    p->number = c->io ? loop_redis_send(c->io, buf_span(&p->command), p) : 0;
    if (!p->number) {
        struct err err;
        err_set(&err, ERR_UNAVAILABLE, "Redis: the connection is being closed");
        c->o.on_answer(c->o.arg, p, NULL, &err);
        return;
    }
    if (!p->script)
        buf_free(&p->command);
    push(c, p);
    arm(c, p->deadline_ms);
}

void redis_conn_subscribe(struct redis_conn *c, const char *channel) {
    struct buf wire;
    buf_init(&wire, 4096);
    redis_wire_begin(&wire, 2);
    redis_wire_arg(&wire, span_str("SUBSCRIBE"));
    redis_wire_arg(&wire, span_str(channel));
    loop_redis_send(c->io, buf_span(&wire), NULL);
    buf_free(&wire);
}
