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
#define NOTES_MS 500 /* how late a worker knows what another one learned of a channel */
#define CROWD 8    /* messages waiting to be stored, on average of a tick; above, CRM writers ... */
#define GIVE_WAY 5 /* ... may begin so many deliveries a tick */
#define SMOOTH 8   /* ticks */
/* A worker that ends waits so long for what channels have in hand (app.c waits twice as long). */
#define CANCEL_MS 4000

struct shard {
    struct owner *owner;
    unsigned index;
    char token[STORE_TOKEN_SIZE]; /* "" not ours */
    uint64_t valid_until_ms;
    bool asking, leaving, poked;
    bool look, looking; /* are there queues that we do not know of? */
    bool waking;
    int64_t due_ms;       /* when the next timer is due, wall clock; 0 not known */
    struct queue *queues; /* the targets', and of channels those that ever had work here */
};

struct owner {
    struct core *core;
    char id[ID_SIZE];
    struct shard *shards;
    unsigned nshards;
    struct loop_timer *tick;
    uint64_t next_lease_ms, next_poke_ms, next_depth_ms, next_notes_ms;
    uint64_t waited_before_us, waited_mean_us;
    unsigned ticks, crm_allowed;
    unsigned seek_next, seek_left; /* the shard to ask for next; how many may still be asked for */
    int64_t workers;               /* alive, as last counted */
    loop_fn drained;
    void *drained_arg;
    uint64_t cancel_at_ms; /* while it drains */
    bool stopped, poke_planned;
};

static unsigned held(const struct owner *o) {
    unsigned n = 0;
    for (unsigned i = 0; i < o->nshards; i++)
        n += o->shards[i].token[0] != '\0';
    return n;
}

static bool is_idle(const struct owner *o, const struct shard *sh) {
    if (!rules_is_idle(o->core, sh->index))
        return false;
    for (const struct queue *q = sh->queues; q; q = q->next)
        if (!queue_is_idle(q))
            return false;
    return true;
}

static void look(struct shard *sh);

/* The channels whose name falls to this shard are looked after by its owner. */
static void tend(struct owner *o, const struct shard *sh, bool mine) {
    for (size_t i = 0; i < o->core->nchannels; i++) {
        struct channel *ch = o->core->channels[i];
        struct connector *c = ch->connector;
        if (!c->ops->tend || ch->mine == mine ||
            id_hash_shard(c->channel, strlen(c->channel), o->nshards) != sh->index)
            continue;
        ch->mine = mine;
        c->ops->tend(c, mine);
    }
}

