/* sign_in.c - is it him? Limits by account and address, then the password (in the thread pool),
 * then the second factor; what was proven is used up in the step that opens the session. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "core/audit.h"
#include "core/totp.h"
#include "core/users_private.h"

#define LONGEST_WAIT_MS (15 * 60 * 1000)
#define DEVICE_ID 22 /* characters of a random id: 130 bits */
#define DEVICE_SIZE (DEVICE_ID + 1 + CRYPTO_HEX_SIZE)

struct login {
    struct users *users;
    enum sign_in_what what;
    char *name, *password, *code, *peer, *peer_group, *browser;
    char guard[64]; /* whose guesses these are */
    users_login_fn fn;
    void *arg;
    struct actor actor;
    bool exists;       /* the name does */
    bool known;        /* and may sign in */
    bool known_device; /* he has signed in here before */
    char session[CRYPTO_TOKEN_SIZE], device[DEVICE_SIZE];
    char proven[crypto_pwhash_STRBYTES];
    char *factor; /* the sealed secret as it is stored, "" none */
    int64_t retry_ms;
    int64_t waits_ms; /* how long the next guess has to wait after this wrong one */
    struct err err;   /* how it ends */
};

static void wipe(char *s) {
    if (s)
        explicit_bzero(s, strlen(s));
    free(s);
}

static bool opens_session(const struct login *l) {
    return l->what == SIGN_IN || l->what == SIGN_IN_PROVEN;
}

static void login_finish(struct login *l) {
    const struct err *err = l->err.code ? &l->err : NULL;
    struct signed_in in = {.retry_ms = l->retry_ms};
    if (!err && opens_session(l))
        in = (struct signed_in){&l->actor, l->session, *l->device ? l->device : NULL, 0};
    else if (!err)
        in.actor = &l->actor;
    l->fn(l->arg, &in, err);
    wipe(l->password);
    wipe(l->code);
    free(l->factor);
    free(l->name);
    free(l->peer);
    free(l->peer_group);
    free(l->browser);
    explicit_bzero(l, sizeof *l);
    free(l);
}

static void on_audited(void *arg, const struct err *err) {
    (void)err; /* it is in the log */
    login_finish(arg);
}

/* A sign-in that succeeded, or failed by what was typed; the same steps for each reason. A name
 * that nobody has is not kept: people type passwords there. */
static void audit(struct login *l, const char *reason) {
    char id[CRYPTO_HEX_SIZE] = "";
    json_t *detail = reason ? json_pack("{s:s}", "reason", reason) : NULL;
    if (!reason)
        crypto_sha256_hex(span_str(l->session), id);
    id[reason ? 0 : STORE_SESSION_ID] = '\0';
    if (l->waits_ms)
        json_object_set_new(detail, "waits_s", json_integer((l->waits_ms + 999) / 1000));
    audit_write(&l->users->env, l->users->store,
        &(struct audit_entry){.what = reason ? "session.refused" : "session.opened",
            .by = l->exists ? l->actor.name : "",
            .via = "session",
            .address = l->peer,
            .session = id,
            .subject = l->exists ? l->actor.name : "",
            .detail = detail,
            .refused = reason != NULL},
        on_audited, l);
    json_decref(detail);
}

/* reason: what was wrong, for the audit log; NULL: nothing, or it is not for there. */
static void login_end_for(
    struct login *l, const char *result, const char *reason, const struct err *err) {
    struct err how = err ? *err : (struct err){0}; /* it may be l's own */
    l->err = how;
    metrics_add(l->users->env.metrics, M_LOGIN, result, 1);
    if (err && log_quota_take(&l->users->refused, l->users->env.log, "login.refused_more"))
        LOG_INFO(l->users->env.log, "login.refused", LOG_S("peer", l->peer), LOG_E(&how));
    if (l->what == SIGN_IN && (reason || !err))
        audit(l, reason);
    else
        login_finish(l);
}

static void login_end(struct login *l, const char *result, const struct err *err) {
    login_end_for(l, result, NULL, err);
}

static void login_fail(struct login *l, const char *result, enum err_code code, const char *why) {
    struct err err;
    err_set(&err, code, "%s", why);
    login_end(l, result, &err);
}

/* --- the browser that he has used before ----------------------------------------------------- */

static void device_mark(const struct login *l, const char *id, char out[CRYPTO_HEX_SIZE]) {
    char *about = mem_printf("device:%s", l->name);
    vault_mark(l->users->options.vault, about, id, out);
    free(about);
}

