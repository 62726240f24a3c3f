/* inbound.c - what connectors tell the core: messages, receipts, typing, and their questions. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "core/core_private.h"
#include "model/rating.h"
#include "model/revision.h"
#include "store/store_amend.h"

struct arrival {
    struct connector *connector;
    inbound_fn fn;
    void *arg;
    uint64_t began_us;
    json_t *part; /* of an album: the body, for the message that may be there already */
    char *alias;
};

static void count(const struct connector *c, const char *result) {
    char label[80];
    snprintf(label, sizeof label, "%s|%s", c->channel, result);
    metrics_add(c->env->metrics, M_RECEIVED, label, 1);
}

static void arrival_free(struct arrival *in) {
    json_decref(in->part);
    free(in->alias);
    free(in);
}

static int add_part(void *arg, json_t *body, struct err *err) {
    (void)err;
    return revision_part(body, ((struct arrival *)arg)->part);
}

static void on_stored(void *arg, const struct store_appended *r, const struct err *err);

/* The album's message is there: this is one more part of it (or the first one, come again). */
static void join_album(struct arrival *in, const struct store_appended *r) {
    struct store_amend a = {.thread = r->thread,
        .seq = r->seq,
        .once = in->alias,
        .word = "part_added",
        .channel = in->connector->channel,
        .fetch = revision_waits(in->part),
        .edit = add_part,
        .edit_arg = in};
    store_amend(in->connector->core->store, &a, on_stored, in);
}

static void on_appended(void *arg, const struct store_appended *r, const struct err *err) {
    struct arrival *in = arg;
    if (!err && r->duplicate && in->part)
        join_album(in, r);
    else
        on_stored(arg, r, err);
}

static void on_stored(void *arg, const struct store_appended *r, const struct err *err) {
    struct arrival *in = arg;
    struct connector *c = in->connector;
    metrics_add(c->env->metrics, M_STORING, NULL, -1);
    c->core->waited_us += clock_mono_us() - in->began_us;
    if (err) {
        bool later = err->code == ERR_UNAVAILABLE || err->code == ERR_TIMEOUT;
        count(c, later ? "unavailable" : "refused");
        LOG_WARN(c->env->log, "message.not_stored", LOG_S("channel", c->channel), LOG_E(err));
        in->fn(in->arg, NULL, err);
        arrival_free(in);
        return;
    }
    struct inbound_result out = {
        .duplicate = r->duplicate, .seq = r->seq, .received_ms = r->received_ms};
    memcpy(out.client, r->client, ID_SIZE);
    memcpy(out.thread, r->thread, ID_SIZE);
    memcpy(out.message, r->message, ID_SIZE);
    count(c, r->duplicate ? "duplicate" : "stored");
    if (!r->duplicate)
        channel_came(core_channel(c->core, c->channel));
    LOG_DEBUG(c->env->log, r->duplicate ? "message.duplicate" : "message.stored",
        LOG_S("channel", c->channel), LOG_S("thread", r->thread), LOG_S("message", r->message),
        LOG_I("seq", r->seq));
    in->fn(in->arg, &out, NULL);
    arrival_free(in);
}

static char *dedupe_key(const struct connector *c, const char *external_id) {
    return external_id && *external_id ? mem_printf("c:%s:%s", c->channel, external_id) : NULL;
}

/* Only what a script may paste into a body as it is. */
static bool is_route(const char *s) {
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789=_:/.+-";
    return strlen(s) <= 200 && s[strspn(s, allowed)] == '\0';
}

/* The body as it is stored: with who, which and where from. */
static json_t *stored_body(const struct inbound *in) {
    json_t *body = json_copy((json_t *)in->body);
    if (in->kind == INBOUND_MESSAGE)
        json_object_set_new(body, "from",
            json_pack("{s:s,s:s,s:s}", "kind", in->from.kind, "address", in->from.address, "name",
                in->from.name ? in->from.name : ""));
    if (in->external_id && *in->external_id)
        json_object_set_new(body, "external_id", json_string(in->external_id));
    if (in->past_ms)
        json_object_set_new(body, "past", json_true());
    if (in->route && *in->route)
        json_object_set_new(body, "route", json_string(in->route));
    return body;
}

static void on_too_early(void *arg) {
    struct err err;
    err_set(&err, ERR_UNAVAILABLE, "this worker is starting: the working hours are being read");
    on_stored(arg, NULL, &err);
}

/* The same when it is a rating: then it is no message. NULL: it is none. */
static json_t *rated_body(const struct connector *c, const struct inbound *in, int score) {
    if (!score || !c->rating.can || in->kind != INBOUND_MESSAGE || in->past_ms)
        return NULL;
    json_t *body = rating_event(score);
    if (in->external_id && *in->external_id)
        json_object_set_new(body, "external_id", json_string(in->external_id));
    if (json_object_get(in->body, "raw"))
        json_object_set(body, "raw", json_object_get(in->body, "raw"));
    return body;
}

