/* crm_token.c - what is kept is looked at first; whoever has the lock looks again, for another may
 * have asked meanwhile, and then asks. */
#include "base/json_text.h"
#include "core/crm/crm_token.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/mem.h"

#define KEPT "tokens"
#define LOCK "tokens:lock"
#define LOCK_MS 60000u /* longer than the request and the keeping */
#define LOOK_AGAIN_MS 200u
#define LOCK_WAIT_MS 75000u
#define AHEAD_MS 60000 /* a token that ends so soon is not begun with */

struct waiting {
    struct waiting *next;
    crm_token_fn fn;
    void *arg;
    struct crm_about about;
};

struct crm_token {
    struct crm *crm;
    struct crm_token_options options;
    char of[CRYPTO_HEX_SIZE];
    char *access, *refresh, *refused; /* NULL: none */
    int64_t ends_at;                  /* clock_ms(); 0: nobody knows */
    struct waiting *waits, **tail;
    struct http_call *call;
    struct loop_timer *timer;
    uint64_t began_ms, locked_ms; /* 0: not locked */
    bool busy, unkept, destroyed;
    bool held; /* a callback is to come: not freed before */
};

static void forget(char **secret) {
    if (*secret)
        sodium_memzero(*secret, strlen(*secret));
    free(*secret);
    *secret = NULL;
}

static void free_token(void *arg) {
    struct crm_token *t = arg;
    forget(&t->access);
    forget(&t->refresh);
    forget(&t->refused);
    free(t);
}

/* False: there is nobody any more. */
static bool is_back(struct crm_token *t) {
    t->held = false;
    if (!t->destroyed)
        return true;
    free_token(t);
    return false;
}

static void look(void *arg);

/* --- the end of a round ---------------------------------------------------------------------- */

static void answer_all(struct crm_token *t, const struct err *err) {
    struct waiting *all = t->waits, *next;
    struct crm *c = t->crm;
    char *token = err ? NULL : mem_strdup(t->access); /* fn may have it refused */
    t->waits = NULL;
    t->tail = &t->waits;
    for (struct waiting *w = all; w; w = next) {
        next = w->next;
        struct crm_about was = crm_about_swap(c, w->about);
        w->fn(w->arg, token, err);
        crm_about_swap(c, was);
        free(w);
    }
    forget(&token);
}

static void finish(struct crm_token *t, const struct err *err) {
    if (t->locked_ms && clock_mono_ms() - t->locked_ms < LOCK_MS)
        crm_let_go(t->crm, LOCK); /* who holds it longer has lost it */
    t->locked_ms = 0;
    t->busy = false;
    answer_all(t, err);
}

/* --- what is kept ---------------------------------------------------------------------------- */

static bool is_good(const struct crm_token *t) {
    return t->access && *t->access && (!t->refused || strcmp(t->access, t->refused) != 0) &&
           (!t->ends_at || t->ends_at > clock_ms() + AHEAD_MS);
}

static void adopt(struct crm_token *t, struct span text) {
    json_t *kept = text.n ? json_loadb(text.p, text.n, 0, NULL) : NULL;
    if (strcmp(json_text(kept, "of"), t->of) == 0 && *json_text(kept, "refresh")) {
        forget(&t->access);
        forget(&t->refresh);
        t->access = mem_strdup(json_text(kept, "access"));
        t->refresh = mem_strdup(json_text(kept, "refresh"));
        t->ends_at = json_integer_value(json_object_get(kept, "ends_at"));
    }
    if (!t->refresh)
        t->refresh = mem_strdup(t->options.refresh);
    json_decref(kept);
}

static void on_saved(void *arg, const struct err *err) {
    struct crm_token *t = arg;
    if (!is_back(t))
        return;
    t->unkept = err != NULL; /* kept before the next is asked for */
    finish(t, err);
}

static void save(struct crm_token *t) {
    json_t *j = json_pack("{s:s,s:s,s:s,s:I}", "of", t->of, "access", t->access, "refresh",
        t->refresh, "ends_at", (json_int_t)t->ends_at);
    char *text = json_dumps(j, JSON_COMPACT);
    json_decref(j);
    t->held = true;
    crm_keep(t->crm, KEPT, span_str(text), 0, on_saved, t);
    forget(&text);
}

