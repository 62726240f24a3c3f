/* store_unfinished.c - what was begun in several steps and not ended by who began it: the shard's
 * owner ends it. "unfinished" of a shard has such things by when they should have been over. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "store/store_private.h"
#include "store/store_queue.h"

void store_finished(struct store *s, const char *id, const char *what, redis_fn fn, void *arg) {
    struct args a;
    char key[STORE_KEY_SIZE];
    args_init(&a);
    args_add(&a, "ZREM");
    args_span(&a, store_key(key, id_shard(id), "unfinished", NULL));
    args_add(&a, what);
    store_command(s, &a, fn, arg);
}

struct ending {
    struct store *store;
    char id[ID_SIZE];
    char *what;
};

static void on_dropped(void *arg, const struct redis_reply *r, const struct err *err) {
    (void)arg;
    (void)r;
    (void)err; /* it is tried, and dropped, again */
}

/* What cannot be ended at all is not tried for ever. */
static void on_ended(void *arg, json_t *result, const struct err *err) {
    struct ending *e = arg;
    (void)result;
    if (err)
        LOG_WARN(e->store->env->log, "store.unfinished", LOG_S("what", e->what), LOG_E(err));
    else
        LOG_INFO(e->store->env->log, "store.finished", LOG_S("what", e->what));
    if (err && !err_passes(err))
        store_finished(e->store, e->id, e->what, on_dropped, NULL);
    free(e->what);
    free(e);
}

/* "<verb> <client> <client or -> <agent>" */
static void end_one(struct store *s, const char *what) {
    char verb[12], from[ID_SIZE], into[ID_SIZE], agent[80];
    if (sscanf(what, "%11s %26s %26s %79s", verb, from, into, agent) != 4 || !id_is_valid(from))
        return;
    bool ours = strcmp(verb, "merge") == 0 || strcmp(verb, "unmerge") == 0;
    if (!ours) {
        if (s->on_unfinished)
            s->on_unfinished(s->unfinished_arg, verb, from, agent);
        return;
    }
    struct ending *e = mem_alloc(sizeof *e);
    *e = (struct ending){.store = s, .what = mem_strdup(what)};
    memcpy(e->id, from, ID_SIZE);
    if (strcmp(verb, "merge") == 0)
        store_merge(s, from, into, agent, on_ended, e);
    else
        store_unmerge(s, from, into, agent, on_ended, e);
}

void store_on_unfinished(struct store *s,
    void (*fn)(void *arg, const char *verb, const char *id, const char *agent), void *arg) {
    s->on_unfinished = fn;
    s->unfinished_arg = arg;
}

void store_unfinished(struct store *s, const struct redis_reply *r, size_t first) {
    for (size_t i = first; r && i < redis_reply_count(r); i++)
        end_one(s, redis_reply_str(redis_reply_at(r, i)));
}
