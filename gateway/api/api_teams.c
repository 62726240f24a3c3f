/* api_teams.c - teams: agents under a name, for filters and rules. They are a shelf; what was saved
 * meanwhile by another admin is not written over. */
#include <stdlib.h>
#include <string.h>

#include "api/api_private.h"
#include "base/clock.h"
#include "base/json_text.h"
#include "base/mem.h"
#include "store/store_desk.h"
#include "store/store_users.h"

#define TEAMS_MAX 200
#define MEMBERS_MAX 500
#define TEAM_NAME_MAX 60

/* --- the list -------------------------------------------------------------------------------- */

static int by_name(const void *a, const void *b) {
    const json_t *const *x = a, *const *y = b;
    return strcmp(json_text(*x, "name"), json_text(*y, "name"));
}

static void on_list(void *arg, json_t *result, const struct err *err) {
    struct call *c = arg;
    if (err) {
        call_err(c, err);
        return;
    }
    json_t *things = api_things(json_object_get(result, "things"), "id"), *teams = json_array();
    size_t n = json_array_size(things);
    json_t **rows = mem_alloc((n + 1) * sizeof *rows);
    for (size_t i = 0; i < n; i++)
        rows[i] = json_array_get(things, i);
    qsort(rows, n, sizeof *rows, by_name);
    for (size_t i = 0; i < n; i++)
        json_array_append(teams, rows[i]);
    free(rows);
    json_decref(things);
    call_ok(c, 200, json_pack("{s:o}", "teams", teams));
}

static void teams_list(struct call *c) {
    store_shelf(c->api->store, "teams", on_list, c);
}

HANDLER(api_teams_list) {
    api_begin(api, x, SCOPE_READ, ROLE_AGENT, teams_list);
}

/* --- in filters ------------------------------------------------------------------------------ */

#define TEAM_MARK "team:"

bool api_is_team(const char *assignee) {
    return assignee && strncmp(assignee, TEAM_MARK, strlen(TEAM_MARK)) == 0;
}

char *api_team_members(const json_t *things, const char *team, struct err *err) {
    const json_t *found = json_object_get(things, team + strlen(TEAM_MARK));
    struct buf names;
    size_t i;
    json_t *name;
    if (!found) {
        err_set(err, ERR_INVALID, "assignee: there is no such team");
        return NULL;
    }
    buf_init(&names, 1 << 16);
    json_array_foreach(json_object_get(found, "members"), i, name) {
        buf_addf(&names, "%s%s", i ? " " : "", json_string_value(name));
    }
    char *out = mem_strdup(buf_str(&names));
    buf_free(&names);
    return out;
}

/* --- one that is saved: c->text its id, c->subject what was asked for, c->keep what is kept --- */

static void on_saved(void *arg, json_t *result, const struct err *err) {
    struct call *c = arg;
    if (err) {
        call_err(c, err);
        return;
    }
    json_t *team = json_copy(c->keep);
    json_object_set_new(team, "id", json_string(c->text));
    json_object_set(team, "rev", json_object_get(result, "rev"));
    call_ok(c, c->number ? 200 : 201, json_pack("{s:o}", "team", team));
}

static void put(struct call *c, const json_t *team, int64_t expected, store_json_fn fn) {
    json_t *told = json_pack("{s:s,s:s,s:s}", "t", "desk", "what", "teams", "id", c->text);
    store_shelf_put(c->api->store,
        &(struct store_shelf_put){.shelf = "teams",
            .id = c->text,
            .thing = team,
            .expected = expected,
            .max = TEAMS_MAX,
            .told = told},
        fn, c);
    json_decref(told);
}

/* number: the rev that was seen, 0 of a new one. */
static void on_others(void *arg, json_t *result, const struct err *err) {
    struct call *c = arg;
    char at[CLOCK_TEXT_SIZE];
    const char *id;
    json_t *other, *things = json_object_get(result, "things");
    const json_t *was = json_object_get(things, c->text);
    if (err || (c->number && !was)) {
        if (err)
            call_err(c, err);
        else
            call_fail(c, ERR_NOT_FOUND, "there is nothing with this id");
        return;
    }
    json_t *team = json_pack("{s:s,s:o}", "name", json_text(was, "name"), "members",
        was ? json_incref(json_object_get(was, "members")) : json_array());
    json_object_update_existing(team, c->subject);
    json_object_set_new(team, "by", json_string(c->actor.name));
    json_object_set_new(team, "at", json_string(clock_format(clock_ms(), at)));
    c->keep = team;
    json_object_foreach(things, id, other) {
        if (strcmp(id, c->text) != 0 &&
            strcmp(json_text(other, "name"), json_text(team, "name")) == 0) {
            call_fail(c, ERR_CONFLICT, "there is a team of this name already");
            return;
        }
    }
    call_note(c, c->number ? "team.changed" : "team.added", json_text(team, "name"),
        json_pack("{s:O}", "members", json_object_get(team, "members")));
    put(c, team, c->number, on_saved);
}

