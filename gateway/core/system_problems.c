/* system_problems.c - what is wrong with an installation, in words, the worst first. Pure. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json_text.h"
#include "base/mem.h"
#include "core/system.h"

#define LAG_MS 200
#define REDIS_SLOW_MS 100.0
#define QUEUE_OLD_S 300
#define DISK_LOW_PERCENT 5

struct finding {
    const char *code, *subject; /* NULL: it is about the whole */
    bool bad;
    int64_t n;
};

static int64_t number(const json_t *o, const char *key) {
    return json_integer_value(json_object_get(o, key));
}

static void find(json_t *list, struct finding f, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* The bad ones stand before the others. */
static void find(json_t *list, struct finding f, const char *fmt, ...) {
    char text[240];
    va_list ap;
    size_t at = 0;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    while (at < json_array_size(list) &&
           (!f.bad || strcmp(json_text(json_array_get(list, at), "level"), "bad") == 0))
        at++;
    json_array_insert_new(list, at,
        json_pack("{s:s,s:s,s:s,s:I,s:s}", "code", f.code, "level", f.bad ? "bad" : "warn",
            "subject", f.subject ? f.subject : "", "n", (json_int_t)f.n, "text", text));
}

static void look_at_redis(json_t *out, const json_t *redis) {
    int64_t most = number(redis, "memory_max_bytes"), used = number(redis, "memory_bytes");
    int64_t percent = most ? used * 100 / most : 0;
    double latency = json_number_value(json_object_get(redis, "latency_ms"));
    const char *fsync = json_text(redis, "append_fsync");
    if (!json_is_true(json_object_get(redis, "write_ok")))
        find(out, (struct finding){"redis_disk", NULL, true, 0},
            "Redis cannot write its append-only file: look for a full disk and into its log");
    if (!json_is_true(json_object_get(redis, "append_only")))
        find(out, (struct finding){"redis_volatile", NULL, true, 0},
            "Redis keeps nothing on disk: set appendonly yes, or its restart loses messages");
    else if (*fsync && strcmp(fsync, "always") != 0)
        find(out, (struct finding){"redis_fsync", fsync, false, 0},
            "Redis has appendfsync %s: a crash of the machine loses the last second", fsync);
    if (strcmp(json_text(redis, "role"), "slave") == 0)
        find(out, (struct finding){"redis_replica", NULL, true, 0},
            "this Redis is a replica: name the primary in redis { url }");
    if (percent >= 85)
        find(out, (struct finding){"redis_memory", NULL, percent >= 95, percent},
            "Redis has filled %lld %% of the memory that it may use", (long long)percent);
    if (most && strcmp(json_text(redis, "policy"), "noeviction") != 0)
        find(out, (struct finding){"redis_evicts", json_text(redis, "policy"), true, 0},
            "Redis deletes messages when it is full: set maxmemory-policy noeviction");
    if (latency > REDIS_SLOW_MS)
        find(out, (struct finding){"redis_slow", NULL, false, (int64_t)latency},
            "Redis has taken %.0f ms to answer", latency);
}

static void look_at_workers(json_t *out, const json_t *workers, const json_t *shards) {
    const char *version = NULL;
    size_t i, unowned = 0;
    json_t *w, *shard;
    json_array_foreach((json_t *)workers, i, w) {
        char pid[24];
        snprintf(pid, sizeof pid, "%lld", (long long)number(w, "pid"));
        if (number(w, "lag_ms") >= LAG_MS)
            find(out, (struct finding){"worker_slow", pid, false, number(w, "lag_ms")},
                "the worker %s was late by %lld ms: the machine is too busy", pid,
                (long long)number(w, "lag_ms"));
        if (version && strcmp(version, json_text(w, "version")) != 0)
            find(out, (struct finding){"versions", NULL, false, 0},
                "workers of two versions are running: restart the older ones");
        version = json_text(w, "version");
    }
    json_array_foreach((json_t *)shards, i, shard) {
        unowned += json_is_null(json_object_get(shard, "owner"));
    }
    if (unowned)
        find(out, (struct finding){"unowned", NULL, false, (int64_t)unowned},
            "nobody delivers of %zu shards at the moment", unowned);
}

static void look_at_queues(json_t *out, const json_t *queues, int64_t now_ms) {
    size_t i;
    json_t *q;
    json_array_foreach((json_t *)queues, i, q) {
        const char *name = json_text(q, "queue");
        int64_t ms, age = 0;
        if (clock_parse(json_text(q, "oldest_at"), &ms) == 0)
            age = (now_ms - ms) / 1000;
        if (age >= QUEUE_OLD_S)
            find(out, (struct finding){"queue_old", name, false, age / 60},
                "something has waited in the queue %s for %lld minutes", name, (long long)age / 60);
    }
}

static void look_at_channels(json_t *out, const json_t *channels) {
    size_t i;
    json_t *ch;
    json_array_foreach((json_t *)channels, i, ch) {
        if (strcmp(json_text(ch, "state"), "lost") == 0)
            find(out, (struct finding){"channel", json_text(ch, "name"), true, 0},
                "the channel %s does not work", json_text(ch, "name"));
        if (json_is_object(json_object_get(ch, "paused")))
            find(out, (struct finding){"paused", json_text(ch, "name"), false, 0},
                "the channel %s is paused: it sends nothing", json_text(ch, "name"));
    }
}

json_t *system_problems(const json_t *system, int64_t now_ms) {
    json_t *out = json_array();
    const json_t *disk = json_object_get(system, "disk");
    int64_t total = number(disk, "total_bytes"), dead = number(system, "dead");
    int64_t free_percent = total ? number(disk, "free_bytes") * 100 / total : 100;
    look_at_redis(out, json_object_get(system, "redis"));
    if (free_percent < DISK_LOW_PERCENT)
        find(out, (struct finding){"disk", NULL, true, free_percent},
            "only %lld %% of the disk of data_dir are free", (long long)free_percent);
    look_at_workers(out, json_object_get(system, "workers"), json_object_get(system, "shards"));
    look_at_channels(out, json_object_get(system, "channels"));
    look_at_queues(out, json_object_get(system, "queues"), now_ms);
    if (dead)
        find(out, (struct finding){"dead", NULL, false, dead}, "%lld deliveries were given up",
            (long long)dead);
    return out;
}
