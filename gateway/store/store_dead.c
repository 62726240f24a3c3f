/* store_dead.c - deliveries that were given up: listed newest first, put back by hand; and what is
 * missing on cards for it. An id is
 * "<shard>:<stream id>", and a page's cursor is the id of its last row. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "store/store_private.h"
#include "store/store_queue.h"
#include "store/store_text.h"

/* The order of the list: newest first; of one millisecond by shard, there the newest first. */
struct dead_row {
    unsigned shard;
    struct stream_id id;
    json_t *json;
};

struct dead_page {
    struct gather g;
    store_json_fn fn;
    void *arg;
    struct dead_row *rows;
    size_t n;
    unsigned limit;
    json_t *list, *next; /* the page, while its clients' names are being read */
};

static const char *field(const struct redis_reply *pairs, const char *name) {
    for (size_t i = 0; i + 1 < redis_reply_count(pairs); i += 2)
        if (strcmp(redis_reply_str(redis_reply_at(pairs, i)), name) == 0)
            return redis_reply_str(redis_reply_at(pairs, i + 1));
    return "";
}

/* "<code> <sentence>" */
static json_t *error_json(const char *detail) {
    const char *sp = strchr(detail, ' ');
    return json_pack("{s:s%,s:s}", "code", detail, sp ? (size_t)(sp - detail) : strlen(detail),
        "text", sp ? sp + 1 : "");
}

static json_t *dead_json(unsigned shard, const char *id, const struct redis_reply *pairs) {
    const char *queue = field(pairs, "q"), *detail = field(pairs, "detail");
    const char *target = strchr(queue, ':');
    char when[CLOCK_TEXT_SIZE];
    struct store_entry e = {0};
    store_entry_parse(&e, field(pairs, "e"));
    return json_pack("{s:o,s:s,s:s,s:s,s:s,s:s,s:I,s:o,s:I,s:s}", "id",
        json_sprintf("%u:%s", shard, id), "queue", queue, "target", target ? target + 1 : queue,
        "thread", e.kind == 'm' ? e.subject : "", "client", strchr("cgux", e.kind) ? e.subject : "",
        "client_name", "", "seq", (json_int_t)e.seq, "error", error_json(detail), "attempts",
        (json_int_t)strtoll(field(pairs, "attempts"), NULL, 10), "at",
        clock_format(strtoll(field(pairs, "at"), NULL, 10), when));
}

static void on_dead(struct gather *g, size_t shard, const struct redis_reply *r) {
    struct dead_page *p = container_of(g, struct dead_page, g);
    for (size_t i = 0; i < redis_reply_count(r) && i <= p->limit; i++) {
        const struct redis_reply *one = redis_reply_at(r, i);
        const char *id = redis_reply_str(redis_reply_at(one, 0));
        struct dead_row row = {.shard = (unsigned)shard};
        if (stream_id_parse(span_str(id), &row.id) < 0)
            continue;
        row.json = dead_json(row.shard, id, redis_reply_at(one, 1));
        if (row.json)
            p->rows[p->n++] = row;
    }
}

static int by_order(const void *a, const void *b) {
    const struct dead_row *x = a, *y = b;
    if (x->id.ms == y->id.ms && x->shard != y->shard)
        return x->shard < y->shard ? -1 : 1;
    return -stream_id_compare(&x->id, &y->id);
}

static void page_done(struct gather *g) {
    struct dead_page *p = container_of(g, struct dead_page, g);
    json_t *out = json_pack("{s:o,s:o}", "dead", p->list, "next", p->next);
    p->fn(p->arg, g->err.code ? NULL : out, g->err.code ? &g->err : NULL);
    json_decref(out);
    free(p->rows);
    free(p);
}

static void on_name(struct gather *g, size_t i, const struct redis_reply *r) {
    struct dead_page *p = container_of(g, struct dead_page, g);
    if (redis_reply_type(r) == REDIS_STRING)
        json_object_set_new(
            json_array_get(p->list, i), "client_name", json_string(redis_reply_str(r)));
}

