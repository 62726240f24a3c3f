/* rules_decide.c - what rules do about one thing that happened: each is held, in their order,
 * against the thread as it is now and as the ones before will have made it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json_text.h"
#include "base/log.h"
#include "base/mem.h"
#include "core/rules/rules_private.h"

#define LABELS_MAX 20
#define KEY_SIZE 128

struct deciding {
    struct core *core;
    struct rule_set *set;
    struct rules_case what;
    rules_decided_fn fn;
    void *arg;
    json_t *loaded; /* store_delivery() */
    struct folded text;
    bool has_text;
    json_t *chain; /* rules that led to this, borrowed; NULL none */
    /* The thread, as it will be. */
    char assignee[72];
    json_t *labels;
    bool closed;
    char responsible[72];
    int is_responsible; /* struct rule_facts */
    json_t *acts;
    bool assigned; /* one rule has assigned it: others do not */
    char given[KEY_SIZE];
    size_t rule, step; /* where we are */
    json_t *mark;      /* of this rule: what its steps say of it */
};

static const json_t *thread_of(const struct deciding *d) {
    return json_object_get(d->loaded, "thread");
}

static void decided(struct deciding *d, const struct err *err) {
    json_t *plan = NULL;
    if (!err && json_array_size(d->acts) > 0)
        plan = json_pack(
            "{s:s,s:O,s:s}", "thread", d->what.thread, "acts", d->acts, "given", d->given);
    d->fn(d->arg, plan, err);
    rule_set_drop(&d->set);
    json_decref(d->loaded);
    json_decref(d->labels);
    json_decref(d->acts);
    json_decref(d->mark);
    if (d->has_text)
        fold_free(&d->text);
    free(d);
}

/* --- does it apply? -------------------------------------------------------------------------- */

static struct rule_facts facts_of(const struct deciding *d) {
    const json_t *profile = json_object_get(json_object_get(d->loaded, "client"), "profile");
    return (struct rule_facts){.events = d->what.events,
        .channel = json_text(thread_of(d), "channel"),
        .connector = json_text(thread_of(d), "connector"),
        .assignee = d->assignee,
        .labels = d->labels,
        .text = d->has_text ? &d->text : NULL,
        .locale = json_text(profile, "locale"),
        .first = json_integer_value(json_object_get(d->loaded, "episode")) == 1,
        .responsible = d->is_responsible,
        .open = core_is_open(d->core, json_text(thread_of(d), "channel"), d->what.at_ms, NULL)};
}

static bool is_in_chain(const struct deciding *d, const char *rule) {
    size_t i;
    json_t *one;
    json_array_foreach(d->chain, i, one) {
        const char *id = json_string_value(one);
        if (id && strcmp(id, rule) == 0)
            return true;
    }
    return false;
}

/* A rule does not set itself off, not even by way of others; and a chain of them ends. */
static bool applies(const struct deciding *d, const struct rule *r, const struct rule_facts *f) {
    if ((d->what.rule[0] && strcmp(d->what.rule, r->id) != 0) || r->live_ms > d->what.at_ms ||
        !rule_matches(r, f) || is_in_chain(d, r->id))
        return false;
    if (json_array_size(d->chain) < RULE_DEPTH_MAX)
        return true;
    LOG_WARN(d->core->env->log, "rules.chain_ended", LOG_S("rule", r->id),
        LOG_S("thread", d->what.thread), LOG_I("after", json_array_size(d->chain)));
    return false;
}

static json_t *mark_of(const struct deciding *d, const struct rule *r, const struct rule_facts *f) {
    json_t *chain = d->chain ? json_copy(d->chain) : json_array();
    json_array_append_new(chain, json_string(r->id));
    json_t *mark = json_pack("{s:s,s:s,s:s,s:o,s:o}", "id", r->id, "name", r->name, "on",
        rule_event_name(r->on), "why", rule_why(r, f), "chain", chain);
    if (r->after_ms)
        json_object_set_new(mark, "after", json_integer(r->after_ms / 1000));
    return mark;
}

/* --- its steps ------------------------------------------------------------------------------- */

/* A new step of this rule; takes more over. A text goes out once while the matter lasts, and that
 * nobody can take it is said once; the others are done once for the event. */
static void add_step(struct deciding *d, const char *what, json_t *more) {
    const struct rule *r = d->set->rules[d->rule];
    char key[KEY_SIZE];
    int64_t episode = json_integer_value(json_object_get(d->loaded, "episode"));
    if (strcmp(what, "send") == 0 || strcmp(what, "nobody") == 0)
        snprintf(key, sizeof key, "R:%s:e%lld:%s", r->id, (long long)episode, what);
    else if (d->what.since_ms)
        snprintf(key, sizeof key, "R:%s:u%lld:%zu", r->id, (long long)d->what.since_ms, d->step);
    else
        snprintf(key, sizeof key, "R:%s:%lld:%zu", r->id, (long long)d->what.seq, d->step);
    json_object_set_new(more, "do", json_string(what));
    json_object_set_new(more, "key", json_string(key));
    json_object_set(more, "rule", d->mark);
    json_array_append_new(d->acts, more);
}

/* Where the label is among the thread's; how many there are: nowhere. */
static size_t label_at(const struct deciding *d, const char *label) {
    size_t i;
    json_t *one;
    json_array_foreach(d->labels, i, one) {
        const char *s = json_string_value(one);
        if (s && strcmp(s, label) == 0)
            break;
    }
    return i;
}

