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

#define RATED_WITHIN_MS (3LL * 24 * 3600 * 1000) /* of being asked */

/* Everything is copied: the script may have to be sent again to another shard. */
struct append {
    struct store *store;
    store_append_fn fn;
    void *arg;
    enum direction direction;
    char who[ID_SIZE + 1]; /* "", "t<thread>", "c<client>" */
    unsigned shard;
    const char *kind, *address, *name, *channel, *connector, *dedupe, *body, *preview, *profile;
    const char *assignee, *state, *labels; /* "-" or "=..." */
    const char *route, *reply_to, *alias, *blocked, *author, *mentions, *agent, *while_assigned;
    const char *first, *next, *silence, *rated;
    int score;      /* as long as it may be a rating, else 0 */
    char *owned[9]; /* what of these was allocated one by one */
    size_t nowned;
    int64_t seen, snooze, window_until, free_by, free_for, past, unwanted;
    bool verified, deliver, fetch, take_address, by_itself;
    int64_t now;
    uint64_t began_us;
    unsigned hops;
    struct err early;
    size_t used;
    char copies[]; /* the short strings above, one after another */
};

static void send_append(struct append *op);
static void send_rated(struct append *op);

static void append_free(struct append *op) {
    for (size_t i = 0; i < op->nowned; i++)
        free(op->owned[i]);
    free(op);
}

static const char *copy(struct append *op, const char *s) {
    size_t n = s ? strlen(s) : 0;
    char *to = op->copies + op->used;
    if (n)
        memcpy(to, s, n);
    to[n] = '\0';
    op->used += n + 1;
    return to;
}

static const char *own(struct append *op, char *s) {
    op->owned[op->nowned++] = s;
    return s;
}

static unsigned identity_shard(const struct store *s, const char *kind, const char *address) {
    char *key = mem_printf("%s:%s", kind, address);
    unsigned shard = id_hash_shard(key, strlen(key), s->shards);
    free(key);
    return shard;
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

/* What he writes from now on is of a new client: his identities lead to this one only for a moment.
 */
static bool begin_anew(struct append *op) {
    if (!*op->address || op->who[0] == 't' || ++op->hops > HOPS_MAX)
        return false;
    op->who[0] = '\0';
    op->shard = identity_shard(op->store, op->kind, op->address);
    send_append(op);
    return true;
}

/* What the script would not do, in words. */
static void refused(const char *what, const char *who, struct err *err) {
    if (strcmp(what, "merged") == 0)
        err_set(err, ERR_CONFLICT, "this thread goes on as %s, since the two clients are one", who);
    else if (strcmp(what, "blocked") == 0)
        err_set(err, ERR_CONFLICT, "this client is blocked: nothing is sent to him");
    else if (strcmp(what, "erased") == 0)
        err_set(err, ERR_CONFLICT, "the data of this client were erased: nothing is added to them");
    else if (strcmp(what, "writing") == 0)
        err_set(err, ERR_CONFLICT, "%s is writing an answer in this thread", who);
    else if (strcmp(what, "taken") == 0)
        err_set(err, ERR_CONFLICT, "somebody else is responsible for this thread by now");
    else if (strcmp(what, "answered") == 0)
        err_set(err, ERR_CONFLICT, "%s has answered in this thread meanwhile", who);
    else
        err_set(err, ERR_NOT_FOUND, "there is no such thread");
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
    } else if (strcmp(what, "rates") == 0) {
        send_rated(op);
    } else if (strcmp(what, "none") == 0) { /* no rating, or of nothing that he was asked about */
        op->score = 0;
        send_append(op);
    } else if (strcmp(what, "again") == 0 && ++op->hops <= HOPS_MAX) {
        send_append(op);
    } else if (strcmp(what, "erased") != 0 || !begin_anew(op)) {
        refused(what, redis_reply_str(redis_reply_at(r, 1)), &bad);
        if (strcmp(what, "erased") == 0 && op->who[0] != 't')
            err_set(&bad, ERR_UNAVAILABLE, "the data of this client are being erased: come again");
        finish(op, NULL, &bad);
    }
}

static void add_time(struct args *a, int64_t ms) {
    if (ms)
        args_int(a, ms);
    else
        args_add(a, "");
}

static void send_append(struct append *op) {
    struct store *s = op->store;
    struct args a;
    char client[ID_SIZE], thread[ID_SIZE], message[ID_SIZE], stamp[ZONE_STAMP_SIZE];
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
    args_add(&a, op->route);
    args_add(&a, op->reply_to);
    args_add(&a, op->alias);
    args_add(&a, op->fetch ? "1" : "0");
    args_add(&a, op->take_address ? "1" : "0");
    add_time(&a, op->window_until);
    add_time(&a, op->free_by);
    add_time(&a, op->free_for);
    add_time(&a, op->past);
    args_add(&a, op->blocked);
    args_add(&a, op->author);
    if (op->seen >= 0)
        args_int(&a, op->seen);
    else
        args_add(&a, "");
    args_add(&a, op->mentions);
    args_add(&a, op->agent);
    zone_stamp(s->zone, op->now, stamp);
    args_add(&a, stamp);
    args_add(&a, s->report_keep_s);
    args_add(&a, op->first);
    args_add(&a, op->next);
    args_add(&a, op->silence);
    args_add(&a, op->while_assigned);
    args_add(&a, op->by_itself ? "1" : "0");
    add_time(&a, op->unwanted);
    args_add(&a, op->score ? "1" : "0");
    for (size_t i = 0; i < s->ntargets; i++)
        args_add(&a, s->targets[i]);
    store_eval(s, SCRIPT_APPEND, op->shard, &a, on_appended, op);
}

