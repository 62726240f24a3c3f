/* http_client.c - who may be called: only the public internet, unless a request says otherwise. How
 * a request is made is loop_curl.c. */
#include "net/http_client.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "loop/loop_curl.h"
#include "net/peer_ip.h"

#define CONNECT_MS 10000u
#define STALL_S 30u
#define FILE_MAX ((uint64_t)1 << 40)

enum { REACH_PUBLIC, REACH_ALL, REACH_COUNT };
enum { KIND_CALL, KIND_POLL, KIND_COUNT };

static const struct loop_curl_limits kind_limits[KIND_COUNT] = {
    [KIND_CALL] = {.connections = 512,
        .a_host = 32,
        .kept = 64,
        .idle_s = 30,
        .read_buffer = 16384,
        .upload_buffer = 65536},
    /* Nearly all of its time a poll waits: what it holds meanwhile must be little. A channel's
     * polls all go to one host, and each would rather find its connection again than shake hands.
     */
    [KIND_POLL] = {.connections = 2000,
        .a_host = 2000,
        .kept = 2000,
        .idle_s = 90,
        .read_buffer = 4096,
        .upload_buffer = 16384},
};

struct http_client {
    const struct env *env;
    /* Apart, so that no kept connection changes sides. */
    struct loop_curl *curl[KIND_COUNT][REACH_COUNT];
};

struct http_call {
    struct loop_curl_call *curl; /* NULL: refused, fn comes soon */
    http_answer_fn fn;
    int (*sink)(void *arg, struct span data, struct err *err);
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
    for (int kind = 0; kind < KIND_COUNT; kind++)
        for (int reach = 0; reach < REACH_COUNT; reach++)
            c->curl[kind][reach] = loop_curl_create(
                env, &kind_limits[kind], reach == REACH_PUBLIC ? is_public : is_ip, c);
    return c;
}

static void on_answer(
    void *arg, const struct loop_curl_answer *a, const struct err *err, bool sent) {
    struct http_call *call = arg;
    if (a) {
        struct http_answer answer = {.status = a->status,
            .body = a->body,
            .content_type = a->content_type,
            .reason = a->reason,
            .retry_after_s = a->retry_after_s};
        call->fn(call->arg, &answer, NULL, sent);
    } else {
        call->fn(call->arg, NULL, err, sent);
    }
    free(call);
}

static int on_data(void *arg, struct span data, struct err *err) {
    struct http_call *call = arg;
    return call->sink(call->arg, data, err);
}

/* A line break in a header or a method would let its writer add headers, or requests. */
static bool is_line(const char *s) {
    for (; *s; s++)
        if ((unsigned char)*s < 0x20 && *s != '\t')
            return false;
    return true;
}

static bool is_plain(const char *s) {
    for (; *s; s++)
        if ((unsigned char)*s < 0x20 || *s == 0x7f)
            return false;
    return true;
}

static int check_parts(const struct http_request *rq, struct err *err) {
    if (rq->body.n || strcmp(rq->method, "GET") == 0 || strcmp(rq->method, "HEAD") == 0)
        return err_set(err, ERR_INVALID, "a form goes with no other body and not with GET");
    for (const char *const *h = rq->headers; h && *h; h++)
        if (strncasecmp(*h, "content-type:", 13) == 0)
            return err_set(err, ERR_INVALID, "a form has a content type of its own");
    for (size_t i = 0; i < rq->nparts; i++) {
        const struct http_part *p = &rq->parts[i];
        if (!p->name || !p->name[0] || !is_plain(p->name) ||
            (p->file_name && !is_plain(p->file_name)) || (p->type && !is_plain(p->type)))
            return err_set(err, ERR_INVALID, "a name or type in the form is malformed");
        if (p->fd >= 0 && p->size > FILE_MAX)
            return err_set(err, ERR_INVALID, "a file in the form is too large");
    }
    return 0;
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
    return rq->nparts ? check_parts(rq, err) : 0;
}

static void report_refused(void *arg) {
    struct http_call *call = arg;
    if (!call->done)
        call->fn(call->arg, NULL, &call->err, false);
    free(call);
}

static void close_files(const struct http_request *rq) {
    for (size_t i = 0; i < rq->nparts; i++)
        if (rq->parts[i].fd >= 0)
            close(rq->parts[i].fd);
}

static struct loop_curl_part *take_parts(const struct http_request *rq) {
    struct loop_curl_part *parts = mem_zalloc((rq->nparts + 1) * sizeof *parts);
    for (size_t i = 0; i < rq->nparts; i++)
        parts[i] = (struct loop_curl_part){.name = rq->parts[i].name,
            .file_name = rq->parts[i].file_name,
            .type = rq->parts[i].type && rq->parts[i].type[0] ? rq->parts[i].type : NULL,
            .data = rq->parts[i].data,
            .fd = rq->parts[i].fd,
            .size = rq->parts[i].size};
    return parts;
}

static unsigned connect_time(const struct http_request *rq) {
    unsigned ms = rq->connect_ms ? rq->connect_ms : CONNECT_MS;
    return rq->timeout_ms && rq->timeout_ms < ms ? rq->timeout_ms : ms;
}

struct http_call *http_call_start(
    struct http_client *c, const struct http_request *rq, http_answer_fn fn, void *arg) {
    struct http_call *call = mem_zalloc(sizeof *call);
    call->fn = fn;
    call->sink = rq->sink;
    call->arg = arg;
    if (check(rq, &call->err) < 0) {
        close_files(rq);
        loop_defer(c->env->loop, report_refused, call);
        return call;
    }
    struct loop_curl_part *parts = take_parts(rq);
    struct loop_curl_request r = {.method = rq->method,
        .url = rq->url,
        .headers = rq->headers,
        .body = rq->body,
        .parts = parts,
        .nparts = rq->nparts,
        .timeout_ms = rq->timeout_ms,
        .connect_ms = connect_time(rq),
        .stall_s = rq->nparts || rq->sink ? STALL_S : 0,
        .answer_max = rq->answer_max,
        .sink = rq->sink ? on_data : NULL,
        .plain = rq->allow_plain};
    call->curl = loop_curl_start(c->curl[rq->long_poll ? KIND_POLL : KIND_CALL]
                                        [rq->allow_private ? REACH_ALL : REACH_PUBLIC],
        &r, on_answer, call);
    free(parts);
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
    for (int kind = 0; kind < KIND_COUNT; kind++)
        for (int reach = 0; reach < REACH_COUNT; reach++)
            loop_curl_destroy(&(*c)->curl[kind][reach]);
    free(*c);
    *c = NULL;
}