/* What the client is called whom the i-th letter of the page is about. */
static void fetch_name(struct gather *g, size_t i, const json_t *letter) {
    const char *thread = json_string_value(json_object_get(letter, "thread"));
    const char *client = json_string_value(json_object_get(letter, "client"));
    bool by_thread = store_check_id(g->store, thread, "thread", NULL);
    struct args a;
    char key[STORE_KEY_SIZE];
    if (!by_thread && !store_check_id(g->store, client, "client", NULL))
        return;
    const char *id = by_thread ? thread : client;
    args_init(&a);
    args_add(&a, "HGET");
    args_span(&a, store_key(key, id_shard(id), by_thread ? "thread" : "client", id));
    args_add(&a, by_thread ? "cname" : "name");
    gather_command(g, i, &a);
}

static void dead_done(struct gather *g) {
    struct dead_page *p = container_of(g, struct dead_page, g);
    struct err failed = g->err;
    p->list = json_array();
    p->next = json_null();
    qsort(p->rows, p->n, sizeof *p->rows, by_order);
    for (size_t i = 0; i < p->n; i++) {
        if (i < p->limit)
            json_array_append(p->list, p->rows[i].json);
        json_decref(p->rows[i].json);
    }
    if (p->n > p->limit)
        p->next = json_incref(json_object_get(json_array_get(p->list, p->limit - 1), "id"));
    gather_begin(g, g->store, on_name, page_done);
    g->err = failed;
    for (size_t i = 0; i < json_array_size(p->list); i++)
        fetch_name(g, i, json_array_get(p->list, i));
    gather_end(g);
}

/* Where a shard's part of the page begins: what comes after this place in the order of the list. */
static void begin_after(unsigned shard, unsigned last_shard, struct stream_id last, char out[48]) {
    unsigned long long ms = last.ms, n = last.n;
    if (shard == last_shard)
        snprintf(out, 48, "(%llu-%llu", ms, n);
    else if (shard > last_shard)
        snprintf(out, 48, "%llu", ms); /* all of that millisecond */
    else
        snprintf(out, 48, "(%llu-0", ms); /* nothing of it */
}

/* The stream of all letters, or of one queue's. */
static void dead_name(const char *queue, char out[STORE_KEY_SIZE]) {
    snprintf(out, STORE_KEY_SIZE, "dead%s%.100s", queue ? ":" : "", queue ? queue : "");
}

void store_dead(struct store *s, const char *queue, const char *cursor, unsigned limit,
    store_json_fn fn, void *arg) {
    char name[STORE_KEY_SIZE];
    unsigned last_shard = 0;
    struct stream_id last = {0};
    bool begins = !cursor || !*cursor;
    if (!begins && store_place_parse(cursor, s->shards, &last_shard, &last) < 0) {
        struct err err;
        err_set(&err, ERR_INVALID, "cursor is not one that a list gave");
        store_fail_json(s, &err, fn, arg);
        return;
    }
    struct dead_page *p = mem_zalloc(sizeof *p);
    p->fn = fn;
    p->arg = arg;
    p->limit = limit;
    p->rows = mem_zalloc(s->shards * ((size_t)limit + 1) * sizeof *p->rows);
    dead_name(queue, name);
    gather_begin(&p->g, s, on_dead, dead_done);
    for (unsigned shard = 0; shard < s->shards; shard++) {
        struct args a;
        char key[STORE_KEY_SIZE], from[48] = "+";
        if (!begins)
            begin_after(shard, last_shard, last, from);
        args_init(&a);
        args_add(&a, "XREVRANGE");
        args_span(&a, store_key(key, shard, name, NULL));
        args_add(&a, from);
        args_add(&a, "-");
        args_add(&a, "COUNT");
        args_int(&a, (int64_t)limit + 1); /* one more tells whether there is a next page */
        gather_command(&p->g, shard, &a);
    }
    gather_end(&p->g);
}

