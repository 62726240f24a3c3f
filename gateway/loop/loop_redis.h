/* loop_redis.h - one connection to Redis (hiredis) as a guest on the loop. It carries formatted
 * commands out and replies back in order; pools, timeouts and reconnecting are net/redis.c. */
#ifndef SB_LOOP_LOOP_REDIS_H
#define SB_LOOP_LOOP_REDIS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/span.h"
#include "loop/loop.h"

struct loop_redis;
struct redis_reply; /* hiredis's, seen through loop_reply_* */

struct loop_redis_peer {
    const char *path; /* a unix socket, or NULL: host and port */
    const char *host; /* a name is looked up in the thread pool */
    int port;
};

struct loop_redis_events {
    void (*on_open)(void *arg); /* commands may be sent from now on */
    /* The answer to the command sent with this tag; reply is NULL when the connection was lost
     * first. For a subscription the tag comes again with each message. */
    void (*on_reply)(void *arg, void *tag, const struct redis_reply *reply);
    /* Lost, or never opened; every on_reply came before. The connection is gone: only
     * loop_redis_close() is still to be called. */
    void (*on_lost)(void *arg, const char *why);
    void *arg;
};

/* Starts to connect; the events come from the loop, never from inside this call. */
struct loop_redis *loop_redis_open(
    struct loop *loop, const struct loop_redis_peer *peer, const struct loop_redis_events *events);

/* Cuts the connection. No event comes after, also not for commands still unanswered. Allowed
 * inside any event. Sets the pointer to NULL. */
void loop_redis_close(struct loop_redis **c);

/* Sends one command in wire form (copied), together with all others of this turn of the loop.
 * Returns its number, 1, 2, ...; 0 when the connection is not open: on_reply will not come. */
uint64_t loop_redis_send(struct loop_redis *c, struct span command, void *tag);

/* Bytes that wait for the end of this turn. */
size_t loop_redis_unsent(const struct loop_redis *c);

/* Commands up to this number may have reached the server. */
uint64_t loop_redis_tried(const struct loop_redis *c);

enum loop_reply_type {
    LOOP_REPLY_NIL,
    LOOP_REPLY_STRING,
    LOOP_REPLY_STATUS,
    LOOP_REPLY_INTEGER,
    LOOP_REPLY_ARRAY,
    LOOP_REPLY_ERROR
};
enum loop_reply_type loop_reply_type(const struct redis_reply *r); /* NULL reads as nil */
struct span loop_reply_span(const struct redis_reply *r); /* string, status, error; NUL-ended */
int64_t loop_reply_int(const struct redis_reply *r);
size_t loop_reply_count(const struct redis_reply *r);
const struct redis_reply *loop_reply_at(const struct redis_reply *r, size_t i);

#endif
