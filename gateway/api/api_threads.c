/* api_threads.c - threads and their messages. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/api_private.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "store/store_desk.h"

#define QUERY_MAX 200 /* characters of a search */

/* --- lists ----------------------------------------------------------------------------------- */

/* Leaves out what the actor may not see (agents { see = "assigned" }). */
static void on_list(void *arg, json_t *result, const struct err *err) {
    struct call *c = arg;
    size_t i;
    json_t *t;
    if (err) {
        call_err(c, err);
        return;
    }
    json_t *seen = json_array();
    json_array_foreach(json_object_get(result, "threads"), i, t) {
        if (users_may_see(c->api->users, &c->actor, t))
            json_array_append(seen, t);
    }
    call_ok(
        c, 200, json_pack("{s:o,s:O}", "threads", seen, "next", json_object_get(result, "next")));
}

/* --- search: hits from the CRM store, each with its thread as it is now ---------------------- */

static bool is_text(const json_t *v, const char *wanted) {
    return !wanted || !*wanted || (json_is_string(v) && strcmp(json_string_value(v), wanted) == 0);
}

/* Whose threads are asked for: a name, or those of a team, which are in c->text. */
static const char *assignee_of(const struct call *c) {
    return c->text ? c->text : http_query(c->x, "assignee");
}

/* Is it of those that are asked for besides the words? */
static bool is_asked_for(const struct call *c, const json_t *thread) {
    const char *view = http_query(c->x, "view"), *label = http_query(c->x, "label");
    const json_t *assignee = json_object_get(thread, "assignee");
    const json_t *state = json_object_get(thread, "state");
    bool mine = view && strcmp(view, "mine") == 0, has = !label || !*label;
    bool nobodys = view && strcmp(view, "unassigned") == 0;
    size_t i;
    json_t *one;
    if (view && strcmp(view, "all") == 0)
        view = NULL;
    json_array_foreach(json_object_get(thread, "labels"), i, one) {
        has = has || is_text(one, label);
    }
    return has && is_text(state, mine || nobodys ? "open" : view) &&
           (!mine || is_text(assignee, c->actor.name)) && (!nobodys || json_is_null(assignee)) &&
           is_text(json_object_get(thread, "channel"), http_query(c->x, "channel")) &&
           (!assignee_of(c) || (!*assignee_of(c) && !c->text) ||
               store_names_have(assignee_of(c), json_string_value(assignee)));
}

struct search {
    struct call *call;
    json_t *hits, *threads;
    size_t waiting;
};

struct search_thread {
    struct search *search;
    json_t *hit;
};

static void search_less(struct search *s) {
    if (--s->waiting)
        return;
    call_ok(s->call, 200, json_pack("{s:o,s:n}", "threads", s->threads, "next"));
    json_decref(s->hits);
    free(s);
}

static void on_search_thread(void *arg, json_t *result, const struct err *err) {
    struct search_thread *st = arg;
    struct search *s = st->search;
    json_t *thread = json_object_get(result, "thread");
    if (!err && users_may_see(s->call->api->users, &s->call->actor, thread) &&
        is_asked_for(s->call, thread)) {
        json_t *row = json_copy(thread);
        json_object_set_new(row, "match",
            json_pack("{s:O,s:O,s:O}", "message", json_object_get(st->hit, "message"), "seq",
                json_object_get(st->hit, "seq"), "snippet", json_object_get(st->hit, "snippet")));
        json_array_append_new(s->threads, row);
    }
    free(st);
    search_less(s);
}

static void on_hits(void *arg, const json_t *result, const struct err *err) {
    struct call *c = arg;
    size_t i;
    json_t *hit;
    if (err) {
        call_err(c, err);
        return;
    }
    struct search *s = mem_alloc(sizeof *s);
    *s = (struct search){c, json_incref(json_object_get(result, "hits")), json_array(), 1};
    json_array_foreach(s->hits, i, hit) {
        const char *thread = json_string_value(json_object_get(hit, "thread"));
        if (!thread)
            continue;
        struct search_thread *st = mem_alloc(sizeof *st);
        *st = (struct search_thread){s, hit};
        s->waiting++;
        store_thread(c->api->store, thread, on_search_thread, st);
    }
    search_less(s);
}

/* What stands there, NULL when it is nothing. */
static const char *filter(const struct call *c, const char *name) {
    const char *value = http_query(c->x, name);
    return value && *value ? value : NULL;
}

