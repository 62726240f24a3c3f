/* store_ledger.c - all threads in turn (by the tags, which each thread has and none loses), what a
 * CRM's target has of them, and queueing once more. */
#include "store/store_ledger.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "store/store_private.h"

#define WALK_COUNT "200" /* threads of one page, about: small hashes come whole */

/* --- all threads ----------------------------------------------------------------------------- */

enum { W_CLIENT, W_FIRST, W_SEQ, W_LAST_MS, W_CREATED, W_ERASED, W_COUNT };
static const char *const walk_fields[W_COUNT] = {
    "client", "first", "seq", "last_ms", "created", "erased"};

struct walked {
    char id[ID_SIZE], client[ID_SIZE];
    int64_t first, last_seq, active_ms, created_ms;
};

struct walk {
    struct gather g;
    struct store *store;
    store_json_fn fn;
    void *arg;
    unsigned shard;
    char next[32]; /* HSCAN's cursor; "" of one thread */
    struct walked *threads;
    size_t n;
};

static void walk_end(struct walk *w, const struct err *err) {
    json_t *list = json_array(), *next = json_null();
    for (size_t i = 0; i < w->n; i++) {
        const struct walked *t = &w->threads[i];
        if (*t->client)
            json_array_append_new(list,
                json_pack("{s:s,s:s,s:I,s:I,s:I,s:I}", "id", t->id, "client", t->client, "first",
                    (json_int_t)t->first, "last_seq", (json_int_t)t->last_seq, "active_ms",
                    (json_int_t)t->active_ms, "created_ms", (json_int_t)t->created_ms));
    }
    if (strcmp(w->next, "0") == 0 && w->shard + 1 < w->store->shards)
        next = json_sprintf("%u:0", w->shard + 1);
    else if (*w->next && strcmp(w->next, "0") != 0)
        next = json_sprintf("%u:%s", w->shard, w->next);
    json_t *out = json_pack("{s:o,s:o}", "threads", list, "next", next);
    w->fn(w->arg, err ? NULL : out, err);
    json_decref(out);
    free(w->threads);
    free(w);
}

static void newest_done(struct gather *g) {
    struct walk *w = container_of(g, struct walk, g);
    walk_end(w, g->err.code ? &g->err : NULL);
}

static void on_newest(struct gather *g, size_t i, const struct redis_reply *r) {
    struct walked *t = &container_of(g, struct walk, g)->threads[i];
    struct record_ledger l;
    if (record_ledger(redis_reply_span(r), "", &l) == 0 && l.received_ms > t->active_ms)
        t->active_ms = l.received_ms;
}

/* Events do not count as activity in a thread's fields, and what was told of the past neither: when
 * the newest message came is in its record. */
static void details_done(struct gather *g) {
    struct walk *w = container_of(g, struct walk, g);
    struct args a;
    char key[STORE_KEY_SIZE];
    if (g->err.code) {
        walk_end(w, &g->err);
        return;
    }
    gather_begin(g, w->store, on_newest, newest_done);
    for (size_t i = 0; i < w->n; i++) {
        if (!w->threads[i].last_seq)
            continue;
        args_init(&a);
        args_add(&a, "HGET");
        args_span(&a, store_key(key, w->shard, "log", w->threads[i].id));
        args_int(&a, w->threads[i].last_seq);
        gather_command(g, i, &a);
    }
    gather_end(g);
}

static void on_detail(struct gather *g, size_t i, const struct redis_reply *r) {
    struct walked *t = &container_of(g, struct walk, g)->threads[i];
    if (*redis_reply_str(redis_reply_at(r, W_ERASED)))
        return; /* no CRM is to have anything of it */
    snprintf(t->client, sizeof t->client, "%s", redis_reply_str(redis_reply_at(r, W_CLIENT)));
    t->first = redis_reply_int(redis_reply_at(r, W_FIRST));
    t->first = t->first < 1 ? 1 : t->first;
    t->last_seq = redis_reply_int(redis_reply_at(r, W_SEQ));
    t->active_ms = redis_reply_int(redis_reply_at(r, W_LAST_MS));
    t->created_ms = redis_reply_int(redis_reply_at(r, W_CREATED));
}

static void fetch_details(struct walk *w) {
    struct args a;
    char key[STORE_KEY_SIZE];
    gather_begin(&w->g, w->store, on_detail, details_done);
    for (size_t i = 0; i < w->n; i++) {
        args_init(&a);
        args_add(&a, "HMGET");
        args_span(&a, store_key(key, w->shard, "thread", w->threads[i].id));
        for (size_t f = 0; f < W_COUNT; f++)
            args_add(&a, walk_fields[f]);
        gather_command(&w->g, i, &a);
    }
    gather_end(&w->g);
}

