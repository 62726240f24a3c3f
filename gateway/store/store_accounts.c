/* store_accounts.c - what guards an account: sessions, the second factor, rate limits, waits after
 * wrong guesses. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "store/scripts.h"
#include "store/store_users_private.h"

#define SESSIONS_MAX 50 /* of one user; the oldest give way */
#define VALUE_MAX 500   /* characters of what a session says of itself, and more */

/* --- one call -------------------------------------------------------------------------------- */

struct users_call *users_call_create(struct store *s, void *arg) {
    struct users_call *c = mem_zalloc(sizeof *c);
    c->store = s;
    c->arg = arg;
    return c;
}

void users_call_done(void *arg, const struct redis_reply *r, const struct err *err) {
    struct users_call *c = arg;
    struct err refused;
    if (!err && c->when_zero && redis_reply_int(r) == 0) {
        err_set(&refused, c->zero_code, "%s", c->when_zero);
        err = &refused;
    } else if (!err && c->when_minus && redis_reply_int(r) == -1) {
        err_set(&refused, c->minus_code, "%s", c->when_minus);
        err = &refused;
    }
    if (c->done)
        c->done(c->arg, err);
    free(c);
}

void users_call_run(struct users_call *c, const char *name, const char *body,
    const struct span *keys, size_t nkeys, const struct args *a, redis_fn fn) {
    redis_script_init(&c->script, name, body);
    redis_eval(c->store->redis, &c->script, keys, nkeys, a->v, a->n, fn, c);
}

char *users_key(const char *prefix, const char *name) {
    return mem_printf("sb:%s:%s", prefix, name);
}

/* --- sessions -------------------------------------------------------------------------------- */

/* "<name> <made, ms>[+<ms in all>] <address> <browser>": nothing but the last has spaces. */
static char *about_session(const struct store_session *o) {
    char most[24] = "";
    if (o->max_ms)
        snprintf(most, sizeof most, "+%lld", (long long)o->max_ms);
    return mem_printf("%s %lld%s %s %s", o->user, (long long)clock_ms(), most,
        o->peer && *o->peer ? o->peer : "-", o->browser ? o->browser : "");
}

bool users_session_is_over(const char *value) {
    char *end = NULL;
    const char *made = strchr(value, ' ');
    int64_t since = made ? strtoll(made, &end, 10) : 0;
    return end && *end == '+' && clock_ms() > since + strtoll(end + 1, NULL, 10);
}

static void on_session_made(void *arg, const struct redis_reply *r, const struct err *err) {
    struct err other;
    if (!err && redis_reply_int(r) == -2) {
        err_set(&other, ERR_DENIED, "the provider has meant somebody else by this name");
        err = &other;
    }
    users_call_done(arg, r, err);
}

void store_session_create(
    struct store *s, const struct store_session *o, store_done_fn fn, void *arg) {
    struct users_call *c = users_call_create(s, arg);
    const char *sha = o->sha256 ? o->sha256 : "";
    char *record = users_key("user", o->user), *sessions = users_key("sessions", o->user);
    char *key = users_key("session", sha), *recovery = users_key("recovery", o->user);
    char *vouched = users_key("vouched", o->mark ? o->mark : "");
    char *about = about_session(o), step[24] = "";
    struct span keys[] = {
        span_str(record), span_str(sessions), span_str(key), span_str(recovery), span_str(vouched)};
    struct args a;
    c->done = fn;
    c->when_zero = o->provider ? "this account is disabled"
                               : "the password was changed meanwhile: sign in again";
    c->zero_code = ERR_AUTH;
    c->when_minus = "this code has been used: wait for the next one";
    c->minus_code = ERR_SECOND_FACTOR;
    if (o->step)
        snprintf(step, sizeof step, "%lld", (long long)o->step);
    args_init(&a);
    args_add(&a, about);
    args_add(&a, sha);
    args_int(&a, o->ttl_ms);
    args_int(&a, clock_ms());
    args_add(&a, o->hash);
    args_int(&a, SESSIONS_MAX);
    args_add(&a, o->factor ? o->factor : "*");
    args_add(&a, step);
    args_add(&a, o->recovery);
    args_add(&a, o->provider);
    args_add(&a, o->mark);
    users_call_run(c, "user_session", script_user_session, keys, 5, &a, on_session_made);
    free(vouched);
    free(record);
    free(sessions);
    free(key);
    free(recovery);
    free(about);
}

void store_session_end(struct store *s, const char *sha256, store_done_fn fn, void *arg) {
    struct users_call *c = users_call_create(s, arg);
    char *key = users_key("session", sha256);
    struct span keys[] = {span_str(key)};
    struct args a;
    c->done = fn;
    args_init(&a);
    args_add(&a, sha256);
    users_call_run(c, "user_logout", script_user_logout, keys, 1, &a, users_call_done);
    free(key);
}

