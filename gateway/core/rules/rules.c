/* rules.c - follows the events of the shards that we own, for rules. A follower has a place in the
 * shard's events that stands in Redis: what is begun is written there with the place that follows
 * from it, then done, then the place moves, all under the shard's lease. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json_text.h"
#include "base/log.h"
#include "base/mem.h"
#include "core/rules/rules_private.h"
#include "store/store_desk.h"
#include "store/store_record.h"

#define BATCH 256
#define PACE_MS 100 /* a shard is looked at so often at most: what comes meanwhile is one batch */
#define WAITING_MS 500 /* who waits too long is looked for so often */
#define SAVE_MS 1000   /* the place of what nothing was done about is kept so often */
#define AGAIN_MS 500   /* after a failure */
#define RELOAD_MS 5000 /* the rules are read so often also when nobody told of a change */

struct wanted;
struct follower {
    struct core *core;
    unsigned shard;
    char token[STORE_TOKEN_SIZE];  /* "" not ours */
    char place[STORE_CURSOR_SIZE]; /* looked at up to; "" as it is kept */
    char end[STORE_CURSOR_SIZE];   /* of the batch */
    bool busy, poked, full, unsaved;
    unsigned turn, of_turn; /* how often the shard was won or lost; when what is under way began */
    int64_t rev;            /* of the rules, as this shard last told */
    uint64_t next_ms, next_waiting_ms, next_save_ms;
    struct rule_set *set; /* while busy */
    struct rules_case *cases;
    struct wanted *wanted; /* of each, while they are looked at */
    size_t n, at;
    json_t *plan; /* being begun or done */
};

struct rules {
    struct core *core;
    struct follower *followers; /* by shard */
    struct rule_set *set;       /* NULL: not read yet */
    bool loading, stale, stopped;
    uint64_t next_load_ms;
};

static void run(struct follower *f);

/* --- the rules themselves -------------------------------------------------------------------- */

struct rule_set *rule_set_hold(struct rule_set *s) {
    s->refs++;
    return s;
}

void rule_set_drop(struct rule_set **sp) {
    struct rule_set *s = *sp;
    *sp = NULL;
    if (!s || --s->refs)
        return;
    for (size_t i = 0; i < s->n; i++)
        rule_free(s->rules[i]);
    free(s->rules);
    free(s);
}

struct rule *core_rule_of(struct core *core, const char *id, const json_t *thing) {
    struct err err;
    struct rule *r = rule_parse(json_object_get(thing, "rule"), id, &err);
    if (!r)
        LOG_WARN(core->env->log, "rules.unreadable", LOG_S("rule", id), LOG_E(&err));
    else
        r->live_ms = json_integer_value(json_object_get(thing, "live"));
    return r;
}

static int by_order(const void *a, const void *b) {
    return rule_compare(*(struct rule *const *)a, *(struct rule *const *)b);
}

static bool asks_for_cards(const struct rule *r) {
    return r->responsible >= 0 ||
           json_is_true(json_object_get(rule_action(r, "assign"), "responsible"));
}

static void take_rule(struct rule_set *s, struct rule *r) {
    static const char signs[RULE_EVENTS] = {[RULE_MESSAGE] = 'i',
        [RULE_OPENED] = 'n',
        [RULE_REOPENED] = 'r',
        [RULE_ASSIGNED] = 'a',
        [RULE_LABELED] = 'l',
        [RULE_CLOSED] = 'c'};
    if (signs[r->on] && !strchr(s->signs, signs[r->on]))
        s->signs[strlen(s->signs)] = signs[r->on];
    s->texts = s->texts || rule_reads(r);
    s->cards = s->cards || asks_for_cards(r);
    s->hours = s->hours || r->open >= 0;
    s->nwaiting += r->on == RULE_UNANSWERED;
    if (s->n == 0 || r->live_ms < s->live_from_ms)
        s->live_from_ms = r->live_ms;
    s->rules[s->n++] = r;
}

static void wake_all(struct rules *rs) {
    for (unsigned i = 0; i < store_shards(rs->core->store); i++) {
        rs->followers[i].poked = true;
        run(&rs->followers[i]);
    }
}

