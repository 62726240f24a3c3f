/* cli_session.c - a command's short life on a loop of its own, with the gateway's data. */
#include "cli_session.h"

#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/crypto.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "core/audit.h"
#include "embedded_redis.h"

#define OPENING_MS 5000
/* A call is answered or fails by itself when Redis is silent; to hash a password takes its time on
 * a busy machine. */
#define CALL_MS 60000

static void on_state(void *arg, bool up, const struct err *fatal) {
    struct cli_session *s = arg;
    s->up = up;
    if (!s->opening)
        return; /* the call at hand hears of it by itself */
    s->err = fatal ? *fatal : (struct err){0};
    if (up || fatal)
        loop_stop(s->env.loop);
}

static void on_late(void *arg) {
    struct cli_session *s = arg;
    err_set(&s->err, ERR_UNAVAILABLE,
        "Redis does not answer: is the gateway running (switchboard run), and is this its "
        "configuration?");
    loop_stop(s->env.loop);
}

static int wait_within(struct cli_session *s, unsigned ms) {
    struct loop_timer *t = loop_timer_start(s->env.loop, ms, 0, on_late, s);
    loop_run(s->env.loop);
    loop_timer_stop(&t);
    if (!s->err.code)
        return 0;
    fprintf(stderr, "switchboard: %s\n", s->err.text);
    return -1;
}

int cli_wait(struct cli_session *s) {
    return wait_within(s, CALL_MS);
}

int cli_wait_quiet(struct cli_session *s) {
    loop_run(s->env.loop);
    return s->err.code ? -1 : 0;
}

void cli_on_json(void *arg, json_t *result, const struct err *err) {
    struct cli_session *s = arg;
    json_decref(s->result);
    s->result = result ? json_incref(result) : NULL;
    s->err = err ? *err : (struct err){0};
    loop_stop(s->env.loop);
}

void cli_on_done(void *arg, const struct err *err) {
    cli_on_json(arg, NULL, err);
}

int cli_note(struct cli_session *s, const char *what, const char *subject, json_t *detail) {
    struct passwd entry, *found = NULL;
    char room[2048], number[24];
    snprintf(number, sizeof number, "%lld", (long long)getuid());
    getpwuid_r(getuid(), &entry, room, sizeof room, &found);
    audit_write(&s->env, s->store,
        &(struct audit_entry){.what = what,
            .by = found ? found->pw_name : number,
            .via = "command",
            .subject = subject,
            .detail = detail},
        cli_on_done, s);
    json_decref(detail);
    return cli_wait(s);
}

/* The Redis of the configuration; the embedded one's socket is found by its data_dir. */
static char *find_redis(const struct config *c, struct err *err) {
    const char *url = settings_str(config_section(c, "redis"), "url");
    struct embedded_redis r;
    if (strcmp(url, "embedded") != 0)
        return mem_strdup(url);
    if (embedded_redis_init(&r, settings_str(config_section(c, ""), "data_dir"), "always", err) < 0)
        return NULL;
    char *found = access(r.socket, F_OK) == 0 ? mem_strdup(r.url) : NULL;
    if (!found)
        err_set(err, ERR_UNAVAILABLE,
            "the gateway of this configuration is not running, nor its Redis (no %s): start it "
            "with switchboard run",
            r.socket);
    embedded_redis_finish(&r);
    return found;
}

static void connect_store(struct cli_session *s, const char *url) {
    const struct settings *redis = config_section(s->config, "redis");
    const struct settings *history = config_section(s->config, "history");
    const struct settings *reports = config_section(s->config, "reports");
    const struct settings *agents = config_section(s->config, "agents");
    s->store =
        store_create(&s->env, &(struct store_options){.url = url,
                                  .shards = (unsigned)settings_int(redis, "shards"),
                                  .keep_messages = (unsigned)settings_int(history, "keep_messages"),
                                  .keep_ms = settings_int(history, "keep_for"),
                                  .events_max = (unsigned)settings_int(history, "events"),
                                  .zone = settings_str(reports, "zone"),
                                  .report_keep_ms = settings_int(reports, "keep_for"),
                                  .audit_max = (unsigned)settings_int(history, "audit"),
                                  .audit_keep_ms = settings_int(history, "audit_for"),
                                  .connections = 1,
                                  .dedupe = true,
                                  .on_state = on_state,
                                  .arg = s});
    s->users = users_create(&s->env, s->store,
        &(struct users_options){.session_ttl_ms = settings_int(agents, "session_ttl"),
            .login_tries = (unsigned)settings_int(agents, "login_tries"),
            .agents_see_all = true});
}

struct cli_session *cli_session_open(struct cli *cli, int *code_out) {
    struct cli_session *s = mem_zalloc(sizeof *s);
    struct err err;
    *code_out = CLI_CONFIG;
    if (!(s->config = cli_config(cli)) || crypto_start() < 0) {
        free(s);
        return NULL;
    }
    s->log = mem_zalloc(sizeof *s->log);
    log_init(s->log);
    s->log->level = LOG_LEVEL_ERROR;
    s->env = (struct env){loop_create(), s->log, metrics_create(1)};
    char *url = find_redis(s->config, &err);
    *code_out = CLI_FAILED;
    if (!url) {
        fprintf(stderr, "switchboard: %s\n", err.text);
        cli_session_close(&s);
        return NULL;
    }
    s->opening = true;
    connect_store(s, url);
    free(url);
    if (wait_within(s, OPENING_MS) < 0)
        cli_session_close(&s);
    else
        s->opening = false;
    return s;
}

void cli_session_close(struct cli_session **sp) {
    struct cli_session *s = *sp;
    if (!s)
        return;
    if (s->users)
        users_stop(s->users);
    if (s->store)
        store_close(s->store);
    users_destroy(&s->users);
    store_destroy(&s->store);
    loop_destroy(&s->env.loop);
    metrics_destroy(&s->env.metrics);
    json_decref(s->result);
    config_destroy(&s->config);
    free(s->log);
    free(s);
    *sp = NULL;
}
