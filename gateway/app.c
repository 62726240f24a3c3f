/* app.c - one worker's services, built and torn down in one visible order. */
#include "app.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/api.h"
#include "base/clock.h"
#include "base/crypto.h"
#include "base/log.h"
#include "base/mem.h"
#include "config/gateway_settings.h"
#include "connectors/registry.h"
#include "core/core.h"
#include "core/hooks.h"
#include "core/oidc/oidc.h"
#include "media/media.h"
#include "net/gate.h"
#include "net/http_client.h"
#include "net/http_server.h"
#include "net/ws_server.h"
#include "push/hub.h"
#include "store/store.h"
#include "store/store_users.h"

#define DRAIN_MS 8000        /* then what is still open is cut; the master waits 10 s */
#define KNOCK_MS 2000        /* a request may be on its way to us for so long */
#define DRAIN_SPREAD_MS 1500 /* sockets are told to come back, not all at once */
#define DRAIN_TICK_MS 50
#define LISTEN_MS 3000
#define FOLLOW_MS 2 /* between looks, until what happens is followed */
#define LAG_MS 100

struct app {
    const struct config *config;
    const struct worker_context *ctx;
    struct log log;
    struct env env;
    struct store *store;
    struct users *users;
    struct vault *vault; /* seals what users keep in Redis */
    struct media *media;
    struct core *core;
    struct http_server *http;
    struct ws_server *ws;
    struct http_client *client;
    struct gate *gate;
    struct api *api;
    struct hub *hub;
    struct connector **connectors;
    size_t nconnectors;
    struct crm **crms;
    size_t ncrms;
    struct oidc **providers; /* by which agents may sign in */
    size_t nproviders;
    char **targets; /* names of the CRM targets, NULL-ended */
    char *data_dir;
    int ready_fd;
    bool store_seen, draining, core_drained;
    unsigned kept_ms; /* KNOCK_MS when others serve in our place, who would answer it; else 0 */
    uint64_t drain_until_ms, knock_until_ms, lag_due_us;
    struct loop_timer *listen_timer, *follow_timer, *drain_timer, *lag_timer;
    int exit_code;
    char admin_password[CRYPTO_TOKEN_SIZE];
};

/* --- the store comes and goes ---------------------------------------------------------------- */

static void on_first_admin(void *arg, const struct err *err) {
    struct app *app = arg;
    if (!err) {
        printf("\n  First start: sign in as \"admin\" with the one-time password %s\n\n",
            app->admin_password);
        fflush(stdout);
    } else if (err->code != ERR_CONFLICT) {
        LOG_WARN(&app->log, "admin.not_created", LOG_E(err));
    }
    explicit_bzero(app->admin_password, sizeof app->admin_password);
}

static void on_users_counted(void *arg, const struct err *err) {
    struct app *app = arg;
    if (err)
        on_first_admin(app, err);
    if (err || app->draining)
        return;
    crypto_token(app->admin_password);
    app->admin_password[16] = '\0'; /* 96 bits: it is changed at the first sign-in */
    users_add(app->users, "admin", "Admin", ROLE_ADMIN, app->admin_password, true, true,
        on_first_admin, app);
}

/* The first worker makes the first user, if there is none; the script decides, but a password is
 * hashed for nothing but that. */
static void make_first_admin(struct app *app) {
    store_user_none(app->store, on_users_counted, app);
}

static void tell_ready(struct app *app) {
    if (app->ready_fd >= 0 && write(app->ready_fd, "1", 1) == 1)
        close(app->ready_fd);
    app->ready_fd = -1;
}

static void give_up(struct app *app, const char *event, const struct err *err) {
    LOG_ERROR(&app->log, event, LOG_E(err));
    app->exit_code = WORKER_EXIT_CONFIG;
    loop_stop(app->env.loop);
}

/* Nobody is let in before the store is there and what happens is followed, lest a new worker beside
 * old ones answers 503; but after LISTEN_MS all who come are told that it is not. */
static void listen_now(void *arg) {
    struct app *app = arg;
    loop_timer_stop(&app->listen_timer);
    if (app->gate || app->draining)
        return;
    app->gate = gate_create(&app->env, app->ctx->listen_fd, app->http, app->ws);
}

