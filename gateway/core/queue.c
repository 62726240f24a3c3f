/* queue.c - the window on a queue's stream: order per thread, retries, writing outcomes. */
#include "core/queue.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"

#define RETRY_MIN_MS 1000
#define RETRY_MAX_MS 300000
#define RETRY_TOLD_MAX_MS 86400000u /* whoever names a later time does not mean it */
#define BACKLOG 8                   /* so many deliveries of one queue and shard are one */
#define RESTS_FACTOR 2              /* so many windows of jobs for recipients */
/* So many windows of lanes the last owner may have begun: its window, a page beyond it, half a
 * window of picked ones, and what a few owners before it left. */
#define UNSURE_FACTOR 5
#define HORIZON_MS (5LL * 24 * 3600 * 1000)

static void flush(void *arg);
static void plan_flush(struct queue *q);

void queue_init(struct queue *q, struct core *core, const struct queue_kind *kind, unsigned shard) {
    q->core = core;
    q->kind = kind;
    q->shard = shard;
    q->tail = &q->items;
}

static void item_free(struct item *it) {
    json_decref(it->loaded);
    free(it->external_id);
    free(it->reply_to);
    free(it->card);
    free(it);
}

/* Recipients may wait for days, which must not fill the window: what comes after them goes on. */
bool queue_is_full(const struct queue *q) {
    unsigned window = q->core->options.delivery_window;
    return q->nitems - q->nrests - q->npicked >= window ||
           q->nrests >= (size_t)window * RESTS_FACTOR || q->lanes.nids >= QUEUE_LEFT_MAX;
}

/* --- taking items in ------------------------------------------------------------------------- */

struct item *queue_take(struct queue *q, const struct store_entry *e, bool picked) {
    struct item *it = mem_zalloc(sizeof *it);
    it->queue = q;
    it->entry = *e;
    it->not_before_ms = e->not_before_ms;
    it->queued_ms = strtoll(e->id, NULL, 10);
    it->picked = picked;
    it->is_rest = strcmp(e->op, QUEUE_REST) == 0;
    q->stirred = true;
    *q->tail = it;
    q->tail = &it->next;
    q->nitems++;
    if (picked)
        q->npicked++;
    else
        q->nrests += it->is_rest;
    struct lane_key key = queue_key(e);
    it->lane = lanes_find(&q->lanes, &key);
    if (it->lane)
        it->lane->in_hand++;
    return it;
}

/* The first of its lane, and never put off: the last owner may have begun it. That one had no more
 * of them than nunsure; of those that were put off the attempts tell. */
static bool is_unsure(struct queue *q, const struct store_entry *e) {
    struct lane_key key = queue_key(e);
    if (!q->nunsure || lanes_find(&q->seen, &key))
        return false;
    lanes_add(&q->seen, &key);
    q->nunsure -= e->attempts == 0;
    return e->attempts == 0;
}

static void on_entries(
    void *arg, const struct store_entry *entries, size_t n, const struct err *err) {
    struct queue *q = arg;
    q->reading = false;
    if (err || !q->token)
        return; /* the next poke reads again */
    if (q->read_era != q->era) {
        queue_poke(q);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        memcpy(q->cursor, entries[i].id, sizeof q->cursor);
        bool unsure = is_unsure(q, &entries[i]);
        if (!queue_left(q, &entries[i]))
            queue_take(q, &entries[i], false)->unsure = unsure;
    }
    if (n >= q->core->options.delivery_window / 2)
        q->more = true;
    else
        q->nunsure = 0; /* what comes from now on is our own */
    if (!q->nunsure)
        lanes_clear(&q->seen);
    queue_run(q);
    if (q->more)
        queue_poke(q);
}

void queue_poke(struct queue *q) {
    unsigned window = q->core->options.delivery_window;
    if (!q->token || !store_is_up(q->core->store))
        return;
    if (q->reading || queue_is_full(q) ||
        (q->kind == &crm_queue_kind && !owner_crm_allowed(q->core))) {
        q->more = true;
        return;
    }
    q->more = false;
    q->reading = true;
    q->read_era = q->era;
    store_queue_read(q->core->store, q->shard, q->name, q->cursor, window / 2, on_entries, q);
}

/* --- starting them --------------------------------------------------------------------------- */

/* Single recipients of a message may wait for days: nothing else waits for them, nor do they for
 * more than their own message. */
static bool is_behind(const struct item *it) {
    for (const struct item *i = it->queue->items; i != it; i = i->next)
        if (queue_same_lane(i, it) && !i->is_rest &&
            (!it->is_rest || i->entry.seq == it->entry.seq))
            return true;
    return false;
}

