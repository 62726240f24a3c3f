/* store_erase.c - the steps by which a client's data go. */
#include "store/store_erase.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "store/scripts.h"
#include "store/store_private.h"
#include "store/store_record.h"

struct step {
    store_done_fn done;
    store_json_fn json;
    void *arg;
    int64_t from;
};

static struct step *step_create(store_done_fn done, store_json_fn json, void *arg) {
    struct step *st = mem_zalloc(sizeof *st);
    *st = (struct step){.done = done, .json = json, .arg = arg};
    return st;
}

static void on_step(void *arg, const struct redis_reply *r, const struct err *err) {
    struct step *st = arg;
    const char *what = r ? redis_reply_str(redis_reply_at(r, 0)) : "";
    struct err bad;
    if (!err && strcmp(what, "merged") == 0) {
        err_set(&bad, ERR_CONFLICT, "this client goes on as %s: erase that one",
            redis_reply_str(redis_reply_at(r, 1)));
        err = &bad;
    } else if (!err && strcmp(what, "missing") == 0) {
        err_set(&bad, ERR_NOT_FOUND, "there is no such client");
        err = &bad;
    }
    st->done(st->arg, err);
    free(st);
}

static void on_command(void *arg, const struct redis_reply *r, const struct err *err) {
    struct step *st = arg;
    (void)r;
    st->done(st->arg, err);
    free(st);
}

void store_erase_begin(struct store *s, const char *client, const char *agent, const char *reason,
    store_done_fn fn, void *arg) {
    struct args a;
    args_init(&a);
    args_add(&a, client);
    args_int(&a, clock_ms());
    args_add(&a, agent);
    args_add(&a, reason);
    store_eval(s, SCRIPT_ERASE_BEGIN, id_shard(client), &a, on_step, step_create(fn, NULL, arg));
}

void store_erase_end(
    struct store *s, const char *client, const char *agent, store_done_fn fn, void *arg) {
    char *what = mem_printf("erase %s - %s", client, agent);
    store_finished(s, client, what, on_command, step_create(fn, NULL, arg));
    free(what);
}

/* --- a thread -------------------------------------------------------------------------------- */

static void on_thread(void *arg, const struct redis_reply *r, const struct err *err) {
    struct step *st = arg;
    json_t *out =
        err ? NULL
            : json_pack("{s:I,s:I}", "last", (json_int_t)redis_reply_int(redis_reply_at(r, 1)),
                  "first", (json_int_t)redis_reply_int(redis_reply_at(r, 2)));
    st->json(st->arg, out, err);
    json_decref(out);
    free(st);
}

void store_erase_thread(
    struct store *s, const char *thread, const char *agents, store_json_fn fn, void *arg) {
    struct args a;
    int64_t now = clock_ms();
    args_init(&a);
    args_add(&a, thread);
    args_int(&a, now);
    args_int(&a, dedupe_bucket(now));
    args_add(&a, s->events_max);
    args_add(&a, agents);
    for (size_t i = 0; i < s->ntargets; i++)
        args_add(&a, s->targets[i]);
    store_eval(s, SCRIPT_ERASE_THREAD, id_shard(thread), &a, on_thread, step_create(NULL, fn, arg));
}

static void on_bodies(void *arg, const struct redis_reply *r, const struct err *err) {
    struct step *st = arg;
    json_t *list = json_array();
    for (size_t i = 0; !err && i < redis_reply_count(r); i++) {
        struct span rec = redis_reply_span(redis_reply_at(r, i));
        json_t *body = rec.n ? record_body_json(rec) : NULL;
        if (body)
            json_array_append_new(list, body);
    }
    st->json(st->arg, err ? NULL : list, err);
    json_decref(list);
    free(st);
}

void store_erase_bodies(
    struct store *s, const char *thread, int64_t from, store_json_fn fn, void *arg) {
    struct args a;
    char key[STORE_KEY_SIZE], seqs[STORE_ERASE_PAGE][24];
    args_init(&a);
    args_add(&a, "HMGET");
    args_span(&a, store_key(key, id_shard(thread), "log", thread));
    for (int64_t i = 0; i < STORE_ERASE_PAGE; i++) {
        int n = snprintf(seqs[i], sizeof seqs[i], "%lld", (long long)(from + i));
        args_span(&a, span_of(seqs[i], (size_t)n));
    }
    store_command(s, &a, on_bodies, step_create(NULL, fn, arg));
}

void store_erase_log(struct store *s, const char *thread, int64_t from, const char *agent,
    const char *const *told, store_done_fn fn, void *arg) {
    struct args a;
    char when[CLOCK_TEXT_SIZE];
    args_init(&a);
    args_add(&a, thread);
    args_int(&a, from);
    args_int(&a, from + STORE_ERASE_PAGE - 1);
    args_add(&a, clock_format(clock_ms(), when));
    args_add(&a, agent);
    args_add(&a, s->events_max);
    for (size_t i = 0; told[i]; i++)
        args_add(&a, told[i]);
    store_eval(s, SCRIPT_ERASE_LOG, id_shard(thread), &a, on_step, step_create(fn, NULL, arg));
}

/* --- what leads to him, files, drafts -------------------------------------------------------- */

