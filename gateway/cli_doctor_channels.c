/* cli_doctor_channels.c - asks each channel that can be examined how it is. */
#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "cli_doctor.h"
#include "connectors/registry.h"
#include "embedded_redis.h"
#include "loop/loop.h"
#include "net/http_client.h"
#include "net/redis.h"

#define PATIENCE_MS 3000 /* with Redis */

struct channels {
    struct doctor *doctor;
    struct env env;
    struct log log;
    struct redis *redis; /* what channels keep is in it; NULL: it is away */
    bool reaching;       /* waits for it */
    unsigned waiting;
};

struct channel_check {
    struct channels *all;
    struct connector *connector;
};

static void show(struct doctor *d, const struct connector *c, const json_t *line) {
    const char *level = json_string_value(json_object_get(line, "level"));
    const char *text = json_string_value(json_object_get(line, "text"));
    const char *todo = json_string_value(json_object_get(line, "todo"));
    char *what = mem_printf("%s \"%s\": %s", c->ops->name, c->channel, text ? text : "");
    if (level && strcmp(level, "fail") == 0)
        doctor_fail(d, what, todo);
    else if (level && strcmp(level, "warn") == 0)
        doctor_warn(d, what, todo);
    else if (todo) {
        char *more = mem_printf("%s (%s)", what, todo);
        free(what);
        doctor_ok(d, more);
    } else {
        doctor_ok(d, what);
    }
}

static void on_report(void *arg, const json_t *report, const struct err *err) {
    struct channel_check *k = arg;
    size_t i;
    json_t *line;
    if (err)
        doctor_fail(k->all->doctor,
            mem_printf("%s \"%s\": %s", k->connector->ops->name, k->connector->channel, err->text),
            NULL);
    json_array_foreach(json_object_get(report, "report"), i, line) {
        show(k->all->doctor, k->connector, line);
    }
    if (--k->all->waiting == 0)
        loop_stop(k->all->env.loop);
    free(k);
}

static const struct connector_ops *find(const char *name) {
    for (size_t i = 0; connector_registry[i]; i++)
        if (strcmp(connector_registry[i]->name, name) == 0)
            return connector_registry[i];
    return NULL;
}

/* A connector that only examines: it is never started and has no core. */
static struct connector *make(
    struct channels *all, size_t i, struct http_client *client, struct err *err) {
    const struct section_type *type;
    const struct settings *s = config_at(all->doctor->config, SECTION_CHANNEL, i, &type);
    const struct connector_ops *ops = find(type->name);
    if (!ops || !ops->check)
        return NULL;
    struct connector *c = mem_zalloc(ops->size);
    c->ops = ops;
    c->channel = settings_title(s);
    c->env = &all->env;
    c->client = client;
    c->redis = all->redis;
    c->public_url = settings_str(config_section(all->doctor->config, ""), "public_url");
    c->data_dir = all->doctor->data_dir;
    if (ops->init(c, s, err) == 0)
        return c;
    doctor_fail(all->doctor, mem_strdup(err->text), NULL);
    ops->finish(c);
    free(c);
    return NULL;
}

/* --- what channels keep ---------------------------------------------------------------------- */

static void on_state(void *arg, bool up) {
    struct channels *all = arg;
    if (up && all->reaching)
        loop_stop(all->env.loop);
}

static void on_late(void *arg) {
    struct channels *all = arg;
    loop_stop(all->env.loop);
}

static void reach(struct channels *all, const char *url) {
    all->redis = redis_create(&all->env, &(struct redis_options){.url = url,
                                             .connections = 1,
                                             .timeout_ms = PATIENCE_MS,
                                             .on_state = on_state,
                                             .arg = all});
    if (!all->redis)
        return;
    struct loop_timer *t = loop_timer_start(all->env.loop, PATIENCE_MS, 0, on_late, all);
    all->reaching = true;
    loop_run(all->env.loop);
    all->reaching = false;
    loop_timer_stop(&t);
    if (!redis_is_up(all->redis))
        redis_destroy(&all->redis);
}

/* doctor_redis() has said what is wrong with it. */
static void reach_redis(struct channels *all) {
    const struct settings *redis = config_section(all->doctor->config, "redis");
    struct embedded_redis r;
    struct err err;
    if (strcmp(settings_str(redis, "url"), "embedded") != 0) {
        reach(all, settings_str(redis, "url"));
    } else if (all->doctor->running) {
        if (embedded_redis_init(
                &r, all->doctor->data_dir, settings_str(redis, "durability"), &err) == 0)
            reach(all, r.url);
        embedded_redis_finish(&r);
    }
}

/* --- the examinations ------------------------------------------------------------------------ */

void doctor_channels(struct doctor *d) {
    size_t n = config_count(d->config, SECTION_CHANNEL), made = 0;
    struct channels all = {.doctor = d};
    const struct check_options options = {
        .sends_nothing = d->sends_nothing, .wait_ms = d->wait_s * 1000};
    struct connector **list = mem_zalloc((n + 1) * sizeof(struct connector *));
    struct err err;
    if (crypto_start() < 0)
        doctor_fail(d, mem_strdup("there is no randomness"), NULL);
    log_init(&all.log);
    all.log.who = "doctor";
    all.env = (struct env){loop_create(), &all.log, metrics_create(1)};
    if (n)
        reach_redis(&all);
    struct http_client *client = http_client_create(&all.env);
    for (size_t i = 0; i < n; i++)
        if ((list[made] = make(&all, i, client, &err)))
            made++;
    all.waiting = (unsigned)made;
    for (size_t i = 0; i < made; i++) {
        struct channel_check *k = mem_alloc(sizeof *k);
        *k = (struct channel_check){&all, list[i]};
        list[i]->ops->check(list[i], &options, on_report, k);
    }
    if (made)
        loop_run(all.env.loop);
    http_client_destroy(&client);
    for (size_t i = 0; i < made; i++) {
        list[i]->ops->finish(list[i]);
        free(list[i]);
    }
    if (all.redis)
        redis_destroy(&all.redis);
    loop_destroy(&all.env.loop);
    metrics_destroy(&all.env.metrics);
    free(list);
}
