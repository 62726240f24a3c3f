/* store_ask.c - a client is asked how the talk was (scripts/ask.lua). His answer comes as any
 * message does: store_append(). */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "store/store_private.h"
#include "store/store_record.h"

struct asking {
    struct store *store;
    store_done_fn fn;
    void *arg;
    char thread[ID_SIZE];
};

static void on_asked(void *arg, const struct redis_reply *r, const struct err *err) {
    struct asking *k = arg;
    const char *what = err ? "" : redis_reply_str(redis_reply_at(r, 0));
    struct err lost;
    if (!err && !*what) {
        err_set(&lost, ERR_CONFLICT, "the shard has another owner");
        err = &lost;
    }
    if (strcmp(what, "not") == 0)
        LOG_DEBUG(k->store->env->log, "rating.not_asked", LOG_S("thread", k->thread),
            LOG_S("why", redis_reply_str(redis_reply_at(r, 1))));
    else if (!err)
        LOG_DEBUG(k->store->env->log, "rating.asked", LOG_S("thread", k->thread),
            LOG_I("seq", redis_reply_int(redis_reply_at(r, 1))));
    k->fn(k->arg, err);
    free(k);
}

static char *body_of(const struct store_ask *a, const json_t *body) {
    return body ? record_body(DIRECTION_OUT, a->channel, a->connector, body) : mem_strdup("");
}

void store_ask(struct store *s, const struct store_ask *a, store_done_fn fn, void *arg) {
    struct args args;
    struct err err;
    int64_t now = clock_ms();
    char id[ID_SIZE];
    if (!store_check_id(s, a->thread, "thread", &err)) {
        store_fail_done(s, &err, fn, arg);
        return;
    }
    struct asking *k = mem_zalloc(sizeof *k);
    *k = (struct asking){.store = s, .fn = fn, .arg = arg};
    memcpy(k->thread, a->thread, ID_SIZE);
    char *question = body_of(a, a->question), *thanks = body_of(a, a->thanks);
    char *preview = a->question ? record_preview(a->question) : mem_strdup("");
    id_make(id_shard(a->thread), id);
    args_init(&args);
    args_int(&args, now);
    args_add(&args, a->thread);
    args_add(&args, a->episode);
    args_add(&args, a->token);
    args_add(&args, a->channel);
    args_add(&args, question);
    args_add(&args, preview);
    args_add(&args, thanks);
    args_int(&args, now - a->again_ms);
    args_add(&args, s->events_max);
    args_add(&args, id);
    args_int(&args, dedupe_bucket(now));
    for (size_t i = 0; i < s->ntargets; i++)
        args_add(&args, s->targets[i]);
    store_eval(s, SCRIPT_ASK, id_shard(a->thread), &args, on_asked, k);
    free(question);
    free(thanks);
    free(preview);
}

void store_ask_after(struct store *s, const char *by_channel) {
    free(s->asks);
    s->asks = mem_strdup(by_channel);
}
