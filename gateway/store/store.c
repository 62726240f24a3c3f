/* store.c - the connection to our data: keys, scripts, and whether Redis can serve. */
#include "store/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "store/scripts.h"
#include "store/store_private.h"

#define PROBE_MS 500
#define ROOM 65536     /* bytes that Redis must have to spare, so that a message passes too */
#define GOOD_PROBES 4u /* in a row, of a Redis that has refused a write */

void args_add(struct args *a, const char *s) {
    args_span(a, span_str(s ? s : ""));
}

void args_span(struct args *a, struct span s) {
    if (a->n < ARGS_MAX)
        a->v[a->n++] = s;
}

void args_int(struct args *a, int64_t i) {
    char *out = a->numbers[a->nnumbers++ % ARRAY_LEN(a->numbers)];
    int n = snprintf(out, sizeof a->numbers[0], "%lld", (long long)i);
    args_span(a, span_of(out, (size_t)n));
}

int64_t dedupe_bucket(int64_t now_ms) {
    return now_ms / DEDUPE_BUCKET_MS;
}

struct zone *store_zone(struct store *s) {
    return s->zone;
}

struct span store_key(char *out, unsigned shard, const char *name, const char *id) {
    int n =
        snprintf(out, STORE_KEY_SIZE, "sb:{s%u}:%s%s%s", shard, name, id ? ":" : "", id ? id : "");
    return span_of(out, n < STORE_KEY_SIZE ? (size_t)n : STORE_KEY_SIZE - 1);
}

/* After store_close(): fails, but not from inside the call. */
struct closed {
    redis_fn fn;
    void *arg;
};

static void on_closed(void *arg) {
    struct closed *c = arg;
    struct err err;
    err_set(&err, ERR_UNAVAILABLE, "the gateway is stopping");
    c->fn(c->arg, NULL, &err);
    free(c);
}

static bool is_closed(struct store *s, redis_fn fn, void *arg) {
    if (s->redis)
        return false;
    struct closed *c = mem_alloc(sizeof *c);
    *c = (struct closed){fn, arg};
    loop_defer(s->env->loop, on_closed, c);
    return true;
}

void store_command(struct store *s, const struct args *a, redis_fn fn, void *arg) {
    if (is_closed(s, fn, arg))
        return;
    redis_command(s->redis, a->v, a->n, fn, arg);
}

void store_eval(struct store *s, enum script_id id, unsigned shard, const struct args *a,
    redis_fn fn, void *arg) {
    char prefix[32];
    if (is_closed(s, fn, arg))
        return;
    int n = snprintf(prefix, sizeof prefix, "sb:{s%u}:", shard);
    struct span key = span_of(prefix, (size_t)n);
    redis_eval(s->redis, &s->scripts[id], &key, 1, a->v, a->n, fn, arg);
}

bool store_check_id(const struct store *s, const char *id, const char *what, struct err *err) {
    if (id_is_valid(id) && id_shard(id) < s->shards)
        return true;
    err_set(err, ERR_NOT_FOUND, "there is no such %s", what);
    return false;
}

/* --- refusals that are found at once --------------------------------------------------------- */

struct refusal {
    struct err err;
    store_json_fn json;
    store_done_fn done;
    void *arg;
};

static void on_refusal(void *arg) {
    struct refusal *r = arg;
    if (r->json)
        r->json(r->arg, NULL, &r->err);
    else
        r->done(r->arg, &r->err);
    free(r);
}

static void refuse(struct store *s, struct refusal r) {
    struct refusal *copy = mem_alloc(sizeof *copy);
    *copy = r;
    loop_defer(s->env->loop, on_refusal, copy);
}

void store_fail_json(struct store *s, const struct err *err, store_json_fn fn, void *arg) {
    refuse(s, (struct refusal){.err = *err, .json = fn, .arg = arg});
}

