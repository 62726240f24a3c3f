/* api_canned.c - canned answers: texts that admins keep and agents use. What their placeholders
 * stand for the page fills in; here they are only known to be such. */
#include <stdlib.h>
#include <string.h>

#include "api/api_private.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "store/store_desk.h"

#define CANNED_MAX 1000
#define SHORTCUT_MAX 32
#define TITLE_MAX 100
#define TEXT_MAX 10000

static const char *const placeholders[] = {
    "client.name", "client.first_name", "client.phone", "client.email", "agent.name", "channel"};

static bool is_placeholder(const char *name, size_t n) {
    for (size_t i = 0; i < ARRAY_LEN(placeholders); i++)
        if (strlen(placeholders[i]) == n && memcmp(placeholders[i], name, n) == 0)
            return true;
    return false;
}

/* A typing error in one would be sent to clients as it stands. */
static int check_placeholders(const char *text, struct err *err) {
    for (const char *at = strstr(text, "{{"); at; at = strstr(at, "{{")) {
        const char *end = strstr(at, "}}");
        if (!end || !is_placeholder(at + 2, (size_t)(end - at - 2)))
            return err_set(err, ERR_INVALID,
                "\"%.*s\" is no placeholder; known are {{client.name}}, {{client.first_name}}, "
                "{{client.phone}}, {{client.email}}, {{agent.name}} and {{channel}}",
                (int)utf8_prefix(at, strlen(at), 24), at);
        at = end + 2;
    }
    return 0;
}

static int check_canned(const json_t *body, struct err *err) {
    const json_t *shortcut = json_object_get(body, "shortcut");
    const char *text = json_string_value(json_object_get(body, "text"));
    if (api_check_text(body, "shortcut", SHORTCUT_MAX, true, err) < 0 ||
        api_check_text(body, "title", TITLE_MAX, false, err) < 0 ||
        api_check_text(body, "text", TEXT_MAX, true, err) < 0)
        return -1;
    if (!utf8_is_word(json_string_value(shortcut), json_string_length(shortcut)) ||
        strpbrk(json_string_value(shortcut), " /"))
        return err_set(err, ERR_INVALID, "shortcut must be one word without \"/\"");
    return check_placeholders(text, err);
}

static void on_list(void *arg, json_t *result, const struct err *err) {
    struct call *c = arg;
    if (err)
        call_err(c, err);
    else
        call_ok(c, 200,
            json_pack("{s:o}", "canned", api_things(json_object_get(result, "things"), "id")));
}

static void canned_list(struct call *c) {
    store_shelf(c->api->store, "canned", on_list, c);
}

HANDLER(api_canned_list) {
    api_begin(api, x, SCOPE_READ, ROLE_AGENT, canned_list);
}

static void on_put(void *arg, json_t *result, const struct err *err) {
    struct call *c = arg;
    if (err) {
        call_err(c, err);
        return;
    }
    json_t *canned = json_copy(c->keep);
    json_object_set_new(canned, "id", json_string(c->text));
    json_object_set(canned, "rev", json_object_get(result, "rev"));
    call_ok(c, (int)c->number, json_pack("{s:o}", "canned", canned));
}

static void put(struct call *c, const json_t *thing, int64_t expected, store_json_fn fn) {
    json_t *told = api_told(c, "canned", c->text, NULL);
    store_shelf_put(c->api->store,
        &(struct store_shelf_put){.shelf = "canned",
            .id = c->text,
            .thing = thing,
            .expected = expected,
            .max = CANNED_MAX,
            .told = told},
        fn, c);
    json_decref(told);
}

/* What is kept of the body, which was checked. */
static void take(struct call *c, const json_t *body) {
    char at[CLOCK_TEXT_SIZE];
    const char *title = json_string_value(json_object_get(body, "title"));
    c->keep = json_pack("{s:O,s:s,s:O,s:s,s:s}", "shortcut", json_object_get(body, "shortcut"),
        "title", title ? title : "", "text", json_object_get(body, "text"), "by", c->actor.name,
        "at", clock_format(clock_ms(), at));
}

static void canned_post(struct call *c) {
    static const char *const known[] = {"shortcut", "title", "text", NULL};
    json_t *body = call_body(c, known);
    struct err err;
    char id[ID_SIZE];
    if (!body)
        return;
    if (check_canned(body, &err) < 0) {
        call_err(c, &err);
    } else {
        id_make(0, id);
        take(c, body);
        c->text = mem_strdup(id);
        c->number = 201;
        put(c, c->keep, 0, on_put);
    }
    json_decref(body);
}

HANDLER(api_canned_post) {
    api_begin(api, x, SCOPE_ADMIN, ROLE_ADMIN, canned_post);
}

static bool take_id(struct call *c) {
    const char *id = http_path_arg(c->x, "id");
    if (!id_is_valid(id)) {
        call_fail(c, ERR_NOT_FOUND, "there is nothing with this id");
        return false;
    }
    c->text = mem_strdup(id);
    return true;
}

/* rev: as it was when the admin began; two who save at once lose nothing. */
static void canned_put(struct call *c) {
    static const char *const known[] = {"shortcut", "title", "text", "rev", NULL};
    json_t *body = take_id(c) ? call_body(c, known) : NULL;
    const json_t *rev = json_object_get(body, "rev");
    struct err err;
    if (!body)
        return;
    if (check_canned(body, &err) < 0) {
        call_err(c, &err);
    } else if (!json_is_integer(rev) || json_integer_value(rev) < 1) {
        call_fail(c, ERR_INVALID, "rev must be the number that the text had when it was read");
    } else {
        take(c, body);
        c->number = 200;
        put(c, c->keep, json_integer_value(rev), on_put);
    }
    json_decref(body);
}

HANDLER(api_canned_put) {
    api_begin(api, x, SCOPE_ADMIN, ROLE_ADMIN, canned_put);
}

static void on_gone(void *arg, json_t *result, const struct err *err) {
    (void)result;
    call_on_done(arg, err);
}

static void canned_delete(struct call *c) {
    if (take_id(c))
        put(c, NULL, -1, on_gone);
}

HANDLER(api_canned_delete) {
    api_begin(api, x, SCOPE_ADMIN, ROLE_ADMIN, canned_delete);
}
