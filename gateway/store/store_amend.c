/* store_amend.c - read, change, write back if nobody was quicker. */
#include "store/store_amend.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "store/store_private.h"
#include "store/store_record.h"

#define TRIES_MAX 20

struct amend {
    struct store *store;
    store_append_fn fn;
    void *arg;
    char thread[ID_SIZE];
    int64_t seq;
    char *key, *once, *alias, *word, *detail, *channel, *job;
    bool fetch, silent;
    int (*edit)(void *arg, json_t *body, struct err *err);
    void *edit_arg;
    char message[ID_SIZE];
    char *old_body, *new_body, *preview;
    unsigned tries;
    struct err early;
};

static void finish(struct amend *op, bool duplicate, const struct err *err) {
    struct store_appended out = {.duplicate = duplicate, .seq = op->seq};
    memcpy(out.thread, op->thread, ID_SIZE);
    memcpy(out.message, op->message, ID_SIZE);
    op->fn(op->arg, err ? NULL : &out, err);
    free(op->key);
    free(op->once);
    free(op->alias);
    free(op->word);
    free(op->detail);
    free(op->channel);
    free(op->job);
    free(op->old_body);
    free(op->new_body);
    free(op->preview);
    free(op);
}

static void missing(struct amend *op) {
    struct err err;
    err_set(&err, ERR_NOT_FOUND, "there is no such message");
    finish(op, false, &err);
}

static void write_back(struct amend *op, struct span record);

static void on_amended(void *arg, const struct redis_reply *r, const struct err *err) {
    struct amend *op = arg;
    if (err) {
        finish(op, false, err);
        return;
    }
    const char *what = redis_reply_str(redis_reply_at(r, 0));
    if (strcmp(what, "ok") == 0 || strcmp(what, "dup") == 0)
        finish(op, strcmp(what, "dup") == 0, NULL);
    else if (strcmp(what, "changed") == 0)
        write_back(op, redis_reply_span(redis_reply_at(r, 1)));
    else
        missing(op);
}

static void send(struct amend *op) {
    struct store *s = op->store;
    struct args a;
    int64_t now = clock_ms();
    args_init(&a);
    args_int(&a, now);
    args_add(&a, op->thread);
    args_int(&a, op->seq);
    args_add(&a, op->old_body);
    args_add(&a, op->new_body);
    args_add(&a, s->dedupe ? op->once : "");
    args_int(&a, dedupe_bucket(now));
    args_add(&a, op->word);
    args_add(&a, op->detail);
    args_add(&a, s->events_max);
    args_add(&a, op->alias);
    args_add(&a, op->channel);
    args_add(&a, op->job);
    args_add(&a, op->fetch ? "1" : "0");
    args_add(&a, op->preview);
    for (size_t i = 0; !op->silent && i < s->ntargets; i++)
        args_add(&a, s->targets[i]);
    store_eval(s, SCRIPT_AMEND, id_shard(op->thread), &a, on_amended, op);
}

static void write_back(struct amend *op, struct span record) {
    struct err err = {ERR_INTERNAL, "a change failed without a reason"};
    struct span old = record_body_text(record);
    json_t *body = record_body_json(record);
    if (!body || ++op->tries > TRIES_MAX) {
        json_decref(body);
        err_set(&err, body ? ERR_CONFLICT : ERR_INTERNAL, "message %s cannot be changed now",
            op->message);
        finish(op, false, &err);
        return;
    }
    record_id(record, op->message);
    free(op->old_body);
    free(op->new_body);
    free(op->preview);
    op->old_body = mem_strndup(old.p, old.n);
    int changed = op->edit(op->edit_arg, body, &err);
    op->new_body = record_body_again(body);
    op->preview = record_preview(body);
    json_decref(body);
    if (changed < 0)
        finish(op, false, &err);
    else if (changed == 0 && !op->alias)
        finish(op, true, NULL);
    else
        send(op);
}

static void on_record(void *arg, const struct redis_reply *r, const struct err *err) {
    struct amend *op = arg;
    if (err)
        finish(op, false, err);
    else if (redis_reply_type(r) != REDIS_STRING)
        missing(op);
    else
        write_back(op, redis_reply_span(r));
}

static void on_located(void *arg, const struct redis_reply *r, const struct err *err) {
    struct amend *op = arg;
    if (err) {
        finish(op, false, err);
    } else if (strcmp(redis_reply_str(redis_reply_at(r, 0)), "ok") != 0) {
        missing(op);
    } else {
        op->seq = redis_reply_int(redis_reply_at(r, 1));
        write_back(op, redis_reply_span(redis_reply_at(r, 2)));
    }
}

static void on_early(void *arg) {
    struct amend *op = arg;
    finish(op, false, &op->early);
}

static char *copy_or_null(const char *s) {
    return s && *s ? mem_strdup(s) : NULL;
}

void store_amend(struct store *s, const struct store_amend *in, store_append_fn fn, void *arg) {
    struct amend *op = mem_zalloc(sizeof *op);
    struct args a;
    char key[STORE_KEY_SIZE];
    *op = (struct amend){.store = s,
        .fn = fn,
        .arg = arg,
        .seq = in->seq,
        .fetch = in->fetch,
        .silent = in->silent,
        .edit = in->edit,
        .edit_arg = in->edit_arg};
    op->key = copy_or_null(in->key);
    op->once = copy_or_null(in->once);
    op->alias = copy_or_null(in->alias);
    op->word = copy_or_null(in->word);
    op->detail = copy_or_null(in->detail);
    op->channel = copy_or_null(in->channel);
    op->job = copy_or_null(in->job);
    if (!store_check_id(s, in->thread, "thread", &op->early)) {
        loop_defer(s->env->loop, on_early, op);
        return;
    }
    memcpy(op->thread, in->thread, ID_SIZE);
    args_init(&a);
    if (op->seq > 0) {
        args_add(&a, "HGET");
        args_span(&a, store_key(key, id_shard(op->thread), "log", op->thread));
        args_int(&a, op->seq);
        store_command(s, &a, on_record, op);
        return;
    }
    args_add(&a, op->thread);
    args_add(&a, op->key);
    args_int(&a, dedupe_bucket(clock_ms()));
    store_eval(s, SCRIPT_LOCATE, id_shard(op->thread), &a, on_located, op);
}
