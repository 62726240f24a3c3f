/* api.c - the table of routes, and what every call goes through: who is it, and may he? */
#include "api/api.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/api_private.h"
#include "base/crypto.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "base/utf8.h"
#include "core/audit.h"
#include "store/store_users.h"

#define V1 "/api/v1"

const struct http_route api_routes[] = {
    {"POST", V1 "/session", api_session_create, 4096, false},
    {"GET", V1 "/session", api_session_get, 0, false},
    {"DELETE", V1 "/session", api_session_delete, 0, false},
    {"POST", V1 "/session/password", api_session_password, 4096, false},
    {"GET", V1 "/session/second-factor", api_factor_get, 0, false},
    {"POST", V1 "/session/second-factor", api_factor_begin, 4096, false},
    {"POST", V1 "/session/second-factor/confirm", api_factor_confirm, 4096, false},
    {"POST", V1 "/session/second-factor/codes", api_factor_codes, 4096, false},
    {"POST", V1 "/session/second-factor/off", api_factor_off, 4096, false},
    {"GET", V1 "/sign-in", api_sign_in_ways, 0, false},
    {"GET", V1 "/sessions", api_sessions_list, 0, false},
    {"POST", V1 "/sessions/end-others", api_sessions_end_others, 1024, false},
    {"DELETE", V1 "/sessions/{id}", api_sessions_end, 0, false},
    {"GET", V1 "/threads", api_threads_list, 0, false},
    {"GET", V1 "/counts", api_counts, 0, false},
    {"GET", V1 "/labels", api_labels, 0, false},
    {"GET", V1 "/labels/all", api_labels_all, 0, false},
    {"POST", V1 "/labels/rename", api_labels_rename, 1024, false},
    {"POST", V1 "/labels/remove", api_labels_remove, 1024, false},
    {"GET", V1 "/views", api_views_list, 0, false},
    {"POST", V1 "/views", api_views_post, 4096, false},
    {"PUT", V1 "/views/{id}", api_views_put, 4096, false},
    {"DELETE", V1 "/views/{id}", api_views_delete, 0, false},
    {"GET", V1 "/preferences", api_preferences_get, 0, false},
    {"PUT", V1 "/preferences", api_preferences_put, 4096, false},
    {"GET", V1 "/drafts", api_drafts_list, 0, false},
    {"PUT", V1 "/threads/{id}/draft", api_drafts_put, API_BODY_MAX, false},
    {"GET", V1 "/canned", api_shelf_list, 0, false},
    {"POST", V1 "/canned", api_shelf_post, 65536, false},
    {"PUT", V1 "/canned/{id}", api_shelf_put, 65536, false},
    {"DELETE", V1 "/canned/{id}", api_shelf_delete, 0, false},
    {"GET", V1 "/hours", api_shelf_list, 0, false},
    {"POST", V1 "/hours", api_shelf_post, 65536, false},
    {"PUT", V1 "/hours/{id}", api_shelf_put, 65536, false},
    {"DELETE", V1 "/hours/{id}", api_shelf_delete, 0, false},
    {"GET", V1 "/sla", api_shelf_list, 0, false},
    {"POST", V1 "/sla", api_shelf_post, 16384, false},
    {"PUT", V1 "/sla/{id}", api_shelf_put, 16384, false},
    {"DELETE", V1 "/sla/{id}", api_shelf_delete, 0, false},
    {"GET", V1 "/rules", api_rules_list, 0, false},
    {"POST", V1 "/rules", api_rules_post, 65536, false},
    {"POST", V1 "/rules/try", api_rules_try, 65536, false},
    {"PATCH", V1 "/rules/{id}", api_rules_patch, 65536, false},
    {"DELETE", V1 "/rules/{id}", api_rules_delete, 0, false},
    {"GET", V1 "/threads/{id}", api_threads_get, 0, false},
    {"GET", V1 "/threads/{id}/deliveries", api_threads_deliveries, 0, false},
    {"PATCH", V1 "/threads/{id}", api_threads_patch, 16384, false},
    {"POST", V1 "/threads/{id}/read", api_threads_read, 1024, false},
    {"GET", V1 "/threads/{id}/messages", api_messages_list, 0, false},
    {"POST", V1 "/threads/{id}/messages", api_messages_post, API_BODY_MAX, false},
    {"PATCH", V1 "/messages/{id}", api_messages_patch, API_BODY_MAX, false},
    {"DELETE", V1 "/messages/{id}", api_messages_delete, 0, false},
    {"PUT", V1 "/messages/{id}/reaction", api_messages_react, API_BODY_MAX, false},
    {"GET", V1 "/messages/{id}/trace", api_trace, 0, false},
    {"GET", V1 "/cards/{target}/{rest...}", api_card_owner, 0, false},
    {"GET", V1 "/clients/{id}", api_clients_get, 0, false},
    {"PATCH", V1 "/clients/{id}", api_clients_patch, 16384, false},
    {"POST", V1 "/clients/{id}/merge", api_clients_merge, 1024, false},
    {"POST", V1 "/clients/{id}/unmerge", api_clients_unmerge, 1024, false},
    {"GET", V1 "/clients/{id}/suggestions", api_clients_suggestions, 0, false},
    {"DELETE", V1 "/clients/{id}/suggestions/{other}", api_clients_dismiss, 0, false},
    {"GET", V1 "/clients/{id}/files", api_clients_files, 0, false},
    {"GET", V1 "/clients/{id}/export", api_clients_export, 0, false},
    {"POST", V1 "/clients/{id}/erase", api_clients_erase, 8192, false},
    {"POST", V1 "/media", api_media_post, SIZE_MAX, true},
    {"GET", V1 "/media/{id}", api_media_get, 0, false},
    {"GET", V1 "/agents", api_agents_list, 0, false},
    {"POST", V1 "/agents", api_agents_post, 4096, false},
    {"PATCH", V1 "/agents/{name}", api_agents_patch, 4096, false},
    {"DELETE", V1 "/agents/{name}/second-factor", api_agents_factor_reset, 0, false},
    {"GET", V1 "/agents/{name}/sessions", api_agents_sessions, 0, false},
    {"DELETE", V1 "/agents/{name}/sessions", api_agents_sign_out, 0, false},
    {"DELETE", V1 "/agents/{name}/sessions/{id}", api_agents_session_end, 0, false},
    {"GET", V1 "/teams", api_teams_list, 0, false},
    {"POST", V1 "/teams", api_teams_post, 65536, false},
    {"PATCH", V1 "/teams/{id}", api_teams_patch, 65536, false},
    {"DELETE", V1 "/teams/{id}", api_teams_delete, 0, false},
    {"GET", V1 "/channels", api_channels_list, 0, false},
    {"POST", V1 "/channels", api_channels_post, 65536, false},
    {"PATCH", V1 "/channels/{name}", api_channels_patch, 65536, false},
    {"DELETE", V1 "/channels/{name}", api_channels_delete, 0, false},
    {"GET", V1 "/channels/{name}/settings", api_channels_settings, 0, false},
    {"POST", V1 "/channels/{name}/check", api_channels_check, 1024, false},
    {"POST", V1 "/channels/{name}/pause", api_channels_pause, 1024, false},
    {"POST", V1 "/channels/{name}/resume", api_channels_resume, 1024, false},
    {"GET", V1 "/channels/{name}/events", api_channels_events, 0, false},
    {"GET", V1 "/channels/{name}/picture", api_channels_picture, 0, false},
    {"GET", V1 "/channels/{name}/templates", api_channels_templates, 0, false},
    {"GET", V1 "/connectors", api_connectors_list, 0, false},
    {"GET", V1 "/tokens", api_tokens_list, 0, false},
    {"POST", V1 "/tokens", api_tokens_post, 1024, false},
    {"DELETE", V1 "/tokens/{name}", api_tokens_delete, 0, false},
    {"GET", V1 "/system", api_system, 0, false},
    {"GET", V1 "/audit", api_audit_list, 0, false},
    {"GET", V1 "/audit.csv", api_audit_table, 0, false},
    {"GET", V1 "/reports", api_reports_get, 0, false},
    {"GET", V1 "/reports/{table}", api_reports_table, 0, false},
    {"GET", V1 "/targets", api_targets_list, 0, false},
    {"GET", V1 "/targets/{name}/log", api_targets_log, 0, false},
    {"POST", V1 "/targets/{name}/test", api_targets_test, 1024, false},
    {"POST", V1 "/targets/{name}/enable", api_targets_enable, 1024, false},
    {"GET", V1 "/dead", api_dead_list, 0, false},
    {"POST", V1 "/dead/retry", api_dead_retry_all, 1024, false},
    {"POST", V1 "/dead/{id}/retry", api_dead_retry, 1024, false},
    {"GET", V1 "/openapi.json", api_document, 0, false},
    {"GET", V1 "/asyncapi.json", api_document, 0, false},
    {"GET", "/healthz", api_healthz, 0, false},
    {"GET", "/readyz", api_readyz, 0, false},
    {"GET", "/metrics", api_metrics, 0, false},
    {"GET", "/", api_page, 0, false},
    {"GET", "/admin", api_page, 0, false},
    {"GET", "/sign-in/{provider}", api_sign_in_begin, 0, false},
    {"GET", "/sign-in/{provider}/callback", api_sign_in_callback, 0, false},
    {"GET", "/sw.js", api_service_worker, 0, false},
    {"GET", "/mail", api_mail_page, 0, false},
    {"GET", "/mail-pictures", api_mail_pictures, 0, false},
    {"GET", "/assets/{rest...}", api_asset, 0, false},
    {0},
};

