/* store_append.c - the one append: builds the script's arguments and follows a client to its shard.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "store/store_private.h"
#include "store/store_record.h"

#define HOPS_MAX 8

/* Everything is copied: the script may have to be sent again to another shard. */
struct append {
    struct store *store;
    store_append_fn fn;
    void *arg;
    enum direction direction;
    char who[ID_SIZE + 1]; /* "", "t<thread>", "c<client>" */
    unsigned shard;
    char *kind, *address, *name, *channel, *connector, *dedupe, *body, *preview, *profile;
    char *assignee, *state, *labels; /* "-" or "=..." */
    int64_t snooze;
    bool verified, deliver;
    int64_t now;
    uint64_t began_us;
    unsigned hops;
    struct err early;
};

static void send_append(struct append *op);

static void append_free(struct append *op) {
    char *all[] = {op->kind, op->address, op->name, op->channel, op->connector, op->dedupe,
        op->body, op->preview, op->profile, op->assignee, op->state, op->labels};
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        free(all[i]);
    free(op);
}

static void finish(struct append *op, const struct store_appended *r, const struct err *err) {
    op->fn(op->arg, r, err);
    append_free(op);
}

static void copy_id(char *out, const struct redis_reply *r) {
    struct span s = redis_reply_span(r);
    out[0] = '\0';
    if (s.n == ID_LEN) {
        memcpy(out, s.p, ID_LEN);
        out[ID_LEN] = '\0';
    }
}

/* The client lives on in another shard (merged): the same again there. */
static void hop(struct append *op, const char *client) {
    struct err err;
    if (++op->hops > HOPS_MAX || !store_check_id(op->store, client, "client", &err)) {
        err_set(&err, ERR_INTERNAL, "client %s leads nowhere after %u merges", client, op->hops);
        finish(op, NULL, &err);
        return;
    }
    op->who[0] = 'c';
    memcpy(op->who + 1, client, ID_SIZE);
    op->shard = id_shard(client);
    send_append(op);
}

static void on_appended(void *arg, const struct redis_reply *r, const struct err *err) {
    struct append *op = arg;
    if (err) {
        finish(op, NULL, err);
        return;
    }
    const char *what = redis_reply_str(redis_reply_at(r, 0));
    struct store_appended out = {.duplicate = strcmp(what, "dup") == 0};
    struct err bad;
    if (strcmp(what, "ok") == 0 || out.duplicate) {
        copy_id(out.client, redis_reply_at(r, 1));
        copy_id(out.thread, redis_reply_at(r, 2));
        copy_id(out.message, redis_reply_at(r, 3));
        out.seq = redis_reply_int(redis_reply_at(r, 4));
        out.received_ms = redis_reply_int(redis_reply_at(r, 5));
        metrics_observe_us(
            op->store->env->metrics, M_STORE_SECONDS, NULL, clock_mono_us() - op->began_us);
        if (!out.duplicate)
            metrics_add(op->store->env->metrics, M_STORED, direction_name(op->direction), 1);
        finish(op, &out, NULL);
    } else if (strcmp(what, "elsewhere") == 0) {
        char client[ID_SIZE];
        copy_id(client, redis_reply_at(r, 1));
        hop(op, client);
    } else if (strcmp(what, "again") == 0 && ++op->hops <= HOPS_MAX) {
        send_append(op);
    } else if (strcmp(what, "merged") == 0) {
        err_set(&bad, ERR_CONFLICT, "this thread goes on as %s, since the two clients are one",
            redis_reply_str(redis_reply_at(r, 1)));
        finish(op, NULL, &bad);
    } else {
        err_set(&bad, ERR_NOT_FOUND, "there is no such thread");
        finish(op, NULL, &bad);
    }
}

