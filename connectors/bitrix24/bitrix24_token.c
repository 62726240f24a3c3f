/* bitrix24_token.c - one access token for all workers: asked for only when the portal says that the
 * one before is over, by one worker at a time, and on disk before it is used, for the refresh token
 * that comes with it is good once. Whoever has the lock looks at what is kept first: another may
 * have asked meanwhile. */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/crypto.h"
#include "base/mem.h"
#include "connectors/bitrix24/bitrix24_private.h"

#define KEPT "tokens"
#define LOCK "tokens:lock"
#define LOCK_MS 60000u /* longer than the request and the keeping */
#define LOOK_AGAIN_MS 200u
#define LOCK_WAIT_MS 75000u
#define TIMEOUT_MS 30000u
#define ANSWER_MAX 65536u
#define QUERY_MAX 8192u

struct token_wait {
    struct token_wait *next;
    bitrix24_token_fn fn;
    void *arg;
    struct crm_about about;
};

static void forget(char **secret) {
    if (*secret)
        sodium_memzero(*secret, strlen(*secret));
    free(*secret);
    *secret = NULL;
}

static void look(void *arg);

/* --- the end of a round ---------------------------------------------------------------------- */

static void finish(struct bitrix24 *b, const struct err *err) {
    struct bitrix24_app *app = &b->app;
    struct token_wait *all = app->waits, *next;
    char *token = err ? NULL : mem_strdup(app->access);
    if (app->locked_ms && clock_mono_ms() - app->locked_ms < LOCK_MS)
        crm_let_go(&b->flow.base, LOCK); /* who holds it longer has lost it */
    app->locked_ms = 0;
    app->busy = false;
    app->waits = NULL;
    app->waits_end = &app->waits;
    for (struct token_wait *w = all; w; w = next) {
        next = w->next;
        struct crm_about was = crm_about_swap(&b->flow.base, w->about);
        w->fn(w->arg, token, err);
        crm_about_swap(&b->flow.base, was);
        free(w);
    }
    forget(&token);
}

/* --- what is kept ---------------------------------------------------------------------------- */

static const char *str(const json_t *o, const char *key) {
    const char *s = json_string_value(json_object_get(o, key));
    return s ? s : "";
}

static bool is_good(const struct bitrix24_app *app) {
    return app->access && (!app->refused || strcmp(app->access, app->refused) != 0);
}

static void adopt(struct bitrix24_app *app, struct span text) {
    json_t *kept = text.n ? json_loadb(text.p, text.n, 0, NULL) : NULL;
    if (strcmp(str(kept, "of"), app->of) == 0 && *str(kept, "refresh")) {
        forget(&app->access);
        forget(&app->refresh);
        app->access = mem_strdup(str(kept, "access"));
        app->refresh = mem_strdup(str(kept, "refresh"));
    } else if (!app->refresh) {
        app->refresh = mem_strdup(app->given);
    }
    json_decref(kept);
}

static void on_saved(void *arg, const struct err *err) {
    struct bitrix24 *b = arg;
    b->app.unkept = err != NULL; /* before the next is asked for */
    if (!b->ended)
        finish(b, err);
}

static void save(struct bitrix24 *b) {
    json_t *j = json_pack(
        "{s:s,s:s,s:s}", "of", b->app.of, "access", b->app.access, "refresh", b->app.refresh);
    char *text = json_dumps(j, JSON_COMPACT);
    json_decref(j);
    crm_keep(&b->flow.base, KEPT, span_str(text), 0, on_saved, b);
    forget(&text);
}

/* --- asking the token server ----------------------------------------------------------------- */

static void on_answer(
    void *arg, const struct http_answer *answer, const struct err *failure, bool sent) {
    struct bitrix24 *b = arg;
    struct bitrix24_tokens got = {0};
    struct err err = {0};
    (void)sent;
    b->app.call = NULL;
    if (b->ended && !answer)
        return;
    if (answer && bitrix24_tokens_read(answer, &got, &err) == 0) {
        forget(&b->app.access);
        forget(&b->app.refresh);
        b->app.access = got.access;
        b->app.refresh = got.refresh;
        b->app.unkept = true;
        save(b);
        return;
    }
    if (failure)
        err = *failure;
    if (err.code != ERR_UNAVAILABLE && err.code != ERR_TIMEOUT && err.code != ERR_IO)
        err.code = ERR_AUTH; /* nobody gives us tokens there: no message's fault */
    finish(b, &err);
}

