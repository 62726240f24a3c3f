/* net_redis_test.c - the pool and the lanes against a real redis-server: scripts, errors, a server
 * that is killed, hangs and comes back. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "net/redis.h"
#include "net/redis_url.h"
#include "net/redis_wire.h"

struct trial {
    char dir[64], socket[96], url[128];
    pid_t server;
    struct log log;
    struct env env;
    struct redis *redis;
    struct redis_lane *lane;
    int ups, downs;
    unsigned open;     /* commands without an answer */
    unsigned stop_ups; /* stop the loop when up this often */
    bool stop_down;    /* or when down */
    int ok, unavailable, timeout, internal;
    char text[512];
    int64_t number;
    int lane_ups, pushes, blocked;
    struct loop_timer *timer;
};

static void start_server(struct trial *t) {
    t->server = fork();
    if (t->server == 0) {
        execlp("redis-server", "redis-server", "--port", "0", "--unixsocket", t->socket, "--dir",
            t->dir, "--save", "", "--logfile", "/dev/null", (char *)NULL);
        _exit(127);
    }
}

static void kill_server(struct trial *t) {
    if (t->server > 0) {
        kill(t->server, SIGKILL);
        waitpid(t->server, NULL, 0);
    }
    t->server = 0;
}

static void on_state(void *arg, bool up) {
    struct trial *t = arg;
    if (up)
        t->ups++;
    else
        t->downs++;
    if (up ? t->stop_ups && (unsigned)t->ups >= t->stop_ups : t->stop_down)
        loop_stop(t->env.loop);
}

static void on_too_long(void *arg) {
    (void)arg;
    fprintf(stderr, "the trial takes too long\n");
    abort();
}

static int set_up(void **state) {
    struct trial *t = calloc(1, sizeof *t);
    snprintf(t->dir, sizeof t->dir, "/tmp/net_redis_test.XXXXXX");
    if (!mkdtemp(t->dir))
        return -1;
    snprintf(t->socket, sizeof t->socket, "%s/redis.sock", t->dir);
    snprintf(t->url, sizeof t->url, "unix://%s", t->socket);
    log_init(&t->log);
    t->log.level = LOG_LEVEL_ERROR;
    t->env.log = &t->log;
    t->env.loop = loop_create();
    t->env.metrics = metrics_create(1);
    t->timer = loop_timer_start(t->env.loop, 30000, 0, on_too_long, t);
    start_server(t);
    *state = t;
    return 0;
}

static int tear_down(void **state) {
    struct trial *t = *state;
    char command[128];
    redis_lane_destroy(&t->lane);
    redis_destroy(&t->redis);
    loop_timer_stop(&t->timer);
    loop_destroy(&t->env.loop);
    metrics_destroy(&t->env.metrics);
    kill_server(t);
    snprintf(command, sizeof command, "%s/redis.sock", t->dir);
    unlink(command);
    rmdir(t->dir);
    free(t);
    return 0;
}

static void connect_pool(struct trial *t, unsigned timeout_ms) {
    struct redis_options o = {
        .url = t->url, .connections = 4, .timeout_ms = timeout_ms, .on_state = on_state, .arg = t};
    t->stop_ups = (unsigned)t->ups + 1;
    t->redis = redis_create(&t->env, &o);
    assert_non_null(t->redis);
    loop_run(t->env.loop);
    t->stop_ups = 0;
    assert_true(redis_is_up(t->redis));
}

static void on_answer(void *arg, const struct redis_reply *reply, const struct err *err) {
    struct trial *t = arg;
    assert_true((reply == NULL) != (err == NULL));
    if (reply) {
        t->ok++;
        snprintf(t->text, sizeof t->text, "%s", redis_reply_str(reply));
        t->number = redis_reply_int(reply);
    } else {
        snprintf(t->text, sizeof t->text, "%s", err->text);
        t->unavailable += err->code == ERR_UNAVAILABLE;
        t->timeout += err->code == ERR_TIMEOUT;
        t->internal += err->code == ERR_INTERNAL;
    }
    if (--t->open == 0)
        loop_stop(t->env.loop);
}

