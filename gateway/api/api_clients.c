/* api_clients.c - clients: who they are, their cards, and two who are one. */
#include <stdlib.h>
#include <string.h>

#include "api/api_private.h"
#include "base/mem.h"

static void on_cards(void *arg, const json_t *result, const struct err *err) {
    struct call *c = arg;
    if (!err)
        json_object_set(
            json_object_get(c->keep, "client"), "card", json_object_get(result, "cards"));
    call_ok(c, 200, json_incref(c->keep));
}

static void on_client(void *arg, json_t *result, const struct err *err) {
    struct call *c = arg;
    if (err) {
        call_err(c, err);
        return;
    }
    c->keep = json_incref(result);
    core_cards(c->api->core, http_path_arg(c->x, "id"), on_cards, c);
}

static void clients_get(struct call *c) {
    const char *id = call_id(c, "id");
    if (id)
        store_client(c->api->store, id, on_client, c);
}

HANDLER(api_clients_get) {
    api_begin(api, x, SCOPE_READ, ROLE_AGENT, clients_get);
}

static void clients_patch(struct call *c) {
    static const char *const known[] = {"name", "phone", "email", "note", NULL};
    const char *id = call_id(c, "id");
    json_t *body = id ? call_body(c, known) : NULL;
    if (!body)
        return;
    store_client_update(c->api->store, id, body, c->actor.name, call_on_json, c);
    json_decref(body);
}

HANDLER(api_clients_patch) {
    api_begin(api, x, SCOPE_WRITE, ROLE_AGENT, clients_patch);
}

static void clients_merge(struct call *c) {
    static const char *const known[] = {"from", NULL};
    const char *id = call_id(c, "id");
    json_t *body = id ? call_body(c, known) : NULL;
    if (!body)
        return;
    const char *from = json_string_value(json_object_get(body, "from"));
    if (!id_is_valid(from))
        call_fail(
            c, ERR_INVALID, "from must be the id of the client that becomes part of this one");
    else
        store_merge(c->api->store, from, id, c->actor.name, call_on_json, c);
    json_decref(body);
}

HANDLER(api_clients_merge) {
    api_begin(api, x, SCOPE_WRITE, ROLE_AGENT, clients_merge);
}
