/* targets.c - how the CRMs are: each worker finds out for itself whether one is worth asking, and
 * leaves a note of it in Redis, which is gone soon after the worker; from the notes of all, and
 * from what is stored, comes what people see. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "core/core_private.h"

#define NOTE_MS 2000
#define NOTE_LIFE_MS 10000
#define MINUTE_MS 60000

/* --- this worker's note ---------------------------------------------------------------------- */

static void on_ignored(void *arg, const struct redis_reply *r, const struct err *err) {
    (void)arg;
    (void)r;
    (void)err; /* it is written again */
}

/* Of a CRM that failed we know nothing any more when we may ask it again and have nothing to ask:
 * others have our shards now. */
static bool is_ill(const struct core *core, const struct target *t) {
    return t->off ||
           (t->why.code && (breaker_wait(&t->breaker, clock_mono_ms()) || owner_has_work(core, t)));
}

static const char *state_of(const struct core *core, const struct target *t) {
    return t->off                    ? "off"
           : !is_ill(core, t)        ? "well"
           : t->why.code == ERR_AUTH ? "refused"
                                     : "paused";
}

/* The part of the minute that it is now, emptied if a minute has gone. */
static struct target_part *part_of(struct target *t) {
    uint64_t number = clock_mono_ms() / (MINUTE_MS / TARGET_PARTS);
    struct target_part *p = &t->parts[number % TARGET_PARTS];
    if (p->number != number)
        *p = (struct target_part){.number = number};
    return p;
}

void target_attached(struct target *t) {
    part_of(t)->attached++;
}

void target_failed(struct target *t, const struct err *err) {
    part_of(t)->failed++;
    t->last = *err;
}

static json_t *note_of_target(const struct core *core, struct target *t) {
    uint64_t now = clock_mono_ms(), newest = part_of(t)->number;
    unsigned attached = 0, failed = 0;
    for (size_t i = 0; i < TARGET_PARTS; i++)
        if (t->parts[i].number + TARGET_PARTS > newest) {
            attached += t->parts[i].attached;
            failed += t->parts[i].failed;
        }
    bool ill = is_ill(core, t);
    const struct err *why = ill ? &t->why : failed ? &t->last : NULL;
    json_t *note = json_pack("{s:s,s:I,s:I}", "state", state_of(core, t), "attached",
        (json_int_t)attached, "failed", (json_int_t)failed);
    if (ill && !t->off)
        json_object_set_new(
            note, "until", json_integer(clock_ms() + breaker_wait(&t->breaker, now)));
    if (why)
        json_object_set_new(
            note, "error", json_pack("{s:s,s:s}", "code", err_name(why->code), "text", why->text));
    return note;
}

static void note_targets(struct core *core) {
    char key[64], life[24], *texts[TARGETS_MAX];
    struct redis *redis = store_redis(core->store);
    struct span set[2 + 2 * TARGETS_MAX] = {span_str("HSET")};
    size_t n = 2;
    snprintf(key, sizeof key, "sb:targets:%s", owner_id(core));
    snprintf(life, sizeof life, "%d", NOTE_LIFE_MS);
    set[1] = span_str(key);
    for (size_t i = 0; i < core->ntargets; i++) {
        struct target *t = &core->targets[i];
        json_t *note = note_of_target(core, t);
        texts[i] = json_dumps(note, JSON_COMPACT);
        json_decref(note);
        t->noted = t->why.code;
        set[n++] = span_str(t->crm->target);
        set[n++] = span_str(texts[i] ? texts[i] : "");
    }
    struct span expire[] = {span_str("PEXPIRE"), span_str(key), span_str(life)};
    redis_command(redis, set, n, on_ignored, NULL);
    redis_command(redis, expire, ARRAY_LEN(expire), on_ignored, NULL);
    for (size_t i = 0; i < core->ntargets; i++)
        free(texts[i]);
}

void targets_tick(struct core *core) {
    uint64_t now = clock_mono_ms();
    bool due = now >= core->next_targets_ms;
    for (size_t i = 0; i < core->ntargets; i++)
        due |= core->targets[i].noted != core->targets[i].why.code;
    if (!due || !core->ntargets)
        return;
    core->next_targets_ms = now + NOTE_MS;
    note_targets(core);
}

/* --- all workers' ---------------------------------------------------------------------------- */

struct asking {
    struct core *core;
    store_json_fn fn;
    void *arg;
    json_t *list;     /* one for each target */
    unsigned waiting; /* answers */
    struct err err;
};

struct asked {
    struct asking *a;
    size_t target;
    const char *key;
};

static void asking_less(struct asking *a) {
    if (--a->waiting)
        return;
    json_t *out = json_pack("{s:O}", "targets", a->list);
    a->fn(a->arg, a->err.code ? NULL : out, a->err.code ? &a->err : NULL);
    json_decref(out);
    json_decref(a->list);
    free(a);
}

static void add(json_t *one, const char *key, json_int_t n) {
    json_object_set_new(one, key, json_integer(json_integer_value(json_object_get(one, key)) + n));
}

static int rank(const char *state) {
    static const char *const worse[] = {"starting", "well", "paused", "refused", "off"};
    int i = (int)ARRAY_LEN(worse) - 1;
    while (i > 0 && strcmp(worse[i], state) != 0)
        i--;
    return i;
}

