/* redis_conn.h - one connection of the pool or of a lane: signs in, keeps the commands that wait
 * for answers, drops the connection when the oldest is too old, and connects again. Private to
 * redis*.c. */
#ifndef SB_NET_REDIS_CONN_H
#define SB_NET_REDIS_CONN_H

#include "base/buf.h"
#include "loop/loop_redis.h"
#include "net/redis.h"
#include "net/redis_url.h"

/* A command on its way. Made by redis_command_make, given to redis_conn_send, freed by
 * redis_command_finish. */
struct redis_pending {
    struct redis_pending *next;
    redis_fn fn;
    void *arg;
    uint64_t started_us;
    uint64_t deadline_ms;              /* monotonic */
    uint64_t number;                   /* of loop_redis_send() */
    const struct redis_script *script; /* not yet tried with its whole text, or NULL */
    size_t keys_at;                    /* where the script's keys and arguments begin in command */
    struct buf command;                /* kept until the answer for scripts, else until sent */
    size_t bytes;                      /* counted in the pool's ceiling */
    bool timed;                        /* goes into the histogram */
};

struct redis_conn_options {
    const struct env *env;
    const struct redis_url *url; /* outlives the connection */
    unsigned timeout_ms;
    /* Signed in, or lost. May send. */
    void (*on_state)(void *arg, bool up);
    /* Gives an answer (err NULL), or the end without one; takes p. */
    void (*on_answer)(
        void *arg, struct redis_pending *p, const struct redis_reply *reply, const struct err *err);
    /* It takes no writes now: OOM, READONLY, ...; may be NULL. */
    void (*on_refused)(void *arg, const struct err *why);
    void (*on_push)(void *arg, const struct redis_reply *reply); /* subscriptions; may be NULL */
    void *arg;
};

struct redis_conn;
struct redis_conn *redis_conn_create(const struct redis_conn_options *options);
/* Gives every waiting command its end (ERR_UNAVAILABLE) before it returns. */
void redis_conn_destroy(struct redis_conn **c);

bool redis_conn_is_up(const struct redis_conn *c);
size_t redis_conn_waiting(const struct redis_conn *c);
size_t redis_conn_unsent(const struct redis_conn *c); /* bytes of this turn of the loop */

/* Takes p. Only while up. */
void redis_conn_send(struct redis_conn *c, struct redis_pending *p);
/* SUBSCRIBE: answers go to on_push. Only while up. */
void redis_conn_subscribe(struct redis_conn *c, const char *channel);

#endif