const struct rule_set *rules_now(const struct core *core) {
    return core->rules ? core->rules->set : NULL;
}

static void load(struct rules *rs);

static void on_shelf(void *arg, json_t *result, const struct err *err) {
    struct rules *rs = arg;
    const char *id;
    json_t *thing;
    rs->loading = false;
    if (rs->stopped)
        return;
    if (rs->stale || err) {
        if (!err)
            load(rs);
        else
            rs->next_load_ms = clock_mono_ms() + AGAIN_MS;
        return;
    }
    struct rule_set *s = mem_zalloc(sizeof *s);
    const json_t *things = json_object_get(result, "things");
    s->refs = 1;
    s->rules = mem_alloc((json_object_size(things) + 1) * sizeof(struct rule *));
    json_object_foreach((json_t *)things, id, thing) {
        struct rule *r = core_rule_of(rs->core, id, thing);
        if (r && r->enabled)
            take_rule(s, r);
        else
            rule_free(r);
    }
    qsort(s->rules, s->n, sizeof(struct rule *), by_order);
    s->mark = rules_mark(s);
    rule_set_drop(&rs->set);
    rs->set = s;
    wake_all(rs);
}

static void load(struct rules *rs) {
    rs->stale = rs->loading;
    if (rs->loading || rs->stopped || !store_is_up(rs->core->store))
        return;
    rs->loading = true;
    rs->next_load_ms = clock_mono_ms() + RELOAD_MS;
    store_shelf(rs->core->store, "rules", on_shelf, rs);
}

void rules_changed(struct core *core) {
    if (core->rules)
        load(core->rules);
}

/* --- a follower's steps ---------------------------------------------------------------------- */

static void rest(struct follower *f) {
    f->busy = false;
    f->n = f->at = 0;
    json_decref(f->plan);
    f->plan = NULL;
    rule_set_drop(&f->set);
}

/* From what is kept, a little later. */
static void again(struct follower *f) {
    rest(f);
    f->place[0] = '\0';
    f->unsaved = false;
    f->next_ms = clock_mono_ms() + AGAIN_MS;
    f->poked = true;
}

static bool is_over(struct follower *f, const struct err *err) {
    if (!err && f->token[0] && f->of_turn == f->turn && !f->core->stopped)
        return false;
    if (err && !err_passes(err) && err->code != ERR_CONFLICT)
        LOG_ERROR(f->core->env->log, "rules.failed", LOG_I("shard", f->shard), LOG_E(err));
    again(f);
    return true;
}

static void next_case(struct follower *f);

static struct rules_case *case_of(const struct follower *f) {
    return &f->cases[f->at];
}

/* --- what is begun is done ------------------------------------------------------------------- */

static void on_done_kept(void *arg, const struct err *err) {
    struct follower *f = arg;
    if (is_over(f, err))
        return;
    if (strcmp(json_text(f->plan, "field"), "place") == 0)
        snprintf(f->place, sizeof f->place, "%s", json_text(f->plan, "value"));
    json_decref(f->plan);
    f->plan = NULL;
    f->poked = true; /* what was done are events, too */
    f->at++;
    next_case(f);
}

static void on_acted(void *arg, const struct err *err) {
    struct follower *f = arg;
    if (is_over(f, err))
        return;
    const char *pairs[] = {
        "plan", "", json_text(f->plan, "field"), json_text(f->plan, "value"), NULL};
    store_rules_put(f->core->store, f->shard, f->token, pairs, on_done_kept, f);
}

static void on_plan_kept(void *arg, const struct err *err) {
    struct follower *f = arg;
    if (!is_over(f, err))
        rules_act(f->core, f->plan, on_acted, f);
}

/* What the plan moves when it is done: the place in the events, or of those who wait. */
static void add_end(struct follower *f, json_t *plan) {
    const struct rules_case *c = case_of(f);
    if (c->since_ms) {
        json_object_set_new(plan, "field", json_sprintf("u:%s", c->rule));
        json_object_set_new(
            plan, "value", json_sprintf("%lld", (long long)(c->since_ms - c->more)));
    } else {
        json_object_set_new(plan, "field", json_string("place"));
        json_object_set_new(plan, "value", json_string(c->place));
    }
}