static void send(struct trial *t, const char *a, const char *b, const char *c) {
    struct span args[3] = {span_str(a), span_str(b), span_str(c)};
    t->open++;
    redis_command(t->redis, args, c ? 3 : b ? 2 : 1, on_answer, t);
}

static void test_commands_and_replies(void **state) {
    struct trial *t = *state;
    connect_pool(t, 2000);
    send(t, "SET", "k", "value");
    loop_run(t->env.loop);
    assert_string_equal(t->text, "OK");
    send(t, "GET", "k", NULL);
    loop_run(t->env.loop);
    assert_string_equal(t->text, "value");
    send(t, "INCR", "n", NULL);
    loop_run(t->env.loop);
    assert_int_equal(t->number, 1);
    send(t, "GET", "n", NULL);
    loop_run(t->env.loop);
    assert_int_equal(t->number, 1); /* a string that is a number */
    send(t, "INCR", "k", NULL);
    loop_run(t->env.loop);
    assert_int_equal(t->internal, 1);
    assert_non_null(strstr(t->text, "not an integer"));
}

static void test_many_commands_complete_once_each(void **state) {
    struct trial *t = *state;
    connect_pool(t, 2000);
    for (int i = 0; i < 5000; i++)
        send(t, "INCR", "n", NULL);
    loop_run(t->env.loop);
    assert_int_equal(t->ok, 5000);
    send(t, "GET", "n", NULL);
    loop_run(t->env.loop);
    assert_int_equal(t->number, 5000);
}

static void test_a_script_is_sent_whole_when_unknown(void **state) {
    struct trial *t = *state;
    struct redis_script s;
    struct span key = span_str("key"), arg = span_str("argument");
    redis_script_init(&s, "echo", "return KEYS[1]..':'..ARGV[1]");
    assert_string_equal(s.sha1, "4ba5bd5c9dd82b3d40f56ec36e80c999155dbb6e");
    connect_pool(t, 2000);
    for (int i = 0; i < 2; i++) {
        for (int k = 0; k < 20; k++) {
            t->open++;
            redis_eval(t->redis, &s, &key, 1, &arg, 1, on_answer, t);
        }
        loop_run(t->env.loop);
        assert_int_equal(t->ok, 20);
        assert_string_equal(t->text, "key:argument");
        t->ok = 0;
        send(t, "SCRIPT", "FLUSH", NULL);
        loop_run(t->env.loop);
        t->ok = 0;
    }
}

static void test_errors_that_pass_are_unavailable(void **state) {
    struct trial *t = *state;
    struct redis_script s;
    struct span key = span_str("x");
    redis_script_init(&s, "set", "return redis.call('SET', KEYS[1], '1')");
    connect_pool(t, 2000);
    struct span config[4] = {
        span_str("CONFIG"), span_str("SET"), span_str("maxmemory"), span_str("1")};
    t->open++;
    redis_command(t->redis, config, 4, on_answer, t);
    loop_run(t->env.loop);
    send(t, "SET", "k", "v");
    loop_run(t->env.loop);
    assert_int_equal(t->unavailable, 1);
    t->open++;
    redis_eval(t->redis, &s, &key, 1, NULL, 0, on_answer, t);
    loop_run(t->env.loop);
    assert_int_equal(t->unavailable, 2);
    assert_non_null(strstr(t->text, "OOM"));
}

static void test_without_a_connection_it_fails_later_not_now(void **state) {
    struct trial *t = *state;
    kill_server(t);
    struct redis_options o = {.url = t->url, .connections = 4, .timeout_ms = 500};
    t->redis = redis_create(&t->env, &o);
    send(t, "PING", NULL, NULL);
    assert_int_equal(t->open, 1);
    loop_run(t->env.loop);
    assert_int_equal(t->unavailable, 1);
}