static void serve_when_following(void *arg) {
    struct app *app = arg;
    if (!*core_cursors(app->core) || !core_is_ready(app->core))
        return; /* it is looked at again soon */
    loop_timer_stop(&app->follow_timer);
    listen_now(app);
    if (!app->gate)
        return; /* it leaves already */
    tell_ready(app);
    if (app->ctx->index == 0)
        make_first_admin(app);
}

static void on_store_state(void *arg, bool up, const struct err *fatal) {
    struct app *app = arg;
    if (fatal) {
        give_up(app, "store.wrong_data", fatal);
        return;
    }
    if (app->core)
        core_store_state(app->core, up);
    if (up && !app->store_seen) {
        app->store_seen = true;
        app->follow_timer =
            loop_timer_start(app->env.loop, FOLLOW_MS, FOLLOW_MS, serve_when_following, app);
    }
}

/* --- building -------------------------------------------------------------------------------- */

static void build_log(struct app *app) {
    static const char *const levels[] = {"error", "warn", "info", "debug"};
    const struct settings *s = config_section(app->config, "");
    log_init(&app->log);
    app->log.who = "worker";
    app->log.index = (int)app->ctx->index;
    for (int i = 0; i < 4; i++)
        if (strcmp(settings_str(s, "log_level"), levels[i]) == 0)
            app->log.level = (enum log_level)i;
    if (strcmp(settings_str(s, "log_format"), "json") == 0)
        app->log.format = LOG_FORMAT_JSON;
}

static void build_store(struct app *app) {
    const struct settings *redis = config_section(app->config, "redis");
    const struct settings *history = config_section(app->config, "history");
    const struct settings *reports = config_section(app->config, "reports");
    size_t n = config_count(app->config, SECTION_CRM);
    app->targets = mem_zalloc((n + 1) * sizeof *app->targets);
    for (size_t i = 0; i < n; i++)
        app->targets[i] = mem_strdup(settings_title(config_at(app->config, SECTION_CRM, i, NULL)));
    struct store_options o = {.url = app->ctx->redis_url,
        .shards = (unsigned)settings_int(redis, "shards"),
        .targets = (const char *const *)app->targets,
        .keep_messages = (unsigned)settings_int(history, "keep_messages"),
        .keep_ms = settings_int(history, "keep_for"),
        .connections = (unsigned)settings_int(redis, "connections"),
        .timeout_ms = (unsigned)settings_int(redis, "timeout"),
        .events_max = (unsigned)settings_int(history, "events"),
        .zone = settings_str(reports, "zone"),
        .report_keep_ms = settings_int(reports, "keep_for"),
        .audit_max = (unsigned)settings_int(history, "audit"),
        .audit_keep_ms = settings_int(history, "audit_for"),
        .dedupe = settings_bool(redis, "dedupe"),
        .on_state = on_store_state,
        .arg = app};
    app->store = store_create(&app->env, &o);
}

static int build_services(struct app *app, struct err *err) {
    const struct settings *top = config_section(app->config, "");
    const struct settings *agents = config_section(app->config, "agents");
    const struct settings *limits = config_section(app->config, "limits");
    app->data_dir = mem_strdup(settings_str(top, "data_dir"));
    app->vault = vault_open(app->data_dir, err);
    if (!app->vault)
        return -1;
    struct users_options u = {.session_ttl_ms = settings_int(agents, "session_ttl"),
        .login_tries = (unsigned)settings_int(agents, "login_tries"),
        .vault = app->vault,
        .agents_see_all = strcmp(settings_str(agents, "see"), "all") == 0};
    app->users = users_create(&app->env, app->store, &u);
    app->media = media_open(&app->env, app->data_dir, config_section(app->config, "media"), err);
    if (!app->media)
        return -1;
    struct core_options c = {.index = app->ctx->index,
        .workers_hint = app->ctx->workers,
        .lease_ms = (unsigned)settings_int(top, "lease"),
        .delivery_window = 200,
        .text_max = (unsigned)settings_int(agents, "text_max"),
        .look_before_write = settings_bool(top, "look_before_write"),
        .users = app->users,
        .media = app->media,
        .link_life_ms = settings_int(config_section(app->config, "media"), "link_life")};
    app->core = core_create(&app->env, app->store, &c);
    struct http_limits h = {.connections = (unsigned)settings_int(limits, "connections"),
        .connections_per_ip = (unsigned)settings_int(limits, "connections_per_ip"),
        .head_timeout_ms = (unsigned)settings_int(limits, "head_timeout"),
        .body_timeout_ms = (unsigned)settings_int(limits, "body_idle_timeout"),
        .body_total_ms = (unsigned)settings_int(limits, "body_timeout"),
        .trusted = settings_list(top, "trusted_proxies")};
    app->http = http_server_create(&app->env, &h);
    app->ws = ws_server_create(&app->env);
    app->client = http_client_create(&app->env);
    return app->http && app->ws ? 0
                                : err_set(err, ERR_INTERNAL,
                                      "the HTTP or websocket library did "
                                      "not start (see the log above)");
}