static void add_field(struct buf *q, const char *name, const char *value) {
    buf_addf(q, "%c%s=", strchr(buf_str(q), '?') ? '&' : '?', name);
    for (; *value; value++) {
        unsigned char c = (unsigned char)*value;
        bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                     strchr("-._~", c);
        buf_addf(q, plain ? "%c" : "%%%02X", c);
    }
}

/* Bitrix24 wants it as a GET: the address is shown nowhere. */
static void ask(struct bitrix24 *b) {
    static const char *const headers[] = {"Accept: application/json", NULL};
    struct buf url;
    buf_init(&url, QUERY_MAX);
    buf_adds(&url, b->app.token_url);
    add_field(&url, "grant_type", "refresh_token");
    add_field(&url, "client_id", b->app.client_id);
    add_field(&url, "client_secret", b->app.client_secret);
    add_field(&url, "refresh_token", b->app.refresh);
    struct http_request rq = {.method = "GET",
        .url = buf_str(&url),
        .headers = headers,
        .timeout_ms = TIMEOUT_MS,
        .answer_max = ANSWER_MAX,
        .allow_private = b->options.allow_private,
        .allow_plain = b->options.allow_private};
    b->app.call = http_call_start(b->flow.base.client, &rq, on_answer, b);
    sodium_memzero(url.p, url.n);
    buf_free(&url);
}

static void look_again(struct bitrix24 *b) {
    struct err late;
    err_set(&late, ERR_TIMEOUT, "another worker asks Bitrix24 for a token, and comes to no end");
    if (clock_mono_ms() - b->app.began_ms > LOCK_WAIT_MS)
        finish(b, &late);
    else
        b->app.timer = loop_timer_start(b->flow.base.env->loop, LOOK_AGAIN_MS, 0, look, b);
}

static void on_locked(void *arg, bool got, const struct err *err) {
    struct bitrix24 *b = arg;
    if (b->ended) {
        if (got)
            crm_let_go(&b->flow.base, LOCK);
        return;
    }
    if (err) {
        finish(b, err);
        return;
    }
    b->app.locked_ms = got ? clock_mono_ms() : 0;
    if (got)
        look(b);
    else
        look_again(b);
}

static void on_kept(void *arg, struct span text, const struct err *err) {
    struct bitrix24 *b = arg;
    if (b->ended)
        return;
    if (err) {
        finish(b, err);
        return;
    }
    if (b->app.unkept) {
        save(b);
        return;
    }
    adopt(&b->app, text);
    if (is_good(&b->app))
        finish(b, NULL);
    else if (b->app.locked_ms)
        ask(b);
    else
        crm_claim(&b->flow.base, LOCK, LOCK_MS, on_locked, b);
}

static void look(void *arg) {
    struct bitrix24 *b = arg;
    loop_timer_stop(&b->app.timer);
    crm_kept(&b->flow.base, KEPT, on_kept, b);
}

static void serve(void *arg) {
    struct bitrix24 *b = arg;
    if (b->ended)
        return;
    b->app.began_ms = clock_mono_ms();
    if (is_good(&b->app) && !b->app.unkept)
        finish(b, NULL);
    else
        look(b);
}

void bitrix24_token(struct bitrix24 *b, bitrix24_token_fn fn, void *arg) {
    struct token_wait *w = mem_zalloc(sizeof *w);
    w->fn = fn;
    w->arg = arg;
    w->about = b->flow.base.about;
    *b->app.waits_end = w;
    b->app.waits_end = &w->next;
    if (!b->app.busy)
        loop_defer(b->flow.base.env->loop, serve, b);
    b->app.busy = true;
}

void bitrix24_token_expired(struct bitrix24 *b, const char *token) {
    if (!b->app.access || strcmp(b->app.access, token) != 0)
        return; /* another is there already */
    forget(&b->app.refused);
    b->app.refused = mem_strdup(token);
}

void bitrix24_token_stop(struct bitrix24 *b) {
    struct err err;
    if (b->app.call)
        http_call_cancel(b->app.call);
    loop_timer_stop(&b->app.timer);
    err_set(&err, ERR_UNAVAILABLE, "the gateway is stopping");
    if (b->app.waits)
        finish(b, &err);
}

void bitrix24_token_finish(struct bitrix24 *b) {
    forget(&b->app.access);
    forget(&b->app.refresh);
    forget(&b->app.refused);
}