static void on_decided(void *arg, json_t *plan, const struct err *err) {
    struct follower *f = arg;
    bool is_lost = err && !err_passes(err); /* of this one event nothing will ever come */
    if (is_lost)
        LOG_ERROR(f->core->env->log, "rules.not_decided", LOG_S("thread", case_of(f)->thread),
            LOG_E(err));
    if (is_over(f, is_lost ? NULL : err)) {
        json_decref(plan);
        return;
    }
    if (!plan) {
        f->at++;
        next_case(f);
        return;
    }
    add_end(f, plan);
    f->plan = plan;
    char *text = json_dumps(plan, JSON_COMPACT);
    const char *pairs[] = {"plan", text, NULL};
    store_rules_put(f->core->store, f->shard, f->token, pairs, on_plan_kept, f);
    free(text);
}

/* Left by whoever was here before. */
static void finish_plan(struct follower *f, const char *text) {
    f->plan = json_loads(text, 0, NULL);
    f->n = f->at = 0;
    if (!json_is_object(f->plan) || !*json_text(f->plan, "field") ||
        !id_is_valid(json_text(f->plan, "thread"))) {
        const char *none[] = {"plan", "", NULL};
        LOG_ERROR(f->core->env->log, "rules.plan_unreadable", LOG_I("shard", f->shard));
        json_decref(f->plan);
        f->plan = json_pack("{s:s}", "field", "");
        store_rules_put(f->core->store, f->shard, f->token, none, on_done_kept, f);
        return;
    }
    rules_act(f->core, f->plan, on_acted, f);
}

/* --- who waits too long ---------------------------------------------------------------------- */

static const struct rule *waiting_rule(const struct follower *f, size_t nth) {
    for (size_t i = 0; i < f->set->n; i++)
        if (f->set->rules[i]->on == RULE_UNANSWERED && nth-- == 0)
            return f->set->rules[i];
    return NULL;
}

static void on_waiting(
    void *arg, const struct store_rules_waiting *list, size_t n, const struct err *err) {
    struct follower *f = arg;
    if (is_over(f, err))
        return;
    free(f->cases);
    f->cases = mem_zalloc((n + 1) * sizeof *f->cases);
    f->n = f->at = 0;
    for (size_t i = 0; i < n; i++) {
        const struct rule *r = waiting_rule(f, list[i].span);
        struct rules_case *c = &f->cases[f->n];
        if (!r || !id_is_valid(list[i].thread))
            continue;
        *c = (struct rules_case){.events = 1u << RULE_UNANSWERED,
            .at_ms = list[i].since_ms + r->after_ms,
            .since_ms = list[i].since_ms,
            .more = i + 1 < n && list[i + 1].span == list[i].span &&
                    list[i + 1].since_ms == list[i].since_ms};
        memcpy(c->thread, list[i].thread, ID_SIZE);
        snprintf(c->rule, sizeof c->rule, "%s", r->id);
        f->n++;
    }
    next_case(f);
}

static void look_for_waiting(struct follower *f) {
    struct store_rules_span *spans = mem_alloc((f->set->nwaiting + 1) * sizeof *spans);
    int64_t now = clock_ms();
    f->next_waiting_ms = clock_mono_ms() + WAITING_MS;
    for (size_t i = 0; i < f->set->nwaiting; i++) {
        const struct rule *r = waiting_rule(f, i);
        snprintf(spans[i].field, sizeof spans[i].field, "u:%s", r->id);
        spans[i].from_ms = r->live_ms - r->after_ms;
        spans[i].to_ms = now - r->after_ms;
    }
    store_rules_waiting(f->core->store, f->shard, spans, f->set->nwaiting, on_waiting, f);
    free(spans);
}

/* Those about whom nothing was done are not looked at again. */
static void on_waiting_kept(void *arg, const struct err *err) {
    struct follower *f = arg;
    if (is_over(f, err))
        return;
    rest(f);
    f->poked = true; /* there may be more of them */
    f->next_waiting_ms = 0;
}

