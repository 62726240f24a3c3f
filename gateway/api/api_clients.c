/* api_clients.c - clients: who they are, their cards, and two who are one. */
#include <stdlib.h>
#include <string.h>

#include "api/api_private.h"
#include "base/mem.h"
#include "store/store_back.h"

/* --- may he see this client? As much as the client's thread ---------------------------------- */

struct knowing {
    struct call *call;
    void (*then)(struct call *c);
};

static void on_known(void *arg, json_t *result, const struct err *err) {
    struct knowing k = *(struct knowing *)arg;
    const char *thread =
        json_string_value(json_object_get(json_object_get(result, "client"), "thread"));
    free(arg);
    if (err) {
        call_err(k.call, err);
        return;
    }
    json_decref(k.call->subject);
    k.call->subject = json_incref(result);
    if (thread)
        call_with_thread(k.call, thread, k.then);
    else
        k.then(k.call);
}

void call_with_client(struct call *c, const char *id, void (*then)(struct call *c)) {
    struct knowing *k = mem_alloc(sizeof *k);
    *k = (struct knowing){c, then};
    store_client(c->api->store, id, on_known, k);
}

/* --- one client ------------------------------------------------------------------------------ */

static void on_cards(void *arg, const json_t *result, const struct err *err) {
    struct call *c = arg;
    if (!err)
        json_object_set(
            json_object_get(c->subject, "client"), "card", json_object_get(result, "cards"));
    call_ok(c, 200, json_incref(c->subject));
}

static void show_client(struct call *c) {
    core_cards(c->api->core, json_object_get(c->subject, "client"), on_cards, c);
}

static void clients_get(struct call *c) {
    const char *id = call_id(c, "id");
    if (id)
        call_with_client(c, id, show_client);
}

HANDLER(api_clients_get) {
    api_begin(api, x, SCOPE_READ, ROLE_AGENT, clients_get);
}

static void change_client(struct call *c) {
    static const char *const known[] = {"name", "phone", "email", "note", "origin", NULL};
    json_t *body = call_body(c, known);
    struct err err;
    if (!body)
        return;
    json_t *origin = json_incref(json_object_get(body, "origin"));
    json_object_del(body, "origin");
    if (origin && core_check_origin(c->api->core, &c->actor, origin, &err) < 0)
        call_err(c, &err);
    else
        store_client_update(c->api->store, http_path_arg(c->x, "id"), body,
            json_string_value(json_object_get(origin, "target")), call_on_json, c);
    json_decref(origin);
    json_decref(body);
}

static void clients_patch(struct call *c) {
    const char *id = call_id(c, "id");
    if (id)
        call_with_client(c, id, change_client);
}

HANDLER(api_clients_patch) {
    api_begin(api, x, SCOPE_WRITE, ROLE_AGENT, clients_patch);
}

/* --- whose card ------------------------------------------------------------------------------ */

static void on_owner(void *arg, json_t *result, const struct err *err) {
    struct call *c = arg;
    if (err)
        call_err(c, err);
    else if (!users_may_see(c->api->users, &c->actor, json_object_get(result, "thread")))
        call_fail(c, ERR_NOT_FOUND, "there is no such card");
    else
        call_ok(c, 200, json_incref(result));
}

static void on_card_owner(void *arg, const struct store_lookup *r, const struct err *err) {
    struct call *c = arg;
    if (err)
        call_err(c, err);
    else if (!r->thread[0])
        call_fail(c, ERR_NOT_FOUND, "there is no such card");
    else
        store_thread(c->api->store, r->thread, on_owner, c);
}

static void card_owner(struct call *c) {
    store_find_card(c->api->store, http_path_arg(c->x, "target"), http_path_arg(c->x, "rest"),
        on_card_owner, c);
}

HANDLER(api_card_owner) {
    api_begin(api, x, SCOPE_READ, ROLE_AGENT, card_owner);
}

/* --- two are one ----------------------------------------------------------------------------- */

static void merge(struct call *c) {
    call_note(c, "client.merged", http_path_arg(c->x, "id"), json_pack("{s:s}", "from", c->text));
    store_merge(c->api->store, c->text, http_path_arg(c->x, "id"), c->actor.name, call_on_json, c);
}

/* He sees the one; and the other? */
static void merge_from(struct call *c) {
    call_with_client(c, c->text, merge);
}

