/* store_media.c - what is known of attachments. Each is one hash in the shard that its id names. */
#include "store/store_media.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "store/store_private.h"

struct media_call {
    store_json_fn json;
    store_done_fn done;
    void *arg;
};

static void on_put(void *arg, const struct redis_reply *r, const struct err *err) {
    struct media_call *c = arg;
    (void)r;
    c->done(c->arg, err);
    free(c);
}

void store_media_put(struct store *s, const char *id, const json_t *info, const char *owner,
    store_done_fn fn, void *arg) {
    struct media_call *c = mem_zalloc(sizeof *c);
    char key[STORE_KEY_SIZE], *text = json_dumps(info, JSON_COMPACT);
    struct args a;
    *c = (struct media_call){.done = fn, .arg = arg};
    args_init(&a);
    args_add(&a, "HSET");
    args_span(&a, store_key(key, id_shard(id), "media", id));
    args_add(&a, "info");
    args_add(&a, text);
    args_add(&a, "owner");
    args_add(&a, owner);
    store_command(s, &a, on_put, c);
    free(text);
}

static void on_get(void *arg, const struct redis_reply *r, const struct err *err) {
    struct media_call *c = arg;
    struct err missing;
    json_t *info = err ? NULL : json_loads(redis_reply_str(redis_reply_at(r, 0)), 0, NULL);
    if (!info && !err) {
        err_set(&missing, ERR_NOT_FOUND, "there is no such attachment");
        err = &missing;
    }
    json_t *out = NULL;
    if (info) {
        const char *thread = redis_reply_str(redis_reply_at(r, 2));
        out = json_pack("{s:o,s:s,s:o}", "media", info, "owner",
            redis_reply_str(redis_reply_at(r, 1)), "thread",
            *thread ? json_string(thread) : json_null());
    }
    c->json(c->arg, out, err);
    json_decref(out);
    free(c);
}

void store_media_get(struct store *s, const char *id, store_json_fn fn, void *arg) {
    char key[STORE_KEY_SIZE];
    struct args a;
    struct err err;
    if (!store_check_id(s, id, "attachment", &err)) {
        store_fail_json(s, &err, fn, arg);
        return;
    }
    struct media_call *c = mem_zalloc(sizeof *c);
    *c = (struct media_call){.json = fn, .arg = arg};
    args_init(&a);
    args_add(&a, "HMGET");
    args_span(&a, store_key(key, id_shard(id), "media", id));
    args_add(&a, "info");
    args_add(&a, "owner");
    args_add(&a, "thread");
    store_command(s, &a, on_get, c);
}

/* --- claiming several ------------------------------------------------------------------------ */

struct claim {
    store_json_fn fn;
    void *arg;
    size_t n, waiting;
    struct err err;
    json_t **info; /* by position */
    char (*ids)[ID_SIZE];
};

struct claim_one {
    struct claim *claim;
    size_t i;
};

static void claim_less(struct claim *c) {
    if (--c->waiting)
        return;
    json_t *list = json_array();
    for (size_t i = 0; i < c->n; i++)
        if (c->info[i])
            json_array_append_new(list, c->info[i]);
    c->fn(c->arg, c->err.code ? NULL : list, c->err.code ? &c->err : NULL);
    json_decref(list);
    free(c->info);
    free(c->ids);
    free(c);
}

static void on_claimed(void *arg, const struct redis_reply *r, const struct err *err) {
    struct claim_one *one = arg;
    struct claim *c = one->claim;
    if (err)
        c->err = *err;
    else if (redis_reply_type(r) != REDIS_STRING)
        err_set(
            &c->err, ERR_INVALID, "attachment %s does not exist, or is not yours", c->ids[one->i]);
    else
        c->info[one->i] = json_loads(redis_reply_str(r), 0, NULL);
    free(one);
    claim_less(c);
}

void store_media_claim(struct store *s, const char *const *ids, size_t n, const char *owner,
    const char *thread, store_json_fn fn, void *arg) {
    struct err err;
    for (size_t i = 0; i < n; i++)
        if (!store_check_id(s, ids[i], "attachment", &err)) {
            err_set(&err, ERR_INVALID, "attachments[%zu] does not exist", i);
            store_fail_json(s, &err, fn, arg);
            return;
        }
    struct claim *c = mem_zalloc(sizeof *c);
    *c = (struct claim){.fn = fn, .arg = arg, .n = n, .waiting = n + 1};
    c->info = mem_zalloc((n + 1) * sizeof *c->info);
    c->ids = mem_zalloc((n + 1) * sizeof *c->ids);
    for (size_t i = 0; i < n; i++) {
        char key[STORE_KEY_SIZE];
        struct span keys[] = {store_key(key, id_shard(ids[i]), "media", ids[i])};
        struct span args[] = {span_str(owner), span_str(thread)};
        struct claim_one *one = mem_alloc(sizeof *one);
        *one = (struct claim_one){c, i};
        memcpy(c->ids[i], ids[i], ID_SIZE);
        redis_eval(s->redis, &s->scripts[SCRIPT_MEDIA_CLAIM], keys, 1, args, 2, on_claimed, one);
    }
    claim_less(c);
}

static void on_media_moved(void *arg, const struct redis_reply *r, const struct err *err) {
    (void)arg;
    (void)r;
    (void)err; /* what moves the message comes after it on its way to Redis, and fails, too */
}

void store_media_move(struct store *s, const char *id, const char *thread) {
    struct args a;
    char key[STORE_KEY_SIZE];
    args_init(&a);
    args_add(&a, "HSET");
    args_span(&a, store_key(key, id_shard(id), "media", id));
    args_add(&a, "thread");
    args_add(&a, thread);
    store_command(s, &a, on_media_moved, NULL);
}
