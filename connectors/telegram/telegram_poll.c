/* telegram_poll.c - getUpdates: a batch is taken, chat by chat in order and many chats at once, and
 * only when all of it is stored does the next call confirm it. A crash before that brings it again.
 * Source: Bot API 10.3, "getUpdates". */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "connectors/telegram/telegram_private.h"

#define HOLD_S 50 /* Telegram holds an empty answer back for so long */
#define TIMEOUT_MS 70000
#define BATCH_MAX 100
#define STORE_AGAIN_MS 500
#define AGAIN_MAX_MS 30000
#define CONFLICT_MS 30000
#define REFUSED_MS 300000
#define STUCK_MS 5000
#define LOST_AFTER 3
#define TRIES_MAX 20 /* of an update that fails for another reason than the store's absence */

enum state { WAITING, RUNNING, DONE };

struct item {
    struct telegram_poll *poll;
    struct telegram_update update;
    int64_t id; /* of the update; 0 it has none */
    char address[TELEGRAM_ADDRESS_SIZE];
    int before; /* the one before it of the same chat, or -1 */
    unsigned tries;
    enum state state;
};

struct telegram_poll {
    struct telegram *t;
    struct http_call *call;
    struct loop_timer *timer;
    int64_t offset; /* 0: from what is not confirmed */
    uint64_t asked_ms;
    unsigned failures, quick;
    struct item *items;
    size_t nitems, running;
    json_t *batch; /* the updates' JSON, for what has to be read again */
    bool stopped;
};

static void ask(void *arg);
static void run(struct telegram_poll *p);
static void failed(struct telegram_poll *p, const struct err *err, uint64_t least_ms);

static void poll_free(struct telegram_poll *p) {
    loop_timer_stop(&p->timer);
    json_decref(p->batch);
    free(p->items);
    free(p);
}

static void later(struct telegram_poll *p, uint64_t ms, loop_fn fn) {
    loop_timer_stop(&p->timer);
    p->timer = loop_timer_start(p->t->base.env->loop, ms, 0, fn, p);
}

/* --- a batch --------------------------------------------------------------------------------- */

static void run_again(void *arg) {
    struct telegram_poll *p = arg;
    loop_timer_stop(&p->timer);
    run(p);
}

static void batch_done(struct telegram_poll *p) {
    struct err stuck;
    int64_t before = p->offset;
    for (size_t i = 0; i < p->nitems; i++)
        if (p->items[i].id >= p->offset)
            p->offset = p->items[i].id + 1;
    json_decref(p->batch);
    p->batch = NULL;
    free(p->items);
    p->items = NULL;
    p->nitems = 0;
    if (p->offset > before) {
        ask(p);
        return;
    }
    err_set(&stuck, ERR_PROTOCOL, "getUpdates gives updates that cannot be confirmed");
    failed(p, &stuck, STUCK_MS);
}

static void on_taken(void *arg, const struct err *err) {
    struct item *it = arg;
    struct telegram_poll *p = it->poll;
    p->running--;
    it->state = err ? WAITING : DONE;
    if (err && err->code != ERR_UNAVAILABLE && err->code != ERR_TIMEOUT &&
        ++it->tries == TRIES_MAX) {
        /* A bug of ours: it must not hold up all that comes after it. */
        LOG_ERROR(p->t->base.env->log, "telegram.update_dropped",
            LOG_S("channel", p->t->base.channel), LOG_S("chat", it->address), LOG_E(err));
        it->state = DONE;
        err = NULL;
    }
    if (p->stopped) {
        if (!p->running)
            poll_free(p);
        return;
    }
    if (err && !p->timer)
        later(p, STORE_AGAIN_MS, run_again);
    if (!p->timer)
        run(p);
}

/* Begins with every update that no earlier one of its chat holds back. */
static void run(struct telegram_poll *p) {

    for (size_t i = 0; i < p->nitems && !p->stopped; i++) {
        struct item *it = &p->items[i];
        struct err err;

        if (it->state != WAITING || (it->before >= 0 && p->items[it->before].state != DONE))
            continue;
        /* Read when its turn comes (again): taking it takes it over. */
        if (telegram_update_read(json_array_get(p->batch, i), p->t->bot_id, &it->update, &err) <
            0) {
            LOG_WARN(p->t->base.env->log, "telegram.no_update",
                LOG_S("channel", p->t->base.channel), LOG_E(&err));
            telegram_update_free(&it->update);
            it->state = DONE;
            continue;
        }
        it->id = it->update.update_id;
        it->state = RUNNING;
        p->running++;
        telegram_take(p->t, &it->update, on_taken, it);
    }
    for (size_t i = 0; i < p->nitems; i++)
        if (p->items[i].state != DONE)
            return;
    if (!p->stopped)
        batch_done(p);
}

/* The chat of an update, without reading it whole: "" puts it behind nothing but its like. */
static void address_of(const json_t *update, char *out) {
    const char *key;
    json_t *v;
    out[0] = '\0';
    json_object_foreach((json_t *)update, key, v) {
        const json_t *chat = json_object_get(v, "chat");
        if (!chat)
            chat = json_object_get(json_object_get(v, "message"), "chat");
        if (chat) {
            snprintf(out, TELEGRAM_ADDRESS_SIZE, "%lld",
                (long long)json_integer_value(json_object_get(chat, "id")));
            return;
        }
    }
}