static bool has_filter(const struct call *c) {
    static const char *const names[] = {"view", "channel", "assignee", "label"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (filter(c, names[i]))
            return true;
    return false;
}

/* c->number: the limit. */
static void ask_threads(struct call *c) {
    const char *view = http_query(c->x, "view"), *q = http_query(c->x, "q");
    int64_t limit = c->number;
    if (q && *q) {
        if (!utf8_is_text(q, strlen(q)) || utf8_length(q, strlen(q)) > QUERY_MAX)
            call_fail(c, ERR_INVALID, "q must be text of at most %d characters", QUERY_MAX);
        else
            core_search(c->api->core, q, has_filter(c) ? PAGE_MAX : (unsigned)limit, on_hits, c);
        return;
    }
    struct store_query query = {.view = view && *view ? view : "open",
        .agent = c->actor.name,
        .channel = filter(c, "channel"),
        .assignee = c->text ? c->text : filter(c, "assignee"),
        .label = filter(c, "label"),
        .cursor = http_query(c->x, "cursor"),
        .limit = (unsigned)limit};
    store_threads(c->api->store, &query, on_list, c);
}

static void on_teams(void *arg, json_t *result, const struct err *err) {
    struct call *c = arg;
    struct err unknown;
    if (err) {
        call_err(c, err);
        return;
    }
    c->text =
        api_team_members(json_object_get(result, "things"), http_query(c->x, "assignee"), &unknown);
    if (c->text)
        ask_threads(c);
    else
        call_err(c, &unknown);
}

static void threads_list(struct call *c) {
    int limit = call_limit(c);
    if (limit < 0)
        return;
    c->number = limit;
    if (api_is_team(http_query(c->x, "assignee")))
        store_shelf(c->api->store, "teams", on_teams, c);
    else
        ask_threads(c);
}

HANDLER(api_threads_list) {
    api_begin(api, x, SCOPE_READ, ROLE_AGENT, threads_list);
}

/* --- one thread ------------------------------------------------------------------------------ */

static void show_thread(struct call *c) {
    call_ok(c, 200, json_incref(c->keep));
}

static void threads_get(struct call *c) {
    const char *id = call_id(c, "id");
    if (id)
        call_with_thread(c, id, show_thread);
}

HANDLER(api_threads_get) {
    api_begin(api, x, SCOPE_READ, ROLE_AGENT, threads_get);
}

static void show_deliveries(struct call *c) {
    core_on_card(c->api->core, http_path_arg(c->x, "id"), call_on_json, c);
}

static void threads_deliveries(struct call *c) {
    const char *id = call_id(c, "id");
    if (id)
        call_with_thread(c, id, show_deliveries);
}

HANDLER(api_threads_deliveries) {
    api_begin(api, x, SCOPE_READ, ROLE_AGENT, threads_deliveries);
}

static void threads_patch(struct call *c) {
    static const char *const known[] = {
        "id", "assignee", "state", "labels", "snooze_until", "blocked", "origin", NULL};
    const char *id = call_id(c, "id");
    json_t *body = id ? call_body(c, known) : NULL;
    if (!body)
        return;
    core_change(c->api->core, &c->actor, id, body, call_on_json, c);
    json_decref(body);
}

HANDLER(api_threads_patch) {
    api_begin(api, x, SCOPE_WRITE, ROLE_AGENT, threads_patch);
}

static void threads_read(struct call *c) {
    static const char *const known[] = {"seq", NULL};
    const char *id = call_id(c, "id");
    json_t *body = id ? call_body(c, known) : NULL;
    if (!body)
        return;
    const json_t *seq = json_object_get(body, "seq");
    if (!json_is_integer(seq) || json_integer_value(seq) < 0)
        call_fail(c, ERR_INVALID, "seq must be a number, 0 or more");
    else
        core_read(c->api->core, &c->actor, id, json_integer_value(seq), call_on_done, c);
    json_decref(body);
}

HANDLER(api_threads_read) {
    api_begin(api, x, SCOPE_WRITE, ROLE_AGENT, threads_read);
}

/* --- messages -------------------------------------------------------------------------------- */

/* {"messages","next"}: next is what to pass as before for older ones. */
static void on_messages(void *arg, json_t *list, const struct err *err) {
    struct call *c = arg;
    if (err) {
        call_err(c, err);
        return;
    }
    json_int_t first = json_integer_value(json_object_get(json_array_get(list, 0), "seq"));
    call_ok(c, 200,
        json_pack(
            "{s:O,s:o}", "messages", list, "next", first > 1 ? json_integer(first) : json_null()));
}

/* Redis has no more of them: the CRM store may. */
static void on_archive(void *arg, const json_t *result, const struct err *err) {
    struct call *c = arg;
    on_messages(c, err ? json_array() : json_object_get(result, "messages"), NULL);
}

static void on_recent(void *arg, json_t *list, const struct err *err) {
    struct call *c = arg;
    if (!err && json_array_size(list) == 0 && c->number > 1) {
        core_archive(
            c->api->core, http_path_arg(c->x, "id"), c->number, PAGE_DEFAULT, on_archive, c);
        return;
    }
    on_messages(c, list, err);
}

static void list_messages(struct call *c) {
    int64_t before = call_number(c, "before", -1), after = -1;
    if (before == -2)
        return;
    after = call_number(c, "after", -1);
    if (after == -2)
        return;
    int limit = call_limit(c);
    if (limit < 0)
        return;
    c->number = after < 0 ? before : -1;
    store_messages(c->api->store, http_path_arg(c->x, "id"), before, after, (unsigned)limit, false,
        on_recent, c);
}

static void messages_list(struct call *c) {
    const char *id = call_id(c, "id");
    if (id)
        call_with_thread(c, id, list_messages);
}

HANDLER(api_messages_list) {
    api_begin(api, x, SCOPE_READ, ROLE_AGENT, messages_list);
}

static void on_posted(void *arg, json_t *result, const struct err *err) {
    struct call *c = arg;
    if (err)
        call_err(c, err);
    else
        call_ok(c, json_is_true(json_object_get(result, "duplicate")) ? 200 : 202,
            json_pack("{s:O}", "message", json_object_get(result, "message")));
}

static void messages_post(struct call *c) {
    const char *id = call_id(c, "id");
    if (!id)
        return;
    json_t *body = http_body_json(c->x);
    if (!body) { /* it has answered */
        call_free(c);
        return;
    }
    core_send(c->api->core, &c->actor, id, body, on_posted, c);
    json_decref(body);
}

HANDLER(api_messages_post) {
    api_begin(api, x, SCOPE_WRITE, ROLE_AGENT, messages_post);
}
