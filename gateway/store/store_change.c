/* store_change.c - changes to threads and clients other than appending: read marks, receipts, trail
 * lines, a client's fields. Merging and linking are in store_merge.c. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "store/store_back.h"
#include "store/store_private.h"

struct change {
    store_done_fn fn;
    void *arg;
};

static void on_changed(void *arg, const struct redis_reply *r, const struct err *err) {
    struct change *c = arg;
    struct err missing;
    if (!err && redis_reply_type(r) == REDIS_ARRAY &&
        strcmp(redis_reply_str(redis_reply_at(r, 0)), "missing") == 0) {
        err_set(&missing, ERR_NOT_FOUND, "there is no such thread or message");
        err = &missing;
    }
    if (c->fn)
        c->fn(c->arg, err);
    free(c);
}

static struct change *change_create(store_done_fn fn, void *arg) {
    struct change *c = mem_alloc(sizeof *c);
    *c = (struct change){fn, arg};
    return c;
}

void store_read(struct store *s, const char *thread, int64_t seq, const char *agent,
    store_done_fn fn, void *arg) {
    struct err err;
    struct args a;
    if (!store_check_id(s, thread, "thread", &err)) {
        store_fail_done(s, &err, fn, arg);
        return;
    }
    args_init(&a);
    args_int(&a, clock_ms());
    args_add(&a, thread);
    args_int(&a, seq);
    args_add(&a, agent);
    args_add(&a, s->events_max);
    store_eval(s, SCRIPT_READ, id_shard(thread), &a, on_changed, change_create(fn, arg));
}

/* What a channel says of our messages; seq: of the very message, or 0. */
struct receipt {
    const char *thread, *channel, *external_id, *detail;
    enum status status;
    int64_t upto, seq;
    bool is_part;
};

static void receipt(struct store *s, const struct receipt *r, struct change *c) {
    struct args a;
    int64_t now = clock_ms();
    const char *word = r->status == STATUS_FAILED ? "bounced" : status_name(r->status);
    args_init(&a);
    args_int(&a, now);
    args_add(&a, r->thread);
    args_int(&a, r->upto);
    args_add(&a, word);
    args_add(&a, r->detail);
    args_add(&a, r->channel);
    args_add(&a, r->external_id);
    args_int(&a, dedupe_bucket(now));
    args_add(&a, s->events_max);
    if (r->seq)
        args_int(&a, r->seq);
    else
        args_add(&a, "");
    args_add(&a, r->is_part ? "1" : "0");
    args_add(&a, s->tell);
    store_eval(s, SCRIPT_RECEIPT, id_shard(r->thread), &a, on_changed, c);
}

void store_receipt(struct store *s, const char *thread, const char *channel, int64_t upto_seq,
    enum status status, store_done_fn fn, void *arg) {
    struct err err;
    if (!store_check_id(s, thread, "thread", &err)) {
        store_fail_done(s, &err, fn, arg);
        return;
    }
    struct receipt r = {.thread = thread, .channel = channel, .status = status, .upto = upto_seq};
    receipt(s, &r, change_create(fn, arg));
}

void store_receipt_for(struct store *s, const char *thread, const char *channel,
    const char *external_id, enum status status, const struct err *why, store_done_fn fn,
    void *arg) {
    struct err err;
    char detail[400] = "";
    if (!store_check_id(s, thread, "thread", &err)) {
        store_fail_done(s, &err, fn, arg);
        return;
    }
    if (why)
        store_trail_detail(detail, sizeof detail, why);
    struct receipt r = {.thread = thread,
        .channel = channel,
        .external_id = external_id,
        .detail = detail,
        .status = status};
    receipt(s, &r, change_create(fn, arg));
}

