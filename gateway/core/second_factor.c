/* second_factor.c - an authenticator's secret and the recovery codes beside it. The secret is kept
 * sealed under the key of data_dir; of recovery codes only marks under that key. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "core/totp.h"
#include "core/users_private.h"

#define ISSUER "Switchboard"
#define WAITS_MS (15 * 60 * 1000)

static char *about(const char *name) {
    return mem_printf("totp:%s", name);
}

static void wipe(char *s) {
    if (s)
        explicit_bzero(s, strlen(s));
    free(s);
}

char *users_factor_secret(
    const struct users *u, const char *name, const char *stored, int64_t *made_ms) {
    const char *sealed = strchr(stored, ' ');
    if (!sealed)
        return NULL;
    char *what = about(name), *secret = vault_unseal(u->options.vault, what, sealed + 1);
    free(what);
    if (made_ms)
        *made_ms = strtoll(stored, NULL, 10);
    return secret;
}

void users_recovery_mark(const struct users *u, const char *name, const char *code, char *out) {
    char *what = mem_printf("recovery:%s", name), typed[16];
    totp_is_code(code, typed);
    vault_mark(u->options.vault, what, typed, out);
    explicit_bzero(typed, sizeof typed);
    free(what);
}

/* --- a new secret ---------------------------------------------------------------------------- */

struct beginning {
    char secret[TOTP_SECRET_SIZE];
    char *name;
    users_secret_fn fn;
    void *arg;
};

static void on_begun(void *arg, const struct err *err) {
    struct beginning *b = arg;
    char *uri = totp_uri(ISSUER, b->name, b->secret);
    b->fn(b->arg, err ? NULL : b->secret, err ? NULL : uri, err);
    wipe(uri);
    free(b->name);
    explicit_bzero(b, sizeof *b);
    free(b);
}

void users_factor_begin(struct users *u, const char *name, users_secret_fn fn, void *arg) {
    struct beginning *b = mem_zalloc(sizeof *b);
    *b = (struct beginning){.name = mem_strdup(name), .fn = fn, .arg = arg};
    totp_secret(b->secret);
    char *what = about(name), *sealed = vault_seal(u->options.vault, what, b->secret);
    char *stored = mem_printf("%lld %s", (long long)clock_ms(), sealed);
    store_factor_begin(u->store, name, stored, on_begun, b);
    free(what);
    free(sealed);
    free(stored);
}

/* --- in force, and recovery codes ------------------------------------------------------------ */

struct enabling {
    struct users *users;
    char *name, *code;
    store_json_fn fn;
    void *arg;
    json_t *codes;
};

static void enabling_end(struct enabling *e, const struct err *err) {
    json_t *out = err ? NULL : json_pack("{s:O}", "recovery_codes", e->codes);
    e->fn(e->arg, out, err);
    json_decref(out);
    json_decref(e->codes);
    free(e->name);
    wipe(e->code);
    free(e);
}

static void enabling_fail(struct enabling *e, enum err_code code, const char *why) {
    struct err err;
    err_set(&err, code, "%s", why);
    enabling_end(e, &err);
}

static void on_codes_stored(void *arg, const struct err *err) {
    enabling_end(arg, err);
}

static void make_codes(struct enabling *e, const char *stored, int64_t step) {
    char marks[RECOVERY_CODES][CRYPTO_HEX_SIZE], code[RECOVERY_SIZE];
    const char *list[RECOVERY_CODES];
    for (size_t i = 0; i < RECOVERY_CODES; i++) {
        totp_recovery(code);
        users_recovery_mark(e->users, e->name, code, marks[i]);
        json_array_append_new(e->codes, json_string(code));
        list[i] = marks[i];
    }
    explicit_bzero(code, sizeof code);
    store_factor_codes(
        e->users->store, e->name, stored, step, list, RECOVERY_CODES, on_codes_stored, e);
}

static void on_secrets(
    void *arg, const json_t *user, const struct user_secrets *secrets, const struct err *err) {
    struct enabling *e = arg;
    char typed[16];
    int64_t made_ms = 0;
    (void)user;
    if (err) {
        enabling_end(e, err);
        return;
    }
    if (!e->code) {
        if (*secrets->totp)
            make_codes(e, secrets->totp, 0);
        else
            enabling_fail(e, ERR_CONFLICT, "the second factor is off");
        return;
    }
    char *secret = users_factor_secret(e->users, e->name, secrets->totp_new, &made_ms);
    int64_t step = -1;
    if (secret && totp_is_code(e->code, typed))
        step = totp_step_of(secret, typed, clock_ms());
    if (!secret || clock_ms() - made_ms > WAITS_MS)
        enabling_fail(e, ERR_CONFLICT, "no new second factor waits for its code: begin again");
    else if (step < 0)
        enabling_fail(e, ERR_INVALID, "this code is wrong: is the clock of the telephone right?");
    else
        make_codes(e, secrets->totp_new, step);
    wipe(secret);
}

static void on_rate(void *arg, int64_t retry_ms, const struct err *err) {
    struct enabling *e = arg;
    if (err)
        enabling_end(e, err);
    else if (retry_ms)
        enabling_fail(e, ERR_TOO_MANY, "too many tries for this account: wait and try again");
    else
        store_user_secrets(e->users->store, e->name, on_secrets, e);
}

void users_factor_codes(
    struct users *u, const char *name, const char *code, store_json_fn fn, void *arg) {
    struct enabling *e = mem_zalloc(sizeof *e);
    *e = (struct enabling){u, mem_strdup(name), code ? mem_strndup(code, strnlen(code, 64)) : NULL,
        fn, arg, json_array()};
    char *bucket = mem_printf("factor:%s", name);
    store_rate(u->store, bucket, u->options.login_tries, u->options.login_tries, 1, on_rate, e);
    free(bucket);
}

void users_factor_off(
    struct users *u, const char *name, bool end_sessions, store_done_fn fn, void *arg) {
    store_factor_off(u->store, name, end_sessions, fn, arg);
}

/* --- how it stands --------------------------------------------------------------------------- */

struct looking {
    struct users *users;
    char *name;
    store_json_fn fn;
    void *arg;
    bool enabled, has_password;
};

static void on_left(void *arg, int64_t left, const struct err *err) {
    struct looking *k = arg;
    json_t *out = json_pack("{s:b,s:b,s:I}", "has_password", (int)k->has_password, "enabled",
        (int)k->enabled, "recovery_codes_left", (json_int_t)left);
    k->fn(k->arg, err ? NULL : out, err);
    json_decref(out);
    free(k->name);
    free(k);
}

static void on_looked(
    void *arg, const json_t *user, const struct user_secrets *secrets, const struct err *err) {
    struct looking *k = arg;
    if (err) {
        on_left(k, 0, err);
        return;
    }
    k->enabled = json_is_true(json_object_get(user, "second_factor"));
    k->has_password = *secrets->hash != '\0';
    store_recovery_left(k->users->store, k->name, on_left, k);
}

void users_factor_get(struct users *u, const char *name, store_json_fn fn, void *arg) {
    struct looking *k = mem_alloc(sizeof *k);
    *k = (struct looking){.users = u, .name = mem_strdup(name), .fn = fn, .arg = arg};
    store_user_secrets(u->store, name, on_looked, k);
}
