/* kommo_api.c - requests of API v4: the token, too many requests, and an address that was blocked.
 * A 403 may mean either that this is not allowed, or that the address is blocked: a request that
 * anybody may make tells which. */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "connectors/kommo/kommo_private.h"

#define BLOCKED_MS 3600000u
#define EXCESS_MS 1000u
#define EXCESS_MAX 6 /* a minute */

struct call {
    struct kommo *k;
    char *method, *url, *body, *type, *about;
    size_t body_n;
    crm_step_fn fn;
    void *arg;
    char *token;        /* that it was sent with */
    bool again;         /* a token of it was refused already */
    struct err refusal; /* of a request whose 403 is looked into, or that is not made at all */
    unsigned retry_ms;
};

static void forget(char **secret) {
    if (*secret)
        sodium_memzero(*secret, strlen(*secret));
    free(*secret);
    *secret = NULL;
}

static void call_end(struct call *c, const json_t *result, const struct err *err, unsigned ms) {
    c->fn(c->arg, err ? NULL : result, err, ms);
    free(c->method);
    free(c->url);
    free(c->body);
    free(c->type);
    free(c->about);
    forget(&c->token);
    free(c);
}

static void send(struct call *c, const char *method, const char *url, struct span body,
    const char *type, const char *about, http_answer_fn fn) {
    char *token = mem_printf("Authorization: Bearer %s", c->token);
    char *kind = type ? mem_printf("Content-Type: %s", type) : NULL;
    const char *const headers[] = {token, "Accept: application/json", kind, NULL};
    struct crm_request rq = {
        .method = method, .url = url, .headers = headers, .body = body, .about = about};
    crm_calls_start(c->k->calls, &rq, fn, c);
    forget(&token);
    free(kind);
}

static void start(struct call *c, http_answer_fn fn) {
    send(c, c->method, c->url, span_of(c->body, c->body_n), c->type, c->about, fn);
}

static void probe(struct call *c, http_answer_fn fn) {
    char *url = mem_printf("%s/api/v4/account", c->k->url);
    send(c, "GET", url, span_of("", 0), NULL, "/account", fn);
    free(url);
}

/* --- is the address blocked? ----------------------------------------------------------------- */

static unsigned blocked_for(const struct kommo *k) {
    uint64_t now = clock_mono_ms();
    return k->blocked_until > now ? (unsigned)(k->blocked_until - now) : 0;
}

static int set_blocked(const struct kommo *k, struct err *err) {
    return err_set(err, ERR_AUTH,
        "Kommo has blocked this address (403 to everything): nothing is asked for %u minutes more",
        blocked_for(k) / 60000 + 1);
}

static void on_probe(void *arg, const struct http_answer *a, const struct err *failure, bool sent) {
    struct call *c = arg;
    struct kommo *k = c->k;
    struct err err;
    (void)sent;
    if (failure) {
        call_end(c, NULL, failure, 0);
        return;
    }
    json_t *result = kommo_answer(a, &err);
    if (result) { /* the token works: it is this that it may not do */
        err = c->refusal;
    } else if (err.code == ERR_DENIED) {
        k->blocked_until = clock_mono_ms() + BLOCKED_MS;
        set_blocked(k, &err);
        LOG_ERROR(k->flow.base.env->log, "kommo.blocked", LOG_S("target", k->flow.base.target),
            LOG_E(&err));
    }
    json_decref(result);
    call_end(c, NULL, &err, blocked_for(k));
}

/* --- calls ----------------------------------------------------------------------------------- */

/* They ask for a slower pace: each time twice as long a pause. */
static unsigned slow_down(struct kommo *k, const struct http_answer *a) {
    unsigned ms = EXCESS_MS << (k->excess < EXCESS_MAX ? k->excess : EXCESS_MAX);
    k->excess++;
    if (kommo_retry_ms(a))
        return kommo_retry_ms(a);
    crm_calls_pause(k->calls, ms);
    return ms;
}

