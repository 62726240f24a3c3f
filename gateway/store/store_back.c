/* store_back.c - events of CRMs that wait, the index of cards, and the memory against echoes. */
#include "store/store_back.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/json_quick.h"
#include "base/mem.h"
#include "store/store_private.h"

/* Of one CRM and shard: what has come and is not done. More is refused, and comes again later. */
#define WAITING_MAX 4096
#define WAITING_BYTES ((int64_t)32 << 20)

/* An echo comes within this time; after news of its people's own within that, so that what was no
 * echo is not taken for one for long. */
#define ECHO_MS 900000
#define ECHO_SOON_MS 60000
#define CARD_PLAIN_MAX 200 /* bytes of a card's id in a key; a longer one stands as its hash */

struct back_call {
    struct store *store;
    store_done_fn done;
    store_said_fn said;
    store_json_fn json;
    store_yes_fn echo;
    void *arg;
    char *key, *what;
};

static struct back_call *call_create(struct store *s, void *arg) {
    struct back_call *c = mem_zalloc(sizeof *c);
    c->store = s;
    c->arg = arg;
    return c;
}

static void call_free(struct back_call *c) {
    free(c->what);
    free(c->key);
    free(c);
}

/* --- events ---------------------------------------------------------------------------------- */

static void on_kept(void *arg, const struct redis_reply *r, const struct err *err) {
    struct back_call *c = arg;
    struct err full;
    if (!err && strcmp(redis_reply_str(r), "full") == 0) {
        err_set(&full, ERR_UNAVAILABLE, "too many events of this CRM wait: send it again later");
        err = &full;
    }
    c->done(c->arg, err);
    call_free(c);
}

/* An id whose tag is the lane's, so that a queue keeps the order of what is about one thing. */
static void lane_id(unsigned shard, const char *lane, char out[ID_SIZE]) {
    char hash[CRYPTO_HEX_SIZE];
    id_make(shard, out);
    crypto_sha256_hex(span_str(lane), hash);
    for (size_t i = 0; i < ID_TAG_LEN; i++)
        out[ID_TIME_LEN + i] = hash[i] >= 'a' ? (char)(hash[i] - 'a' + 'A') : hash[i];
}

void store_event_keep(
    struct store *s, const struct store_crm_event *e, store_done_fn fn, void *arg) {
    struct args a;
    char lane[ID_SIZE], queue[96];
    unsigned shard = id_hash_shard(e->lane, strlen(e->lane), s->shards);
    struct back_call *c = call_create(s, arg);
    c->done = fn;
    lane_id(shard, e->lane, lane);
    snprintf(queue, sizeof queue, "from:%s", e->target);
    args_init(&a);
    args_add(&a, queue);
    args_add(&a, e->once);
    args_int(&a, dedupe_bucket(clock_ms()));
    args_add(&a, lane);
    args_span(&a, e->json);
    args_int(&a, WAITING_MAX);
    args_int(&a, WAITING_BYTES);
    args_add(&a, s->events_max);
    store_eval(s, SCRIPT_EVENT, shard, &a, on_kept, c);
}

static void on_event(void *arg, const struct redis_reply *r, const struct err *err) {
    struct back_call *c = arg;
    struct err missing;
    json_t *event = NULL;
    if (!err && redis_reply_type(r) == REDIS_STRING)
        event = json_quick_load(redis_reply_span(r));
    if (!err && !event) {
        err_set(&missing, ERR_NOT_FOUND, "there is no such event");
        err = &missing;
    }
    c->json(c->arg, event, err);
    json_decref(event);
    call_free(c);
}

void store_event_load(struct store *s, unsigned shard, const char *target, int64_t number,
    store_json_fn fn, void *arg) {
    struct args a;
    char key[STORE_KEY_SIZE], queue[96];
    struct back_call *c = call_create(s, arg);
    c->json = fn;
    snprintf(queue, sizeof queue, "from:%s", target);
    args_init(&a);
    args_add(&a, "HGET");
    args_span(&a, store_key(key, shard, "body", queue));
    args_int(&a, number);
    store_command(s, &a, on_event, c);
}

/* --- whose card ------------------------------------------------------------------------------ */

static void on_noted(void *arg, const struct redis_reply *r, const struct err *err) {
    struct back_call *c = arg;
    (void)r;
    c->done(c->arg, err);
    call_free(c);
}

struct span store_card_key(
    const struct store *s, const char *target, const char *card, char out[STORE_KEY_SIZE]) {
    char hash[CRYPTO_HEX_SIZE];
    if (strlen(card) > CARD_PLAIN_MAX) {
        crypto_sha256_hex(span_str(card), hash);
        card = hash;
    }
    char *name = mem_printf("%s:%s", target, card);
    struct span key = store_key(out, id_hash_shard(name, strlen(name), s->shards), "card", name);
    free(name);
    return key;
}