/* --- answers --------------------------------------------------------------------------------- */

void call_free(struct call *c) {
    json_decref(c->keep);
    json_decref(c->subject);
    json_decref(c->asked);
    json_decref(c->note.detail);
    json_decref(c->answer.body);
    free(c->note.what);
    free(c->note.subject);
    free(c->answer.bytes);
    free(c->text);
    if (c->session)
        explicit_bzero(c->session, strlen(c->session));
    free(c->session);
    free(c);
}

static void give(struct call *c) {
    if (c->answer.is_stored)
        http_reply_file(c->x, c->answer.fd, c->answer.size, c->answer.type, NULL);
    else if (c->answer.type)
        http_reply(c->x, c->answer.status, c->answer.type, c->answer.bytes, c->answer.size);
    else if (c->answer.body)
        http_reply_json(c->x, c->answer.status, json_incref(c->answer.body));
    else
        http_reply_empty(c->x, c->answer.status);
    call_free(c);
}

/* What was asked for is done, whether or not this could be written; the log has it. */
static void on_noted(void *arg, const struct err *err) {
    (void)err;
    give(arg);
}

void call_audit(struct call *c, const char *what, const char *subject, const json_t *detail,
    store_done_fn fn, void *arg) {
    char id[CRYPTO_HEX_SIZE] = "";
    if (c->session)
        crypto_sha256_hex(span_str(c->session), id);
    id[c->session ? STORE_SESSION_ID : 0] = '\0';
    audit_write(&c->api->env, c->api->store,
        &(struct audit_entry){.what = what,
            .by = c->actor.name,
            .via = c->actor.is_token ? "token" : "session",
            .address = http_peer(c->x),
            .session = id,
            .subject = subject,
            .detail = detail},
        fn, arg);
}

