/* store_feed.c - following the event streams of all shards. Looking back is in store_replay.c. */
#include "store/store_feed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"
#include "store/store_private.h"
#include "store/store_record.h"
#include "store/store_text.h"

#define BATCH 256
#define BLOCK_MS 1000
#define AGAIN_MS 200

struct store_feed {
    struct store *store;
    struct store_feed_ops ops;
    void *arg;
    struct redis_lane *lane;
    struct loop_timer *again;           /* a failed read is tried again */
    char (*cursors)[STORE_CURSOR_SIZE]; /* read up to here, by shard; "" not known yet */
    char (*done)[STORE_CURSOR_SIZE];    /* the owner is done up to here */
    char *epoch;                        /* the data that the cursors belong to */
    char *text;                         /* store_feed_cursors */
    bool reading;                       /* a read is on its way, or a batch is with the owner */
    bool lane_up;
    bool starting; /* the streams' ends are being asked for */
    bool ended;    /* destroyed while starting: freed when that is over */
};

static void feed_free(struct store_feed *f) {
    loop_timer_stop(&f->again);
    free(f->cursors);
    free(f->done);
    free(f->epoch);
    free(f->text);
    free(f);
}

/* --- reading on ------------------------------------------------------------------------------ */

static void read_on(struct store_feed *f);

static void on_again(void *arg) {
    struct store_feed *f = arg;
    loop_timer_stop(&f->again);
    f->reading = false;
    read_on(f);
}

static void read_later(struct store_feed *f) {
    if (!f->again)
        f->again = loop_timer_start(f->store->env->loop, AGAIN_MS, 0, on_again, f);
}

static void mark_done(struct store_feed *f) {
    memcpy(f->done, f->cursors, f->store->shards * sizeof *f->done);
}

/* Where the streams end now. */
struct start {
    struct gather g;
    struct store_feed *feed;
};

static void on_last(struct gather *g, size_t i, const struct redis_reply *r) {
    struct store_feed *f = container_of(g, struct start, g)->feed;
    const char *id = redis_reply_str(redis_reply_at(redis_reply_at(r, 0), 0));
    snprintf(f->cursors[i], STORE_CURSOR_SIZE, "%s", *id ? id : "0-0");
}

static void last_known(struct gather *g) {
    struct start *st = container_of(g, struct start, g);
    struct store_feed *f = st->feed;
    bool failed = g->err.code != ERR_NONE;
    free(st);
    f->starting = false;
    if (f->ended) {
        feed_free(f);
        return;
    }
    if (failed) {
        for (unsigned i = 0; i < f->store->shards; i++)
            f->cursors[i][0] = '\0';
        read_later(f);
        return;
    }
    free(f->epoch);
    f->epoch = mem_strdup(store_epoch(f->store));
    mark_done(f);
    if (f->ops.on_restart)
        f->ops.on_restart(f->arg);
    f->reading = false;
    read_on(f);
}

static void find_ends(struct store_feed *f) {
    struct start *st = mem_zalloc(sizeof *st);
    char key[STORE_KEY_SIZE];
    f->starting = true;
    st->feed = f;
    gather_begin(&st->g, f->store, on_last, last_known);
    for (unsigned i = 0; i < f->store->shards; i++) {
        struct args a;
        args_init(&a);
        args_add(&a, "XREVRANGE");
        args_span(&a, store_key(key, i, "events", NULL));
        args_add(&a, "+");
        args_add(&a, "-");
        args_add(&a, "COUNT");
        args_add(&a, "1");
        gather_command(&st->g, i, &a);
    }
    gather_end(&st->g);
}

/* Streams of one XREAD answer into events; the shard is in the key "sb:{s7}:events". */
static size_t collect(struct store_feed *f, const struct redis_reply *r, struct store_event *out) {
    size_t n = 0;
    for (size_t i = 0; i < redis_reply_count(r); i++) {
        const struct redis_reply *stream = redis_reply_at(r, i);
        const char *key = redis_reply_str(redis_reply_at(stream, 0));
        const struct redis_reply *entries = redis_reply_at(stream, 1);
        unsigned long shard = strlen(key) > 5 ? strtoul(key + 5, NULL, 10) : 0;
        if (shard >= f->store->shards)
            continue;
        for (size_t k = 0; k < redis_reply_count(entries); k++) {
            const struct redis_reply *one = redis_reply_at(entries, k);
            const char *id = redis_reply_str(redis_reply_at(one, 0));
            const char *text = redis_reply_str(redis_reply_at(redis_reply_at(one, 1), 1));
            snprintf(f->cursors[shard], STORE_CURSOR_SIZE, "%s", id);
            if (store_event_parse(&out[n], text) < 0)
                continue;
            out[n].shard = (unsigned)shard;
            snprintf(out[n].cursor, STORE_CURSOR_SIZE, "%s", id);
            n++;
        }
    }
    return n;
}

static size_t count_entries(const struct redis_reply *r) {
    size_t n = 0;
    for (size_t i = 0; i < redis_reply_count(r); i++)
        n += redis_reply_count(redis_reply_at(redis_reply_at(r, i), 1));
    return n;
}

static void on_read(void *arg, const struct redis_reply *r, const struct err *err) {
    struct store_feed *f = arg;
    if (err) {
        if (err->code != ERR_UNAVAILABLE && err->code != ERR_TIMEOUT)
            LOG_ERROR(f->store->env->log, "feed.read_failed", LOG_E(err));
        read_later(f);
        return;
    }
    struct store_event *events = mem_zalloc((count_entries(r) + 1) * sizeof *events);
    size_t n = collect(f, r, events);
    if (n == 0) {
        f->reading = false;
        read_on(f);
    } else {
        f->ops.on_events(f->arg, events, n); /* the owner calls store_feed_more() */
    }
    free(events);
}

