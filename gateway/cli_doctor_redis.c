/* cli_doctor_redis.c - is this Redis fit to keep what we promise to keep? Reads only. */
#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "cli_doctor.h"
#include "embedded_redis.h"
#include "net/redis.h"

#define PATIENCE_MS 3000

extern char **environ;

struct patient {
    struct doctor *d;
    struct env env;
    struct log log;
    struct redis *redis;
    bool late;
    char *text; /* of the last answer: a string, or an array's last element */
    bool array; /* the last answer was an array with something in it */
    struct err err;
};

/* --- one question at a time ------------------------------------------------------------------ */

static void on_reply(void *arg, const struct redis_reply *r, const struct err *err) {
    struct patient *p = arg;
    free(p->text);
    p->text = NULL;
    p->array = r && redis_reply_type(r) == REDIS_ARRAY && redis_reply_count(r) > 0;
    if (p->array)
        r = redis_reply_at(r, redis_reply_count(r) - 1);
    if (r)
        p->text = mem_strdup(redis_reply_str(r));
    p->err = err ? *err : (struct err){0};
    loop_stop(p->env.loop);
}

static const char *ask(struct patient *p, const char *a, const char *b, const char *c) {
    struct span args[] = {span_str(a), span_str(b), span_str(c ? c : "")};
    redis_command(p->redis, args, c ? 3 : 2, on_reply, p);
    loop_run(p->env.loop);
    return p->text ? p->text : "";
}

/* --- the questions --------------------------------------------------------------------------- */

static bool is_old(const char *version) {
    char *end;
    long major = strtol(version, &end, 10), minor = *end == '.' ? strtol(end + 1, NULL, 10) : 0;
    return major < 6 || (major == 6 && minor < 2);
}

static void check_server(struct patient *p) {
    char *info = mem_strdup(ask(p, "INFO", "server", NULL));
    char *valkey = redis_info(info, "valkey_version"), *redis = redis_info(info, "redis_version");
    if (p->err.code)
        doctor_fail(p->d, mem_printf("Redis refuses INFO: %s", p->err.text),
            "give the user of redis { url } the right");
    else if (*valkey)
        doctor_ok(p->d, mem_printf("Valkey %s", valkey));
    else if (is_old(redis))
        doctor_fail(p->d, mem_printf("Redis %s is too old", redis), "6.2 is needed at least");
    else
        doctor_ok(p->d, mem_printf("Redis %s", redis));
    free(valkey);
    free(redis);
    free(info);
}

static void check_health(struct patient *p) {
    char *info = mem_strdup(ask(p, "INFO", "persistence", NULL));
    char *loading = redis_info(info, "loading"), *aof = redis_info(info, "aof_last_write_status");
    if (strcmp(loading, "1") == 0)
        doctor_warn(p->d, mem_printf("Redis is loading its data"), "wait");
    if (*aof && strcmp(aof, "ok") != 0)
        doctor_fail(p->d, mem_printf("Redis cannot write its append-only file (%s)", aof),
            "look for a full disk and into Redis's log");
    free(loading);
    free(aof);
    free(info);
    info = mem_strdup(ask(p, "INFO", "replication", NULL));
    char *role = redis_info(info, "role");
    if (strcmp(role, "slave") == 0)
        doctor_fail(
            p->d, mem_printf("this Redis is a replica"), "name the primary in redis { url }");
    free(role);
    free(info);
}

struct wish {
    const char *key, *value, *todo;
    bool fatal; /* messages are lost otherwise, whatever was agreed */
};

static void check_wish(struct patient *p, const struct wish *w) {
    char *now = mem_strdup(ask(p, "CONFIG", "GET", w->key));
    bool known = !p->err.code && p->array;
    if (!known)
        doctor_warn(p->d, mem_printf("Redis does not tell its %s", w->key),
            "make sure by yourself, or allow CONFIG GET");
    else if (strcmp(now, w->value) == 0)
        doctor_ok(p->d, mem_printf("Redis has %s %s", w->key, w->value));
    else if (w->fatal)
        doctor_fail(p->d, mem_printf("Redis has %s %s", w->key, now), w->todo);
    else
        doctor_warn(p->d, mem_printf("Redis has %s %s", w->key, now), w->todo);
    free(now);
}

static void check_data(struct patient *p) {
    long long wanted = settings_int(config_section(p->d->config, "redis"), "shards");
    long long made = strtoll(ask(p, "HGET", "sb:meta", "shards"), NULL, 10);
    if (p->err.code)
        doctor_fail(
            p->d, mem_printf("Redis does not answer HGET: %s", p->err.text), "see Redis's own log");
    else if (made == 0)
        doctor_ok(p->d, mem_printf("no data yet: it will be made with %lld shards", wanted));
    else if (made != wanted)
        doctor_fail(p->d,
            mem_printf(
                "the data was made with %lld shards, but redis.shards is %lld", made, wanted),
            "set redis { shards } to what the data was made with");
    else
        doctor_ok(p->d, mem_printf("the data has %lld shards", made));
}