/* What failed before leaves room for what did not: each attempt may take as long as the server
 * lets us wait. */
static bool is_its_turn(const struct item *it, int64_t now, unsigned in_flight) {
    return it->state == ITEM_WAITING && it->not_before_ms <= now &&
           (it->entry.attempts == 0 || it->queue->busy_again < in_flight / 2) && !is_behind(it);
}

static void start(struct item *it) {
    struct queue *q = it->queue;
    it->state = ITEM_BUSY;
    it->is_again = it->entry.attempts > 0;
    it->tried = true;
    it->entry.attempts++;
    q->busy++;
    q->busy_again += it->is_again;
    if (it->entry.kind == '?')
        queue_end(it, "dropped", "");
    else
        q->kind->start(it);
}

static void run(struct queue *q, bool fresh_only) {
    int64_t now = clock_ms();
    unsigned max = q->kind->in_flight ? q->kind->in_flight(q) : q->kind->in_flight_max;
    for (struct item *it = q->items; it && q->busy < max; it = it->next) {
        if ((fresh_only && it->entry.attempts > 0) || !is_its_turn(it, now, max))
            continue;
        if (it->entry.kind != '?' && q->kind->may_start && !q->kind->may_start(q))
            break;
        start(it);
    }
}

static void on_way_given(void *arg) {
    struct queue *q = arg;
    loop_timer_stop(&q->way);
    q->gave_way = true;
    plan_flush(q);
}

/* Who writes to us waits for his answer, whichever worker took it; in Redis's turn, and in ours,
 * what begins now would stand before that, and it may have waited for hours. */
static bool gives_way(struct queue *q) {
    if (!q->kind->give_way_ms || q->way)
        return q->way != NULL;
    if (!q->gave_way && q->nitems >= BACKLOG && !q->core->draining &&
        metrics_all(q->core->env->metrics, M_STORING) > 0)
        q->way = loop_timer_start(q->core->env->loop, q->kind->give_way_ms, 0, on_way_given, q);
    return q->way != NULL;
}

void queue_run(struct queue *q) {
    if (!q->token || q->core->draining || !store_is_up(q->core->store) || gives_way(q))
        return;
    run(q, q->kind->health && q->kind->health(q) == QUEUE_ASKS_NEW);
}

/* --- ending them ----------------------------------------------------------------------------- */

static void plan_flush(struct queue *q) {
    if (q->flush_planned || q->flushing || q->core->stopped)
        return;
    q->flush_planned = true;
    loop_defer(q->core->env->loop, flush, q);
}

static const char *result_of(const char *word) {
    static const struct {
        const char *word, *result;
    } results[] = {{"sent", "ok"}, {"attached", "ok"}, {"left_out", "ok"}, {"done", "ok"},
        {"retry", "retry"}, {"failed", "rejected"}, {"unknown", "unknown"}};
    for (size_t i = 0; i < ARRAY_LEN(results); i++)
        if (strcmp(results[i].word, word) == 0)
            return results[i].result;
    return "cancelled";
}

void queue_end(struct item *it, const char *word, const char *detail) {
    struct queue *q = it->queue;
    struct metrics *m = q->core->env->metrics;
    char label[100];
    it->state = ITEM_ENDED;
    q->nended++;
    it->word = word;
    snprintf(it->detail, sizeof it->detail, "%s", detail);
    it->status_event = q->channel != NULL && strcmp(word, "dropped") != 0;
    q->busy--;
    q->busy_again -= it->is_again;
    if (strcmp(word, "retry") != 0)
        q->went_ms = clock_ms();
    snprintf(label, sizeof label, "%s|%s", q->label, result_of(word));
    metrics_add(m, M_DELIVERED, label, 1);
    if (it->dead)
        metrics_add(m, M_DEAD, q->label, 1);
    if (strcmp(word, "retry") != 0 && clock_ms() >= it->queued_ms)
        metrics_observe_us(
            m, M_DELIVERY_SECONDS, q->label, (uint64_t)(clock_ms() - it->queued_ms) * 1000);
    plan_flush(q);
}

void queue_reject(struct item *it, const struct err *err) {
    char detail[400];
    store_trail_detail(detail, sizeof detail, err);
    it->dead = it->queue->kind != &fetch_queue_kind && !it->entry.op[0];
    LOG_WARN(it->queue->core->env->log, it->dead ? "delivery.dead" : "delivery.refused",
        LOG_S("queue", it->queue->name), LOG_S("thread", it->entry.subject),
        LOG_I("seq", it->entry.seq), LOG_E(err));
    queue_end(it, "failed", detail);
}

