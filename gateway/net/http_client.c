/* http_client.c - who may be called: only the public internet, unless a request says otherwise. How
 * a request is made is loop_curl.c. */
#include "net/http_client.h"

#include <stdlib.h>

#include "base/mem.h"
#include "loop/loop_curl.h"
#include "net/peer_ip.h"

enum { REACH_PUBLIC, REACH_ALL, REACH_COUNT };

struct http_client {
    const struct env *env;
    struct loop_curl *reach[REACH_COUNT]; /* apart, so that no kept connection changes sides */
};

struct http_call {
    struct loop_curl_call *curl; /* NULL: refused, fn comes soon */
    http_answer_fn fn;
    void *arg;
    bool done;
    struct err err;
};

static bool is_public(void *arg, const struct sockaddr *address) {
    struct peer_ip ip;
    (void)arg;
    return peer_ip_from_sockaddr(address, &ip) && peer_ip_is_public(&ip);
}

static bool is_ip(void *arg, const struct sockaddr *address) {
    struct peer_ip ip;
    (void)arg;
    return peer_ip_from_sockaddr(address, &ip);
}

struct http_client *http_client_create(const struct env *env) {
    struct http_client *c = mem_zalloc(sizeof *c);
    c->env = env;
    c->reach[REACH_PUBLIC] = loop_curl_create(env, is_public, c);
    c->reach[REACH_ALL] = loop_curl_create(env, is_ip, c);
    return c;
}

static void on_answer(
    void *arg, const struct loop_curl_answer *a, const struct err *err, bool sent) {
    struct http_call *call = arg;
    if (a) {
        struct http_answer answer = {.status = a->status,
            .body = a->body,
            .content_type = a->content_type,
            .retry_after_s = a->retry_after_s};
        call->fn(call->arg, &answer, NULL, sent);
    } else {
        call->fn(call->arg, NULL, err, sent);
    }
    free(call);
}

/* A line break in a header or a method would let its writer add headers, or requests. */
static bool is_line(const char *s) {
    for (; *s; s++)
        if ((unsigned char)*s < 0x20 && *s != '\t')
            return false;
    return true;
}

static int check(const struct http_request *rq, struct err *err) {
    if (!rq->url || !rq->method || !rq->method[0] ||
        strspn(rq->method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != strlen(rq->method))
        return err_set(err, ERR_INVALID, "a request needs a method and an address");
    for (const char *const *h = rq->headers; h && *h; h++)
        if (!is_line(*h) || !strchr(*h, ':'))
            return err_set(err, ERR_INVALID, "a header of the request is malformed");
    if (strncasecmp(rq->url, "https://", 8) != 0 &&
        !(rq->allow_plain && strncasecmp(rq->url, "http://", 7) == 0))
        return err_set(err, ERR_INVALID,
            rq->allow_plain ? "the address is not http:// or https://"
                            : "the address is not https://");
    return 0;
}

static void report_refused(void *arg) {
    struct http_call *call = arg;
    if (!call->done)
        call->fn(call->arg, NULL, &call->err, false);
    free(call);
}

struct http_call *http_call_start(
    struct http_client *c, const struct http_request *rq, http_answer_fn fn, void *arg) {
    struct http_call *call = mem_zalloc(sizeof *call);
    call->fn = fn;
    call->arg = arg;
    if (check(rq, &call->err) < 0) {
        loop_defer(c->env->loop, report_refused, call);
        return call;
    }
    struct loop_curl_request r = {.method = rq->method,
        .url = rq->url,
        .headers = rq->headers,
        .body = rq->body,
        .timeout_ms = rq->timeout_ms,
        .answer_max = rq->answer_max,
        .plain = rq->allow_plain};
    call->curl = loop_curl_start(
        c->reach[rq->allow_private ? REACH_ALL : REACH_PUBLIC], &r, on_answer, call);
    return call;
}

void http_call_cancel(struct http_call *call) {
    struct err err;
    if (call->curl) {
        loop_curl_cancel(call->curl);
    } else if (!call->done) {
        call->done = true;
        err_set(&err, ERR_UNAVAILABLE, "the request was cancelled");
        call->fn(call->arg, NULL, &err, false);
    }
}

void http_client_destroy(struct http_client **c) {
    if (!*c)
        return;
    for (int i = 0; i < REACH_COUNT; i++)
        loop_curl_destroy(&(*c)->reach[i]);
    free(*c);
    *c = NULL;
}