struct dead_retry {
    store_done_fn fn;
    void *arg;
};

static void on_dead_retried(void *arg, const struct redis_reply *r, const struct err *err) {
    struct dead_retry *d = arg;
    struct err missing;
    if (!err && redis_reply_int(redis_reply_at(r, 0)) != 1) {
        err_set(&missing, ERR_NOT_FOUND, "there is no such dead letter (was it retried already?)");
        err = &missing;
    }
    d->fn(d->arg, err);
    free(d);
}

/* id: "" the newest. */
static void retry_args(struct args *a, const struct store *s, const char *queue, const char *from,
    const char *to, unsigned max) {
    args_init(a);
    args_int(a, clock_ms());
    args_add(a, s->events_max);
    args_add(a, queue);
    args_add(a, from);
    args_add(a, to);
    args_int(a, max);
}

void store_dead_retry(struct store *s, const char *id, store_done_fn fn, void *arg) {
    unsigned shard;
    struct stream_id ignored;
    struct args a;
    if (store_place_parse(id, s->shards, &shard, &ignored) < 0) {
        struct err err;
        err_set(&err, ERR_NOT_FOUND, "there is no such dead letter");
        store_fail_done(s, &err, fn, arg);
        return;
    }
    struct dead_retry *d = mem_alloc(sizeof *d);
    *d = (struct dead_retry){fn, arg};
    retry_args(&a, s, NULL, strchr(id, ':') + 1, strchr(id, ':') + 1, 1);
    store_eval(s, SCRIPT_DEAD_RETRY, shard, &a, on_dead_retried, d);
}

/* --- all of a queue, some at a time ---------------------------------------------------------- */

#define RETRY_BATCH 100

struct retry_all {
    struct store *store;
    char *queue;
    store_json_fn fn;
    void *arg;
    unsigned waiting; /* shards */
    int64_t n;
    struct err err;
};

struct retry_shard {
    struct retry_all *all;
    unsigned shard;
    char last[48]; /* "" not known yet */
};

static void retry_some(struct retry_shard *rs);

static void shard_retried(struct retry_shard *rs) {
    struct retry_all *all = rs->all;
    free(rs);
    if (--all->waiting)
        return;
    json_t *out = json_pack("{s:I}", "retried", (json_int_t)all->n);
    all->fn(all->arg, all->err.code ? NULL : out, all->err.code ? &all->err : NULL);
    json_decref(out);
    free(all->queue);
    free(all);
}

static void on_some_retried(void *arg, const struct redis_reply *r, const struct err *err) {
    struct retry_shard *rs = arg;
    int64_t n = err ? 0 : redis_reply_int(redis_reply_at(r, 0));
    if (err)
        rs->all->err = *err;
    rs->all->n += n;
    if (n < RETRY_BATCH) {
        shard_retried(rs);
        return;
    }
    snprintf(rs->last, sizeof rs->last, "%s", redis_reply_str(redis_reply_at(r, 1)));
    retry_some(rs);
}

static void retry_some(struct retry_shard *rs) {
    struct args a;
    retry_args(&a, rs->all->store, rs->all->queue, "-", rs->last, RETRY_BATCH);
    store_eval(rs->all->store, SCRIPT_DEAD_RETRY, rs->shard, &a, on_some_retried, rs);
}

void store_dead_retry_all(struct store *s, const char *queue, store_json_fn fn, void *arg) {
    struct retry_all *all = mem_alloc(sizeof *all);
    *all = (struct retry_all){
        .store = s, .queue = mem_strdup(queue), .fn = fn, .arg = arg, .waiting = s->shards};
    for (unsigned shard = 0; shard < s->shards; shard++) {
        struct retry_shard *rs = mem_zalloc(sizeof *rs);
        rs->all = all;
        rs->shard = shard;
        retry_some(rs);
    }
}

