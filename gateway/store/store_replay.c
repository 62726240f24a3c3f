/* store_replay.c - what a screen missed while it was away: events after its cursors. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "store/store_feed.h"
#include "store/store_private.h"
#include "store/store_text.h"

struct replay {
    struct gather g;
    store_replay_fn fn;
    void *arg;
    char (*cursors)[STORE_CURSOR_SIZE];
    struct store_event *events;
    size_t n, max;
    int64_t events_max;
    bool *behind; /* by shard: the cursor is older than the oldest event */
    bool *cut;    /* by shard: the stream is so long that events have been cut off it */
    bool too_old;
};

enum { ASK_EVENTS, ASK_OLDEST, ASK_LENGTH, ASKS };

static bool is_older(const char *a, const char *b) {
    struct stream_id x, y;
    return stream_id_parse(span_str(a), &x) == 0 && stream_id_parse(span_str(b), &y) == 0 &&
           stream_id_compare(&x, &y) < 0;
}

static void on_replay_part(struct gather *g, size_t i, const struct redis_reply *r) {
    struct replay *rp = container_of(g, struct replay, g);
    size_t shard = i / ASKS;
    if (i % ASKS == ASK_OLDEST) {
        const char *oldest = redis_reply_str(redis_reply_at(redis_reply_at(r, 0), 0));
        rp->behind[shard] = is_older(rp->cursors[shard], oldest);
        return;
    }
    if (i % ASKS == ASK_LENGTH) {
        rp->cut[shard] = redis_reply_int(r) >= rp->events_max;
        return;
    }
    for (size_t k = 0; k < redis_reply_count(r); k++) {
        const struct redis_reply *one = redis_reply_at(r, k);
        struct store_event *e = &rp->events[rp->n];
        if (rp->n == rp->max) {
            rp->too_old = true; /* more than we may replay: reload instead */
            return;
        }
        if (store_event_parse(e, redis_reply_str(redis_reply_at(redis_reply_at(one, 1), 1))) < 0 ||
            e->kind == 'w')
            continue;
        e->shard = (unsigned)shard;
        snprintf(e->cursor, STORE_CURSOR_SIZE, "%s", redis_reply_str(redis_reply_at(one, 0)));
        rp->n++;
    }
}

static void replay_free(struct replay *rp) {
    free(rp->cursors);
    free(rp->events);
    free(rp->behind);
    free(rp->cut);
    free(rp);
}

static void replay_end(struct replay *rp, const struct err *err) {
    if (err)
        rp->fn(rp->arg, NULL, 0, false, err);
    else
        rp->fn(rp->arg, rp->events, rp->too_old ? 0 : rp->n, rp->too_old, NULL);
    replay_free(rp);
}

static void ends_done(struct gather *g) {
    struct replay *rp = container_of(g, struct replay, g);
    for (unsigned i = 0; i < g->store->shards; i++)
        if (rp->behind[i] && rp->cut[i])
            rp->too_old = true;
    replay_end(rp, g->err.code ? &g->err : NULL);
}

static void ask(struct replay *rp, unsigned shard, int what, const char *a1, const char *a2) {
    struct args a;
    char key[STORE_KEY_SIZE];
    args_init(&a);
    args_add(&a, what == ASK_LENGTH ? "XLEN" : "XRANGE");
    args_span(&a, store_key(key, shard, "events", NULL));
    if (what != ASK_LENGTH) {
        args_add(&a, a1);
        args_add(&a, "+");
        args_add(&a, "COUNT");
        args_add(&a, a2);
    }
    gather_command(&rp->g, shard * ASKS + (unsigned)what, &a);
}

/* Only when the events are here: what is cut off while they are read must be noticed. */
static void events_done(struct gather *g) {
    struct replay *rp = container_of(g, struct replay, g);
    if (g->err.code || rp->too_old) {
        replay_end(rp, g->err.code ? &g->err : NULL);
        return;
    }
    gather_begin(g, g->store, on_replay_part, ends_done);
    for (unsigned i = 0; i < g->store->shards; i++) {
        ask(rp, i, ASK_OLDEST, "-", "1");
        ask(rp, i, ASK_LENGTH, NULL, NULL);
    }
    gather_end(g);
}

void store_feed_replay(
    struct store *s, const char *cursors, size_t max, store_replay_fn fn, void *arg) {
    struct replay *rp = mem_zalloc(sizeof *rp);
    char after[STORE_CURSOR_SIZE + 1], count[24];
    rp->fn = fn;
    rp->arg = arg;
    rp->max = max;
    rp->cursors = mem_zalloc(s->shards * sizeof *rp->cursors);
    rp->events = mem_zalloc((max + 1) * sizeof *rp->events);
    rp->behind = mem_zalloc(s->shards * sizeof *rp->behind);
    rp->cut = mem_zalloc(s->shards * sizeof *rp->cut);
    rp->events_max = strtoll(s->events_max, NULL, 10);
    snprintf(count, sizeof count, "%zu", max + 1);
    gather_begin(&rp->g, s, on_replay_part, events_done);
    if (store_cursors_parse(cursors, store_epoch(s), s->shards, rp->cursors) < 0) {
        rp->too_old = true;
    } else {
        for (unsigned i = 0; i < s->shards; i++) {
            snprintf(after, sizeof after, "(%s", rp->cursors[i]);
            ask(rp, i, ASK_EVENTS, after, count);
        }
    }
    gather_end(&rp->g);
}