static void examine(struct patient *p) {
    static const struct wish wishes[] = {
        {"appendonly", "yes", "set appendonly yes, or a restart of Redis loses messages", true},
        {"appendfsync", "always",
            "set appendfsync always, or a crash of the machine loses the last second", false},
        {"maxmemory-policy", "noeviction",
            "set maxmemory-policy noeviction, or Redis deletes messages when it is full", true},
        {"no-appendfsync-on-rewrite", "no", "set no-appendfsync-on-rewrite no", false}};
    check_server(p);
    check_health(p);
    for (size_t i = 0; i < ARRAY_LEN(wishes); i++)
        check_wish(p, &wishes[i]);
    check_data(p);
}

/* --- getting there --------------------------------------------------------------------------- */

static void on_state(void *arg, bool up) {
    struct patient *p = arg;
    if (up)
        loop_stop(p->env.loop);
}

static void on_late(void *arg) {
    struct patient *p = arg;
    p->late = true;
    loop_stop(p->env.loop);
}

static void visit(struct doctor *d, const char *url) {
    struct patient p = {.d = d};
    log_init(&p.log);
    p.log.level = LOG_LEVEL_ERROR;
    p.env = (struct env){loop_create(), &p.log, metrics_create(1)};
    p.redis = redis_create(&p.env, &(struct redis_options){.url = url,
                                       .connections = 1,
                                       .timeout_ms = PATIENCE_MS,
                                       .on_state = on_state,
                                       .arg = &p});
    if (p.redis) {
        struct loop_timer *t = loop_timer_start(p.env.loop, PATIENCE_MS, 0, on_late, &p);
        loop_run(p.env.loop);
        loop_timer_stop(&t);
        if (p.late)
            doctor_fail(d, mem_printf("Redis does not answer"),
                "start it, or mend redis { url } (address, password)");
        else
            examine(&p);
        redis_destroy(&p.redis);
    } else {
        doctor_fail(d, mem_printf("redis { url } is not understood"), "see the line above");
    }
    free(p.text);
    loop_destroy(&p.env.loop);
    metrics_destroy(&p.env.metrics);
}

/* First line that `program --version` prints, to be freed; NULL: there is no such program. */
static char *version_of(const char *program) {
    char *argv[] = {(char *)program, "--version", NULL}, out[256] = "";
    posix_spawn_file_actions_t actions;
    int fds[2];
    pid_t pid;
    if (pipe(fds) < 0)
        return NULL;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, fds[1], STDOUT_FILENO);
    posix_spawn_file_actions_addclose(&actions, fds[0]);
    int rc = posix_spawnp(&pid, program, &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(fds[1]);
    if (rc == 0) {
        ssize_t n = read(fds[0], out, sizeof out - 1);
        out[n > 0 ? (size_t)n : 0] = '\0';
        waitpid(pid, NULL, 0);
    }
    close(fds[0]);
    out[strcspn(out, "\n")] = '\0';
    return *out ? mem_strdup(out) : NULL;
}

static void check_program(struct doctor *d) {
    static const char *const names[] = {"redis-server", "valkey-server"};
    char *found = NULL;
    for (size_t i = 0; i < ARRAY_LEN(names) && !found; i++)
        found = version_of(names[i]);
    const char *v = found ? strstr(found, "v=") : NULL;
    if (!found)
        doctor_fail(d, mem_printf("neither redis-server nor valkey-server is on the PATH"),
            "install one, or set redis { url }");
    else if (v && strstr(found, "Redis") && is_old(v + 2))
        doctor_fail(d, mem_printf("%.60s is too old", found), "6.2 is needed at least");
    else
        doctor_ok(d, mem_printf("for the embedded Redis: %.60s", found));
    free(found);
}

void doctor_redis(struct doctor *d) {
    const struct settings *redis = config_section(d->config, "redis");
    struct embedded_redis r;
    struct err err;
    if (strcmp(settings_str(redis, "url"), "embedded") != 0) {
        visit(d, settings_str(redis, "url"));
        return;
    }
    check_program(d);
    if (!d->running)
        return;
    if (embedded_redis_init(&r, d->data_dir, settings_str(redis, "durability"), &err) == 0)
        visit(d, r.url);
    else
        doctor_fail(d, mem_printf("%s", err.text), "mend data_dir");
    embedded_redis_finish(&r);
}