static void test_a_killed_server_comes_back(void **state) {
    struct trial *t = *state;
    connect_pool(t, 2000);
    for (int round = 0; round < 3; round++) {
        int ended = t->timeout + t->unavailable + t->ok;
        kill(t->server, SIGSTOP);
        for (int i = 0; i < 100; i++)
            send(t, "INCR", "n", NULL);
        kill_server(t);
        loop_run(t->env.loop);
        assert_int_equal(t->timeout + t->unavailable + t->ok, ended + 100);
        t->stop_down = true;
        if (t->downs == round) /* a connection that had no command hears of it later */
            loop_run(t->env.loop);
        t->stop_down = false;
        assert_int_equal(t->downs, round + 1);
        start_server(t);
        t->stop_ups = (unsigned)t->ups + 1;
        loop_run(t->env.loop);
        t->stop_ups = 0;
        int ok = t->ok;
        send(t, "PING", NULL, NULL);
        loop_run(t->env.loop);
        assert_int_equal(t->ok, ok + 1);
    }
}

static void test_a_server_that_hangs_times_out(void **state) {
    struct trial *t = *state;
    connect_pool(t, 300);
    kill(t->server, SIGSTOP);
    uint64_t began = clock_mono_ms();
    send(t, "PING", NULL, NULL);
    loop_run(t->env.loop);
    assert_int_equal(t->timeout, 1);
    assert_in_range(clock_mono_ms() - began, 290, 700);
    kill(t->server, SIGCONT);
    for (int i = 0; i < 1000 && t->ok == 0; i++) { /* comes back by itself */
        send(t, "PING", NULL, NULL);
        loop_run(t->env.loop);
        usleep(1000);
    }
    assert_int_equal(t->ok, 1);
}

static void test_destroy_fails_what_waits(void **state) {
    struct trial *t = *state;
    connect_pool(t, 5000);
    kill(t->server, SIGSTOP);
    for (int i = 0; i < 10; i++)
        send(t, "PING", NULL, NULL);
    redis_destroy(&t->redis);
    assert_int_equal(t->unavailable, 10);
    kill(t->server, SIGCONT);
}

static void on_lane_up(void *arg) {
    struct trial *t = arg;
    t->lane_ups++;
    loop_stop(t->env.loop);
}

static void on_blocked(void *arg, const struct redis_reply *reply, const struct err *err) {
    struct trial *t = arg;
    t->blocked++;
    if (reply && redis_reply_count(reply)) {
        const struct redis_reply *entry =
            redis_reply_at(redis_reply_at(redis_reply_at(redis_reply_at(reply, 0), 1), 0), 1);
        snprintf(t->text, sizeof t->text, "%s", redis_reply_str(redis_reply_at(entry, 1)));
    } else if (reply) {
        snprintf(t->text, sizeof t->text, "nothing");
    } else {
        t->unavailable += err->code == ERR_UNAVAILABLE;
        t->timeout += err->code == ERR_TIMEOUT;
    }
    loop_stop(t->env.loop);
}

static void read_stream(struct trial *t, const char *block) {
    struct span args[6] = {span_str("XREAD"), span_str("BLOCK"), span_str(block),
        span_str("STREAMS"), span_str("s"), span_str("$")};
    redis_lane_command(t->lane, args, 6, 1000, on_blocked, t);
}

static void test_a_lane_blocks_without_holding_the_pool(void **state) {
    struct trial *t = *state;
    connect_pool(t, 1000);
    t->lane = redis_lane_create(t->redis, on_lane_up, t);
    loop_run(t->env.loop);
    assert_int_equal(t->lane_ups, 1);
    read_stream(t, "100");
    loop_run(t->env.loop);
    assert_string_equal(t->text, "nothing");
    read_stream(t, "5000");
    struct span add[5] = {
        span_str("XADD"), span_str("s"), span_str("*"), span_str("f"), span_str("news")};
    t->open++;
    redis_command(t->redis, add, 5, on_answer, t);
    while (t->blocked < 2 || t->open)
        loop_run(t->env.loop);
    assert_int_equal(t->blocked, 2);
    /* a lost lane ends its command and comes up again */
    read_stream(t, "5000");
    kill_server(t);
    while (t->blocked < 3)
        loop_run(t->env.loop);
    assert_int_equal(t->timeout + t->unavailable, 1);
    start_server(t);
    while (t->lane_ups < 2)
        loop_run(t->env.loop);
}

static void on_push(void *arg, struct span payload) {
    struct trial *t = arg;
    assert_true(span_eq(payload, "hello"));
    t->pushes++;
    loop_stop(t->env.loop);
}