void queue_put_off(struct item *it, unsigned ms) {
    it->state = ITEM_WAITING;
    it->not_before_ms = clock_ms() + ms;
    it->queue->stirred = true;
    it->entry.attempts--;
    it->queue->busy--;
    it->queue->busy_again -= it->is_again;
    json_decref(it->loaded);
    it->loaded = NULL;
}

void queue_retry(struct item *it, unsigned retry_ms, const struct err *err) {
    char detail[400];
    unsigned step = it->entry.attempts < 10 ? it->entry.attempts : 10;
    int64_t limit = (int64_t)RETRY_MIN_MS << step;
    if (clock_ms() - it->queued_ms > HORIZON_MS) {
        queue_reject(it, err);
        return;
    }
    if (limit > RETRY_MAX_MS)
        limit = RETRY_MAX_MS;
    int64_t wait = RETRY_MIN_MS + (int64_t)randombytes_uniform((uint32_t)limit);
    retry_ms = retry_ms < RETRY_TOLD_MAX_MS ? retry_ms : RETRY_TOLD_MAX_MS;
    if (wait < (int64_t)retry_ms)
        wait = retry_ms;
    it->not_before_ms = clock_ms() + wait;
    store_trail_detail(detail, sizeof detail, err);
    LOG_INFO(it->queue->core->env->log, "delivery.retry", LOG_S("queue", it->queue->name),
        LOG_S("thread", it->entry.subject), LOG_I("seq", it->entry.seq),
        LOG_I("attempt", it->entry.attempts), LOG_I("in_ms", wait), LOG_E(err));
    queue_end(it, "retry", detail);
}

/* --- writing outcomes ------------------------------------------------------------------------ */

void queue_remove(struct queue *q, struct item **at) {
    struct item *it = *at;
    *at = it->next;
    if (q->tail == &it->next)
        q->tail = at;
    q->nitems--;
    q->nended -= it->state == ITEM_ENDED;
    if (it->picked)
        q->npicked--;
    else
        q->nrests -= it->is_rest;
    if (it->lane)
        queue_lane_less(q, it->lane);
    item_free(it);
}

/* What was written is over: gone, or waiting for its next attempt. */
static void settle(struct queue *q) {
    for (struct item **at = &q->items; *at && q->nflushing;) {
        struct item *it = *at;
        if (!it->flushing) {
            at = &it->next;
            continue;
        }
        it->flushing = false;
        q->nflushing--;
        if (strcmp(it->word, "retry") == 0) {
            it->state = ITEM_WAITING;
            q->nended--;
            q->stirred = true;
            json_decref(it->loaded);
            it->loaded = NULL;
            at = &it->next;
        } else {
            queue_remove(q, at);
        }
    }
}

static void forget_waiting(struct queue *q) {
    for (struct item *it = q->items; it; it = it->next)
        it->lane = NULL;
    lanes_clear(&q->lanes);
    lanes_clear(&q->seen);
    for (struct item **at = &q->items; *at;) {
        if ((*at)->state == ITEM_BUSY)
            at = &(*at)->next;
        else
            queue_remove(q, at);
    }
    q->nflushing = 0;
    q->era++;
    q->cursor[0] = '\0';
    q->more = false;
}

static void on_flushed(void *arg, const char *word, const struct err *err) {
    struct queue *q = arg;
    q->flushing = false;
    if (!q->token) {
        forget_waiting(q);
        return;
    }
    if (q->flush_era != q->era) { /* of an earlier time as the owner: nothing here is of it */
        plan_flush(q);
        return;
    }
    if (err) {
        /* Nothing is lost: the outcomes stay here and are written again. */
        for (struct item *it = q->items; it; it = it->next)
            it->flushing = false;
        q->nflushing = 0;
        q->flush_failures++;
        return; /* owner.c's tick plans it again */
    }
    q->flush_failures = 0;
    if (strcmp(word, "fenced") == 0) {
        LOG_WARN(
            q->core->env->log, "lease.fenced", LOG_S("queue", q->name), LOG_I("shard", q->shard));
        queue_lose(q);
        return;
    }
    settle(q);
    queue_run(q);
    queue_pick(q);
    if (q->more || q->nitems - q->nrests < q->core->options.delivery_window / 4)
        queue_poke(q);
    plan_flush(q);
}

/* --- company --------------------------------------------------------------------------------- */

