/* api_desk.c - what an agent keeps at his desk: how many threads there are of each kind, saved
 * views, drafts. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/api_private.h"
#include "base/clock.h"
#include "base/json_strict.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "store/store_desk.h"

#define VIEWS_MAX 30
#define DRAFTS_MAX 200
#define NAME_MAX_CHARS 60
#define DRAFT_TEXT_MAX 20000 /* characters; what is sent is checked for itself */
#define DRAFT_HTML_MAX 60000

static const char *text_of(const json_t *o, const char *key) {
    return json_string_value(json_object_get(o, key));
}

int api_check_text(const json_t *body, const char *key, size_t max, bool needed, struct err *err) {
    const json_t *v = json_object_get(body, key);
    size_t n = json_string_length(v);
    if (!v || json_is_null(v))
        return needed ? err_set(err, ERR_INVALID, "%s is missing", key) : 0;
    if (!json_is_string(v) || !utf8_is_text(json_string_value(v), n) ||
        utf8_length(json_string_value(v), n) > max || (needed && n == 0))
        return err_set(err, ERR_INVALID, "%s must be text of %s%zu characters", key,
            needed ? "1 to " : "at most ", max);
    return 0;
}

/* All of the agent's pages are told; `tab` names the one that knows already. */
static json_t *told_of(const struct call *c, const char *what, const char *id, const json_t *tab) {
    json_t *told =
        json_pack("{s:s,s:s,s:s,s:s}", "t", "desk", "what", what, "id", id, "agent", c->actor.name);
    if (json_is_string(tab))
        json_object_set(told, "tab", (json_t *)tab);
    return told;
}

/* --- how many -------------------------------------------------------------------------------- */

static const char *const plain[] = {"open", "unassigned", "mine", "mentions", "snoozed", "closed"};

/* The question that a saved view is; strings are the view's. */
static struct store_query question_of(const struct call *c, const json_t *view) {
    return (struct store_query){.view = text_of(view, "view"),
        .agent = c->actor.name,
        .channel = text_of(view, "channel"),
        .assignee = text_of(view, "assignee"),
        .label = text_of(view, "label")};
}

static void on_tally(void *arg, const int64_t *n, const struct err *err) {
    struct call *c = arg;
    size_t i = ARRAY_LEN(plain);
    const char *id;
    json_t *view, *counts = json_object(), *views = json_object();
    if (err) {
        json_decref(counts);
        json_decref(views);
        call_err(c, err);
        return;
    }
    for (size_t k = 0; k < ARRAY_LEN(plain); k++)
        json_object_set_new(counts, plain[k], json_integer(n[k]));
    json_object_foreach(c->keep, id, view) {
        if (i < STORE_TALLIES_MAX)
            json_object_set_new(views, id, json_integer(n[i++]));
    }
    call_ok(c, 200, json_pack("{s:o,s:o}", "counts", counts, "views", views));
}

static bool sees_all(const struct call *c) {
    return c->actor.role != ROLE_AGENT || users_see_all(c->api->users);
}

/* keep: the views, whose teams are replaced by their members; of a team that is gone, nobody. */
static void count_views(struct call *c, const json_t *teams) {
    struct store_query q[STORE_TALLIES_MAX];
    size_t n = 0;
    const char *id;
    json_t *view;
    json_object_foreach(c->keep, id, view) {
        struct err err;
        const char *who = text_of(view, "assignee");
        char *members = api_is_team(who) ? api_team_members(teams, who, &err) : NULL;
        if (api_is_team(who))
            json_object_set_new(view, "assignee", json_string(members ? members : " "));
        free(members);
    }
    for (size_t i = 0; i < ARRAY_LEN(plain); i++)
        q[n++] = (struct store_query){.view = plain[i], .agent = c->actor.name};
    json_object_foreach(c->keep, id, view) {
        if (n < STORE_TALLIES_MAX)
            q[n++] = question_of(c, view);
    }
    store_tally(c->api->store, q, n, sees_all(c), on_tally, c);
}

static void on_teams(void *arg, json_t *result, const struct err *err) {
    struct call *c = arg;
    if (err)
        call_err(c, err);
    else
        count_views(c, json_object_get(result, "things"));
}

