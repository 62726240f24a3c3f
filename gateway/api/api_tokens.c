/* api_tokens.c - API tokens: programs' keys, each with a role and scopes. One is shown when it is
 * made and never again; ended, it opens nothing on any worker. */
#include <stdlib.h>
#include <string.h>

#include "api/api_private.h"
#include "base/mem.h"
#include "store/store_users.h"

/* As it is kept, its scopes as a list. */
static json_t *token_json(const json_t *kept) {
    json_t *token = json_copy((json_t *)kept), *scopes = json_array();
    const char *list = json_string_value(json_object_get(kept, "scopes"));
    for (size_t n; list && *list; list += n + (list[n] == ',')) {
        n = strcspn(list, ",");
        json_array_append_new(scopes, json_stringn(list, n));
    }
    json_object_set_new(token, "scopes", scopes);
    return token;
}

static void on_list(void *arg, json_t *result, const struct err *err) {
    struct call *c = arg;
    size_t i;
    json_t *kept;
    if (err) {
        call_err(c, err);
        return;
    }
    json_t *list = json_array();
    json_array_foreach(json_object_get(result, "tokens"), i, kept) {
        json_array_append_new(list, token_json(kept));
    }
    call_ok(c, 200, json_pack("{s:o}", "tokens", list));
}

static void tokens_list(struct call *c) {
    store_token_list(c->api->store, on_list, c);
}

HANDLER(api_tokens_list) {
    api_begin(api, x, SCOPE_ADMIN, ROLE_ADMIN, tokens_list);
}

static void on_made(void *arg, const char *secret, const struct err *err) {
    struct call *c = arg;
    if (err)
        call_err(c, err);
    else
        call_ok(c, 201,
            json_pack("{s:{s:O,s:O,s:O},s:s}", "token", "name", json_object_get(c->keep, "name"),
                "role", json_object_get(c->keep, "role"), "scopes",
                json_object_get(c->keep, "scopes"), "secret", secret));
}

/* A list of known scopes, none twice; 0: it is not. */
static unsigned scopes_of(const json_t *list) {
    unsigned scopes = 0;
    size_t i;
    json_t *one;
    json_array_foreach(list, i, one) {
        unsigned scope = scope_parse(span_str(json_is_string(one) ? json_string_value(one) : ""));
        if (!scope || scopes & scope)
            return 0;
        scopes |= scope;
    }
    return scopes;
}

static void tokens_post(struct call *c) {
    static const char *const known[] = {"name", "role", "scopes", NULL};
    json_t *body = call_body(c, known);
    if (!body)
        return;
    c->keep = body;
    const char *name = json_string_value(json_object_get(body, "name"));
    const char *role_text = json_string_value(json_object_get(body, "role"));
    unsigned scopes = scopes_of(json_object_get(body, "scopes"));
    enum role role;
    if (!name) {
        call_fail(c, ERR_INVALID, "name must be 1 to 64 of a-z, 0-9, dot, _ and -");
    } else if (!role_text || role_parse(role_text, &role) < 0) {
        call_fail(c, ERR_INVALID, "role must be agent, supervisor or admin");
    } else if (!scopes) {
        call_fail(c, ERR_INVALID, "scopes must be a list of read, write and admin, each once");
    } else if (scopes & SCOPE_ADMIN && role != ROLE_ADMIN) {
        call_fail(c, ERR_INVALID, "the scope admin is of no use without the role admin");
    } else {
        call_note(c, "token.added", name,
            json_pack("{s:s,s:O}", "role", role_text, "scopes", json_object_get(body, "scopes")));
        users_add_token(c->api->users, name, role, scopes, c->actor.name, on_made, c);
    }
}

HANDLER(api_tokens_post) {
    api_begin(api, x, SCOPE_ADMIN, ROLE_ADMIN, tokens_post);
}

static void tokens_delete(struct call *c) {
    const char *name = http_path_arg(c->x, "name");
    call_note(c, "token.revoked", name, NULL);
    store_token_end(c->api->store, name, call_on_done, c);
}

HANDLER(api_tokens_delete) {
    api_begin(api, x, SCOPE_ADMIN, ROLE_ADMIN, tokens_delete);
}