static const struct connector_ops *find_connector(const char *name) {
    for (size_t i = 0; connector_registry[i]; i++)
        if (strcmp(connector_registry[i]->name, name) == 0)
            return connector_registry[i];
    return NULL;
}

static const struct crm_ops *find_crm(const char *name) {
    for (size_t i = 0; crm_registry[i]; i++)
        if (strcmp(crm_registry[i]->name, name) == 0)
            return crm_registry[i];
    return NULL;
}

/* A connector as its init() wants it; NULL with err when the program has no such. */
static struct connector *make_connector(struct app *app, const char *name, const struct settings *s,
    const char *public_url, struct err *err) {
    const struct connector_ops *ops = find_connector(name);
    if (!ops || ops->api != CONNECTOR_API) {
        err_set(err, ERR_INVALID, "connector \"%s\" is of another version", name);
        return NULL;
    }
    struct connector *c = mem_zalloc(ops->size);
    c->ops = ops;
    c->channel = settings_title(s);
    c->is_added = settings_is_added(s);
    c->env = &app->env;
    c->core = app->core;
    c->http = app->http;
    c->ws = app->ws;
    c->client = app->client;
    c->public_url = public_url;
    c->data_dir = app->data_dir;
    return c;
}

static const char *public_url_of(const struct config *c) {
    return settings_str(config_section(c, ""), "public_url");
}

static int build_channels(struct app *app, struct err *err) {
    size_t n = config_count(app->config, SECTION_CHANNEL);
    app->connectors = mem_zalloc((n + 1) * sizeof *app->connectors);
    for (size_t i = 0; i < n; i++) {
        const struct section_type *type;
        const struct settings *s = config_at(app->config, SECTION_CHANNEL, i, &type);
        struct connector *c = make_connector(app, type->name, s, public_url_of(app->config), err);
        if (!c)
            return -1;
        app->connectors[app->nconnectors++] = c;
        core_add_channel(app->core, c);
        if (c->ops->init(c, s, err) < 0)
            return -1;
    }
    return 0;
}

/* --- channels that admins add ---------------------------------------------------------------- */

/* Would its connector begin with this? Nothing is started. */
static int try_channel(void *arg, const struct config *next, const char *name, struct err *err) {
    struct app *app = arg;
    const struct section_type *type;
    const struct settings *s = config_channel(next, name, &type);
    struct connector *c = make_connector(app, type->name, s, public_url_of(next), err);
    if (!c)
        return -1;
    int rc = c->ops->init(c, s, err);
    c->ops->finish(c);
    free(c);
    return rc;
}

static void ask_reload(void *arg) {
    struct app *app = arg;
    if (getppid() == app->ctx->master)
        kill(app->ctx->master, SIGHUP);
}

static int build_crms(struct app *app, struct err *err) {
    size_t n = config_count(app->config, SECTION_CRM);
    app->crms = mem_zalloc((n + 1) * sizeof *app->crms);
    for (size_t i = 0; i < n; i++) {
        const struct section_type *type;
        const struct settings *s = config_at(app->config, SECTION_CRM, i, &type);
        const struct crm_ops *ops = find_crm(type->name);
        if (!ops || ops->api != CRM_API)
            return err_set(err, ERR_INVALID, "CRM \"%s\" is of another version", type->name);
        struct crm *c = mem_zalloc(ops->size);
        c->ops = ops;
        c->target = settings_title(s);
        c->env = &app->env;
        c->client = app->client;
        c->public_url = public_url_of(app->config);
        app->crms[app->ncrms++] = c;
        core_add_target(app->core, c);
        if (ops->init(c, s, app->data_dir, err) < 0)
            return -1;
    }
    return 0;
}

