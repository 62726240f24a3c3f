/* rules_act.c - does what rules have decided, step by step. Each step has a key of its own, so one
 * that was done before a crash is not done again. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json_text.h"
#include "base/log.h"
#include "base/mem.h"
#include "core/rules/rules_private.h"

struct acting {
    struct core *core;
    json_t *plan;
    size_t at;
    store_done_fn fn;
    void *arg;
};

static void act(struct acting *a);

static const json_t *step_of(const struct acting *a) {
    return json_array_get(json_object_get(a->plan, "acts"), a->at);
}

static void end(struct acting *a, const struct err *err) {
    if (!err && *json_text(a->plan, "given"))
        store_turn_done(a->core->store, json_text(a->plan, "given"));
    a->fn(a->arg, err);
    json_decref(a->plan);
    free(a);
}

/* What cannot be done any more is left out, and said; what passes is tried again, with all of it.
 */
static void stepped(struct acting *a, const struct err *err) {
    const json_t *step = step_of(a);
    if (err_passes(err)) {
        end(a, err);
        return;
    }
    if (err)
        LOG_INFO(a->core->env->log, "rules.not_done",
            LOG_S("rule", json_text(json_object_get(step, "rule"), "id")),
            LOG_S("thread", json_text(a->plan, "thread")), LOG_S("step", json_text(step, "do")),
            LOG_E(err));
    a->at++;
    act(a);
}

static void on_event_stored(void *arg, const struct store_appended *r, const struct err *err) {
    struct acting *a = arg;
    if (!err && !r->duplicate)
        LOG_DEBUG(a->core->env->log, "rules.done",
            LOG_S("rule", json_text(json_object_get(step_of(a), "rule"), "id")),
            LOG_S("thread", r->thread), LOG_S("message", r->message),
            LOG_S("step", json_text(step_of(a), "do")));
    stepped(a, err);
}

/* An entry of the thread with what it does to it. Takes event over. */
static void append(struct acting *a, struct store_append *in, json_t *event, const char *more) {
    const json_t *step = step_of(a);
    char *key = mem_printf("%s%s", json_text(step, "key"), more);
    json_object_set(event, "rule", json_object_get(step, "rule"));
    json_t *body = json_pack("{s:o}", "event", event);
    in->direction = DIRECTION_EVENT;
    in->thread = json_text(a->plan, "thread");
    in->dedupe = key;
    in->body = body;
    store_append(a->core->store, in, on_event_stored, a);
    json_decref(body);
    free(key);
}

/* --- the steps ------------------------------------------------------------------------------- */

static void do_assign(struct acting *a, const json_t *step) {
    struct store_append in = {
        .assignee = json_text(step, "to"), .while_assigned = json_text(step, "was")};
    append(a, &in,
        json_pack("{s:s,s:s,s:s}", "type", "assigned", "to", json_text(step, "to"), "by", ""), "");
}

static void do_label(struct acting *a, const json_t *step) {
    struct store_append in = {.label_add = json_text(step, "value")};
    append(a, &in,
        json_pack("{s:s,s:O}", "type", "labels", "labels", json_object_get(step, "labels")), "");
}

static void do_unlabel(struct acting *a, const json_t *step) {
    struct store_append in = {.label_remove = json_text(step, "value")};
    append(a, &in,
        json_pack("{s:s,s:O}", "type", "labels", "labels", json_object_get(step, "labels")), "");
}

static void do_close(struct acting *a, const json_t *step) {
    struct store_append in = {
        .state = "closed", .ask_ms = rating_due(a->core, json_text(step, "channel"), clock_ms())};
    append(a, &in, json_pack("{s:s,s:s}", "type", "state", "to", "closed"), "");
}

static void do_nobody(struct acting *a, const json_t *step) {
    struct store_append in = {.state = NULL};
    (void)step;
    append(a, &in, json_pack("{s:s,s:s}", "type", "rule", "what", "nobody"), "");
}

/* A text that cannot go out is said to the agents instead. */
static void on_posted(void *arg, const struct err *err) {
    struct acting *a = arg;
    struct store_append in = {.state = NULL};
    if (!err || err_passes(err)) {
        stepped(a, err);
        return;
    }
    append(a, &in,
        json_pack("{s:s,s:s,s:s}", "type", "rule", "what", "not_sent", "text", err->text), ":x");
}

static void post(struct acting *a, const json_t *step, bool note) {
    json_t *body = json_pack("{s:O,s:b}", "text", json_object_get(step, "value"), "note", note);
    outbound_by_rule(a->core, json_text(a->plan, "thread"), body, json_object_get(step, "rule"),
        json_text(step, "key"), on_posted, a);
    json_decref(body);
}

static void do_send(struct acting *a, const json_t *step) {
    post(a, step, false);
}

static void do_note(struct acting *a, const json_t *step) {
    post(a, step, true);
}

static const struct {
    const char *name;
    void (*fn)(struct acting *a, const json_t *step);
} steps[] = {{"assign", do_assign}, {"label", do_label}, {"unlabel", do_unlabel}, {"send", do_send},
    {"note", do_note}, {"close", do_close}, {"nobody", do_nobody}};

static void act(struct acting *a) {
    const json_t *step = step_of(a);
    if (!step) {
        end(a, NULL);
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(steps); i++)
        if (strcmp(steps[i].name, json_text(step, "do")) == 0) {
            steps[i].fn(a, step);
            return;
        }
    a->at++; /* of a later version */
    act(a);
}

void rules_act(struct core *core, const json_t *plan, store_done_fn fn, void *arg) {
    struct acting *a = mem_alloc(sizeof *a);
    *a = (struct acting){.core = core, .plan = json_incref((json_t *)plan), .fn = fn, .arg = arg};
    act(a);
}
