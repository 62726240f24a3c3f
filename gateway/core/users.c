/* users.c - who is asking: passwords, sessions, tokens. Hashing runs in the thread pool, two at a
 * time, so that a flood of sign-ins cannot take the machine. */
#include "base/json_text.h"
#include "core/users.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "base/utf8.h"
#include "core/password.h"
#include "core/users_private.h"

#define HASHES_MAX 2     /* at a time */
#define HASH_LINE_MAX 64 /* waiting; more are told to come back */
#define ENDED_CHANNEL "sb:ended"

/* --- hashing --------------------------------------------------------------------------------- */

static void hash_work(void *arg) {
    struct hash_job *j = arg;
    size_t n = strlen(j->password);
    if (j->check)
        j->good = crypto_pwhash_str_verify(j->hash, j->password, n) == 0;
    else
        j->good = crypto_pwhash_str(j->hash, j->password, n, crypto_pwhash_OPSLIMIT_INTERACTIVE,
                      crypto_pwhash_MEMLIMIT_INTERACTIVE) == 0;
}

static void hash_next(struct users *u);

static void hash_free(struct hash_job *j) {
    explicit_bzero(j->password, strlen(j->password));
    free(j->password);
    free(j);
}

static void hash_done(void *arg) {
    struct hash_job *j = arg;
    struct users *u = j->users;
    if (!j->abandoned) { /* otherwise it has ended, and u is perhaps gone */
        struct hash_job **at = &u->running;
        while (*at != j)
            at = &(*at)->next;
        *at = j->next;
        u->hashing--;
        j->done(j->arg, j);
        hash_next(u);
    }
    hash_free(j);
}

static void hash_next(struct users *u) {
    while (u->line && u->hashing < HASHES_MAX) {
        struct hash_job *j = u->line;
        u->line = j->next;
        if (!u->line)
            u->line_tail = &u->line;
        u->waiting--;
        u->hashing++;
        j->next = u->running;
        u->running = j;
        loop_work(u->env.loop, hash_work, hash_done, j);
    }
}

/* Ends every job now, those in the thread pool too: their work goes on, for nobody. */
static void hash_abandon_all(struct users *u) {
    while (u->running) {
        struct hash_job *j = u->running;
        u->running = j->next;
        j->abandoned = true;
        j->done(j->arg, j);
    }
    while (u->line) {
        struct hash_job *j = u->line;
        u->line = j->next;
        j->abandoned = true;
        j->done(j->arg, j);
        hash_free(j);
    }
    u->line_tail = &u->line;
    u->waiting = u->hashing = 0;
}

int users_hash(struct users *u, const char *password, const char *hash,
    void (*done)(void *arg, const struct hash_job *job), void *arg) {
    if (u->stopped || u->waiting >= HASH_LINE_MAX)
        return -1;
    struct hash_job *j = mem_zalloc(sizeof *j);
    j->users = u;
    j->password = mem_strdup(password);
    j->check = hash != NULL;
    if (hash)
        snprintf(j->hash, sizeof j->hash, "%s", hash);
    j->done = done;
    j->arg = arg;
    *u->line_tail = j;
    u->line_tail = &j->next;
    u->waiting++;
    hash_next(u);
    return 0;
}

/* --- actors ---------------------------------------------------------------------------------- */

static const char *const role_names[] = {"agent", "supervisor", "admin"};

int role_parse(const char *name, enum role *out) {
    for (size_t i = 0; i < ARRAY_LEN(role_names); i++)
        if (strcmp(name, role_names[i]) == 0) {
            *out = (enum role)i;
            return 0;
        }
    return -1;
}

const char *role_name(enum role r) {
    return role_names[r];
}

struct actor users_actor(const json_t *user) {
    struct actor a = {.scopes = SCOPE_ALL,
        .must_change_password = json_is_true(json_object_get(user, "must_change_password")),
        .second_factor = json_is_true(json_object_get(user, "second_factor"))};
    snprintf(a.name, sizeof a.name, "%s", json_text(user, "name"));
    snprintf(a.display_name, sizeof a.display_name, "%s",
        *json_text(user, "display_name") ? json_text(user, "display_name") : a.name);
    snprintf(a.lang, sizeof a.lang, "%.2s", json_text(user, "lang"));
    if (role_parse(json_text(user, "role"), &a.role) < 0)
        a.role = ROLE_AGENT;
    return a;
}

