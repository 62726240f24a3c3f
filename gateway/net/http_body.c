/* http_body.c - a request's body as JSON, strictly. */
#include "base/metrics.h"
#include "base/utf8.h"
#include "net/http_private.h"

#define DEPTH_MAX 32

/* Counts brackets outside strings: before the parser recurses into them. */
static bool is_too_deep(struct span text) {
    int depth = 0;
    bool in_string = false;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (in_string && c == '\\')
            i++;
        else if (c == '"')
            in_string = !in_string;
        else if (!in_string && (c == '{' || c == '['))
            depth++;
        else if (!in_string && (c == '}' || c == ']'))
            depth--;
        if (depth > DEPTH_MAX)
            return true;
    }
    return false;
}

static json_t *refuse(struct http_exchange *x, const char *why) {
    metrics_add(x->server->env->metrics, M_REFUSED, "bad_request", 1);
    http_reply_problem(x, 400, "invalid", why);
    return NULL;
}

json_t *http_body_json(struct http_exchange *x) {
    struct span body = http_body(x);
    json_error_t why;
    json_t *json = NULL;
    if (body.n == 0)
        return refuse(x, "a JSON object is expected as the body");
    if (!utf8_is_valid(body.p, body.n))
        return refuse(x, "the body is not valid UTF-8");
    if (is_too_deep(body))
        return refuse(x, "the body is nested too deeply");
    json = json_loadb(body.p, body.n, JSON_REJECT_DUPLICATES, &why);
    if (!json) {
        struct err err;
        err_set(&err, ERR_INVALID, "the body is not JSON: line %d, column %d: %s", why.line,
            why.column, why.text);
        return refuse(x, err.text);
    }
    if (!json_is_object(json)) {
        json_decref(json);
        return refuse(x, "the body is JSON, but no object");
    }
    return json;
}
