/* hubspot_call.c - requests with the token. */
#include <stdlib.h>

#include "base/mem.h"
#include "connectors/hubspot/hubspot_private.h"

struct call {
    struct crm_calls *calls;
    crm_step_fn fn;
    void *arg;
    struct err err;
};

static void on_answer(
    void *arg, const struct http_answer *a, const struct err *failure, bool sent) {
    struct call *c = arg;
    struct err err = {0};
    unsigned retry_ms = 0;
    json_t *j = a ? hubspot_result(a, &err, &retry_ms) : NULL;
    (void)sent;
    if (failure)
        err = *failure;
    else if (err.code == ERR_TOO_MANY)
        crm_calls_pause(c->calls, retry_ms); /* also those that wait already */
    c->fn(c->arg, j, j ? NULL : &err, retry_ms);
    json_decref(j);
    free(c);
}

static struct call *call_create(struct crm_calls *calls, crm_step_fn fn, void *arg) {
    struct call *c = mem_zalloc(sizeof *c);
    c->calls = calls;
    c->fn = fn;
    c->arg = arg;
    return c;
}

static void send(struct hubspot *h, struct crm_calls *calls, const char *method, const char *path,
    json_t *body, crm_step_fn fn, void *arg) {
    const char *const headers[] = {h->auth, body ? "Content-Type: application/json" : NULL, NULL};
    char *url = mem_printf("%s%s", h->objects, path);
    char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
    struct crm_request rq = {
        .method = method, .url = url, .headers = headers, .body = span_str(text ? text : "")};
    crm_calls_start(calls, &rq, on_answer, call_create(calls, fn, arg));
    free(text);
    free(url);
    json_decref(body);
}

void hubspot_call(struct hubspot *h, const char *method, const char *path, json_t *body,
    crm_step_fn fn, void *arg) {
    send(h, h->calls, method, path, body, fn, arg);
}

void hubspot_search(struct hubspot *h, json_t *body, crm_step_fn fn, void *arg) {
    send(h, h->searches, "POST", "/contacts/search", body, fn, arg);
}

void hubspot_send(
    struct hubspot *h, const struct http_part *parts, size_t n, crm_step_fn fn, void *arg) {
    const char *const headers[] = {h->auth, NULL};
    struct crm_request rq = {
        .method = "POST", .url = h->uploads, .headers = headers, .parts = parts, .nparts = n};
    crm_calls_start(h->calls, &rq, on_answer, call_create(h->calls, fn, arg));
}

static void on_later(void *arg) {
    struct call *c = arg;
    c->fn(c->arg, NULL, c->err.code ? &c->err : NULL, 0);
    free(c);
}

void hubspot_fail(struct hubspot *h, const struct err *err, crm_step_fn fn, void *arg) {
    struct call *c = call_create(NULL, fn, arg);
    c->err = *err;
    loop_defer(h->base.env->loop, on_later, c);
}