static void on_token(void *arg, const char *token, const struct err *err);

static void on_answer(
    void *arg, const struct http_answer *a, const struct err *failure, bool sent) {
    struct call *c = arg;
    struct kommo *k = c->k;
    struct err err;
    unsigned retry_ms = 0;
    (void)sent;
    if (failure) {
        call_end(c, NULL, failure, 0);
        return;
    }
    json_t *result = kommo_answer(a, &err);
    if (!result)
        crm_calls_refused(k->calls, &err);
    if (result)
        k->excess = 0;
    else if (err.code == ERR_TOO_MANY)
        retry_ms = slow_down(k, a);
    else
        retry_ms = kommo_retry_ms(a);
    if (!result && err.code == ERR_AUTH && k->oauth.token && !c->again) {
        c->again = true;
        crm_token_refused(k->oauth.token, c->token);
        crm_token_get(k->oauth.token, on_token, c);
        return;
    }
    if (!result && err.code == ERR_DENIED && !k->ended) {
        c->refusal = err;
        probe(c, on_probe);
        return;
    }
    call_end(c, result, result ? NULL : &err, retry_ms);
    json_decref(result);
}

static void on_token(void *arg, const char *token, const struct err *err) {
    struct call *c = arg;
    if (err) {
        call_end(c, NULL, err, 0);
        return;
    }
    forget(&c->token);
    c->token = mem_strdup(token);
    start(c, on_answer);
}

static void on_refused(void *arg) {
    struct call *c = arg;
    call_end(c, NULL, &c->refusal, c->retry_ms);
}

void kommo_call_url(struct kommo *k, const char *method, const char *url, struct span body,
    const char *type, const char *about, crm_step_fn fn, void *arg) {
    struct call *c = mem_zalloc(sizeof *c);
    c->k = k;
    c->method = mem_strdup(method);
    c->url = mem_strdup(url);
    c->body = mem_strndup(body.n ? body.p : "", body.n);
    c->body_n = body.n;
    c->type = mem_strdup(type);
    c->about = mem_strdup(about);
    c->fn = fn;
    c->arg = arg;
    c->retry_ms = blocked_for(k);
    if (k->ended)
        err_set(&c->refusal, ERR_UNAVAILABLE, "the gateway is stopping");
    else if (c->retry_ms)
        set_blocked(k, &c->refusal);
    if (c->refusal.code)
        loop_defer(k->flow.base.env->loop, on_refused, c);
    else if (k->oauth.token)
        crm_token_get(k->oauth.token, on_token, c);
    else
        on_token(c, k->token, NULL);
}

void kommo_call(struct kommo *k, const char *method, const char *path, json_t *body, crm_step_fn fn,
    void *arg) {
    char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
    char *url = mem_printf("%s/api/v4%s", k->url, path);
    kommo_call_url(k, method, url, span_str(text ? text : ""), text ? "application/json" : NULL,
        path, fn, arg);
    free(url);
    free(text);
    json_decref(body);
}

void kommo_api_stop(struct kommo *k) {
    k->ended = true;
    kommo_token_stop(k);
    crm_calls_destroy(&k->calls);
}

/* --- is it gone? ----------------------------------------------------------------------------- */

struct doubt {
    struct err refusal;
    crm_step_fn fn;
    void *arg;
};

static void on_looked(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    struct doubt *d = arg;
    struct err what;
    if (!err && kommo_check_one(result, &what) < 0)
        err = &what;
    d->fn(d->arg, NULL, err ? err : &d->refusal, retry_ms);
    free(d);
}

void kommo_is_it_gone(
    struct kommo *k, const char *path, const struct err *refusal, crm_step_fn fn, void *arg) {
    struct doubt *d = mem_alloc(sizeof *d);
    *d = (struct doubt){*refusal, fn, arg};
    if (d->refusal.code == ERR_NOT_FOUND)
        d->refusal.code = ERR_INVALID; /* of something that is there */
    kommo_call(k, "GET", path, NULL, on_looked, d);
}
