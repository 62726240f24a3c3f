/* email_oauth.c - one token, one request for it, and who waits. */
#include "connectors/email/email_oauth.h"

#include <sodium.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/crypto.h"
#include "base/mem.h"
#include "connectors/email/email_oauth_answer.h"

#define AHEAD_MS 300000
#define TIMEOUT_MS 30000u
#define ANSWER_MAX 65536u
#define FORM_MAX 65536u

struct email_oauth_wait {
    struct email_oauth_wait *next, **self;
    struct email_oauth *o;
    uint64_t round; /* of answers, that it waits for */
    email_oauth_fn fn;
    void *arg;
};

struct email_oauth {
    const struct env *env;
    struct http_client *http;
    struct http_call *call; /* one at a time */
    char *token_url, *client_id, *client_secret, *refresh_token, *scope;
    bool allow_private, allow_plain;
    email_oauth_keep_fn keep;
    void *arg;
    char *token;                                 /* NULL: none */
    uint64_t renew_at, ends_at;                  /* clock_mono_ms */
    struct email_oauth_wait *waits, **waits_end; /* in the order of their coming */
    uint64_t round;
    bool serving; /* soon */
    bool destroyed;
};

static void forget(char **secret) {
    if (*secret)
        sodium_memzero(*secret, strlen(*secret));
    free(*secret);
    *secret = NULL;
}

static void free_oauth(void *arg) {
    struct email_oauth *o = arg;
    free(o->token_url);
    free(o->client_id);
    forget(&o->client_secret);
    forget(&o->refresh_token);
    free(o->scope);
    forget(&o->token);
    free(o);
}

/* --- who waits ------------------------------------------------------------------------------- */

static void unlink_wait(struct email_oauth_wait *w) {
    *w->self = w->next;
    if (w->next)
        w->next->self = w->self;
    else
        w->o->waits_end = w->self;
}

/* Those who come meanwhile wait for the next. */
static void answer_all(struct email_oauth *o, const char *token, const struct err *err) {
    char *copy = mem_strdup(token); /* fn may have it refused */
    uint64_t round = o->round++;
    while (o->waits && o->waits->round <= round) {
        struct email_oauth_wait *w = o->waits;
        unlink_wait(w);
        w->fn(w->arg, copy, err);
        free(w);
    }
    forget(&copy);
}

/* --- the request ----------------------------------------------------------------------------- */

static void serve_soon(struct email_oauth *o);

static void add_field(struct buf *form, const char *name, const char *value) {
    buf_addf(form, "%s%s=", form->n ? "&" : "", name);
    for (; *value; value++) {
        unsigned char c = (unsigned char)*value;
        bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                     strchr("-._~", c);
        buf_addf(form, plain ? "%c" : "%%%02X", c);
    }
}

static void take_answer(struct email_oauth *o, const struct http_answer *answer, struct err *err) {
    struct email_oauth_answer a;
    uint64_t now = clock_mono_ms();
    if (email_oauth_answer_read(answer->status, answer->body, &a, err) < 0)
        return;
    uint64_t ms = (uint64_t)a.expires_s * 1000;
    forget(&o->token);
    o->token = a.access_token;
    o->ends_at = now + ms;
    o->renew_at = now + (ms > 2 * AHEAD_MS ? ms - AHEAD_MS : ms / 2);
    if (!a.refresh_token)
        return;
    if (o->refresh_token[0] && strcmp(a.refresh_token, o->refresh_token) != 0) {
        forget(&o->refresh_token);
        o->refresh_token = a.refresh_token;
        o->keep(o->arg, o->refresh_token);
    } else {
        forget(&a.refresh_token);
    }
}

static void on_answer(
    void *arg, const struct http_answer *answer, const struct err *err, bool sent) {
    struct email_oauth *o = arg;
    struct err e = {0};
    (void)sent;
    o->call = NULL;
    if (o->destroyed)
        return;
    if (answer)
        take_answer(o, answer, &e);
    else if (err->code == ERR_INVALID || err->code == ERR_DENIED)
        err_set(&e, ERR_DENIED, "token_url cannot be asked: %s", err->text);
    else
        e = *err;
    /* What is refused for good is refused now; else the old token is good to its end. */
    bool old =
        e.code != ERR_NONE && e.code != ERR_DENIED && o->token && clock_mono_ms() < o->ends_at;
    if (e.code == ERR_NONE || old)
        answer_all(o, o->token, NULL);
    else
        answer_all(o, NULL, &e);
}

