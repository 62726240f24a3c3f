/* tryton_rpc.c - calls in a session. Those that come while it is had wait for it. */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "connectors/tryton/tryton_private.h"

struct rpc {
    struct rpc *next;
    struct tryton *t;
    char *method, *body;
    char *session; /* that it was sent with */
    crm_step_fn fn;
    void *arg;
    struct crm_about about;
    bool again; /* it has met the end of a session already */
};

static void rpc_end(struct rpc *r, const json_t *result, const struct err *err, unsigned retry_ms) {
    r->fn(r->arg, result, err, retry_ms);
    free(r->method);
    free(r->body);
    free(r->session);
    free(r);
}

static void wait_for_session(struct rpc *r) {
    r->next = NULL;
    *r->t->tail = r;
    r->t->tail = &r->next;
}

static struct rpc *take_waiting(struct tryton *t) {
    struct rpc *all = t->waiting;
    t->waiting = NULL;
    t->tail = &t->waiting;
    return all;
}

static char *body_of(const char *method, json_t *params) {
    json_t *j = json_pack("{s:i,s:s,s:o}", "id", 1, "method", method, "params", params);
    char *body = json_dumps(j, JSON_COMPACT);
    json_decref(j);
    return body;
}

/* --- logging in ------------------------------------------------------------------------------ */

static void start(struct rpc *r);

static void set_session(struct tryton *t, const json_t *result) {
    const char *key = json_string_value(json_array_get(result, 1));
    char *text = mem_printf("%s:%lld:%s", t->user,
        (long long)json_integer_value(json_array_get(result, 0)), key ? key : "");
    size_t size = sodium_base64_encoded_len(strlen(text), sodium_base64_VARIANT_ORIGINAL);
    free(t->session);
    t->session = mem_alloc(size);
    sodium_bin2base64(t->session, size, (const unsigned char *)text, strlen(text),
        sodium_base64_VARIANT_ORIGINAL);
    sodium_memzero(text, strlen(text));
    free(text);
}

static void on_login(void *arg, const struct http_answer *a, const struct err *failure, bool sent) {
    struct tryton *t = arg;
    struct err err;
    unsigned retry_ms = a && a->retry_after_s > 0 ? (unsigned)a->retry_after_s * 1000 : 0;
    json_t *result = a ? tryton_result(a, &err) : NULL;
    (void)sent;
    t->logging_in = false;
    if (failure)
        err = *failure;
    else if (result && !json_is_array(result))
        err_set(&err, ERR_AUTH, "Tryton wants more than a password of the user %s", t->user);
    else if (result)
        set_session(t, result);
    else if (err.code == ERR_AUTH)
        err_set(
            &err, ERR_AUTH, "Tryton does not let the user %s in: check user and password", t->user);
    else if (err.code == ERR_PROTOCOL || err.code == ERR_INVALID || err.code == ERR_NOT_FOUND)
        err.code = ERR_AUTH; /* no such database, or no Tryton there: nothing can be delivered */
    bool is_in = json_is_array(result);
    if (!is_in)
        crm_calls_refused(t->calls, &err);
    for (struct rpc *r = take_waiting(t), *next; r; r = next) {
        next = r->next;
        struct crm_about was = crm_about_swap(&t->flow.base, r->about);
        if (is_in)
            start(r);
        else
            rpc_end(r, NULL, &err, retry_ms);
        crm_about_swap(&t->flow.base, was);
    }
    json_decref(result);
}

static void log_in(struct tryton *t) {
    if (t->logging_in)
        return;
    t->logging_in = true;
    char *body = body_of(
        "common.db.login", json_pack("[s,{s:s},s]", t->user, "password", t->password, "en"));
    static const char *const headers[] = {"Content-Type: application/json", NULL};
    struct crm_request rq = {.method = "POST",
        .url = t->url,
        .headers = headers,
        .body = span_str(body),
        .about = "common.db.login"};
    crm_calls_start(t->calls, &rq, on_login, t);
    sodium_memzero(body, strlen(body));
    free(body);
}

/* --- calls ----------------------------------------------------------------------------------- */

static void on_answer(
    void *arg, const struct http_answer *a, const struct err *failure, bool sent) {
    struct rpc *r = arg;
    struct tryton *t = r->t;
    struct err err;
    unsigned retry_ms = a && a->retry_after_s > 0 ? (unsigned)a->retry_after_s * 1000 : 0;
    json_t *result = a ? tryton_result(a, &err) : NULL;
    (void)sent;
    if (failure)
        err = *failure;
    if (!result)
        crm_calls_refused(t->calls, &err);
    if (!result && err.code == ERR_AUTH && !r->again && !t->ended) {
        r->again = true;
        if (t->session && strcmp(t->session, r->session) == 0) {
            free(t->session);
            t->session = NULL;
        }
        start(r);
        return;
    }
    rpc_end(r, result, result ? NULL : &err, retry_ms);
    json_decref(result);
}

static void start(struct rpc *r) {
    struct tryton *t = r->t;
    if (!t->session) {
        wait_for_session(r);
        log_in(t);
        return;
    }
    char *session = mem_printf("Authorization: Session %s", t->session);
    const char *const headers[] = {"Content-Type: application/json", session, NULL};
    struct crm_request rq = {.method = "POST",
        .url = t->url,
        .headers = headers,
        .body = span_str(r->body),
        .about = r->method};
    free(r->session);
    r->session = mem_strdup(t->session);
    crm_calls_start(t->calls, &rq, on_answer, r);
    free(session);
}

void tryton_call(struct tryton *t, const char *method, json_t *params, crm_step_fn fn, void *arg) {
    struct rpc *r = mem_zalloc(sizeof *r);
    json_array_append_new(params, json_pack("{s:s,s:b}", "language", "en", "active_test", 0));
    r->t = t;
    r->about = t->flow.base.about;
    r->method = mem_strdup(method);
    r->body = body_of(method, params);
    r->fn = fn;
    r->arg = arg;
    start(r);
}

void tryton_rpc_stop(struct tryton *t) {
    struct err err;
    t->ended = true;
    crm_calls_destroy(&t->calls);
    err_set(&err, ERR_UNAVAILABLE, "the gateway is stopping");
    for (struct rpc *r = take_waiting(t), *next; r; r = next) {
        next = r->next;
        rpc_end(r, NULL, &err, 0);
    }
    free(t->session);
    t->session = NULL;
}