static void keep_waiting(struct follower *f) {
    const char *pairs[RULES_MAX * 2 + 1];
    char values[RULES_MAX][24], fields[RULES_MAX][ID_SIZE + 2];
    size_t n = 0;
    for (size_t i = 0; i < f->n && n < RULES_MAX; i++) {
        if (i + 1 < f->n && strcmp(f->cases[i + 1].rule, f->cases[i].rule) == 0)
            continue; /* by time: the last of each rule */
        snprintf(fields[n], sizeof fields[n], "u:%s", f->cases[i].rule);
        snprintf(values[n], sizeof values[n], "%lld", (long long)f->cases[i].since_ms);
        pairs[n * 2] = fields[n];
        pairs[n * 2 + 1] = values[n];
        n++;
    }
    pairs[n * 2] = NULL;
    store_rules_put(f->core->store, f->shard, f->token, pairs, on_waiting_kept, f);
}

/* --- events ---------------------------------------------------------------------------------- */

static void on_place_kept(void *arg, const struct err *err) {
    struct follower *f = arg;
    if (is_over(f, err))
        return;
    f->unsaved = false;
    f->next_save_ms = clock_mono_ms() + SAVE_MS;
    rest(f);
}

static void end_of_batch(struct follower *f) {
    const char *pairs[] = {"place", f->end, NULL};
    uint64_t now = clock_mono_ms();
    if (strcmp(f->place, f->end) != 0)
        f->unsaved = true;
    snprintf(f->place, sizeof f->place, "%s", f->end);
    if (f->full) {
        f->poked = true;
        f->next_ms = 0;
    }
    if (f->set->nwaiting && now >= f->next_waiting_ms)
        look_for_waiting(f);
    else if (f->unsaved && now >= f->next_save_ms)
        store_rules_put(f->core->store, f->shard, f->token, pairs, on_place_kept, f);
    else
        rest(f);
}

static void next_case(struct follower *f) {
    if (is_over(f, NULL))
        return;
    if (f->at < f->n)
        rules_decide(f->core, f->set, case_of(f), on_decided, f);
    else if (f->n && f->cases[0].since_ms)
        keep_waiting(f);
    else if (f->end[0])
        end_of_batch(f);
    else
        rest(f); /* another's plan is done: now the events */
}

static unsigned events_of(const char *signs) {
    static const struct {
        char sign;
        enum rule_event event;
    } known[] = {{'i', RULE_MESSAGE}, {'n', RULE_OPENED}, {'r', RULE_REOPENED},
        {'a', RULE_ASSIGNED}, {'l', RULE_LABELED}, {'c', RULE_CLOSED}};
    unsigned events = 0;
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (strchr(signs, known[i].sign))
            events |= 1u << known[i].event;
    return events;
}

/* A rule for each bit. */
#define PARTS (RULES_MAX / 64 + 1)
struct wanted {
    uint64_t by[PARTS];
};

/* Which rules (of those in `of`; NULL: of all) may want it, by what is known. */
static bool find_wanted(const struct rule_set *s, const struct rule_facts *f,
    const struct wanted *of, struct wanted *out) {
    bool any = false;
    memset(out, 0, sizeof *out);
    for (size_t i = 0; i < s->n && i < RULES_MAX; i++) {
        uint64_t bit = UINT64_C(1) << i % 64;
        if ((of && !(of->by[i / 64] & bit)) || !rule_matches(s->rules[i], f))
            continue;
        out->by[i / 64] |= bit;
        any = true;
    }
    return any;
}

/* By what the event and its record say. Of a client's message that is how the thread was, but for
 * its labels if it has any. */
