/* hubspot_call.c - requests with the token; one that is over is had anew, and those that met its
 * end are made once more. */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "connectors/hubspot/hubspot_private.h"

struct hubspot_call {
    struct hubspot_call *next; /* of those that wait for a token */
    struct hubspot *h;
    struct crm_calls *calls;
    const char *method;
    char *url, *body, *path; /* url NULL: it only waits for a token */
    struct crm_about about;
    char *auth; /* that it was sent with */
    crm_step_fn fn;
    void *arg;
    struct err err;
    bool again; /* it has met a token's end */
};

static struct hubspot_call *call_create(
    struct hubspot *h, struct crm_calls *calls, crm_step_fn fn, void *arg) {
    struct hubspot_call *c = mem_zalloc(sizeof *c);
    c->h = h;
    c->calls = calls;
    c->fn = fn;
    c->arg = arg;
    c->about = h->flow.base.about;
    return c;
}

static void call_end(
    struct hubspot_call *c, const json_t *result, const struct err *err, unsigned retry_ms) {
    c->fn(c->arg, result, err, retry_ms);
    free(c->url);
    free(c->path);
    free(c->body);
    free(c->auth);
    free(c);
}

bool hubspot_can_renew(const struct hubspot *h) {
    return *h->refresh_token && h->calls;
}

/* --- a token --------------------------------------------------------------------------------- */

static void start(struct hubspot_call *c);

static struct hubspot_call *take_waiting(struct hubspot *h) {
    struct hubspot_call *all = h->waiting;
    h->waiting = NULL;
    return all;
}

static void on_token(void *arg, const struct http_answer *a, const struct err *failure, bool sent) {
    struct hubspot *h = arg;
    struct err err = {0};
    unsigned retry_ms = 0;
    json_t *j = a ? hubspot_result(a, &err, &retry_ms) : NULL;
    const char *token = json_string_value(json_object_get(j, "access_token"));
    (void)sent;
    h->renewing = false;
    if (failure)
        err = *failure;
    else if (!token && err.code != ERR_UNAVAILABLE && err.code != ERR_TOO_MANY)
        err_set(&err, ERR_AUTH,
            "HubSpot gives no new token: check client_id and client_secret, install the app anew");
    if (token) {
        free(h->auth);
        h->auth = mem_printf("Authorization: Bearer %s", token);
    }
    for (struct hubspot_call *c = take_waiting(h), *next; c; c = next) {
        next = c->next;
        struct crm_about was = crm_about_swap(&h->flow.base, c->about);
        if (token)
            start(c);
        else
            call_end(c, NULL, &err, retry_ms);
        crm_about_swap(&h->flow.base, was);
    }
    json_decref(j);
}

static void renew(struct hubspot *h) {
    static const char *const headers[] = {"Content-Type: application/x-www-form-urlencoded", NULL};
    if (h->renewing)
        return;
    h->renewing = true;
    char *id = crm_escape(h->client_id), *secret = crm_escape(h->client_secret);
    char *token = crm_escape(h->refresh_token);
    char *body =
        mem_printf("grant_type=refresh_token&client_id=%s&client_secret=%s&refresh_token=%s", id,
            secret, token);
    struct crm_request rq = {.method = "POST",
        .url = h->renewals,
        .headers = headers,
        .body = span_str(body),
        .about = "a new token"};
    crm_calls_start(h->calls, &rq, on_token, h);
    sodium_memzero(body, strlen(body));
    sodium_memzero(secret, strlen(secret));
    sodium_memzero(token, strlen(token));
    free(body);
    free(token);
    free(secret);
    free(id);
}

static void wait_for_token(struct hubspot_call *c) {
    c->next = c->h->waiting;
    c->h->waiting = c;
    renew(c->h);
}

/* --- calls ----------------------------------------------------------------------------------- */

static void on_answer(
    void *arg, const struct http_answer *a, const struct err *failure, bool sent) {
    struct hubspot_call *c = arg;
    struct hubspot *h = c->h;
    struct err err = {0};
    unsigned retry_ms = 0;
    json_t *j = a ? hubspot_result(a, &err, &retry_ms) : NULL;
    (void)sent;
    if (failure)
        err = *failure;
    else if (err.code == ERR_TOO_MANY)
        crm_calls_pause(c->calls, retry_ms); /* also those that wait already */
    if (!j)
        crm_calls_refused(c->calls, &err);
    if (!j && a && a->status == 401 && !c->again && hubspot_can_renew(h)) {
        c->again = true;
        if (!h->auth || !c->auth || strcmp(h->auth, c->auth) == 0)
            wait_for_token(c);
        else
            start(c); /* somebody has had a new one meanwhile */
        return;
    }
    call_end(c, j, j ? NULL : &err, retry_ms);
    json_decref(j);
}