void store_fail_done(struct store *s, const struct err *err, store_done_fn fn, void *arg) {
    if (fn)
        refuse(s, (struct refusal){.err = *err, .done = fn, .arg = arg});
}

/* --- many answers together ------------------------------------------------------------------- */

struct gather_one {
    struct gather *g;
    size_t i;
};

static void gather_less(struct gather *g) {
    if (--g->waiting == 0)
        g->all(g);
}

static void on_gathered(void *arg, const struct redis_reply *r, const struct err *err) {
    struct gather_one *one = arg;
    struct gather *g = one->g;
    if (err && !g->err.code)
        g->err = *err;
    else if (r)
        g->each(g, one->i, r);
    free(one);
    gather_less(g);
}

void gather_begin(
    struct gather *g, struct store *s, gather_fn each, void (*all)(struct gather *g)) {
    g->store = s;
    g->waiting = 1;
    g->err.code = ERR_NONE;
    g->each = each;
    g->all = all;
}

void gather_command(struct gather *g, size_t i, const struct args *a) {
    struct gather_one *one = mem_alloc(sizeof *one);
    *one = (struct gather_one){g, i};
    g->waiting++;
    store_command(g->store, a, on_gathered, one);
}

void gather_eval(
    struct gather *g, size_t i, enum script_id id, unsigned shard, const struct args *a) {
    struct gather_one *one = mem_alloc(sizeof *one);
    *one = (struct gather_one){g, i};
    g->waiting++;
    store_eval(g->store, id, shard, a, on_gathered, one);
}

void gather_end(struct gather *g) {
    gather_less(g);
}

/* --- is Redis there, and is the data ours? --------------------------------------------------- */

static void set_up(struct store *s, bool up, const struct err *why) {
    if (s->up == up)
        return;
    s->up = up;
    metrics_set(s->env->metrics, M_REDIS_UP, NULL, up);
    if (up)
        LOG_INFO(s->env->log, "store.up", LOG_S("epoch", s->epoch), LOG_I("shards", s->shards));
    else
        LOG_WARN(s->env->log, "store.down", LOG_E(why));
    if (s->on_state)
        s->on_state(s->arg, up, NULL);
}

static void on_meta(void *arg, const struct redis_reply *r, const struct err *err) {
    struct store *s = arg;
    s->checking = false;
    if (err) {
        if (err->code != ERR_UNAVAILABLE && err->code != ERR_TIMEOUT)
            LOG_ERROR(s->env->log, "store.check_failed", LOG_E(err));
        set_up(s, false, err);
        return;
    }
    int64_t shards = redis_reply_int(redis_reply_at(r, 0));
    if (shards != (int64_t)s->shards) {
        struct err fatal;
        err_set(&fatal, ERR_INVALID,
            "redis.shards is %u, but this data was made with %lld shards: set redis { shards = "
            "%lld } (the number is fixed when the data is created)",
            s->shards, (long long)shards, (long long)shards);
        if (s->on_state)
            s->on_state(s->arg, false, &fatal);
        return;
    }
    const char *epoch = redis_reply_str(redis_reply_at(r, 1));
    if (s->epoch && strcmp(s->epoch, epoch) != 0)
        LOG_WARN(s->env->log, "store.replaced", LOG_S("was", s->epoch), LOG_S("is", epoch));
    free(s->epoch);
    free(s->secret);
    s->epoch = mem_strdup(epoch);
    s->secret = mem_strdup(redis_reply_str(redis_reply_at(r, 2)));
    if (s->owed)
        s->owed--;
    if (s->owed == 0)
        set_up(s, true, NULL);
}

/* Writes (or finds) what is written once; doing it again is how we learn that Redis takes writes.
 * It must take more than this little: near the limit a small write would pass between two that do
 * not, and one worker would say that all is well while another refuses. */