void store_card_note(struct store *s, const char *target, const char *card, const char *client,
    store_done_fn fn, void *arg) {
    struct args a;
    char key[STORE_KEY_SIZE];
    struct back_call *c = call_create(s, arg);
    c->done = fn;
    args_init(&a);
    args_add(&a, "SET");
    args_span(&a, store_card_key(s, target, card, key));
    args_add(&a, client);
    store_command(s, &a, on_noted, c);
}

/* --- echoes ---------------------------------------------------------------------------------- */

static struct span echo_key(const char *client, const char *target, char out[STORE_KEY_SIZE]) {
    char *name = mem_printf("%s:%s", client, target);
    struct span key = store_key(out, id_shard(client), "echo", name);
    free(name);
    return key;
}

struct echo_note {
    struct gather g;
    store_done_fn fn;
    void *arg;
};

static void on_echo_part(struct gather *g, size_t i, const struct redis_reply *r) {
    (void)g;
    (void)i;
    (void)r;
}

static void echo_noted(struct gather *g) {
    struct echo_note *n = container_of(g, struct echo_note, g);
    n->fn(n->arg, g->err.code ? &g->err : NULL);
    free(n);
}

void store_echo_note(struct store *s, const char *client, const char *target, const char *what,
    store_done_fn fn, void *arg) {
    struct args a;
    struct err err;
    char key[STORE_KEY_SIZE];
    if (!store_check_id(s, client, "client", &err)) {
        store_fail_done(s, &err, fn, arg);
        return;
    }
    struct echo_note *n = mem_zalloc(sizeof *n);
    n->fn = fn;
    n->arg = arg;
    gather_begin(&n->g, s, on_echo_part, echo_noted);
    args_init(&a);
    args_add(&a, "HINCRBY");
    args_span(&a, echo_key(client, target, key));
    args_add(&a, what);
    args_add(&a, "1");
    gather_command(&n->g, 0, &a);
    args_init(&a);
    args_add(&a, "PEXPIRE");
    args_span(&a, echo_key(client, target, key));
    args_int(&a, ECHO_MS);
    gather_command(&n->g, 1, &a);
    gather_end(&n->g);
}

struct echo_take {
    struct gather g;
    store_yes_fn fn;
    void *arg;
};

static void no_echo(struct gather *g) {
    struct echo_take *t = container_of(g, struct echo_take, g);
    t->fn(t->arg, false, g->err.code ? &g->err : NULL);
    free(t);
}

/* Its people have done it: what is still to come back of ours comes soon. */
static void on_echo(void *arg, const struct redis_reply *r, const struct err *err) {
    struct back_call *c = arg;
    if (err || redis_reply_int(r) >= 0) {
        c->echo(c->arg, !err, err);
        call_free(c);
        return;
    }
    struct echo_take *t = mem_zalloc(sizeof *t);
    struct args a;
    *t = (struct echo_take){.fn = c->echo, .arg = c->arg};
    gather_begin(&t->g, c->store, on_echo_part, no_echo);
    args_init(&a);
    args_add(&a, "HDEL");
    args_add(&a, c->key);
    args_add(&a, c->what);
    gather_command(&t->g, 0, &a);
    args_init(&a);
    args_add(&a, "PEXPIRE");
    args_add(&a, c->key);
    args_int(&a, ECHO_SOON_MS);
    gather_command(&t->g, 1, &a);
    gather_end(&t->g);
    call_free(c);
}

void store_echo_take(struct store *s, const char *client, const char *target, const char *what,
    store_yes_fn fn, void *arg) {
    struct args a;
    char key[STORE_KEY_SIZE];
    struct back_call *c = call_create(s, arg);
    struct span k = echo_key(client, target, key);
    c->echo = fn;
    c->key = mem_strndup(k.p, k.n);
    c->what = mem_strdup(what);
    args_init(&a);
    args_add(&a, "HINCRBY");
    args_span(&a, k);
    args_add(&a, what);
    args_add(&a, "-1");
    store_command(s, &a, on_echo, c);
}

/* --- what a card says ------------------------------------------------------------------------ */

static void add_says(struct gather *g, const struct store_card_says *says, const char *what,
    const char *value, bool keep) {
    struct args a;
    char key[STORE_KEY_SIZE], *field;
    if (!value)
        return;
    field = mem_printf("%s:%s", what, says->target);
    args_init(&a);
    args_add(&a, keep ? "HSETNX" : "HSET");
    args_span(&a, store_key(key, id_shard(says->client), "client", says->client));
    args_add(&a, field);
    args_add(&a, value);
    gather_command(g, 0, &a);
    free(field);
}

