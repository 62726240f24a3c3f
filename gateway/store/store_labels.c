/* store_labels.c - which labels there are, and one label away or into another on all of its
 * threads and in saved views. The scripts keep the numbers (_common.lua, count). */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "store/scripts.h"
#include "store/store_desk.h"
#include "store/store_private.h"

#define MOST_OF_SHARD 300  /* of each shard the most frequent are looked at ... */
#define MOST 500           /* ... and so many are counted over all of them */
#define ALL_OF_SHARD 10000 /* for the list of all */
#define STEP 50            /* threads in one step of a change */

struct label {
    const char *name;
    json_int_t n;
};

static int most_first(const void *a, const void *b) {
    const struct label *x = a, *y = b;
    if (x->n != y->n)
        return x->n < y->n ? 1 : -1;
    return strcmp(x->name, y->name);
}

static int by_name(const void *a, const void *b) {
    const struct label *x = a, *y = b;
    return strcmp(x->name, y->name);
}

struct labels {
    struct gather g;
    struct store *store;
    char *agent; /* whose threads alone count; NULL: all do */
    bool all;    /* the list of all, by name */
    store_json_fn fn;
    void *arg;
    json_t *counts;     /* label -> number, as far as the shards have told */
    struct label *most; /* of them, what is counted anew; names are those of counts */
    size_t nmost;
};

static void labels_end(struct labels *l) {
    json_t *list = json_array();
    for (size_t i = 0; i < l->nmost; i++)
        if (l->most[i].n > 0)
            json_array_append_new(
                list, json_pack("{s:s,s:I}", "label", l->most[i].name, "count", l->most[i].n));
    json_t *out = json_pack("{s:o}", "labels", list);
    l->fn(l->arg, l->g.err.code ? NULL : out, l->g.err.code ? &l->g.err : NULL);
    json_decref(out);
    json_decref(l->counts);
    free(l->most);
    free(l->agent);
    free(l);
}

static void on_most_counted(struct gather *g, size_t shard, const struct redis_reply *r) {
    struct labels *l = container_of(g, struct labels, g);
    (void)shard;
    for (size_t i = 0; i < l->nmost; i++)
        l->most[i].n += redis_reply_int(redis_reply_at(r, i));
}

static void most_counted(struct gather *g) {
    struct labels *l = container_of(g, struct labels, g);
    qsort(l->most, l->nmost, sizeof *l->most, most_first);
    labels_end(l);
}

/* A label that is frequent in one shard only would be counted short: so each of the most frequent
 * is asked for in all shards. */
static void count_most(struct labels *l) {
    char key[STORE_KEY_SIZE];
    if (l->nmost > MOST)
        l->nmost = MOST;
    gather_begin(&l->g, l->store, on_most_counted, most_counted);
    for (unsigned i = 0; l->nmost && i < l->store->shards; i++) {
        struct args a;
        args_init(&a);
        if (!l->agent) {
            args_add(&a, "ZMSCORE");
            args_span(&a, store_key(key, i, "labels", NULL));
        } else {
            args_add(&a, l->agent);
        }
        for (size_t k = 0; k < l->nmost; k++) {
            l->most[k].n = 0;
            args_add(&a, l->most[k].name);
        }
        if (!l->agent)
            gather_command(&l->g, i, &a);
        else
            gather_eval(&l->g, i, SCRIPT_LABELS, i, &a);
    }
    gather_end(&l->g);
}

static void on_labels(struct gather *g, size_t shard, const struct redis_reply *r) {
    struct labels *l = container_of(g, struct labels, g);
    (void)shard;
    for (size_t i = 0; i + 1 < redis_reply_count(r); i += 2) {
        const char *name = redis_reply_str(redis_reply_at(r, i));
        json_int_t before = json_integer_value(json_object_get(l->counts, name));
        json_object_set_new(
            l->counts, name, json_integer(before + redis_reply_int(redis_reply_at(r, i + 1))));
    }
}

static void labels_known(struct gather *g) {
    struct labels *l = container_of(g, struct labels, g);
    const char *name;
    json_t *v;
    l->most = mem_alloc((json_object_size(l->counts) + 1) * sizeof *l->most);
    json_object_foreach(l->counts, name, v) {
        l->most[l->nmost++] = (struct label){name, json_integer_value(v)};
    }
    qsort(l->most, l->nmost, sizeof *l->most, l->all ? by_name : most_first);
    if (l->all || g->err.code)
        labels_end(l);
    else
        count_most(l);
}

