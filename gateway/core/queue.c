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
#define RESTS_FACTOR 10  /* so many windows of jobs for recipients */
#define BLOCKED_FACTOR 5 /* so many windows of what waits for a retry of its lane */
#define LANES 4096       /* of a table: a power of two, well above the items of a queue */
#define HORIZON_MS (5LL * 24 * 3600 * 1000)

static void flush(void *arg);

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

static bool is_rest(const struct item *it) {
    return strcmp(it->entry.op, QUEUE_REST) == 0;
}

/* They may wait for days, which must not fill the window: what comes after them goes on. */
static bool is_full(const struct queue *q) {
    unsigned window = q->core->options.delivery_window;
    return q->nitems - q->nrests - q->nblocked >= window ||
           q->nblocked >= (size_t)window * BLOCKED_FACTOR ||
           q->nrests >= (size_t)window * RESTS_FACTOR;
}

/* Client, thread and messages of one person share a tag: that is the lane which keeps its order. */
static bool same_lane(const struct item *a, const struct item *b) {
    return memcmp(a->entry.subject + ID_TIME_LEN, b->entry.subject + ID_TIME_LEN, ID_TAG_LEN) == 0;
}

static const struct item **lane_of(const struct item **heads, const struct item *it) {
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < ID_TAG_LEN; i++)
        hash = (hash ^ (unsigned char)it->entry.subject[ID_TIME_LEN + i]) * 16777619u;
    size_t at = hash & (LANES - 1);
    while (heads[at] && !same_lane(heads[at], it))
        at = (at + 1) & (LANES - 1);
    return &heads[at];
}

/* Finds what can do nothing but wait for the retry of an earlier one of its lane, when it fills the
 * window of a CRM that is well otherwise: the other lanes go on. */
static void find_blocked(struct queue *q) {
    const struct item *heads[LANES];
    bool looks = q->kind == &crm_queue_kind && q->nitems >= q->core->options.delivery_window &&
                 breaker_state(&q->target->breaker, clock_mono_ms()) == BREAKER_CLOSED;
    int64_t now = clock_ms();
    if (!looks && !q->nblocked)
        return;
    memset(heads, 0, sizeof heads);
    q->nblocked = 0;
    for (struct item *it = q->items; it; it = it->next) {
        const struct item **head = lane_of(heads, it);
        if (!*head)
            *head = it;
        it->blocked = looks && (*head)->state == ITEM_WAITING && (*head)->not_before_ms > now;
        q->nblocked += it->blocked;
    }
}

/* --- taking items in ------------------------------------------------------------------------- */

static bool is_lane_taken(const struct queue *q, const struct item *it) {
    for (const struct item *i = q->items; i; i = i->next)
        if (same_lane(i, it))
            return true;
    return false;
}

static void on_entries(
    void *arg, const struct store_entry *entries, size_t n, const struct err *err) {
    struct queue *q = arg;
    q->reading = false;
    if (err || !q->token)
        return; /* the next poke reads again */
    for (size_t i = 0; i < n; i++) {
        struct item *it = mem_zalloc(sizeof *it);
        it->queue = q;
        it->entry = entries[i];
        it->not_before_ms = entries[i].not_before_ms;
        it->queued_ms = strtoll(entries[i].id, NULL, 10);
        if (q->nunsure) {
            q->nunsure--;
            it->unsure = !is_lane_taken(q, it);
        }
        *q->tail = it;
        q->tail = &it->next;
        q->nitems++;
        q->nrests += is_rest(it);
        memcpy(q->cursor, entries[i].id, sizeof q->cursor);
    }
    if (n >= q->core->options.delivery_window / 2)
        q->more = true;
    else
        q->nunsure = 0; /* what comes from now on is our own */
    queue_run(q);
    if (q->more)
        queue_poke(q);
}

void queue_poke(struct queue *q) {
    unsigned window = q->core->options.delivery_window;
    if (!q->token || !store_is_up(q->core->store))
        return;
    if (q->reading || is_full(q) || (q->kind == &crm_queue_kind && !owner_crm_allowed(q->core))) {
        q->more = true;
        return;
    }
    q->more = false;
    q->reading = true;
    store_queue_read(q->core->store, q->shard, q->name, q->cursor, window / 2, on_entries, q);
}

/* --- starting them --------------------------------------------------------------------------- */

/* Single recipients of a message may wait for days: nothing else waits for them, nor do they for
 * more than their own message. */
