/* store_merge.c - two clients become one. They may live in different shards, so there are steps,
 * each safe to repeat: the one that stays learns the other's identities and threads, and keeps what
 * was before (join.lua); the other is marked as merged (merge.lua); who waited in his thread waits
 * in the one that stays (carry.lua), which tells of it. A merge that stops on the way is ended by
 * the shard's owner. Undoing it: store_unmerge.c. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "store/store_private.h"

struct merge {
    struct store *store;
    store_json_fn fn;
    void *arg;
    char from[ID_SIZE], into[ID_SIZE], into_thread[ID_SIZE];
    char *agent;
    char waiting[24], unread[24], number[24]; /* of the thread that goes; how many merges */
    char *due;                                /* by when an answer is */
    json_t *from_client;
};

static void merge_done(struct merge *m, json_t *result, const struct err *err) {
    m->fn(m->arg, result, err);
    json_decref(m->from_client);
    free(m->agent);
    free(m->due);
    free(m);
}

static void on_merged_client(void *arg, json_t *result, const struct err *err) {
    merge_done(arg, result, err);
}

static void on_finished(void *arg, const struct redis_reply *r, const struct err *err) {
    struct merge *m = arg;
    (void)r;
    if (err)
        merge_done(m, NULL, err);
    else
        store_client(m->store, m->into, on_merged_client, m);
}

static void on_merge_event(void *arg, const struct store_appended *r, const struct err *err) {
    struct merge *m = arg;
    (void)r;
    if (err) {
        merge_done(m, NULL, err);
        return;
    }
    char *what = mem_printf("merge %s %s %s", m->from, m->into, m->agent);
    store_finished(m->store, m->from, what, on_finished, m);
    free(what);
}

/* The thread that stays tells of it, and is open when somebody waits in it. */
static void on_carried(void *arg, const struct redis_reply *r, const struct err *err) {
    struct merge *m = arg;
    struct err bad;
    if (!err && strcmp(redis_reply_str(redis_reply_at(r, 0)), "ok") != 0) {
        err_set(&bad, ERR_CONFLICT, "the client that should stay was merged, or parted, meanwhile");
        err = &bad;
    }
    if (err) {
        merge_done(m, NULL, err);
        return;
    }
    bool opens = m->waiting[0] && strcmp(redis_reply_str(redis_reply_at(r, 1)), "open") != 0;
    char *dedupe = mem_printf("merge:%s:%s", m->from, m->number);
    json_t *body =
        json_pack("{s:{s:s,s:s,s:s}}", "event", "type", "merged", "from", m->from, "by", m->agent);
    struct store_append a = {.direction = DIRECTION_EVENT,
        .thread = m->into_thread,
        .dedupe = dedupe,
        .state = opens ? "open" : NULL,
        .body = body};
    store_append(m->store, &a, on_merge_event, m);
    json_decref(body);
    free(dedupe);
}

static void copy_text(char *out, size_t size, const struct redis_reply *r) {
    snprintf(out, size, "%s", redis_reply_str(r));
}

static void on_marked(void *arg, const struct redis_reply *r, const struct err *err) {
    struct merge *m = arg;
    struct args a;
    if (err) {
        merge_done(m, NULL, err);
        return;
    }
    copy_text(m->waiting, sizeof m->waiting, redis_reply_at(r, 2));
    copy_text(m->unread, sizeof m->unread, redis_reply_at(r, 3));
    copy_text(m->number, sizeof m->number, redis_reply_at(r, 4));
    m->due = mem_strdup(redis_reply_str(redis_reply_at(r, 5)));
    args_init(&a);
    args_add(&a, m->into);
    args_add(&a, m->from);
    args_add(&a, m->waiting);
    args_add(&a, m->unread[0] ? m->unread : "0");
    args_add(&a, m->store->events_max);
    args_add(&a, m->due);
    store_eval(m->store, SCRIPT_CARRY, id_shard(m->into), &a, on_carried, m);
}

