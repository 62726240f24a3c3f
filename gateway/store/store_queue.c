/* store_queue.c - leases and deliveries that wait. Dead letters are in store_dead.c. */
#include "store/store_queue.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "store/store_private.h"
#include "store/store_record.h"
#include "store/store_text.h"

/* --- lease ----------------------------------------------------------------------------------- */

struct lease_call {
    store_lease_fn fn;
    void *arg;
};

static void on_lease(void *arg, const struct redis_reply *r, const struct err *err) {
    struct lease_call *c = arg;
    const char *token = r && redis_reply_type(r) == REDIS_STRING ? redis_reply_str(r) : NULL;
    c->fn(c->arg, token, err);
    free(c);
}

void store_lease(struct store *s, unsigned shard, const char *owner, unsigned ttl_ms,
    store_lease_fn fn, void *arg) {
    struct args a;
    struct lease_call *c = mem_alloc(sizeof *c);
    *c = (struct lease_call){fn, arg};
    args_init(&a);
    args_add(&a, owner);
    args_int(&a, ttl_ms);
    store_eval(s, SCRIPT_LEASE, shard, &a, on_lease, c);
}

/* --- reading a queue ------------------------------------------------------------------------- */

struct reading {
    struct gather g;
    struct store *store;
    unsigned shard;
    char *queue;
    store_entries_fn fn;
    void *arg;
    struct store_entry *entries;
    size_t n, max;
};

static void copy_span(char *out, size_t size, struct span s) {
    size_t n = s.n < size - 1 ? s.n : size - 1;
    memcpy(out, s.p, n);
    out[n] = '\0';
}

static void on_entries(struct reading *rd, const struct redis_reply *r) {
    size_t n = redis_reply_count(r);
    for (size_t i = 0; i < n && rd->n < rd->max; i++) {
        const struct redis_reply *one = redis_reply_at(r, i);
        struct store_entry *e = &rd->entries[rd->n++];
        copy_span(e->id, sizeof e->id, redis_reply_span(redis_reply_at(one, 0)));
        store_entry_parse(e, redis_reply_str(redis_reply_at(redis_reply_at(one, 1), 1)));
    }
}

/* "attempts not_before" */
static void put_retry(struct store_entry *e, const char *text) {
    char *end;
    e->attempts = (unsigned)strtoul(text, &end, 10);
    e->not_before_ms = strtoll(end, NULL, 10);
}

/* Of each entry, in their order; nothing when it was not tried yet. */
static void on_retries(struct gather *g, size_t i, const struct redis_reply *r) {
    struct reading *rd = container_of(g, struct reading, g);
    (void)i;
    for (size_t k = 0; k < rd->n && k < redis_reply_count(r); k++) {
        const struct redis_reply *one = redis_reply_at(r, k);
        if (redis_reply_type(one) == REDIS_STRING)
            put_retry(&rd->entries[k], redis_reply_str(one));
    }
}

static void reading_done(struct gather *g) {
    struct reading *rd = container_of(g, struct reading, g);
    rd->fn(rd->arg, rd->entries, g->err.code ? 0 : rd->n, g->err.code ? &g->err : NULL);
    free(rd->entries);
    free(rd->queue);
    free(rd);
}

/* Only when the entries are known can it be asked how often each was tried. */
static void on_page(void *arg, const struct redis_reply *r, const struct err *err) {
    struct reading *rd = arg;
    gather_begin(&rd->g, rd->store, on_retries, reading_done);
    if (err) {
        rd->g.err = *err;
    } else {
        struct args a;
        char key[STORE_KEY_SIZE];
        on_entries(rd, r);
        args_init(&a);
        args_add(&a, "HMGET");
        args_span(&a, store_key(key, rd->shard, "retry", rd->queue));
        for (size_t i = 0; i < rd->n; i++)
            args_add(&a, rd->entries[i].id);
        if (rd->n)
            gather_command(&rd->g, 0, &a);
    }
    gather_end(&rd->g);
}

