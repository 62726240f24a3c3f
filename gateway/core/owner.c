/* owner.c - which shards' deliveries this worker owns: leases, fair shares, and their queues. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "core/queue.h"

#define TICK_MS 100
#define POKE_MS 1000 /* queues are looked at so often even when no event told of anything */
#define DEPTH_MS 2000
#define CROWD 8    /* senders waiting for the store, on average of a tick; above, CRM writers ... */
#define GIVE_WAY 5 /* ... may begin so many deliveries a tick */
#define WORKERS_KEY "sb:workers"

struct shard {
    struct owner *owner;
    unsigned index;
    char token[STORE_TOKEN_SIZE]; /* "" not ours */
    uint64_t valid_until_ms;
    bool asking, leaving, poked;
    struct queue *queues; /* channels, then targets */
};

struct owner {
    struct core *core;
    char id[ID_SIZE];
    struct shard *shards;
    unsigned nshards;
    size_t nqueues; /* a shard */
    struct loop_timer *tick;
    uint64_t next_lease_ms, next_poke_ms, next_depth_ms;
    uint64_t waited_before_us;
    unsigned ticks, crm_allowed;
    unsigned seek_next, seek_left; /* the shard to ask for next; how many may still be asked for */
    int64_t workers;               /* alive, as last counted */
    loop_fn drained;
    void *drained_arg;
    bool stopped, poke_planned;
};

static unsigned held(const struct owner *o) {
    unsigned n = 0;
    for (unsigned i = 0; i < o->nshards; i++)
        n += o->shards[i].token[0] != '\0';
    return n;
}

static bool is_idle(const struct owner *o, const struct shard *sh) {
    for (size_t i = 0; i < o->nqueues; i++)
        if (!queue_is_idle(&sh->queues[i]))
            return false;
    return true;
}

static void lose(struct owner *o, struct shard *sh) {
    if (!sh->token[0])
        return;
    sh->token[0] = '\0';
    sh->leaving = false;
    for (size_t i = 0; i < o->nqueues; i++)
        queue_lose(&sh->queues[i]);
    metrics_set(o->core->env->metrics, M_LEASES, NULL, held(o));
}

/* --- leases ---------------------------------------------------------------------------------- */

static void seek(struct owner *o);

static void on_lease(void *arg, const char *token, const struct err *err) {
    struct shard *sh = arg;
    struct owner *o = sh->owner;
    sh->asking = false;
    if (err || o->stopped)
        return; /* valid_until_ms decides when a lease that cannot be renewed is given up */
    if (!token) {
        lose(o, sh);
        seek(o); /* another has it: is a different one free? */
        return;
    }
    sh->valid_until_ms = clock_mono_ms() + o->core->options.lease_ms * 3 / 4;
    if (strcmp(sh->token, token) == 0)
        return;
    lose(o, sh);
    snprintf(sh->token, sizeof sh->token, "%s", token);
    metrics_set(o->core->env->metrics, M_LEASES, NULL, held(o));
    for (size_t i = 0; i < o->nqueues; i++)
        queue_own(&sh->queues[i], sh->token);
}

static void ask(struct owner *o, struct shard *sh, unsigned ttl_ms) {
    if (sh->asking)
        return;
    sh->asking = true;
    store_lease(o->core->store, sh->index, o->id, ttl_ms, on_lease, sh);
}

/* Stops beginning, and gives the lease up once nothing is under way. */
static void leave(struct owner *o, struct shard *sh) {
    sh->leaving = true;
    if (!is_idle(o, sh) || sh->asking)
        return;
    lose(o, sh);
    ask(o, sh, 0);
}

static void on_workers(void *arg, const struct redis_reply *r, const struct err *err) {
    struct owner *o = arg;
    if (!err && redis_reply_type(r) == REDIS_INTEGER && redis_reply_int(r) > 0)
        o->workers = redis_reply_int(r);
}

static void on_ignored(void *arg, const struct redis_reply *r, const struct err *err) {
    (void)arg;
    (void)r;
    (void)err;
}

