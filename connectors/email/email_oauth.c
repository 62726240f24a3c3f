/* email_oauth.c - one token, one request for it, and who waits. What is kept is looked at first;
 * who has the lock looks again, for another may have asked meanwhile, and then asks. */
#include "base/json_text.h"
#include "connectors/email/email_oauth.h"

#include <jansson.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/crypto.h"
#include "base/mem.h"
#include "connectors/email/email_oauth_answer.h"

#define AHEAD_MS 300000
#define TIMEOUT_MS 30000u
#define ANSWER_MAX 65536u
#define FORM_MAX 65536u
#define LOCK_MS 60000u /* longer than the request and the keeping */
#define LOOK_AGAIN_MS 200
#define LOCK_WAIT_MS 75000u

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
    struct email_oauth_keeper keeper;
    char of[CRYPTO_HEX_SIZE];                    /* the account that what is kept must be of */
    char by[CRYPTO_HEX_SIZE];                    /* and how the access token was asked for */
    char *token;                                 /* NULL: none */
    char *refused;                               /* by a server; NULL: none */
    uint64_t renew_at, ends_at;                  /* clock_mono_ms */
    struct email_oauth_wait *waits, **waits_end; /* in the order of their coming */
    uint64_t round;
    struct loop_timer *timer;              /* looks again */
    uint64_t asked_since_ms, locked_at_ms; /* 0: nobody asks; not locked */
    bool unkept;                           /* what the server gave is not on disk */
    bool busy;                             /* from the look at what is kept to the answer */
    bool at_keeper;                        /* it calls back */
    bool serving;                          /* soon */
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
    forget(&o->refused);
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

static void serve_soon(struct email_oauth *o);

/* --- what is kept ---------------------------------------------------------------------------- */

static bool is_good(const struct email_oauth *o) {
    return o->token && clock_mono_ms() < o->renew_at;
}

static uint64_t mono_of(json_int_t wall_ms) {
    int64_t left = wall_ms - clock_ms();
    return clock_mono_ms() + (left > 0 ? (uint64_t)left : 0);
}

static void adopt(struct email_oauth *o, struct span text) {
    json_t *kept = json_loadb(text.p, text.n, 0, NULL);
    const char *refresh = json_text(kept, "refresh"), *access = json_text(kept, "access");
    if (strcmp(json_text(kept, "of"), o->of) == 0) {
        if (*refresh) {
            forget(&o->refresh_token);
            o->refresh_token = mem_strdup(refresh);
        }
        bool is_ours = strcmp(json_text(kept, "by"), o->by) == 0;
        if (is_ours && *access && (!o->refused || strcmp(access, o->refused) != 0)) {
            forget(&o->token);
            o->token = mem_strdup(access);
            o->renew_at = mono_of(json_integer_value(json_object_get(kept, "renew_at")));
            o->ends_at = mono_of(json_integer_value(json_object_get(kept, "ends_at")));
        }
    }
    json_decref(kept);
}

static char *text_to_keep(const struct email_oauth *o) {
    int64_t now = clock_ms() - (int64_t)clock_mono_ms();
    json_t *kept = json_pack("{s:s,s:s,s:s,s:s,s:I,s:I}", "of", o->of, "by", o->by, "refresh",
        o->refresh_token, "access", o->token ? o->token : "", "renew_at",
        (json_int_t)(now + (int64_t)o->renew_at), "ends_at",
        (json_int_t)(now + (int64_t)o->ends_at));
    char *text = json_dumps(kept, JSON_COMPACT);
    json_decref(kept);
    return text;
}

/* False: the account is gone. */
static bool is_back(struct email_oauth *o) {
    o->at_keeper = false;
    if (!o->destroyed)
        return true;
    loop_defer(o->env->loop, free_oauth, o);
    return false;
}

static void look(void *arg);

/* --- the end of a round ---------------------------------------------------------------------- */

