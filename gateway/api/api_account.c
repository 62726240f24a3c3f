/* api_account.c - what guards an account: its sessions and its second factor; and an admin's help
 * for who has lost it. Whoever changes how one signs in gives the password again. */
#include <string.h>

#include "api/api_private.h"
#include "base/mem.h"
#include "store/store_users.h"

static bool is_person(struct call *c) {
    if (c->session)
        return true;
    call_fail(c, ERR_DENIED, "an API token has no sessions and no second factor");
    return false;
}

/* --- sessions -------------------------------------------------------------------------------- */

static void sessions_list(struct call *c) {
    if (is_person(c))
        users_sessions(c->api->users, c->actor.name, c->session, call_on_json, c);
}

HANDLER(api_sessions_list) {
    api_begin(api, x, SCOPE_READ, ROLE_AGENT, sessions_list);
}

static void on_sessions_ended(void *arg, const struct err *err) {
    struct call *c = arg;
    if (!err)
        call_note(c, "account.sessions_ended", c->text ? c->text : c->actor.name, NULL);
    call_on_done(c, err);
}

static void sessions_end_others(struct call *c) {
    if (is_person(c))
        users_revoke(c->api->users, c->actor.name, NULL, c->session, on_sessions_ended, c);
}

HANDLER(api_sessions_end_others) {
    api_begin(api, x, SCOPE_WRITE, ROLE_AGENT, sessions_end_others);
}

/* The id of a session in the address, or NULL after answering. */
static const char *session_id(struct call *c) {
    const char *id = http_path_arg(c->x, "id");
    if (strlen(id) == STORE_SESSION_ID && strspn(id, "0123456789abcdef") == STORE_SESSION_ID)
        return id;
    call_fail(c, ERR_NOT_FOUND, "there is no such session");
    return NULL;
}

static void sessions_end(struct call *c) {
    const char *id = is_person(c) ? session_id(c) : NULL;
    if (id)
        users_revoke(c->api->users, c->actor.name, id, NULL, on_sessions_ended, c);
}

HANDLER(api_sessions_end) {
    api_begin(api, x, SCOPE_WRITE, ROLE_AGENT, sessions_end);
}

/* --- the second factor ----------------------------------------------------------------------- */

/* A password that opens nothing here is none. */
static void on_factor(void *arg, json_t *result, const struct err *err) {
    const struct call *c = arg;
    if (result && !c->api->options.passwords)
        json_object_set_new(result, "has_password", json_false());
    call_on_json(arg, result, err);
}

static void factor_get(struct call *c) {
    if (is_person(c))
        users_factor_get(c->api->users, c->actor.name, on_factor, c);
}

HANDLER(api_factor_get) {
    api_begin(api, x, SCOPE_READ, ROLE_AGENT, factor_get);
}

/* Proves the password (and the code, when it is wanted), then goes on; false after answering. */
static bool proven(struct call *c, const struct signed_in *in, const struct err *err) {
    if (!err)
        return true;
    api_signed_in(c->x, in);
    if (err->code == ERR_AUTH) {
        call_fail(c, ERR_DENIED, "this is not your password");
    } else if (err->code == ERR_SECOND_FACTOR) { /* the session goes on: no 401 */
        http_reply_problem(c->x, 403, err_name(err->code), err->text);
        call_free(c);
    } else {
        call_err(c, err);
    }
    return false;
}

static void prove(struct call *c, bool with_code, users_login_fn fn) {
    static const char *const keys[] = {"password", NULL}, *const both[] = {
                                                              "password", "code", NULL};
    json_t *body = is_person(c) ? call_body(c, with_code ? both : keys) : NULL;
    if (!body)
        return;
    const char *password = json_string_value(json_object_get(body, "password"));
    const char *code = json_string_value(json_object_get(body, "code"));
    if (!password || (with_code && !code)) {
        call_fail(c, ERR_INVALID,
            with_code ? "expected {\"password\": \"...\", \"code\": \"...\"}"
                      : "expected {\"password\": \"...\"}");
    } else {
        struct sign_in how = api_sign_in(
            c->x, with_code ? PROVE_ALL : PROVE_PASSWORD, c->actor.name, password, code);
        users_login(c->api->users, &how, fn, c);
    }
    json_decref(body);
}

static void on_secret(void *arg, const char *secret, const char *uri, const struct err *err) {
    struct call *c = arg;
    if (err)
        call_err(c, err);
    else
        call_ok(c, 200, json_pack("{s:s,s:s}", "secret", secret, "uri", uri));
}

static void on_proven_to_begin(void *arg, const struct signed_in *in, const struct err *err) {
    struct call *c = arg;
    if (proven(c, in, err))
        users_factor_begin(c->api->users, c->actor.name, on_secret, c);
}