/* "I am alive until ..", and how many are. */
static void beat(struct owner *o) {
    char now[24], until[24];
    struct redis *redis = store_redis(o->core->store);
    snprintf(now, sizeof now, "%lld", (long long)clock_ms());
    snprintf(until, sizeof until, "%lld", (long long)(clock_ms() + o->core->options.lease_ms));
    struct span add[] = {span_str("ZADD"), span_str(WORKERS_KEY), span_str(until), span_str(o->id)};
    struct span drop[] = {
        span_str("ZREMRANGEBYSCORE"), span_str(WORKERS_KEY), span_str("-inf"), span_str(now)};
    struct span count[] = {span_str("ZCARD"), span_str(WORKERS_KEY)};
    redis_command(redis, add, ARRAY_LEN(add), on_ignored, NULL);
    redis_command(redis, drop, ARRAY_LEN(drop), on_ignored, NULL);
    redis_command(redis, count, ARRAY_LEN(count), on_workers, o);
}

static unsigned fair_share(const struct owner *o) {
    return (unsigned)((o->nshards + o->workers - 1) / o->workers);
}

/* Asks for as many shards as are missing to the fair share, each once a round: those that others
 * have are passed over, so that no free one stays unasked. */
static void seek(struct owner *o) {
    unsigned n = 0;
    if (o->core->draining)
        return;
    for (unsigned i = 0; i < o->nshards; i++)
        n += o->shards[i].token[0] || o->shards[i].asking;
    while (n < fair_share(o) && o->seek_left) {
        struct shard *sh = &o->shards[o->seek_next++ % o->nshards];
        o->seek_left--;
        if (sh->token[0] || sh->asking)
            continue;
        ask(o, sh, o->core->options.lease_ms);
        n++;
    }
}

static void tend_leases(struct owner *o) {
    unsigned ttl = o->core->options.lease_ms, n = held(o);
    beat(o);
    for (unsigned i = 0; i < o->nshards; i++) {
        struct shard *sh = &o->shards[i];
        if (sh->token[0] && (n > fair_share(o) || sh->leaving)) {
            leave(o, sh);
            n--;
        } else if (sh->token[0]) {
            ask(o, sh, ttl);
        }
    }
    o->seek_left = o->nshards;
    seek(o);
}

/* --- queues ---------------------------------------------------------------------------------- */

unsigned owner_crm_allowed(const struct core *core) {
    return core->owner->crm_allowed;
}

void owner_crm_began(struct core *core) {
    core->owner->crm_allowed--;
}

/* Each tick. Time waited in it by all, over its length, is how many waited at once. */
static void share_with_crm(struct owner *o) {
    uint64_t waited = o->core->waited_us - o->waited_before_us;
    o->waited_before_us = o->core->waited_us;
    o->crm_allowed = waited > CROWD * TICK_MS * 1000 ? GIVE_WAY : UINT_MAX;
}

static void poke_all(void *arg) {
    struct owner *o = arg;
    o->poke_planned = false;
    for (unsigned i = 0; i < o->nshards && !o->stopped; i++) {
        struct shard *sh = &o->shards[i];
        for (size_t k = 0; sh->poked && sh->token[0] && k < o->nqueues; k++)
            queue_poke(&sh->queues[k]);
        sh->poked = false;
    }
}

void owner_poke(struct core *core, unsigned shard) {
    struct owner *o = core->owner;
    if (!o || !o->shards[shard].token[0])
        return;
    o->shards[shard].poked = true;
    if (!o->poke_planned) {
        o->poke_planned = true;
        loop_defer(core->env->loop, poke_all, o);
    }
}

/* --- how long the queues are, for /metrics and the channels list ----------------------------- */

struct measure {
    struct core *core;
    struct channel *channel;
    char name[96];
};

static void on_depth(void *arg, int64_t n, int64_t oldest_ms, const struct err *err) {
    struct measure *m = arg;
    struct metrics *metrics = m->core->env->metrics;
    if (!err) {
        int64_t age = oldest_ms ? (clock_ms() - oldest_ms) / 1000 : 0;
        if (m->channel)
            m->channel->queued = n;
        if (m->core->owner && m->core->owner->shards[0].token[0]) {
            metrics_set(metrics, M_QUEUE_DEPTH, m->name, n);
            metrics_set(metrics, M_QUEUE_OLDEST, m->name, age > 0 ? age : 0);
        } else {
            metrics_set(metrics, M_QUEUE_DEPTH, m->name, 0);
            metrics_set(metrics, M_QUEUE_OLDEST, m->name, 0);
        }
    }
    free(m);
}