/* The same of what may be a rating, where the client was asked for one. */
static void send_rated(struct append *op) {
    struct store *s = op->store;
    struct args a;
    char shard[ID_SHARD_LEN + 1], event[ID_SIZE], thanks[ID_SIZE], stamp[ZONE_STAMP_SIZE];
    id_make(op->shard, event);
    id_make(op->shard, thanks);
    snprintf(shard, sizeof shard, "%s", event + ID_LEN - ID_SHARD_LEN);
    args_init(&a);
    args_int(&a, op->now);
    args_add(&a, op->who);
    args_add(&a, op->kind);
    args_add(&a, op->address);
    args_add(&a, shard);
    args_add(&a, op->channel);
    args_add(&a, s->dedupe ? op->dedupe : "");
    args_int(&a, dedupe_bucket(op->now));
    args_int(&a, op->score);
    args_add(&a, op->rated);
    args_int(&a, op->now - RATED_WITHIN_MS);
    args_add(&a, s->events_max);
    args_add(&a, event);
    args_add(&a, thanks);
    add_time(&a, op->window_until);
    add_time(&a, op->free_by);
    add_time(&a, op->free_for);
    zone_stamp(s->zone, op->now, stamp);
    args_add(&a, stamp);
    args_add(&a, s->report_keep_s);
    for (size_t i = 0; i < s->ntargets; i++)
        args_add(&a, s->targets[i]);
    store_eval(s, SCRIPT_RATED, op->shard, &a, on_appended, op);
}

static const char *change_by(struct append *op, char how, const char *value) {
    const char *at = op->copies + op->used;
    if (!value)
        return "-";
    op->copies[op->used++] = how;
    copy(op, value);
    return at;
}

static const char *change(struct append *op, const char *value) {
    return change_by(op, '=', value);
}

static const char *change_labels(struct append *op, const struct store_append *in) {
    if (in->label_add)
        return change_by(op, '+', in->label_add);
    if (in->label_remove)
        return change_by(op, '~', in->label_remove);
    return change(op, in->labels);
}

/* Bytes that the copies of these strings take. */
static size_t room_for(const struct store_append *in, const struct identity *from) {
    const char *all[] = {from->kind, from->address, from->name, in->channel, in->connector,
        in->dedupe, in->assignee, in->state, in->labels, in->route, in->reply_to, in->alias,
        in->blocked, in->author, in->mentions, in->agent, in->label_add, in->label_remove,
        in->while_assigned};
    size_t n = 0;
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        n += (all[i] ? strlen(all[i]) : 0) + 2;
    return n;
}

/* "<remind ms> <due ms> <whom> <due> <policy>": what _common.lua's late() reads. */
static const char *term(struct append *op, const struct store_term *t) {
    char due[CLOCK_TEXT_SIZE];
    if (!t->due_ms)
        return "";
    return own(
        op, mem_printf("%lld %lld %c %s %s", (long long)t->remind_ms, (long long)t->due_ms,
                t->supervisors ? t->supervisors : 'n', clock_format(t->due_ms, due), t->policy));
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
    op->shard = identity_shard(s, in->from->kind, in->from->address);
    return 0;
}

void store_append(struct store *s, const struct store_append *in, store_append_fn fn, void *arg) {
    const struct identity none = {"", "", "", false};
    const struct identity *from = in->from ? in->from : &none;
    struct append *op = mem_alloc(sizeof *op + room_for(in, from));
    *op = (struct append){.store = s,
        .fn = fn,
        .arg = arg,
        .direction = in->direction,
        .now = clock_ms(),
        .began_us = clock_mono_us(),
        .verified = from->verified,
        .seen = in->author ? in->seen_seq : -1,
        .snooze = in->snooze_until_ms,
        .window_until = in->window_until_ms,
        .free_by = in->free_by_ms,
        .free_for = in->free_for_ms,
        .past = in->past_ms,
        .unwanted = in->unwanted,
        .score = in->rated ? in->score : 0,
        .deliver = in->deliver,
        .fetch = in->fetch,
        .take_address = in->take_address,
        .by_itself = in->by_itself};
    op->kind = copy(op, from->kind);
    op->address = copy(op, from->address);
    op->name = copy(op, from->name);
    op->channel = copy(op, in->channel);
    op->connector = copy(op, in->connector);
    op->dedupe = copy(op, in->dedupe);
    op->route = copy(op, in->route);
    op->reply_to = copy(op, in->reply_to);
    op->alias = copy(op, in->alias);
    op->author = copy(op, in->author);
    op->mentions = copy(op, in->mentions);
    op->agent = copy(op, in->agent);
    op->body = own(op, record_body(in->direction, in->channel, in->connector, in->body));
    op->preview = own(op, record_preview(in->body));
    op->profile = in->profile ? own(op, json_dumps(in->profile, JSON_COMPACT)) : "";
    op->first = term(op, &in->first);
    op->next = term(op, &in->next);
    op->silence =
        in->ask_ms ? own(op, mem_printf("%lld", (long long)in->ask_ms)) : term(op, &in->silence);
    if (in->rated)
        op->rated = own(op, record_body(DIRECTION_EVENT, in->channel, in->connector, in->rated));
    op->assignee = change(op, in->assignee);
    op->state = change(op, in->state);
    op->labels = change_labels(op, in);
    op->while_assigned = change(op, in->while_assigned);
    op->blocked = change(op, in->blocked);
    if (address(op, in, &op->early) < 0) {
        loop_defer(s->env->loop, on_early, op);
        return;
    }
    send_append(op);
}