static void on_views_to_count(void *arg, json_t *result, const struct err *err) {
    struct call *c = arg;
    const char *id;
    json_t *view;
    bool has_team = false;
    if (err) {
        call_err(c, err);
        return;
    }
    c->keep = json_deep_copy(json_object_get(result, "things"));
    json_object_foreach(c->keep, id, view) {
        has_team = has_team || api_is_team(text_of(view, "assignee"));
    }
    if (has_team)
        store_shelf(c->api->store, "teams", on_teams, c);
    else
        count_views(c, NULL);
}

void api_own_shelf(struct call *c, const char *kind, store_json_fn fn) {
    char name[96];
    snprintf(name, sizeof name, "%s:%s", kind, c->actor.name);
    store_shelf(c->api->store, name, fn, c);
}

static void counts(struct call *c) {
    api_own_shelf(c, "views", on_views_to_count);
}

HANDLER(api_counts) {
    api_begin(api, x, SCOPE_READ, ROLE_AGENT, counts);
}

/* --- saved views ----------------------------------------------------------------------------- */

static void on_views(void *arg, json_t *result, const struct err *err) {
    struct call *c = arg;
    if (err)
        call_err(c, err);
    else
        call_ok(c, 200,
            json_pack("{s:o}", "views", api_things(json_object_get(result, "things"), "id")));
}

static void views_list(struct call *c) {
    api_own_shelf(c, "views", on_views);
}

HANDLER(api_views_list) {
    api_begin(api, x, SCOPE_READ, ROLE_AGENT, views_list);
}

static int check_view(const json_t *view, struct err *err) {
    static const char *const known[] = {"open", "mine", "unassigned", "snoozed", "closed", "all"};
    const char *name = text_of(view, "view");
    bool good = false;
    if (api_check_text(view, "name", NAME_MAX_CHARS, true, err) < 0 ||
        api_check_text(view, "channel", 64, false, err) < 0 ||
        api_check_text(view, "assignee", 64, false, err) < 0 ||
        api_check_text(view, "label", 64, false, err) < 0)
        return -1;
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        good = good || (name && strcmp(name, known[i]) == 0);
    if (!good)
        return err_set(
            err, ERR_INVALID, "view must be open, mine, unassigned, snoozed, closed or all");
    if (json_string_length(json_object_get(view, "label")) > 64)
        return err_set(err, ERR_INVALID, "label is longer than 64 bytes");
    return 0;
}

/* Keys that say nothing are as good as absent. */
static void drop_empty(json_t *o) {
    const char *key;
    json_t *v;
    void *next;
    json_object_foreach_safe(o, next, key, v) {
        if (json_is_null(v) || (json_is_string(v) && json_string_length(v) == 0))
            json_object_del(o, key);
    }
}

void api_own_shelf_put(struct call *c, const char *kind, const struct store_shelf_put *what,
    const json_t *tab, store_json_fn fn) {
    char shelf[96];
    json_t *told = told_of(c, kind, what->id, tab);
    struct store_shelf_put put = *what;
    snprintf(shelf, sizeof shelf, "%s:%s", kind, c->actor.name);
    put.shelf = shelf;
    put.told = told;
    store_shelf_put(c->api->store, &put, fn, c);
    json_decref(told);
}

static void put(struct call *c, const char *kind, const char *id, json_t *thing, unsigned max,
    const json_t *tab, store_json_fn fn) {
    api_own_shelf_put(c, kind,
        &(struct store_shelf_put){.id = id, .thing = thing, .expected = -1, .max = max}, tab, fn);
}

static void on_view_put(void *arg, json_t *result, const struct err *err) {
    struct call *c = arg;
    if (err) {
        call_err(c, err);
        return;
    }
    json_t *view = json_copy(c->keep);
    json_object_set_new(view, "id", json_string(c->text));
    json_object_set(view, "rev", json_object_get(result, "rev"));
    call_ok(c, (int)c->number, json_pack("{s:o}", "view", view));
}

static void views_post(struct call *c) {
    static const char *const known[] = {"name", "view", "channel", "assignee", "label", NULL};
    json_t *body = call_body(c, known);
    struct err err;
    char id[ID_SIZE];
    if (!body)
        return;
    drop_empty(body);
    c->keep = body;
    if (check_view(body, &err) < 0) {
        call_err(c, &err);
        return;
    }
    id_make(0, id);
    c->text = mem_strdup(id);
    c->number = 201;
    put(c, "views", c->text, body, VIEWS_MAX, NULL, on_view_put);
}