static void test_a_subscription_lives_through_a_restart(void **state) {
    struct trial *t = *state;
    connect_pool(t, 1000);
    t->lane = redis_lane_create(t->redis, on_lane_up, t);
    redis_lane_subscribe(t->lane, "c", on_push, t);
    for (int round = 0; round < 2; round++) {
        while (t->lane_ups <= round || t->ups <= round)
            loop_run(t->env.loop);
        while (t->pushes <= round) {
            send(t, "PUBLISH", "c", "hello");
            loop_run(t->env.loop);
        }
        while (t->open)
            loop_run(t->env.loop);
        t->pushes = round + 1;
        if (round == 0) {
            kill_server(t);
            start_server(t);
            t->stop_ups = 2;
        }
    }
}

static void test_addresses(void **state) {
    (void)state;
    struct redis_url u;
    struct err err;
    assert_int_equal(redis_url_parse("redis://us%40er:p%3Aw@[::1]:7000/3", &u, &err), 0);
    assert_string_equal(u.host, "::1");
    assert_string_equal(u.user, "us@er");
    assert_string_equal(u.password, "p:w");
    assert_int_equal(u.port, 7000);
    assert_int_equal(u.db, 3);
    redis_url_free(&u);
    assert_int_equal(redis_url_parse("redis://:secret@localhost", &u, &err), 0);
    assert_null(u.user);
    assert_int_equal(u.port, 6379);
    redis_url_free(&u);
    assert_int_equal(redis_url_parse("unix:///run/redis.sock?db=2", &u, &err), 0);
    assert_string_equal(u.path, "/run/redis.sock");
    assert_int_equal(u.db, 2);
    redis_url_free(&u);
    const char *const bad[] = {"", "redis://", "unix://relative", "redis://h:x", "redis://h:70000",
        "redis://h/x", "http://h", "redis://[::1", "redis://secret@h", "redis://:%zz@h",
        "unix:///p?x=1"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(redis_url_parse(bad[i], &u, &err), -1);
        assert_null(strstr(err.text, "secret"));
    }
}

static void test_what_error_replies_mean(void **state) {
    (void)state;
    struct err err;
    const char *const passing[] = {"LOADING Redis is loading", "OOM command not allowed",
        "MISCONF Redis is configured", "READONLY You can't write", "BUSY Redis is busy",
        "MASTERDOWN Link", "NOREPLICAS Not enough", "TRYAGAIN", "CLUSTERDOWN The cluster",
        "ERR Error running script (call to f_1): @user_script:1: @user_script: 1: -OOM command"};
    for (size_t i = 0; i < sizeof passing / sizeof passing[0]; i++) {
        redis_wire_error(span_str(passing[i]), &err);
        assert_int_equal(err.code, ERR_UNAVAILABLE);
    }
    const char *const lasting[] = {"WRONGTYPE Operation", "ERR syntax error",
        "BUSYGROUP Consumer Group name already exists", "NOAUTH Authentication required",
        "ERR unknown command 'x', with args beginning with: 'secret'", ""};
    for (size_t i = 0; i < sizeof lasting / sizeof lasting[0]; i++) {
        redis_wire_error(span_str(lasting[i]), &err);
        assert_int_equal(err.code, ERR_INTERNAL);
        assert_null(strstr(err.text, "secret"));
    }
}

#define WITH_SERVER(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_what_error_replies_mean),
        WITH_SERVER(test_commands_and_replies),
        WITH_SERVER(test_many_commands_complete_once_each),
        WITH_SERVER(test_a_script_is_sent_whole_when_unknown),
        WITH_SERVER(test_errors_that_pass_are_unavailable),
        WITH_SERVER(test_without_a_connection_it_fails_later_not_now),
        WITH_SERVER(test_a_killed_server_comes_back),
        WITH_SERVER(test_a_server_that_hangs_times_out),
        WITH_SERVER(test_destroy_fails_what_waits),
        WITH_SERVER(test_a_lane_blocks_without_holding_the_pool),
        WITH_SERVER(test_a_subscription_lives_through_a_restart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
