/* bitrix24_rest.c - requests to the portal: by an incoming webhook, whose address is its secret, or
 * as an application. Addresses and tokens stand in no log and no error. */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "connectors/bitrix24/bitrix24_private.h"

#define RATE_PAUSE_MS 1000u

struct rest {
    struct bitrix24 *b;
    const char *method;
    json_t *params;
    char *token; /* that it was sent with */
    bool again;  /* it has met the end of a token already */
    crm_step_fn fn;
    void *arg;
};

static void forget(char **secret) {
    if (*secret)
        sodium_memzero(*secret, strlen(*secret));
    free(*secret);
    *secret = NULL;
}

static void rest_end(
    struct rest *r, const json_t *result, const struct err *err, unsigned retry_ms) {
    r->fn(r->arg, result, err, retry_ms);
    json_decref(r->params);
    forget(&r->token);
    free(r);
}

static void start(struct rest *r);

/* A method whose time is used up is not asked again before some of it is given back, which the
 * answers before have told. */
static void note_time(struct rest *r, struct bitrix24_answer *a, int64_t now_s) {
    if (a->reset_at > 0)
        json_object_set_new(r->b->resets, r->method, json_integer(a->reset_at));
    int64_t at = json_integer_value(json_object_get(r->b->resets, r->method));
    if (a->over_time && a->reset_at <= 0 && at > now_s)
        a->retry_ms = (unsigned)(at - now_s < 660 ? at - now_s : 660) * 1000;
}

static void on_answer(
    void *arg, const struct http_answer *answer, const struct err *failure, bool sent) {
    struct rest *r = arg;
    struct bitrix24 *b = r->b;
    struct bitrix24_answer a = {0};
    int64_t now_s = clock_ms() / 1000;
    (void)sent;
    if (answer) {
        bitrix24_answer_read(answer, now_s, &a);
        note_time(r, &a, now_s);
        if (a.over_rate)
            crm_calls_pause(b->calls, RATE_PAUSE_MS);
        b->line.is_set_up = b->line.is_set_up && !a.no_line;
    } else {
        a.err = *failure;
    }
    if (!a.result)
        crm_calls_refused(b->calls, &a.err);
    if (a.expired && b->is_app && !r->again && !b->ended) {
        r->again = true;
        crm_token_refused(b->app.token, r->token);
        start(r);
    } else {
        rest_end(r, a.result, a.result ? NULL : &a.err, a.retry_ms);
    }
    json_decref(a.result);
}

static void send(struct rest *r) {
    static const char *const headers[] = {
        "Content-Type: application/json", "Accept: application/json", NULL};
    char *url = mem_printf("%s%s%s", r->b->rest, r->method, r->b->is_app ? "" : ".json");
    char *body = json_dumps(r->params, JSON_COMPACT);
    struct crm_request rq = {.method = "POST",
        .url = url,
        .headers = headers,
        .body = span_str(body),
        .about = r->method};
    crm_calls_start(r->b->calls, &rq, on_answer, r);
    forget(&url);
    free(body);
}

static void on_token(void *arg, const char *token, const struct err *err) {
    struct rest *r = arg;
    if (err) {
        rest_end(r, NULL, err, 0);
        return;
    }
    forget(&r->token);
    r->token = mem_strdup(token);
    json_object_set_new(r->params, "auth", json_string(token));
    send(r);
}

static void on_ended(void *arg) {
    struct err err;
    err_set(&err, ERR_UNAVAILABLE, "the gateway is stopping");
    rest_end(arg, NULL, &err, 0);
}

static void start(struct rest *r) {
    if (r->b->ended)
        loop_defer(r->b->flow.base.env->loop, on_ended, r);
    else if (r->b->is_app)
        crm_token_get(r->b->app.token, on_token, r);
    else
        send(r);
}

void bitrix24_call(
    struct bitrix24 *b, const char *method, json_t *params, crm_step_fn fn, void *arg) {
    struct rest *r = mem_zalloc(sizeof *r);
    r->b = b;
    r->method = method;
    r->params = params;
    r->fn = fn;
    r->arg = arg;
    start(r);
}

void bitrix24_rest_stop(struct bitrix24 *b) {
    b->ended = true;
    bitrix24_batch_stop(b);
    crm_token_destroy(&b->app.token);
    crm_calls_destroy(&b->calls);
}
