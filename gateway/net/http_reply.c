/* http_reply.c - answers: their headers, problem documents, files with ranges. What is said by
 * default is the strict thing; a route that means otherwise sets the header itself. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <sodium.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "base/utf8.h"
#include "net/http_private.h"
#include "net/http_range.h"
#include "net/http_status.h"

/* --- headers --------------------------------------------------------------------------------- */

static bool is_value(const char *v) {
    for (; *v; v++)
        if (((unsigned char)*v < 0x20 && *v != '\t') || *v == 0x7f)
            return false;
    return true;
}

static struct loop_mhd_header *find_header(struct http_exchange *x, const char *name) {
    for (size_t i = 0; i < x->n_headers; i++)
        if (strcasecmp(x->headers[i].name, name) == 0)
            return &x->headers[i];
    return NULL;
}

void http_set_header(struct http_exchange *x, const char *name, const char *value) {
    struct loop_mhd_header *h = strcasecmp(name, "Set-Cookie") ? find_header(x, name) : NULL;
    if (!is_value(value) || (!h && x->n_headers == HTTP_ANSWER_HEADERS)) {
        LOG_ERROR(x->server->env->log, "http.header_dropped", LOG_S("name", name));
        return;
    }
    if (!h) {
        h = &x->headers[x->n_headers++];
        h->name = mem_strdup(name);
    } else {
        free((char *)(uintptr_t)h->value);
    }
    h->value = mem_strdup(value);
}

static void set_default(struct http_exchange *x, const char *name, const char *value) {
    if (!find_header(x, name))
        http_set_header(x, name, value);
}

/* --- the one way out ------------------------------------------------------------------------- */

static void count(struct http_exchange *x, int status) {
    static const char *const classes[] = {"1xx", "2xx", "3xx", "4xx", "5xx"};
    struct metrics *m = x->server->env->metrics;
    metrics_add(m, M_HTTP, classes[status / 100 - 1], 1);
    metrics_observe_us(m, M_HTTP_SECONDS, NULL, clock_mono_us() - x->started_us);
}

static void discard(const struct loop_mhd_answer *a) {
    if (a->kind == LOOP_MHD_FREE)
        free((void *)(uintptr_t)a->p);
    if (a->kind == LOOP_MHD_FILE)
        close(a->fd);
}

static void finish(struct http_exchange *x, struct loop_mhd_answer *a, const char *type) {
    if (x->answered) {
        LOG_ERROR(x->server->env->log, "http.answered_twice", LOG_S("path", x->path));
        discard(a);
        return;
    }
    if (type)
        http_set_header(x, "Content-Type", type);
    set_default(x, "X-Content-Type-Options", "nosniff");
    set_default(x, "Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'");
    set_default(x, "Referrer-Policy", "no-referrer");
    set_default(x, "Cache-Control", "no-store");
    a->headers = x->headers;
    a->n_headers = x->n_headers;
    a->close = x->close || x->server->quiesced;
    x->answered = true;
    x->server->open--;
    count(x, a->status);
    loop_mhd_reply(x->rq, a); /* x may be gone after this */
}

void http_reply(struct http_exchange *x, int status, const char *type, const void *p, size_t n) {
    struct loop_mhd_answer a = {.status = status, .kind = LOOP_MHD_COPY, .p = n ? p : "", .n = n};
    finish(x, &a, type);
}

void http_reply_static(
    struct http_exchange *x, int status, const char *type, const void *p, size_t n) {
    struct loop_mhd_answer a = {.status = status, .kind = LOOP_MHD_STATIC, .p = n ? p : "", .n = n};
    finish(x, &a, type);
}

static void reply_json_as(struct http_exchange *x, int status, const char *type, json_t *body) {
    char *text = json_dumps(body, JSON_COMPACT);
    json_decref(body);
    if (!text) { /* not UTF-8 somewhere, which no checked value is */
        http_reply_problem(x, 500, "internal", "the answer cannot be written as JSON");
        return;
    }
    struct loop_mhd_answer a = {
        .status = status, .kind = LOOP_MHD_FREE, .p = text, .n = strlen(text)};
    finish(x, &a, type);
}

void http_reply_json(struct http_exchange *x, int status, json_t *body) {
    reply_json_as(x, status, "application/json", body);
}

void http_reply_empty(struct http_exchange *x, int status) {
    http_reply_static(x, status, NULL, "", 0);
}

/* --- problem documents ----------------------------------------------------------------------- */

static void add_advice(struct http_exchange *x, int status) {
    char seconds[8];
    if (status == 503 || status == 429) {
        snprintf(seconds, sizeof seconds, "%u", 1 + (unsigned)randombytes_uniform(3));
        set_default(x, "Retry-After", seconds);
    }
    if (status == 401)
        set_default(x, "WWW-Authenticate", "Bearer");
    if (status == 426)
        set_default(x, "Upgrade", "websocket");
}

void http_reply_problem(struct http_exchange *x, int status, const char *code, const char *detail) {
    bool good = utf8_is_valid(detail, strlen(detail));
    add_advice(x, status);
    reply_json_as(x, status, "application/problem+json",
        json_pack("{s:s,s:s,s:i,s:s,s:s}", "type", "about:blank", "title",
            http_status_title(status), "status", status, "code", code, "detail",
            good ? detail : "(the reason is not valid text)"));
}

void http_reply_err(struct http_exchange *x, const struct err *err) {
    int status = err_http_status(err->code);
    const char *detail = err->text;
    if (status < 400)
        status = 500;
    if (status == 500 || err->code == ERR_IO) {
        LOG_ERROR(x->server->env->log, "http.failed", LOG_S("method", x->method),
            LOG_S("path", x->path), LOG_E(err));
        detail = "an error inside the gateway; its log says more";
    }
    http_reply_problem(x, status, err_name(err->code), detail);
}

/* --- files ----------------------------------------------------------------------------------- */

void http_reply_file(
    struct http_exchange *x, int fd, uint64_t size, const char *type, const char *etag) {
    uint64_t from = 0, n = size;
    char text[80];
    struct span match = http_exchange_field(x, "If-None-Match");
    struct span if_range = http_exchange_field(x, "If-Range");
    enum http_range range = HTTP_RANGE_WHOLE;
    if (etag)
        http_set_header(x, "ETag", etag);
    http_set_header(x, "Accept-Ranges", "bytes");
    if (etag && match.p && http_etag_matches(match, etag)) {
        close(fd);
        http_reply_empty(x, 304);
        return;
    }
    if (!if_range.p || (etag && span_eq(if_range, etag)))
        range = http_range_parse(http_exchange_field(x, "Range"), size, &from, &n);
    if (range == HTTP_RANGE_UNSATISFIABLE) {
        close(fd);
        snprintf(text, sizeof text, "bytes */%llu", (unsigned long long)size);
        http_set_header(x, "Content-Range", text);
        http_reply_problem(x, 416, "invalid", "the range lies outside of the file");
        return;
    }
    if (range == HTTP_RANGE_PART) {
        snprintf(text, sizeof text, "bytes %llu-%llu/%llu", (unsigned long long)from,
            (unsigned long long)(from + n - 1), (unsigned long long)size);
        http_set_header(x, "Content-Range", text);
    }
    struct loop_mhd_answer a = {.status = range == HTTP_RANGE_PART ? 206 : 200,
        .kind = LOOP_MHD_FILE,
        .fd = fd,
        .offset = from,
        .n = (size_t)n};
    finish(x, &a, type);
}