static void leave_company(struct queue *q) {
    struct core *core = q->core;
    struct queue **at = &core->in_company;
    while (*at && *at != q)
        at = &(*at)->next_in_company;
    if (*at)
        *at = q->next_in_company;
    q->in_company = false;
    if (!core->in_company)
        loop_timer_stop(&core->company);
}

static void on_company(void *arg) {
    struct core *core = arg;
    while (core->in_company) {
        struct queue *q = core->in_company;
        leave_company(q);
        q->flush_due = true;
        plan_flush(q);
    }
}

/* While others are under way, of whatever shard: whoever writes to us waits for each commit that is
 * before his, and what goes to Redis together is one. */
static bool waits_for_company(struct queue *q) {
    struct core *core = q->core;
    size_t n = 0;
    if (!q->kind->company_ms || q->flush_due || q->flush_failures || core->draining ||
        q->nended >= q->kind->flush_max || q->busy == 0 || q->busy + q->nended == q->nitems)
        return false;
    if (!q->in_company) {
        q->in_company = true;
        q->next_in_company = core->in_company;
        core->in_company = q;
    }
    for (const struct queue *i = core->in_company; i; i = i->next_in_company)
        n += i->nended;
    if (n >= COMPANY)
        on_company(core);
    else if (!core->company)
        core->company = loop_timer_start(core->env->loop, q->kind->company_ms, 0, on_company, core);
    return true;
}

/* Is what becomes of it written down at its message? */
static bool has_trail(const struct item *it) {
    return it->entry.kind == 'm' && strcmp(it->entry.op, QUEUE_STATUS) != 0;
}

static void flush(void *arg) {
    struct queue *q = arg;
    struct store_outcome out[FLUSH_MAX];
    size_t n = 0;
    q->flush_planned = false;
    if (q->flushing)
        return;
    if (!q->token) {
        forget_waiting(q);
        return;
    }
    queue_run(q); /* what the next ones need is asked for together with it */
    q->gave_way = false;
    if (q->way || q->nended == 0 || waits_for_company(q))
        return;
    leave_company(q);
    q->flush_due = false;
    size_t max = q->nended < q->kind->flush_max ? q->nended : q->kind->flush_max;
    for (struct item *it = q->items; n < max; it = it->next) {
        if (it->state != ITEM_ENDED)
            continue;
        it->flushing = true;
        out[n++] = (struct store_outcome){.entry = it->entry.id,
            .thread = has_trail(it) ? it->entry.subject : "",
            .seq = it->entry.seq,
            .word = it->word,
            .prefix = it->is_rest       ? "rest_"
                      : it->entry.op[0] ? "change_"
                                        : q->kind->prefix,
            .detail = it->detail,
            .external_id = it->external_id,
            .attempts = it->entry.attempts,
            .not_before_ms = it->not_before_ms,
            .dead = it->dead,
            .status_event = it->status_event};
    }
    q->flushing = true;
    q->flush_era = q->era;
    q->nflushing = n;
    store_finish(q->core->store, q->shard, q->token, q->name,
        q->channel ? q->channel->connector->channel : "", out, n, on_flushed, q);
}

/* --- owning ---------------------------------------------------------------------------------- */

void queue_own(struct queue *q, const char *token) {
    q->token = token;
    q->nunsure = (size_t)q->core->options.delivery_window * UNSURE_FACTOR;
    q->era++;
    q->cursor[0] = '\0';
    queue_poke(q);
}

void queue_lose(struct queue *q) {
    q->token = NULL;
    forget_waiting(q);
}

void queue_tick(struct queue *q) {
    if (q->flush_failures)
        plan_flush(q);
    if (q->kind->tick)
        q->kind->tick(q);
    queue_run(q);
    queue_park(q);
    queue_pick(q);
    if (q->more)
        queue_poke(q);
}

void queue_hurry(struct queue *q) {
    for (struct item *it = q->items; it; it = it->next)
        if (it->ill)
            it->not_before_ms = 0; /* the next tick finds it */
    for (size_t i = 0; i < q->lanes.n; i++)
        if (q->lanes.all[i]->ill)
            q->lanes.all[i]->not_before_ms = 0;
}

bool queue_is_idle(const struct queue *q) {
    return q->busy == 0 && !q->in_company && !q->way && !q->flushing && !q->reading &&
           !q->picking && !q->flush_planned;
}

void queue_free(struct queue *q) {
    leave_company(q);
    loop_timer_stop(&q->way);
    for (struct item *it = q->items; it; it = it->next)
        it->lane = NULL;
    lanes_clear(&q->lanes);
    lanes_clear(&q->seen);
    while (q->items)
        queue_remove(q, &q->items);
}