static bool may_want(
    const struct follower *f, const struct store_rules_event *e, json_t *none, struct wanted *out) {
    bool is_in = strchr(e->signs, 'i') != NULL;
    json_t *body = e->record.n ? record_body_json(e->record) : NULL;
    const json_t *said = json_object_get(body, "text");
    struct folded text = {.n = 0};
    if (body)
        fold_text(&text, json_text(body, "text"), json_string_length(said));
    struct rule_facts facts = {.events = events_of(e->signs),
        .channel = body ? json_text(body, "ch") : NULL,
        .connector = body ? json_text(body, "co") : NULL,
        .text = body ? &text : NULL,
        .may_say = !body && is_in,
        .first = -1,
        .responsible = -1,
        .open = -1};
    if (is_in) {
        facts.assignee = strchr(e->signs, 'u') ? "" : "?";
        facts.first = strchr(e->signs, 'f') != NULL;
        facts.labels = strchr(e->signs, 'b') ? none : NULL;
    }
    if (facts.channel && f->set->hours)
        facts.open = core_is_open(f->core, facts.channel, strtoll(e->place, NULL, 10), NULL);
    bool may = find_wanted(f->set, &facts, NULL, out);
    if (body)
        fold_free(&text);
    json_decref(body);
    return may;
}

/* By how the thread is. */
static bool still_wants(
    const struct follower *f, size_t at, const struct store_rules_thread *t, json_t *none) {
    json_t *labels = *t->labels ? json_loads(t->labels, 0, NULL) : json_incref(none);
    struct wanted ignored;
    struct rule_facts facts = {.events = f->cases[at].events,
        .channel = t->channel,
        .connector = t->connector,
        .assignee = t->assignee,
        .labels = labels,
        .may_say = true,
        .first = t->episode == 1,
        .responsible = -1,
        .open = -1};
    if (f->set->hours)
        facts.open = core_is_open(f->core, t->channel, f->cases[at].at_ms, NULL);
    bool wants = find_wanted(f->set, &facts, &f->wanted[at], &ignored);
    json_decref(labels);
    return wants;
}

/* What rules do with one event changes the thread for the next of it. */
static bool is_of_a_case(const struct follower *f, size_t n, const char *thread) {
    for (size_t i = 0; i < n; i++)
        if (strcmp(f->cases[i].thread, thread) == 0)
            return true;
    return false;
}

static void on_threads(
    void *arg, const struct store_rules_thread *list, size_t n, const struct err *err) {
    struct follower *f = arg;
    json_t *none = NULL;
    size_t kept = 0, asked = 0;
    if (is_over(f, err))
        return;
    none = json_array();
    for (size_t i = 0; i < f->n; i++) {
        const struct store_rules_thread *t = f->cases[i].asks && asked < n ? &list[asked++] : NULL;
        if (!f->cases[i].asks || is_of_a_case(f, kept, f->cases[i].thread) ||
            (t && t->is_there && still_wants(f, i, t, none)))
            f->cases[kept++] = f->cases[i];
    }
    json_decref(none);
    f->n = kept;
    next_case(f);
}

/* How the threads are of which the event does not say enough. */
static void ask_threads(struct follower *f) {
    struct store_rules_thread *list = mem_zalloc((f->n + 1) * sizeof *list);
    size_t n = 0;
    for (size_t i = 0; i < f->n; i++)
        if (f->cases[i].asks)
            memcpy(list[n++].id, f->cases[i].thread, ID_SIZE);
    if (n) {
        store_rules_threads(f->core->store, f->shard, list, n, on_threads, f);
        return;
    }
    free(list);
    next_case(f);
}

static void take_events(struct follower *f, const struct store_rules_batch *b) {
    json_t *none = json_array();
    free(f->cases);
    free(f->wanted);
    f->cases = mem_zalloc((b->n + 1) * sizeof *f->cases);
    f->wanted = mem_alloc((b->n + 1) * sizeof *f->wanted);
    f->n = f->at = 0;
    for (size_t i = 0; i < b->n; i++) {
        const struct store_rules_event *e = &b->events[i];
        struct rules_case *c = &f->cases[f->n];
        if (!may_want(f, e, none, &f->wanted[f->n]))
            continue;
        *c = (struct rules_case){.seq = e->seq,
            .events = events_of(e->signs),
            .asks = !strchr(e->signs, 'b') || !e->record.n,
            .at_ms = strtoll(e->place, NULL, 10)};
        snprintf(c->place, sizeof c->place, "%s", e->place);
        memcpy(c->thread, e->thread, ID_SIZE);
        f->n++;
    }
    json_decref(none);
    ask_threads(f);
}

