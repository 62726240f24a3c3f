/* elma365_call.c - requests with the token. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "connectors/elma365/elma365_private.h"

struct call {
    struct elma365 *e;
    crm_step_fn fn;
    void *arg;
    struct err err; /* why it was refused, while we look into it */
};

static void call_end(struct call *c, const json_t *result, const struct err *err, unsigned wait) {
    c->fn(c->arg, result, err, wait);
    free(c);
}

static unsigned retry_of(const struct http_answer *a) {
    long s = a ? a->retry_after_s : 0;
    return s <= 0 ? 0 : (unsigned)(s < 86400 ? s : 86400) * 1000;
}

/* Behind its own address stands what is asked for. */
static const char *asked_of(const struct elma365 *e, const char *url) {
    return url + strlen(e->url);
}

static void send_json(struct elma365 *e, const char *method, const char *url, const json_t *body,
    http_answer_fn fn, void *arg) {
    const char *const headers[] = {e->auth, "Content-Type: application/json", NULL};
    char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
    struct crm_request rq = {.method = method,
        .url = url,
        .headers = headers,
        .body = span_str(text ? text : ""),
        .about = asked_of(e, url)};
    crm_calls_start(e->calls, &rq, fn, arg);
    free(text);
}

/* --- refused --------------------------------------------------------------------------------- */

/* 403 is said of a token that is none, and of what its user may not. Whoever may read clients is
 * known. */
static void on_probe(void *arg, const struct http_answer *a, const struct err *failure, bool sent) {
    struct call *c = arg;
    struct err err = {0};
    json_t *j = a ? elma365_result(a, &err) : NULL;
    (void)sent;
    if (failure)
        err = *failure;
    if (j)
        err = c->err;
    else if (err.code == ERR_DENIED || err.code == ERR_AUTH)
        err_set(&err, ERR_AUTH,
            "ELMA365 does not let us in: check the token, and that its user may read %s/%s",
            c->e->section, c->e->app);
    else if (err.code != ERR_TOO_MANY && err.code != ERR_TIMEOUT && err.code != ERR_IO)
        err.code = ERR_UNAVAILABLE;
    call_end(c, NULL, &err, j ? 0 : retry_of(a));
    json_decref(j);
}

static void probe(struct call *c) {
    struct elma365 *e = c->e;
    struct elma365_place place = {.section = e->section, .app = e->app};
    char *url = elma365_path(e->url, "/app/{section}/{app}/list", &place);
    json_t *body = json_pack("{s:b,s:i,s:i}", "active", 1, "from", 0, "size", 1);
    send_json(e, "POST", url, body, on_probe, c);
    json_decref(body);
    free(url);
}

/* --- calls ----------------------------------------------------------------------------------- */

static void on_answer(
    void *arg, const struct http_answer *a, const struct err *failure, bool sent) {
    struct call *c = arg;
    struct err err = {0};
    json_t *j = a ? elma365_result(a, &err) : NULL;
    (void)sent;
    if (failure)
        err = *failure;
    if (!j)
        crm_calls_refused(c->e->calls, &err);
    if (!j && err.code == ERR_DENIED && c->e->calls) {
        c->err = err;
        probe(c);
        return;
    }
    call_end(c, j, j ? NULL : &err, retry_of(a));
    json_decref(j);
}

static struct call *call_create(struct elma365 *e, crm_step_fn fn, void *arg) {
    struct call *c = mem_zalloc(sizeof *c);
    c->e = e;
    c->fn = fn;
    c->arg = arg;
    return c;
}

void elma365_call(struct elma365 *e, const char *path, const struct elma365_place *place,
    json_t *body, crm_step_fn fn, void *arg) {
    struct elma365_place at = *place;
    at.section = at.section ? at.section : e->section;
    at.app = at.app ? at.app : e->app;
    char *url = elma365_path(e->url, path, &at);
    send_json(e, body ? "POST" : "GET", url, body, on_answer, call_create(e, fn, arg));
    free(url);
    json_decref(body);
}

void elma365_call_file(struct elma365 *e, const char *path, const char *header,
    const struct http_part *part, crm_step_fn fn, void *arg) {
    const char *const headers[] = {e->auth, header, NULL};
    char *url = mem_printf("%s%s", e->url, path);
    struct crm_request rq = {.method = "POST",
        .url = url,
        .headers = headers,
        .parts = part,
        .nparts = 1,
        .about = asked_of(e, url)};
    crm_calls_start(e->calls, &rq, on_answer, call_create(e, fn, arg));
    free(url);
}

struct later {
    struct elma365 *e;
    struct crm_about about;
    json_t *result;
    struct err err;
    crm_step_fn fn;
    void *arg;
};

static void on_later(void *arg) {
    struct later *l = arg;
    struct crm *c = &l->e->flow.base;
    struct crm_about was = crm_about_swap(c, l->about);
    l->fn(l->arg, l->err.code ? NULL : l->result, l->err.code ? &l->err : NULL, 0);
    crm_about_swap(c, was);
    json_decref(l->result);
    free(l);
}

void elma365_later(
    struct elma365 *e, json_t *result, const struct err *err, crm_step_fn fn, void *arg) {
    struct later *l = mem_zalloc(sizeof *l);
    l->e = e;
    l->about = e->flow.base.about;
    l->result = result;
    l->fn = fn;
    l->arg = arg;
    if (err)
        l->err = *err;
    loop_defer(e->flow.base.env->loop, on_later, l);
}