unsigned scope_parse(struct span name) {
    static const struct {
        const char *name;
        unsigned scope;
    } known[] = {{"read", SCOPE_READ}, {"write", SCOPE_WRITE}, {"admin", SCOPE_ADMIN}};
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (span_eq(name, known[i].name))
            return known[i].scope;
    return 0;
}

static unsigned scopes_parse(const char *list) {
    unsigned scopes = 0;
    for (size_t n; *list; list += n + (list[n] == ',')) {
        n = strcspn(list, ",");
        scopes |= scope_parse(span_of(list, n));
    }
    return scopes;
}

static struct actor actor_of_token(const json_t *token) {
    struct actor a = {
        .is_token = true, .scopes = scopes_parse(json_text(token, "scopes")), .lang = "en"};
    snprintf(a.name, sizeof a.name, "%s", json_text(token, "name"));
    snprintf(a.display_name, sizeof a.display_name, "%s", json_text(token, "name"));
    if (role_parse(json_text(token, "role"), &a.role) < 0)
        a.role = ROLE_AGENT;
    return a;
}

bool users_may_see(const struct users *u, const struct actor *a, const json_t *thread) {
    const char *assignee = json_string_value(json_object_get(thread, "assignee"));
    if (u->options.agents_see_all || a->role != ROLE_AGENT)
        return true;
    return !assignee || strcmp(assignee, a->name) == 0;
}

bool users_see_all(const struct users *u) {
    return u->options.agents_see_all;
}

/* --- a short memory of sessions -------------------------------------------------------------- */

static struct cached *cache_slot(struct users *u, const char *sha) {
    return &u->cache[(unsigned char)sha[0] * 7u % CACHE_SIZE ^ (unsigned char)sha[1] % CACHE_SIZE];
}

/* A session's secret is no API token, nor the other way round. */
static const struct actor *cache_get(struct users *u, const char *sha, bool is_token) {
    struct cached *c = cache_slot(u, sha);
    bool fresh = clock_mono_ms() < c->until_ms && c->actor.is_token == is_token;
    return fresh && strcmp(c->sha, sha) == 0 ? &c->actor : NULL;
}

static void cache_put(struct users *u, const char *sha, const struct actor *a) {
    struct cached *c = cache_slot(u, sha);
    snprintf(c->sha, sizeof c->sha, "%s", sha);
    c->actor = *a;
    c->until_ms = clock_mono_ms() + CACHE_MS;
}

/* --- sessions and tokens --------------------------------------------------------------------- */

struct asking {
    struct users *users;
    char sha[CRYPTO_HEX_SIZE];
    users_actor_fn fn;
    void *arg;
    struct actor actor; /* found in the cache */
};

static void on_cached(void *arg) {
    struct asking *q = arg;
    q->fn(q->arg, &q->actor, NULL);
    free(q);
}

static void on_session(void *arg, json_t *result, const struct err *err) {
    struct asking *q = arg;
    struct err none;
    struct actor actor;
    const json_t *user = json_object_get(result, "user");
    if (err && err->code == ERR_NOT_FOUND) {
        err_set(&none, ERR_AUTH, "your session has ended: sign in again");
        err = &none;
    } else if (!err && json_is_true(json_object_get(user, "disabled"))) {
        err_set(&none, ERR_AUTH, "this account is disabled");
        err = &none;
    }
    if (!err) {
        actor = users_actor(user);
        cache_put(q->users, q->sha, &actor);
    }
    q->fn(q->arg, err ? NULL : &actor, err);
    free(q);
}

static void on_token(void *arg, json_t *result, const struct err *err) {
    struct asking *q = arg;
    struct actor actor;
    if (!err) {
        actor = actor_of_token(json_object_get(result, "token"));
        cache_put(q->users, q->sha, &actor);
    }
    q->fn(q->arg, err ? NULL : &actor, err);
    free(q);
}

static struct asking *ask(
    struct users *u, const char *secret, bool is_token, users_actor_fn fn, void *arg) {
    struct asking *q = mem_zalloc(sizeof *q);
    q->users = u;
    q->fn = fn;
    q->arg = arg;
    crypto_sha256_hex(span_str(secret), q->sha);
    const struct actor *known = cache_get(u, q->sha, is_token);
    if (!known)
        return q;
    q->actor = *known;
    loop_defer(u->env.loop, on_cached, q);
    return NULL;
}