static void on_events(void *arg, const struct store_rules_batch *b, const struct err *err) {
    struct follower *f = arg;
    if (is_over(f, err))
        return;
    f->end[0] = '\0';
    if (b->plan[0]) {
        finish_plan(f, b->plan);
        return;
    }
    if (b->has_rev && b->rev != f->rev) { /* rules have changed: those first, then the events */
        f->rev = b->rev;
        rest(f);
        f->next_ms = 0;
        load(f->core->rules);
        return;
    }
    if (b->cut)
        LOG_WARN(f->core->env->log, "rules.events_missed", LOG_I("shard", f->shard));
    f->full = b->full;
    snprintf(f->end, sizeof f->end, "%s", b->place);
    take_events(f, b);
}

static void run(struct follower *f) {
    const struct rules *rs = f->core->rules;
    uint64_t now = clock_mono_ms();
    if (!f->token[0] || f->busy || rs->stopped || rs->loading || !rs->set || now < f->next_ms ||
        !store_is_up(f->core->store))
        return;
    if (!f->poked && !(rs->set->nwaiting && now >= f->next_waiting_ms))
        return;
    if (rs->set->n == 0 && f->rev >= 0)
        return; /* whoever makes one tells */
    f->busy = true;
    f->poked = false;
    f->of_turn = f->turn;
    f->next_ms = now + PACE_MS;
    f->set = rule_set_hold(rs->set);
    struct store_rules_read what = {.shard = f->shard,
        .after = f->place,
        .not_before_ms = f->set->live_from_ms > 0 ? f->set->live_from_ms - 1 : 0,
        .signs = f->set->signs,
        .unwanted = f->set->mark,
        .texts = f->set->texts,
        .max = BATCH};
    store_rules_read(f->core->store, &what, on_events, f);
}

/* --- the owner's calls ----------------------------------------------------------------------- */

void rules_own(struct core *core, unsigned shard, const char *token) {
    struct follower *f = &core->rules->followers[shard];
    snprintf(f->token, sizeof f->token, "%s", token);
    f->turn++;
    f->place[0] = '\0';
    f->rev = -1;
    f->poked = true;
    f->next_ms = 0;
    run(f);
}

void rules_lose(struct core *core, unsigned shard) {
    core->rules->followers[shard].token[0] = '\0';
    core->rules->followers[shard].turn++;
}

void rules_poke(struct core *core, unsigned shard) {
    struct follower *f = &core->rules->followers[shard];
    f->poked = true;
    run(f);
}

bool rules_is_idle(const struct core *core, unsigned shard) {
    return !core->rules->followers[shard].busy;
}

void rules_tick(struct core *core) {
    struct rules *rs = core->rules;
    if (!rs->loading && clock_mono_ms() >= rs->next_load_ms)
        load(rs);
}

void rules_look(struct core *core, unsigned shard) {
    run(&core->rules->followers[shard]);
}

void rules_start(struct core *core) {
    struct rules *rs = mem_zalloc(sizeof *rs);
    unsigned n = store_shards(core->store);
    rs->core = core;
    rs->followers = mem_zalloc(n * sizeof *rs->followers);
    for (unsigned i = 0; i < n; i++) {
        rs->followers[i].core = core;
        rs->followers[i].shard = i;
    }
    core->rules = rs;
}

void rules_stop(struct core *core) {
    if (core->rules)
        core->rules->stopped = true;
}

void rules_free(struct core *core) {
    struct rules *rs = core->rules;
    if (!rs)
        return;
    for (unsigned i = 0; i < store_shards(core->store); i++) {
        rest(&rs->followers[i]);
        free(rs->followers[i].cases);
        free(rs->followers[i].wanted);
    }
    rule_set_drop(&rs->set);
    free(rs->followers);
    free(rs);
    core->rules = NULL;
}
