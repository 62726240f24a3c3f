/* feed.c - follows the store's events and gives them, loaded, to the sinks; replays what a screen
 * missed; notes in trails what was pushed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "core/core_private.h"

#define PUSHED_MS 200

void feed_publish(struct core *core, const struct feed_event *e) {
    for (struct sink *s = core->sinks, *next; s; s = next) {
        next = s->next;
        s->on_event(s, e);
    }
}

/* Fills e from a loaded event; false when there is nothing to show (trimmed meanwhile). */
static bool to_feed_event(const struct store_event *in, char *cursor, struct feed_event *e) {
    snprintf(cursor, STORE_CURSOR_SIZE + 8, "%u:%s", in->shard, in->cursor);
    *e = (struct feed_event){.cursor = cursor,
        .thread_id = in->kind == 'c' ? "" : in->id,
        .seq = in->seq,
        .message = in->message,
        .thread = in->thread,
        .client = in->client,
        .written_us = (uint64_t)strtoull(in->cursor, NULL, 10) * 1000};
    switch (in->kind) {
    case 'm':
        e->kind = FEED_MESSAGE;
        return in->message && in->thread;
    case 's':
        e->kind = FEED_STATUS;
        return in->message && in->thread;
    case 't':
        e->kind = FEED_THREAD;
        return in->thread != NULL;
    default:
        e->kind = FEED_CLIENT;
        return in->client != NULL;
    }
}

/* --- now ------------------------------------------------------------------------------------- */

struct batch {
    struct core *core;
    struct store_event *events;
    bool *wanted;
    size_t n;
};

static void batch_free(struct batch *b) {
    store_events_free(b->events, b->n);
    free(b->events);
    free(b->wanted);
    free(b);
}

static void on_loaded(void *arg, const struct err *err) {
    struct batch *b = arg;
    struct core *core = b->core;
    char cursor[STORE_CURSOR_SIZE + 8];
    core->feed_busy = false;
    if (err && err->code != ERR_UNAVAILABLE)
        LOG_WARN(core->env->log, "feed.load_failed", LOG_E(err));
    if (err && !core->feed_ended) {
        /* The screens would miss these: tell them to reload once the store is back. */
        for (struct sink *s = core->sinks; s; s = s->next)
            if (s->on_restart)
                s->on_restart(s);
    }
    for (size_t i = 0; !err && !core->feed_ended && i < b->n; i++) {
        struct feed_event e;
        if (b->wanted[i] && to_feed_event(&b->events[i], cursor, &e))
            feed_publish(core, &e);
    }
    batch_free(b);
    if (core->feed)
        store_feed_more(core->feed);
}

static bool is_wanted(const struct core *core, const struct store_event *e) {
    for (const struct sink *s = core->sinks; s; s = s->next)
        if (!s->wants || s->wants((struct sink *)s, e->kind == 'c' ? "" : e->id))
            return true;
    return false;
}

static void on_events(void *arg, struct store_event *events, size_t n) {
    struct core *core = arg;
    bool any = false;
    struct batch *b = mem_zalloc(sizeof *b);
    b->core = core;
    b->n = n;
    b->events = mem_alloc(n * sizeof *events);
    b->wanted = mem_zalloc(n * sizeof *b->wanted);
    memcpy(b->events, events, n * sizeof *events);
    for (size_t i = 0; i < n; i++) {
        any |= b->wanted[i] = events[i].kind != 'w' && is_wanted(core, &events[i]);
        if (events[i].kind == 'm' || events[i].kind == 'c' || events[i].has_work)
            owner_poke(core, events[i].shard, events[i].has_work);
    }
    if (!any) {
        batch_free(b);
        store_feed_more(core->feed);
        return;
    }
    core->feed_busy = true;
    store_feed_load(core->store, b->events, b->wanted, n, on_loaded, b);
}

static void on_restart(void *arg) {
    struct core *core = arg;
    for (struct sink *s = core->sinks; s; s = s->next)
        if (s->on_restart)
            s->on_restart(s);
}

void feed_start(struct core *core) {
    static const struct store_feed_ops ops = {on_events, on_restart};
    core->feed = store_feed_create(core->store, &ops, core);
}

void feed_stop(struct core *core) {
    core->feed_ended = true;
    store_feed_destroy(&core->feed);
    loop_timer_stop(&core->pushed_timer);
}

const char *core_cursors(struct core *core) {
    return core->feed ? store_feed_cursors(core->feed) : "";
}

/* --- what was missed ------------------------------------------------------------------------- */

struct replaying {
    struct core *core;
    void (*on_event)(void *arg, const struct feed_event *e);
    core_replay_fn fn;
    void *arg;
    struct store_event *events;
    bool *wanted;
    size_t n;
    char *cursors; /* where the stream was when the replay was asked for */
};

static void replay_end(struct replaying *r, bool too_old, const struct err *err) {
    r->fn(r->arg, r->cursors, too_old, err);
    if (r->events)
        store_events_free(r->events, r->n);
    free(r->events);
    free(r->wanted);
    free(r->cursors);
    free(r);
}

static void on_replay_loaded(void *arg, const struct err *err) {
    struct replaying *r = arg;
    char cursor[STORE_CURSOR_SIZE + 8];
    for (size_t i = 0; !err && i < r->n; i++) {
        struct feed_event e;
        if (to_feed_event(&r->events[i], cursor, &e))
            r->on_event(r->arg, &e);
    }
    replay_end(r, false, err);
}

static void on_replay(
    void *arg, struct store_event *events, size_t n, bool too_old, const struct err *err) {
    struct replaying *r = arg;
    if (err || too_old || n == 0) {
        replay_end(r, too_old, err);
        return;
    }
    r->n = n;
    r->events = mem_alloc(n * sizeof *events);
    r->wanted = mem_alloc(n * sizeof *r->wanted);
    memcpy(r->events, events, n * sizeof *events);
    memset(r->wanted, true, n * sizeof *r->wanted);
    store_feed_load(r->core->store, r->events, r->wanted, n, on_replay_loaded, r);
}

void core_replay(struct core *core, const char *cursors, unsigned max,
    void (*on_event)(void *arg, const struct feed_event *e), core_replay_fn fn, void *arg) {
    struct replaying *r = mem_zalloc(sizeof *r);
    r->core = core;
    r->on_event = on_event;
    r->fn = fn;
    r->arg = arg;
    r->cursors = mem_strdup(core_cursors(core));
    store_feed_replay(core->store, cursors, max, on_replay, r);
}

/* --- "pushed" -------------------------------------------------------------------------------- */

static void flush_pushed(void *arg) {
    struct core *core = arg;
    loop_timer_stop(&core->pushed_timer);
    if (core->npushed)
        store_trail_add(core->store, core->pushed, core->npushed, NULL, NULL);
    core->npushed = 0;
}

void core_pushed(struct core *core, const char *thread, int64_t seq) {
    if (core->feed_ended)
        return;
    if (core->npushed == PUSHED_BATCH)
        flush_pushed(core);
    size_t i = core->npushed++;
    memcpy(core->pushed_threads[i], thread, ID_SIZE);
    core->pushed[i] = (struct store_trail){.at_ms = clock_ms(),
        .thread = core->pushed_threads[i],
        .seq = seq,
        .what = "pushed",
        .detail = ""};
    if (!core->pushed_timer)
        core->pushed_timer = loop_timer_start(core->env->loop, PUSHED_MS, 0, flush_pushed, core);
}