/* The words of a session's value, cut in place; a session of an older version has the name only. */
static json_t *session_json(
    const struct users_call *c, const char *sha, char *value, int64_t left) {
    char made[CLOCK_TEXT_SIZE], used[CLOCK_TEXT_SIZE], *rest = value;
    const char *words[3];
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        size_t n = strcspn(rest, " ");
        words[i] = rest;
        rest += n + (rest[n] == ' ');
        ((char *)words[i])[n] = '\0';
    }
    int64_t idle = left > 0 && left < c->ttl_ms ? c->ttl_ms - left : 0, now = clock_ms();
    int64_t since = *words[1] ? strtoll(words[1], NULL, 10) : now - idle;
    return json_pack("{s:s%,s:s,s:s,s:s,s:s,s:b}", "id", sha, (size_t)STORE_SESSION_ID,
        "created_at", clock_format(since, made), "last_used_at", clock_format(now - idle, used),
        "address", strcmp(words[2], "-") == 0 ? "" : words[2], "browser", rest, "current",
        strcmp(sha, c->session) == 0);
}

static void on_sessions(void *arg, const struct redis_reply *r, const struct err *err) {
    struct users_call *c = arg;
    json_t *list = json_array(), *out;
    for (size_t i = 0; !err && i + 2 < redis_reply_count(r); i += 3) {
        if (users_session_is_over(redis_reply_str(redis_reply_at(r, i + 1))))
            continue;
        /* A browser may call itself anything, and is listed all the same. */
        char *value = utf8_clean_name(redis_reply_str(redis_reply_at(r, i + 1)), VALUE_MAX);
        json_array_append_new(list, session_json(c, redis_reply_str(redis_reply_at(r, i)), value,
                                        redis_reply_int(redis_reply_at(r, i + 2))));
        free(value);
    }
    out = json_pack("{s:o}", "sessions", list);
    c->json(c->arg, err ? NULL : out, err);
    json_decref(out);
    free(c);
}

void store_session_list(struct store *s, const char *user, const char *own, int64_t ttl_ms,
    store_json_fn fn, void *arg) {
    struct users_call *c = users_call_create(s, arg);
    char *key = users_key("sessions", user);
    struct span keys[] = {span_str(key)};
    struct args a;
    c->json = fn;
    c->ttl_ms = ttl_ms;
    snprintf(c->session, sizeof c->session, "%s", own ? own : "");
    args_init(&a);
    users_call_run(c, "user_sessions", script_user_sessions, keys, 1, &a, on_sessions);
    free(key);
}

void store_session_revoke(struct store *s, const char *user, const char *id, const char *but,
    store_done_fn fn, void *arg) {
    struct users_call *c = users_call_create(s, arg);
    char *key = users_key("sessions", user);
    struct span keys[] = {span_str(key)};
    struct args a;
    c->done = fn;
    c->when_zero = id ? "there is no such session" : NULL;
    c->zero_code = ERR_NOT_FOUND;
    args_init(&a);
    args_add(&a, user);
    args_add(&a, id);
    args_add(&a, but);
    users_call_run(c, "user_revoke", script_user_revoke, keys, 1, &a, users_call_done);
    free(key);
}

/* --- who is vouched for ---------------------------------------------------------------------- */

static void on_vouched_name(void *arg, const struct redis_reply *r, const struct err *err) {
    struct users_call *c = arg;
    bool known = !err && redis_reply_type(r) == REDIS_STRING;
    json_t *out = err ? NULL : json_pack("{s:s}", "name", known ? redis_reply_str(r) : "");
    c->json(c->arg, out, err);
    json_decref(out);
    free(c);
}

void store_vouched_name(struct store *s, const char *mark, store_json_fn fn, void *arg) {
    struct users_call *c = users_call_create(s, arg);
    char *key = users_key("vouched", mark);
    struct args a;
    c->json = fn;
    args_init(&a);
    args_add(&a, "GET");
    args_add(&a, key);
    store_command(s, &a, on_vouched_name, c);
    free(key);
}

void store_vouched_forget(struct store *s, const char *user, store_done_fn fn, void *arg) {
    struct users_call *c = users_call_create(s, arg);
    char *key = users_key("user", user);
    struct span keys[] = {span_str(key)};
    struct args a;
    c->done = fn;
    c->when_zero = "no provider knows this agent";
    c->zero_code = ERR_NOT_FOUND;
    args_init(&a);
    users_call_run(c, "user_unvouch", script_user_unvouch, keys, 1, &a, users_call_done);
    free(key);
}

