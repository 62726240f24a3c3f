/* redis.c - the pool of connections, scripts, and lanes for commands that block. What one
 * connection does is in redis_conn.c; nothing here retries a command. */
#include "net/redis.h"

#include <assert.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "net/redis_conn.h"
#include "net/redis_wire.h"

#define WAITING_MAX 50000u /* commands without an answer, all together */
#define WAITING_BYTES_MAX (128u << 20)
#define TOGETHER 4096u /* bytes: Redis reads 16 kB of a connection in one turn */

struct subscription {
    struct subscription *next;
    char *channel;
    void (*fn)(void *arg, struct span payload);
    void *arg;
};

struct redis_lane {
    struct redis_lane *next;
    struct redis *redis;
    struct redis_conn *conn;
    void (*on_up)(void *arg);
    void *arg;
    struct subscription *subscriptions;
    bool destroyed;
};

struct redis {
    const struct env *env;
    struct redis_options o;
    struct redis_url url;
    struct redis_conn **conns;
    unsigned n_conns, n_up, turn;
    struct redis_lane *lanes;
    size_t waiting, waiting_bytes;
    struct redis_pending *refused, **refused_last; /* to be failed at the end of this turn */
    bool destroyed;
};

/* --- ends of commands ------------------------------------------------------------------------ */

static void finish(struct redis *r, struct redis_pending *p, const struct redis_reply *reply,
    const struct err *err) {
    r->waiting--;
    r->waiting_bytes -= p->bytes;
    if (reply && p->timed)
        metrics_observe_us(r->env->metrics, M_REDIS_SECONDS, NULL, clock_mono_us() - p->started_us);
    p->fn(p->arg, reply, err);
    buf_free(&p->command);
    free(p);
}

static void on_answer(
    void *arg, struct redis_pending *p, const struct redis_reply *reply, const struct err *err) {
    finish(arg, p, reply, err);
}

static void fail_refused(void *arg) {
    struct redis *r = arg;
    struct redis_pending *p = r->refused;
    r->refused = NULL;
    r->refused_last = &r->refused;
    while (p) {
        struct redis_pending *next = p->next;
        struct err err;
        if (r->destroyed || r->n_up == 0)
            err_set(&err, ERR_UNAVAILABLE, "Redis: not connected");
        else
            err_set(&err, ERR_UNAVAILABLE, "Redis: too many commands are waiting");
        finish(r, p, NULL, &err);
        p = next;
    }
}

static void refuse(struct redis *r, struct redis_pending *p) {
    if (!r->refused)
        loop_defer(r->env->loop, fail_refused, r);
    p->next = NULL;
    *r->refused_last = p;
    r->refused_last = &p->next;
}

static struct redis_pending *pending(struct redis *r, uint64_t timeout_ms, redis_fn fn, void *arg) {
    struct redis_pending *p = mem_zalloc(sizeof *p);
    p->fn = fn;
    p->arg = arg;
    p->started_us = clock_mono_us();
    p->deadline_ms = p->started_us / 1000 + timeout_ms;
    p->timed = true;
    buf_init(&p->command, REDIS_COMMAND_MAX);
    r->waiting++;
    return p;
}

/* --- the pool -------------------------------------------------------------------------------- */

/* The one that is about to send a little anyway: each that sends costs us and Redis a system call.
 * Else that with the fewest commands waiting; among equals, each in turn. */
static struct redis_conn *choose(struct redis *r) {
    struct redis_conn *best = NULL;
    for (unsigned i = 0; i < r->n_conns; i++) {
        size_t unsent = redis_conn_unsent(r->conns[i]);
        if (unsent > 0 && unsent < TOGETHER && redis_conn_is_up(r->conns[i]))
            return r->conns[i];
    }
    r->turn++;
    for (unsigned i = 0; i < r->n_conns; i++) {
        struct redis_conn *c = r->conns[(r->turn + i) % r->n_conns];
        if (redis_conn_is_up(c) && (!best || redis_conn_waiting(c) < redis_conn_waiting(best)))
            best = c;
    }
    return best;
}

