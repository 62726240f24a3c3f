/* channel_queue.c - a delivery to a channel: load it, wait for its turn, write "sending" down,
 * send, take the result. Edits, deletions and reactions go the same way, but may be asked for
 * twice. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "core/queue.h"

#define PAUSED_MS 1000 /* how soon it is asked again whether a paused channel goes on */

static const char *text_of(const json_t *o, const char *key) {
    return json_string_value(json_object_get(o, key));
}

static bool is_change(const struct item *it) {
    return it->entry.op[0] != '\0';
}

static bool is_rest(const struct item *it) {
    return strcmp(it->entry.op, QUEUE_REST) == 0;
}

static enum delivery_what what_of(const struct item *it) {
    return strcmp(it->entry.op, "edit") == 0     ? DELIVERY_EDIT
           : strcmp(it->entry.op, "delete") == 0 ? DELIVERY_DELETE
           : strcmp(it->entry.op, "react") == 0  ? DELIVERY_REACT
           : is_rest(it)                         ? DELIVERY_REST
                                                 : DELIVERY_SEND;
}

static void prepare(struct item *it) {
    const json_t *m = json_object_get(it->loaded, "message");
    const json_t *to = json_object_get(it->loaded, "to");
    const char *route = text_of(m, "route");
    const json_t *window =
        json_object_get(json_object_get(json_object_get(it->loaded, "thread"), "windows"),
            it->queue->channel->connector->channel);
    it->delivery = (struct delivery){.what = what_of(it),
        .thread = it->entry.subject,
        .message = text_of(m, "id"),
        .seq = it->entry.seq,
        .attempt = it->entry.attempts,
        .queued_ms = it->queued_ms,
        .body = m,
        .to = {.kind = text_of(to, "kind"), .address = text_of(to, "address")},
        .route = route ? route : "",
        .reply_to = it->reply_to};
    it->delivery.key = it->delivery.message;
    if (text_of(window, "until"))
        clock_parse(text_of(window, "until"), &it->delivery.window_until_ms);
}

static void send_now(struct item *it) {
    struct connector *c = it->queue->channel->connector;
    struct err err = {ERR_INTERNAL, "the connector refused without a reason"};
    it->handed = true;
    if (c->ops->send(c, &it->delivery, &err) < 0) {
        it->handed = false;
        queue_reject(it, &err);
    }
}

void queue_cancel(struct queue *q) {
    for (struct item *it = q->items; it; it = it->next)
        if (it->handed)
            q->channel->connector->ops->cancel(q->channel->connector, &it->delivery);
}

static void end_change(struct item *it, const struct delivery_outcome *o) {
    switch (o->result) {
    case DELIVERY_OK:
        queue_end(it, "done", it->entry.op);
        break;
    case DELIVERY_REJECTED:
        queue_reject(it, &o->err);
        break;
    default: /* once more does no harm */
        queue_retry(it, o->retry_ms, &o->err);
    }
}

void delivery_done(struct delivery *d, const struct delivery_outcome *o) {
    struct item *it = container_of(d, struct item, delivery);
    char detail[400];
    it->handed = false;
    if (is_change(it) && o->result != DELIVERY_CANCELLED) {
        end_change(it, o);
        return;
    }
    switch (o->result) {
    case DELIVERY_OK:
        free(it->external_id);
        it->external_id = mem_strdup(o->external_id);
        channel_went(it->queue->channel);
        queue_end(it, "sent", o->held ? o->held : "");
        break;
    case DELIVERY_RETRY:
        queue_retry(it, o->retry_ms, &o->err);
        break;
    case DELIVERY_REJECTED:
        queue_reject(it, &o->err);
        break;
    case DELIVERY_UNKNOWN:
        store_trail_detail(detail, sizeof detail, &o->err);
        queue_end(it, "unknown", detail);
        break;
    case DELIVERY_CANCELLED: {
        struct err err;
        err_set(&err, ERR_UNAVAILABLE, "the gateway is stopping");
        queue_retry(it, 0, &err);
        break;
    }
    }
}

void delivery_part(struct delivery *d, const char *external_id, core_done_fn fn, void *arg) {
    struct item *it = container_of(d, struct item, delivery);
    struct queue *q = it->queue;
    store_part(q->core->store, q->token ? q->token : "", it->entry.subject, it->entry.seq,
        q->channel->connector->channel, external_id, fn, arg);
}

static void on_begun(void *arg, const char *word, const struct err *err) {
    struct item *it = arg;
    if (err) {
        queue_retry(it, 0, err);
    } else if (strcmp(word, "ok") == 0) {
        send_now(it);
    } else if (strcmp(word, "unknown") == 0) {
        queue_end(it, "unknown",
            "timeout the gateway stopped while it was sending; whether the channel has it is not "
            "known");
    } else if (strcmp(word, "fenced") == 0) {
        struct err lost;
        err_set(&lost, ERR_CONFLICT, "another worker owns this queue now");
        queue_retry(it, 0, &lost);
    } else {
        queue_end(it, "dropped", "");
    }
}

/* Everything is known: is it its turn? */
static void begin(struct item *it) {
    struct queue *q = it->queue;
    struct connector *c = q->channel->connector;
    prepare(it);
    unsigned wait_ms = !channel_may_send(q->channel) ? PAUSED_MS
                       : c->ops->pace                ? c->ops->pace(c, &it->delivery)
                                                     : 0;
    if (wait_ms)
        queue_put_off(it, wait_ms);
    else if (is_change(it) || (c->ops->caps & CONNECTOR_REPEATABLE))
        send_now(it);
    else
        store_begin(q->core->store, q->token ? q->token : "", it->entry.subject, it->entry.seq,
            it->entry.attempts, on_begun, it);
}

/* The message that this one answers: its id at the channel, and its way back. */
static void on_replied(void *arg, json_t *result, const struct err *err) {
    struct item *it = arg;
    const json_t *m = json_object_get(result, "message");
    const char *channel = text_of(m, "channel");
    if (err && (err->code == ERR_UNAVAILABLE || err->code == ERR_TIMEOUT)) {
        queue_retry(it, 0, err);
        return;
    }
    if (!err && channel && strcmp(channel, it->queue->channel->connector->channel) == 0 &&
        text_of(m, "external_id")) {
        const char *route = text_of(m, "route");
        free(it->reply_to);
        it->reply_to = mem_strdup(text_of(m, "external_id"));
        json_object_set_new(
            json_object_get(it->loaded, "message"), "route", json_string(route ? route : ""));
    }
    begin(it); /* gone from the log: sent without the quote */
}

static void on_loaded(void *arg, json_t *result, const struct err *err) {
    struct item *it = arg;
    const json_t *m = json_object_get(result, "message");
    if (err && err->code != ERR_NOT_FOUND) {
        queue_retry(it, 0, err);
        return;
    }
    if (err || !json_is_object(m)) {
        queue_end(it, "dropped", "");
        return;
    }
    it->loaded = json_incref(result);
    if (text_of(m, "reply_to") && (!is_change(it) || is_rest(it)))
        store_message_private(it->queue->core->store, text_of(m, "reply_to"), on_replied, it);
    else
        begin(it);
}

static void start(struct item *it) {
    store_delivery(it->queue->core->store, it->entry.subject, it->entry.seq, on_loaded, it);
}

static bool may_start(struct queue *q) {
    return channel_may_send(q->channel);
}

const struct queue_kind channel_queue_kind = {.in_flight_max = 64,
    .flush_max = FLUSH_MAX,
    .prefix = "",
    .may_start = may_start,
    .start = start};