static void ask(struct email_oauth *o) {
    static const char *const headers[] = {
        "Content-Type: application/x-www-form-urlencoded", "Accept: application/json", NULL};
    struct buf form;
    buf_init(&form, FORM_MAX);
    add_field(&form, "grant_type", o->refresh_token[0] ? "refresh_token" : "client_credentials");
    if (o->refresh_token[0])
        add_field(&form, "refresh_token", o->refresh_token);
    add_field(&form, "client_id", o->client_id);
    if (o->client_secret[0])
        add_field(&form, "client_secret", o->client_secret);
    if (o->scope[0])
        add_field(&form, "scope", o->scope);
    struct http_request rq = {.method = "POST",
        .url = o->token_url,
        .headers = headers,
        .body = buf_span(&form),
        .timeout_ms = TIMEOUT_MS,
        .answer_max = ANSWER_MAX,
        .allow_private = o->allow_private,
        .allow_plain = o->allow_plain};
    o->call = http_call_start(o->http, &rq, on_answer, o);
    if (form.p)
        sodium_memzero(form.p, form.n);
    buf_free(&form);
}

static void serve(void *arg) {
    struct email_oauth *o = arg;
    o->serving = false;
    if (o->destroyed || !o->waits || o->call)
        return;
    if (o->token && clock_mono_ms() < o->renew_at)
        answer_all(o, o->token, NULL);
    else
        ask(o);
}

static void serve_soon(struct email_oauth *o) {
    if (!o->serving)
        loop_defer(o->env->loop, serve, o);
    o->serving = true;
}

/* --- the account ----------------------------------------------------------------------------- */

struct email_oauth *email_oauth_create(const struct env *env, struct http_client *http,
    const struct email_oauth_account *account, email_oauth_keep_fn keep, void *arg) {
    struct email_oauth *o = mem_zalloc(sizeof *o);
    o->env = env;
    o->http = http;
    o->token_url = mem_strdup(account->token_url);
    o->client_id = mem_strdup(account->client_id);
    o->client_secret = mem_strdup(account->client_secret);
    o->refresh_token = mem_strdup(account->refresh_token);
    o->scope = mem_strdup(account->scope);
    o->allow_private = account->allow_private;
    o->allow_plain = account->allow_plain;
    o->keep = keep;
    o->arg = arg;
    o->waits_end = &o->waits;
    return o;
}

void email_oauth_destroy(struct email_oauth **o_) {
    struct email_oauth *o = *o_;
    struct err err;
    if (!o)
        return;
    *o_ = NULL;
    o->destroyed = true;
    if (o->call)
        http_call_cancel(o->call);
    err_set(&err, ERR_UNAVAILABLE, "the account is being closed");
    answer_all(o, NULL, &err);
    loop_defer(o->env->loop, free_oauth, o); /* after a serve that is due */
}

struct email_oauth_wait *email_oauth_token(struct email_oauth *o, email_oauth_fn fn, void *arg) {
    struct email_oauth_wait *w = mem_zalloc(sizeof *w);
    w->o = o;
    w->round = o->round;
    w->fn = fn;
    w->arg = arg;
    w->self = o->waits_end;
    *o->waits_end = w;
    o->waits_end = &w->next;
    serve_soon(o);
    return w;
}

void email_oauth_cancel(struct email_oauth_wait *w) {
    unlink_wait(w);
    free(w);
}

void email_oauth_refused(struct email_oauth *o, const char *token) {
    if (o->token && crypto_equal(span_str(o->token), span_str(token)))
        forget(&o->token);
}

void email_oauth_set_refresh_token(struct email_oauth *o, const char *refresh_token) {
    char *copy = mem_strdup(refresh_token);
    forget(&o->refresh_token);
    o->refresh_token = copy;
}