static void on_tags(void *arg, const struct redis_reply *r, const struct err *err) {
    struct walk *w = arg;
    if (err) {
        walk_end(w, err);
        return;
    }
    const struct redis_reply *pairs = redis_reply_at(r, 1);
    size_t n = redis_reply_count(pairs) / 2;
    snprintf(w->next, sizeof w->next, "%s", redis_reply_str(redis_reply_at(r, 0)));
    w->threads = mem_zalloc((n + 1) * sizeof *w->threads);
    for (size_t i = 0; i < n; i++) {
        const char *id = redis_reply_str(redis_reply_at(pairs, i * 2 + 1));
        if (store_check_id(w->store, id, "thread", NULL))
            memcpy(w->threads[w->n++].id, id, ID_SIZE);
    }
    fetch_details(w);
}

void store_walk(struct store *s, const char *cursor, store_json_fn fn, void *arg) {
    struct args a;
    char key[STORE_KEY_SIZE], *end = NULL;
    unsigned long shard = *cursor ? strtoul(cursor, &end, 10) : 0;
    const char *at = !*cursor ? "0" : *end == ':' ? end + 1 : "";
    if (!*at || strspn(at, "0123456789") != strlen(at) || strlen(at) > 20 || shard >= s->shards) {
        struct err err;
        err_set(&err, ERR_INVALID, "this is no place in the list of threads");
        store_fail_json(s, &err, fn, arg);
        return;
    }
    struct walk *w = mem_zalloc(sizeof *w);
    *w = (struct walk){.store = s, .fn = fn, .arg = arg, .shard = (unsigned)shard};
    args_init(&a);
    args_add(&a, "HSCAN");
    args_span(&a, store_key(key, w->shard, "tags", NULL));
    args_add(&a, at);
    args_add(&a, "COUNT");
    args_add(&a, WALK_COUNT);
    store_command(s, &a, on_tags, w);
}

static void on_walked_one(void *arg, json_t *result, const struct err *err) {
    struct walk *w = arg; /* the caller's fn only */
    struct err missing;
    if (!err && json_array_size(json_object_get(result, "threads")) == 0) {
        err_set(&missing, ERR_NOT_FOUND, "there is no such thread");
        err = &missing;
    }
    w->fn(w->arg, err ? NULL : result, err);
    free(w);
}

void store_walk_one(struct store *s, const char *thread, store_json_fn fn, void *arg) {
    struct err err;
    if (!store_check_id(s, thread, "thread", &err)) {
        store_fail_json(s, &err, fn, arg);
        return;
    }
    struct walk *w = mem_zalloc(sizeof *w), *caller = mem_zalloc(sizeof *caller);
    *caller = (struct walk){.fn = fn, .arg = arg};
    *w = (struct walk){.store = s, .fn = on_walked_one, .arg = caller, .shard = id_shard(thread)};
    w->threads = mem_zalloc(sizeof *w->threads);
    memcpy(w->threads[w->n++].id, thread, ID_SIZE);
    fetch_details(w);
}

/* --- what a target has of a thread ----------------------------------------------------------- */

struct ledger {
    store_ledger_fn fn;
    void *arg;
    char *target;
    int64_t from;
};

static bool read_row(struct span record, const char *target, struct store_ledger_row *row) {
    if (record_ledger(record, target, &row->is) < 0)
        return false;
    json_t *body = record_body_json(record);
    const char *channel = json_string_value(json_object_get(body, "ch"));
    const char *origin =
        json_string_value(json_object_get(json_object_get(body, "origin"), "target"));
    if (origin && strcmp(origin, target) == 0) /* written in it: there is no entry of ours */
        row->is.state = RECORD_LEFT_OUT;
    snprintf(row->channel, sizeof row->channel, "%s", channel ? channel : "");
    json_decref(body);
    return true;
}

static void on_ledger(void *arg, const struct redis_reply *r, const struct err *err) {
    struct ledger *l = arg;
    struct store_ledger_row *rows = mem_zalloc((redis_reply_count(r) + 1) * sizeof *rows);
    size_t n = 0;
    for (size_t i = 0; !err && i < redis_reply_count(r); i++) {
        rows[n].seq = l->from + (int64_t)i;
        if (read_row(redis_reply_span(redis_reply_at(r, i)), l->target, &rows[n]))
            n++;
    }
    l->fn(l->arg, rows, n, err);
    free(rows);
    free(l->target);
    free(l);
}