static void on_agents(void *arg, json_t *result, const struct err *err) {
    struct call *c = arg;
    size_t i, k;
    json_t *name, *agent;
    if (err) {
        call_err(c, err);
        return;
    }
    json_array_foreach(json_object_get(c->subject, "members"), i, name) {
        bool found = false;
        json_array_foreach(json_object_get(result, "agents"), k, agent) {
            found = found || json_equal(json_object_get(agent, "name"), name);
        }
        if (!found) {
            call_fail(c, ERR_INVALID, "members: there is no agent \"%.64s\"",
                json_string_value(name) ? json_string_value(name) : "");
            return;
        }
    }
    store_shelf(c->api->store, "teams", on_others, c);
}

static int check_members(const json_t *members, struct err *err) {
    json_t *seen = json_object(), *name;
    size_t i;
    int rc = 0;
    if (!json_is_array(members) || json_array_size(members) > MEMBERS_MAX)
        rc = err_set(err, ERR_INVALID, "members must be a list of at most %d names", MEMBERS_MAX);
    json_array_foreach(members, i, name) {
        if (rc == 0 && (!json_is_string(name) || json_object_get(seen, json_string_value(name))))
            rc = err_set(err, ERR_INVALID, "members must be names, each once");
        else if (rc == 0)
            json_object_set_new(seen, json_string_value(name), json_true());
    }
    json_decref(seen);
    return rc;
}

static void save(struct call *c, json_t *body) {
    const json_t *members = json_object_get(body, "members");
    struct err err;
    c->subject = body;
    if (api_check_text(body, "name", TEAM_NAME_MAX, c->number == 0, &err) < 0 ||
        ((c->number == 0 || members) && check_members(members, &err) < 0))
        call_err(c, &err);
    else if (json_object_get(body, "name") && !*json_text(body, "name"))
        call_fail(c, ERR_INVALID, "name must be text of 1 to %d characters", TEAM_NAME_MAX);
    else
        store_user_list(c->api->store, on_agents, c);
}

static void teams_post(struct call *c) {
    static const char *const known[] = {"name", "members", NULL};
    json_t *body = call_body(c, known);
    char id[ID_SIZE];
    if (!body)
        return;
    id_make(0, id);
    c->text = mem_strdup(id);
    save(c, body);
}

HANDLER(api_teams_post) {
    api_begin(api, x, SCOPE_ADMIN, ROLE_ADMIN, teams_post);
}

static void teams_patch(struct call *c) {
    static const char *const known[] = {"name", "members", "rev", NULL};
    json_t *body = call_take_id(c) ? call_body(c, known) : NULL;
    if (!body)
        return;
    c->number = json_integer_value(json_object_get(body, "rev"));
    if (c->number >= 1) {
        save(c, body);
        return;
    }
    call_fail(c, ERR_INVALID, "rev must be the number that the team had when it was read");
    json_decref(body);
}

HANDLER(api_teams_patch) {
    api_begin(api, x, SCOPE_ADMIN, ROLE_ADMIN, teams_patch);
}

static void on_gone(void *arg, json_t *result, const struct err *err) {
    (void)result;
    call_on_done(arg, err);
}

/* The log has its name, which is gone after. */
static void on_team_to_remove(void *arg, json_t *result, const struct err *err) {
    struct call *c = arg;
    const json_t *team = json_object_get(json_object_get(result, "things"), c->text);
    if (err) {
        call_err(c, err);
        return;
    }
    call_note(c, "team.removed", json_text(team, "name"), NULL);
    put(c, NULL, -1, on_gone);
}

static void teams_delete(struct call *c) {
    if (call_take_id(c))
        store_shelf(c->api->store, "teams", on_team_to_remove, c);
}

HANDLER(api_teams_delete) {
    api_begin(api, x, SCOPE_ADMIN, ROLE_ADMIN, teams_delete);
}