static int build_providers(struct app *app, struct err *err) {
    size_t n = config_count(app->config, SECTION_SIGN_IN);
    app->providers = mem_zalloc((n + 1) * sizeof *app->providers);
    for (size_t i = 0; i < n; i++) {
        const struct settings *s = config_at(app->config, SECTION_SIGN_IN, i, NULL);
        struct oidc *o = oidc_create(&app->env, app->client, s, public_url_of(app->config), err);
        if (!o)
            return -1;
        app->providers[app->nproviders++] = o;
    }
    return 0;
}

static int start_all(struct app *app, struct err *err) {
    for (size_t i = 0; i < app->nconnectors; i++)
        if (app->connectors[i]->ops->start(app->connectors[i], err) < 0)
            return -1;
    for (size_t i = 0; i < app->ncrms; i++)
        if (app->crms[i]->ops->start(app->crms[i], err) < 0)
            return -1;
    core_start(app->core);
    return 0;
}

static int build_edges(struct app *app, struct err *err) {
    const struct settings *top = config_section(app->config, "");
    const struct settings *limits = config_section(app->config, "limits");
    const char *public_url = settings_str(top, "public_url");
    struct api_options a = {.core = app->core,
        .store = app->store,
        .users = app->users,
        .media = app->media,
        .http = app->http,
        .public_url = *public_url ? public_url : NULL,
        .providers = app->providers,
        .nproviders = app->nproviders,
        .passwords = settings_bool(config_section(app->config, "agents"), "password_sign_in"),
        .vault = app->vault,
        .source = app->ctx->source,
        .data_dir = app->data_dir,
        .try_channel = try_channel,
        .reload = ask_reload,
        .app = app};
    app->api = api_create(&app->env, &a);
    struct hub_options h = {.public_url = *public_url ? public_url : NULL,
        .frame_max = 256 * 1024,
        .queue_frames = 2000,
        .queue_bytes = 1 << 20,
        .per_ip = (unsigned)settings_int(limits, "websockets_per_ip"),
        .replay_max = 1000};
    app->hub = hub_create(&app->env, app->core, app->users, app->ws, &h);
    http_server_add_routes(app->http, hooks_routes, app->core);
    return start_all(app, err);
}

/* --- the loop's own health ------------------------------------------------------------------- */

static void on_lag(void *arg) {
    struct app *app = arg;
    uint64_t now = clock_mono_us();
    metrics_beat(app->env.metrics);
    if (app->lag_due_us)
        metrics_observe_us(
            app->env.metrics, M_LOOP_LAG, NULL, now > app->lag_due_us ? now - app->lag_due_us : 0);
    app->lag_due_us = now + LAG_MS * 1000;
}

/* --- draining -------------------------------------------------------------------------------- */

static void on_core_drained(void *arg) {
    ((struct app *)arg)->core_drained = true;
}

/* Who was let in at the last moment may still say what he wants; who stays silent has had his time.
 */
static bool somebody_knocks(const struct app *app) {
    return clock_mono_ms() < app->knock_until_ms &&
           ((app->gate && gate_waiting(app->gate)) || http_server_awaited(app->http));
}

static void on_drain_tick(void *arg) {
    struct app *app = arg;
    bool quiet = http_server_quiesce(app->http, app->kept_ms) == 0 && app->core_drained &&
                 ws_server_open(app->ws) == 0 && !somebody_knocks(app);
    if (quiet || clock_mono_ms() > app->drain_until_ms) {
        LOG_INFO(&app->log, "worker.drained", LOG_I("clean", quiet));
        if (!quiet)
            _exit(0); /* crash-only: what was accepted is stored, nobody waits for the rest */
        loop_stop(app->env.loop);
    }
}