void store_card_says(
    struct store *s, const struct store_card_says *says, store_done_fn fn, void *arg) {
    struct args a;
    struct err err;
    char key[STORE_KEY_SIZE];
    if (!store_check_id(s, says->client, "client", &err)) {
        store_fail_done(s, &err, fn, arg);
        return;
    }
    struct echo_note *n = mem_zalloc(sizeof *n);
    n->fn = fn;
    n->arg = arg;
    gather_begin(&n->g, s, on_echo_part, echo_noted);
    add_says(&n->g, says, "cardname", says->name, says->keep_name);
    add_says(&n->g, says, "carduser", says->user, says->keep_user);
    args_init(&a);
    args_add(&a, "HDEL");
    args_span(&a, echo_key(says->client, says->target, key));
    args_add(&a, says->echo);
    gather_command(&n->g, 0, &a);
    gather_end(&n->g);
}

static void on_card_said(void *arg, const struct redis_reply *r, const struct err *err) {
    struct back_call *c = arg;
    const char *said[2] = {NULL, NULL};
    for (size_t i = 0; i < 2 && !err; i++)
        if (redis_reply_type(redis_reply_at(r, i)) == REDIS_STRING)
            said[i] = redis_reply_str(redis_reply_at(r, i));
    c->said(c->arg, said[0], said[1], err);
    call_free(c);
}

void store_card_said(
    struct store *s, const char *client, const char *target, store_said_fn fn, void *arg) {
    struct args a;
    char key[STORE_KEY_SIZE];
    struct back_call *c = call_create(s, arg);
    char *name = mem_printf("cardname:%s", target), *user = mem_printf("carduser:%s", target);
    c->said = fn;
    args_init(&a);
    args_add(&a, "HMGET");
    args_span(&a, store_key(key, id_shard(client), "client", client));
    args_add(&a, name);
    args_add(&a, user);
    store_command(s, &a, on_card_said, c);
    free(name);
    free(user);
}

/* --- was it said in a thread that has been merged? ------------------------------------------- */

struct said_before {
    struct gather g;
    store_yes_fn fn;
    void *arg;
    bool found;
};

static void on_said(struct gather *g, size_t i, const struct redis_reply *r) {
    (void)i;
    if (redis_reply_int(r) == 1)
        container_of(g, struct said_before, g)->found = true;
}

static void said_done(struct gather *g) {
    struct said_before *b = container_of(g, struct said_before, g);
    b->fn(b->arg, b->found, g->err.code ? &g->err : NULL);
    free(b);
}

void store_said_before(struct store *s, const json_t *threads, const char *but, const char *key,
    store_yes_fn fn, void *arg) {
    struct said_before *b = mem_zalloc(sizeof *b);
    int64_t bucket = dedupe_bucket(clock_ms());
    size_t i;
    json_t *id;
    b->fn = fn;
    b->arg = arg;
    gather_begin(&b->g, s, on_said, said_done);
    json_array_foreach((json_t *)threads, i, id) {
        const char *thread = json_string_value(id);
        if (!store_check_id(s, thread, "thread", NULL) || strcmp(thread, but) == 0)
            continue;
        for (int k = 0; k < 2; k++) {
            struct args a;
            char name[64], at[STORE_KEY_SIZE];
            snprintf(name, sizeof name, "%s:%lld", thread, (long long)bucket - k);
            args_init(&a);
            args_add(&a, "HEXISTS");
            args_span(&a, store_key(at, id_shard(thread), "seen", name));
            args_add(&a, key);
            gather_command(&b->g, i, &a);
        }
    }
    gather_end(&b->g);
}

/* --- a client's name, and who hears of statuses ---------------------------------------------- */

static void on_renamed(void *arg, const struct redis_reply *r, const struct err *err) {
    struct back_call *c = arg;
    struct err missing;
    if (!err && strcmp(redis_reply_str(redis_reply_at(r, 0)), "ok") != 0) {
        err_set(&missing, ERR_NOT_FOUND, "there is no such client");
        err = &missing;
    }
    c->done(c->arg, err);
    call_free(c);
}

void store_client_rename(struct store *s, const char *client, const char *name,
    const char *from_target, store_done_fn fn, void *arg) {
    struct args a;
    struct back_call *c = call_create(s, arg);
    c->done = fn;
    client_change_told(s, &a, client, from_target);
    args_add(&a, "name");
    args_add(&a, name);
    store_eval(s, SCRIPT_CLIENT, id_shard(client), &a, on_renamed, c);
}

void store_tell_statuses(struct store *s, const char *who) {
    free(s->tell);
    s->tell = mem_strdup(who);
}
