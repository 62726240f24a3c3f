/* api_sign_in.c - signing in by a provider (core/oidc/oidc.h): the browser leaves for it and comes
 * back. Whatever goes wrong ends on the sign-in page, which has a sentence for each of a few words;
 * what it was is in the log. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/api_private.h"
#include "base/log.h"
#include "base/mem.h"
#include "core/oidc/oidc.h"
#include "core/vouched.h"
#include "store/store_users.h"

#define COOKIE "sb_sign_in"
#define TRIES 300 /* of one address, in a minute: a company may be behind it */
#define WORD_MAX 100

/* What the page is told. */
static const char OK[] = "ok", EXPIRED[] = "expired", DENIED[] = "denied", UNKNOWN[] = "unknown",
                  FAILED[] = "failed", AWAY[] = "away", BUSY[] = "busy", STORE[] = "store";

struct oidc *api_provider(const struct api *api, const char *id) {
    for (size_t i = 0; i < api->options.nproviders; i++)
        if (strcmp(oidc_id(api->options.providers[i]), id) == 0)
            return api->options.providers[i];
    return NULL;
}

HANDLER(api_sign_in_ways) {
    const struct api_options *o = &((struct api *)api)->options;
    json_t *list = json_array();
    for (size_t i = 0; i < o->nproviders; i++) {
        char *url = mem_printf("/sign-in/%s", oidc_id(o->providers[i]));
        json_array_append_new(list, json_pack("{s:s,s:s,s:s}", "id", oidc_id(o->providers[i]),
                                        "name", oidc_name(o->providers[i]), "url", url));
        free(url);
    }
    http_reply_json(
        x, 200, json_pack("{s:o,s:b}", "providers", list, "password", (int)o->passwords));
}

/* --- one way of it --------------------------------------------------------------------------- */

struct trip {
    struct api *api;
    struct http_exchange *x;
    struct oidc *oidc;
    struct oidc_round round;
    char *code, *issuer, *error; /* as the provider's answer says; NULL: it does not */
};

static void trip_free(struct trip *t) {
    if (t->code)
        explicit_bzero(t->code, strlen(t->code));
    free(t->code);
    free(t->issuer);
    free(t->error);
    explicit_bzero(t, sizeof *t);
    free(t);
}

static void set_cookie(struct http_exchange *x, const char *value) {
    char *text = mem_printf(COOKIE "=%s; HttpOnly; SameSite=Lax; Path=/sign-in; Max-Age=%d%s",
        value ? value : "", value ? OIDC_ROUND_MS / 1000 : 0, http_is_tls(x) ? "; Secure" : "");
    http_set_header(x, "Set-Cookie", text);
    explicit_bzero(text, strlen(text));
    free(text);
}

/* To a page of ours, which is told how it went; "#..." stays. */
static void go(struct http_exchange *x, const char *next, const char *word) {
    size_t n = strcspn(next, "#");
    char *to = mem_printf("%.*s?sign_in=%s%s", (int)n, next, word, next + n);
    http_set_header(x, "Location", to);
    http_reply_empty(x, 303);
    free(to);
}

static void end(struct trip *t, const char *word) {
    go(t->x, *t->round.next ? t->round.next : "/", word);
    trip_free(t);
}

static void fail(struct trip *t, const char *word, const struct err *err) {
    if (log_quota_take(&t->api->failed, t->api->env.log, "sign_in.failed_more"))
        LOG_WARN(t->api->env.log, "sign_in.failed", LOG_S("provider", oidc_id(t->oidc)),
            LOG_S("peer", http_peer(t->x)), LOG_S("told", word), LOG_E(err));
    end(t, word);
}

/* The provider's own trouble, or ours with it. */
static void fail_by(struct trip *t, const struct err *err) {
    fail(t, err_passes(err) ? AWAY : FAILED, err);
}

static struct trip *trip_begin(struct api *api, struct http_exchange *x) {
    const char *id = http_path_arg(x, "provider");
    struct oidc *o = api_provider(api, id ? id : "");
    if (!o) {
        http_reply_problem(x, 404, "not_found", "there is no such provider");
        return NULL;
    }
    struct trip *t = mem_zalloc(sizeof *t);
    t->api = api;
    t->x = x;
    t->oidc = o;
    return t;
}

/* --- there ----------------------------------------------------------------------------------- */

