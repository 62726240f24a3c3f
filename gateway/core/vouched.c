/* vouched.c - from a person whom a provider has named to his session. He is known by the provider's
 * own id of him, once he has come in; the first time by his name. */
#include "core/vouched.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "core/audit.h"
#include "core/users_private.h"

struct vouching {
    struct users *users;
    struct oidc_person who;
    char *provider, *peer, *browser;
    bool create;
    int64_t session_ms;
    users_login_fn fn;
    void *arg;
    char name[65]; /* of the agent: perhaps not that of who */
    bool exists;
    struct actor actor;
    char session[CRYPTO_TOKEN_SIZE];
    struct err err; /* how it ends */
};

static void finish(void *arg, const struct err *err) {
    struct vouching *v = arg;
    (void)err; /* of the audit log: it is in the log */
    struct signed_in in = {0};
    if (!v->err.code)
        in = (struct signed_in){&v->actor, v->session, NULL, 0};
    v->fn(v->arg, &in, v->err.code ? &v->err : NULL);
    free(v->provider);
    free(v->peer);
    free(v->browser);
    explicit_bzero(v, sizeof *v);
    free(v);
}

/* reason: for the audit log; NULL: it succeeded. */
static void audit(struct vouching *v, const char *reason) {
    char id[CRYPTO_HEX_SIZE] = "";
    json_t *detail = json_pack("{s:s}", "provider", v->provider);
    if (!reason)
        crypto_sha256_hex(span_str(v->session), id);
    id[reason ? 0 : STORE_SESSION_ID] = '\0';
    if (reason)
        json_object_set_new(detail, "reason", json_string(reason));
    audit_write(&v->users->env, v->users->store,
        &(struct audit_entry){.what = reason ? "session.refused" : "session.opened",
            .by = v->exists ? v->name : "",
            .via = "session",
            .address = v->peer,
            .session = id,
            .subject = v->name,
            .detail = detail,
            .refused = reason != NULL},
        finish, v);
    json_decref(detail);
}

/* What the provider's word has changed; then(v) goes on. */
static void note_change(struct vouching *v, const char *what, store_done_fn then) {
    json_t *detail =
        json_pack("{s:s,s:s}", "role", role_name(v->actor.role), "provider", v->provider);
    audit_write(&v->users->env, v->users->store,
        &(struct audit_entry){.what = what,
            .by = v->name,
            .via = "session",
            .address = v->peer,
            .subject = v->name,
            .detail = detail},
        then, v);
    json_decref(detail);
}

static void refuse(struct vouching *v, const char *reason, const char *why) {
    err_set(&v->err, ERR_DENIED, "%s", why);
    metrics_add(v->users->env.metrics, M_LOGIN, "refused", 1);
    audit(v, reason);
}

static void fail(struct vouching *v, const struct err *err) {
    v->err = *err;
    metrics_add(v->users->env.metrics, M_LOGIN, "error", 1);
    finish(v, NULL);
}

/* --- steps ----------------------------------------------------------------------------------- */

/* sha256 NULL: only makes sure that he is whom the provider has meant by this agent before. */
static void prove(struct vouching *v, const char *sha256, store_done_fn fn) {
    store_session_create(v->users->store,
        &(struct store_session){.sha256 = sha256,
            .user = v->name,
            .hash = "",
            .provider = v->provider,
            .mark = v->who.mark,
            .ttl_ms = v->users->options.session_ttl_ms,
            .max_ms = v->session_ms,
            .peer = v->peer,
            .browser = v->browser},
        fn, v);
}

static void not_proven(struct vouching *v, const struct err *err) {
    if (err->code == ERR_DENIED)
        refuse(v, "another", err->text);
    else if (err->code == ERR_AUTH)
        refuse(v, "disabled", err->text);
    else
        fail(v, err);
}