void users_by_session(struct users *u, const char *session, users_actor_fn fn, void *arg) {
    struct asking *q = ask(u, session, false, fn, arg);
    if (q)
        store_session_get(u->store, q->sha, u->options.session_ttl_ms, on_session, q);
}

void users_by_token(struct users *u, const char *token, users_actor_fn fn, void *arg) {
    struct asking *q = ask(u, token, true, fn, arg);
    if (q)
        store_token_get(u->store, q->sha, on_token, q);
}

/* --- the end of sessions --------------------------------------------------------------------- */

void users_logout(struct users *u, const char *session, store_done_fn fn, void *arg) {
    char sha[CRYPTO_HEX_SIZE];
    crypto_sha256_hex(span_str(session), sha);
    cache_slot(u, sha)->until_ms = 0;
    store_session_end(u->store, sha, fn, arg);
}

/* What this worker remembers of a user's sessions counts no more. */
static void forget(struct users *u, const char *user) {
    for (size_t i = 0; i < CACHE_SIZE; i++)
        if (strcmp(u->cache[i].actor.name, user) == 0)
            u->cache[i].until_ms = 0;
}

void users_sessions(
    struct users *u, const char *name, const char *own, store_json_fn fn, void *arg) {
    char sha[CRYPTO_HEX_SIZE] = "";
    if (own)
        crypto_sha256_hex(span_str(own), sha);
    store_session_list(u->store, name, sha, u->options.session_ttl_ms, fn, arg);
}

void users_revoke(struct users *u, const char *name, const char *id, const char *but,
    store_done_fn fn, void *arg) {
    char sha[CRYPTO_HEX_SIZE] = "";
    if (but)
        crypto_sha256_hex(span_str(but), sha);
    forget(u, name);
    store_session_revoke(u->store, name, id, sha, fn, arg);
}

/* --- making and changing --------------------------------------------------------------------- */

struct change {
    struct users *users;
    json_t *user;
    bool create, only_if_first;
    store_done_fn fn;
    void *arg;
    struct err err;
};

static void change_end(struct change *c, const struct err *err) {
    if (c->fn)
        c->fn(c->arg, err);
    json_decref(c->user);
    free(c);
}

static void on_unlocked(void *arg, const struct err *err) {
    (void)err; /* the password is set all the same */
    change_end(arg, NULL);
}

/* Guesses at the old password count no more against the new one. */
static void on_change_written(void *arg, const struct err *err) {
    struct change *c = arg;
    if (err || c->create)
        change_end(c, err);
    else
        users_unlock(c->users, json_text(c->user, "name"), on_unlocked, c);
}

static void on_change_refused(void *arg) {
    struct change *c = arg;
    change_end(c, &c->err);
}

static void write_change(struct change *c, const char *hash) {
    if (c->create)
        store_user_create(
            c->users->store, c->user, hash ? hash : "", c->only_if_first, on_change_written, c);
    else
        store_user_change(
            c->users->store, json_text(c->user, "name"), c->user, hash, -1, on_change_written, c);
}

static void on_hashed(void *arg, const struct hash_job *job) {
    struct change *c = arg;
    if (job->good && !job->abandoned) {
        write_change(c, job->hash);
        return;
    }
    err_set(&c->err, ERR_UNAVAILABLE,
        job->abandoned ? "the gateway is stopping" : "not enough memory to hash a password");
    change_end(c, &c->err);
}