static void check(struct store *s) {
    char epoch[ID_SIZE], rnd[CRYPTO_TOKEN_SIZE], secret[CRYPTO_HEX_SIZE];
    static const char room[ROOM];
    struct args a;
    struct span key = span_str("sb:meta");
    if (s->checking || !redis_is_up(s->redis))
        return;
    s->checking = true;
    args_init(&a);
    id_make(0, epoch);
    crypto_token(rnd);
    crypto_sha256_hex(span_str(rnd), secret);
    args_int(&a, s->shards);
    args_add(&a, epoch);
    args_add(&a, secret);
    args_span(&a, span_of(room, sizeof room));
    redis_eval(s->redis, &s->scripts[SCRIPT_META], &key, 1, a.v, a.n, on_meta, s);
}

static void set_lost(struct store *s) {
    struct err err;
    err_set(&err, ERR_UNAVAILABLE, "Redis: not connected");
    set_up(s, false, &err);
}

static void on_probe(void *arg) {
    struct store *s = arg;
    if (!redis_is_up(s->redis))
        set_lost(s);
    else
        check(s);
}

/* Full, read-only, without its replicas. A full one is always near its limit, where one write may
 * pass and the next may not: so any refusal counts, and it takes more than one good probe. */
static void on_refused(void *arg, const struct err *why) {
    struct store *s = arg;
    s->owed = GOOD_PROBES;
    set_up(s, false, why);
}

static void on_connection(void *arg, bool up) {
    struct store *s = arg;
    if (up)
        check(s);
    else
        set_lost(s);
}

