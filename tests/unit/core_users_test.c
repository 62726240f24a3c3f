/* core_users_test.c - passwords, sessions, tokens and throttling against a real Redis. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "core/users.h"
#include "store/store_users.h"

#define PATIENCE_MS 60000
#define PASSWORD "correct horse battery"

struct world {
    char dir[64], url[128];
    pid_t redis;
    struct log log;
    struct env env;
    struct store *store;
    struct users *users;
    struct vault *vault;
    struct loop_timer *patience;
    struct users *flooded;
    unsigned waiting;
    bool listens; /* the news of an ended login is waited for too */
    /* answers */
    struct err err;
    struct actor actor;
    char session[CRYPTO_TOKEN_SIZE], device[128], token[CRYPTO_TOKEN_SIZE + 8], ended[65],
        hash[256];
    int64_t retry_ms;
    unsigned wrong, too_many;
    json_t *json;
};

static void on_late(void *arg) {
    (void)arg;
    fail_msg("no answer within %d ms", PATIENCE_MS);
}

static void expect(struct world *w, unsigned n) {
    w->waiting = n;
}

static void wait_for(struct world *w) {
    if (w->waiting) {
        w->patience = loop_timer_start(w->env.loop, PATIENCE_MS, 0, on_late, w);
        loop_run(w->env.loop);
        loop_timer_stop(&w->patience);
    }
}

static void finish(struct world *w, const struct err *err) {
    w->err = err ? *err : (struct err){0};
    if (w->waiting && --w->waiting == 0)
        loop_stop(w->env.loop);
}

static void on_state(void *arg, bool up, const struct err *fatal) {
    if (up || fatal)
        finish(arg, fatal);
}

static void on_done(void *arg, const struct err *err) {
    finish(arg, err);
}

static void stop_users(void *users) {
    users_stop(users);
}

static void on_login(void *arg, const struct signed_in *in, const struct err *err) {
    struct world *w = arg;
    if (!err) {
        w->actor = *in->actor;
        snprintf(w->session, sizeof w->session, "%s", in->session ? in->session : "");
        if (in->device)
            snprintf(w->device, sizeof w->device, "%s", in->device);
    }
    w->retry_ms = in->retry_ms;
    w->wrong += err && err->code == ERR_AUTH;
    w->too_many += err && err->code == ERR_TOO_MANY;
    if (w->flooded && w->too_many == 100) { /* seen enough: the rest ends with it */
        loop_defer(w->env.loop, stop_users, w->flooded);
        w->flooded = NULL;
    }
    finish(w, err);
}

static void on_actor(void *arg, const struct actor *actor, const struct err *err) {
    struct world *w = arg;
    if (!err)
        w->actor = *actor;
    finish(w, err);
}

static void on_token(void *arg, const char *token, const struct err *err) {
    struct world *w = arg;
    if (!err)
        snprintf(w->token, sizeof w->token, "%s", token);
    finish(w, err);
}

static void on_json(void *arg, json_t *result, const struct err *err) {
    struct world *w = arg;
    json_decref(w->json);
    w->json = json_incref(result);
    finish(w, err);
}

static void on_rate(void *arg, int64_t retry_ms, const struct err *err) {
    struct world *w = arg;
    w->retry_ms = retry_ms;
    finish(w, err);
}

static void on_ended(void *arg, const char *user) {
    struct world *w = arg;
    snprintf(w->ended, sizeof w->ended, "%s", user);
    if (w->listens) {
        w->listens = false;
        finish(w, NULL);
    }
}

static enum err_code add(struct world *w, const char *name, enum role role, const char *password) {
    expect(w, 1);
    users_add(w->users, name, NULL, role, password, false, false, on_done, w);
    wait_for(w);
    return w->err.code;
}

static enum err_code login(struct world *w, const char *name, const char *password) {
    expect(w, 1);
    users_login(w->users,
        &(struct sign_in){.name = name, .password = password, .peer = "192.0.2.1"}, on_login, w);
    wait_for(w);
    return w->err.code;
}

static enum err_code ask(struct world *w, const char *session) {
    expect(w, 1);
    users_by_session(w->users, session, on_actor, w);
    wait_for(w);
    return w->err.code;
}

static enum err_code ask_token(struct world *w, const char *token) {
    expect(w, 1);
    users_by_token(w->users, token, on_actor, w);
    wait_for(w);
    return w->err.code;
}

/* --- tests ----------------------------------------------------------------------------------- */