void store_settle(struct store *s, const char *channel, const struct store_settlement *st,
    store_done_fn fn, void *arg) {
    struct err err;
    char detail[400] = "";
    if (!store_check_id(s, st->thread, "thread", &err)) {
        store_fail_done(s, &err, fn, arg);
        return;
    }
    if (st->why)
        store_trail_detail(detail, sizeof detail, st->why);
    else if (st->note)
        snprintf(detail, sizeof detail, "%s", st->note);
    struct receipt r = {.thread = st->thread,
        .channel = channel,
        .external_id = st->external_id,
        .detail = detail,
        .status = st->status,
        .seq = st->seq,
        .is_part = st->is_part};
    receipt(s, &r, change_create(fn, arg));
}

void store_trail_detail(char *out, size_t size, const struct err *err) {
    snprintf(out, size, "%s %s", err_name(err->code), err->text);
    for (char *p = out; *p; p++)
        if ((unsigned char)*p < 0x20)
            *p = ' ';
}

/* --- trail lines, many at once --------------------------------------------------------------- */

#define TRAIL_BATCH 30 /* messages of one script call */

struct trail_job {
    struct gather g;
    store_done_fn fn;
    void *arg;
};

static void on_trail_added(struct gather *g, size_t i, const struct redis_reply *r) {
    (void)g;
    (void)i;
    (void)r;
}

static void trail_done(struct gather *g) {
    struct trail_job *j = container_of(g, struct trail_job, g);
    if (j->fn)
        j->fn(j->arg, g->err.code ? &g->err : NULL);
    free(j);
}

static void trail_shard(
    struct trail_job *j, struct store *s, unsigned shard, const struct store_trail *t, size_t n) {
    struct args a;
    size_t in_batch = 0;
    for (size_t i = 0; i < n; i++) {
        if (id_shard(t[i].thread) != shard)
            continue;
        if (in_batch == 0) {
            args_init(&a);
            args_add(&a, s->events_max);
        }
        args_int(&a, t[i].at_ms);
        args_add(&a, t[i].thread);
        args_int(&a, t[i].seq);
        args_add(&a, t[i].what);
        args_add(&a, t[i].detail);
        args_add(&a, t[i].status_event ? "1" : "0");
        if (++in_batch == TRAIL_BATCH) {
            gather_eval(&j->g, 0, SCRIPT_TRAIL, shard, &a);
            in_batch = 0;
        }
    }
    if (in_batch)
        gather_eval(&j->g, 0, SCRIPT_TRAIL, shard, &a);
    (void)s;
}

void store_trail_add(
    struct store *s, const struct store_trail *t, size_t n, store_done_fn fn, void *arg) {
    struct trail_job *j = mem_zalloc(sizeof *j);
    bool done[ID_SHARDS_MAX] = {false};
    j->fn = fn;
    j->arg = arg;
    gather_begin(&j->g, s, on_trail_added, trail_done);
    for (size_t i = 0; i < n; i++) {
        unsigned shard = id_shard(t[i].thread);
        if (shard < s->shards && !done[shard]) {
            done[shard] = true;
            trail_shard(j, s, shard, t, n);
        }
    }
    gather_end(&j->g);
}

/* --- a client's fields ----------------------------------------------------------------------- */

struct client_change {
    struct store *store;
    store_json_fn fn;
    void *arg;
    char client[ID_SIZE];
};

static void on_client_changed(void *arg, const struct redis_reply *r, const struct err *err) {
    struct client_change *c = arg;
    struct err bad;
    const char *what = r ? redis_reply_str(redis_reply_at(r, 0)) : "";
    if (!err && strcmp(what, "merged") == 0) {
        err_set(&bad, ERR_CONFLICT, "this client goes on as %s, since the two are one",
            redis_reply_str(redis_reply_at(r, 1)));
        err = &bad;
    } else if (!err && strcmp(what, "ok") != 0) {
        err_set(&bad, ERR_NOT_FOUND, "there is no such client");
        err = &bad;
    }
    if (err)
        c->fn(c->arg, NULL, err);
    else
        store_client(c->store, c->client, c->fn, c->arg);
    free(c);
}

void client_change_begin(struct store *s, struct args *a, const char *client) {
    client_change_told(s, a, client, NULL);
}

