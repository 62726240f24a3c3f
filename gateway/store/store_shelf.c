/* store_shelf.c - a few things by id that belong to an agent or to all: drafts, saved views, texts.
 * Their keys have no hash tag of a shard: each call touches one. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "store/scripts.h"
#include "store/store_desk.h"
#include "store/store_private.h"

struct shelf_call {
    struct redis_script script; /* it lives with the call, since redis.c may need its text again */
    store_json_fn fn;
    void *arg;
};

static struct shelf_call *call_create(store_json_fn fn, void *arg) {
    struct shelf_call *c = mem_zalloc(sizeof *c);
    c->fn = fn;
    c->arg = arg;
    return c;
}

static void on_put(void *arg, const struct redis_reply *r, const struct err *err) {
    struct shelf_call *c = arg;
    struct err bad = {0};
    const char *what = err ? "" : redis_reply_str(redis_reply_at(r, 0));
    json_t *result = NULL;
    if (err)
        bad = *err;
    else if (strcmp(what, "changed") == 0)
        err_set(&bad, ERR_CONFLICT, "somebody else has changed it meanwhile");
    else if (strcmp(what, "full") == 0)
        err_set(&bad, ERR_CONFLICT, "there are as many as there may be: delete one first");
    else if (strcmp(what, "ok") != 0)
        err_set(&bad, ERR_NOT_FOUND, "there is nothing with this id");
    else
        result = json_pack("{s:I}", "rev", (json_int_t)redis_reply_int(redis_reply_at(r, 1)));
    c->fn(c->arg, result, bad.code ? &bad : NULL);
    json_decref(result);
    free(c);
}

void store_shelf_put(
    struct store *s, const struct store_shelf_put *put, store_json_fn fn, void *arg) {
    struct shelf_call *c = call_create(fn, arg);
    struct args a;
    char *key = mem_printf("sb:shelf:%s", put->shelf);
    char *thing = put->thing ? json_dumps(put->thing, JSON_COMPACT) : NULL;
    char *told = put->told ? json_dumps(put->told, JSON_COMPACT) : NULL;
    struct span keys[] = {span_str(key)};
    args_init(&a);
    args_add(&a, put->id);
    args_add(&a, thing);
    if (put->expected >= 0)
        args_int(&a, put->expected);
    else
        args_add(&a, "");
    args_int(&a, put->max);
    args_add(&a, told);
    redis_script_init(&c->script, "shelf", script_shelf);
    redis_eval(s->redis, &c->script, keys, 1, a.v, a.n, on_put, c);
    free(key);
    free(thing);
    free(told);
}

static void on_shelf(void *arg, const struct redis_reply *r, const struct err *err) {
    struct shelf_call *c = arg;
    json_t *things = json_object();
    for (size_t i = 0; !err && i + 1 < redis_reply_count(r); i += 2) {
        char *end;
        long long rev = strtoll(redis_reply_str(redis_reply_at(r, i + 1)), &end, 10);
        json_t *thing = json_loads(end, 0, NULL);
        if (!json_is_object(thing)) {
            json_decref(thing);
            continue;
        }
        json_object_set_new(thing, "rev", json_integer(rev));
        json_object_set_new(things, redis_reply_str(redis_reply_at(r, i)), thing);
    }
    json_t *result = json_pack("{s:o}", "things", things);
    c->fn(c->arg, err ? NULL : result, err);
    json_decref(result);
    free(c);
}

void store_shelf(struct store *s, const char *shelf, store_json_fn fn, void *arg) {
    struct args a;
    char *key = mem_printf("sb:shelf:%s", shelf);
    args_init(&a);
    args_add(&a, "HGETALL");
    args_add(&a, key);
    store_command(s, &a, on_shelf, call_create(fn, arg));
    free(key);
}