void store_queue_read(struct store *s, unsigned shard, const char *queue, const char *after,
    unsigned max, store_entries_fn fn, void *arg) {
    struct args a;
    char key[STORE_KEY_SIZE], from[STORE_ENTRY_SIZE + 1];
    struct reading *rd = mem_zalloc(sizeof *rd);
    max = max < ARGS_MAX - 2 ? max : ARGS_MAX - 2; /* of HMGET */
    *rd = (struct reading){
        .store = s, .shard = shard, .queue = mem_strdup(queue), .fn = fn, .arg = arg, .max = max};
    rd->entries = mem_zalloc(max * sizeof *rd->entries);
    snprintf(from, sizeof from, "(%s", after);
    args_init(&a);
    args_add(&a, "XRANGE");
    args_span(&a, store_key(key, shard, queue, NULL));
    args_add(&a, *after ? from : "-");
    args_add(&a, "+");
    args_add(&a, "COUNT");
    args_int(&a, max);
    store_command(s, &a, on_page, rd);
}

struct picking {
    store_entries_fn fn;
    void *arg;
};

static void on_picked(void *arg, const struct redis_reply *r, const struct err *err) {
    struct picking *p = arg;
    size_t n = err ? 0 : redis_reply_count(r) / 3;
    n = n < STORE_PICK_MAX ? n : STORE_PICK_MAX;
    struct store_entry *list = mem_zalloc((n + 1) * sizeof *list);
    for (size_t i = 0; i < n; i++) {
        copy_span(list[i].id, sizeof list[i].id, redis_reply_span(redis_reply_at(r, i * 3)));
        store_entry_parse(&list[i], redis_reply_str(redis_reply_at(r, i * 3 + 1)));
        put_retry(&list[i], redis_reply_str(redis_reply_at(r, i * 3 + 2)));
    }
    p->fn(p->arg, list, n, err);
    free(list);
    free(p);
}

void store_queue_pick(struct store *s, unsigned shard, const char *queue,
    const char (*ids)[STORE_ENTRY_SIZE], size_t n, store_entries_fn fn, void *arg) {
    struct args a;
    struct picking *p = mem_alloc(sizeof *p);
    *p = (struct picking){fn, arg};
    args_init(&a);
    args_add(&a, queue);
    for (size_t i = 0; i < n && i < STORE_PICK_MAX; i++)
        args_add(&a, ids[i]);
    store_eval(s, SCRIPT_PICK, shard, &a, on_picked, p);
}

/* --- what a delivery needs ------------------------------------------------------------------- */

struct loading {
    struct store *store;
    store_json_fn fn;
    void *arg;
    char thread[ID_SIZE];
    int64_t seq;
    json_t *result;
};

static void loading_done(struct loading *l, const struct err *err) {
    l->fn(l->arg, err ? NULL : l->result, err);
    json_decref(l->result);
    free(l);
}

static void no_thread(struct loading *l) {
    struct err missing;
    err_set(&missing, ERR_NOT_FOUND, "there is no such thread");
    loading_done(l, &missing);
}

static void on_load_client(void *arg, json_t *result, const struct err *err) {
    struct loading *l = arg;
    if (!err)
        json_object_set(l->result, "client", json_object_get(result, "client"));
    loading_done(l, err);
}

/* r: of delivery.lua. id: of the client. The message, which the result holds; NULL: there is none.
 */
static json_t *add_message(struct loading *l, const char *id, const struct redis_reply *r) {
    const struct redis_reply *record = redis_reply_at(r, 1);
    json_t *message = redis_reply_type(record) == REDIS_STRING
                          ? record_private(redis_reply_span(record), l->thread, id, l->seq)
                          : NULL;
    json_object_set_new(l->result, "message", message ? message : json_null());
    return message;
}

/* Completes it with the client, who may have to be asked of another shard. */
static void add_client(struct loading *l, const char *id, const struct redis_reply *r) {
    json_t *client = client_json(id, redis_reply_at(r, 2));
    if (client) {
        json_object_set_new(l->result, "client", client);
        loading_done(l, NULL);
    } else {
        store_client(l->store, id, on_load_client, l); /* of another shard, or there is none */
    }
}