static void answer(struct call *c) {
    if (c->note.what)
        call_audit(c, c->note.what, c->note.subject, c->note.detail, on_noted, c);
    else
        give(c);
}

void call_note(struct call *c, const char *what, const char *subject, json_t *detail) {
    char *copy = subject ? mem_strdup(subject) : NULL;
    json_decref(c->note.detail);
    free(c->note.what);
    free(c->note.subject);
    c->note.what = mem_strdup(what);
    c->note.subject = copy;
    c->note.detail = detail;
}

void call_ok(struct call *c, int status, json_t *body) {
    c->answer.status = status;
    c->answer.body = body;
    answer(c);
}

void call_empty(struct call *c) {
    c->answer.status = 204;
    answer(c);
}

static void save_as(struct call *c, const char *name, const char *type) {
    char header[128];
    snprintf(header, sizeof header, "attachment; filename=\"%.90s\"", name);
    http_set_header(c->x, "Content-Disposition", header);
    c->answer.status = 200;
    c->answer.type = type;
}

void call_stored_file(struct call *c, const char *name, const char *type, int fd, uint64_t size) {
    save_as(c, name, type);
    c->answer.is_stored = true;
    c->answer.fd = fd;
    c->answer.size = (size_t)size;
    answer(c);
}

void call_file(struct call *c, const char *name, const char *type, char *bytes, size_t n) {
    save_as(c, name, type);
    c->answer.bytes = bytes;
    c->answer.size = n;
    answer(c);
}

