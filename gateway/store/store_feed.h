/* store_feed.h - following the event streams of all shards, from now or from a place in the past.
 */
#ifndef SB_STORE_STORE_FEED_H
#define SB_STORE_STORE_FEED_H

#include "store/store.h"

#define STORE_SIGNS_SIZE 12
#define STORE_CURSOR_SIZE 32 /* a stream id: "1732368000123-0" */

/* One event as written; what it is about is loaded by store_feed_load. */
struct store_event {
    unsigned shard;
    char cursor[STORE_CURSOR_SIZE];
    char kind;                    /* m new message, s message changed, t thread, c client */
    char id[ID_SIZE];             /* thread, or client for c */
    int64_t seq;                  /* m, s */
    bool has_work;                /* m, s: something for a channel's queue */
    char signs[STORE_SIGNS_SIZE]; /* m: what rules may want of it (append.lua), "i" a client wrote;
                                     "" nothing */
    int64_t unwanted;             /* m: which rules want nothing of it; 0 none that are known */
    /* Loaded: full forms, NULL when not of the kind or gone. */
    json_t *message, *thread, *client;
};

struct store_feed;

/* events: a batch in order; the callee may keep nothing. more() must be called, now or later, to
 * get the next batch (so a slow reader slows the feed, not memory). restarted: what came before is
 * of other data, or lost: everybody must reload. */
struct store_feed_ops {
    void (*on_events)(void *arg, struct store_event *events, size_t n);
    void (*on_restart)(void *arg);
};
struct store_feed *store_feed_create(struct store *s, const struct store_feed_ops *ops, void *arg);
void store_feed_more(struct store_feed *f);
void store_feed_wake(struct store_feed *f); /* the store is up: no waiting for the next try */
void store_feed_destroy(struct store_feed **f);

/* How far the owner is (store_feed_more was called): "epoch;0:id,1:id,..."; "" before the start. */
const char *store_feed_cursors(struct store_feed *f);

/* Loads what the wanted events are about, all together; wanted[i] says which. */
typedef void (*store_loaded_fn)(void *arg, const struct err *err);
void store_feed_load(struct store *s, struct store_event *events, const bool *wanted, size_t n,
    store_loaded_fn fn, void *arg);
void store_events_free(struct store_event *events, size_t n); /* the loaded parts, not the array */

/* Events after the cursors, at most max. too_old: some are gone, or the data is another. */
typedef void (*store_replay_fn)(
    void *arg, struct store_event *events, size_t n, bool too_old, const struct err *err);
void store_feed_replay(
    struct store *s, const char *cursors, size_t max, store_replay_fn fn, void *arg);

#endif