static void on_joined(void *arg, const struct redis_reply *r, const struct err *err) {
    struct merge *m = arg;
    struct args a;
    struct err bad;
    if (!err && strcmp(redis_reply_str(redis_reply_at(r, 0)), "ok") != 0) {
        err_set(&bad, ERR_CONFLICT, "the client that should stay was merged into another one");
        err = &bad;
    }
    if (err) {
        merge_done(m, NULL, err);
        return;
    }
    copy_text(m->into_thread, sizeof m->into_thread, redis_reply_at(r, 1));
    args_init(&a);
    args_add(&a, m->from);
    args_add(&a, m->into);
    args_add(&a, m->into_thread);
    args_add(&a, m->store->events_max);
    args_int(&a, clock_ms());
    args_add(&a, m->agent);
    for (size_t i = 0; i < m->store->ntargets; i++)
        args_add(&a, m->store->targets[i]);
    store_eval(m->store, SCRIPT_MERGE, id_shard(m->from), &a, on_marked, m);
}

size_t merge_fields(const json_t *from_client, const char *from, char **fields, size_t max) {
    size_t n = 0, i;
    json_t *id, *thread;
    bool proven = false;
    json_array_foreach(json_object_get(from_client, "identities"), i, id) {
        if (n + 4 > max)
            break;
        fields[n++] = mem_printf("i:%s:%s", json_string_value(json_object_get(id, "kind")),
            json_string_value(json_object_get(id, "address")));
        fields[n++] = mem_printf(
            "%c%s", store_identity_mark(id), json_string_value(json_object_get(id, "name")));
        proven |= json_is_true(json_object_get(id, "verified")) &&
                  strcmp(json_string_value(json_object_get(id, "kind")), "user") == 0;
    }
    if (proven) { /* what is his now opens to his proof only */
        fields[n++] = mem_strdup("proven");
        fields[n++] = mem_strdup("1");
    }
    json_array_foreach(json_object_get(from_client, "threads"), i, thread) {
        if (n + 2 > max)
            break;
        fields[n++] = mem_printf("m:%s:%zu", from, i);
        fields[n++] = mem_strdup(json_string_value(thread));
    }
    return n;
}

/* Knows the one that goes: what he has is written to the one that stays. */
static void on_merge_from(void *arg, json_t *result, const struct err *err) {
    struct merge *m = arg;
    struct args a;
    char *fields[MERGE_FIELDS_MAX];
    if (err) {
        merge_done(m, NULL, err);
        return;
    }
    m->from_client = json_incref(json_object_get(result, "client"));
    const char *gone = json_string_value(json_object_get(m->from_client, "merged_into"));
    if (gone && strcmp(gone, m->into) != 0) {
        struct err bad;
        err_set(&bad, ERR_CONFLICT, "this client was merged into %s before", gone);
        merge_done(m, NULL, &bad);
        return;
    }
    args_init(&a);
    args_add(&a, m->into);
    args_add(&a, m->from);
    args_int(&a, clock_ms());
    args_add(&a, m->agent);
    args_add(&a, json_string_value(json_object_get(m->from_client, "name")));
    args_add(&a, m->store->events_max);
    args_int(&a, (int64_t)m->store->ntargets);
    for (size_t i = 0; i < m->store->ntargets; i++)
        args_add(&a, m->store->targets[i]);
    size_t n = merge_fields(m->from_client, m->from, fields, ARRAY_LEN(fields));
    for (size_t i = 0; i < n; i++)
        args_add(&a, fields[i]);
    store_eval(m->store, SCRIPT_JOIN, id_shard(m->into), &a, on_joined, m);
    for (size_t i = 0; i < n; i++)
        free(fields[i]);
}

void store_merge(struct store *s, const char *from, const char *into, const char *agent,
    store_json_fn fn, void *arg) {
    struct err err;
    if (!store_check_id(s, from, "client", &err) || !store_check_id(s, into, "client", &err)) {
        store_fail_json(s, &err, fn, arg);
        return;
    }
    if (strcmp(from, into) == 0) {
        err_set(&err, ERR_INVALID, "a client cannot be merged with itself");
        store_fail_json(s, &err, fn, arg);
        return;
    }
    struct merge *m = mem_zalloc(sizeof *m);
    *m = (struct merge){.store = s, .fn = fn, .arg = arg, .agent = mem_strdup(agent)};
    memcpy(m->from, from, ID_SIZE);
    memcpy(m->into, into, ID_SIZE);
    store_client(s, from, on_merge_from, m);
}