static void measure(struct owner *o) {
    for (size_t i = 0; i < o->nqueues; i++) {
        struct measure *m = mem_alloc(sizeof *m);
        *m = (struct measure){.core = o->core, .channel = o->shards[0].queues[i].channel};
        snprintf(m->name, sizeof m->name, "%s", o->shards[0].queues[i].name);
        store_queue_depth(o->core->store, m->name, on_depth, m);
    }
}

/* --- the tick -------------------------------------------------------------------------------- */

static void check_drained(struct owner *o) {
    bool busy = false;
    for (unsigned i = 0; i < o->nshards; i++) {
        if (o->shards[i].token[0])
            leave(o, &o->shards[i]);
        busy |= o->shards[i].token[0] || o->shards[i].asking;
    }
    if (!busy && o->drained) {
        loop_fn fn = o->drained;
        o->drained = NULL;
        fn(o->drained_arg);
    }
}

static void on_tick(void *arg) {
    struct owner *o = arg;
    uint64_t now = clock_mono_ms();
    share_with_crm(o);
    o->ticks++;
    for (unsigned i = 0; i < o->nshards; i++)
        if (o->shards[i].token[0] && now > o->shards[i].valid_until_ms)
            lose(o, &o->shards[i]);
    for (unsigned i = 0; i < o->nshards; i++) {
        struct shard *sh = &o->shards[(i + o->ticks) % o->nshards]; /* each is first in turn */
        for (size_t k = 0; sh->token[0] && k < o->nqueues; k++)
            queue_tick(&sh->queues[k]);
    }
    if (o->core->draining) {
        check_drained(o);
        return;
    }
    if (!store_is_up(o->core->store))
        return;
    if (now >= o->next_lease_ms) {
        o->next_lease_ms = now + o->core->options.lease_ms / 4;
        tend_leases(o);
    }
    if (now >= o->next_poke_ms) {
        o->next_poke_ms = now + POKE_MS;
        for (unsigned i = 0; i < o->nshards; i++)
            if (o->shards[i].token[0]) {
                o->shards[i].poked = true;
                store_wake(o->core->store, i);
            }
    }
    if (now >= o->next_depth_ms) {
        o->next_depth_ms = now + DEPTH_MS;
        measure(o);
    }
    poke_all(o);
}

static void init_queues(struct owner *o, struct shard *sh) {
    struct core *core = o->core;
    sh->queues = mem_zalloc((o->nqueues + 1) * sizeof *sh->queues);
    for (size_t i = 0; i < o->nqueues; i++) {
        struct queue *q = &sh->queues[i];
        if (i < core->nchannels) {
            queue_init(q, core, &channel_queue_kind, sh->index);
            q->channel = &core->channels[i];
            q->label = q->channel->connector->channel;
            snprintf(q->name, sizeof q->name, "out:%s", q->label);
        } else {
            queue_init(q, core, &crm_queue_kind, sh->index);
            q->crm = core->targets[i - core->nchannels];
            q->label = q->crm->target;
            snprintf(q->name, sizeof q->name, "crm:%s", q->label);
        }
    }
}

void owner_start(struct core *core) {
    struct owner *o = mem_zalloc(sizeof *o);
    o->core = core;
    o->workers = core->options.workers_hint ? core->options.workers_hint : 1;
    o->nshards = store_shards(core->store);
    o->nqueues = core->nchannels + core->ntargets;
    o->seek_next = core->options.index * 7;
    o->shards = mem_zalloc(o->nshards * sizeof *o->shards);
    id_make(0, o->id);
    for (unsigned i = 0; i < o->nshards; i++) {
        o->shards[i].owner = o;
        o->shards[i].index = i;
        init_queues(o, &o->shards[i]);
    }
    core->owner = o;
    o->tick = loop_timer_start(core->env->loop, TICK_MS, TICK_MS, on_tick, o);
}

void owner_drain(struct core *core, loop_fn fn, void *arg) {
    core->owner->drained = fn;
    core->owner->drained_arg = arg;
}

void owner_stop(struct core *core) {
    if (!core->owner)
        return;
    core->owner->stopped = true;
    loop_timer_stop(&core->owner->tick);
}

void owner_free(struct core *core) {
    struct owner *o = core->owner;
    if (!o)
        return;
    for (unsigned i = 0; i < o->nshards; i++) {
        for (size_t k = 0; k < o->nqueues; k++)
            queue_free(&o->shards[i].queues[k]);
        free(o->shards[i].queues);
    }
    free(o->shards);
    free(o);
    core->owner = NULL;
}