static void finish(struct email_oauth *o, const struct err *err) {
    /* Who holds it longer has lost it. */
    if (o->locked_at_ms && clock_mono_ms() - o->locked_at_ms < LOCK_MS)
        o->keeper.unlock(o->keeper.arg);
    o->locked_at_ms = o->asked_since_ms = 0;
    o->busy = false;
    /* What is refused for good is refused now; else the old token is good to its end. */
    bool old = err && err->code != ERR_DENIED && o->token && clock_mono_ms() < o->ends_at;
    answer_all(o, err && !old ? NULL : o->token, old ? NULL : err);
    if (o->waits && !o->destroyed)
        serve_soon(o);
}

static void on_saved(void *arg, const struct err *err) {
    struct email_oauth *o = arg;
    if (!is_back(o))
        return;
    bool was_late = o->unkept;
    o->unkept = err != NULL; /* kept before the next is asked for */
    if (was_late && !err && !is_good(o))
        look(o);
    else
        finish(o, was_late ? err : NULL);
}

static void save(struct email_oauth *o) {
    char *text = text_to_keep(o);
    o->at_keeper = true;
    o->keeper.save(o->keeper.arg, span_str(text), on_saved, o);
    forget(&text);
}

/* --- the request ----------------------------------------------------------------------------- */

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
    if (a.refresh_token && o->refresh_token[0]) {
        forget(&o->refresh_token);
        o->refresh_token = a.refresh_token;
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
    if (e.code == ERR_NONE)
        save(o);
    else
        finish(o, &e);
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

static void look_again(struct email_oauth *o) {
    struct err late;
    err_set(&late, ERR_TIMEOUT, "another worker asks for a token, and does not come to an end");
    if (clock_mono_ms() - o->asked_since_ms > LOCK_WAIT_MS)
        finish(o, &late);
    else
        o->timer = loop_timer_start(o->env->loop, LOOK_AGAIN_MS, 0, look, o);
}

static void on_locked(void *arg, bool got, const struct err *err) {
    struct email_oauth *o = arg;
    if (!is_back(o))
        return;
    if (err) {
        finish(o, err);
        return;
    }
    o->locked_at_ms = got ? clock_mono_ms() : 0;
    if (got)
        look(o); /* another may have asked while we did not look */
    else
        look_again(o);
}

static void on_loaded(void *arg, struct span text, const struct err *err) {
    struct email_oauth *o = arg;
    if (!is_back(o))
        return;
    if (err) {
        finish(o, err);
        return;
    }
    if (o->unkept) {
        save(o);
        return;
    }
    adopt(o, text);
    if (is_good(o)) {
        finish(o, NULL);
    } else if (o->locked_at_ms) {
        ask(o);
    } else {
        o->at_keeper = true;
        o->keeper.lock(o->keeper.arg, LOCK_MS, on_locked, o);
    }
}

static void look(void *arg) {
    struct email_oauth *o = arg;
    loop_timer_stop(&o->timer);
    o->at_keeper = true;
    o->keeper.load(o->keeper.arg, on_loaded, o);
}

static void serve(void *arg) {
    struct email_oauth *o = arg;
    o->serving = false;
    if (o->destroyed || !o->waits || o->busy)
        return;
    if (is_good(o)) {
        answer_all(o, o->token, NULL);
        return;
    }
    o->busy = true;
    o->asked_since_ms = clock_mono_ms();
    look(o);
}

static void serve_soon(struct email_oauth *o) {
    if (!o->serving)
        loop_defer(o->env->loop, serve, o);
    o->serving = true;
}

/* --- the account ----------------------------------------------------------------------------- */

static void hash_two(const char *a, const char *b, char out[CRYPTO_HEX_SIZE]) {
    char *both = mem_printf("%s\n%s", a, b);
    crypto_sha256_hex(span_str(both), out);
    forget(&both);
}

struct email_oauth *email_oauth_create(const struct env *env, struct http_client *http,
    const struct email_oauth_account *account, const struct email_oauth_keeper *keeper) {
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
    o->keeper = *keeper;
    hash_two(account->client_id, account->refresh_token, o->of);
    hash_two(account->token_url, account->scope, o->by);
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
    loop_timer_stop(&o->timer);
    answer_all(o, NULL, &err);
    if (!o->at_keeper)
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
    if (!o->token || (token && !crypto_equal(span_str(o->token), span_str(token))))
        return;
    forget(&o->refused);
    o->refused = o->token;
    o->token = NULL;
}
