/* store_dead.c - deliveries that were given up: listed newest first, put back by hand. An id is
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
};

static const char *field(const struct redis_reply *pairs, const char *name) {
    for (size_t i = 0; i + 1 < redis_reply_count(pairs); i += 2)
        if (strcmp(redis_reply_str(redis_reply_at(pairs, i)), name) == 0)
            return redis_reply_str(redis_reply_at(pairs, i + 1));
    return "";
}

static json_t *dead_json(unsigned shard, const char *id, const struct redis_reply *pairs) {
    const char *queue = field(pairs, "q"), *detail = field(pairs, "detail");
    const char *sp = strchr(detail, ' '), *target = strchr(queue, ':');
    char when[CLOCK_TEXT_SIZE];
    struct store_entry e = {0};
    store_entry_parse(&e, field(pairs, "e"));
    return json_pack("{s:o,s:s,s:s,s:s,s:I,s:{s:s%,s:s},s:I,s:s}", "id",
        json_sprintf("%u:%s", shard, id), "queue", queue, "target", target ? target + 1 : queue,
        "thread", e.kind == 'm' ? e.subject : "", "seq", (json_int_t)e.seq, "error", "code", detail,
        sp ? (size_t)(sp - detail) : strlen(detail), "text", sp ? sp + 1 : "", "attempts",
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

static void dead_done(struct gather *g) {
    struct dead_page *p = container_of(g, struct dead_page, g);
    json_t *list = json_array(), *next = json_null();
    qsort(p->rows, p->n, sizeof *p->rows, by_order);
    for (size_t i = 0; i < p->n; i++) {
        if (i < p->limit)
            json_array_append(list, p->rows[i].json);
        json_decref(p->rows[i].json);
    }
    if (p->n > p->limit)
        next = json_incref(json_object_get(json_array_get(list, p->limit - 1), "id"));
    json_t *out = json_pack("{s:o,s:o}", "dead", list, "next", next);
    p->fn(p->arg, g->err.code ? NULL : out, g->err.code ? &g->err : NULL);
    json_decref(out);
    free(p->rows);
    free(p);
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

void store_dead(struct store *s, const char *cursor, unsigned limit, store_json_fn fn, void *arg) {
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
    gather_begin(&p->g, s, on_dead, dead_done);
    for (unsigned shard = 0; shard < s->shards; shard++) {
        struct args a;
        char key[STORE_KEY_SIZE], from[48] = "+";
        if (!begins)
            begin_after(shard, last_shard, last, from);
        args_init(&a);
        args_add(&a, "XREVRANGE");
        args_span(&a, store_key(key, shard, "dead", NULL));
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
    if (!err && strcmp(redis_reply_str(r), "ok") != 0) {
        err_set(&missing, ERR_NOT_FOUND, "there is no such dead letter (was it retried already?)");
        err = &missing;
    }
    d->fn(d->arg, err);
    free(d);
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
    args_init(&a);
    args_add(&a, strchr(id, ':') + 1);
    args_int(&a, clock_ms());
    args_add(&a, s->events_max);
    store_eval(s, SCRIPT_DEAD_RETRY, shard, &a, on_dead_retried, d);
}