static void read_on(struct store_feed *f) {
    struct args a;
    char(*keys)[STORE_KEY_SIZE];
    if (f->reading || !f->lane_up || !store_is_up(f->store)) {
        if (!f->reading)
            read_later(f);
        return;
    }
    f->reading = true;
    if (!f->cursors[0][0] || !f->epoch || strcmp(f->epoch, store_epoch(f->store)) != 0) {
        find_ends(f);
        return;
    }
    keys = mem_alloc(f->store->shards * sizeof *keys);
    args_init(&a);
    args_add(&a, "XREAD");
    args_add(&a, "COUNT");
    args_int(&a, BATCH);
    args_add(&a, "BLOCK");
    args_int(&a, BLOCK_MS);
    args_add(&a, "STREAMS");
    for (unsigned i = 0; i < f->store->shards; i++)
        args_span(&a, store_key(keys[i], i, "events", NULL));
    for (unsigned i = 0; i < f->store->shards; i++)
        args_add(&a, f->cursors[i]);
    redis_lane_command(f->lane, a.v, a.n, BLOCK_MS, on_read, f);
    free(keys);
}

static void on_lane_up(void *arg) {
    struct store_feed *f = arg;
    f->lane_up = true;
    read_on(f);
}

struct store_feed *store_feed_create(struct store *s, const struct store_feed_ops *ops, void *arg) {
    struct store_feed *f = mem_zalloc(sizeof *f);
    f->store = s;
    f->ops = *ops;
    f->arg = arg;
    f->cursors = mem_zalloc(s->shards * sizeof *f->cursors);
    f->done = mem_zalloc(s->shards * sizeof *f->done);
    f->lane = redis_lane_create(s->redis, on_lane_up, f);
    return f;
}

void store_feed_wake(struct store_feed *f) {
    if (f->again)
        on_again(f);
}

void store_feed_more(struct store_feed *f) {
    mark_done(f);
    f->reading = false;
    read_on(f);
}

void store_feed_destroy(struct store_feed **fp) {
    struct store_feed *f = *fp;
    if (!f)
        return;
    f->lane_up = false;
    f->reading = true; /* the last callback must not begin anew */
    f->ended = true;
    redis_lane_destroy(&f->lane);
    if (!f->starting)
        feed_free(f);
    *fp = NULL;
}

const char *store_feed_cursors(struct store_feed *f) {
    struct buf b;
    if (!f->epoch || !f->done[0][0])
        return "";
    buf_init(&b, 64 * 1024);
    buf_addf(&b, "%s;", f->epoch);
    for (unsigned i = 0; i < f->store->shards; i++)
        buf_addf(&b, "%s%u:%s", i ? "," : "", i, f->done[i]);
    free(f->text);
    f->text = buf_take(&b);
    return f->text;
}

/* --- loading what events are about ----------------------------------------------------------- */

struct load {
    struct gather g;
    struct store_event *events;
    size_t n;
    store_loaded_fn fn;
    void *arg;
};

enum { PART_THREAD, PART_RECORD, PART_CLIENT, PARTS };

static void on_part(struct gather *g, size_t i, const struct redis_reply *r) {
    struct store_event *e = &container_of(g, struct load, g)->events[i / PARTS];
    switch (i % PARTS) {
    case PART_THREAD:
        e->thread = thread_json(e->id, r);
        break;
    case PART_CLIENT:
        e->client = client_json(e->id, r);
        break;
    default:
        /* The client's id is the thread's, which may come later: load_done fills it in. */
        e->message = record_message(redis_reply_span(r), e->id, "", e->seq);
    }
}

static void load_done(struct gather *g) {
    struct load *l = container_of(g, struct load, g);
    for (size_t i = 0; i < l->n; i++) {
        struct store_event *e = &l->events[i];
        if (e->message && e->thread)
            json_object_set(
                e->message, "client", json_object_get(json_object_get(e->thread, "client"), "id"));
    }
    l->fn(l->arg, g->err.code ? &g->err : NULL);
    free(l);
}

static void load_one(struct load *l, size_t i) {
    struct store_event *e = &l->events[i];
    struct args a;
    char key[STORE_KEY_SIZE];
    args_init(&a);
    if (e->kind == 'c') {
        args_add(&a, "HGETALL");
        args_span(&a, store_key(key, e->shard, "client", e->id));
        gather_command(&l->g, i * PARTS + PART_CLIENT, &a);
        return;
    }
    args_add(&a, "HMGET");
    args_span(&a, store_key(key, e->shard, "thread", e->id));
    for (size_t f = 0; f < T_COUNT; f++)
        args_add(&a, thread_fields[f]);
    gather_command(&l->g, i * PARTS + PART_THREAD, &a);
    if (e->kind == 't')
        return;
    args_init(&a);
    args_add(&a, "HGET");
    args_span(&a, store_key(key, e->shard, "log", e->id));
    args_int(&a, e->seq);
    gather_command(&l->g, i * PARTS + PART_RECORD, &a);
}

void store_feed_load(struct store *s, struct store_event *events, const bool *wanted, size_t n,
    store_loaded_fn fn, void *arg) {
    struct load *l = mem_zalloc(sizeof *l);
    *l = (struct load){.events = events, .n = n, .fn = fn, .arg = arg};
    gather_begin(&l->g, s, on_part, load_done);
    for (size_t i = 0; i < n; i++)
        if (wanted[i])
            load_one(l, i);
    gather_end(&l->g);
}

void store_events_free(struct store_event *events, size_t n) {
    for (size_t i = 0; i < n; i++) {
        json_decref(events[i].message);
        json_decref(events[i].thread);
        json_decref(events[i].client);
    }
}
