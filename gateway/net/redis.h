/* redis.h - a pool of connections to one Redis, and commands that complete exactly once.
 *
 * Commands are spread over the connections, so two of them may run in either order: whoever needs
 * an order sends the second from the first one's callback. */
#ifndef SB_NET_REDIS_H
#define SB_NET_REDIS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/span.h"
#include "loop/loop.h"

struct redis;
struct redis_reply; /* a reply or a part of one; valid during the callback only */

enum redis_type { REDIS_NIL, REDIS_STRING, REDIS_STATUS, REDIS_INTEGER, REDIS_ARRAY };

/* reply is NULL exactly when err is not. An error of Redis's own (an -ERR reply) comes as err:
 * ERR_UNAVAILABLE for LOADING, OOM, MISCONF, READONLY, BUSY, MASTERDOWN, NOREPLICAS, TRYAGAIN,
 * CLUSTERDOWN and for a lost connection before the command was written;
 * ERR_TIMEOUT when it was written and the answer did not come (it may have been carried out);
 * ERR_INTERNAL for all others (WRONGTYPE, a script's error). */
typedef void (*redis_fn)(void *arg, const struct redis_reply *reply, const struct err *err);

struct redis_options {
    const char *url;      /* unix:///path, redis://[user:pass@]host:port[/db] */
    unsigned connections; /* 4 is right (see shared figures in gateway/README.md) */
    unsigned timeout_ms;  /* a command older than this fails and its connection is dropped */
    void (*on_state)(void *arg, bool up); /* may be NULL: first connection up, last one down */
    /* May be NULL. A command was refused by what passes (OOM, READONLY, MISCONF, BUSY, ...); the
     * command's own answer follows. */
    void (*on_refused)(void *arg, const struct err *why);
    void *arg;
};

/* Starts connecting, and reconnects for ever (50 ms, doubling to 1 s). options are copied. NULL,
 * logged, when the url is not of a form above. */
struct redis *redis_create(const struct env *env, const struct redis_options *options);

/* Fails what waits with ERR_UNAVAILABLE (callbacks run before this returns), frees. The lanes are
 * destroyed first, by their owners. */
void redis_destroy(struct redis **r);

bool redis_is_up(const struct redis *r); /* at least one connection is ready */

/* Sends one command. args are copied. While no connection is up it fails at once (deferred, never
 * from inside this call). */
void redis_command(struct redis *r, const struct span *args, size_t nargs, redis_fn fn, void *arg);

/* A Lua script: EVALSHA, and EVAL once when the server does not know it yet. */
struct redis_script {
    const char *name;
    const char *body;
    char sha1[41]; /* filled by redis_script_init */
};
void redis_script_init(struct redis_script *s, const char *name, const char *body);
void redis_eval(struct redis *r, const struct redis_script *s, const struct span *keys,
    size_t nkeys, const struct span *args, size_t nargs, redis_fn fn, void *arg);

/* A connection of its own for commands that block (XREAD BLOCK) or subscribe. on_up is called at
 * each (re)connection: send the first command there. Same completion rules; no timeout but
 * block_ms + timeout_ms. */
struct redis_lane;
struct redis_lane *redis_lane_create(struct redis *r, void (*on_up)(void *arg), void *arg);
void redis_lane_destroy(struct redis_lane **lane);
void redis_lane_command(struct redis_lane *lane, const struct span *args, size_t nargs,
    unsigned block_ms, redis_fn fn, void *arg);
/* SUBSCRIBE: fn gets each message's payload until the lane is destroyed (again after reconnects;
 * what was published meanwhile is gone, by design of PUBLISH). */
void redis_lane_subscribe(struct redis_lane *lane, const char *channel,
    void (*fn)(void *arg, struct span payload), void *arg);

/* Looking into a reply. A part that is not there or of another type reads as nil, "", 0. */
enum redis_type redis_reply_type(const struct redis_reply *r);
struct span redis_reply_span(const struct redis_reply *r); /* string, status */
const char *redis_reply_str(const struct redis_reply *r);  /* NUL-terminated; "" for nil */
int64_t redis_reply_int(const struct redis_reply *r);      /* integer, or a string that is one */
/* A line "name:value" of INFO's text; "" when it is not there. The caller frees. */
char *redis_info(const char *info, const char *name);
size_t redis_reply_count(const struct redis_reply *r); /* elements of an array */
const struct redis_reply *redis_reply_at(const struct redis_reply *r, size_t i);

#endif
