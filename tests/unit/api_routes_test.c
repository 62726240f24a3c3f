/* api_routes_test.c - the routes of the server and openapi.json say the same, in both directions;
 * the documents are whole. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "api/api.h"
#include "base/mem.h"
#include "connectors/sitechat/sitechat_private.h"
#include "core/hooks.h"
#include "ui/assets.h"

static const struct http_route *const tables[] = {
    api_routes, hooks_routes, sitechat_media_routes, sitechat_page_routes};

static json_t *document(const char *name) {
    json_error_t where;
    const struct asset *a = asset_find(name);
    assert_non_null(a);
    json_t *doc = json_loadb((const char *)a->data, a->size, JSON_REJECT_DUPLICATES, &where);
    if (!doc)
        fail_msg("%s line %d: %s", name, where.line, where.text);
    return doc;
}

/* "/assets/{rest...}" is "/assets/{rest}" in the document. */
static void documented_path(const char *path, char out[128]) {
    const char *dots = strstr(path, "...}");
    size_t n = dots ? (size_t)(dots - path) : strlen(path);
    snprintf(out, 128, "%.*s%s", (int)n, path, dots ? "}" : "");
}

static bool served(const char *path, const char *method) {
    char name[128];
    for (size_t t = 0; t < ARRAY_LEN(tables); t++)
        for (const struct http_route *r = tables[t]; r->method; r++) {
            documented_path(r->path, name);
            if (strcmp(name, path) == 0 && strcasecmp(r->method, method) == 0)
                return true;
        }
    return false;
}

static void every_route_is_documented(void **state) {
    json_t *doc = document("openapi.json");
    (void)state;
    for (size_t t = 0; t < ARRAY_LEN(tables); t++)
        for (const struct http_route *r = tables[t]; r->method; r++) {
            char name[128], method[8] = "";
            documented_path(r->path, name);
            for (size_t i = 0; r->method[i] && i < sizeof method - 1; i++)
                method[i] = (char)(r->method[i] | 0x20);
            json_t *op =
                json_object_get(json_object_get(json_object_get(doc, "paths"), name), method);
            if (!op)
                fail_msg("%s %s is not in openapi.json", r->method, r->path);
        }
    json_decref(doc);
}

static void every_documented_operation_is_served(void **state) {
    json_t *doc = document("openapi.json"), *methods, *op;
    const char *path, *method;
    (void)state;
    json_object_foreach(json_object_get(doc, "paths"), path, methods) {
        json_object_foreach(methods, method, op) {
            if (!served(path, method))
                fail_msg("openapi.json has %s %s, the server has not", method, path);
            assert_non_null(json_object_get(op, "operationId"));
            assert_non_null(json_object_get(op, "responses"));
            assert_non_null(json_object_get(op, "security"));
        }
    }
    json_decref(doc);
}

/* Only these answer a stranger; everything else of the API asks who it is. */
static void open_operations_are_few(void **state) {
    static const char *const known[] = {"signIn", "openapi", "asyncapi", "alive", "ready", "inbox",
        "admin", "asset", "getHook", "postHook", "getHookRest", "postHookRest",
        "chatMediaPreflight", "getChatMedia", "mailPage", "mailPictures", "serviceWorker",
        "signInWays", "signInBy", "signInDone"};
    json_t *doc = document("openapi.json"), *methods, *op;
    const char *path, *method;
    (void)state;
    json_object_foreach(json_object_get(doc, "paths"), path, methods) {
        json_object_foreach(methods, method, op) {
            const char *id = json_string_value(json_object_get(op, "operationId"));
            size_t i = 0;
            if (json_array_size(json_object_get(op, "security")) || strncmp(id, "widget", 6) == 0)
                continue;
            while (i < ARRAY_LEN(known) && strcmp(known[i], id) != 0)
                i++;
            if (i == ARRAY_LEN(known))
                fail_msg("%s (%s %s) is open to everybody", id, method, path);
        }
    }
    json_decref(doc);
}

static void every_reference_leads_somewhere(
    const json_t *at, const json_t *own, const json_t *other) {
    const char *key;
    json_t *v;
    size_t i;
    json_array_foreach((json_t *)at, i, v) {
        every_reference_leads_somewhere(v, own, other);
    }
    json_object_foreach((json_t *)at, key, v) {
        if (strcmp(key, "$ref") != 0 || !json_is_string(v)) {
            every_reference_leads_somewhere(v, own, other);
            continue;
        }
        const char *ref = json_string_value(v), *p = strchr(ref, '#');
        const json_t *to = *ref == '#' ? own : other;
        char part[64];
        while (p && *++p) {
            size_t n = strcspn(p, "/");
            snprintf(part, sizeof part, "%.*s", (int)n, p);
            if (n)
                to = json_object_get(to, part);
            p += n;
            if (!*p)
                break;
        }
        if (!to)
            fail_msg("%s leads nowhere", ref);
    }
}

static void the_documents_are_whole(void **state) {
    json_t *open = document("openapi.json"), *async = document("asyncapi.json");
    (void)state;
    assert_string_equal(json_string_value(json_object_get(open, "openapi")), "3.1.0");
    assert_string_equal(json_string_value(json_object_get(async, "asyncapi")), "2.6.0");
    every_reference_leads_somewhere(open, open, NULL);
    every_reference_leads_somewhere(async, async, open);
    assert_non_null(json_object_get(json_object_get(async, "channels"), "/ws/agent"));
    assert_non_null(json_object_get(json_object_get(async, "channels"), "/ws/visitor"));
    json_decref(open);
    json_decref(async);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_route_is_documented),
        cmocka_unit_test(every_documented_operation_is_served),
        cmocka_unit_test(open_operations_are_few),
        cmocka_unit_test(the_documents_are_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