void store_erase_identity(struct store *s, const char *kind, const char *address,
    const json_t *clients, store_done_fn fn, void *arg) {
    struct args a;
    char key[STORE_KEY_SIZE];
    unsigned shard;
    struct identity who = {kind, address, NULL, false};
    size_t i;
    json_t *id;
    char *name = mem_printf("%s:%s", kind, address);
    store_identity_key(s, &who, key, &shard);
    args_init(&a);
    args_add(&a, name);
    json_array_foreach((json_t *)clients, i, id) args_add(&a, json_string_value(id));
    store_eval(s, SCRIPT_ERASE_IDENTITY, shard, &a, on_step, step_create(fn, NULL, arg));
    free(name);
}

void store_erase_media(struct store *s, const char *media, store_done_fn fn, void *arg) {
    struct args a;
    char key[STORE_KEY_SIZE];
    args_init(&a);
    args_add(&a, "DEL");
    args_span(&a, store_key(key, id_shard(media), "media", media));
    store_command(s, &a, on_command, step_create(fn, NULL, arg));
}

/* Several things at once, with one outcome. */
struct many {
    struct gather g;
    store_done_fn fn;
    void *arg;
};

static void on_one(struct gather *g, size_t i, const struct redis_reply *r) {
    (void)g;
    (void)i;
    (void)r;
}

static void many_done(struct gather *g) {
    struct many *m = container_of(g, struct many, g);
    m->fn(m->arg, g->err.code ? &g->err : NULL);
    free(m);
}

static struct many *many_create(struct store *s, store_done_fn fn, void *arg) {
    struct many *m = mem_zalloc(sizeof *m);
    m->fn = fn;
    m->arg = arg;
    gather_begin(&m->g, s, on_one, many_done);
    return m;
}

void store_erase_drafts(
    struct store *s, const json_t *threads, const char *agents, store_done_fn fn, void *arg) {
    struct many *m = many_create(s, fn, arg);
    for (const char *at = agents; *at;) {
        size_t n = strcspn(at, " "), i;
        json_t *thread;
        char *key = mem_printf("sb:shelf:drafts:%.*s", (int)n, at);
        struct args a;
        args_init(&a);
        args_add(&a, "HDEL");
        args_add(&a, key);
        json_array_foreach((json_t *)threads, i, thread) args_add(&a, json_string_value(thread));
        if (n)
            gather_command(&m->g, 0, &a);
        free(key);
        at += n + (at[n] == ' ');
    }
    gather_end(&m->g);
}

/* --- what CRMs have told, and their calls ---------------------------------------------------- */

struct calls {
    struct redis_script script; /* it lives with the call, since redis.c may need its text again */
    struct many *many;
};

static void on_calls(void *arg, const struct redis_reply *r, const struct err *err) {
    struct calls *c = arg;
    struct gather *g = &c->many->g;
    (void)r;
    if (err && !g->err.code)
        g->err = *err;
    free(c);
    gather_end(g);
}

static void erase_calls(struct many *m, const char *target, const struct args *texts) {
    struct calls *c = mem_zalloc(sizeof *c);
    char *key = mem_printf("sb:crm:log:%s", target);
    struct span keys[] = {span_str(key)};
    c->many = m;
    m->g.waiting++;
    redis_script_init(&c->script, "erase_calls", script_erase_calls);
    redis_eval(m->g.store->redis, &c->script, keys, 1, texts->v, texts->n, on_calls, c);
    free(key);
}

void store_erase_told(struct store *s, const json_t *texts, store_done_fn fn, void *arg) {
    struct many *m = many_create(s, fn, arg);
    size_t i;
    json_t *text;
    for (size_t t = 0; t < s->ntargets; t++) {
        struct args all, back;
        args_init(&all);
        args_init(&back);
        args_add(&back, s->targets[t]);
        json_array_foreach((json_t *)texts, i, text) {
            args_add(&all, json_string_value(text));
            args_add(&back, json_string_value(text));
        }
        for (unsigned shard = 0; shard < s->shards; shard++)
            gather_eval(&m->g, 0, SCRIPT_ERASE_BACK, shard, &back);
        if (s->redis)
            erase_calls(m, s->targets[t], &all);
    }
    gather_end(&m->g);
}

/* --- the client ------------------------------------------------------------------------------ */

void store_erase_client(struct store *s, const char *client, const char *agent, const char *reason,
    const char *modes, store_done_fn fn, void *arg) {
    struct args a;
    char id[ID_SIZE], each[64][2] = {{0}};
    id_make(id_shard(client), id);
    args_init(&a);
    args_add(&a, client);
    args_int(&a, clock_ms());
    args_add(&a, agent);
    args_add(&a, reason);
    args_add(&a, s->events_max);
    args_add(&a, id);
    args_add(&a,
        "\"The data of this client were erased at the company's gateway. What stands of him on "
        "this card is for people here to delete.\"");
    for (size_t i = 0; i < s->ntargets && i < ARRAY_LEN(each) && modes[i]; i++) {
        each[i][0] = modes[i];
        args_add(&a, s->targets[i]);
        args_add(&a, each[i]);
    }
    store_eval(s, SCRIPT_ERASE_CLIENT, id_shard(client), &a, on_step, step_create(fn, NULL, arg));
}

void store_erase_heard(struct store *s, const char *client, const char *target, const char *how,
    store_done_fn fn, void *arg) {
    struct args a;
    char *value = mem_printf("%s %lld", how, (long long)clock_ms());
    args_init(&a);
    args_add(&a, client);
    args_add(&a, target);
    args_add(&a, value);
    args_add(&a, s->events_max);
    store_eval(s, SCRIPT_ERASE_HEARD, id_shard(client), &a, on_step, step_create(fn, NULL, arg));
    free(value);
}
