/* system.c - each worker leaves a note of how it is in Redis, which is gone soon after it; from the
 * notes of all, from what Redis says of itself and from what waits comes what admins see. */
#include "core/system.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "base/version.h"
#include "core/core_private.h"
#include "store/store_queue.h"

#define NOTE_MS 2000
#define NOTE_LIFE_MS 10000

/* --- this worker's note ---------------------------------------------------------------------- */

static void on_ignored(void *arg, const struct redis_reply *r, const struct err *err) {
    (void)arg;
    (void)r;
    (void)err; /* it is written again */
}

static int64_t rss_bytes(void) {
    long pages = 0;
    FILE *f = fopen("/proc/self/statm", "re");
    if (f && fscanf(f, "%*s %ld", &pages) != 1)
        pages = 0;
    if (f)
        fclose(f);
    return (int64_t)pages * sysconf(_SC_PAGESIZE);
}

static uint64_t cpu_us(void) {
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (uint64_t)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000000u +
           (uint64_t)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

struct span system_note_key(const char *worker, char out[SYSTEM_KEY_SIZE]) {
    snprintf(out, SYSTEM_KEY_SIZE, "sb:worker:%.40s", worker);
    return span_str(out);
}

static json_t *note_of_worker(const struct core *core, double cpu, uint64_t lag_ms) {
    char since[CLOCK_TEXT_SIZE];
    return json_pack("{s:s,s:I,s:I,s:s,s:s,s:I,s:f,s:I,s:I,s:o}", "id", owner_id(core), "pid",
        (json_int_t)getpid(), "number", (json_int_t)core->options.index, "version", SB_VERSION,
        "started_at", clock_format(core->watch.started_ms, since), "rss_bytes",
        (json_int_t)rss_bytes(), "cpu_percent", cpu, "lag_ms", (json_int_t)lag_ms, "sockets",
        (json_int_t)metrics_own(core->env->metrics, M_WS_SESSIONS), "channels",
        channels_rates(core));
}

void system_tick(struct core *core, unsigned tick_ms) {
    struct system_watch *w = &core->watch;
    uint64_t now = clock_mono_ms(), cpu = cpu_us();
    char key[SYSTEM_KEY_SIZE], life[24];
    if (!w->started_ms)
        w->started_ms = clock_ms();
    if (w->last_ms && now > w->last_ms + tick_ms && now - w->last_ms - tick_ms > w->lag_ms)
        w->lag_ms = now - w->last_ms - tick_ms;
    w->last_ms = now;
    if (now < w->next_ms)
        return;
    double spent = w->noted_ms ? (double)(cpu - w->cpu_us) / 10.0 / (double)(now - w->noted_ms) : 0;
    uint64_t lag = w->lag_ms > w->lag_before_ms ? w->lag_ms : w->lag_before_ms;
    json_t *note = note_of_worker(core, (double)(int)(spent * 10 + 0.5) / 10, lag);
    char *text = json_dumps(note, JSON_COMPACT);
    w->next_ms = now + NOTE_MS;
    w->noted_ms = now;
    w->cpu_us = cpu;
    w->lag_before_ms = w->lag_ms;
    w->lag_ms = 0;
    snprintf(life, sizeof life, "%d", NOTE_LIFE_MS);
    struct span set[] = {span_str("SET"), system_note_key(owner_id(core), key), span_str(text),
        span_str("PX"), span_str(life)};
    redis_command(store_redis(core->store), set, ARRAY_LEN(set), on_ignored, NULL);
    json_decref(note);
    free(text);
}

/* --- all of it ------------------------------------------------------------------------------- */

struct survey {
    struct core *core;
    store_json_fn fn;
    void *arg;
    json_t *workers, *redis, *shards, *queues; /* queues: by name */
    int64_t dead;
    uint64_t asked_us;
    unsigned waiting; /* answers */
    struct err err;
};

struct asked {
    struct survey *s;
    const char *queue; /* the target's part of it; or the shard's number */
    unsigned shard;
};

static struct asked *ask(struct survey *s, const char *queue, unsigned shard) {
    struct asked *a = mem_alloc(sizeof *a);
    *a = (struct asked){s, queue, shard};
    s->waiting++;
    return a;
}

static int by_name(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static json_t *queues_list(const json_t *queues) {
    size_t n = 0;
    const char *name, **names = mem_alloc((json_object_size(queues) + 1) * sizeof *names);
    json_t *v, *list = json_array();
    json_object_foreach((json_t *)queues, name, v) {
        names[n++] = name;
    }
    qsort(names, n, sizeof *names, by_name);
    for (size_t i = 0; i < n; i++)
        json_array_append(list, json_object_get(queues, names[i]));
    free(names);
    return list;
}

/* Which of the shards each worker has. */
static void count_shards(struct survey *s) {
    size_t i, k;
    json_t *worker, *shard;
    json_array_foreach(s->workers, i, worker) {
        json_int_t n = 0;
        json_array_foreach(s->shards, k, shard) {
            n += json_equal(json_object_get(shard, "owner"), json_object_get(worker, "id"));
        }
        json_object_set_new(worker, "shards", json_integer(n));
    }
}

static void survey_less(struct survey *s) {
    if (--s->waiting)
        return;
    count_shards(s);
    json_t *out = json_pack("{s:O,s:O,s:O,s:o,s:I}", "workers", s->workers, "redis", s->redis,
        "shards", s->shards, "queues", queues_list(s->queues), "dead", (json_int_t)s->dead);
    s->fn(s->arg, s->err.code ? NULL : out, s->err.code ? &s->err : NULL);
    json_decref(out);
    json_decref(s->workers);
    json_decref(s->redis);
    json_decref(s->shards);
    json_decref(s->queues);
    free(s);
}

static void on_note(void *arg, const struct redis_reply *r, const struct err *err) {
    struct survey *s = arg;
    json_t *note = err ? NULL : json_loads(redis_reply_str(r), 0, NULL);
    if (err)
        s->err = *err;
    json_object_del(note, "channels"); /* channel_rate.c adds them up */
    if (json_is_object(note))
        json_array_append(s->workers, note);
    json_decref(note);
    survey_less(s);
}

static void on_workers(void *arg, const struct redis_reply *r, const struct err *err) {
    struct survey *s = arg;
    char key[SYSTEM_KEY_SIZE];
    if (err)
        s->err = *err;
    for (size_t i = 0; !err && i < redis_reply_count(r); i++) {
        struct span get[] = {
            span_str("GET"), system_note_key(redis_reply_str(redis_reply_at(r, i)), key)};
        s->waiting++;
        redis_command(store_redis(s->core->store), get, ARRAY_LEN(get), on_note, s);
    }
    survey_less(s);
}

static json_int_t number_of(const char *info, const char *name) {
    char *text = redis_info(info, name);
    json_int_t n = strtoll(text, NULL, 10);
    free(text);
    return n;
}

static void set_text(json_t *out, const char *key, const char *info, const char *name) {
    char *text = redis_info(info, name);
    json_object_set_new(out, key, json_string(text));
    free(text);
}

static void on_info(void *arg, const struct redis_reply *r, const struct err *err) {
    struct survey *s = arg;
    const char *info = err ? "" : redis_reply_str(r);
    char at[CLOCK_TEXT_SIZE], *ok = redis_info(info, "aof_last_write_status");
    json_int_t saved = number_of(info, "rdb_last_save_time");
    if (err)
        s->err = *err;
    set_text(s->redis, "version", info, "redis_version");
    set_text(s->redis, "policy", info, "maxmemory_policy");
    set_text(s->redis, "role", info, "role");
    json_object_set_new(s->redis, "uptime_s", json_integer(number_of(info, "uptime_in_seconds")));
    json_object_set_new(s->redis, "memory_bytes", json_integer(number_of(info, "used_memory")));
    json_object_set_new(s->redis, "memory_max_bytes", json_integer(number_of(info, "maxmemory")));
    json_object_set_new(s->redis, "append_only", json_boolean(number_of(info, "aof_enabled")));
    json_object_set_new(s->redis, "write_ok", json_boolean(!*ok || strcmp(ok, "ok") == 0));
    json_object_set_new(s->redis, "loading", json_boolean(number_of(info, "loading")));
    json_object_set_new(s->redis, "saved_at", json_string(clock_format(saved * 1000, at)));
    json_object_set_new(
        s->redis, "latency_ms", json_real((double)(clock_mono_us() - s->asked_us) / 1000));
    free(ok);
    survey_less(s);
}

/* Not every Redis tells. */
static void on_fsync(void *arg, const struct redis_reply *r, const struct err *err) {
    struct survey *s = arg;
    const char *text = err ? "" : redis_reply_str(redis_reply_at(r, 1));
    json_object_set_new(s->redis, "append_fsync", *text ? json_string(text) : json_null());
    survey_less(s);
}

static void on_lease(void *arg, const struct redis_reply *r, const struct err *err) {
    struct asked *a = arg;
    struct survey *s = a->s;
    const char *token = err ? "" : redis_reply_str(r);
    json_t *owner = *token ? json_stringn(token, strcspn(token, ":")) : json_null();
    if (err)
        s->err = *err;
    json_array_set_new(
        s->shards, a->shard, json_pack("{s:I,s:o}", "shard", (json_int_t)a->shard, "owner", owner));
    free(a);
    survey_less(s);
}

static void add_queue(struct survey *s, const char *name, int64_t n, int64_t oldest_ms) {
    char at[CLOCK_TEXT_SIZE];
    json_t *one = json_object_get(s->queues, name);
    if (!one) {
        one = json_pack("{s:s,s:i,s:n}", "queue", name, "n", 0, "oldest_at");
        json_object_set_new(s->queues, name, one);
    }
    json_int_t before = json_integer_value(json_object_get(one, "n"));
    json_object_set_new(one, "n", json_integer(before + n));
    const char *older = json_string_value(json_object_get(one, "oldest_at"));
    if (oldest_ms && (!older || strcmp(clock_format(oldest_ms, at), older) < 0))
        json_object_set_new(one, "oldest_at", json_string(clock_format(oldest_ms, at)));
}

static void on_queues(
    void *arg, const struct store_queue_info *queues, size_t n, const struct err *err) {
    struct survey *s = arg;
    if (err)
        s->err = *err;
    for (size_t i = 0; !err && i < n; i++)
        add_queue(s, queues[i].name, queues[i].n, queues[i].oldest_ms);
    survey_less(s);
}

static void on_depth(void *arg, int64_t n, int64_t oldest_ms, const struct err *err) {
    struct asked *a = arg;
    struct survey *s = a->s;
    char *name = mem_printf("crm:%s", a->queue);
    if (err)
        s->err = *err;
    else
        add_queue(s, name, n, oldest_ms);
    free(name);
    free(a);
    survey_less(s);
}

static void on_dead(void *arg, int64_t n, const struct err *err) {
    struct survey *s = arg;
    if (err)
        s->err = *err;
    s->dead = n;
    survey_less(s);
}

void core_system(struct core *core, store_json_fn fn, void *arg) {
    struct survey *s = mem_zalloc(sizeof *s);
    struct redis *redis = store_redis(core->store);
    char now[24], key[STORE_KEY_SIZE];
    *s = (struct survey){.core = core,
        .fn = fn,
        .arg = arg,
        .workers = json_array(),
        .redis = json_object(),
        .shards = json_array(),
        .queues = json_object(),
        .asked_us = clock_mono_us(),
        .waiting = 4};
    snprintf(now, sizeof now, "%lld", (long long)clock_ms());
    struct span info[] = {span_str("INFO")};
    struct span fsync[] = {span_str("CONFIG"), span_str("GET"), span_str("appendfsync")};
    struct span alive[] = {
        span_str("ZRANGEBYSCORE"), span_str(WORKERS_KEY), span_str(now), span_str("+inf")};
    redis_command(redis, info, ARRAY_LEN(info), on_info, s);
    redis_command(redis, fsync, ARRAY_LEN(fsync), on_fsync, s);
    redis_command(redis, alive, ARRAY_LEN(alive), on_workers, s);
    for (unsigned i = 0; i < store_shards(core->store); i++) {
        struct span get[] = {span_str("GET"), store_key(key, i, "lease", NULL)};
        json_array_append_new(s->shards, json_null());
        redis_command(redis, get, ARRAY_LEN(get), on_lease, ask(s, NULL, i));
        s->waiting++;
        store_queues(core->store, i, on_queues, s);
    }
    for (size_t i = 0; i < core->ntargets; i++) {
        char *queue = mem_printf("crm:%s", core->targets[i].crm->target);
        store_queue_depth(core->store, queue, on_depth, ask(s, core->targets[i].crm->target, 0));
        free(queue);
    }
    store_dead_count(core->store, NULL, on_dead, s);
}
