/* api_rules_try.c - what a rule would have done in the last threads, had it been there. Changes
 * nothing. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/api_private.h"
#include "base/clock.h"
#include "base/json_text.h"
#include "base/mem.h"
#include "core/rules/rules.h"
#include "model/rule.h"

#define THREADS_DEFAULT 50
#define THREADS_MAX 100
#define MESSAGES_MAX 200 /* of each thread, the last ones */

/* One thread after another, so that a trial is no load. */
struct trial {
    struct call *call;
    struct rule *rule;
    json_t *threads, *matched, *one; /* one: {"thread","client"} */
    size_t at;
    char responsible[72];
};

static void next(struct trial *t);

static void trial_end(struct trial *t, const struct err *err) {
    if (err)
        call_err(t->call, err);
    else
        call_ok(t->call, 200,
            json_pack("{s:I,s:O}", "tried", (json_int_t)t->at, "matched", t->matched));
    rule_free(t->rule);
    json_decref(t->threads);
    json_decref(t->matched);
    json_decref(t->one);
    free(t);
}

/* The rule's actions; who it would be, where that does not hang on others. */
static json_t *would(const struct trial *t) {
    json_t *out = json_deep_copy(t->rule->actions), *action;
    size_t i;
    json_array_foreach(out, i, action) {
        json_t *assign = json_object_get(action, "assign");
        const json_t *agents = json_object_get(assign, "agents");
        if (json_is_true(json_object_get(assign, "responsible")) && *t->responsible)
            json_object_set_new(assign, "to", json_string(t->responsible));
        else if (json_array_size(agents) == 1)
            json_object_set(assign, "to", json_array_get(agents, 0));
    }
    return out;
}

static bool is_open(void *arg, const char *channel, int64_t ms) {
    const struct trial *t = arg;
    return core_is_open(t->call->api->core, channel, ms, NULL);
}

static void on_messages(void *arg, json_t *messages, const struct err *err) {
    struct trial *t = arg;
    const json_t *thread = json_object_get(t->one, "thread");
    const json_t *client = json_object_get(t->one, "client");
    if (err && err->code != ERR_NOT_FOUND) {
        trial_end(t, err);
        return;
    }
    struct rule_past past = {.thread = thread,
        .messages = messages,
        .locale = json_text(json_object_get(client, "profile"), "locale"),
        .responsible = *t->responsible != '\0',
        .now_ms = clock_ms(),
        .is_open = is_open,
        .arg = t};
    json_t *found = err ? NULL : rule_replay(t->rule, &past);
    if (found) {
        json_object_set(found, "thread", json_object_get(thread, "id"));
        json_object_set(found, "client", json_object_get(thread, "client"));
        json_object_set(found, "channel", json_object_get(thread, "channel"));
        json_object_set_new(found, "would", would(t));
        json_array_append_new(t->matched, found);
    }
    t->at++;
    next(t);
}

static void on_responsible(void *arg, const char *name, const struct err *err) {
    struct trial *t = arg;
    if (err) {
        trial_end(t, err);
        return;
    }
    snprintf(t->responsible, sizeof t->responsible, "%s", name);
    store_messages(t->call->api->store, json_text(json_object_get(t->one, "thread"), "id"), -1, -1,
        MESSAGES_MAX, false, on_messages, t);
}

static void on_thread(void *arg, json_t *result, const struct err *err) {
    struct trial *t = arg;
    if (err) {
        trial_end(t, err);
        return;
    }
    json_decref(t->one);
    t->one = json_incref(result);
    core_responsible(
        t->call->api->core, json_text(json_object_get(result, "client"), "id"), on_responsible, t);
}

static void next(struct trial *t) {
    const json_t *thread = json_array_get(t->threads, t->at);
    if (thread)
        store_thread(t->call->api->store, json_text(thread, "id"), on_thread, t);
    else
        trial_end(t, NULL);
}

static void on_threads(void *arg, json_t *result, const struct err *err) {
    struct trial *t = arg;
    if (err) {
        trial_end(t, err);
        return;
    }
    t->threads = json_incref(json_object_get(result, "threads"));
    next(t);
}

static void rules_try(struct call *c) {
    static const char *const known[] = {"rule", "threads", NULL};
    struct err err;
    json_t *body = call_body(c, known);
    if (!body)
        return;
    c->subject = body;
    const json_t *n = json_object_get(c->subject, "threads");
    json_int_t threads = n ? json_integer_value(n) : THREADS_DEFAULT;
    if (threads < 1 || threads > THREADS_MAX) {
        call_fail(c, ERR_INVALID, "threads must be a number of 1 to %d", THREADS_MAX);
        return;
    }
    struct rule *rule = rule_parse(json_object_get(c->subject, "rule"), NULL, &err);
    if (!rule) {
        call_err(c, &err);
        return;
    }
    struct trial *t = mem_zalloc(sizeof *t);
    *t = (struct trial){.call = c, .rule = rule, .matched = json_array()};
    struct store_query q = {.view = "all", .limit = (unsigned)threads};
    store_threads(c->api->store, &q, on_threads, t);
}

HANDLER(api_rules_try) {
    api_begin(api, x, SCOPE_ADMIN, ROLE_ADMIN, rules_try);
}
