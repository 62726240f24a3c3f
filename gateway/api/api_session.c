/* api_session.c - signing in and out. The session's secret is in an HttpOnly cookie and nowhere
 * else. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/api_private.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/version.h"
#include "core/oidc/oidc.h"

#define COOKIE_AGE_S (400L * 24 * 3600) /* the server decides when it ends */

json_t *api_agent_json(const struct api *api, const struct actor *a) {
    (void)api;
    return json_pack("{s:s,s:s,s:s,s:s,s:b,s:b,s:b,s:b}", "name", a->name, "display_name",
        a->display_name, "role", role_name(a->role), "lang", a->lang, "disabled", 0,
        "must_change_password", (int)a->must_change_password, "second_factor",
        (int)a->second_factor, "online", 1);
}

static void set_cookie(
    struct http_exchange *x, const char *name, const char *value, const char *path) {
    char text[256];
    snprintf(text, sizeof text, "%s=%s; HttpOnly; SameSite=Strict; Path=%s; Max-Age=%ld%s", name,
        value ? value : "", path, value ? COOKIE_AGE_S : 0L, http_is_tls(x) ? "; Secure" : "");
    http_set_header(x, "Set-Cookie", text);
    explicit_bzero(text, sizeof text);
}

void api_set_cookie(struct http_exchange *x, const char *session) {
    set_cookie(x, "sb_session", session, "/");
}

void api_set_provider(struct http_exchange *x, const char *id) {
    if (id || http_cookie(x, "sb_provider"))
        set_cookie(x, "sb_provider", id, "/api/v1/session");
}

struct sign_in api_sign_in(struct http_exchange *x, enum sign_in_what what, const char *name,
    const char *password, const char *code) {
    return (struct sign_in){.what = what,
        .name = name,
        .password = password,
        .code = code,
        .peer = http_peer(x),
        .peer_group = http_peer_group(x),
        .browser = http_header(x, "User-Agent"),
        .device = http_cookie(x, "sb_device")};
}

void api_signed_in(struct http_exchange *x, const struct signed_in *in) {
    char seconds[24];
    if (in->session)
        api_set_cookie(x, in->session);
    if (in->device)
        set_cookie(x, "sb_device", in->device, "/api/v1/session");
    snprintf(seconds, sizeof seconds, "%lld", (long long)(in->retry_ms + 999) / 1000);
    if (in->retry_ms)
        http_set_header(x, "Retry-After", seconds);
}

struct login {
    struct api *api;
    struct http_exchange *x;
};

static void on_login(void *arg, const struct signed_in *in, const struct err *err) {
    struct login l = *(struct login *)arg;
    free(arg);
    api_signed_in(l.x, in);
    if (err) {
        http_reply_err(l.x, err);
        return;
    }
    api_set_provider(l.x, NULL);
    http_reply_json(l.x, 200, json_pack("{s:o}", "agent", api_agent_json(l.api, in->actor)));
}

HANDLER(api_session_create) {
    json_t *body = http_body_json(x);
    if (!body)
        return;
    const json_t *code = json_object_get(body, "code");
    const char *name = json_string_value(json_object_get(body, "name"));
    const char *password = json_string_value(json_object_get(body, "password"));
    if (api_origin(api, x) == API_ORIGIN_FOREIGN) {
        http_reply_problem(x, 403, "denied", "this request comes from another site");
    } else if (!((struct api *)api)->options.passwords) { /* whoever it is */
        http_reply_problem(x, 403, "denied",
            "signing in by password is switched off here: sign in by the provider");
    } else if (!name || !password || (code && !json_is_string(code)) ||
               json_object_size(body) != (code ? 3 : 2)) {
        http_reply_problem(x, 400, "invalid",
            "expected {\"name\": \"...\", \"password\": \"...\"}, and \"code\" where the second "
            "factor is on");
    } else {
        struct login *l = mem_alloc(sizeof *l);
        struct sign_in how = api_sign_in(x, SIGN_IN, name, password, json_string_value(code));
        *l = (struct login){api, x};
        users_login(l->api->users, &how, on_login, l);
    }
    json_decref(body);
}