void call_err(struct call *c, const struct err *err) {
    if (err->code == ERR_INTERNAL || err->code == ERR_IO)
        LOG_ERROR(c->api->env.log, "api.failed", LOG_S("path", http_path(c->x)), LOG_E(err));
    http_reply_err(c->x, err);
    call_free(c);
}

void call_fail(struct call *c, enum err_code code, const char *fmt, ...) {
    struct err err;
    va_list ap;
    va_start(ap, fmt);
    err_setv(&err, code, fmt, ap);
    va_end(ap);
    call_err(c, &err);
}

void call_on_json(void *arg, json_t *result, const struct err *err) {
    if (err)
        call_err(arg, err);
    else
        call_ok(arg, 200, json_incref(result));
}

void call_on_done(void *arg, const struct err *err) {
    if (err)
        call_err(arg, err);
    else
        call_empty(arg);
}

/* --- what was asked -------------------------------------------------------------------------- */

json_t *call_body(struct call *c, const char *const *known) {
    const char *key;
    json_t *v, *body = http_body_json(c->x);
    if (!body) { /* it has answered */
        call_free(c);
        return NULL;
    }
    json_object_foreach(body, key, v) {
        size_t i = 0;
        while (known[i] && strcmp(known[i], key) != 0)
            i++;
        if (!known[i]) {
            struct buf names;
            buf_init(&names, 400);
            for (i = 0; known[i]; i++)
                buf_addf(&names, "%s%s", i ? ", " : "", known[i]);
            call_fail(c, ERR_INVALID, "unknown key \"%.*s\"; known are %s",
                (int)utf8_prefix(key, strlen(key), 40), key, buf_str(&names));
            buf_free(&names);
            json_decref(body);
            return NULL;
        }
    }
    return body;
}

const char *call_id(struct call *c, const char *name) {
    const char *id = http_path_arg(c->x, name);
    if (id_is_valid(id) && id_shard(id) < store_shards(c->api->store))
        return id;
    call_fail(c, ERR_NOT_FOUND, "there is nothing with this id");
    return NULL;
}

bool call_take_id(struct call *c) {
    const char *id = http_path_arg(c->x, "id");
    if (!id_is_valid(id)) {
        call_fail(c, ERR_NOT_FOUND, "there is nothing with this id");
        return false;
    }
    c->text = mem_strdup(id);
    return true;
}

int64_t call_number(struct call *c, const char *name, int64_t preset) {
    const char *text = http_query(c->x, name);
    char *end;
    if (!text || !*text)
        return preset;
    long long n = strtoll(text, &end, 10);
    if (*end || n < 0 || n > INT64_MAX / 2 || *text == '+' || *text == ' ') {
        call_fail(c, ERR_INVALID, "%s must be a number, 0 or more", name);
        return -2;
    }
    return n;
}

int call_limit(struct call *c) {
    int64_t n = call_number(c, "limit", PAGE_DEFAULT);
    if (n == -2)
        return -1;
    if (n < 1 || n > PAGE_MAX) {
        call_fail(c, ERR_INVALID, "limit must be 1 to %d", PAGE_MAX);
        return -1;
    }
    return (int)n;
}

/* --- may he see it? -------------------------------------------------------------------------- */

struct seeing {
    struct call *call;
    void (*then)(struct call *c);
};

static void on_thread(void *arg, json_t *result, const struct err *err) {
    struct seeing *s = arg;
    struct call *c = s->call;
    void (*then)(struct call *) = s->then;
    free(s);
    if (err) {
        call_err(c, err);
    } else if (!users_may_see(c->api->users, &c->actor, json_object_get(result, "thread"))) {
        call_fail(c, ERR_NOT_FOUND, "there is no such thread");
    } else {
        json_decref(c->keep);
        c->keep = json_incref(result);
        then(c);
    }
}

void call_with_thread(struct call *c, const char *thread, void (*then)(struct call *c)) {
    struct seeing *s = mem_alloc(sizeof *s);
    *s = (struct seeing){c, then};
    store_thread(c->api->store, thread, on_thread, s);
}