static void on_load(void *arg, const struct redis_reply *r, const struct err *err) {
    struct loading *l = arg;
    const struct redis_reply *fields = redis_reply_at(r, 0);
    const char *client = redis_reply_str(redis_reply_at(fields, T_CLIENT));
    json_t *thread = err ? NULL : thread_json(l->thread, fields);
    if (err) {
        loading_done(l, err);
    } else if (!thread) {
        no_thread(l);
    } else {
        l->result = json_pack("{s:o,s:{s:s,s:s,s:s},s:I}", "thread", thread, "to", "kind",
            redis_reply_str(redis_reply_at(fields, T_KIND)), "address",
            redis_reply_str(redis_reply_at(fields, T_ADDRESS)), "route",
            redis_reply_str(redis_reply_at(fields, T_ROUTE)), "episode",
            (json_int_t)redis_reply_int(redis_reply_at(fields, T_EPISODE)));
        json_t *to = json_object_get(add_message(l, client, r), "to");
        if (to)
            json_object_set(l->result, "to", to);
        add_client(l, client, r);
    }
}

static void on_card_load(void *arg, const struct redis_reply *r, const struct err *err) {
    struct loading *l = arg;
    const struct redis_reply *fields = redis_reply_at(r, 0);
    const char *client = redis_reply_str(redis_reply_at(fields, 0));
    if (err) {
        loading_done(l, err);
    } else if (!*client) {
        no_thread(l);
    } else {
        l->result = json_pack(
            "{s:I}", "attached_seq", (json_int_t)redis_reply_int(redis_reply_at(fields, 1)));
        add_message(l, client, r);
        add_client(l, client, r);
    }
}

static void load(struct store *s, const char *thread, int64_t seq, const char *const *fields,
    size_t n, redis_fn on_reply, store_json_fn fn, void *arg) {
    struct args a;
    struct err err;
    if (!store_check_id(s, thread, "thread", &err)) {
        store_fail_json(s, &err, fn, arg);
        return;
    }
    struct loading *l = mem_zalloc(sizeof *l);
    *l = (struct loading){.store = s, .fn = fn, .arg = arg, .seq = seq};
    memcpy(l->thread, thread, ID_SIZE);
    args_init(&a);
    args_add(&a, thread);
    args_int(&a, seq);
    for (size_t f = 0; f < n; f++)
        args_add(&a, fields[f]);
    store_eval(s, SCRIPT_DELIVERY, id_shard(thread), &a, on_reply, l);
}

void store_delivery(struct store *s, const char *thread, int64_t seq, store_json_fn fn, void *arg) {
    load(s, thread, seq, thread_fields, T_COUNT, on_load, fn, arg);
}

void store_card_delivery(struct store *s, const char *thread, int64_t seq, const char *target,
    store_json_fn fn, void *arg) {
    char attached[STORE_KEY_SIZE];
    const char *const fields[] = {"client", attached};
    snprintf(attached, sizeof attached, "crm:%s", target);
    load(s, thread, seq, fields, ARRAY_LEN(fields), on_card_load, fn, arg);
}

/* --- begin and finish ------------------------------------------------------------------------ */

struct word_call {
    store_word_fn fn;
    void *arg;
};

static void on_word(void *arg, const struct redis_reply *r, const struct err *err) {
    struct word_call *c = arg;
    const char *word = "ok";
    if (r && redis_reply_type(r) != REDIS_INTEGER)
        word = redis_reply_str(r);
    c->fn(c->arg, err ? NULL : word, err);
    free(c);
}

void store_begin(struct store *s, const char *token, const char *thread, int64_t seq,
    unsigned attempt, store_word_fn fn, void *arg) {
    struct args a;
    struct word_call *c = mem_alloc(sizeof *c);
    *c = (struct word_call){fn, arg};
    args_init(&a);
    args_int(&a, clock_ms());
    args_add(&a, token);
    args_add(&a, thread);
    args_int(&a, seq);
    args_int(&a, attempt);
    args_add(&a, s->events_max);
    store_eval(s, SCRIPT_BEGIN, id_shard(thread), &a, on_word, c);
}

