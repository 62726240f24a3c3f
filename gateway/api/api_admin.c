/* api_admin.c - agents, CRM targets, dead letters. */
#include <stdlib.h>
#include <string.h>

#include "api/api_private.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "store/store_users.h"

/* --- agents ---------------------------------------------------------------------------------- */

/* Who has no second factor is an admin's matter, and one's own. */
static json_t *with_presence(const struct call *c, json_t *agent, json_t *online) {
    bool is_online = false;
    size_t i;
    json_t *name, *row = json_copy(agent);
    json_array_foreach(online, i, name) {
        is_online |= json_equal(name, json_object_get(agent, "name"));
    }
    json_object_set_new(row, "online", json_boolean(is_online));
    const char *whose = json_string_value(json_object_get(agent, "name"));
    if (c->actor.role != ROLE_ADMIN && (c->actor.is_token || strcmp(whose, c->actor.name) != 0))
        json_object_del(row, "second_factor");
    return row;
}

static void on_agents(void *arg, json_t *result, const struct err *err) {
    struct call *c = arg;
    size_t i;
    json_t *agent;
    if (err) {
        call_err(c, err);
        return;
    }
    json_t *online = core_online(c->api->core), *list = json_array();
    json_array_foreach(json_object_get(result, "agents"), i, agent) {
        json_array_append_new(list, with_presence(c, agent, online));
    }
    json_decref(online);
    call_ok(c, 200, json_pack("{s:o}", "agents", list));
}

static void agents_list(struct call *c) {
    store_user_list(c->api->store, on_agents, c);
}

HANDLER(api_agents_list) {
    api_begin(api, x, SCOPE_READ, ROLE_AGENT, agents_list);
}

static void on_agent(void *arg, json_t *result, const struct err *err) {
    struct call *c = arg;
    if (err) {
        call_err(c, err);
        return;
    }
    json_t *online = core_online(c->api->core);
    json_t *agent = with_presence(c, json_object_get(result, "user"), online);
    json_decref(online);
    call_ok(c, c->number ? (int)c->number : 200, json_pack("{s:o}", "agent", agent));
}

/* Written: the answer is how it stands now. */
static void on_agent_written(void *arg, const struct err *err) {
    struct call *c = arg;
    if (err)
        call_err(c, err);
    else
        store_user_get(c->api->store, c->text, on_agent, c);
}

static int check_agent(const json_t *body, struct err *err) {
    const json_t *shown = json_object_get(body, "display_name"),
                 *lang = json_object_get(body, "lang");
    const json_t *role = json_object_get(body, "role"),
                 *disabled = json_object_get(body, "disabled"),
                 *password = json_object_get(body, "password");
    enum role parsed;
    if (shown && (!json_is_string(shown) || json_string_length(shown) == 0 ||
                     json_string_length(shown) > 240 ||
                     !utf8_is_text(json_string_value(shown), json_string_length(shown))))
        return err_set(err, ERR_INVALID, "display_name must be 1 to 60 characters");
    if (lang && (!json_is_string(lang) || (strcmp(json_string_value(lang), "ru") != 0 &&
                                              strcmp(json_string_value(lang), "en") != 0)))
        return err_set(err, ERR_INVALID, "lang must be ru or en");
    if (role && (!json_is_string(role) || role_parse(json_string_value(role), &parsed) < 0))
        return err_set(err, ERR_INVALID, "role must be agent, supervisor or admin");
    if (disabled && !json_is_boolean(disabled))
        return err_set(err, ERR_INVALID, "disabled must be true or false");
    if (password && !json_is_string(password))
        return err_set(err, ERR_INVALID, "password must be a string");
    return 0;
}

static void agents_post(struct call *c) {
    static const char *const known[] = {"name", "display_name", "role", "password", NULL};
    json_t *body = call_body(c, known);
    if (!body)
        return;
    const char *name = json_string_value(json_object_get(body, "name"));
    const char *shown = json_string_value(json_object_get(body, "display_name"));
    const char *role_text = json_string_value(json_object_get(body, "role"));
    const char *password = json_string_value(json_object_get(body, "password"));
    enum role role;
    struct err err;
    if (!name || !password) {
        call_fail(c, ERR_INVALID, "name and password are needed, as strings");
    } else if (check_agent(body, &err) < 0) {
        call_err(c, &err);
    } else if (!role_text || role_parse(role_text, &role) < 0) {
        call_fail(c, ERR_INVALID, "role must be agent, supervisor or admin");
    } else {
        c->text = mem_strdup(name);
        c->number = 201;
        call_note(c, "agent.added", name, json_pack("{s:s}", "role", role_text));
        users_add(c->api->users, name, shown, role, password, true, false, on_agent_written, c);
    }
    json_decref(body);
}

HANDLER(api_agents_post) {
    api_begin(api, x, SCOPE_ADMIN, ROLE_ADMIN, agents_post);
}

/* Others may be changed by an admin; of himself, anybody may change display name and language. */
static bool may_change(const struct call *c, const char *name, const json_t *body) {
    if (c->actor.role == ROLE_ADMIN && (c->actor.scopes & SCOPE_ADMIN))
        return true;
    return strcmp(c->actor.name, name) == 0 && !c->actor.is_token &&
           !json_object_get(body, "role") && !json_object_get(body, "disabled") &&
           !json_object_get(body, "password");
}

