/* api_shelf.c - what admins keep by id, and two of whom may change at once: a list, one more, a
 * change (by who has seen what is there), one less. What such a thing is, its kind says. */
#include <stdlib.h>
#include <string.h>

#include "api/api_private.h"
#include "base/clock.h"
#include "base/mem.h"
#include "store/store_desk.h"

#define KEYS_MAX 16
#define PATH "/api/v1/"

static const struct shelf_kind *const kinds[] = {&shelf_canned, &shelf_hours, &shelf_sla};

/* Whose the path is: "/api/v1/canned/...". */
static const struct shelf_kind *kind_of(struct http_exchange *x) {
    const char *name = http_path(x) + strlen(PATH);
    size_t n = strcspn(name, "/");
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (strlen(kinds[i]->name) == n && memcmp(kinds[i]->name, name, n) == 0)
            return kinds[i];
    return NULL;
}

static void begin(struct http_exchange *x, void *api, void (*handler)(struct call *c), bool read) {
    const struct shelf_kind *kind = kind_of(x);
    if (!kind)
        http_reply_problem(x, 404, "not_found", "there is no such path");
    else if (read)
        api_begin(api, x, SCOPE_READ, kind->reader, handler);
    else
        api_begin(api, x, SCOPE_ADMIN, ROLE_ADMIN, handler);
}

json_t *api_things(const json_t *things, const char *key) {
    json_t *list = json_array(), *thing;
    const char *id;
    json_object_foreach((json_t *)things, id, thing) {
        json_t *row = json_pack("{s:s}", key, id);
        json_object_update(row, thing);
        json_array_append_new(list, row);
    }
    return list;
}

static void on_list(void *arg, json_t *result, const struct err *err) {
    struct call *c = arg;
    if (err)
        call_err(c, err);
    else
        call_ok(c, 200,
            json_pack(
                "{s:o}", c->shelf->name, api_things(json_object_get(result, "things"), "id")));
}

static void shelf_list(struct call *c) {
    c->shelf = kind_of(c->x);
    store_shelf(c->api->store, c->shelf->name, on_list, c);
}

HANDLER(api_shelf_list) {
    begin(x, api, shelf_list, true);
}

static void on_put(void *arg, json_t *result, const struct err *err) {
    struct call *c = arg;
    if (err) {
        call_err(c, err);
        return;
    }
    json_t *thing = json_copy(c->keep);
    json_object_set_new(thing, "id", json_string(c->text));
    json_object_set(thing, "rev", json_object_get(result, "rev"));
    call_ok(c, c->number ? 200 : 201, json_pack("{s:o}", c->shelf->one, thing));
}

/* Of the log: "canned.added", and what the thing is called. */
static void note(struct call *c, const char *did, const json_t *thing) {
    const char *called = json_string_value(json_object_get(thing, "shortcut"));
    const char *name = json_string_value(json_object_get(thing, "name"));
    char *what = mem_printf("%s.%s", c->shelf->name, did);
    call_note(c, what, called ? called : name ? name : c->text, NULL);
    free(what);
}

/* All workers and all pages are told. */
static void put(struct call *c, const json_t *thing, int64_t expected, store_json_fn fn) {
    json_t *told = json_pack("{s:s,s:s,s:s}", "t", "desk", "what", c->shelf->name, "id", c->text);
    store_shelf_put(c->api->store,
        &(struct store_shelf_put){.shelf = c->shelf->name,
            .id = c->text,
            .thing = thing,
            .expected = expected,
            .max = c->shelf->max,
            .told = told},
        fn, c);
    json_decref(told);
}

static void on_others(void *arg, json_t *result, const struct err *err) {
    struct call *c = arg;
    const json_t *others = json_object_get(result, "things");
    struct err bad;
    if (err)
        call_err(c, err);
    else if (c->number && !json_object_get(others, c->text))
        call_fail(c, ERR_NOT_FOUND, "there is nothing with this id");
    else if (c->shelf->agrees(c->keep, c->text, others, &bad) < 0)
        call_err(c, &bad);
    else
        put(c, c->keep, c->number, on_put);
}

/* The body is as its kind wants it; number: the revision that its sender has seen, 0 none. */
static void keep(struct call *c, const json_t *body) {
    char at[CLOCK_TEXT_SIZE];
    note(c, c->number ? "changed" : "added", body);
    c->keep = json_copy((json_t *)body);
    json_object_del(c->keep, "rev");
    json_object_set_new(c->keep, "by", json_string(c->actor.name));
    json_object_set_new(c->keep, "at", json_string(clock_format(clock_ms(), at)));
    if (c->shelf->agrees)
        store_shelf(c->api->store, c->shelf->name, on_others, c);
    else
        put(c, c->keep, c->number, on_put);
}

static json_t *body_of(struct call *c, const char *more) {
    const char *known[KEYS_MAX];
    size_t n = 0;
    while (c->shelf->keys[n] && n < KEYS_MAX - 2) {
        known[n] = c->shelf->keys[n];
        n++;
    }
    known[n++] = more;
    known[n] = NULL;
    return call_body(c, known);
}

static void shelf_post(struct call *c) {
    c->shelf = kind_of(c->x);
    json_t *body = body_of(c, NULL);
    struct err err;
    char id[ID_SIZE];
    if (!body)
        return;
    if (c->shelf->check(body, &err) < 0) {
        call_err(c, &err);
    } else {
        id_make(0, id);
        c->text = mem_strdup(id);
        keep(c, body);
    }
    json_decref(body);
}

HANDLER(api_shelf_post) {
    begin(x, api, shelf_post, false);
}

/* rev: as it was when the admin began; two who save at once lose nothing. */
static void shelf_put(struct call *c) {
    c->shelf = kind_of(c->x);
    json_t *body = call_take_id(c) ? body_of(c, "rev") : NULL;
    const json_t *rev = json_object_get(body, "rev");
    struct err err;
    if (!body)
        return;
    if (c->shelf->check(body, &err) < 0) {
        call_err(c, &err);
    } else if (!json_is_integer(rev) || json_integer_value(rev) < 1) {
        call_fail(c, ERR_INVALID, "rev must be the number that it had when it was read");
    } else {
        c->number = json_integer_value(rev);
        keep(c, body);
    }
    json_decref(body);
}

HANDLER(api_shelf_put) {
    begin(x, api, shelf_put, false);
}

static void on_gone(void *arg, json_t *result, const struct err *err) {
    (void)result;
    call_on_done(arg, err);
}

static void shelf_delete(struct call *c) {
    c->shelf = kind_of(c->x);
    if (!call_take_id(c))
        return;
    note(c, "removed", NULL);
    put(c, NULL, -1, on_gone);
}

HANDLER(api_shelf_delete) {
    begin(x, api, shelf_delete, false);
}