/* "<id>.<mark>", which only we can make, for one name. */
static bool device_is_his(const struct login *l, const char *device) {
    char id[DEVICE_ID + 1], mark[CRYPTO_HEX_SIZE];
    if (!device || !l->users->options.vault || strlen(device) != DEVICE_SIZE - 1 ||
        device[DEVICE_ID] != '.')
        return false;
    snprintf(id, sizeof id, "%.*s", DEVICE_ID, device);
    device_mark(l, id, mark);
    return crypto_equal(span_str(mark), span_str(device + DEVICE_ID + 1));
}

static void device_make(struct login *l) {
    char token[CRYPTO_TOKEN_SIZE], mark[CRYPTO_HEX_SIZE];
    if (l->known_device || !l->users->options.vault)
        return;
    crypto_token(token);
    token[DEVICE_ID] = '\0';
    device_mark(l, token, mark);
    snprintf(l->device, sizeof l->device, "%.*s.%s", DEVICE_ID, token, mark);
}

static void name_guard(const char *name, char out[64]) {
    char sha[CRYPTO_HEX_SIZE];
    crypto_sha256_hex(span_str(name), sha); /* a name may be anything */
    snprintf(out, 64, "name:%.32s", sha);
}

/* --- wrong and right ------------------------------------------------------------------------- */

static void on_guess_counted(void *arg, int64_t retry_ms, const struct err *err) {
    struct login *l = arg;
    const char *reason = l->err.code == ERR_SECOND_FACTOR ? "code"
                         : !l->exists                     ? "name"
                         : !l->known                      ? "disabled"
                                                          : "password";
    l->waits_ms = retry_ms;
    login_end_for(l, "wrong", err ? NULL : reason, err ? err : &l->err);
}

static void guessed_wrong(struct login *l, enum err_code code, const char *why) {
    err_set(&l->err, code, "%s", why);
    store_guard(l->users->store, l->guard, GUESS_WRONG, l->users->options.login_tries,
        LONGEST_WAIT_MS, on_guess_counted, l);
}

static void on_guard_reset(void *arg, int64_t retry_ms, const struct err *err) {
    (void)retry_ms;
    login_end(arg, err ? "error" : "ok", err);
}

static void on_session_made(void *arg, const struct err *err) {
    struct login *l = arg;
    if (err && err->code == ERR_SECOND_FACTOR)
        guessed_wrong(l, err->code, err->text);
    else if (err)
        login_end(l, "error", err);
    else
        store_guard(l->users->store, l->guard, GUESS_RIGHT, l->users->options.login_tries,
            LONGEST_WAIT_MS, on_guard_reset, l);
}

static void open_session(struct login *l, int64_t step, const char *recovery) {
    char sha[CRYPTO_HEX_SIZE] = "";
    bool opens = l->what == SIGN_IN || l->what == SIGN_IN_PROVEN;
    bool whole = l->what == SIGN_IN || l->what == PROVE_ALL;
    if (opens) {
        crypto_token(l->session);
        crypto_sha256_hex(span_str(l->session), sha);
        device_make(l);
    }
    store_session_create(l->users->store,
        &(struct store_session){.sha256 = opens ? sha : NULL,
            .user = l->actor.name,
            .hash = l->proven,
            .factor = whole ? l->factor : NULL,
            .step = step,
            .recovery = recovery,
            .ttl_ms = l->users->options.session_ttl_ms,
            .peer = l->peer,
            .browser = l->browser},
        on_session_made, l);
}

static void check_code(struct login *l) {
    char typed[16], mark[CRYPTO_HEX_SIZE];
    const struct users *u = l->users;
    if (!u->options.vault) {
        login_fail(l, "error", ERR_UNAVAILABLE, "this command cannot check a second factor");
        return;
    }
    bool is_code = totp_is_code(l->code, typed);
    if (!is_code) {
        users_recovery_mark(u, l->actor.name, typed, mark);
        open_session(l, 0, mark);
        return;
    }
    char *secret = users_factor_secret(u, l->actor.name, l->factor, NULL);
    int64_t step = secret ? totp_step_of(secret, typed, clock_ms()) : -1;
    if (!secret)
        login_fail(l, "error", ERR_UNAVAILABLE,
            "the second factor cannot be read (was data_dir/secret.key replaced?): an admin can "
            "reset it");
    else if (step < 0)
        guessed_wrong(l, ERR_SECOND_FACTOR, "this code is wrong");
    else
        open_session(l, step, NULL);
    wipe(secret);
}