void client_change_told(struct store *s, struct args *a, const char *client, const char *but) {
    size_t n = 0;
    for (size_t i = 0; i < s->ntargets; i++)
        n += !but || strcmp(s->targets[i], but) != 0;
    args_init(a);
    args_add(a, client);
    args_add(a, s->events_max);
    args_int(a, (int64_t)n);
    for (size_t i = 0; i < s->ntargets; i++)
        if (!but || strcmp(s->targets[i], but) != 0)
            args_add(a, s->targets[i]);
}

/* Which fields a person may change, and how long they may be (bytes). */
static int check_field(const char *key, const json_t *value, struct err *err) {
    static const struct {
        const char *key;
        size_t max;
    } known[] = {{"name", 512}, {"phone", 64}, {"email", 320}, {"note", 8192}};
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (strcmp(key, known[i].key) == 0) {
            if (!json_is_string(value))
                return err_set(err, ERR_INVALID, "%s must be a string", key);
            if (json_string_length(value) > known[i].max)
                return err_set(err, ERR_INVALID, "%s is longer than %zu bytes", key, known[i].max);
            if (i == 0 && json_string_length(value) == 0)
                return err_set(err, ERR_INVALID, "name must not be empty");
            return 0;
        }
    return err_set(
        err, ERR_INVALID, "unknown key \"%.40s\"; a client has name, phone, email and note", key);
}

void store_client_update(struct store *s, const char *client, const json_t *fields,
    const char *from_target, store_json_fn fn, void *arg) {
    struct err err = {0};
    struct args a;
    const char *key;
    json_t *value;
    if (!store_check_id(s, client, "client", &err)) {
        store_fail_json(s, &err, fn, arg);
        return;
    }
    client_change_told(s, &a, client, from_target);
    json_object_foreach((json_t *)fields, key, value) {
        if (check_field(key, value, &err) < 0) {
            store_fail_json(s, &err, fn, arg);
            return;
        }
        args_add(&a, key);
        args_add(&a, json_string_value(value));
    }
    struct client_change *c = mem_alloc(sizeof *c);
    *c = (struct client_change){.store = s, .fn = fn, .arg = arg};
    memcpy(c->client, client, ID_SIZE);
    store_eval(s, SCRIPT_CLIENT, id_shard(client), &a, on_client_changed, c);
}

struct card_change {
    struct store *store;
    store_done_fn fn;
    void *arg;
    char client[ID_SIZE], *field, *card, *url_field, *url;
};

/* Whose card it is can be found: now the client has it. */
static void on_card_indexed(void *arg, const struct err *err) {
    struct card_change *c = arg;
    struct args a;
    if (err) {
        c->fn(c->arg, err);
    } else {
        args_init(&a);
        args_add(&a, c->client);
        args_add(&a, c->store->events_max);
        args_add(&a, "0"); /* no CRM needs to hear of it */
        args_add(&a, c->field);
        args_add(&a, c->card);
        args_add(&a, c->url_field);
        args_add(&a, c->url);
        store_eval(c->store, SCRIPT_CLIENT, id_shard(c->client), &a, on_changed,
            change_create(c->fn, c->arg));
    }
    free(c->field);
    free(c->card);
    free(c->url_field);
    free(c->url);
    free(c);
}

void store_client_card(struct store *s, const char *client, const char *target, const char *card_id,
    const char *url, store_done_fn fn, void *arg) {
    struct card_change *c;
    struct err err;
    if (!store_check_id(s, client, "client", &err)) {
        store_fail_done(s, &err, fn, arg);
        return;
    }
    c = mem_zalloc(sizeof *c);
    *c = (struct card_change){.store = s,
        .fn = fn,
        .arg = arg,
        .field = mem_printf("card:%s", target),
        .url_field = mem_printf("cardurl:%s", target),
        .card = mem_strdup(card_id),
        .url = mem_strdup(url)};
    memcpy(c->client, client, ID_SIZE);
    store_card_note(s, target, card_id, client, on_card_indexed, c);
}
