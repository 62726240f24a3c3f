/* crm_queue.c - a delivery to a CRM: the client's card first, then the message on it. */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "core/queue.h"
#include "store/store_record.h"

static void failed(struct item *it, const struct err *err) {
    if (err->code == ERR_UNAVAILABLE || err->code == ERR_TIMEOUT || err->code == ERR_IO ||
        err->code == ERR_TOO_MANY)
        queue_retry(it, 0, err);
    else
        queue_reject(it, err);
}

static void on_attached(void *arg, const char *card, const struct err *err) {
    struct item *it = arg;
    (void)card;
    if (err)
        failed(it, err);
    else
        queue_end(it, "attached", it->queue->crm->target);
}

static void attach(struct item *it) {
    struct crm *crm = it->queue->crm;
    json_t *message = json_object_get(it->loaded, "message");
    record_hide_private(message);
    crm->ops->attach(crm, it->card, message, on_attached, it);
}

static void on_card_noted(void *arg, const struct err *err) {
    struct item *it = arg;
    if (err)
        failed(it, err);
    else if (it->entry.kind == 'c')
        queue_end(it, "dropped", ""); /* done; there is no message to note it at */
    else
        attach(it);
}

static const char *client_id(const struct item *it) {
    return json_string_value(json_object_get(json_object_get(it->loaded, "client"), "id"));
}

static void on_ensured(void *arg, const char *card, const struct err *err) {
    struct item *it = arg;
    struct queue *q = it->queue;
    if (err) {
        failed(it, err);
        return;
    }
    const json_t *cards = json_object_get(json_object_get(it->loaded, "client"), "cards");
    const char *known =
        json_string_value(json_object_get(json_object_get(cards, q->crm->target), "id"));
    it->card = mem_strdup(card ? card : "");
    if (known && strcmp(known, it->card) == 0)
        on_card_noted(it, NULL);
    else
        store_client_card(
            q->core->store, client_id(it), q->crm->target, it->card, on_card_noted, it);
}

static void on_loaded(void *arg, json_t *result, const struct err *err) {
    struct item *it = arg;
    struct crm *crm = it->queue->crm;
    if (err && err->code != ERR_NOT_FOUND) {
        failed(it, err);
        return;
    }
    bool needs_message = it->entry.kind == 'm';
    if (err || (needs_message && !json_is_object(json_object_get(result, "message")))) {
        queue_end(it, "dropped", "");
        return;
    }
    it->loaded = json_incref(result);
    const json_t *client = json_object_get(result, "client");
    const json_t *cards = json_object_get(client, "cards");
    const char *card =
        json_string_value(json_object_get(json_object_get(cards, crm->target), "id"));
    if (needs_message && card) {
        it->card = mem_strdup(card);
        attach(it);
        return;
    }
    crm->ops->ensure_card(crm, client, on_ensured, it);
}

static void on_merged(void *arg, const char *card, const struct err *err) {
    struct item *it = arg;
    (void)card;
    if (err)
        failed(it, err);
    else
        queue_end(it, "dropped", "");
}

static void start(struct item *it) {
    struct queue *q = it->queue;
    free(it->card);
    it->card = NULL;
    switch (it->entry.kind) {
    case 'g':
        q->crm->ops->merge(q->crm, it->entry.subject, it->entry.object, on_merged, it);
        break;
    case 'c':
        store_client(q->core->store, it->entry.subject, on_loaded, it);
        break;
    default:
        store_delivery(q->core->store, it->entry.subject, it->entry.seq, on_loaded, it);
    }
}

const struct queue_kind crm_queue_kind = {64, "card_", start};