static void lose(struct owner *o, struct shard *sh) {
    if (!sh->token[0])
        return;
    sh->token[0] = '\0';
    sh->leaving = false;
    for (struct queue *q = sh->queues; q; q = q->next)
        queue_lose(q);
    rules_lose(o->core, sh->index);
    tend(o, sh, false);
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
    for (struct queue *q = sh->queues; q; q = q->next)
        queue_own(q, sh->token);
    look(sh);
    rules_own(o->core, sh->index, sh->token);
    tend(o, sh, true);
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

/* "Count on me no more": those who stay, or come, share what there is at once. */
static void part(struct owner *o) {
    struct span rem[] = {span_str("ZREM"), span_str(WORKERS_KEY), span_str(o->id)};
    redis_command(store_redis(o->core->store), rem, ARRAY_LEN(rem), on_ignored, NULL);
}

const char *owner_id(const struct core *core) {
    return core->owner->id;
}

const char *owner_token(const struct core *core, unsigned shard) {
    return core->owner->shards[shard].token;
}

bool owner_has_work(const struct core *core, const struct target *t) {
    for (unsigned i = 0; i < core->owner->nshards; i++)
        for (const struct queue *q = core->owner->shards[i].queues; q; q = q->next)
            if (q->kind == &crm_queue_kind && q->target == t && (q->nitems || q->lanes.n))
                return true;
    return false;
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

unsigned owner_held(const struct core *core) {
    return held(core->owner);
}

unsigned owner_crm_allowed(const struct core *core) {
    return core->owner->crm_allowed;
}

void owner_crm_began(struct core *core) {
    core->owner->crm_allowed--;
}

/* Each tick. Time waited in it by all, over its length, is how many waited at once. What waits is
 * counted when it is over, which may be many at once and none for some ticks: CRM writers come back
 * only when few waited for a while. */
static void share_with_crm(struct owner *o) {
    uint64_t waited = o->core->waited_us - o->waited_before_us;
    o->waited_before_us = o->core->waited_us;
    o->waited_mean_us = (o->waited_mean_us * (SMOOTH - 1) + waited) / SMOOTH;
    if (waited < o->waited_mean_us)
        waited = o->waited_mean_us;
    o->crm_allowed = waited > CROWD * TICK_MS * 1000 ? GIVE_WAY : UINT_MAX;
}

void owner_hurry(struct core *core, const struct target *t) {
    struct owner *o = core->owner;
    for (unsigned i = 0; o && i < o->nshards; i++)
        for (struct queue *q = o->shards[i].queues; q; q = q->next)
            if (q->target == t)
                queue_hurry(q);
}

static struct queue *find_queue(const struct shard *sh, const char *name) {
    for (struct queue *q = sh->queues; q; q = q->next)
        if (strcmp(q->name, name) == 0)
            return q;
    return NULL;
}

static struct queue *add_queue(
    struct shard *sh, const struct queue_kind *kind, const char *prefix, const char *label) {
    struct queue *q = mem_zalloc(sizeof *q);
    queue_init(q, sh->owner->core, kind, sh->index);
    q->label = label;
    snprintf(q->name, sizeof q->name, "%s%s", prefix, label);
    q->next = sh->queues;
    sh->queues = q;
    return q;
}

/* What comes from a CRM. */
static void discover_back(struct shard *sh, const char *name) {
    struct target *t = core_target(sh->owner->core, name + strlen("from:"));
    if (!t || !t->crm->ops->take || find_queue(sh, name))
        return;
    struct queue *q = add_queue(sh, &crm_back_kind, "from:", t->crm->target);
    q->target = t;
    queue_own(q, sh->token);
}

/* A channel's queue has work for the first time here. */
static void discover(struct shard *sh, const char *name) {
    if (strncmp(name, "from:", 5) == 0) {
        discover_back(sh, name);
        return;
    }
    struct channel *ch = strlen(name) > 4 ? core_channel(sh->owner->core, name + 4) : NULL;
    bool out = strncmp(name, "out:", 4) == 0;
    if (!ch || find_queue(sh, name) || (!out && strncmp(name, "get:", 4) != 0))
        return; /* of a channel that is not configured any more: it waits */
    struct queue *q = add_queue(sh, out ? &channel_queue_kind : &fetch_queue_kind,
        out ? "out:" : "get:", ch->connector->channel);
    q->channel = ch;
    queue_own(q, sh->token);
}

static void on_queues(
    void *arg, const struct store_queue_info *queues, size_t n, const struct err *err) {
    struct shard *sh = arg;
    sh->looking = false;
    if (err || !sh->token[0] || sh->owner->stopped)
        return; /* the next poke looks again */
    for (size_t i = 0; i < n; i++)
        discover(sh, queues[i].name);
    if (sh->look)
        look(sh);
}

static void look(struct shard *sh) {
    sh->look = sh->looking;
    if (sh->looking || !store_is_up(sh->owner->core->store))
        return;
    sh->looking = true;
    store_queues(sh->owner->core->store, sh->index, on_queues, sh);
}

static void poke_all(void *arg) {
    struct owner *o = arg;
    o->poke_planned = false;
    for (unsigned i = 0; i < o->nshards && !o->stopped; i++) {
        struct shard *sh = &o->shards[i];
        for (struct queue *q = sh->queues; sh->poked && sh->token[0] && q; q = q->next)
            queue_poke(q);
        if (sh->poked && sh->token[0] && sh->look)
            look(sh);
        if (sh->poked && sh->token[0] && !sh->leaving)
            rules_poke(o->core, i);
        sh->poked = false;
    }
}

void owner_poke(struct core *core, unsigned shard, bool channel_work) {
    struct owner *o = core->owner;
    if (!o || !o->shards[shard].token[0])
        return;
    o->shards[shard].poked = true;
    o->shards[shard].look = o->shards[shard].look || channel_work;
    if (!o->poke_planned) {
        o->poke_planned = true;
        loop_defer(core->env->loop, poke_all, o);
    }
}

/* --- how long the queues are, for /metrics and the channels list ----------------------------- */

struct depth {
    int64_t n, oldest_ms;
};

/* One look at all shards. The worker who owns the first shard shows the sums. */
struct measuring {
    struct core *core;
    struct depth *depths; /* by channel: what is to be sent, what is to be fetched; then by CRM:
                             what came from it */
    unsigned waiting;
};

struct target_depth {
    struct core *core;
    char name[96];
};

static void show_depth(struct core *core, const char *name, const struct depth *d) {
    struct metrics *m = core->env->metrics;
    bool show = core->owner && core->owner->shards[0].token[0];
    int64_t age = d->oldest_ms ? (clock_ms() - d->oldest_ms) / 1000 : 0;
    metrics_set(m, M_QUEUE_DEPTH, name, show ? d->n : 0);
    metrics_set(m, M_QUEUE_OLDEST, name, show && age > 0 ? age : 0);
}

static void on_target_depth(void *arg, int64_t n, int64_t oldest_ms, const struct err *err) {
    struct target_depth *t = arg;
    struct depth d = {n, oldest_ms};
    if (!err)
        show_depth(t->core, t->name, &d);
    free(t);
}

static void measured(struct measuring *m) {
    char name[96];
    for (size_t i = 0; i < m->core->nchannels; i++) {
        struct channel *ch = m->core->channels[i];
        for (int k = 0; k < 2; k++) {
            const struct depth *d = &m->depths[i * 2 + (size_t)k];
            snprintf(name, sizeof name, "%s%s", k ? "get:" : "out:", ch->connector->channel);
            if (d->n || ch->shown[k])
                show_depth(m->core, name, d);
            ch->shown[k] = d->n != 0;
        }
        ch->queued = m->depths[i * 2].n;
    }
    for (size_t i = 0; i < m->core->ntargets; i++) {
        struct crm *c = m->core->targets[i].crm;
        snprintf(name, sizeof name, "from:%s", c->target);
        if (c->ops->take)
            show_depth(m->core, name, &m->depths[m->core->nchannels * 2 + i]);
    }
    free(m->depths);
    free(m);
}

static struct depth *depth_of(struct measuring *m, const char *queue) {
    struct core *core = m->core;
    if (strncmp(queue, "from:", 5) == 0) {
        const struct target *t = core_target(core, queue + 5);
        return t ? &m->depths[core->nchannels * 2 + (size_t)(t - core->targets)] : NULL;
    }
    const struct channel *ch = strlen(queue) > 4 ? core_channel(core, queue + 4) : NULL;
    return ch ? &m->depths[ch->index * 2 + (queue[0] == 'g')] : NULL;
}

static void on_shard_depths(
    void *arg, const struct store_queue_info *queues, size_t n, const struct err *err) {
    struct measuring *m = arg;
    for (size_t i = 0; !err && i < n; i++) {
        struct depth *d = depth_of(m, queues[i].name);
        if (!d)
            continue;
        d->n += queues[i].n;
        if (!d->oldest_ms || queues[i].oldest_ms < d->oldest_ms)
            d->oldest_ms = queues[i].oldest_ms;
    }
    if (--m->waiting == 0)
        measured(m);
}

static void measure(struct owner *o) {
    struct core *core = o->core;
    struct measuring *m = mem_alloc(sizeof *m);
    *m = (struct measuring){.core = core, .waiting = o->nshards};
    m->depths = mem_zalloc((core->nchannels * 2 + core->ntargets + 1) * sizeof *m->depths);
    for (unsigned i = 0; i < o->nshards; i++)
        store_queues(core->store, i, on_shard_depths, m);
    for (size_t i = 0; i < core->ntargets; i++) {
        struct target_depth *t = mem_alloc(sizeof *t);
        t->core = core;
        snprintf(t->name, sizeof t->name, "crm:%s", core->targets[i].crm->target);
        store_queue_depth(core->store, t->name, on_target_depth, t);
    }
}

static double share_of(const struct core *core) {
    const struct owner *o = core ? core->owner : NULL;
    return o ? (double)held(o) / o->nshards : 0;
}

double connector_share(const struct connector *c) {
    return share_of(c->core);
}

double crm_share(const struct crm *c) {
    return c->core ? share_of(c->core) : CRM_COMMAND_SHARE;
}

/* --- the tick -------------------------------------------------------------------------------- */

static void cancel(struct owner *o) {
    o->cancel_at_ms = UINT64_MAX; /* once */
    for (unsigned i = 0; i < o->nshards; i++)
        for (struct queue *q = o->shards[i].queues; q; q = q->next)
            queue_cancel(q);
}

static void check_drained(struct owner *o) {
    bool busy = false;
    if (clock_mono_ms() > o->cancel_at_ms)
        cancel(o);
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

static void on_woken(void *arg, int64_t next_ms) {
    struct shard *sh = arg;
    sh->waking = false;
    sh->due_ms = next_ms;
}

static void wake(struct owner *o, struct shard *sh) {
    if (sh->waking)
        return;
    sh->waking = true;
    sh->due_ms = 0;
    store_wake(o->core->store, sh->index, sh->token, on_woken, sh);
}

/* Timers are of the wall clock, which may jump: besides, it is looked once a second. */
static void wake_due(struct owner *o) {
    int64_t now = clock_ms();
    for (unsigned i = 0; i < o->nshards; i++)
        if (o->shards[i].token[0] && o->shards[i].due_ms && o->shards[i].due_ms <= now)
            wake(o, &o->shards[i]);
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
        for (struct queue *q = sh->queues; sh->token[0] && q; q = q->next)
            queue_tick(q);
        if (sh->token[0] && !sh->leaving)
            rules_look(o->core, sh->index);
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
                o->shards[i].poked = o->shards[i].look = true;
                wake(o, &o->shards[i]);
            }
        if (o->shards[0].token[0])
            days_tick(o->core);
    }
    wake_due(o);
    if (now >= o->next_notes_ms) {
        o->next_notes_ms = now + NOTES_MS;
        notes_read(o->core);
        crm_news_read(o->core);
    }
    targets_tick(o->core);
    rules_tick(o->core);
    system_tick(o->core, TICK_MS);
    if (now >= o->next_depth_ms) {
        o->next_depth_ms = now + DEPTH_MS;
        measure(o);
    }
    poke_all(o);
}

void owner_start(struct core *core) {
    struct owner *o = mem_zalloc(sizeof *o);
    o->core = core;
    o->workers = core->options.workers_hint ? core->options.workers_hint : 1;
    o->nshards = store_shards(core->store);
    o->seek_next = core->options.index * 7;
    o->shards = mem_zalloc(o->nshards * sizeof *o->shards);
    id_make(0, o->id);
    for (unsigned i = 0; i < o->nshards; i++) {
        o->shards[i].owner = o;
        o->shards[i].index = i;
        for (size_t k = 0; k < core->ntargets; k++)
            add_queue(&o->shards[i], &crm_queue_kind, "crm:", core->targets[k].crm->target)
                ->target = &core->targets[k];
    }
    core->owner = o;
    o->tick = loop_timer_start(core->env->loop, TICK_MS, TICK_MS, on_tick, o);
}

void owner_drain(struct core *core, loop_fn fn, void *arg) {
    core->owner->drained = fn;
    core->owner->drained_arg = arg;
    core->owner->cancel_at_ms = clock_mono_ms() + CANCEL_MS;
    part(core->owner);
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
        for (struct queue *q = o->shards[i].queues, *next; q; q = next) {
            next = q->next;
            queue_free(q);
            free(q);
        }
    }
    free(o->shards);
    free(o);
    core->owner = NULL;
}