/* Whom the body names: he is in c->text then. */
static void with_from(struct call *c, const char *meant, void (*then)(struct call *c)) {
    static const char *const known[] = {"from", NULL};
    const char *id = call_id(c, "id");
    json_t *body = id ? call_body(c, known) : NULL;
    if (!body)
        return;
    const char *from = json_string_value(json_object_get(body, "from"));
    if (!id_is_valid(from)) {
        call_fail(c, ERR_INVALID, "from must be the id of the client that %s", meant);
    } else if (strcmp(from, id) == 0) {
        call_fail(c, ERR_INVALID, "from is this client itself");
    } else {
        c->text = mem_strdup(from);
        call_with_client(c, id, then);
    }
    json_decref(body);
}

static void clients_merge(struct call *c) {
    with_from(c, "becomes part of this one", merge_from);
}

HANDLER(api_clients_merge) {
    api_begin(api, x, SCOPE_WRITE, ROLE_AGENT, clients_merge);
}

/* --- and two again --------------------------------------------------------------------------- */

static void unmerge(struct call *c) {
    call_note(c, "client.unmerged", http_path_arg(c->x, "id"), json_pack("{s:s}", "from", c->text));
    store_unmerge(
        c->api->store, c->text, http_path_arg(c->x, "id"), c->actor.name, call_on_json, c);
}

static void clients_unmerge(struct call *c) {
    with_from(c, "became part of this one", unmerge);
}

HANDLER(api_clients_unmerge) {
    api_begin(api, x, SCOPE_WRITE, ROLE_AGENT, clients_unmerge);
}

/* --- who may be the same --------------------------------------------------------------------- */

static void on_suggestions(void *arg, json_t *result, const struct err *err) {
    struct call *c = arg;
    json_t *list = json_array(), *one;
    size_t i;
    if (err) {
        json_decref(list);
        call_err(c, err);
        return;
    }
    json_array_foreach(json_object_get(result, "suggestions"), i, one) {
        const json_t *client = json_object_get(one, "client"),
                     *thread = json_object_get(one, "thread");
        if (users_may_see(c->api->users, &c->actor, thread))
            json_array_append_new(list,
                json_pack("{s:{s:O,s:O},s:O,s:O,s:O}", "client", "id",
                    json_object_get(client, "id"), "name", json_object_get(client, "name"),
                    "thread", json_object_get(thread, "id"), "kind", json_object_get(one, "kind"),
                    "address", json_object_get(one, "address")));
    }
    call_ok(c, 200, json_pack("{s:o}", "suggestions", list));
}

static void suggestions(struct call *c) {
    store_suggestions(c->api->store, http_path_arg(c->x, "id"), on_suggestions, c);
}

static void clients_suggestions(struct call *c) {
    const char *id = call_id(c, "id");
    if (id)
        call_with_client(c, id, suggestions);
}

HANDLER(api_clients_suggestions) {
    api_begin(api, x, SCOPE_READ, ROLE_AGENT, clients_suggestions);
}

/* --- they are two ---------------------------------------------------------------------------- */

static void on_to_dismiss(void *arg, json_t *result, const struct err *err) {
    struct call *c = arg;
    const char *id = http_path_arg(c->x, "id"), *other = http_path_arg(c->x, "other");
    const json_t *found = NULL;
    json_t *one;
    size_t i;
    if (err) {
        call_err(c, err);
        return;
    }
    json_array_foreach(json_object_get(result, "suggestions"), i, one) {
        const json_t *client = json_object_get(one, "client");
        if (strcmp(json_string_value(json_object_get(client, "id")), other) == 0 &&
            users_may_see(c->api->users, &c->actor, json_object_get(one, "thread")))
            found = one;
    }
    if (!found) {
        call_fail(c, ERR_NOT_FOUND, "this client is not suggested");
        return;
    }
    call_note(c, "client.dismissed", id, json_pack("{s:s}", "other", other));
    store_dismiss(c->api->store, id, json_string_value(json_object_get(found, "noted")), other,
        call_on_done, c);
}

static void dismiss(struct call *c) {
    store_suggestions(c->api->store, http_path_arg(c->x, "id"), on_to_dismiss, c);
}

static void clients_dismiss(struct call *c) {
    const char *id = call_id(c, "id");
    if (id && call_id(c, "other"))
        call_with_client(c, id, dismiss);
}

HANDLER(api_clients_dismiss) {
    api_begin(api, x, SCOPE_WRITE, ROLE_AGENT, clients_dismiss);
}
