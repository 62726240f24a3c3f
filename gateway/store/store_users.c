/* store_users.c - agents, sessions, API tokens and rate limits in Redis. Keys here have no hash tag
 * of a shard: each call touches what belongs to one user. */
#include "store/store_users.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "store/scripts.h"
#include "store/store_users_private.h"

#define USED_STEP_MS 60000 /* of a token's last use */

/* --- JSON of a user -------------------------------------------------------------------------- */

static const char *field(const struct redis_reply *hash, const char *name) {
    for (size_t i = 0; i + 1 < redis_reply_count(hash); i += 2)
        if (strcmp(redis_reply_str(redis_reply_at(hash, i)), name) == 0)
            return redis_reply_str(redis_reply_at(hash, i + 1));
    return "";
}

static json_t *user_json(const struct redis_reply *hash) {
    char when[CLOCK_TEXT_SIZE];
    if (redis_reply_count(hash) == 0)
        return NULL;
    return json_pack("{s:s,s:I,s:s,s:s,s:s,s:b,s:b,s:b,s:s}", "name", field(hash, "name"), "rev",
        (json_int_t)strtoll(field(hash, "rev"), NULL, 10), "display_name",
        field(hash, "display_name"), "role", field(hash, "role"), "lang",
        *field(hash, "lang") ? field(hash, "lang") : "ru", "disabled",
        strcmp(field(hash, "disabled"), "1") == 0, "must_change_password",
        strcmp(field(hash, "must_change_password"), "1") == 0, "second_factor",
        *field(hash, "totp") != '\0', "created_at",
        clock_format(strtoll(field(hash, "created"), NULL, 10), when));
}

/* The keys of a user's JSON that are stored, as pairs. */
static void add_pairs(struct args *a, const json_t *user) {
    static const char *const keys[] = {
        "name", "display_name", "role", "lang", "disabled", "must_change_password"};
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        const json_t *v = json_object_get(user, keys[i]);
        if (json_is_string(v)) {
            args_add(a, keys[i]);
            args_add(a, json_string_value(v));
        } else if (json_is_boolean(v)) {
            args_add(a, keys[i]);
            args_add(a, json_is_true(v) ? "1" : "0");
        }
    }
}

/* --- calls ----------------------------------------------------------------------------------- */

static void hgetall(struct users_call *c, const char *prefix, const char *name, redis_fn fn) {
    struct args a;
    char *key = users_key(prefix, name);
    args_init(&a);
    args_add(&a, "HGETALL");
    args_add(&a, key);
    store_command(c->store, &a, fn, c);
    free(key);
}

/* --- users ----------------------------------------------------------------------------------- */

void store_user_create(struct store *s, const json_t *user, const char *hash, bool only_if_first,
    store_done_fn fn, void *arg) {
    struct users_call *c = users_call_create(s, arg);
    const char *name = json_string_value(json_object_get(user, "name"));
    char *key = users_key("user", name);
    struct span keys[] = {span_str("sb:users"), span_str(key)};
    struct args a;
    c->done = fn;
    c->when_zero = "there is a user of this name already";
    c->zero_code = ERR_CONFLICT;
    args_init(&a);
    args_add(&a, name);
    args_add(&a, only_if_first ? "1" : "0");
    add_pairs(&a, user);
    args_add(&a, "hash");
    args_add(&a, hash);
    args_add(&a, "created");
    args_int(&a, clock_ms());
    users_call_run(c, "user_create", script_user_create, keys, 2, &a, users_call_done);
    free(key);
}

static void on_how_many(void *arg, const struct redis_reply *r, const struct err *err) {
    struct users_call *c = arg;
    struct err some;
    if (!err && redis_reply_int(r) > 0) {
        err_set(&some, ERR_CONFLICT, "there are users already");
        err = &some;
    }
    c->done(c->arg, err);
    free(c);
}

void store_user_none(struct store *s, store_done_fn fn, void *arg) {
    struct users_call *c = users_call_create(s, arg);
    struct args a;
    c->done = fn;
    args_init(&a);
    args_add(&a, "SCARD");
    args_add(&a, "sb:users");
    store_command(s, &a, on_how_many, c);
}

static void on_user(void *arg, const struct redis_reply *r, const struct err *err) {
    struct users_call *c = arg;
    struct err missing;
    json_t *user = err ? NULL : user_json(r);
    if (!user && !err) {
        err_set(&missing, ERR_NOT_FOUND, "there is no such agent");
        err = &missing;
    }
    if (c->secrets) {
        struct user_secrets secrets = {0};
        if (!err)
            secrets =
                (struct user_secrets){field(r, "hash"), field(r, "totp"), field(r, "totp_new")};
        c->secrets(c->arg, user, &secrets, err);
    } else {
        json_t *out = user ? json_pack("{s:O}", "user", user) : NULL;
        c->json(c->arg, out, err);
        json_decref(out);
    }
    json_decref(user);
    free(c);
}