static void ask(struct store *s, const char *agent, bool all, store_json_fn fn, void *arg) {
    struct labels *l = mem_zalloc(sizeof *l);
    char key[STORE_KEY_SIZE];
    *l = (struct labels){.store = s,
        .agent = agent ? mem_strdup(agent) : NULL,
        .all = all,
        .fn = fn,
        .arg = arg,
        .counts = json_object()};
    gather_begin(&l->g, s, on_labels, labels_known);
    for (unsigned i = 0; i < s->shards; i++) {
        struct args a;
        args_init(&a);
        args_add(&a, "ZREVRANGE");
        args_span(&a, store_key(key, i, "labels", NULL));
        args_add(&a, "0");
        args_int(&a, (all ? ALL_OF_SHARD : MOST_OF_SHARD) - 1);
        args_add(&a, "WITHSCORES");
        gather_command(&l->g, i, &a);
    }
    gather_end(&l->g);
}

void store_labels(struct store *s, const char *agent, store_json_fn fn, void *arg) {
    ask(s, agent, false, fn, arg);
}

void store_labels_all(struct store *s, store_json_fn fn, void *arg) {
    ask(s, NULL, true, fn, arg);
}

/* --- one label on all of its threads --------------------------------------------------------- */

struct relabel {
    struct store *store;
    char *from, *to; /* to: "" none */
    unsigned shard;
    int64_t n;
    store_count_fn fn;
    void *arg;
};

static void relabel_step(struct relabel *l);

static void on_step(void *arg, const struct redis_reply *r, const struct err *err) {
    struct relabel *l = arg;
    int64_t n = err ? 0 : redis_reply_int(r);
    l->n += n;
    l->shard += n < STEP;
    if (!err && l->shard < l->store->shards) {
        relabel_step(l);
        return;
    }
    l->fn(l->arg, l->n, err);
    free(l->from);
    free(l->to);
    free(l);
}

static void relabel_step(struct relabel *l) {
    struct args a;
    args_init(&a);
    args_add(&a, l->from);
    args_add(&a, l->to);
    args_int(&a, STEP);
    args_add(&a, l->store->events_max);
    store_eval(l->store, SCRIPT_RELABEL, l->shard, &a, on_step, l);
}

void store_relabel(
    struct store *s, const char *from, const char *to, store_count_fn fn, void *arg) {
    struct relabel *l = mem_zalloc(sizeof *l);
    *l = (struct relabel){
        .store = s, .from = mem_strdup(from), .to = mem_strdup(to ? to : ""), .fn = fn, .arg = arg};
    relabel_step(l);
}

/* --- in saved views, which have no shard: a call for each agent and token -------------------- */

struct relabel_views {
    struct redis_script script; /* it lives with the calls, since redis.c may need its text again */
    struct store *store;
    char *from, *to; /* to: "" none */
    size_t waiting;  /* answers, plus one while calls are made */
    int64_t n;
    struct err err; /* the first */
    store_count_fn fn;
    void *arg;
};

static void views_less(struct relabel_views *v) {
    if (--v->waiting)
        return;
    v->fn(v->arg, v->n, v->err.code ? &v->err : NULL);
    free(v->from);
    free(v->to);
    free(v);
}

static void on_agents_views(void *arg, const struct redis_reply *r, const struct err *err) {
    struct relabel_views *v = arg;
    if (!err)
        v->n += redis_reply_int(r);
    else if (!v->err.code)
        v->err = *err;
    views_less(v);
}

static void on_names(void *arg, const struct redis_reply *r, const struct err *err) {
    struct relabel_views *v = arg;
    if (err && !v->err.code)
        v->err = *err;
    for (size_t i = 0; !err && i < redis_reply_count(r); i++) {
        const char *name = redis_reply_str(redis_reply_at(r, i));
        char *key = mem_printf("sb:shelf:views:%s", name);
        struct span keys[] = {span_str(key)};
        struct span args[] = {span_str(v->from), span_str(v->to), span_str(name)};
        v->waiting++;
        redis_eval(v->store->redis, &v->script, keys, 1, args, 3, on_agents_views, v);
        free(key);
    }
    views_less(v);
}

static void ask_names(struct relabel_views *v, const char *command, const char *key) {
    struct args a;
    args_init(&a);
    args_add(&a, command);
    args_add(&a, key);
    v->waiting++;
    store_command(v->store, &a, on_names, v);
}

void store_relabel_views(
    struct store *s, const char *from, const char *to, store_count_fn fn, void *arg) {
    struct relabel_views *v = mem_zalloc(sizeof *v);
    *v = (struct relabel_views){.store = s,
        .from = mem_strdup(from),
        .to = mem_strdup(to ? to : ""),
        .waiting = 1,
        .fn = fn,
        .arg = arg};
    redis_script_init(&v->script, "relabel_views", script_relabel_views);
    ask_names(v, "SMEMBERS", "sb:users");
    ask_names(v, "HKEYS", "sb:tokens");
    views_less(v);
}
