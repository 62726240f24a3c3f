/* store_rules.c - what rules need of Redis: events, what is begun, who waits, whose turn it is. */
#include "store/store_rules.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "store/scripts.h"
#include "store/store_private.h"
#include "store/store_text.h"

#define WAITING_MAX 50 /* of a span, in one answer */
#define SPANS_MAX 20   /* in one script */
#define RECORDS_MAX 40 /* likewise */

/* --- events ---------------------------------------------------------------------------------- */

/* What is begun and where to go
 * on is asked for first, when it is not known; then the events; then, when these are there, the
 * rules' revision and the records: so the revision is never older than an event. */
struct reading {
    struct gather g;
    struct store *store;
    struct store_rules_read what;
    char signs[STORE_SIGNS_SIZE], after[STORE_CURSOR_SIZE], place[STORE_CURSOR_SIZE];
    char *plan;
    int64_t rev;
    bool is_first, full, has_rev, is_late, is_long;
    struct store_rules_event *events;
    size_t n;
    store_rules_fn fn;
    void *arg;
};

static void reading_done(struct reading *rd, const struct err *err) {
    struct store_rules_batch b = {.rev = rd->rev,
        .plan = rd->plan ? rd->plan : "",
        .place = rd->place,
        .full = rd->full,
        .has_rev = rd->has_rev,
        .cut = rd->is_late && rd->is_long,
        .events = rd->events,
        .n = rd->n};
    rd->fn(rd->arg, err ? NULL : &b, err);
    for (size_t i = 0; i < rd->n; i++)
        free((char *)rd->events[i].record.p);
    free(rd->events);
    free(rd->plan);
    free(rd);
}

static void begin(
    const struct reading *rd, struct args *a, char *key, const char *what, const char *of) {
    args_init(a);
    args_add(a, what);
    args_span(a, store_key(key, rd->what.shard, of, NULL));
}

enum { ASK_REV, ASK_FIRST, ASK_LENGTH, ASK_RECORDS };

static void on_part(struct gather *g, size_t i, const struct redis_reply *r) {
    struct reading *rd = container_of(g, struct reading, g);
    struct stream_id first, place;
    if (i == ASK_REV) {
        rd->rev = redis_reply_int(r);
        rd->has_rev = true;
    } else if (i == ASK_FIRST) {
        const char *id = redis_reply_str(redis_reply_at(redis_reply_at(r, 0), 0));
        rd->is_late = stream_id_parse(span_str(id), &first) == 0 &&
                      stream_id_parse(span_str(rd->after), &place) == 0 &&
                      stream_id_compare(&place, &first) < 0;
    } else if (i == ASK_LENGTH) { /* a stream that is not full has never been cut */
        rd->is_long = redis_reply_int(r) >= strtoll(rd->store->events_max, NULL, 10);
    } else {
        size_t at = i - ASK_RECORDS;
        for (size_t k = 0; k < redis_reply_count(r) && at < rd->n; at++) {
            if (!strchr(rd->events[at].signs, 'i'))
                continue;
            struct span s = redis_reply_span(redis_reply_at(r, k++));
            rd->events[at].record = span_of(mem_strndup(s.p ? s.p : "", s.n), s.n);
        }
    }
}

static void parts_done(struct gather *g) {
    struct reading *rd = container_of(g, struct reading, g);
    reading_done(rd, g->err.code ? &g->err : NULL);
}

/* Those of clients' messages from the nth on, as many as a script takes; which comes next. */
static size_t ask_records(struct reading *rd, size_t i) {
    struct args a;
    size_t first = i, n = 0;
    args_init(&a);
    for (; i < rd->n && n < RECORDS_MAX; i++) {
        if (!strchr(rd->events[i].signs, 'i'))
            continue;
        args_add(&a, rd->events[i].thread);
        args_int(&a, rd->events[i].seq);
        n++;
    }
    if (n)
        gather_eval(&rd->g, ASK_RECORDS + first, SCRIPT_RULES_RECORDS, rd->what.shard, &a);
    return i;
}

static void ask_parts(struct reading *rd) {
    struct args a;
    char key[STORE_KEY_SIZE];
    gather_begin(&rd->g, rd->store, on_part, parts_done);
    begin(rd, &a, key, "HGET", "rules");
    args_add(&a, "rev");
    gather_command(&rd->g, ASK_REV, &a);
    if (rd->is_first || rd->full) {
        begin(rd, &a, key, "XRANGE", "events");
        args_add(&a, "-");
        args_add(&a, "+");
        args_add(&a, "COUNT");
        args_add(&a, "1");
        gather_command(&rd->g, ASK_FIRST, &a);
        begin(rd, &a, key, "XLEN", "events");
        gather_command(&rd->g, ASK_LENGTH, &a);
    }
    for (size_t i = 0; rd->what.texts && i < rd->n;)
        i = ask_records(rd, i);
    gather_end(&rd->g);
}