void store_user_get(struct store *s, const char *name, store_json_fn fn, void *arg) {
    struct users_call *c = users_call_create(s, arg);
    c->json = fn;
    hgetall(c, "user", name, on_user);
}

void store_user_secrets(struct store *s, const char *name, store_secrets_fn fn, void *arg) {
    struct users_call *c = users_call_create(s, arg);
    c->secrets = fn;
    hgetall(c, "user", name, on_user);
}

struct listing {
    struct gather g;
    struct store *store;
    store_json_fn fn;
    void *arg;
    const char *what; /* "agents" or "tokens" */
    json_t *list;
};

static int by_name(const void *a, const void *b) {
    const json_t *const *x = a, *const *y = b;
    return strcmp(json_string_value(json_object_get(*x, "name")),
        json_string_value(json_object_get(*y, "name")));
}

static void listing_done(struct gather *g) {
    struct listing *l = container_of(g, struct listing, g);
    size_t n = json_array_size(l->list);
    json_t **rows = mem_alloc((n + 1) * sizeof(json_t *));
    json_t *sorted = json_array();
    for (size_t i = 0; i < n; i++)
        rows[i] = json_array_get(l->list, i);
    qsort(rows, n, sizeof(json_t *), by_name);
    for (size_t i = 0; i < n; i++)
        json_array_append(sorted, rows[i]);
    json_t *out = json_pack("{s:o}", l->what, sorted);
    l->fn(l->arg, g->err.code ? NULL : out, g->err.code ? &g->err : NULL);
    json_decref(out);
    json_decref(l->list);
    free(rows);
    free(l);
}

static json_t *token_json(const struct redis_reply *hash) {
    char made[CLOCK_TEXT_SIZE], used[CLOCK_TEXT_SIZE];
    int64_t used_ms = strtoll(field(hash, "used"), NULL, 10);
    if (redis_reply_count(hash) == 0)
        return NULL;
    return json_pack("{s:s,s:s,s:s,s:s,s:s,s:s?}", "name", field(hash, "name"), "role",
        field(hash, "role"), "scopes", field(hash, "scopes"), "created_by", field(hash, "by"),
        "created_at", clock_format(strtoll(field(hash, "created"), NULL, 10), made), "last_used_at",
        used_ms ? clock_format(used_ms, used) : NULL);
}

static void on_listed(struct gather *g, size_t i, const struct redis_reply *r) {
    struct listing *l = container_of(g, struct listing, g);
    (void)i;
    json_t *one = strcmp(l->what, "agents") == 0 ? user_json(r) : token_json(r);
    if (one)
        json_array_append_new(l->list, one);
}

/* SMEMBERS of users gives names, HVALS of tokens gives hashes: a HGETALL for each. */
static void on_members(void *arg, const struct redis_reply *r, const struct err *err) {
    struct listing *l = arg;
    const char *prefix = strcmp(l->what, "agents") == 0 ? "user" : "token";
    gather_begin(&l->g, l->store, on_listed, listing_done);
    if (err)
        l->g.err = *err;
    for (size_t i = 0; i < (err ? 0 : redis_reply_count(r)); i++) {
        struct args a;
        char *key = users_key(prefix, redis_reply_str(redis_reply_at(r, i)));
        args_init(&a);
        args_add(&a, "HGETALL");
        args_add(&a, key);
        gather_command(&l->g, i, &a);
        free(key);
    }
    gather_end(&l->g);
}

static void list(struct store *s, const char *what, const char *command, const char *key,
    store_json_fn fn, void *arg) {
    struct listing *l = mem_zalloc(sizeof *l);
    struct args a;
    *l = (struct listing){.store = s, .fn = fn, .arg = arg, .what = what, .list = json_array()};
    args_init(&a);
    args_add(&a, command);
    args_add(&a, key);
    store_command(s, &a, on_members, l);
}

void store_user_list(struct store *s, store_json_fn fn, void *arg) {
    list(s, "agents", "SMEMBERS", "sb:users", fn, arg);
}

static void on_changed(void *arg, const struct redis_reply *r, const struct err *err) {
    struct err last;
    if (!err && redis_reply_int(r) == -2) {
        err_set(&last, ERR_CONFLICT, "this is the last admin: make another one first");
        err = &last;
    }
    users_call_done(arg, r, err);
}