void store_ledger(struct store *s, const char *thread, const char *target, int64_t from,
    unsigned max, store_ledger_fn fn, void *arg) {
    struct args a;
    char key[STORE_KEY_SIZE], seqs[STORE_LEDGER_PAGE][24];
    struct ledger *l = mem_alloc(sizeof *l);
    *l = (struct ledger){fn, arg, mem_strdup(target), from};
    args_init(&a);
    args_add(&a, "HMGET");
    args_span(&a, store_key(key, id_shard(thread), "log", thread));
    for (unsigned i = 0; i < max && i < STORE_LEDGER_PAGE; i++) {
        int len = snprintf(seqs[i], sizeof seqs[i], "%lld", (long long)(from + i));
        args_span(&a, span_of(seqs[i], (size_t)len));
    }
    store_command(s, &a, on_ledger, l);
}

/* --- once more ------------------------------------------------------------------------------- */

struct count_call {
    store_count_fn fn;
    void *arg;
};

static void on_count(void *arg, const struct redis_reply *r, const struct err *err) {
    struct count_call *c = arg;
    c->fn(c->arg, err ? 0 : redis_reply_int(r), err);
    free(c);
}

void store_requeue(struct store *s, const struct store_requeue *q, store_count_fn fn, void *arg) {
    struct args a;
    char seqs[STORE_REQUEUE_MAX][24];
    struct count_call *c = mem_alloc(sizeof *c);
    *c = (struct count_call){fn, arg};
    args_init(&a);
    args_int(&a, clock_ms());
    args_add(&a, q->target);
    args_add(&a, q->thread);
    args_add(&a, q->missing ? "missing" : "again");
    args_add(&a, q->only_new ? "1" : "0");
    for (size_t i = 0; i < q->n && i < STORE_REQUEUE_MAX; i++) {
        int len = snprintf(seqs[i], sizeof seqs[i], "%lld", (long long)q->seqs[i]);
        args_span(&a, span_of(seqs[i], (size_t)len));
    }
    store_eval(s, SCRIPT_REQUEUE, id_shard(q->thread), &a, on_count, c);
}

static void on_oldest(void *arg, const struct redis_reply *r, const struct err *err) {
    struct count_call *c = arg;
    const char *id = redis_reply_str(redis_reply_at(redis_reply_at(r, 0), 0));
    c->fn(c->arg, *id ? strtoll(id, NULL, 10) : INT64_MAX, err);
    free(c);
}

void store_queue_oldest(
    struct store *s, unsigned shard, const char *queue, store_count_fn fn, void *arg) {
    struct args a;
    char key[STORE_KEY_SIZE];
    struct count_call *c = mem_alloc(sizeof *c);
    *c = (struct count_call){fn, arg};
    args_init(&a);
    args_add(&a, "XRANGE");
    args_span(&a, store_key(key, shard, queue, NULL));
    args_add(&a, "-");
    args_add(&a, "+");
    args_add(&a, "COUNT");
    args_add(&a, "1");
    store_command(s, &a, on_oldest, c);
}

/* --- how far a long work came ---------------------------------------------------------------- */

struct place_call {
    store_place_fn get;
    store_done_fn set;
    void *arg;
};

static void on_place(void *arg, const struct redis_reply *r, const struct err *err) {
    struct place_call *c = arg;
    if (c->get)
        c->get(c->arg, err ? "" : redis_reply_str(r), err);
    else
        c->set(c->arg, err);
    free(c);
}

static void place(struct store *s, const char *command, const char *name, const char *value,
    struct place_call call) {
    struct args a;
    char key[STORE_KEY_SIZE];
    struct place_call *c = mem_alloc(sizeof *c);
    *c = call;
    snprintf(key, sizeof key, "sb:place:%s", name);
    args_init(&a);
    args_add(&a, command);
    args_add(&a, key);
    if (value)
        args_add(&a, value);
    store_command(s, &a, on_place, c);
}

void store_place_get(struct store *s, const char *name, store_place_fn fn, void *arg) {
    place(s, "GET", name, NULL, (struct place_call){.get = fn, .arg = arg});
}

void store_place_set(
    struct store *s, const char *name, const char *value, store_done_fn fn, void *arg) {
    place(s, value ? "SET" : "DEL", name, value, (struct place_call){.set = fn, .arg = arg});
}