static void take_event(struct reading *rd, const struct redis_reply *entry) {
    struct store_event parsed;
    struct store_rules_event *e = &rd->events[rd->n];
    const char *text = redis_reply_str(redis_reply_at(redis_reply_at(entry, 1), 1));
    if (text[0] != 'm' || store_event_parse(&parsed, text) < 0)
        return;
    if (!strpbrk(parsed.signs, rd->signs) ||
        (parsed.unwanted && parsed.unwanted == rd->what.unwanted && !strpbrk(parsed.signs, "acl")))
        return;
    snprintf(e->place, sizeof e->place, "%s", redis_reply_str(redis_reply_at(entry, 0)));
    memcpy(e->thread, parsed.id, ID_SIZE);
    memcpy(e->signs, parsed.signs, sizeof e->signs);
    e->seq = parsed.seq;
    rd->n++;
}

static void on_range(void *arg, const struct redis_reply *r, const struct err *err) {
    struct reading *rd = arg;
    size_t n = err ? 0 : redis_reply_count(r);
    if (err) {
        reading_done(rd, err);
        return;
    }
    rd->events = mem_zalloc((n + 1) * sizeof *rd->events);
    for (size_t i = 0; i < n; i++)
        take_event(rd, redis_reply_at(r, i));
    snprintf(rd->place, sizeof rd->place, "%s",
        n ? redis_reply_str(redis_reply_at(redis_reply_at(r, n - 1), 0)) : rd->after);
    rd->full = n >= rd->what.max;
    if (n || rd->is_first)
        ask_parts(rd);
    else
        reading_done(rd, NULL);
}

static void ask_range(struct reading *rd) {
    struct args a;
    struct stream_id at, least = {.ms = (uint64_t)rd->what.not_before_ms, .n = 0};
    char key[STORE_KEY_SIZE], from[STORE_CURSOR_SIZE + 1];
    if (stream_id_parse(span_str(rd->after), &at) < 0 || stream_id_compare(&at, &least) < 0)
        snprintf(rd->after, sizeof rd->after, "%lld-0", (long long)rd->what.not_before_ms);
    snprintf(from, sizeof from, "(%s", rd->after);
    begin(rd, &a, key, "XRANGE", "events");
    args_add(&a, from);
    args_add(&a, "+");
    args_add(&a, "COUNT");
    args_int(&a, rd->what.max);
    store_command(rd->store, &a, on_range, rd);
}

/* Where rules have come to, and what is begun. */
static void on_kept(void *arg, const struct redis_reply *r, const struct err *err) {
    struct reading *rd = arg;
    if (err) {
        reading_done(rd, err);
        return;
    }
    const char *plan = redis_reply_str(redis_reply_at(r, 0));
    snprintf(rd->after, sizeof rd->after, "%s", redis_reply_str(redis_reply_at(r, 1)));
    rd->is_first = true;
    if (!*plan) {
        ask_range(rd);
        return;
    }
    rd->plan = mem_strdup(plan);
    reading_done(rd, NULL);
}

void store_rules_read(
    struct store *s, const struct store_rules_read *what, store_rules_fn fn, void *arg) {
    struct args a;
    char key[STORE_KEY_SIZE];
    struct reading *rd = mem_zalloc(sizeof *rd);
    *rd = (struct reading){.store = s, .what = *what, .fn = fn, .arg = arg};
    snprintf(rd->signs, sizeof rd->signs, "%s", what->signs);
    snprintf(rd->after, sizeof rd->after, "%s", what->after);
    if (*what->after) {
        ask_range(rd);
        return;
    }
    begin(rd, &a, key, "HMGET", "rules");
    args_add(&a, "plan");
    args_add(&a, "place");
    store_command(s, &a, on_kept, rd);
}

/* --- threads --------------------------------------------------------------------------------- */

struct asked_threads {
    struct gather g;
    struct store_rules_thread *list;
    size_t n;
    store_rules_threads_fn fn;
    void *arg;
};

static const char *text_at(const struct redis_reply *r, size_t i) {
    return redis_reply_str(redis_reply_at(r, i));
}

static void on_thread(struct gather *g, size_t i, const struct redis_reply *r) {
    struct store_rules_thread *t = &container_of(g, struct asked_threads, g)->list[i];
    t->assignee = mem_strdup(text_at(r, 0));
    t->labels = mem_strdup(text_at(r, 1));
    t->channel = mem_strdup(text_at(r, 2));
    t->connector = mem_strdup(text_at(r, 3));
    t->episode = redis_reply_int(redis_reply_at(r, 4));
    t->is_there = *t->channel && !*text_at(r, 6) && strcmp(text_at(r, 5), "1") != 0;
}