static void send_by(struct redis *r, struct redis_conn *c, struct redis_pending *p) {
    p->bytes = p->command.n;
    r->waiting_bytes += p->bytes;
    if (!c || p->command.failed || r->waiting > WAITING_MAX || r->waiting_bytes > WAITING_BYTES_MAX)
        refuse(r, p);
    else
        redis_conn_send(c, p);
}

static void on_state(void *arg, bool up) {
    struct redis *r = arg;
    unsigned was = r->n_up;
    r->n_up = up ? was + 1 : was - 1;
    if ((was == 0) == (r->n_up == 0))
        return;
    LOG_INFO(r->env->log, r->n_up ? "redis.up" : "redis.down");
    if (r->o.on_state)
        r->o.on_state(r->o.arg, r->n_up > 0);
}

static void on_refused(void *arg, const struct err *why) {
    struct redis *r = arg;
    if (r->o.on_refused)
        r->o.on_refused(r->o.arg, why);
}

struct redis *redis_create(const struct env *env, const struct redis_options *options) {
    struct redis *r = mem_zalloc(sizeof *r);
    struct err err;
    r->env = env;
    r->o = *options;
    r->o.url = NULL;
    r->refused_last = &r->refused;
    if (redis_url_parse(options->url, &r->url, &err) < 0) {
        LOG_ERROR(env->log, "redis.refused", LOG_E(&err));
        free(r);
        return NULL;
    }
    r->n_conns = options->connections ? options->connections : 1;
    r->conns = mem_zalloc(r->n_conns * sizeof(struct redis_conn *));
    struct redis_conn_options o = {.env = env,
        .url = &r->url,
        .timeout_ms = options->timeout_ms,
        .on_state = on_state,
        .on_refused = on_refused,
        .on_answer = on_answer,
        .arg = r};
    for (unsigned i = 0; i < r->n_conns; i++)
        r->conns[i] = redis_conn_create(&o);
    return r;
}

static void destroy_rest(void *arg) {
    struct redis *r = arg;
    redis_url_free(&r->url);
    free(r->conns);
    free(r);
}

void redis_destroy(struct redis **r_) {
    struct redis *r = *r_;
    if (!r)
        return;
    *r_ = NULL;
    r->destroyed = true;
    assert(!r->lanes);
    r->n_up = 0;
    for (unsigned i = 0; i < r->n_conns; i++)
        redis_conn_destroy(&r->conns[i]);
    fail_refused(r);
    loop_defer(r->env->loop, destroy_rest, r); /* after what is deferred already */
}

bool redis_is_up(const struct redis *r) {
    return r->n_up > 0;
}

void redis_command(struct redis *r, const struct span *args, size_t nargs, redis_fn fn, void *arg) {
    struct redis_pending *p = pending(r, r->o.timeout_ms, fn, arg);
    redis_wire_begin(&p->command, nargs);
    for (size_t i = 0; i < nargs; i++)
        redis_wire_arg(&p->command, args[i]);
    send_by(r, r->destroyed ? NULL : choose(r), p);
}

/* --- scripts --------------------------------------------------------------------------------- */

void redis_eval(struct redis *r, const struct redis_script *s, const struct span *keys,
    size_t nkeys, const struct span *args, size_t nargs, redis_fn fn, void *arg) {
    struct redis_pending *p = pending(r, r->o.timeout_ms, fn, arg);
    size_t room = 128;
    for (size_t i = 0; i < nargs; i++)
        room += args[i].n + 16;
    buf_reserve(&p->command, room);
    redis_wire_begin(&p->command, 3 + nkeys + nargs);
    redis_wire_arg(&p->command, span_str("EVALSHA"));
    redis_wire_arg(&p->command, span_of(s->sha1, 40));
    p->script = s;
    p->keys_at = p->command.n;
    redis_wire_number(&p->command, nkeys);
    for (size_t i = 0; i < nkeys; i++)
        redis_wire_arg(&p->command, keys[i]);
    for (size_t i = 0; i < nargs; i++)
        redis_wire_arg(&p->command, args[i]);
    send_by(r, r->destroyed ? NULL : choose(r), p);
}