static void names_and_passwords_are_checked(void **state) {
    struct world *w = *state;
    assert_int_equal(add(w, "Ann", ROLE_AGENT, PASSWORD), ERR_INVALID);
    assert_int_equal(add(w, "", ROLE_AGENT, PASSWORD), ERR_INVALID);
    assert_int_equal(add(w, "a b", ROLE_AGENT, PASSWORD), ERR_INVALID);
    assert_int_equal(add(w, "short", ROLE_AGENT, "123456789"), ERR_INVALID);
    assert_int_equal(add(w, "twice", ROLE_AGENT, PASSWORD), ERR_NONE);
    assert_int_equal(add(w, "twice", ROLE_AGENT, PASSWORD), ERR_CONFLICT);
}

static void a_password_opens_a_session(void **state) {
    struct world *w = *state;
    assert_int_equal(add(w, "sue", ROLE_SUPERVISOR, PASSWORD), ERR_NONE);
    assert_int_equal(login(w, "sue", PASSWORD), ERR_NONE);
    assert_string_equal(w->actor.name, "sue");
    assert_int_equal(w->actor.role, ROLE_SUPERVISOR);
    assert_int_equal(w->actor.scopes, SCOPE_ALL);
    char first[CRYPTO_TOKEN_SIZE];
    snprintf(first, sizeof first, "%s", w->session);
    assert_int_equal(ask(w, first), ERR_NONE);
    assert_int_equal(login(w, "sue", PASSWORD), ERR_NONE);
    assert_string_not_equal(first, w->session);
    assert_int_equal(ask(w, "not a session"), ERR_AUTH);
    assert_int_equal(ask_token(w, first), ERR_AUTH); /* a session's secret is no API token */
}

static void wrong_unknown_and_disabled_look_the_same(void **state) {
    struct world *w = *state;
    char text[320];
    assert_int_equal(add(w, "gone", ROLE_AGENT, PASSWORD), ERR_NONE);
    assert_int_equal(login(w, "gone", "wrong password"), ERR_AUTH);
    snprintf(text, sizeof text, "%s", w->err.text);
    uint64_t start = clock_mono_ms();
    assert_int_equal(login(w, "gone", "wrong password"), ERR_AUTH);
    uint64_t wrong = clock_mono_ms() - start;
    start = clock_mono_ms();
    assert_int_equal(login(w, "nobody-at-all", "wrong password"), ERR_AUTH);
    uint64_t unknown = clock_mono_ms() - start;
    assert_string_equal(w->err.text, text);
    assert_true(unknown * 4 >= wrong); /* it took a hash as well */
    json_t *off = json_pack("{s:b}", "disabled", 1);
    expect(w, 1);
    store_user_change(w->store, "gone", off, NULL, -1, on_done, w);
    wait_for(w);
    json_decref(off);
    assert_int_equal(login(w, "gone", PASSWORD), ERR_AUTH);
    assert_string_equal(w->err.text, text);
}

static void a_new_password_ends_sessions(void **state) {
    struct world *w = *state;
    char old[CRYPTO_TOKEN_SIZE];
    assert_int_equal(add(w, "eve", ROLE_AGENT, PASSWORD), ERR_NONE);
    assert_int_equal(login(w, "eve", PASSWORD), ERR_NONE);
    snprintf(old, sizeof old, "%s", w->session);
    assert_int_equal(ask(w, old), ERR_NONE);
    w->ended[0] = '\0';
    w->listens = true;
    expect(w, 2); /* the change, and the news of it */
    users_set_password(w->users, "eve", "another password", false, on_done, w);
    wait_for(w);
    assert_string_equal(w->ended, "eve");
    assert_int_equal(ask(w, old), ERR_AUTH); /* also not from memory */
    assert_int_equal(login(w, "eve", PASSWORD), ERR_AUTH);
    assert_int_equal(login(w, "eve", "another password"), ERR_NONE);
}

/* The proof of a password that was changed meanwhile opens nothing. */
static void a_stale_proof_opens_nothing(void **state) {
    struct world *w = *state;
    assert_int_equal(add(w, "kim", ROLE_AGENT, PASSWORD), ERR_NONE);
    expect(w, 1);
    store_session_create(w->store,
        &(struct store_session){
            .sha256 = "00aa", .user = "kim", .hash = "$argon2id$old", .ttl_ms = 60000},
        on_done, w);
    wait_for(w);
    assert_int_equal(w->err.code, ERR_AUTH);
}