static void threads_done(struct gather *g) {
    struct asked_threads *k = container_of(g, struct asked_threads, g);
    k->fn(k->arg, k->list, k->n, g->err.code ? &g->err : NULL);
    for (size_t i = 0; i < k->n; i++) {
        free(k->list[i].assignee);
        free(k->list[i].labels);
        free(k->list[i].channel);
        free(k->list[i].connector);
    }
    free(k->list);
    free(k);
}

void store_rules_threads(struct store *s, unsigned shard, struct store_rules_thread *list, size_t n,
    store_rules_threads_fn fn, void *arg) {
    static const char *const fields[] = {
        "assignee", "labels", "channel", "connector", "episode", "blocked", "merged"};
    struct asked_threads *k = mem_zalloc(sizeof *k);
    *k = (struct asked_threads){.list = list, .n = n, .fn = fn, .arg = arg};
    gather_begin(&k->g, s, on_thread, threads_done);
    for (size_t i = 0; i < n; i++) {
        struct args a;
        char key[STORE_KEY_SIZE];
        args_init(&a);
        args_add(&a, "HMGET");
        args_span(&a, store_key(key, shard, "thread", list[i].id));
        for (size_t f = 0; f < ARRAY_LEN(fields); f++)
            args_add(&a, fields[f]);
        gather_command(&k->g, i, &a);
    }
    gather_end(&k->g);
}

/* --- what is begun --------------------------------------------------------------------------- */

struct putting {
    store_done_fn fn;
    void *arg;
};

static void on_put(void *arg, const struct redis_reply *r, const struct err *err) {
    struct putting *p = arg;
    struct err lost;
    if (!err && strcmp(redis_reply_str(r), "ok") != 0) {
        err_set(&lost, ERR_CONFLICT, "the shard is another worker's by now");
        err = &lost;
    }
    p->fn(p->arg, err);
    free(p);
}

void store_rules_put(struct store *s, unsigned shard, const char *token, const char *const *pairs,
    store_done_fn fn, void *arg) {
    struct args a;
    struct putting *p = mem_alloc(sizeof *p);
    *p = (struct putting){fn, arg};
    args_init(&a);
    args_add(&a, token);
    for (; *pairs; pairs++)
        args_add(&a, *pairs);
    store_eval(s, SCRIPT_RULES_PUT, shard, &a, on_put, p);
}

/* --- who waits ------------------------------------------------------------------------------- */

struct waiting {
    struct gather g;
    store_rules_waiting_fn fn;
    void *arg;
    struct store_rules_waiting *list;
    size_t n, cap;
};

static void add_waiting(struct waiting *w, size_t span, struct span thread, int64_t since_ms) {
    if (thread.n != ID_LEN)
        return;
    if (w->n == w->cap) {
        w->cap = w->cap ? w->cap * 2 : 16;
        w->list = mem_realloc(w->list, w->cap * sizeof *w->list);
    }
    struct store_rules_waiting *one = &w->list[w->n++];
    *one = (struct store_rules_waiting){.since_ms = since_ms, .span = span};
    memcpy(one->thread, thread.p, ID_LEN);
}

static void on_waiting(struct gather *g, size_t first, const struct redis_reply *r) {
    struct waiting *w = container_of(g, struct waiting, g);
    for (size_t i = 0; i < redis_reply_count(r); i++) {
        const struct redis_reply *one = redis_reply_at(r, i);
        for (size_t k = 1; k + 1 < redis_reply_count(one); k += 2)
            add_waiting(w, first + i, redis_reply_span(redis_reply_at(one, k)),
                redis_reply_int(redis_reply_at(one, k + 1)));
    }
}

static void waiting_done(struct gather *g) {
    struct waiting *w = container_of(g, struct waiting, g);
    bool failed = g->err.code != ERR_NONE;
    w->fn(w->arg, w->list, failed ? 0 : w->n, failed ? &g->err : NULL);
    free(w->list);
    free(w);
}

void store_rules_waiting(struct store *s, unsigned shard, const struct store_rules_span *spans,
    size_t n, store_rules_waiting_fn fn, void *arg) {
    struct waiting *w = mem_zalloc(sizeof *w);
    w->fn = fn;
    w->arg = arg;
    gather_begin(&w->g, s, on_waiting, waiting_done);
    for (size_t i = 0; i < n; i += SPANS_MAX) {
        struct args a;
        args_init(&a);
        args_int(&a, WAITING_MAX);
        for (size_t k = i; k < n && k < i + SPANS_MAX; k++) {
            args_add(&a, spans[k].field);
            args_int(&a, spans[k].from_ms);
            args_int(&a, spans[k].to_ms);
        }
        gather_eval(&w->g, i, SCRIPT_RULES_WAITING, shard, &a);
    }
    gather_end(&w->g);
}