static void on_url(void *arg, const char *url, const struct err *err) {
    struct trip *t = arg;
    if (err) {
        fail_by(t, err);
        return;
    }
    char *sealed = oidc_round_seal(t->api->options.vault, oidc_id(t->oidc), &t->round);
    set_cookie(t->x, sealed);
    http_set_header(t->x, "Location", url);
    http_reply_empty(t->x, 303);
    free(sealed);
    trip_free(t);
}

HANDLER(api_sign_in_begin) {
    struct trip *t = trip_begin(api, x);
    if (!t)
        return;
    oidc_round_make(&t->round, http_query(x, "next"));
    if (api_origin(api, x) == API_ORIGIN_FOREIGN) { /* nobody else's page begins it: he is asked */
        http_set_header(x, "Location", "/");
        http_reply_empty(x, 303);
        trip_free(t);
        return;
    }
    oidc_begin(t->oidc, &t->round, on_url, t);
}

/* --- and back -------------------------------------------------------------------------------- */

static void on_signed_in(void *arg, const struct signed_in *in, const struct err *err) {
    struct trip *t = arg;
    if (err) {
        fail(t, err->code == ERR_DENIED ? UNKNOWN : STORE, err);
        return;
    }
    api_signed_in(t->x, in);
    api_set_provider(t->x, oidc_id(t->oidc));
    end(t, OK);
}

static void on_person(void *arg, const struct oidc_person *who, const struct err *err) {
    struct trip *t = arg;
    if (err && err->code == ERR_DENIED)
        fail(t, UNKNOWN, err);
    else if (err)
        fail_by(t, err);
    else
        users_vouched(t->api->users,
            &(struct vouched){.provider = oidc_id(t->oidc),
                .who = who,
                .create = oidc_makes_agents(t->oidc),
                .session_ms = oidc_session_ms(t->oidc),
                .peer = http_peer(t->x),
                .browser = http_header(t->x, "User-Agent")},
            on_signed_in, t);
}

static void on_first_use(void *arg, const struct err *err) {
    struct trip *t = arg;
    struct err why;
    if (err) {
        fail(t, err->code == ERR_CONFLICT ? EXPIRED : STORE, err);
        return;
    }
    if (t->error || !t->code) {
        bool by_him = t->error && strcmp(t->error, "access_denied") == 0;
        err_set(&why, ERR_DENIED, "the provider answers with the error %s",
            t->error ? t->error : "(none, and no code)");
        fail(t, by_him ? DENIED : FAILED, &why);
        return;
    }
    oidc_finish(t->oidc, &t->round, t->code, t->issuer, on_person, t);
}

static void on_rate(void *arg, int64_t retry_ms, const struct err *err) {
    struct trip *t = arg;
    struct err many;
    char sha[CRYPTO_HEX_SIZE];
    if (err || retry_ms) {
        err_set(&many, ERR_TOO_MANY, "too many sign-ins from this address");
        fail(t, err ? STORE : BUSY, err ? err : &many);
        return;
    }
    crypto_sha256_hex(span_str(t->round.state), sha);
    store_use_once(t->api->store, sha, OIDC_ROUND_MS, on_first_use, t);
}

/* Is it this browser that has left for this provider, not long ago? */
static bool is_ours(struct trip *t) {
    const char *sealed = http_cookie(t->x, COOKIE), *state = http_query(t->x, "state");
    struct oidc_round round;
    if (!sealed || !state ||
        oidc_round_open(t->api->options.vault, oidc_id(t->oidc), sealed, &round) < 0 ||
        !crypto_equal(span_str(state), span_str(round.state)))
        return false;
    t->round = round;
    return true;
}

static char *copied(struct http_exchange *x, const char *key, size_t max) {
    const char *value = http_query(x, key);
    return value ? mem_strndup(value, strnlen(value, max)) : NULL;
}

HANDLER(api_sign_in_callback) {
    struct trip *t = trip_begin(api, x);
    struct err foreign;
    if (!t)
        return;
    if (!is_ours(t)) {
        err_set(&foreign, ERR_DENIED,
            "this browser has not begun it, or more than ten minutes ago (state)");
        fail(t, EXPIRED, &foreign);
        return;
    }
    set_cookie(x, NULL);
    t->code = copied(x, "code", 4096);
    t->issuer = copied(x, "iss", 1000);
    t->error = copied(x, "error", WORD_MAX);
    char *bucket = mem_printf("sign-in:%s", http_peer_group(x));
    store_rate(t->api->store, bucket, TRIES, TRIES, 1, on_rate, t);
    free(bucket);
}