static void factor_begin(struct call *c) {
    prove(c, false, on_proven_to_begin);
}

HANDLER(api_factor_begin) {
    api_begin(api, x, SCOPE_WRITE, ROLE_AGENT, factor_begin);
}

static void on_confirmed(void *arg, json_t *result, const struct err *err) {
    struct call *c = arg;
    if (!err)
        call_note(c, "account.second_factor_on", c->actor.name, NULL);
    call_on_json(c, result, err);
}

static void factor_confirm(struct call *c) {
    static const char *const known[] = {"code", NULL};
    json_t *body = is_person(c) ? call_body(c, known) : NULL;
    if (!body)
        return;
    const char *code = json_string_value(json_object_get(body, "code"));
    if (!code)
        call_fail(c, ERR_INVALID, "expected {\"code\": \"...\"}");
    else
        users_factor_codes(c->api->users, c->actor.name, code, on_confirmed, c);
    json_decref(body);
}

HANDLER(api_factor_confirm) {
    api_begin(api, x, SCOPE_WRITE, ROLE_AGENT, factor_confirm);
}

static void on_new_codes(void *arg, json_t *result, const struct err *err) {
    struct call *c = arg;
    if (!err)
        call_note(c, "account.recovery_codes_made", c->actor.name, NULL);
    call_on_json(c, result, err);
}

static void on_proven_for_codes(void *arg, const struct signed_in *in, const struct err *err) {
    struct call *c = arg;
    if (proven(c, in, err))
        users_factor_codes(c->api->users, c->actor.name, NULL, on_new_codes, c);
}

static void factor_codes(struct call *c) {
    prove(c, true, on_proven_for_codes);
}

HANDLER(api_factor_codes) {
    api_begin(api, x, SCOPE_WRITE, ROLE_AGENT, factor_codes);
}

static void on_factor_off(void *arg, const struct err *err) {
    struct call *c = arg;
    if (!err)
        call_note(c, c->text ? "account.second_factor_reset" : "account.second_factor_off",
            c->text ? c->text : c->actor.name, NULL);
    call_on_done(c, err);
}

static void on_proven_for_off(void *arg, const struct signed_in *in, const struct err *err) {
    struct call *c = arg;
    if (proven(c, in, err))
        users_factor_off(c->api->users, c->actor.name, false, on_factor_off, c);
}

static void factor_off(struct call *c) {
    prove(c, true, on_proven_for_off);
}

HANDLER(api_factor_off) {
    api_begin(api, x, SCOPE_WRITE, ROLE_AGENT, factor_off);
}

/* --- an admin's help ------------------------------------------------------------------------- */

/* Of another: what is his own, he changes with his password. */
static bool is_other(struct call *c) {
    const char *name = http_path_arg(c->x, "name");
    if (c->session && strcmp(name, c->actor.name) == 0) {
        call_fail(c, ERR_DENIED, "this is your own account: change it in the account's own page");
        return false;
    }
    c->text = mem_strdup(name);
    return true;
}

static void agents_factor_reset(struct call *c) {
    if (is_other(c))
        users_factor_off(c->api->users, c->text, true, on_factor_off, c);
}

HANDLER(api_agents_factor_reset) {
    api_begin(api, x, SCOPE_ADMIN, ROLE_ADMIN, agents_factor_reset);
}

static void on_agent_known(void *arg, json_t *result, const struct err *err) {
    struct call *c = arg;
    (void)result;
    if (err)
        call_err(c, err);
    else
        users_revoke(c->api->users, c->text, NULL, NULL, on_sessions_ended, c);
}

static void on_agent_of_sessions(void *arg, json_t *result, const struct err *err) {
    struct call *c = arg;
    (void)result;
    if (err)
        call_err(c, err);
    else
        users_sessions(c->api->users, c->text, c->session, call_on_json, c);
}

static void agents_sessions(struct call *c) {
    c->text = mem_strdup(http_path_arg(c->x, "name"));
    store_user_get(c->api->store, c->text, on_agent_of_sessions, c);
}

HANDLER(api_agents_sessions) {
    api_begin(api, x, SCOPE_ADMIN, ROLE_ADMIN, agents_sessions);
}

static void agents_session_end(struct call *c) {
    const char *id = session_id(c);
    if (id && is_other(c))
        users_revoke(c->api->users, c->text, id, NULL, on_sessions_ended, c);
}

HANDLER(api_agents_session_end) {
    api_begin(api, x, SCOPE_ADMIN, ROLE_ADMIN, agents_session_end);
}

static void agents_sign_out(struct call *c) {
    if (is_other(c))
        store_user_get(c->api->store, c->text, on_agent_known, c);
}

HANDLER(api_agents_sign_out) {
    api_begin(api, x, SCOPE_ADMIN, ROLE_ADMIN, agents_sign_out);
}