static void start(struct hubspot_call *c) {
    struct hubspot *h = c->h;
    if (!h->auth) {
        c->again = true;
        wait_for_token(c);
        return;
    }
    if (!c->url) {
        call_end(c, NULL, NULL, 0);
        return;
    }
    const char *const headers[] = {
        h->auth, c->body ? "Content-Type: application/json" : NULL, NULL};
    struct crm_request rq = {.method = c->method,
        .url = c->url,
        .headers = headers,
        .body = span_str(c->body ? c->body : ""),
        .about = c->path};
    free(c->auth);
    c->auth = mem_strdup(h->auth);
    crm_calls_start(c->calls, &rq, on_answer, c);
}

static void call(struct hubspot *h, struct crm_calls *calls, const char *method, const char *base,
    const char *path, json_t *body, crm_step_fn fn, void *arg) {
    struct hubspot_call *c = call_create(h, calls, fn, arg);
    c->method = method;
    c->url = mem_printf("%s%s", base, path);
    c->path = mem_strdup(*path ? path : "/messages");
    c->body = body ? json_dumps(body, JSON_COMPACT) : NULL;
    json_decref(body);
    start(c);
}

void hubspot_call(struct hubspot *h, const char *method, const char *path, json_t *body,
    crm_step_fn fn, void *arg) {
    call(h, h->calls, method, h->objects, path, body, fn, arg);
}

void hubspot_channel_call(struct hubspot *h, const char *method, const char *path, json_t *body,
    crm_step_fn fn, void *arg) {
    call(h, h->calls, method, h->messages, path, body, fn, arg);
}

void hubspot_search(struct hubspot *h, json_t *body, crm_step_fn fn, void *arg) {
    call(h, h->searches, "POST", h->objects, "/contacts/search", body, fn, arg);
}

/* --- files ----------------------------------------------------------------------------------- */

void hubspot_with_token(struct hubspot *h, crm_step_fn fn, void *arg) {
    start(call_create(h, h->calls, fn, arg));
}

static void on_file(void *arg, const struct http_answer *a, const struct err *failure, bool sent) {
    struct hubspot_call *c = arg;
    struct hubspot *h = c->h;
    struct err err = {0};
    unsigned retry_ms = 0;
    json_t *j = a ? hubspot_result(a, &err, &retry_ms) : NULL;
    (void)sent;
    if (failure)
        err = *failure;
    if (!j && a && a->status == 401 && hubspot_can_renew(h) && h->auth &&
        strcmp(h->auth, c->auth) == 0) {
        free(h->auth);
        h->auth = NULL; /* the next call has a new one */
    }
    call_end(c, j, j ? NULL : &err, retry_ms);
    json_decref(j);
}

void hubspot_send(
    struct hubspot *h, const struct http_part *parts, size_t n, crm_step_fn fn, void *arg) {
    struct hubspot_call *c = call_create(h, h->calls, fn, arg);
    const char *const headers[] = {h->auth, NULL};
    struct crm_request rq = {.method = "POST",
        .url = h->uploads,
        .headers = headers,
        .parts = parts,
        .nparts = n,
        .about = "/files"};
    c->auth = mem_strdup(h->auth);
    crm_calls_start(h->calls, &rq, on_file, c);
}

/* --- the end --------------------------------------------------------------------------------- */

static void on_later(void *arg) {
    struct hubspot_call *c = arg;
    struct err err = c->err;
    struct crm *crm = &c->h->flow.base;
    struct crm_about was = crm_about_swap(crm, c->about);
    call_end(c, NULL, err.code ? &err : NULL, 0);
    crm_about_swap(crm, was);
}

void hubspot_fail(struct hubspot *h, const struct err *err, crm_step_fn fn, void *arg) {
    struct hubspot_call *c = call_create(h, NULL, fn, arg);
    c->err = *err;
    loop_defer(h->flow.base.env->loop, on_later, c);
}

void hubspot_calls_stop(struct hubspot *h) {
    struct err err;
    crm_calls_destroy(&h->searches);
    crm_calls_destroy(&h->calls);
    err_set(&err, ERR_UNAVAILABLE, "the gateway is stopping");
    for (struct hubspot_call *c = take_waiting(h), *next; c; c = next) {
        next = c->next;
        call_end(c, NULL, &err, 0);
    }
}