struct store *store_create(const struct env *env, const struct store_options *o) {
    static const struct {
        const char *name, *body;
    } scripts[SCRIPT_COUNT] = {
        [SCRIPT_APPEND] = {"append", script_append},
        [SCRIPT_READ] = {"read", script_read},
        [SCRIPT_RECEIPT] = {"receipt", script_receipt},
        [SCRIPT_TRAIL] = {"trail", script_trail},
        [SCRIPT_LEASE] = {"lease", script_lease},
        [SCRIPT_BEGIN] = {"begin", script_begin},
        [SCRIPT_FINISH] = {"finish", script_finish},
        [SCRIPT_CLIENT] = {"client", script_client},
        [SCRIPT_JOIN] = {"join", script_join},
        [SCRIPT_MERGE] = {"merge", script_merge},
        [SCRIPT_CARRY] = {"carry", script_carry},
        [SCRIPT_UNMERGE] = {"unmerge", script_unmerge},
        [SCRIPT_SETTLE] = {"settle", script_settle},
        [SCRIPT_UNJOIN] = {"unjoin", script_unjoin},
        [SCRIPT_META] = {"meta", script_meta},
        [SCRIPT_WRITER] = {"writer", script_writer},
        [SCRIPT_WAKE] = {"wake", script_wake},
        [SCRIPT_DEAD_RETRY] = {"dead_retry", script_dead_retry},
        [SCRIPT_ON_CARD] = {"on_card", script_on_card},
        [SCRIPT_LOCATE] = {"locate", script_locate},
        [SCRIPT_AMEND] = {"amend", script_amend},
        [SCRIPT_QUEUES] = {"queues", script_queues},
        [SCRIPT_PICK] = {"pick", script_pick},
        [SCRIPT_DELIVERY] = {"delivery", script_delivery},
        [SCRIPT_REQUEUE] = {"requeue", script_requeue},
        [SCRIPT_PART] = {"part", script_part},
        [SCRIPT_WINDOW_OVER] = {"window_over", script_window_over},
        [SCRIPT_MEDIA_CLAIM] = {"media_claim", script_media_claim},
        [SCRIPT_EVENT] = {"event", script_event},
        [SCRIPT_REPORT] = {"report", script_report},
        [SCRIPT_RULES_RECORDS] = {"rules_records", script_rules_records},
        [SCRIPT_RULES_PUT] = {"rules_put", script_rules_put},
        [SCRIPT_RULES_WAITING] = {"rules_waiting", script_rules_waiting},
        [SCRIPT_ERASE_BEGIN] = {"erase_begin", script_erase_begin},
        [SCRIPT_ERASE_THREAD] = {"erase_thread", script_erase_thread},
        [SCRIPT_ERASE_LOG] = {"erase_log", script_erase_log},
        [SCRIPT_ERASE_IDENTITY] = {"erase_identity", script_erase_identity},
        [SCRIPT_ERASE_BACK] = {"erase_back", script_erase_back},
        [SCRIPT_ERASE_CLIENT] = {"erase_client", script_erase_client},
        [SCRIPT_ERASE_HEARD] = {"erase_heard", script_erase_heard},
        [SCRIPT_LABELS] = {"labels", script_labels},
        [SCRIPT_RELABEL] = {"relabel", script_relabel},
        [SCRIPT_ASK] = {"ask", script_ask},
        [SCRIPT_RATED] = {"rated", script_rated},
        [SCRIPT_SUGGEST] = {"suggest", script_suggest},
        [SCRIPT_DISMISS] = {"dismiss", script_dismiss},
    };
    struct store *s = mem_zalloc(sizeof *s);
    s->env = env;
    s->shards = o->shards;
    s->dedupe = o->dedupe;
    s->on_state = o->on_state;
    s->arg = o->arg;
    while (o->targets && o->targets[s->ntargets])
        s->ntargets++;
    s->targets = mem_zalloc((s->ntargets + 1) * sizeof *s->targets);
    for (size_t i = 0; i < s->ntargets; i++)
        s->targets[i] = mem_strdup(o->targets[i]);
    snprintf(s->keep_messages, sizeof s->keep_messages, "%u", o->keep_messages);
    snprintf(s->keep_ms, sizeof s->keep_ms, "%lld", (long long)o->keep_ms);
    snprintf(
        s->report_keep_s, sizeof s->report_keep_s, "%lld", (long long)o->report_keep_ms / 1000);
    snprintf(s->audit_max, sizeof s->audit_max, "%u", o->audit_max);
    snprintf(s->audit_ms, sizeof s->audit_ms, "%lld", (long long)o->audit_keep_ms);
    s->zone = zone_create(o->zone ? o->zone : "UTC");
    snprintf(s->events_max, sizeof s->events_max, "%u", o->events_max);
    for (size_t i = 0; i < SCRIPT_COUNT; i++)
        redis_script_init(&s->scripts[i], scripts[i].name, scripts[i].body);
    s->redis = redis_create(env, &(struct redis_options){.url = o->url,
                                     .connections = o->connections ? o->connections : 4,
                                     .timeout_ms = o->timeout_ms ? o->timeout_ms : 2000,
                                     .on_state = on_connection,
                                     .on_refused = on_refused,
                                     .arg = s});
    s->probe = loop_timer_start(env->loop, PROBE_MS, PROBE_MS, on_probe, s);
    return s;
}

void store_close(struct store *s) {
    s->on_state = NULL;
    s->up = false;
    loop_timer_stop(&s->probe);
    redis_destroy(&s->redis);
}

void store_destroy(struct store **sp) {
    struct store *s = *sp;
    if (!s)
        return;
    store_close(s);
    for (size_t i = 0; i < s->ntargets; i++)
        free(s->targets[i]);
    free(s->targets);
    zone_destroy(&s->zone);
    free(s->secret);
    free(s->epoch);
    free(s->tell);
    free(s->asks);
    free(s);
    *sp = NULL;
}

bool store_is_up(const struct store *s) {
    return s->up;
}

unsigned store_shards(const struct store *s) {
    return s->shards;
}

const char *store_secret(const struct store *s) {
    return s->secret;
}

const char *store_epoch(const struct store *s) {
    return s->epoch ? s->epoch : "";
}

struct redis *store_redis(struct store *s) {
    return s->redis;
}