static void session_get(struct call *c) {
    call_ok(c, 200,
        json_pack("{s:o,s:s}", "agent", api_agent_json(c->api, &c->actor), "version", SB_VERSION));
}

/* Without a scope: also who must change his password first may ask who he is. */
HANDLER(api_session_get) {
    api_begin(api, x, 0, ROLE_AGENT, session_get);
}

/* Here he is signed out already, whatever is with the provider. */
static void on_leaving(void *arg, const char *url, const struct err *err) {
    struct call *c = arg;
    if (err)
        LOG_INFO(c->api->env.log, "sign_out.not_there", LOG_E(err));
    if (url)
        call_ok(c, 200, json_pack("{s:s}", "go", url));
    else
        call_empty(c);
}

static void on_logged_out(void *arg, const struct err *err) {
    struct call *c = arg;
    const char *id = http_cookie(c->x, "sb_provider");
    struct oidc *provider = id ? api_provider(c->api, id) : NULL;
    if (err) {
        call_err(c, err);
        return;
    }
    api_set_cookie(c->x, NULL);
    api_set_provider(c->x, NULL);
    if (provider && oidc_leaves_there(provider))
        oidc_leave(provider, on_leaving, c);
    else
        call_empty(c);
}

static void session_delete(struct call *c) {
    if (!c->session) {
        call_fail(c, ERR_INVALID, "an API token is revoked by `switchboard token revoke`");
        return;
    }
    call_note(c, "session.ended", c->actor.name, NULL);
    users_logout(c->api->users, c->session, on_logged_out, c);
}

HANDLER(api_session_delete) {
    api_begin(api, x, 0, ROLE_AGENT, session_delete);
}

/* --- a new password: prove the old one, change, sign in anew --------------------------------- */

static void on_signed_in_again(void *arg, const struct signed_in *in, const struct err *err) {
    struct call *c = arg;
    if (err) {
        call_err(c, err);
        return;
    }
    api_signed_in(c->x, in);
    call_empty(c);
}

static void on_password_set(void *arg, const struct err *err) {
    struct call *c = arg;
    if (err) {
        call_err(c, err);
        return;
    }
    struct sign_in how = api_sign_in(c->x, SIGN_IN_PROVEN, c->actor.name, c->text, NULL);
    users_login(c->api->users, &how, on_signed_in_again, c);
}

static void on_old_proven(void *arg, const struct signed_in *in, const struct err *err) {
    struct call *c = arg;
    api_signed_in(c->x, in);
    if (err && err->code == ERR_AUTH)
        call_fail(c, ERR_DENIED, "old is not your password");
    else if (err)
        call_err(c, err);
    else
        users_set_password(c->api->users, c->actor.name, c->text, false, on_password_set, c);
}

static void session_password(struct call *c) {
    static const char *const known[] = {"old", "new", NULL};
    json_t *body = call_body(c, known);
    if (!body)
        return;
    const char *old = json_string_value(json_object_get(body, "old"));
    const char *new = json_string_value(json_object_get(body, "new"));
    if (c->actor.is_token) {
        call_fail(c, ERR_DENIED, "an API token has no password");
    } else if (!c->api->options.passwords && !c->actor.must_change_password) {
        /* it would open a session that no provider vouches for, and that does not end */
        call_fail(c, ERR_DENIED, "signing in by password is switched off here");
    } else if (!old || !new) {
        call_fail(c, ERR_INVALID, "expected {\"old\": \"...\", \"new\": \"...\"}");
    } else if (strcmp(old, new) == 0) {
        call_fail(c, ERR_INVALID, "the new password is the old one");
    } else {
        c->text = mem_strdup(new);
        call_note(c, "account.password_changed", c->actor.name, NULL);
        struct sign_in how = api_sign_in(c->x, PROVE_PASSWORD, c->actor.name, old, NULL);
        users_login(c->api->users, &how, on_old_proven, c);
    }
    json_decref(body);
}

HANDLER(api_session_password) {
    api_begin(api, x, 0, ROLE_AGENT, session_password);
}