HANDLER(api_views_post) {
    api_begin(api, x, SCOPE_WRITE, ROLE_AGENT, views_post);
}

/* rev: as it was when the agent saw it last; his other pages may have changed it. */
static void views_put(struct call *c) {
    static const char *const known[] = {
        "name", "view", "channel", "assignee", "label", "rev", NULL};
    const char *id = call_id(c, "id");
    json_t *body = id ? call_body(c, known) : NULL;
    struct err err;
    if (!body)
        return;
    drop_empty(body);
    c->keep = body;
    json_int_t rev = json_integer_value(json_object_get(body, "rev"));
    json_object_del(body, "rev");
    if (rev < 1) {
        call_fail(c, ERR_INVALID, "rev must be the number that the view had when it was read");
    } else if (check_view(body, &err) < 0) {
        call_err(c, &err);
    } else {
        c->text = mem_strdup(id);
        c->number = 200;
        api_own_shelf_put(c, "views",
            &(struct store_shelf_put){
                .id = c->text, .thing = body, .expected = rev, .max = VIEWS_MAX},
            NULL, on_view_put);
    }
}

HANDLER(api_views_put) {
    api_begin(api, x, SCOPE_WRITE, ROLE_AGENT, views_put);
}

static void on_gone(void *arg, json_t *result, const struct err *err) {
    (void)result;
    call_on_done(arg, err);
}

static void views_delete(struct call *c) {
    const char *id = call_id(c, "id");
    if (id)
        put(c, "views", id, NULL, VIEWS_MAX, NULL, on_gone);
}

HANDLER(api_views_delete) {
    api_begin(api, x, SCOPE_WRITE, ROLE_AGENT, views_delete);
}

/* --- drafts ---------------------------------------------------------------------------------- */

static void on_drafts(void *arg, json_t *result, const struct err *err) {
    struct call *c = arg;
    if (err)
        call_err(c, err);
    else
        call_ok(c, 200,
            json_pack("{s:o}", "drafts", api_things(json_object_get(result, "things"), "thread")));
}

static void drafts_list(struct call *c) {
    api_own_shelf(c, "drafts", on_drafts);
}

HANDLER(api_drafts_list) {
    api_begin(api, x, SCOPE_READ, ROLE_AGENT, drafts_list);
}

/* One that was not there is gone as well. */
static void on_draft_put(void *arg, json_t *result, const struct err *err) {
    (void)result;
    call_on_done(arg, err && err->code == ERR_NOT_FOUND ? NULL : err);
}

static void draft_put(struct call *c) {
    char at[CLOCK_TEXT_SIZE];
    json_t *body = c->subject, *tab = json_object_get(body, "tab");
    const char *text = text_of(body, "text"), *html = text_of(body, "html");
    json_t *thing = NULL;
    if ((text && *text) || (html && *html)) {
        thing = json_pack("{s:s,s:b,s:s}", "text", text ? text : "", "note",
            json_is_true(json_object_get(body, "note")), "at", clock_format(clock_ms(), at));
        if (html && *html)
            json_object_set_new(thing, "html", json_string(html));
        if (tab)
            json_object_set(thing, "tab", tab);
    }
    put(c, "drafts", http_path_arg(c->x, "id"), thing, DRAFTS_MAX, tab, on_draft_put);
    json_decref(thing);
}

static void drafts_put(struct call *c) {
    static const char *const known[] = {"text", "html", "note", "tab", NULL};
    const char *id = call_id(c, "id");
    json_t *body = id ? call_body(c, known) : NULL;
    struct err err;
    if (!body)
        return;
    c->subject = body;
    const json_t *note = json_object_get(body, "note");
    if (api_check_text(body, "text", DRAFT_TEXT_MAX, false, &err) < 0 ||
        api_check_text(body, "html", DRAFT_HTML_MAX, false, &err) < 0 ||
        api_check_text(body, "tab", 40, false, &err) < 0)
        call_err(c, &err);
    else if (note && !json_is_boolean(note))
        call_fail(c, ERR_INVALID, "note must be true or false");
    else
        call_with_thread(c, id, draft_put);
}

HANDLER(api_drafts_put) {
    api_begin(api, x, SCOPE_WRITE, ROLE_AGENT, drafts_put);
}