void store_user_change(struct store *s, const char *name, const json_t *changes, const char *hash,
    int64_t expected, store_done_fn fn, void *arg) {
    struct users_call *c = users_call_create(s, arg);
    char *key = users_key("user", name), *sessions = users_key("sessions", name);
    struct span keys[] = {span_str(key), span_str(sessions), span_str("sb:users")};
    struct args a;
    c->done = fn;
    c->when_zero = "there is no such agent";
    c->zero_code = ERR_NOT_FOUND;
    c->when_minus = "somebody else has changed it meanwhile";
    c->minus_code = ERR_CONFLICT;
    args_init(&a);
    args_add(&a, name);
    args_add(&a, hash ? "1" : "0");
    if (expected >= 0)
        args_int(&a, expected);
    else
        args_add(&a, "");
    args_add(&a, "name"); /* so that there is always a pair */
    args_add(&a, name);
    add_pairs(&a, changes);
    if (hash) {
        args_add(&a, "hash");
        args_add(&a, hash);
    }
    users_call_run(c, "user_change", script_user_change, keys, 3, &a, on_changed);
    free(key);
    free(sessions);
}

/* --- sessions -------------------------------------------------------------------------------- */

static void on_session_user(void *arg, const struct redis_reply *r, const struct err *err) {
    struct users_call *c = arg;
    const char *value = r && redis_reply_type(r) == REDIS_STRING ? redis_reply_str(r) : "";
    char user[65];
    struct err none;
    snprintf(user, sizeof user, "%.*s", (int)strcspn(value, " "), value);
    if (users_session_is_over(value)) { /* all workers hear of it, sockets too */
        store_session_end(c->store, c->session, NULL, NULL);
        *user = '\0';
    }
    if (!err && !*user) {
        err_set(&none, ERR_AUTH, "your session has ended: sign in again");
        err = &none;
    }
    if (err) {
        c->json(c->arg, NULL, err);
        free(c);
        return;
    }
    hgetall(c, "user", user, on_user);
}

void store_session_get(
    struct store *s, const char *sha256, int64_t ttl_ms, store_json_fn fn, void *arg) {
    struct users_call *c = users_call_create(s, arg);
    char *key = users_key("session", sha256);
    struct args a;
    c->json = fn;
    snprintf(c->session, sizeof c->session, "%s", sha256);
    args_init(&a);
    args_add(&a, "GETEX"); /* slides the expiry */
    args_add(&a, key);
    args_add(&a, "PX");
    args_int(&a, ttl_ms);
    store_command(s, &a, on_session_user, c);
    free(key);
}

/* --- tokens ---------------------------------------------------------------------------------- */

static void token_run(struct users_call *c, const struct args *a, redis_fn fn) {
    struct span key = span_str("sb:tokens");
    users_call_run(c, "token", script_token, &key, 1, a, fn);
}

void store_token_create(struct store *s, const struct store_token *t, store_done_fn fn, void *arg) {
    struct users_call *c = users_call_create(s, arg);
    const char *const pairs[] = {
        "name", t->name, "role", t->role, "scopes", t->scopes, "by", t->by, "created"};
    struct args a;
    c->done = fn;
    c->when_zero = "there is a token of this name already";
    c->zero_code = ERR_CONFLICT;
    args_init(&a);
    args_add(&a, "add");
    args_add(&a, t->name);
    args_add(&a, t->sha256);
    for (size_t i = 0; i < ARRAY_LEN(pairs); i++)
        args_add(&a, pairs[i]);
    args_int(&a, clock_ms());
    token_run(c, &a, users_call_done);
}

/* When it was used last is known to the minute: it is not written at each request. */
static void token_used(struct store *s, const char *sha256) {
    struct args a;
    args_init(&a);
    args_add(&a, "used");
    args_add(&a, sha256);
    args_int(&a, clock_ms());
    token_run(users_call_create(s, NULL), &a, users_call_done);
}

static void on_token(void *arg, const struct redis_reply *r, const struct err *err) {
    struct users_call *c = arg;
    struct err none;
    json_t *token = err ? NULL : token_json(r);
    if (!token && !err) {
        err_set(&none, ERR_AUTH, "this API token is not known (was it revoked?)");
        err = &none;
    }
    json_t *out = token ? json_pack("{s:o}", "token", token) : NULL;
    if (out && clock_ms() - strtoll(field(r, "used"), NULL, 10) >= USED_STEP_MS)
        token_used(c->store, c->session);
    c->json(c->arg, out, err);
    json_decref(out);
    free(c);
}

void store_token_get(struct store *s, const char *sha256, store_json_fn fn, void *arg) {
    struct users_call *c = users_call_create(s, arg);
    c->json = fn;
    snprintf(c->session, sizeof c->session, "%s", sha256);
    hgetall(c, "token", sha256, on_token);
}

void store_token_list(struct store *s, store_json_fn fn, void *arg) {
    list(s, "tokens", "HVALS", "sb:tokens", fn, arg);
}

void store_token_end(struct store *s, const char *name, store_done_fn fn, void *arg) {
    struct users_call *c = users_call_create(s, arg);
    struct args a;
    c->done = fn;
    c->when_zero = "there is no token of this name";
    c->zero_code = ERR_NOT_FOUND;
    args_init(&a);
    args_add(&a, "end");
    args_add(&a, name);
    token_run(c, &a, users_call_done);
}