static void on_password_reset(void *arg, const struct err *err) {
    struct call *c = arg;
    if (err)
        call_err(c, err);
    else
        store_user_change(c->api->store, c->text, c->keep, NULL, -1, on_agent_written, c);
}

static bool locks_out_himself(const struct call *c, const char *name, const json_t *body) {
    const char *role = json_string_value(json_object_get(body, "role"));
    if (c->actor.is_token || strcmp(name, c->actor.name) != 0)
        return false;
    return json_is_true(json_object_get(body, "disabled")) ||
           (role && strcmp(role, role_name(c->actor.role)) != 0);
}

/* What an admin has changed of an agent; of a password, that there is a new one. What one changes
 * of oneself here is one's own affair. */
static void note_change(struct call *c, const char *name, const json_t *body) {
    json_t *changes = json_copy((json_t *)body);
    json_object_del(changes, "password");
    json_object_del(changes, "rev");
    if (c->actor.is_token || strcmp(name, c->actor.name) != 0)
        call_note(c, json_object_get(body, "password") ? "agent.password_reset" : "agent.changed",
            name, json_incref(changes));
    json_decref(changes);
}

static void agents_patch(struct call *c) {
    static const char *const known[] = {
        "display_name", "role", "lang", "disabled", "password", "rev", NULL};
    const char *name = http_path_arg(c->x, "name");
    json_t *body = call_body(c, known);
    struct err err;
    if (!body)
        return;
    c->text = mem_strdup(name);
    c->keep = body;
    const char *password = json_string_value(json_object_get(body, "password"));
    const json_t *rev = json_object_get(body, "rev");
    note_change(c, name, body);
    if (!may_change(c, name, body))
        call_fail(c, ERR_DENIED, "only an admin may change this");
    else if (check_agent(body, &err) < 0)
        call_err(c, &err);
    else if (rev && (!json_is_integer(rev) || json_integer_value(rev) < 0 || password))
        call_fail(c, ERR_INVALID,
            "rev must be the number that the agent had when it was read; a password goes without");
    else if (locks_out_himself(c, name, body))
        call_fail(c, ERR_INVALID, "you cannot disable yourself or take away your own role");
    else if (password)
        users_set_password(c->api->users, name, password, true, on_password_reset, c);
    else
        store_user_change(c->api->store, name, body, NULL, rev ? json_integer_value(rev) : -1,
            on_agent_written, c);
}

HANDLER(api_agents_patch) {
    api_begin(api, x, SCOPE_WRITE, ROLE_AGENT, agents_patch);
}

/* --- the CRMs -------------------------------------------------------------------------------- */

static void targets_list(struct call *c) {
    core_targets(c->api->core, call_on_json, c);
}

HANDLER(api_targets_list) {
    api_begin(api, x, SCOPE_READ, ROLE_ADMIN, targets_list);
}

/* --- dead letters ---------------------------------------------------------------------------- */

#define QUEUE_IS "queue must be out:CHANNEL, crm:TARGET or from:TARGET"

static bool is_queue(const char *name) {
    return (strncmp(name, "out:", 4) == 0 || strncmp(name, "crm:", 4) == 0 ||
               strncmp(name, "from:", 5) == 0) &&
           strlen(name) <= 100 && utf8_is_text(name, strlen(name));
}

static void dead_list(struct call *c) {
    const char *queue = http_query(c->x, "queue");
    int limit = call_limit(c);
    if (limit < 0)
        return;
    if (queue && *queue && !is_queue(queue))
        call_fail(c, ERR_INVALID, QUEUE_IS);
    else
        core_dead(c->api->core, queue && *queue ? queue : NULL, http_query(c->x, "cursor"),
            (unsigned)limit, call_on_json, c);
}

HANDLER(api_dead_list) {
    api_begin(api, x, SCOPE_READ, ROLE_SUPERVISOR, dead_list);
}

static void dead_retry(struct call *c) {
    call_note(c, "dead.retried", http_path_arg(c->x, "id"), NULL);
    core_dead_retry(c->api->core, http_path_arg(c->x, "id"), call_on_done, c);
}

static void on_all_retried(void *arg, json_t *result, const struct err *err) {
    struct call *c = arg;
    if (!err)
        call_note(c, "dead.retried", c->text, json_deep_copy(result));
    call_on_json(c, result, err);
}

static void dead_retry_all(struct call *c) {
    static const char *const known[] = {"queue", NULL};
    json_t *body = call_body(c, known);
    if (!body)
        return;
    const json_t *queue = json_object_get(body, "queue");
    const char *name = json_string_value(queue);
    c->text = name ? mem_strdup(name) : NULL;
    if (queue && (!name || !is_queue(name)))
        call_fail(c, ERR_INVALID, QUEUE_IS);
    else
        core_dead_retry_all(c->api->core, name, on_all_retried, c);
    json_decref(body);
}

HANDLER(api_dead_retry_all) {
    api_begin(api, x, SCOPE_WRITE, ROLE_SUPERVISOR, dead_retry_all);
}

HANDLER(api_dead_retry) {
    api_begin(api, x, SCOPE_WRITE, ROLE_SUPERVISOR, dead_retry);
}