static void on_used(void *arg, const struct redis_reply *r, const struct err *err) {
    struct users_call *c = arg;
    struct err used;
    if (!err && redis_reply_type(r) == REDIS_NIL) {
        err_set(&used, ERR_CONFLICT, "this has been used");
        err = &used;
    }
    c->done(c->arg, err);
    free(c);
}

void store_use_once(
    struct store *s, const char *what, int64_t ttl_ms, store_done_fn fn, void *arg) {
    struct users_call *c = users_call_create(s, arg);
    char *key = users_key("used", what);
    struct args a;
    c->done = fn;
    args_init(&a);
    args_add(&a, "SET");
    args_add(&a, key);
    args_add(&a, "1");
    args_add(&a, "NX");
    args_add(&a, "PX");
    args_int(&a, ttl_ms);
    store_command(s, &a, on_used, c);
    free(key);
}

/* --- the second factor ----------------------------------------------------------------------- */

static void factor(struct users_call *c, const char *user, const struct args *a) {
    char *record = users_key("user", user), *recovery = users_key("recovery", user);
    char *sessions = users_key("sessions", user);
    struct span keys[] = {span_str(record), span_str(recovery), span_str(sessions)};
    c->when_zero = "there is no such agent";
    c->zero_code = ERR_NOT_FOUND;
    c->minus_code = ERR_CONFLICT;
    users_call_run(c, "user_factor", script_user_factor, keys, 3, a, users_call_done);
    free(record);
    free(recovery);
    free(sessions);
}

void store_factor_begin(
    struct store *s, const char *user, const char *sealed, store_done_fn fn, void *arg) {
    struct users_call *c = users_call_create(s, arg);
    struct args a;
    c->done = fn;
    c->when_minus = "the second factor is on already: turn it off first";
    args_init(&a);
    args_add(&a, "begin");
    args_add(&a, sealed);
    factor(c, user, &a);
}

void store_factor_codes(struct store *s, const char *user, const char *sealed, int64_t step,
    const char *const *marks, size_t n, store_done_fn fn, void *arg) {
    struct users_call *c = users_call_create(s, arg);
    struct args a;
    c->done = fn;
    c->when_minus = "the second factor was changed meanwhile: begin again";
    args_init(&a);
    args_add(&a, step ? "enable" : "codes");
    args_add(&a, sealed);
    args_int(&a, step);
    for (size_t i = 0; i < n; i++)
        args_add(&a, marks[i]);
    factor(c, user, &a);
}

void store_factor_off(
    struct store *s, const char *user, bool end_sessions, store_done_fn fn, void *arg) {
    struct users_call *c = users_call_create(s, arg);
    struct args a;
    c->done = fn;
    c->when_minus = "the second factor is off";
    args_init(&a);
    args_add(&a, "off");
    args_add(&a, end_sessions ? user : "");
    factor(c, user, &a);
}

/* --- rate limits ----------------------------------------------------------------------------- */

static void on_rate(void *arg, const struct redis_reply *r, const struct err *err) {
    struct users_call *c = arg;
    c->rate(c->arg, err ? 0 : redis_reply_int(r), err);
    free(c);
}

void store_recovery_left(struct store *s, const char *user, store_rate_fn fn, void *arg) {
    struct users_call *c = users_call_create(s, arg);
    char *key = users_key("recovery", user);
    struct args a;
    c->rate = fn;
    args_init(&a);
    args_add(&a, "SCARD");
    args_add(&a, key);
    store_command(s, &a, on_rate, c);
    free(key);
}

void store_rate(struct store *s, const char *bucket, unsigned burst, unsigned per_minute,
    unsigned cost, store_rate_fn fn, void *arg) {
    struct users_call *c = users_call_create(s, arg);
    char *key = users_key("rate", bucket);
    struct span keys[] = {span_str(key)};
    struct args a;
    c->rate = fn;
    args_init(&a);
    args_int(&a, burst);
    args_int(&a, per_minute);
    args_int(&a, cost);
    users_call_run(c, "rate", script_rate, keys, 1, &a, on_rate);
    free(key);
}

void store_guard(struct store *s, const char *whose, enum store_guess what, unsigned tries,
    int64_t longest_ms, store_rate_fn fn, void *arg) {
    static const char *const words[] = {"ask", "wrong", "right"};
    struct users_call *c = users_call_create(s, arg);
    char *key = users_key("guard", whose);
    struct span keys[] = {span_str(key)};
    struct args a;
    c->rate = fn;
    args_init(&a);
    args_add(&a, words[what]);
    args_int(&a, tries);
    args_int(&a, longest_ms);
    users_call_run(c, "guard", script_guard, keys, 1, &a, on_rate);
    free(key);
}