struct part_call {
    store_done_fn fn;
    void *arg;
};

static void on_part(void *arg, const struct redis_reply *r, const struct err *err) {
    struct part_call *c = arg;
    struct err lost;
    if (!err && strcmp(redis_reply_str(r), "fenced") == 0) {
        err_set(&lost, ERR_CONFLICT, "another worker owns this queue now");
        err = &lost;
    }
    c->fn(c->arg, err);
    free(c);
}

void store_part(struct store *s, const char *token, const char *thread, int64_t seq,
    const char *channel, const char *external_id, store_done_fn fn, void *arg) {
    struct args a;
    int64_t now = clock_ms();
    struct part_call *c = mem_alloc(sizeof *c);
    *c = (struct part_call){fn, arg};
    args_init(&a);
    args_int(&a, now);
    args_add(&a, token);
    args_add(&a, thread);
    args_int(&a, seq);
    args_int(&a, dedupe_bucket(now));
    args_add(&a, channel);
    args_add(&a, external_id);
    store_eval(s, SCRIPT_PART, id_shard(thread), &a, on_part, c);
}

void store_finish(struct store *s, unsigned shard, const char *token, const char *queue,
    const char *channel, const struct store_outcome *o, size_t n, store_word_fn fn, void *arg) {
    struct args a;
    char numbers[40][3][24];
    struct word_call *c = mem_alloc(sizeof *c);
    int64_t now = clock_ms();
    *c = (struct word_call){fn, arg};
    args_init(&a);
    args_int(&a, now);
    args_add(&a, token);
    args_add(&a, queue);
    args_add(&a, s->events_max);
    args_int(&a, dedupe_bucket(now));
    args_add(&a, channel);
    args_add(&a, s->tell);
    for (size_t i = 0; i < n && i < ARRAY_LEN(numbers); i++) {
        snprintf(numbers[i][0], sizeof numbers[i][0], "%lld", (long long)o[i].seq);
        snprintf(numbers[i][1], sizeof numbers[i][1], "%u", o[i].attempts);
        snprintf(numbers[i][2], sizeof numbers[i][2], "%lld", (long long)o[i].not_before_ms);
        args_add(&a, o[i].entry);
        args_add(&a, o[i].thread);
        args_add(&a, numbers[i][0]);
        args_add(&a, o[i].word);
        args_add(&a, o[i].detail);
        args_add(&a, o[i].external_id);
        args_add(&a, numbers[i][1]);
        args_add(&a, numbers[i][2]);
        args_add(&a, o[i].dead ? "1" : "0");
        args_add(&a, o[i].status_event ? "1" : "0");
        args_add(&a, o[i].prefix);
    }
    store_eval(s, SCRIPT_FINISH, shard, &a, on_word, c);
}

/* --- how long are the queues? ---------------------------------------------------------------- */

struct depth {
    struct gather g;
    store_depth_fn fn;
    void *arg;
    int64_t n, oldest;
};

static void on_depth(struct gather *g, size_t i, const struct redis_reply *r) {
    struct depth *d = container_of(g, struct depth, g);
    if (i == 0) {
        d->n += redis_reply_int(r);
        return;
    }
    int64_t ms = strtoll(redis_reply_str(redis_reply_at(redis_reply_at(r, 0), 0)), NULL, 10);
    if (ms && (!d->oldest || ms < d->oldest))
        d->oldest = ms;
}

static void depth_done(struct gather *g) {
    struct depth *d = container_of(g, struct depth, g);
    d->fn(d->arg, d->n, d->oldest, g->err.code ? &g->err : NULL);
    free(d);
}