static void send_append(struct append *op) {
    struct store *s = op->store;
    struct args a;
    char client[ID_SIZE], thread[ID_SIZE], message[ID_SIZE];
    args_init(&a);
    id_make(op->shard, client);
    id_make(op->shard, thread);
    id_make(op->shard, message);
    memcpy(client + ID_TIME_LEN, thread + ID_TIME_LEN, ID_TAG_LEN);
    args_int(&a, op->now);
    args_add(&a, direction_name(op->direction));
    args_add(&a, op->who);
    args_add(&a, op->kind);
    args_add(&a, op->address);
    args_add(&a, op->name);
    args_add(&a, op->verified ? "1" : "0");
    args_add(&a, client);
    args_add(&a, thread);
    args_add(&a, message);
    args_add(&a, op->channel);
    args_add(&a, op->connector);
    args_add(&a, s->dedupe ? op->dedupe : "");
    args_int(&a, dedupe_bucket(op->now));
    args_add(&a, op->body);
    args_add(&a, op->preview);
    args_add(&a, op->deliver ? "1" : "0");
    args_add(&a, op->assignee);
    args_add(&a, op->state);
    args_add(&a, op->labels);
    if (op->snooze)
        args_add(&a, "=");
    else
        args_add(&a, "-");
    char snooze[32];
    if (op->snooze) {
        snprintf(snooze, sizeof snooze, "=%lld", (long long)op->snooze);
        a.v[a.n - 1] = span_str(snooze);
    }
    args_add(&a, op->profile);
    args_add(&a, s->events_max);
    args_add(&a, s->keep_messages);
    args_add(&a, s->keep_ms);
    for (size_t i = 0; i < s->ntargets; i++)
        args_add(&a, s->targets[i]);
    store_eval(s, SCRIPT_APPEND, op->shard, &a, on_appended, op);
}

static char *change(const char *value) {
    return value ? mem_printf("=%s", value) : mem_strdup("-");
}

static void on_early(void *arg) {
    struct append *op = arg;
    finish(op, NULL, &op->early);
}

/* Where the append goes, or -1 with err. */
static int address(struct append *op, const struct store_append *in, struct err *err) {
    struct store *s = op->store;
    if (in->thread) {
        if (!store_check_id(s, in->thread, "thread", err))
            return -1;
        op->who[0] = 't';
        memcpy(op->who + 1, in->thread, ID_SIZE);
        op->shard = id_shard(in->thread);
        return 0;
    }
    if (!in->from || !in->from->kind || !in->from->address || !*in->from->address)
        return err_set(err, ERR_INVALID, "a message needs a thread or its sender's identity");
    char *key = mem_printf("%s:%s", in->from->kind, in->from->address);
    op->shard = id_hash_shard(key, strlen(key), s->shards);
    free(key);
    return 0;
}

void store_append(struct store *s, const struct store_append *in, store_append_fn fn, void *arg) {
    struct append *op = mem_zalloc(sizeof *op);
    const struct identity none = {"", "", "", false};
    const struct identity *from = in->from ? in->from : &none;
    op->store = s;
    op->fn = fn;
    op->arg = arg;
    op->direction = in->direction;
    op->now = clock_ms();
    op->began_us = clock_mono_us();
    op->kind = mem_strdup(from->kind);
    op->address = mem_strdup(from->address);
    op->name = mem_strdup(from->name ? from->name : "");
    op->verified = from->verified;
    op->channel = mem_strdup(in->channel ? in->channel : "");
    op->connector = mem_strdup(in->connector ? in->connector : "");
    op->dedupe = mem_strdup(in->dedupe ? in->dedupe : "");
    op->body = record_body(in->direction, in->channel, in->connector, in->body);
    op->preview = record_preview(in->body);
    op->profile = in->profile ? json_dumps(in->profile, JSON_COMPACT) : mem_strdup("");
    op->assignee = change(in->assignee);
    op->state = change(in->state);
    op->labels = change(in->labels);
    op->snooze = in->snooze_until_ms;
    op->deliver = in->deliver;
    if (address(op, in, &op->early) < 0) {
        loop_defer(s->env->loop, on_early, op);
        return;
    }
    send_append(op);
}