static void signing_out_ends_one_session(void **state) {
    struct world *w = *state;
    char first[CRYPTO_TOKEN_SIZE];
    assert_int_equal(add(w, "max", ROLE_AGENT, PASSWORD), ERR_NONE);
    assert_int_equal(login(w, "max", PASSWORD), ERR_NONE);
    snprintf(first, sizeof first, "%s", w->session);
    assert_int_equal(login(w, "max", PASSWORD), ERR_NONE);
    w->listens = true;
    expect(w, 2);
    users_logout(w->users, first, on_done, w);
    wait_for(w);
    assert_int_equal(ask(w, first), ERR_AUTH);
    assert_int_equal(ask(w, w->session), ERR_NONE);
}

static void on_secrets(
    void *arg, const json_t *user, const struct user_secrets *secrets, const struct err *err) {
    struct world *w = arg;
    (void)user;
    snprintf(w->hash, sizeof w->hash, "%s", err ? "" : secrets->hash);
    finish(w, err);
}

/* Nobody can fill Redis by signing in again and again: the oldest session gives way. */
static void sessions_of_one_user_are_bounded(void **state) {
    struct world *w = *state;
    char secret[24], sha[CRYPTO_HEX_SIZE];
    assert_int_equal(add(w, "often", ROLE_AGENT, PASSWORD), ERR_NONE);
    expect(w, 1);
    store_user_secrets(w->store, "often", on_secrets, w);
    wait_for(w);
    for (int i = 0; i < 51; i++) {
        snprintf(secret, sizeof secret, "secret%d", i);
        crypto_sha256_hex(span_str(secret), sha);
        expect(w, 1);
        store_session_create(w->store,
            &(struct store_session){
                .sha256 = sha, .user = "often", .hash = w->hash, .ttl_ms = 60000},
            on_done, w);
        wait_for(w);
        assert_int_equal(w->err.code, ERR_NONE);
        usleep(1000); /* another millisecond: it is by time */
    }
    assert_int_equal(ask(w, "secret0"), ERR_AUTH);
    assert_int_equal(ask(w, "secret1"), ERR_NONE);
    assert_int_equal(ask(w, "secret50"), ERR_NONE);
}

static void tokens_have_scopes(void **state) {
    struct world *w = *state;
    expect(w, 1);
    users_add_token(w->users, "erp", ROLE_AGENT, SCOPE_READ, "boss", on_token, w);
    wait_for(w);
    assert_int_equal(w->err.code, ERR_NONE);
    assert_int_equal(strncmp(w->token, "sbt_", 4), 0);
    assert_int_equal(ask_token(w, w->token), ERR_NONE);
    assert_true(w->actor.is_token);
    assert_int_equal(w->actor.scopes, SCOPE_READ);
    assert_int_equal(ask(w, w->token), ERR_AUTH); /* a token is no session */
    expect(w, 1);
    users_add_token(w->users, "erp", ROLE_AGENT, SCOPE_READ, "boss", on_token, w);
    wait_for(w);
    assert_int_equal(w->err.code, ERR_CONFLICT);
    w->listens = true;
    expect(w, 2);
    store_token_end(w->store, "erp", on_done, w);
    wait_for(w);
    assert_int_equal(ask_token(w, w->token), ERR_AUTH);
}

static void guessing_is_slowed_down(void **state) {
    struct world *w = *state;
    struct users *u = users_create(
        &w->env, w->store, &(struct users_options){.session_ttl_ms = 60000, .login_tries = 3});
    assert_int_equal(add(w, "target", ROLE_AGENT, PASSWORD), ERR_NONE);
    w->wrong = w->too_many = 0;
    expect(w, 10);
    for (unsigned i = 0; i < 10; i++)
        users_login(u,
            &(struct sign_in){
                .name = "target", .password = "wrong password", .peer = "198.51.100.7"},
            on_login, w);
    wait_for(w);
    assert_int_equal(w->wrong, 3);
    assert_int_equal(w->too_many, 7);
    users_stop(u);
    users_destroy(&u);
}

/* The line before the thread pool holds 64; whoever comes then is told at once to come again. */
static void a_flood_of_sign_ins_is_bounded(void **state) {
    struct world *w = *state;
    struct users *u = users_create(
        &w->env, w->store, &(struct users_options){.session_ttl_ms = 60000, .login_tries = 100});
    char name[24];
    w->wrong = w->too_many = 0;
    w->flooded = u;
    expect(w, 200);
    for (unsigned i = 0; i < 200; i++) {
        snprintf(name, sizeof name, "n%u", i);
        users_login(u, &(struct sign_in){.name = name, .password = "wrong password", .peer = name},
            on_login, w);
    }
    wait_for(w);
    assert_in_range(w->too_many, 100, 200 - 64);
    users_destroy(&u);
}

static enum err_code sign_in(struct world *w, struct users *u, const struct sign_in *how) {
    expect(w, 1);
    users_login(u, how, on_login, w);
    wait_for(w);
    return w->err.code;
}