void store_queue_depth(struct store *s, const char *queue, store_depth_fn fn, void *arg) {
    struct depth *d = mem_zalloc(sizeof *d);
    d->fn = fn;
    d->arg = arg;
    gather_begin(&d->g, s, on_depth, depth_done);
    for (unsigned shard = 0; shard < s->shards; shard++) {
        struct args a;
        char key[STORE_KEY_SIZE];
        args_init(&a);
        args_add(&a, "XLEN");
        args_span(&a, store_key(key, shard, queue, NULL));
        gather_command(&d->g, 0, &a);
        args_init(&a);
        args_add(&a, "XRANGE");
        args_span(&a, store_key(key, shard, queue, NULL));
        args_add(&a, "-");
        args_add(&a, "+");
        args_add(&a, "COUNT");
        args_add(&a, "1");
        gather_command(&d->g, 1, &a);
    }
    gather_end(&d->g);
}

/* --- which queues have work? ----------------------------------------------------------------- */

#define QUEUES_MAX 4096

struct queues_call {
    store_queues_fn fn;
    void *arg;
};

static void on_queues(void *arg, const struct redis_reply *r, const struct err *err) {
    struct queues_call *c = arg;
    size_t n = err ? 0 : redis_reply_count(r) / 3;
    n = n < QUEUES_MAX ? n : QUEUES_MAX;
    struct store_queue_info *list = mem_zalloc((n + 1) * sizeof *list);
    for (size_t i = 0; i < n; i++)
        list[i] = (struct store_queue_info){.name = redis_reply_str(redis_reply_at(r, i * 3)),
            .n = redis_reply_int(redis_reply_at(r, i * 3 + 1)),
            .oldest_ms = strtoll(redis_reply_str(redis_reply_at(r, i * 3 + 2)), NULL, 10)};
    c->fn(c->arg, list, n, err);
    free(list);
    free(c);
}

void store_queues(struct store *s, unsigned shard, store_queues_fn fn, void *arg) {
    struct args a;
    struct queues_call *c = mem_alloc(sizeof *c);
    *c = (struct queues_call){fn, arg};
    args_init(&a);
    store_eval(s, SCRIPT_QUEUES, shard, &a, on_queues, c);
}

static void on_window_over(void *arg, const struct redis_reply *r, const struct err *err) {
    (void)arg;
    (void)r;
    (void)err; /* the next answer is refused as well, and it is said again */
}

void store_window_over(
    struct store *s, const char *thread, const char *channel, int64_t before_ms) {
    struct args a;
    if (!store_check_id(s, thread, "thread", NULL))
        return;
    args_init(&a);
    args_int(&a, clock_ms());
    args_add(&a, thread);
    args_add(&a, channel);
    args_int(&a, before_ms);
    args_add(&a, s->events_max);
    store_eval(s, SCRIPT_WINDOW_OVER, id_shard(thread), &a, on_window_over, NULL);
}

struct waking {
    struct store *store;
    store_woken_fn fn;
    void *arg;
};

/* What could not be done now the next turn does. */
static void on_woken(void *arg, const struct redis_reply *r, const struct err *err) {
    struct waking *w = arg;
    const char *next = err ? "" : redis_reply_str(redis_reply_at(r, 1));
    store_unfinished(w->store, err ? NULL : r, 2);
    w->fn(w->arg, strtoll(next, NULL, 10));
    free(w);
}

void store_wake(struct store *s, unsigned shard, const char *token, store_woken_fn fn, void *arg) {
    struct args a;
    char id[ID_SIZE], stamp[ZONE_STAMP_SIZE];
    int64_t now = clock_ms();
    struct waking *w = mem_alloc(sizeof *w);
    *w = (struct waking){s, fn, arg};
    id_make(shard, id);
    zone_stamp(s->zone, now, stamp);
    args_init(&a);
    args_int(&a, now);
    args_add(&a, s->events_max);
    args_add(&a, id);
    args_add(&a, token);
    args_add(&a, stamp);
    args_add(&a, s->report_keep_s);
    args_add(&a, s->asks);
    for (size_t i = 0; i < s->ntargets; i++)
        args_add(&a, s->targets[i]);
    store_eval(s, SCRIPT_WAKE, shard, &a, on_woken, w);
}