/* --- asking ---------------------------------------------------------------------------------- */

static void on_answer(
    void *arg, const struct http_answer *answer, const struct err *failure, bool sent) {
    struct crm_token *t = arg;
    struct crm_tokens got = {0};
    struct err err = {0};
    (void)sent;
    t->call = NULL;
    if (answer && t->options.read(answer, &got, &err) == 0) {
        forget(&t->access);
        forget(&t->refresh);
        t->access = got.access;
        t->refresh = got.refresh;
        t->ends_at = got.expires_s > 0 ? clock_ms() + got.expires_s * 1000 : 0;
        t->unkept = true;
        save(t);
        return;
    }
    if (failure)
        err = *failure;
    if (err.code != ERR_UNAVAILABLE && err.code != ERR_TIMEOUT && err.code != ERR_IO)
        err.code = ERR_AUTH; /* nobody gives us tokens there: no message's fault */
    finish(t, &err);
}

static void look_again(struct crm_token *t) {
    struct err late;
    err_set(&late, ERR_TIMEOUT, "another worker asks for a token, and comes to no end");
    if (clock_mono_ms() - t->began_ms > LOCK_WAIT_MS)
        finish(t, &late);
    else
        t->timer = loop_timer_start(t->crm->env->loop, LOOK_AGAIN_MS, 0, look, t);
}

static void on_locked(void *arg, bool got, const struct err *err) {
    struct crm_token *t = arg;
    if (!is_back(t))
        return; /* the lock ends by itself */
    if (err) {
        finish(t, err);
        return;
    }
    t->locked_ms = got ? clock_mono_ms() : 0;
    if (got)
        look(t);
    else
        look_again(t);
}

static void on_kept(void *arg, struct span text, const struct err *err) {
    struct crm_token *t = arg;
    if (!is_back(t))
        return;
    if (err) {
        finish(t, err);
        return;
    }
    if (t->unkept) {
        save(t);
        return;
    }
    adopt(t, text);
    if (is_good(t)) {
        finish(t, NULL);
    } else if (t->locked_ms) {
        t->call = t->options.ask(t->options.owner, t->refresh, on_answer, t);
    } else {
        t->held = true;
        crm_claim(t->crm, LOCK, LOCK_MS, on_locked, t);
    }
}

static void look(void *arg) {
    struct crm_token *t = arg;
    loop_timer_stop(&t->timer);
    t->held = true;
    crm_kept(t->crm, KEPT, on_kept, t);
}

static void serve(void *arg) {
    struct crm_token *t = arg;
    if (!is_back(t))
        return;
    t->began_ms = clock_mono_ms();
    if (is_good(t) && !t->unkept)
        finish(t, NULL);
    else
        look(t);
}

/* --- whoever wants one ----------------------------------------------------------------------- */

struct crm_token *crm_token_create(struct crm *c, const struct crm_token_options *o) {
    struct crm_token *t = mem_zalloc(sizeof *t);
    t->crm = c;
    t->options = *o;
    t->tail = &t->waits;
    crypto_sha256_hex(span_str(o->of), t->of);
    t->options.of = t->of;
    return t;
}

void crm_token_get(struct crm_token *t, crm_token_fn fn, void *arg) {
    struct waiting *w = mem_zalloc(sizeof *w);
    *w = (struct waiting){NULL, fn, arg, t->crm->about};
    *t->tail = w;
    t->tail = &w->next;
    if (t->busy)
        return;
    t->busy = t->held = true;
    loop_defer(t->crm->env->loop, serve, t);
}

void crm_token_refused(struct crm_token *t, const char *token) {
    if (!t->access || strcmp(t->access, token) != 0)
        return; /* another is there already */
    forget(&t->refused);
    t->refused = mem_strdup(t->access);
}

void crm_token_destroy(struct crm_token **tp) {
    struct crm_token *t = *tp;
    struct err err;
    if (!t)
        return;
    *tp = NULL;
    if (t->call)
        http_call_cancel(t->call); /* ends the round */
    loop_timer_stop(&t->timer);
    err_set(&err, ERR_UNAVAILABLE, "the gateway is stopping");
    if (t->waits)
        answer_all(t, &err);
    t->destroyed = true;
    if (!t->held)
        free_token(t);
}