/* Wrong guesses in a row have to wait, whether the name exists or not; a browser that the person
 * has used before does not, and an admin can end the wait. */
static void guesses_in_a_row_must_wait(void **state) {
    struct world *w = *state;
    static const char *const names[] = {"waiter", "no-such-waiter"};
    char texts[2][320];
    struct users *u = users_create(&w->env, w->store,
        &(struct users_options){.session_ttl_ms = 60000, .login_tries = 5, .vault = w->vault});
    assert_int_equal(add(w, "waiter", ROLE_AGENT, PASSWORD), ERR_NONE);
    struct sign_in right = {.name = "waiter", .password = PASSWORD, .peer = "198.51.100.8"};
    w->device[0] = '\0';
    assert_int_equal(sign_in(w, u, &right), ERR_NONE);
    assert_true(*w->device);
    for (size_t i = 0; i < 2; i++) {
        struct sign_in wrong = {.name = names[i], .password = "wrong password", .peer = names[i]};
        unsigned n = 0;
        while (sign_in(w, u, &wrong) == ERR_AUTH || !strstr(w->err.text, "wrong tries")) {
            if (w->err.code == ERR_AUTH)
                n++;
            else /* faster than a minute's share */
                usleep((useconds_t)w->retry_ms * 1000);
        }
        assert_int_equal(n, 5);
        assert_int_equal(w->err.code, ERR_TOO_MANY);
        assert_in_range(w->retry_ms, 1, 30000);
        snprintf(texts[i], sizeof texts[i], "%s", w->err.text);
    }
    assert_string_equal(texts[0], texts[1]);
    assert_int_equal(sign_in(w, u, &right), ERR_TOO_MANY); /* the right one, too */
    struct sign_in known = right;
    known.device = w->device;
    assert_int_equal(sign_in(w, u, &known), ERR_NONE);
    known.name = "no-such-waiter"; /* somebody else's cookie */
    assert_int_equal(sign_in(w, u, &known), ERR_TOO_MANY);
    users_stop(u);
    users_destroy(&u);
}

static void guards_double(void **state) {
    struct world *w = *state;
    int64_t least[] = {0, 29000, 59000, 119000, 239000, 300000},
            most[] = {0, 30000, 60000, 120000, 240000, 300000};
    for (size_t i = 0; i < ARRAY_LEN(least); i++) {
        expect(w, 1);
        store_guard(w->store, "test", GUESS_WRONG, 2, 300000, on_rate, w);
        wait_for(w);
        assert_in_range(w->retry_ms, i == 5 ? 299000 : least[i], most[i]);
    }
    expect(w, 1);
    store_guard(w->store, "test", GUESS_ASK, 2, 300000, on_rate, w);
    wait_for(w);
    assert_in_range(w->retry_ms, 290000, 300000);
    expect(w, 1);
    store_guard(w->store, "test", GUESS_RIGHT, 2, 300000, on_rate, w);
    wait_for(w);
    expect(w, 1);
    store_guard(w->store, "test", GUESS_ASK, 2, 300000, on_rate, w);
    wait_for(w);
    assert_int_equal(w->retry_ms, 0);
}

static void a_bucket_refills(void **state) {
    struct world *w = *state;
    for (int i = 0; i < 3; i++) {
        expect(w, 1);
        store_rate(w->store, "test:bucket", 2, 60, 1, on_rate, w);
        wait_for(w);
        assert_int_equal(w->err.code, ERR_NONE);
    }
    assert_in_range(w->retry_ms, 1, 1000);
    usleep(1050000);
    expect(w, 1);
    store_rate(w->store, "test:bucket", 2, 60, 1, on_rate, w);
    wait_for(w);
    assert_int_equal(w->retry_ms, 0);
}

static void lists_are_by_name(void **state) {
    struct world *w = *state;
    const char *before = "";
    size_t i;
    json_t *agent;
    expect(w, 1);
    store_user_list(w->store, on_json, w);
    wait_for(w);
    json_array_foreach(json_object_get(w->json, "agents"), i, agent) {
        const char *name = json_string_value(json_object_get(agent, "name"));
        assert_true(strcmp(before, name) < 0);
        assert_null(json_object_get(agent, "hash"));
        before = name;
    }
    assert_true(i > 5);
}