static void on_checked(void *arg, const struct hash_job *job) {
    struct login *l = arg;
    bool whole = l->what == SIGN_IN || l->what == PROVE_ALL;
    if (job->abandoned) {
        login_fail(l, "error", ERR_UNAVAILABLE, "the gateway is stopping");
        return;
    }
    if (!job->good || !l->known) {
        guessed_wrong(l, ERR_AUTH, "name or password is wrong");
        return;
    }
    snprintf(l->proven, sizeof l->proven, "%s", job->hash);
    if (!whole || !*l->factor)
        open_session(l, 0, NULL);
    else if (!l->code)
        login_fail(
            l, "second_factor", ERR_SECOND_FACTOR, "a code of the second factor is needed, too");
    else
        check_code(l);
}

/* --- limits ---------------------------------------------------------------------------------- */

static void on_secrets(
    void *arg, const json_t *user, const struct user_secrets *secrets, const struct err *err) {
    struct login *l = arg;
    if (err && err->code != ERR_NOT_FOUND) {
        login_end(l, "error", err);
        return;
    }
    l->known = user && *secrets->hash && !json_is_true(json_object_get(user, "disabled"));
    l->factor = mem_strdup(user ? secrets->totp : "");
    l->exists = user != NULL;
    if (user)
        l->actor = users_actor(user);
    /* Unknown and disabled cost the same time and get the same words as a wrong password. */
    if (users_hash(
            l->users, l->password, l->known ? secrets->hash : l->users->dummy, on_checked, l) < 0)
        login_fail(l, "throttled", ERR_TOO_MANY, "too many sign-ins at once: try again");
}

static void throttled(struct login *l, int64_t retry_ms, const char *why) {
    l->retry_ms = retry_ms;
    login_fail(l, "throttled", ERR_TOO_MANY, why);
}

static void on_guard(void *arg, int64_t retry_ms, const struct err *err) {
    struct login *l = arg;
    if (err)
        login_end(l, "error", err);
    else if (retry_ms)
        throttled(l, retry_ms, "too many wrong tries for this account: wait and try again");
    else
        store_user_secrets(l->users->store, l->name, on_secrets, l);
}

static void on_peer_rate(void *arg, int64_t retry_ms, const struct err *err) {
    struct login *l = arg;
    if (err)
        login_end(l, "error", err);
    else if (retry_ms)
        throttled(l, retry_ms, "too many tries from this address: wait and try again");
    else
        store_guard(l->users->store, l->guard, GUESS_ASK, l->users->options.login_tries,
            LONGEST_WAIT_MS, on_guard, l);
}

static void on_name_rate(void *arg, int64_t retry_ms, const struct err *err) {
    struct login *l = arg;
    unsigned tries = l->users->options.login_tries;
    if (err) {
        login_end(l, "error", err);
    } else if (retry_ms) {
        throttled(l, retry_ms, "too many tries for this account: wait and try again");
    } else {
        char *bucket = mem_printf("login-peer:%s", l->peer_group);
        store_rate(l->users->store, bucket, tries * 3, tries * 3, 1, on_peer_rate, l);
        free(bucket);
    }
}

void users_login(struct users *u, const struct sign_in *how, users_login_fn fn, void *arg) {
    struct login *l = mem_zalloc(sizeof *l);
    unsigned tries = u->options.login_tries;
    l->users = u;
    l->what = how->what;
    l->name = mem_strndup(how->name, strnlen(how->name, 64));
    l->password = mem_strndup(how->password, strnlen(how->password, 128));
    l->code = how->code ? mem_strndup(how->code, strnlen(how->code, 64)) : NULL;
    l->peer = mem_strdup(how->peer ? how->peer : "");
    l->peer_group = mem_strdup(how->peer_group ? how->peer_group : l->peer);
    l->browser = how->browser ? mem_strndup(how->browser, strnlen(how->browser, 200)) : NULL;
    l->fn = fn;
    l->arg = arg;
    l->known_device = device_is_his(l, how->device);
    if (l->known_device)
        snprintf(l->guard, sizeof l->guard, "device:%.*s", DEVICE_ID, how->device);
    else
        name_guard(l->name, l->guard);
    char *bucket = mem_printf("login-%s", l->guard);
    store_rate(u->store, bucket, tries, tries, 1, on_name_rate, l);
    free(bucket);
}

/* --- an admin's word ------------------------------------------------------------------------- */

struct unlocking {
    store_done_fn fn;
    void *arg;
};

static void on_unlocked(void *arg, int64_t retry_ms, const struct err *err) {
    struct unlocking *k = arg;
    (void)retry_ms;
    k->fn(k->arg, err);
    free(k);
}

void users_unlock(struct users *u, const char *name, store_done_fn fn, void *arg) {
    struct unlocking *k = mem_alloc(sizeof *k);
    char guard[64];
    *k = (struct unlocking){fn, arg};
    name_guard(name, guard);
    store_guard(u->store, guard, GUESS_RIGHT, 1, LONGEST_WAIT_MS, on_unlocked, k);
}
