/* channel_queue.c - a delivery to a channel: load it, write "sending" down, send, take the result.
 */
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "core/queue.h"

static void send_now(struct item *it) {
    struct connector *c = it->queue->channel->connector;
    struct delivery *d = &it->delivery;
    const json_t *m = json_object_get(it->loaded, "message");
    const json_t *to = json_object_get(it->loaded, "to");
    struct err err = {ERR_INTERNAL, "the connector refused without a reason"};
    *d = (struct delivery){.thread = it->entry.subject,
        .message = json_string_value(json_object_get(m, "id")),
        .seq = it->entry.seq,
        .attempt = it->entry.attempts,
        .body = m,
        .to = {.kind = json_string_value(json_object_get(to, "kind")),
            .address = json_string_value(json_object_get(to, "address"))}};
    d->key = d->message;
    if (c->ops->send(c, d, &err) < 0)
        queue_reject(it, &err);
}

void delivery_done(struct delivery *d, const struct delivery_outcome *o) {
    struct item *it = container_of(d, struct item, delivery);
    char detail[400];
    switch (o->result) {
    case DELIVERY_OK:
        it->external_id = mem_strdup(o->external_id);
        queue_end(it, "sent", "");
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

static void on_loaded(void *arg, json_t *result, const struct err *err) {
    struct item *it = arg;
    struct queue *q = it->queue;
    if (err && err->code != ERR_NOT_FOUND) {
        queue_retry(it, 0, err);
        return;
    }
    if (err || !json_is_object(json_object_get(result, "message"))) {
        queue_end(it, "dropped", "");
        return;
    }
    it->loaded = json_incref(result);
    if (q->channel->connector->ops->caps & CONNECTOR_REPEATABLE)
        send_now(it);
    else
        store_begin(q->core->store, q->token ? q->token : "", it->entry.subject, it->entry.seq,
            it->entry.attempts, on_begun, it);
}

static void start(struct item *it) {
    store_delivery(it->queue->core->store, it->entry.subject, it->entry.seq, on_loaded, it);
}

const struct queue_kind channel_queue_kind = {64, start};