/* --- how many? ------------------------------------------------------------------------------- */

struct dead_count {
    struct gather g;
    store_count_fn fn;
    void *arg;
    int64_t n;
};

static void on_length(struct gather *g, size_t i, const struct redis_reply *r) {
    (void)i;
    container_of(g, struct dead_count, g)->n += redis_reply_int(r);
}

static void counted(struct gather *g) {
    struct dead_count *c = container_of(g, struct dead_count, g);
    c->fn(c->arg, c->n, g->err.code ? &g->err : NULL);
    free(c);
}

void store_dead_count(struct store *s, const char *queue, store_count_fn fn, void *arg) {
    char name[STORE_KEY_SIZE], key[STORE_KEY_SIZE];
    struct dead_count *c = mem_zalloc(sizeof *c);
    c->fn = fn;
    c->arg = arg;
    dead_name(queue, name);
    gather_begin(&c->g, s, on_length, counted);
    for (unsigned shard = 0; shard < s->shards; shard++) {
        struct args a;
        args_init(&a);
        args_add(&a, "XLEN");
        args_span(&a, store_key(key, shard, name, NULL));
        gather_command(&c->g, 0, &a);
    }
    gather_end(&c->g);
}

/* --- what the CRMs have of a thread ---------------------------------------------------------- */

struct on_card {
    struct store *store;
    store_json_fn fn;
    void *arg;
};

static json_t *time_of(int64_t ms) {
    char when[CLOCK_TEXT_SIZE];
    return ms > 0 ? json_string(clock_format(ms, when)) : json_null();
}

static json_t *delivery_json(const char *target, const struct redis_reply *r) {
    int64_t refused = redis_reply_int(redis_reply_at(r, 3));
    const char *detail = redis_reply_str(redis_reply_at(r, 5));
    json_t *one = json_pack("{s:s,s:I,s:I,s:o,s:I,s:I,s:o,s:o}", "target", target, "attached_seq",
        (json_int_t)redis_reply_int(redis_reply_at(r, 0)), "waiting",
        (json_int_t)redis_reply_int(redis_reply_at(r, 1)), "waiting_since",
        time_of(redis_reply_int(redis_reply_at(r, 2))), "refused", (json_int_t)refused,
        "refused_seq", (json_int_t)redis_reply_int(redis_reply_at(r, 4)), "error",
        refused ? error_json(detail) : json_null(), "refused_at",
        time_of(strtoll(redis_reply_str(redis_reply_at(r, 6)), NULL, 10)));
    return one;
}

static void on_card_state(void *arg, const struct redis_reply *r, const struct err *err) {
    struct on_card *o = arg;
    struct err missing;
    json_t *list = json_array(), *out;
    if (!err && redis_reply_count(r) < o->store->ntargets) {
        err_set(&missing, ERR_NOT_FOUND, "there is no such thread");
        err = &missing;
    }
    for (size_t i = 0; !err && i < o->store->ntargets; i++)
        json_array_append_new(list, delivery_json(o->store->targets[i], redis_reply_at(r, i)));
    out = json_pack("{s:o}", "deliveries", list);
    o->fn(o->arg, err ? NULL : out, err);
    json_decref(out);
    free(o);
}

void store_on_card(struct store *s, const char *thread, store_json_fn fn, void *arg) {
    struct args a;
    struct err err;
    if (!store_check_id(s, thread, "thread", &err)) {
        store_fail_json(s, &err, fn, arg);
        return;
    }
    struct on_card *o = mem_alloc(sizeof *o);
    *o = (struct on_card){s, fn, arg};
    args_init(&a);
    args_add(&a, thread);
    for (size_t i = 0; i < s->ntargets; i++)
        args_add(&a, s->targets[i]);
    store_eval(s, SCRIPT_ON_CARD, id_shard(thread), &a, on_card_state, o);
}