/* --- who is it? ------------------------------------------------------------------------------ */

static char *origin_of(const char *url) {
    const char *host = url ? strstr(url, "://") : NULL;
    if (!host)
        return NULL;
    return mem_strndup(url, (size_t)(host + 3 - url) + strcspn(host + 3, "/?#"));
}

enum api_origin api_origin(const struct api *api, struct http_exchange *x) {
    const char *site = http_header(x, "Sec-Fetch-Site");
    const char *origin = http_header(x, "Origin");
    const char *host = http_header(x, "Host");
    if (site) /* no page can set it */
        return strcmp(site, "same-origin") == 0 || strcmp(site, "none") == 0 ? API_ORIGIN_OWN
                                                                             : API_ORIGIN_FOREIGN;
    if (!origin)
        return API_ORIGIN_UNKNOWN;
    if (api->own_origin && strcmp(origin, api->own_origin) == 0)
        return API_ORIGIN_OWN;
    const char *rest = strstr(origin, "://");
    bool own = host && rest && strcmp(rest + 3, host) == 0 &&
               (strncmp(origin, "http://", 7) == 0 || strncmp(origin, "https://", 8) == 0);
    return own ? API_ORIGIN_OWN : API_ORIGIN_FOREIGN;
}

struct needs {
    struct call *call;
    unsigned scope;
    enum role least;
};

static void on_actor(void *arg, const struct actor *actor, const struct err *err) {
    struct needs n = *(struct needs *)arg;
    struct call *c = n.call;
    free(arg);
    if (err) {
        if (err->code == ERR_AUTH)
            metrics_add(c->api->env.metrics, M_REFUSED, "auth", 1);
        call_err(c, err);
        return;
    }
    c->actor = *actor;
    if (actor->must_change_password && n.scope != 0)
        call_fail(
            c, ERR_DENIED, "change the one-time password first: POST /api/v1/session/password");
    else if ((actor->scopes & n.scope) != n.scope)
        call_fail(c, ERR_DENIED, "this API token does not have the scope that this needs");
    else if (actor->role < n.least)
        call_fail(c, ERR_DENIED, "this needs the role %s", role_name(n.least));
    else
        c->handler(c);
}

static bool is_safe(const char *method) {
    return strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
}

void api_begin(struct api *api, struct http_exchange *x, unsigned scope, enum role least,
    void (*handler)(struct call *c)) {
    const char *bearer = http_header(x, "Authorization");
    const char *cookie = http_cookie(x, "sb_session");
    struct call *c = mem_zalloc(sizeof *c);
    *c = (struct call){.api = api, .x = x, .handler = handler};
    struct needs *n = mem_alloc(sizeof *n);
    *n = (struct needs){c, scope, least};
    if (bearer && strncasecmp(bearer, "Bearer ", 7) == 0) {
        users_by_token(api->users, bearer + 7, on_actor, n);
        return;
    }
    if (cookie && !is_safe(http_method(x)) && api_origin(api, x) != API_ORIGIN_OWN) {
        free(n);
        metrics_add(api->env.metrics, M_REFUSED, "origin", 1);
        call_fail(c, ERR_DENIED,
            "with a session cookie, Origin must be this site's own (a program uses an API token)");
        return;
    }
    if (cookie) {
        c->session = mem_strdup(cookie);
        users_by_session(api->users, cookie, on_actor, n);
        return;
    }
    free(n);
    metrics_add(api->env.metrics, M_REFUSED, "auth", 1);
    call_fail(c, ERR_AUTH, "sign in first: POST /api/v1/session, or send Authorization: Bearer");
}

/* --- life ------------------------------------------------------------------------------------ */

struct api *api_create(const struct env *env, const struct api_options *o) {
    struct api *api = mem_zalloc(sizeof *api);
    api->env = *env;
    api->core = o->core;
    api->store = o->store;
    api->users = o->users;
    api->media = o->media;
    api->options = *o;
    api->own_origin = origin_of(o->public_url);
    http_server_add_routes(o->http, api_routes, api);
    return api;
}

void api_set_draining(struct api *api) {
    api->draining = true;
}

void api_destroy(struct api **apip) {
    if (!*apip)
        return;
    free((*apip)->own_origin);
    free(*apip);
    *apip = NULL;
}