/* The worst state of all is shown; what is asked again first tells when. */
static void take_note(json_t *one, const json_t *note) {
    const char *state = json_string_value(json_object_get(note, "state"));
    json_t *error = json_object_get(note, "error"), *until = json_object_get(note, "until");
    const char *worst = json_string_value(json_object_get(one, "state"));
    bool worse = state && rank(state) > rank(worst);
    if (!state)
        return;
    add(one, "workers", 1);
    add(one, "asking", strcmp(state, "well") == 0);
    add(one, "rate", json_integer_value(json_object_get(note, "attached")));
    add(one, "errors", json_integer_value(json_object_get(note, "failed")));
    if (error && (worse || json_is_null(json_object_get(one, "error"))))
        json_object_set(one, "error", error);
    if (until) {
        char when[CLOCK_TEXT_SIZE];
        const char *sooner = json_string_value(json_object_get(one, "until"));
        int64_t old = INT64_MAX, ms = json_integer_value(until);
        if (!sooner || (clock_parse(sooner, &old) == 0 && ms < old))
            json_object_set_new(one, "until", json_string(clock_format(ms, when)));
    }
    if (worse)
        json_object_set(one, "state", json_object_get(note, "state"));
}

static void on_notes(void *arg, const struct redis_reply *r, const struct err *err) {
    struct asking *a = arg;
    if (err)
        a->err = *err;
    for (size_t i = 0; !err && i + 1 < redis_reply_count(r); i += 2) {
        const char *name = redis_reply_str(redis_reply_at(r, i));
        json_t *note = json_loads(redis_reply_str(redis_reply_at(r, i + 1)), 0, NULL), *one;
        size_t k;
        json_array_foreach(a->list, k, one) {
            if (note && strcmp(json_string_value(json_object_get(one, "name")), name) == 0)
                take_note(one, note);
        }
        json_decref(note);
    }
    asking_less(a);
}

static void on_workers(void *arg, const struct redis_reply *r, const struct err *err) {
    struct asking *a = arg;
    char key[64];
    if (err)
        a->err = *err;
    for (size_t i = 0; !err && i < redis_reply_count(r); i++) {
        snprintf(key, sizeof key, "sb:targets:%.40s", redis_reply_str(redis_reply_at(r, i)));
        struct span get[] = {span_str("HGETALL"), span_str(key)};
        a->waiting++;
        redis_command(store_redis(a->core->store), get, ARRAY_LEN(get), on_notes, a);
    }
    asking_less(a);
}

static void on_depth(void *arg, int64_t n, int64_t oldest_ms, const struct err *err) {
    struct asked *k = arg;
    char when[CLOCK_TEXT_SIZE];
    json_t *one = json_array_get(k->a->list, k->target);
    if (err)
        k->a->err = *err;
    json_object_set_new(one, k->key, json_integer(n));
    if (oldest_ms)
        json_object_set_new(one, "oldest_at", json_string(clock_format(oldest_ms, when)));
    asking_less(k->a);
    free(k);
}

static void on_dead(void *arg, int64_t n, const struct err *err) {
    struct asked *k = arg;
    if (err)
        k->a->err = *err;
    json_object_set_new(json_array_get(k->a->list, k->target), k->key, json_integer(n));
    asking_less(k->a);
    free(k);
}

static struct asked *ask(struct asking *a, size_t target, const char *key) {
    struct asked *k = mem_alloc(sizeof *k);
    *k = (struct asked){a, target, key};
    a->waiting++;
    return k;
}

void core_targets(struct core *core, store_json_fn fn, void *arg) {
    struct asking *a = mem_zalloc(sizeof *a);
    char now[24], queue[96];
    snprintf(now, sizeof now, "%lld", (long long)clock_ms());
    *a = (struct asking){.core = core, .fn = fn, .arg = arg, .list = json_array(), .waiting = 1};
    for (size_t i = 0; i < core->ntargets; i++) {
        const struct crm *crm = core->targets[i].crm;
        json_array_append_new(
            a->list, json_pack("{s:s,s:s,s:s,s:n,s:n,s:i,s:i,s:i,s:i,s:i,s:n,s:i,s:i}", "name",
                         crm->target, "adapter", crm->ops->name, "state", "starting", "until",
                         "error", "workers", 0, "asking", 0, "rate", 0, "errors", 0, "queue", 0,
                         "oldest_at", "dead", 0, "dead_from", 0));
        snprintf(queue, sizeof queue, "crm:%s", crm->target);
        store_queue_depth(core->store, queue, on_depth, ask(a, i, "queue"));
        store_dead_count(core->store, queue, on_dead, ask(a, i, "dead"));
        snprintf(queue, sizeof queue, "from:%s", crm->target);
        store_dead_count(core->store, queue, on_dead, ask(a, i, "dead_from"));
    }
    struct span alive[] = {
        span_str("ZRANGEBYSCORE"), span_str(WORKERS_KEY), span_str(now), span_str("+inf")};
    redis_command(store_redis(core->store), alive, ARRAY_LEN(alive), on_workers, a);
}