void connector_inbound(struct connector *c, const struct inbound *in, inbound_fn fn, void *arg) {
    static const enum direction directions[] = {[INBOUND_MESSAGE] = DIRECTION_IN,
        [INBOUND_OWN] = DIRECTION_OUT,
        [INBOUND_EVENT] = DIRECTION_EVENT};
    int64_t now = clock_ms();
    bool has_album = in->album && *in->album, has_same = in->same && *in->same;
    struct arrival *a = mem_zalloc(sizeof *a);
    *a = (struct arrival){.connector = c, .fn = fn, .arg = arg, .began_us = clock_mono_us()};
    metrics_add(c->env->metrics, M_STORING, NULL, 1);
    if (!core_is_ready(c->core)) {
        loop_defer(c->env->loop, on_too_early, a);
        return;
    }
    char *own = dedupe_key(c, in->external_id);
    char *first = has_album  ? dedupe_key(c, in->album)
                  : has_same ? mem_printf("s:%s:%s", in->from.kind, in->same)
                             : NULL;
    char *reply_to = dedupe_key(c, in->reply_to);
    json_t *body = stored_body(in);
    int score = rating_score(in->body);
    json_t *rated = rated_body(c, in, score);
    if (has_album) {
        a->part = json_incref(body);
        a->alias = own ? mem_strdup(own) : NULL;
    }
    struct store_append append = {.direction = directions[in->kind],
        .from = &in->from,
        .profile = in->profile,
        .channel = c->channel,
        .connector = c->ops->name,
        .dedupe = first ? first : own,
        .alias = first ? own : NULL,
        .reply_to = reply_to,
        .route = in->route && is_route(in->route) ? in->route : NULL,
        .take_address = in->take_address,
        .fetch = c->ops->fetch && revision_waits(body),
        .window_until_ms = in->window_until_ms,
        .free_by_ms = in->free_by_ms,
        .free_for_ms = in->free_for_ms,
        .past_ms = in->past_ms,
        .rated = rated,
        .score = score,
        .body = body};
    if (in->kind == INBOUND_MESSAGE && !in->past_ms) {
        terms_of_question(c->core, c->channel, now, &append);
        append.unwanted = rules_unwanted(c->core, c->channel, c->ops->name, body);
    }
    if (in->kind == INBOUND_OWN && !in->past_ms)
        terms_of_answer(c->core, c->channel, now, &append);
    store_append(c->core->store, &append, on_appended, a);
    json_decref(rated);
    json_decref(body);
    free(own);
    free(first);
    free(reply_to);
}

void connector_waited(struct connector *c, uint64_t us) {
    c->core->waited_us += us;
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

void connector_window_over(struct connector *c, const char *thread, int64_t before_ms) {
    store_window_over(c->core->store, thread, c->channel, before_ms);
}

void connector_settle(
    struct connector *c, const struct settlement *st, core_done_fn fn, void *arg) {
    struct store_settlement s = {.thread = st->thread,
        .seq = st->seq,
        .external_id = st->external_id,
        .status = st->status,
        .is_part = st->is_part,
        .why = st->why,
        .note = st->note};
    store_settle(c->core->store, c->channel, &s, fn, arg);
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
        out.closed = r->closed;
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
    store_link(c->core->store, from, into, false, on_answer, q);
}

void connector_move(struct connector *c, const struct identity *from, const struct identity *to,
    lookup_fn fn, void *arg) {
    struct question *q = mem_alloc(sizeof *q);
    *q = (struct question){fn, arg};
    store_link(c->core->store, from, to, true, on_answer, q);
}

void connector_identify(struct connector *c, const struct identity *who,
    const struct identity *also, core_done_fn fn, void *arg) {
    store_identify(c->core->store, who, also, fn, arg);
}

void connector_retire(struct connector *c, const struct identity *who, const struct identity *was,
    core_done_fn fn, void *arg) {
    store_retire(c->core->store, who, was, fn, arg);
}

struct invitation {
    connector_invite_fn fn;
    void *arg;
    char token[CRYPTO_TOKEN_SIZE];
};

static void on_invited(void *arg, const struct err *err) {
    struct invitation *i = arg;
    i->fn(i->arg, err ? NULL : i->token, err);
    explicit_bzero(i, sizeof *i);
    free(i);
}

void connector_invite(struct connector *c, const struct identity *who, unsigned ttl_s,
    connector_invite_fn fn, void *arg) {
    struct invitation *i = mem_zalloc(sizeof *i);
    i->fn = fn;
    i->arg = arg;
    crypto_token(i->token);
    i->token[32] = '\0'; /* 192 bits */
    store_invite(c->core->store, i->token, who, ttl_s, on_invited, i);
}

void connector_redeem(
    struct connector *c, const char *token, const struct identity *by, lookup_fn fn, void *arg) {
    struct question *q = mem_alloc(sizeof *q);
    *q = (struct question){fn, arg};
    store_redeem(c->core->store, token, by, on_answer, q);
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
