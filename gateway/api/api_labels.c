/* api_labels.c - labels: which there are, for an agent's choices; all of them for admins, who
 * rename, merge and remove them. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "api/api_private.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "store/store_desk.h"

#define LABEL_MAX 64 /* bytes */

/* Who sees not all threads sees the labels of those that he sees. */
static void labels(struct call *c) {
    bool sees_all = c->actor.role != ROLE_AGENT || users_see_all(c->api->users);
    store_labels(c->api->store, sees_all ? NULL : c->actor.name, call_on_json, c);
}

HANDLER(api_labels) {
    api_begin(api, x, SCOPE_READ, ROLE_AGENT, labels);
}

/* --- all of them, by name -------------------------------------------------------------------- */

/* number: the limit. After ?cursor=, those with ?q= in them (letters of ASCII in any case). */
static void on_all(void *arg, json_t *result, const struct err *err) {
    struct call *c = arg;
    const char *q = http_query(c->x, "q"), *after = http_query(c->x, "cursor");
    size_t i;
    json_t *row;
    const char *last = NULL;
    if (err) {
        call_err(c, err);
        return;
    }
    json_t *page = json_array(), *next = json_null();
    json_array_foreach(json_object_get(result, "labels"), i, row) {
        const char *name = json_string_value(json_object_get(row, "label"));
        if ((after && strcmp(name, after) <= 0) || (q && *q && !strcasestr(name, q)))
            continue;
        if ((int64_t)json_array_size(page) == c->number) {
            next = json_string(last);
            break;
        }
        json_array_append(page, row);
        last = name;
    }
    call_ok(c, 200, json_pack("{s:o,s:o}", "labels", page, "next", next));
}

static void labels_all(struct call *c) {
    int limit = call_limit(c);
    if (limit < 0)
        return;
    c->number = limit;
    store_labels_all(c->api->store, on_all, c);
}

HANDLER(api_labels_all) {
    api_begin(api, x, SCOPE_ADMIN, ROLE_ADMIN, labels_all);
}

/* --- renamed, merged, removed ---------------------------------------------------------------- */

static int check_label(const json_t *body, const char *key, struct err *err) {
    const json_t *v = json_object_get(body, key);
    size_t n = json_string_length(v);
    if (!json_is_string(v) || n == 0 || n > LABEL_MAX || !utf8_is_text(json_string_value(v), n))
        return err_set(err, ERR_INVALID, "%s must be text of 1 to %d bytes", key, LABEL_MAX);
    return 0;
}

/* keep: what was asked for; subject: what became of rules; number: threads. What was done until an
 * error stays: the same request goes on. */
static void relabelled(struct call *c, int64_t views, const struct err *err) {
    const json_t *to = json_object_get(c->keep, "to");
    bool named = json_integer_value(json_object_get(c->subject, "rules")) ||
                 json_array_size(json_object_get(c->subject, "unchanged"));
    json_t *done = json_pack("{s:I,s:I}", "threads", (json_int_t)c->number, "views", views);
    json_object_update(done, c->subject);
    json_t *detail = json_copy(done);
    json_object_del(detail, "unchanged");
    if (to)
        json_object_set(detail, "to", (json_t *)to);
    call_note(c, to ? "label.renamed" : "label.removed",
        json_string_value(json_object_get(c->keep, "label")), detail);
    if (err)
        call_err(c, err);
    else if (c->number == 0 && views == 0 && !named)
        call_fail(c, ERR_NOT_FOUND, "no thread has this label");
    else
        call_ok(c, 200, json_incref(done));
    json_decref(done);
}

static void on_views(void *arg, int64_t n, const struct err *err) {
    relabelled(arg, n, err);
}

static void on_relabelled(void *arg, int64_t n, const struct err *err) {
    struct call *c = arg;
    c->number = n;
    if (err)
        relabelled(c, 0, err);
    else
        store_relabel_views(c->api->store, json_string_value(json_object_get(c->keep, "label")),
            json_string_value(json_object_get(c->keep, "to")), on_views, c);
}

/* Rules come first: one that goes on adding the old label would bring it back. */
static void on_rules(void *arg, json_t *result, const struct err *err) {
    struct call *c = arg;
    c->subject = json_incref(result);
    if (err)
        call_err(c, err);
    else
        store_relabel(c->api->store, json_string_value(json_object_get(c->keep, "label")),
            json_string_value(json_object_get(c->keep, "to")), on_relabelled, c);
}

static void labels_rename(struct call *c) {
    static const char *const known[] = {"label", "to", NULL};
    json_t *body = call_body(c, known);
    struct err err;
    if (!body)
        return;
    c->keep = body;
    const char *label = json_string_value(json_object_get(body, "label"));
    const char *to = json_string_value(json_object_get(body, "to"));
    if (check_label(body, "label", &err) < 0 || check_label(body, "to", &err) < 0)
        call_err(c, &err);
    else if (strcmp(label, to) == 0)
        call_fail(c, ERR_INVALID, "to is the label itself");
    else
        api_rules_relabel(c, label, to, on_rules, c);
}

HANDLER(api_labels_rename) {
    api_begin(api, x, SCOPE_ADMIN, ROLE_ADMIN, labels_rename);
}

static void labels_remove(struct call *c) {
    static const char *const known[] = {"label", NULL};
    json_t *body = call_body(c, known);
    struct err err;
    if (!body)
        return;
    c->keep = body;
    if (check_label(body, "label", &err) < 0)
        call_err(c, &err);
    else
        store_relabel(c->api->store, json_string_value(json_object_get(body, "label")), NULL,
            on_relabelled, c);
}

HANDLER(api_labels_remove) {
    api_begin(api, x, SCOPE_ADMIN, ROLE_ADMIN, labels_remove);
}