static bool is_behind(const struct item *it) {
    for (const struct item *i = it->queue->items; i != it; i = i->next)
        if (same_lane(i, it) && !is_rest(i) && (!is_rest(it) || i->entry.seq == it->entry.seq))
            return true;
    return false;
}

void queue_run(struct queue *q) {
    int64_t now = clock_ms();
    if (!q->token || q->core->draining || !store_is_up(q->core->store))
        return;
    for (struct item *it = q->items; it && q->busy < q->kind->in_flight_max; it = it->next) {
        if (it->state != ITEM_WAITING || it->not_before_ms > now || it->blocked || is_behind(it))
            continue;
        if (it->entry.kind != '?' && q->kind->may_start && !q->kind->may_start(q))
            break;
        it->state = ITEM_BUSY;
        it->entry.attempts++;
        q->busy++;
        if (it->entry.kind == '?')
            queue_end(it, "dropped", "");
        else
            q->kind->start(it);
    }
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
    it->word = word;
    snprintf(it->detail, sizeof it->detail, "%s", detail);
    it->status_event = q->channel != NULL && strcmp(word, "dropped") != 0;
    q->busy--;
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
    it->entry.attempts--;
    it->queue->busy--;
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

static void remove_item(struct queue *q, struct item **at) {
    struct item *it = *at;
    *at = it->next;
    if (q->tail == &it->next)
        q->tail = at;
    q->nitems--;
    q->nrests -= is_rest(it);
    q->nblocked -= it->blocked;
    item_free(it);
}

/* What was written is over: gone, or waiting for its next attempt. */
static void settle(struct queue *q) {
    for (struct item **at = &q->items; *at;) {
        struct item *it = *at;
        if (!it->flushing) {
            at = &it->next;
            continue;
        }
        it->flushing = false;
        if (strcmp(it->word, "retry") == 0) {
            it->state = ITEM_WAITING;
            json_decref(it->loaded);
            it->loaded = NULL;
            at = &it->next;
        } else {
            remove_item(q, at);
        }
    }
}

static void forget_waiting(struct queue *q) {
    for (struct item **at = &q->items; *at;) {
        if ((*at)->state == ITEM_BUSY)
            at = &(*at)->next;
        else
            remove_item(q, at);
    }
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
    if (err) {
        /* Nothing is lost: the outcomes stay here and are written again. */
        for (struct item *it = q->items; it; it = it->next)
            it->flushing = false;
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
    if (q->more || q->nitems - q->nrests < q->core->options.delivery_window / 4)
        queue_poke(q);
    plan_flush(q);
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
    for (struct item *it = q->items; it && n < FLUSH_MAX; it = it->next) {
        if (it->state != ITEM_ENDED)
            continue;
        it->flushing = true;
        out[n++] = (struct store_outcome){.entry = it->entry.id,
            .thread = has_trail(it) ? it->entry.subject : "",
            .seq = it->entry.seq,
            .word = it->word,
            .prefix = is_rest(it)       ? "rest_"
                      : it->entry.op[0] ? "change_"
                                        : q->kind->prefix,
            .detail = it->detail,
            .external_id = it->external_id,
            .attempts = it->entry.attempts,
            .not_before_ms = it->not_before_ms,
            .dead = it->dead,
            .status_event = it->status_event};
    }
    if (n == 0)
        return;
    q->flushing = true;
    store_finish(q->core->store, q->shard, q->token, q->name,
        q->channel ? q->channel->connector->channel : "", out, n, on_flushed, q);
}

/* --- owning ---------------------------------------------------------------------------------- */

void queue_own(struct queue *q, const char *token) {
    q->token = token;
    q->nunsure = (size_t)q->core->options.delivery_window * 2;
    q->cursor[0] = '\0';
    queue_poke(q);
}

void queue_lose(struct queue *q) {
    q->token = NULL;
    if (!q->flushing)
        forget_waiting(q);
}

void queue_tick(struct queue *q) {
    if (q->flush_failures)
        plan_flush(q);
    find_blocked(q);
    if (q->more)
        queue_poke(q);
    queue_run(q);
}

void queue_hurry(struct queue *q) {
    for (struct item *it = q->items; it; it = it->next)
        if (it->ill)
            it->not_before_ms = 0; /* the next tick finds it */
}

bool queue_is_idle(const struct queue *q) {
    return q->busy == 0 && !q->flushing && !q->reading && !q->flush_planned;
}

void queue_free(struct queue *q) {
    while (q->items)
        remove_item(q, &q->items);
}