static void agents_see_their_own(void **state) {
    struct world *w = *state;
    struct actor ann = {.name = "ann", .role = ROLE_AGENT},
                 boss = {.name = "b", .role = ROLE_SUPERVISOR};
    json_t *anns = json_pack("{s:s}", "assignee", "ann"),
           *bobs = json_pack("{s:s}", "assignee", "bob");
    json_t *free_one = json_pack("{s:n}", "assignee");
    assert_true(users_may_see(w->users, &ann, anns));
    assert_true(users_may_see(w->users, &ann, free_one));
    assert_false(users_may_see(w->users, &ann, bobs));
    assert_true(users_may_see(w->users, &boss, bobs));
    json_decref(anns);
    json_decref(bobs);
    json_decref(free_one);
}

/* Stopping in the middle of a hash ends the call at once, and harms nobody later. */
static void stopping_ends_what_waits(void **state) {
    struct world *w = *state;
    struct users *u = users_create(
        &w->env, w->store, &(struct users_options){.session_ttl_ms = 60000, .login_tries = 100});
    w->err.code = ERR_NONE;
    expect(w, 5);
    for (int i = 0; i < 5; i++)
        users_set_password(u, "sue", PASSWORD, false, on_done, w);
    users_stop(u);
    assert_int_equal(w->waiting, 0);
    assert_int_equal(w->err.code, ERR_UNAVAILABLE);
    users_destroy(&u);
    loop_run(w->env.loop); /* ends at once: finish() has asked for it before */
    assert_int_equal(ask(w, "nothing"), ERR_AUTH);
}

/* --- a Redis and a store --------------------------------------------------------------------- */

static int begin(void **state) {
    struct world *w = mem_zalloc(sizeof *w);
    char socket[96];
    snprintf(w->dir, sizeof w->dir, "/tmp/sb-users-XXXXXX");
    if (!mkdtemp(w->dir) || crypto_start() < 0)
        return -1;
    snprintf(socket, sizeof socket, "%s/r.sock", w->dir);
    w->redis = fork();
    if (w->redis == 0) {
        if (!freopen("/dev/null", "w", stdout))
            _exit(127);
        execlp("redis-server", "redis-server", "--port", "0", "--unixsocket", socket, "--save", "",
            "--dir", w->dir, (char *)NULL);
        _exit(127);
    }
    struct stat st;
    for (int i = 0; i < 250 && stat(socket, &st) < 0; i++)
        usleep(20000);
    snprintf(w->url, sizeof w->url, "unix://%s", socket);
    log_init(&w->log);
    w->log.level = LOG_LEVEL_ERROR;
    w->env = (struct env){loop_create(), &w->log, metrics_create(1)};
    expect(w, 1);
    w->store = store_create(&w->env, &(struct store_options){.url = w->url,
                                         .shards = 4,
                                         .keep_messages = 500,
                                         .keep_ms = 1000,
                                         .events_max = 1000,
                                         .dedupe = true,
                                         .on_state = on_state,
                                         .arg = w});
    wait_for(w);
    if (!(w->vault = vault_open(w->dir, &w->err)))
        return -1;
    w->users = users_create(&w->env, w->store,
        &(struct users_options){.session_ttl_ms = 60000, .login_tries = 20, .vault = w->vault});
    users_on_ended(w->users, on_ended, w);
    *state = w;
    return w->err.code;
}

static int end(void **state) {
    struct world *w = *state;
    users_stop(w->users);
    store_close(w->store);
    users_destroy(&w->users);
    vault_close(&w->vault);
    store_destroy(&w->store);
    loop_destroy(&w->env.loop);
    metrics_destroy(&w->env.metrics);
    json_decref(w->json);
    kill(w->redis, SIGKILL);
    waitpid(w->redis, NULL, 0);
    pid_t pid = fork();
    if (pid == 0) {
        execlp("rm", "rm", "-rf", w->dir, (char *)NULL);
        _exit(127);
    }
    waitpid(pid, NULL, 0);
    free(w);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_and_passwords_are_checked),
        cmocka_unit_test(a_password_opens_a_session),
        cmocka_unit_test(wrong_unknown_and_disabled_look_the_same),
        cmocka_unit_test(a_new_password_ends_sessions),
        cmocka_unit_test(a_stale_proof_opens_nothing),
        cmocka_unit_test(signing_out_ends_one_session),
        cmocka_unit_test(sessions_of_one_user_are_bounded),
        cmocka_unit_test(tokens_have_scopes),
        cmocka_unit_test(guessing_is_slowed_down),
        cmocka_unit_test(a_flood_of_sign_ins_is_bounded),
        cmocka_unit_test(guesses_in_a_row_must_wait),
        cmocka_unit_test(guards_double),
        cmocka_unit_test(a_bucket_refills),
        cmocka_unit_test(lists_are_by_name),
        cmocka_unit_test(agents_see_their_own),
        cmocka_unit_test(stopping_ends_what_waits),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