static void take_batch(struct telegram_poll *p, json_t *updates) {
    p->batch = json_incref(updates);
    while (json_array_size(p->batch) > BATCH_MAX) /* more than asked for: they come again */
        json_array_remove(p->batch, BATCH_MAX);
    p->nitems = json_array_size(p->batch);
    p->items = mem_zalloc(p->nitems * sizeof *p->items);
    for (size_t i = 0; i < p->nitems; i++) {
        struct item *it = &p->items[i];
        it->poll = p;
        it->before = -1;
        address_of(json_array_get(p->batch, i), it->address);
        for (size_t k = i; k-- > 0 && it->before < 0;)
            if (strcmp(p->items[k].address, it->address) == 0)
                it->before = (int)k;
    }
    run(p);
}

/* --- asking ---------------------------------------------------------------------------------- */

static void failed(struct telegram_poll *p, const struct err *err, uint64_t least_ms) {
    uint64_t ms = 1000ull << (p->failures < 5 ? p->failures : 5);
    if (++p->failures >= LOST_AFTER || least_ms)
        connector_lost(&p->t->base, err);
    ms = (ms > AGAIN_MAX_MS ? AGAIN_MAX_MS : ms) / 2;
    ms += randombytes_uniform((uint32_t)ms);
    later(p, ms > least_ms ? ms : least_ms, ask);
}

static uint64_t least_wait(const struct telegram_answer *a) {
    switch (a->cls) {
    case TELEGRAM_WAIT:
        return (uint64_t)a->retry_s * 1000;
    case TELEGRAM_CONFLICT:
        return CONFLICT_MS;
    case TELEGRAM_BAD_TOKEN:
        return REFUSED_MS;
    default:
        return 0;
    }
}

static void on_updates(
    void *arg, const struct telegram_answer *a, const struct err *err, bool sent) {
    struct telegram_poll *p = arg;
    (void)sent;
    p->call = NULL;
    if (p->stopped) {
        if (!p->running)
            poll_free(p);
        return;
    }
    if (err) {
        failed(p, err, 0);
        return;
    }
    if (a->cls != TELEGRAM_OK || !json_is_array(a->result)) {
        struct err odd = a->err;
        if (a->cls == TELEGRAM_OK)
            err_set(&odd, ERR_PROTOCOL, "getUpdates gave no list");
        failed(p, &odd, least_wait(a));
        if (a->cls == TELEGRAM_CONFLICT && strcasestr(a->description, "webhook"))
            telegram_setup_conflict(p->t);
        return;
    }
    if (p->failures)
        connector_ready(&p->t->base);
    p->failures = 0;
    if (json_array_size(a->result)) {
        p->quick = 0;
        take_batch(p, a->result);
        return;
    }
    /* All that was taken is confirmed. After a week of silence ids begin anew, perhaps below: with
     * the old offset Telegram would forget such an update unseen. */
    p->offset = 0;
    /* Empty answers that come at once, again and again, are no reason to run hot. */
    p->quick = clock_mono_ms() - p->asked_ms < 1000 ? p->quick + 1 : 0;
    if (p->quick > 3)
        later(p, 1000, ask);
    else
        ask(p);
}

/* ["message",...] for a query. */
static char *encoded_updates(void) {
    json_t *list = telegram_allowed_updates();
    char *text = json_dumps(list, JSON_COMPACT);
    struct buf b;
    buf_init(&b, 4096);
    for (const char *s = text; *s; s++) {
        bool plain = (*s >= 'a' && *s <= 'z') || *s == '_';
        if (plain)
            buf_add(&b, s, 1);
        else
            buf_addf(&b, "%%%02X", (unsigned)(unsigned char)*s);
    }
    free(text);
    json_decref(list);
    return buf_take(&b);
}

static void ask(void *arg) {
    struct telegram_poll *p = arg;
    loop_timer_stop(&p->timer);
    char *updates = encoded_updates(), offset[48] = "";
    if (p->offset)
        snprintf(offset, sizeof offset, "&offset=%lld", (long long)p->offset);
    char *query =
        mem_printf("timeout=%d&limit=%d&allowed_updates=%s%s", HOLD_S, BATCH_MAX, updates, offset);
    struct telegram_request rq = {
        .method = "getUpdates", .query = query, .timeout_ms = TIMEOUT_MS, .long_poll = true};
    p->asked_ms = clock_mono_ms();
    p->call = telegram_request(p->t, &rq, on_updates, p);
    free(query);
    free(updates);
}

void telegram_poll_start(struct telegram *t) {
    telegram_poll_stop(t);
    struct telegram_poll *p = mem_zalloc(sizeof *p);
    p->t = t;
    t->poll = p;
    ask(p);
}

void telegram_poll_stop(struct telegram *t) {
    struct telegram_poll *p = t->poll;
    if (!p)
        return;
    t->poll = NULL;
    p->stopped = true;
    loop_timer_stop(&p->timer);
    if (p->call)
        http_call_cancel(p->call); /* on_updates frees it */
    else if (!p->running)
        poll_free(p);
}