static void step_label(struct deciding *d, const char *label, bool on) {
    size_t at = label_at(d, label), n = json_array_size(d->labels);
    if ((at < n) == on || (on && n >= LABELS_MAX))
        return;
    if (on)
        json_array_append_new(d->labels, json_string(label));
    else
        json_array_remove(d->labels, at);
    add_step(d, on ? "label" : "unlabel",
        json_pack("{s:s,s:o}", "value", label, "labels", json_copy(d->labels)));
}

static void go(struct deciding *d);

static void on_chosen(void *arg, const char *name, const struct err *err) {
    struct deciding *d = arg;
    if (err) {
        decided(d, err);
        return;
    }
    if (!*name) {
        add_step(d, "nobody", json_object());
    } else if (strcmp(name, d->assignee) != 0) {
        add_step(d, "assign", json_pack("{s:s,s:s}", "to", name, "was", d->assignee));
        snprintf(d->assignee, sizeof d->assignee, "%s", name);
    }
    d->step++;
    go(d);
}

/* True: it goes on when it is known who. */
static bool step_assign(struct deciding *d, const json_t *how) {
    const struct rule *r = d->set->rules[d->rule];
    if (d->assigned)
        return false;
    d->assigned = true;
    snprintf(d->given, sizeof d->given, "%s:%lld:%s", d->what.thread,
        (long long)(d->what.since_ms ? d->what.since_ms : d->what.seq), r->id);
    struct rules_assign a = {.how = how,
        .rule = r->id,
        .given = d->given,
        .responsible = d->responsible,
        .but = r->on == RULE_UNANSWERED ? d->assignee : ""};
    rules_assign(d->core, &a, on_chosen, d);
    return true;
}

/* True: it goes on later. */
static bool take_step(struct deciding *d, const json_t *action) {
    const char *kind = json_object_iter_key(json_object_iter((json_t *)action));
    json_t *value = json_object_get(action, kind);
    if (strcmp(kind, "assign") == 0)
        return step_assign(d, value);
    if (strcmp(kind, "label") == 0 || strcmp(kind, "unlabel") == 0) {
        step_label(d, json_string_value(value), kind[0] == 'l');
    } else if (strcmp(kind, "close") != 0) {
        add_step(d, kind, json_pack("{s:O}", "value", value));
    } else if (!d->closed) {
        d->closed = true;
        add_step(d, "close", json_pack("{s:s}", "channel", json_text(thread_of(d), "channel")));
    }
    return false;
}

/* From rule and step on, until something has to be asked. */
static void go(struct deciding *d) {
    for (; d->rule < d->set->n; d->rule++, d->step = 0) {
        const struct rule *r = d->set->rules[d->rule];
        if (d->step == 0) {
            struct rule_facts f = facts_of(d);
            if (!applies(d, r, &f))
                continue;
            json_decref(d->mark);
            d->mark = mark_of(d, r, &f);
        }
        for (; d->step < json_array_size(r->actions); d->step++)
            if (take_step(d, json_array_get(r->actions, d->step)))
                return;
    }
    decided(d, NULL);
}

/* --- what is known --------------------------------------------------------------------------- */

static void on_responsible(void *arg, const char *name, const struct err *err) {
    struct deciding *d = arg;
    if (err) {
        decided(d, err);
        return;
    }
    snprintf(d->responsible, sizeof d->responsible, "%s", name);
    d->is_responsible = *name != '\0';
    go(d);
}

/* Is it as it was when this was found? */
static bool is_still(const struct deciding *d) {
    const json_t *t = thread_of(d);
    int64_t since = 0;
    if (json_is_string(json_object_get(t, "merged_into")) ||
        json_is_true(json_object_get(t, "blocked")))
        return false;
    if (!d->what.since_ms)
        return json_is_object(json_object_get(d->loaded, "message"));
    return clock_parse(json_text(t, "waiting_since"), &since) == 0 && since == d->what.since_ms;
}

static void on_loaded(void *arg, json_t *result, const struct err *err) {
    struct deciding *d = arg;
    const json_t *m = json_object_get(result, "message");
    d->loaded = json_incref(result);
    if (err || !is_still(d)) {
        decided(d, err && err->code != ERR_NOT_FOUND ? err : NULL);
        return;
    }
    const json_t *text = json_object_get(m, "text"), *t = thread_of(d);
    const json_t *mark = json_object_get(json_object_get(m, "event"), "rule");
    d->chain = json_object_get(mark ? mark : json_object_get(m, "rule"), "chain");
    if (strcmp(json_text(m, "direction"), "in") == 0) {
        d->has_text = true;
        fold_text(&d->text, json_text(m, "text"), json_string_length(text));
    }
    snprintf(d->assignee, sizeof d->assignee, "%s", json_text(t, "assignee"));
    d->labels = json_copy(json_object_get(t, "labels"));
    d->closed = strcmp(json_text(t, "state"), "closed") == 0;
    if (d->set->cards)
        core_responsible(
            d->core, json_text(json_object_get(d->loaded, "client"), "id"), on_responsible, d);
    else
        go(d);
}

void rules_decide(struct core *core, struct rule_set *set, const struct rules_case *c,
    rules_decided_fn fn, void *arg) {
    struct deciding *d = mem_zalloc(sizeof *d);
    *d = (struct deciding){.core = core,
        .set = rule_set_hold(set),
        .what = *c,
        .fn = fn,
        .arg = arg,
        .acts = json_array(),
        .is_responsible = 0};
    store_delivery(core->store, c->thread, c->seq, on_loaded, d);
}
