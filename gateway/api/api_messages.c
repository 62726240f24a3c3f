/* api_messages.c - one message: edit it, take it back, react to it, ask where it is. */
#include "api/api_private.h"

static void on_changed(void *arg, json_t *result, const struct err *err) {
    struct call *c = arg;
    if (err)
        call_err(c, err);
    else
        call_ok(c, 202, json_incref(result));
}

static void messages_patch(struct call *c) {
    static const char *const known[] = {"text", "html", NULL};
    const char *id = call_id(c, "id");
    json_t *body = id ? call_body(c, known) : NULL;
    if (!body)
        return;
    core_edit(c->api->core, &c->actor, id, body, on_changed, c);
    json_decref(body);
}

HANDLER(api_messages_patch) {
    api_begin(api, x, SCOPE_WRITE, ROLE_AGENT, messages_patch);
}

static void messages_delete(struct call *c) {
    const char *id = call_id(c, "id");
    if (id)
        core_delete(c->api->core, &c->actor, id, on_changed, c);
}

HANDLER(api_messages_delete) {
    api_begin(api, x, SCOPE_WRITE, ROLE_AGENT, messages_delete);
}

static void messages_react(struct call *c) {
    static const char *const known[] = {"emoji", NULL};
    const char *id = call_id(c, "id");
    json_t *body = id ? call_body(c, known) : NULL;
    if (!body)
        return;
    core_react(c->api->core, &c->actor, id, body, on_changed, c);
    json_decref(body);
}

HANDLER(api_messages_react) {
    api_begin(api, x, SCOPE_WRITE, ROLE_AGENT, messages_react);
}

/* --- trace ----------------------------------------------------------------------------------- */

static json_t *trace_json(const json_t *result) {
    json_t *out = json_pack("{s:O,s:O}", "message", json_object_get(result, "message"), "trail",
        json_object_get(result, "trail"));
    if (out && json_object_get(result, "raw"))
        json_object_set(out, "raw", json_object_get(result, "raw"));
    return out;
}

static void on_trace(void *arg, json_t *result, const struct err *err) {
    struct call *c = arg;
    if (err)
        call_err(c, err);
    else if (!users_may_see(c->api->users, &c->actor, json_object_get(result, "thread")))
        call_fail(c, ERR_NOT_FOUND, "there is no such message");
    else
        call_ok(c, 200, trace_json(result));
}

static void trace(struct call *c) {
    const char *id = call_id(c, "id");
    if (id)
        store_message(c->api->store, id, on_trace, c);
}

HANDLER(api_trace) {
    api_begin(api, x, SCOPE_READ, ROLE_AGENT, trace);
}