static void on_opened(void *arg, const struct err *err) {
    struct vouching *v = arg;
    if (err) {
        not_proven(v, err);
        return;
    }
    metrics_add(v->users->env.metrics, M_LOGIN, "ok", 1);
    audit(v, NULL);
}

static void open_session(struct vouching *v) {
    char sha[CRYPTO_HEX_SIZE];
    crypto_token(v->session);
    crypto_sha256_hex(span_str(v->session), sha);
    prove(v, sha, on_opened);
}

static void on_role_noted(void *arg, const struct err *err) {
    (void)err; /* it is in the log */
    open_session(arg);
}

static void on_role(void *arg, const struct err *err) {
    struct vouching *v = arg;
    if (err && err->code == ERR_CONFLICT)
        refuse(v, "role", err->text);
    else if (err)
        fail(v, err);
    else
        note_change(v, "agent.changed", on_role_noted);
}

/* Nothing of an agent is changed before it is known that it is he. */
static void on_proven(void *arg, const struct err *err) {
    struct vouching *v = arg;
    if (err) {
        not_proven(v, err);
        return;
    }
    json_t *change = json_pack("{s:s}", "role", role_name(v->who.role));
    v->actor.role = v->who.role;
    store_user_change(v->users->store, v->name, change, NULL, -1, on_role, v);
    json_decref(change);
}

static void on_user(void *arg, json_t *result, const struct err *err);

static void on_added_noted(void *arg, const struct err *err) {
    struct vouching *v = arg;
    (void)err; /* it is in the log */
    store_user_get(v->users->store, v->name, on_user, v);
}

static void on_added(void *arg, const struct err *err) {
    struct vouching *v = arg;
    v->create = false;
    if (!err)
        note_change(v, "agent.added", on_added_noted);
    else if (err->code == ERR_CONFLICT) /* he has signed in elsewhere, too, just now */
        on_added_noted(v, NULL);
    else
        fail(v, err);
}

static void on_nobody(struct vouching *v) {
    v->actor.role = v->who.has_role ? v->who.role : ROLE_AGENT;
    if (v->create)
        users_add(
            v->users, v->name, v->who.display_name, v->actor.role, NULL, false, false, on_added, v);
    else
        refuse(v, "unknown", "there is no such agent: an admin adds him, or create is set");
}

static void on_user(void *arg, json_t *result, const struct err *err) {
    struct vouching *v = arg;
    const json_t *user = json_object_get(result, "user");
    if (err && err->code == ERR_NOT_FOUND) {
        on_nobody(v);
        return;
    }
    if (err) {
        fail(v, err);
        return;
    }
    v->exists = true;
    v->actor = users_actor(user);
    v->actor.must_change_password = false; /* the session's opening sees to it */
    if (json_is_true(json_object_get(user, "disabled")))
        refuse(v, "disabled", "this account is disabled");
    else if (v->who.has_role && v->who.role != v->actor.role)
        prove(v, NULL, on_proven);
    else
        open_session(v);
}

static void on_known(void *arg, json_t *result, const struct err *err) {
    struct vouching *v = arg;
    const char *name = json_string_value(json_object_get(result, "name"));
    if (err) {
        fail(v, err);
        return;
    }
    snprintf(v->name, sizeof v->name, "%s", name && *name ? name : v->who.name);
    store_user_get(v->users->store, v->name, on_user, v);
}

void users_vouched(struct users *u, const struct vouched *how, users_login_fn fn, void *arg) {
    struct vouching *v = mem_zalloc(sizeof *v);
    v->users = u;
    v->who = *how->who;
    v->provider = mem_strdup(how->provider);
    v->peer = mem_strdup(how->peer ? how->peer : "");
    v->browser = how->browser ? mem_strndup(how->browser, strnlen(how->browser, 200)) : NULL;
    v->create = how->create;
    v->session_ms = how->session_ms;
    v->fn = fn;
    v->arg = arg;
    store_vouched_name(u->store, v->who.mark, on_known, v);
}