static void drain(struct app *app, unsigned kept_ms) {
    app->kept_ms = kept_ms;
    if (app->draining)
        return;
    app->draining = true;
    LOG_INFO(&app->log, "worker.draining", LOG_I("websockets", ws_server_open(app->ws)));
    api_set_draining(app->api);
    if (app->gate)
        gate_stop_accepting(app->gate);
    http_server_quiesce(app->http, kept_ms);
    ws_server_drain(app->ws, 1012, DRAIN_SPREAD_MS);
    for (size_t i = 0; i < app->nconnectors; i++)
        app->connectors[i]->ops->stop(app->connectors[i]);
    core_drain(app->core, on_core_drained, app);
    app->drain_until_ms = clock_mono_ms() + DRAIN_MS;
    app->knock_until_ms = clock_mono_ms() + KNOCK_MS;
    app->drain_timer =
        loop_timer_start(app->env.loop, DRAIN_TICK_MS, DRAIN_TICK_MS, on_drain_tick, app);
}

static void on_terminate(void *arg) {
    drain(arg, 0);
}

/* A request that crosses the close of its kept connection is lost, and its client may not know
 * whether it may ask again: so these get time to be told with an answer. */
static void on_replaced(void *arg) {
    drain(arg, KNOCK_MS);
}

/* --- life ------------------------------------------------------------------------------------ */

struct app *app_create(const struct config *c, const struct worker_context *ctx, struct err *err) {
    struct app *app = mem_zalloc(sizeof *app);
    app->config = c;
    app->ctx = ctx;
    app->ready_fd = ctx->ready_fd;
    build_log(app);
    if (crypto_start() < 0) {
        err_set(err, ERR_INTERNAL, "no randomness");
        free(app);
        return NULL;
    }
    metrics_use_slot(ctx->metrics, ctx->slot);
    app->env = (struct env){loop_create(), &app->log, ctx->metrics};
    build_store(app);
    if (build_services(app, err) < 0 || build_channels(app, err) < 0 || build_crms(app, err) < 0 ||
        build_providers(app, err) < 0 || build_edges(app, err) < 0) {
        app_destroy(&app);
        return NULL;
    }
    app->listen_timer = loop_timer_start(app->env.loop, LISTEN_MS, 0, listen_now, app);
    app->lag_timer = loop_timer_start(app->env.loop, LAG_MS, LAG_MS, on_lag, app);
    loop_signal(app->env.loop, SIGTERM, on_terminate, app);
    loop_signal(app->env.loop, WORKER_REPLACED, on_replaced, app);
    return app;
}

int app_run(struct app *app) {
    loop_run(app->env.loop);
    return app->exit_code;
}

/* In the reverse order. Whatever waits for Redis is ended by store_close(), while those who wait
 * for it still exist. */
void app_destroy(struct app **appp) {
    struct app *app = *appp;
    if (!app)
        return;
    loop_timer_stop(&app->listen_timer);
    loop_timer_stop(&app->follow_timer);
    loop_timer_stop(&app->drain_timer);
    loop_timer_stop(&app->lag_timer);
    gate_destroy(&app->gate);
    if (app->core)
        core_stop(app->core);
    if (app->users)
        users_stop(app->users);
    for (size_t i = 0; i < app->nproviders; i++)
        oidc_stop(app->providers[i]);
    store_close(app->store);
    ws_server_destroy(&app->ws);
    http_server_destroy(&app->http);
    hub_destroy(&app->hub);
    api_destroy(&app->api);
    for (size_t i = 0; i < app->ncrms; i++)
        app->crms[i]->ops->stop(app->crms[i]);
    for (size_t i = 0; i < app->nproviders; i++)
        oidc_destroy(&app->providers[i]);
    http_client_destroy(&app->client);
    for (size_t i = 0; i < app->ncrms; i++) {
        app->crms[i]->ops->finish(app->crms[i]);
        free(app->crms[i]);
    }
    for (size_t i = 0; i < app->nconnectors; i++) {
        app->connectors[i]->ops->finish(app->connectors[i]);
        free(app->connectors[i]);
    }
    core_destroy(&app->core);
    media_close(&app->media);
    users_destroy(&app->users);
    vault_close(&app->vault);
    store_destroy(&app->store);
    loop_destroy(&app->env.loop);
    for (size_t i = 0; app->targets && app->targets[i]; i++)
        free(app->targets[i]);
    free(app->targets);
    free(app->connectors);
    free(app->crms);
    free(app->providers);
    free(app->data_dir);
    if (app->ready_fd >= 0)
        close(app->ready_fd);
    free(app);
    *appp = NULL;
}