/* --- a change of rules ----------------------------------------------------------------------- */

struct touching {
    struct gather g;
    store_done_fn fn;
    void *arg;
};

static void on_touched(struct gather *g, size_t i, const struct redis_reply *r) {
    (void)g;
    (void)i;
    (void)r;
}

static void touched(struct gather *g) {
    struct touching *t = container_of(g, struct touching, g);
    t->fn(t->arg, g->err.code ? &g->err : NULL);
    free(t);
}

void store_rules_touch(struct store *s, store_done_fn fn, void *arg) {
    struct touching *t = mem_zalloc(sizeof *t);
    char key[STORE_KEY_SIZE];
    t->fn = fn;
    t->arg = arg;
    gather_begin(&t->g, s, on_touched, touched);
    for (unsigned i = 0; i < s->shards; i++) {
        struct args a;
        args_init(&a);
        args_add(&a, "HINCRBY");
        args_span(&a, store_key(key, i, "rules", NULL));
        args_add(&a, "rev");
        args_add(&a, "1");
        gather_command(&t->g, i, &a);
    }
    gather_end(&t->g);
}

struct asking {
    struct redis_script script; /* it lives with the call, since redis.c may need its text again */
    store_rules_number_fn number;
    store_turn_fn turn;
    void *arg;
};

static void on_time(void *arg, const struct redis_reply *r, const struct err *err) {
    struct asking *k = arg;
    int64_t ms =
        redis_reply_int(redis_reply_at(r, 0)) * 1000 + redis_reply_int(redis_reply_at(r, 1)) / 1000;
    k->number(k->arg, err ? 0 : ms, err);
    free(k);
}

void store_rules_now(struct store *s, store_rules_number_fn fn, void *arg) {
    struct args a;
    struct asking *k = mem_zalloc(sizeof *k);
    k->number = fn;
    k->arg = arg;
    args_init(&a);
    args_add(&a, "TIME");
    store_command(s, &a, on_time, k);
}

/* --- whose turn it is ------------------------------------------------------------------------ */

static void on_turn(void *arg, const struct redis_reply *r, const struct err *err) {
    struct asking *k = arg;
    struct err doubt;
    if (!err && k->turn && redis_reply_type(r) == REDIS_INTEGER) {
        err_set(&doubt, ERR_TOO_MANY, "what was given just now may be counted twice");
        err = &doubt;
    }
    if (k->number)
        k->number(k->arg, err ? 0 : redis_reply_int(r), err);
    else if (k->turn)
        k->turn(k->arg, err ? NULL : redis_reply_str(r), err);
    free(k);
}

static void turn(struct store *s, struct asking *k, const char *whose, const struct args *a) {
    char *of = mem_printf("sb:{turn}:%s", whose);
    struct span keys[] = {span_str("sb:{turn}:given"), span_str(of)};
    redis_script_init(&k->script, "turn", script_turn);
    redis_eval(s->redis, &k->script, keys, 2, a->v, a->n, on_turn, k);
    free(of);
}

static void turn_args(struct args *a, const char *what) {
    args_init(a);
    args_int(a, clock_ms());
    args_add(a, what);
}

void store_turn_moment(struct store *s, store_rules_number_fn fn, void *arg) {
    struct args a;
    struct asking *k = mem_zalloc(sizeof *k);
    k->number = fn;
    k->arg = arg;
    turn_args(&a, "at");
    turn(s, k, "", &a);
}

void store_turn_pick(struct store *s, const struct store_turn *t, store_turn_fn fn, void *arg) {
    struct args a;
    struct asking *k = mem_zalloc(sizeof *k);
    k->turn = fn;
    k->arg = arg;
    turn_args(&a, "pick");
    args_add(&a, t->given);
    args_add(&a, t->least ? "least" : "turn");
    args_int(&a, t->moment);
    args_int(&a, t->most);
    for (size_t i = 0; i < t->n; i++) {
        args_add(&a, t->names[i]);
        args_int(&a, t->loads[i]);
    }
    turn(s, k, t->whose, &a);
}

void store_turn_done(struct store *s, const char *given) {
    struct args a;
    turn_args(&a, "done");
    args_add(&a, given);
    turn(s, mem_zalloc(sizeof(struct asking)), "", &a);
}