/* --- lanes ----------------------------------------------------------------------------------- */

static void on_lane_answer(
    void *arg, struct redis_pending *p, const struct redis_reply *reply, const struct err *err) {
    struct redis_lane *lane = arg;
    finish(lane->redis, p, reply, err);
}

static void on_lane_state(void *arg, bool up) {
    struct redis_lane *lane = arg;
    if (!up)
        return;
    for (struct subscription *s = lane->subscriptions; s; s = s->next)
        redis_conn_subscribe(lane->conn, s->channel);
    if (lane->on_up)
        lane->on_up(lane->arg);
}

/* "message", channel, payload */
static void on_lane_push(void *arg, const struct redis_reply *reply) {
    struct redis_lane *lane = arg;
    if (loop_reply_count(reply) != 3 ||
        !span_eq(loop_reply_span(loop_reply_at(reply, 0)), "message"))
        return;
    struct span channel = loop_reply_span(loop_reply_at(reply, 1));
    for (struct subscription *s = lane->subscriptions, *next; s && !lane->destroyed; s = next) {
        next = s->next;
        if (span_eq(channel, s->channel))
            s->fn(s->arg, loop_reply_span(loop_reply_at(reply, 2)));
    }
}

struct redis_lane *redis_lane_create(struct redis *r, void (*on_up)(void *arg), void *arg) {
    struct redis_lane *lane = mem_zalloc(sizeof *lane);
    lane->redis = r;
    lane->on_up = on_up;
    lane->arg = arg;
    lane->next = r->lanes;
    r->lanes = lane;
    struct redis_conn_options o = {.env = r->env,
        .url = &r->url,
        .timeout_ms = r->o.timeout_ms,
        .on_state = on_lane_state,
        .on_answer = on_lane_answer,
        .on_push = on_lane_push,
        .arg = lane};
    lane->conn = redis_conn_create(&o);
    return lane;
}

static void lane_destroy_rest(void *arg) {
    struct redis_lane *lane = arg;
    while (lane->subscriptions) {
        struct subscription *s = lane->subscriptions;
        lane->subscriptions = s->next;
        free(s->channel);
        free(s);
    }
    free(lane);
}

void redis_lane_destroy(struct redis_lane **lane_) {
    struct redis_lane *lane = *lane_;
    if (!lane)
        return;
    *lane_ = NULL;
    struct redis_lane **at = &lane->redis->lanes;
    while (*at && *at != lane)
        at = &(*at)->next;
    if (*at)
        *at = lane->next;
    lane->destroyed = true;
    redis_conn_destroy(&lane->conn);
    loop_defer(lane->redis->env->loop, lane_destroy_rest, lane);
}

void redis_lane_command(struct redis_lane *lane, const struct span *args, size_t nargs,
    unsigned block_ms, redis_fn fn, void *arg) {
    struct redis *r = lane->redis;
    struct redis_pending *p = pending(r, (uint64_t)block_ms + r->o.timeout_ms, fn, arg);
    bool up = !lane->destroyed && redis_conn_is_up(lane->conn);
    p->timed = block_ms == 0;
    redis_wire_begin(&p->command, nargs);
    for (size_t i = 0; i < nargs; i++)
        redis_wire_arg(&p->command, args[i]);
    send_by(r, up ? lane->conn : NULL, p);
}

void redis_lane_subscribe(struct redis_lane *lane, const char *channel,
    void (*fn)(void *arg, struct span payload), void *arg) {
    struct subscription *s = mem_zalloc(sizeof *s);
    s->channel = mem_strdup(channel);
    s->fn = fn;
    s->arg = arg;
    s->next = lane->subscriptions;
    lane->subscriptions = s;
    if (redis_conn_is_up(lane->conn))
        redis_conn_subscribe(lane->conn, channel);
}