static int check_name(const char *name, struct err *err) {
    size_t n = strlen(name);
    if (n < 1 || n > 64 || strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789._-") != n)
        return err_set(err, ERR_INVALID, "name must be 1 to 64 of a-z, 0-9, dot, _ and -");
    return 0;
}

static void begin_change(struct change *c, const char *password) {
    if (c->err.code == ERR_NONE && password &&
        password_check(password, json_text(c->user, "name"), &c->err) == 0 &&
        users_hash(c->users, password, NULL, on_hashed, c) < 0)
        err_set(&c->err, ERR_TOO_MANY, "too many passwords are being hashed: try again");
    if (c->err.code)
        loop_defer(c->users->env.loop, on_change_refused, c);
    else if (!password)
        write_change(c, NULL);
}

void users_add(struct users *u, const char *name, const char *display_name, enum role role,
    const char *password, bool must_change, bool only_if_first, store_done_fn fn, void *arg) {
    struct change *c = mem_zalloc(sizeof *c);
    char *shown = utf8_clean_name(display_name && *display_name ? display_name : name, 60);
    c->users = u;
    c->create = true;
    c->only_if_first = only_if_first;
    c->fn = fn;
    c->arg = arg;
    c->user = json_pack("{s:s,s:s,s:s,s:s,s:b,s:b}", "name", name, "display_name", shown, "role",
        role_name(role), "lang", "ru", "disabled", 0, "must_change_password", (int)must_change);
    free(shown);
    check_name(name, &c->err);
    begin_change(c, password);
}

void users_set_password(struct users *u, const char *name, const char *password, bool must_change,
    store_done_fn fn, void *arg) {
    struct change *c = mem_zalloc(sizeof *c);
    c->users = u;
    c->fn = fn;
    c->arg = arg;
    c->user = json_pack("{s:s,s:b}", "name", name, "must_change_password", (int)must_change);
    check_name(name, &c->err);
    begin_change(c, password);
}

/* --- API tokens ------------------------------------------------------------------------------ */

struct token_making {
    char token[CRYPTO_TOKEN_SIZE + 4];
    struct err err;
    void (*fn)(void *arg, const char *token, const struct err *err);
    void *arg;
};

static void on_token_made(void *arg, const struct err *err) {
    struct token_making *t = arg;
    t->fn(t->arg, err ? NULL : t->token, err);
    explicit_bzero(t->token, sizeof t->token);
    free(t);
}

static void on_token_refused(void *arg) {
    struct token_making *t = arg;
    on_token_made(t, &t->err);
}

void users_add_token(struct users *u, const char *name, enum role role, unsigned scopes,
    const char *by, void (*fn)(void *arg, const char *token, const struct err *err), void *arg) {
    struct token_making *t = mem_zalloc(sizeof *t);
    char secret[CRYPTO_TOKEN_SIZE], sha[CRYPTO_HEX_SIZE], list[32];
    t->fn = fn;
    t->arg = arg;
    if (check_name(name, &t->err) < 0) {
        loop_defer(u->env.loop, on_token_refused, t);
        return;
    }
    crypto_token(secret);
    snprintf(t->token, sizeof t->token, "sbt_%s", secret);
    crypto_sha256_hex(span_str(t->token), sha);
    snprintf(list, sizeof list, "%s%s%s", scopes & SCOPE_READ ? "read," : "",
        scopes & SCOPE_WRITE ? "write," : "", scopes & SCOPE_ADMIN ? "admin," : "");
    if (*list)
        list[strlen(list) - 1] = '\0'; /* the last comma */
    store_token_create(u->store,
        &(struct store_token){
            .sha256 = sha, .name = name, .role = role_name(role), .scopes = list, .by = by},
        on_token_made, t);
    explicit_bzero(secret, sizeof secret);
}

/* --- ended logins ---------------------------------------------------------------------------- */

static void on_ended(void *arg, struct span payload) {
    struct users *u = arg;
    char *user = mem_strndup(payload.p, payload.n);
    forget(u, user);
    for (size_t i = 0; i < u->nlisteners; i++)
        u->listeners[i].fn(u->listeners[i].arg, user);
    free(user);
}

static void on_lane_up(void *arg) {
    (void)arg;
}

void users_on_ended(struct users *u, void (*fn)(void *arg, const char *user), void *arg) {
    if (u->nlisteners == LISTENERS_MAX)
        return;
    u->listeners[u->nlisteners].fn = fn;
    u->listeners[u->nlisteners++].arg = arg;
    if (!u->lane) {
        u->lane = redis_lane_create(store_redis(u->store), on_lane_up, u);
        redis_lane_subscribe(u->lane, ENDED_CHANNEL, on_ended, u);
    }
}

struct users *users_create(
    const struct env *env, struct store *store, const struct users_options *o) {
    struct users *u = mem_zalloc(sizeof *u);
    u->env = *env;
    u->store = store;
    u->options = *o;
    u->line_tail = &u->line;
    /* In the form and with the cost of a real one. */
    u->dummy = mem_strdup("$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$"
                          "K8bZk3yq0lGkG8nJg1m4q9l3oYt7wq0m5oQm3m1k2bE");
    return u;
}

void users_stop(struct users *u) {
    u->stopped = true;
    hash_abandon_all(u);
    redis_lane_destroy(&u->lane);
}

void users_destroy(struct users **up) {
    struct users *u = *up;
    if (!u)
        return;
    hash_abandon_all(u);
    free(u->dummy);
    free(u);
    *up = NULL;
}
