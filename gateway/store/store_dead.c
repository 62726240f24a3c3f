/* store_dead.c - deliveries that were given up: listed newest first, put back by hand. An id is
 * "<shard>:<stream id>". */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "store/store_private.h"
#include "store/store_queue.h"

struct dead_row {
    int64_t ms;
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
    const char *queue = field(pairs, "q"), *text = field(pairs, "e");
    const char *detail = field(pairs, "detail");
    const char *sp = strchr(detail, ' ');
    char when[CLOCK_TEXT_SIZE], thread[ID_SIZE] = "";
    long long seq = 0;
    if (text[0] && text[1] == ' ')
        text += 2;
    snprintf(thread, sizeof thread, "%.26s", text);
    if (strlen(text) > ID_LEN)
        seq = strtoll(text + ID_LEN, NULL, 10);
    const char *target = strchr(queue, ':');
    return json_pack("{s:o,s:s,s:s,s:s,s:I,s:{s:s%,s:s},s:I,s:s}", "id",
        json_sprintf("%u:%s", shard, id), "queue", queue, "target", target ? target + 1 : queue,
        "thread", thread, "seq", (json_int_t)seq, "error", "code", detail,
        sp ? (size_t)(sp - detail) : strlen(detail), "text", sp ? sp + 1 : "", "attempts",
        (json_int_t)strtoll(field(pairs, "attempts"), NULL, 10), "at",
        clock_format(strtoll(field(pairs, "at"), NULL, 10), when));
}

static void on_dead(struct gather *g, size_t shard, const struct redis_reply *r) {
    struct dead_page *p = container_of(g, struct dead_page, g);
    for (size_t i = 0; i < redis_reply_count(r) && i < p->limit; i++) {
        const struct redis_reply *one = redis_reply_at(r, i);
        const char *id = redis_reply_str(redis_reply_at(one, 0));
        p->rows[p->n++] = (struct dead_row){
            strtoll(id, NULL, 10), dead_json((unsigned)shard, id, redis_reply_at(one, 1))};
    }
}

static int newest(const void *a, const void *b) {
    const struct dead_row *x = a, *y = b;
    return x->ms < y->ms ? 1 : x->ms > y->ms ? -1 : 0;
}

static void dead_done(struct gather *g) {
    struct dead_page *p = container_of(g, struct dead_page, g);
    json_t *list = json_array();
    qsort(p->rows, p->n, sizeof *p->rows, newest);
    for (size_t i = 0; i < p->n; i++) {
        if (i < p->limit)
            json_array_append(list, p->rows[i].json);
        json_decref(p->rows[i].json);
    }
    json_t *next =
        p->n > p->limit ? json_sprintf("%lld", (long long)p->rows[p->limit - 1].ms) : json_null();
    json_t *out = json_pack("{s:o,s:o}", "dead", list, "next", next);
    p->fn(p->arg, g->err.code ? NULL : out, g->err.code ? &g->err : NULL);
    json_decref(out);
    free(p->rows);
    free(p);
}

void store_dead(struct store *s, const char *cursor, unsigned limit, store_json_fn fn, void *arg) {
    struct dead_page *p = mem_zalloc(sizeof *p);
    char before[32] = "+";
    if (cursor && *cursor)
        snprintf(before, sizeof before, "%lld", strtoll(cursor, NULL, 10) - 1);
    p->fn = fn;
    p->arg = arg;
    p->limit = limit;
    p->rows = mem_zalloc(s->shards * limit * sizeof *p->rows);
    gather_begin(&p->g, s, on_dead, dead_done);
    for (unsigned shard = 0; shard < s->shards; shard++) {
        struct args a;
        char key[STORE_KEY_SIZE];
        args_init(&a);
        args_add(&a, "XREVRANGE");
        args_span(&a, store_key(key, shard, "dead", NULL));
        args_add(&a, before);
        args_add(&a, "-");
        args_add(&a, "COUNT");
        args_int(&a, limit);
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
    char *entry = NULL;
    unsigned long shard = strtoul(id, &entry, 10);
    struct args a;
    if (!entry || *entry != ':' || entry == id || shard >= s->shards ||
        strspn(entry + 1, "0123456789-") != strlen(entry + 1) || !entry[1]) {
        struct err err;
        err_set(&err, ERR_NOT_FOUND, "there is no such dead letter");
        store_fail_done(s, &err, fn, arg);
        return;
    }
    struct dead_retry *d = mem_alloc(sizeof *d);
    *d = (struct dead_retry){fn, arg};
    args_init(&a);
    args_add(&a, entry + 1);
    args_int(&a, clock_ms());
    args_add(&a, s->events_max);
    store_eval(s, SCRIPT_DEAD_RETRY, (unsigned)shard, &a, on_dead_retried, d);
}
