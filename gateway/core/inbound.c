/* inbound.c - what connectors tell the core: messages, receipts, typing, and their questions. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "core/core_private.h"

struct arrival {
    struct connector *connector;
    inbound_fn fn;
    void *arg;
    uint64_t began_us;
};

static void count(const struct connector *c, const char *result) {
    char label[80];
    snprintf(label, sizeof label, "%s|%s", c->channel, result);
    metrics_add(c->env->metrics, M_RECEIVED, label, 1);
}

static void on_stored(void *arg, const struct store_appended *r, const struct err *err) {
    struct arrival *in = arg;
    struct connector *c = in->connector;
    c->core->waited_us += clock_mono_us() - in->began_us;
    if (err) {
        bool later = err->code == ERR_UNAVAILABLE || err->code == ERR_TIMEOUT;
        count(c, later ? "unavailable" : "refused");
        LOG_WARN(c->env->log, "message.not_stored", LOG_S("channel", c->channel), LOG_E(err));
        in->fn(in->arg, NULL, err);
        free(in);
        return;
    }
    struct inbound_result out = {
        .duplicate = r->duplicate, .seq = r->seq, .received_ms = r->received_ms};
    memcpy(out.client, r->client, ID_SIZE);
    memcpy(out.thread, r->thread, ID_SIZE);
    memcpy(out.message, r->message, ID_SIZE);
    count(c, r->duplicate ? "duplicate" : "stored");
    LOG_DEBUG(c->env->log, r->duplicate ? "message.duplicate" : "message.stored",
        LOG_S("channel", c->channel), LOG_S("thread", r->thread), LOG_S("message", r->message),
        LOG_I("seq", r->seq));
    in->fn(in->arg, &out, NULL);
    free(in);
}

void connector_inbound(struct connector *c, const struct inbound *in, inbound_fn fn, void *arg) {
    struct arrival *a = mem_alloc(sizeof *a);
    *a = (struct arrival){c, fn, arg, clock_mono_us()};
    char *dedupe = in->external_id && *in->external_id
                       ? mem_printf("c:%s:%s", c->channel, in->external_id)
                       : NULL;
    json_t *body = json_copy((json_t *)in->body);
    json_object_set_new(body, "from",
        json_pack("{s:s,s:s,s:s}", "kind", in->from.kind, "address", in->from.address, "name",
            in->from.name ? in->from.name : ""));
    if (in->external_id && *in->external_id)
        json_object_set_new(body, "external_id", json_string(in->external_id));
    struct store_append append = {.direction = DIRECTION_IN,
        .from = &in->from,
        .profile = in->profile,
        .channel = c->channel,
        .connector = c->ops->name,
        .dedupe = dedupe,
        .body = body};
    store_append(c->core->store, &append, on_stored, a);
    json_decref(body);
    free(dedupe);
}

void connector_receipt(struct connector *c, const char *thread, int64_t upto_seq,
    enum status status, core_done_fn fn, void *arg) {
    store_receipt(c->core->store, thread, c->channel, upto_seq, status, fn, arg);
}

/* --- a receipt by the channel's own id: first, whose thread? --------------------------------- */

struct receipt {
    struct connector *connector;
    char *external_id;
    enum status status;
    struct err why;
    bool has_why;
    core_done_fn fn;
    void *arg;
};

static void on_receipt_thread(void *arg, const struct store_lookup *r, const struct err *err) {
    struct receipt *rc = arg;
    struct err missing;
    if (!err && !r->thread[0]) {
        err_set(&missing, ERR_NOT_FOUND, "nobody has this identity");
        err = &missing;
    }
    if (!err)
        store_receipt_for(rc->connector->core->store, r->thread, rc->connector->channel,
            rc->external_id, rc->status, rc->has_why ? &rc->why : NULL, rc->fn, rc->arg);
    else if (rc->fn)
        rc->fn(rc->arg, err);
    free(rc->external_id);
    free(rc);
}

void connector_receipt_for(struct connector *c, const struct identity *who, const char *external_id,
    enum status status, const struct err *why, core_done_fn fn, void *arg) {
    struct receipt *rc = mem_zalloc(sizeof *rc);
    rc->connector = c;
    rc->external_id = mem_strdup(external_id);
    rc->status = status;
    rc->has_why = why != NULL;
    if (why)
        rc->why = *why;
    rc->fn = fn;
    rc->arg = arg;
    store_find(c->core->store, who, on_receipt_thread, rc);
}

/* --- questions ------------------------------------------------------------------------------- */

struct question {
    lookup_fn fn;
    void *arg;
};

static void on_answer(void *arg, const struct store_lookup *r, const struct err *err) {
    struct question *q = arg;
    struct lookup_result out = {0};
    if (!err) {
        memcpy(out.client, r->client, ID_SIZE);
        memcpy(out.thread, r->thread, ID_SIZE);
        out.last_seq = r->last_seq;
        out.agent_read_seq = r->agent_read_seq;
        out.client_read_seq = r->client_read_seq;
        out.proven = r->proven;
    }
    q->fn(q->arg, err ? NULL : &out, err);
    free(q);
}

void connector_lookup(struct connector *c, const struct identity *who, lookup_fn fn, void *arg) {
    struct question *q = mem_alloc(sizeof *q);
    *q = (struct question){fn, arg};
    store_find(c->core->store, who, on_answer, q);
}

void connector_link(struct connector *c, const struct identity *from, const struct identity *into,
    lookup_fn fn, void *arg) {
    struct question *q = mem_alloc(sizeof *q);
    *q = (struct question){fn, arg};
    store_link(c->core->store, from, into, on_answer, q);
}

void connector_history(struct connector *c, const char *thread, int64_t after, unsigned limit,
    history_fn fn, void *arg) {
    store_messages(c->core->store, thread, -1, after, limit, true, fn, arg);
}

void connector_history_before(struct connector *c, const char *thread, int64_t before,
    unsigned limit, history_fn fn, void *arg) {
    store_messages(c->core->store, thread, before, -1, limit, true, fn, arg);
}

void connector_typing(struct connector *c, const char *thread, bool on) {
    live_client_typing(c->core, thread, on);
}

void connector_follow(struct connector *c, struct sink *sink) {
    core_follow(c->core, sink);
}
