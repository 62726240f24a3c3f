/* net_mail_stream_test.c - connections to IMAP servers in child processes that let in, refuse, fall
 * silent or hang up: what is told of it, and the bytes after. */
#include <setjmp.h>
#include <stddef.h>

#include "imap_peer.h"

#include <cmocka.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "net/mail_stream.h"

struct end { /* of a stream */
    struct trial *trial;
    struct mail_stream *stream;
    unsigned opened, closed;
    size_t bytes;
    char text[256];
    struct err err;
    size_t stop_after; /* bytes */
    bool close_inside;
};

struct trial {
    pid_t peer;
    unsigned port;
    char url[64];
    struct log log;
    struct env env;
    struct mail_streams *streams;
    struct loop_timer *too_long;
    struct end ends[2];
};

static void on_too_long(void *arg) {
    (void)arg;
    fprintf(stderr, "the trial takes too long\n");
    abort();
}

static void on_open(void *arg) {
    struct end *e = arg;
    assert_int_equal(e->opened++, 0);
    loop_stop(e->trial->env.loop);
}

static void on_bytes(void *arg, struct span bytes) {
    struct end *e = arg;
    size_t n = strlen(e->text);
    assert_non_null(e->stream);
    e->bytes += bytes.n;
    snprintf(e->text + n, sizeof e->text - n, "%.*s", (int)bytes.n, bytes.p);
    if (e->close_inside)
        mail_stream_close(&e->stream);
    if (e->bytes >= e->stop_after)
        loop_stop(e->trial->env.loop);
}

static void on_closed(void *arg, const struct err *err) {
    struct end *e = arg;
    assert_int_equal(e->closed++, 0);
    e->err = *err;
    mail_stream_close(&e->stream);
    loop_stop(e->trial->env.loop);
}

static int set_up(void **state) {
    struct trial *t = mem_zalloc(sizeof *t);
    log_init(&t->log);
    t->log.level = LOG_LEVEL_ERROR;
    t->env.log = &t->log;
    t->env.loop = loop_create();
    t->env.metrics = metrics_create(1);
    t->too_long = loop_timer_start(t->env.loop, 30000, 0, on_too_long, t);
    t->streams = mail_streams_create(&t->env);
    t->ends[0].trial = t->ends[1].trial = t;
    *state = t;
    return 0;
}

static int tear_down(void **state) {
    struct trial *t = *state;
    mail_stream_close(&t->ends[0].stream);
    mail_stream_close(&t->ends[1].stream);
    mail_streams_destroy(&t->streams);
    loop_timer_stop(&t->too_long);
    loop_destroy(&t->env.loop);
    metrics_destroy(&t->env.metrics);
    if (t->peer)
        peer_stop(t->peer);
    free(t);
    return 0;
}

static struct mail_server server(struct trial *t, imap_peer_script script, const char *scheme) {
    if (script && !t->peer)
        t->peer = peer_start(script, &t->port);
    snprintf(t->url, sizeof t->url, "%s://127.0.0.1:%u", scheme, t->port);
    return (struct mail_server){
        .url = t->url, .user = "u@example.test", .password = "secret", .allow_private = true};
}

static void open_it(struct trial *t, struct end *e, const struct mail_server *s, unsigned ms) {
    static const struct mail_stream_fns fns = {on_open, on_bytes, on_closed};
    e->stream = mail_stream_open(t->streams, s, ms, &fns, e);
    assert_int_equal(e->opened + e->closed, 0); /* never from inside */
    loop_run(t->env.loop);
}

static void expect_closed(
    struct trial *t, imap_peer_script script, enum err_code code, const char *words) {
    struct mail_server s = server(t, script, "imap+plain");
    open_it(t, &t->ends[0], &s, 2000);
    assert_int_equal(t->ends[0].opened, 0);
    assert_int_equal(t->ends[0].err.code, code);
    assert_non_null(strstr(t->ends[0].err.text, words));
}

/* --- in ------------------------------------------------------------------------------------- */

static void script_echo(struct imap_peer *p) {
    peer_login(p);
    for (;;) {
        peer_hear_any(p);
        peer_say(p, "%s %s\r\n", p->tag, p->line);
    }
}

static void test_bytes_go_both_ways(void **state) {
    struct trial *t = *state;
    struct mail_server s = server(t, script_echo, "imap+plain");
    struct end *e = &t->ends[0];
    open_it(t, e, &s, 2000);
    assert_int_equal(e->opened, 1);
    mail_stream_send(e->stream, span_str("x one\r\n"));
    mail_stream_send(e->stream, span_str("y two\r\n"));
    e->stop_after = 14;
    loop_run(t->env.loop);
    assert_string_equal(e->text, "x one\r\ny two\r\n");
    e->close_inside = true;
    mail_stream_send(e->stream, span_str("z\r\n"));
    loop_run(t->env.loop);
    assert_null(e->stream);
    assert_int_equal(e->closed, 0);
}

#define MUCH ((size_t)8 << 20)

static void script_swallow_much(struct imap_peer *p) {
    peer_login(p);
    usleep(100000); /* its socket fills */
    peer_swallow(p, MUCH + 3);
    peer_say(p, "all");
    pause();
}

static void test_much_is_sent_as_the_socket_takes_it(void **state) {
    struct trial *t = *state;
    struct mail_server s = server(t, script_swallow_much, "imap+plain");
    struct end *e = &t->ends[0];
    char *much = mem_zalloc(MUCH);
    open_it(t, e, &s, 2000);
    mail_stream_send(e->stream, span_of(much, MUCH));
    mail_stream_send(e->stream, span_str("end"));
    assert_int_equal(mail_stream_unsent(e->stream), MUCH + 3);
    e->stop_after = 3;
    loop_run(t->env.loop);
    assert_string_equal(e->text, "all");
    assert_int_equal(mail_stream_unsent(e->stream), 0);
    for (size_t i = 0; i <= MAIL_STREAM_UNSENT_MAX / MUCH && e->stream; i++)
        mail_stream_send(e->stream, span_of(much, MUCH));
    assert_int_equal(e->closed, 0); /* later */
    loop_run(t->env.loop);
    assert_int_equal(e->err.code, ERR_TOO_LARGE);
    free(much);
}

static void script_say_much(struct imap_peer *p) {
    char *much = calloc(1, MUCH);
    peer_login(p);
    peer_hear_any(p);
    peer_say_bytes(p, much, MUCH);
    peer_wait(p);
}

static void test_a_pause_stops_the_reading(void **state) {
    struct trial *t = *state;
    struct mail_server s = server(t, script_say_much, "imap+plain");
    struct end *e = &t->ends[0];
    open_it(t, e, &s, 2000);
    mail_stream_send(e->stream, span_str("much please\r\n"));
    e->stop_after = 1;
    loop_run(t->env.loop);
    mail_stream_pause(e->stream, true);
    size_t before = e->bytes;
    struct loop_timer *timer =
        loop_timer_start(t->env.loop, 100, 0, (loop_fn)loop_stop, t->env.loop);
    loop_run(t->env.loop);
    loop_timer_stop(&timer);
    assert_int_equal(e->bytes, before);
    assert_true(before < MUCH);
    mail_stream_pause(e->stream, false);
    e->stop_after = MUCH;
    loop_run(t->env.loop);
    assert_int_equal(e->bytes, MUCH);
}

/* Says something unasked while the other connection is made. */
static void script_two(struct imap_peer *p) {
    peer_login(p);
    if (p->connection == 0) {
        peer_hear_any(p);
        peer_say(p, "* 4 EXISTS\r\n");
        peer_hear_any(p);
        peer_say(p, "still here\r\n");
    }
    peer_wait(p);
}

/* Whoever connects makes curl look through the connections that it takes for idle. */
static void test_a_new_connection_leaves_the_others_alone(void **state) {
    struct trial *t = *state;
    struct mail_server s = server(t, script_two, "imap+plain");
    struct end *first = &t->ends[0];
    open_it(t, first, &s, 2000);
    mail_stream_pause(first->stream, true); /* the bytes stay unread */
    mail_stream_send(first->stream, span_str("a b\r\n"));
    struct loop_timer *timer = /* curl looks at the others once a second at most */
        loop_timer_start(t->env.loop, 1100, 0, (loop_fn)loop_stop, t->env.loop);
    loop_run(t->env.loop);
    loop_timer_stop(&timer);
    open_it(t, &t->ends[1], &s, 2000);
    assert_int_equal(t->ends[1].opened, 1);
    mail_stream_pause(first->stream, false);
    mail_stream_send(first->stream, span_str("c d\r\n"));
    first->stop_after = strlen("* 4 EXISTS\r\nstill here\r\n");
    loop_run(t->env.loop);
    assert_int_equal(first->closed, 0);
    assert_string_equal(first->text, "* 4 EXISTS\r\nstill here\r\n");
}

static void script_last_words(struct imap_peer *p) {
    peer_login(p);
    peer_hear_any(p);
    peer_say(p, "* BYE for today\r\n");
}

static void test_what_comes_before_the_end_is_read(void **state) {
    struct trial *t = *state;
    struct mail_server s = server(t, script_last_words, "imap+plain");
    struct end *e = &t->ends[0];
    open_it(t, e, &s, 2000);
    mail_stream_send(e->stream, span_str("a b\r\n"));
    e->stop_after = 1000;
    loop_run(t->env.loop);
    assert_string_equal(e->text, "* BYE for today\r\n");
    assert_int_equal(e->err.code, ERR_UNAVAILABLE);
}

/* --- not in ---------------------------------------------------------------------------------- */

static void refuse(struct imap_peer *p, const char *answer) {
    peer_say(p, "* OK ready\r\n");
    for (;;) {
        peer_hear_any(p);
        if (strcmp(p->line, "CAPABILITY") == 0) {
            peer_say(p, "* CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN AUTH=CRAM-MD5 AUTH=XOAUTH2\r\n");
            peer_ok(p);
        } else {
            peer_say(p, "%s %s\r\n", p->tag, answer);
        }
    }
}

static void script_wrong(struct imap_peer *p) {
    refuse(p, "NO [AUTHENTICATIONFAILED] Wrong \x01password");
}

static void script_too_many(struct imap_peer *p) {
    refuse(p, "NO [ALERT] Too many simultaneous connections. (Failure)");
}

static void script_not_connected(struct imap_peer *p) {
    refuse(p, "BAD User is authenticated but not connected.");
}

static void test_wrong_password(void **state) {
    expect_closed(*state, script_wrong, ERR_DENIED,
        "refused the login: [AUTHENTICATIONFAILED] Wrong password");
}

static void test_refusals_that_pass(void **state) {
    expect_closed(*state, script_too_many, ERR_UNAVAILABLE, "Too many simultaneous");
}

static void test_refusal_of_exchange_that_passes(void **state) {
    expect_closed(*state, script_not_connected, ERR_UNAVAILABLE, "not connected");
}

static void script_bye(struct imap_peer *p) {
    peer_say(p, "* BYE Under repair\r\n");
    peer_wait(p);
}

static void test_goodbye_as_a_greeting(void **state) {
    expect_closed(*state, script_bye, ERR_UNAVAILABLE, "Under repair");
}

static void script_login_only(struct imap_peer *p) {
    peer_say(p, "* OK ready\r\n");
    for (;;) {
        peer_hear_any(p);
        if (strcmp(p->line, "CAPABILITY") == 0) {
            peer_say(p, "* CAPABILITY IMAP4rev1\r\n");
            peer_ok(p);
        } else if (strcmp(p->line, "LOGIN u@example.test secret") == 0) {
            peer_ok(p);
            peer_wait(p);
        }
    }
}

static void test_a_server_with_the_login_command_only(void **state) {
    struct trial *t = *state;
    struct mail_server s = server(t, script_login_only, "imap+plain");
    open_it(t, &t->ends[0], &s, 2000);
    assert_int_equal(t->ends[0].opened, 1);
}

static void script_no_way(struct imap_peer *p) {
    peer_say(p, "* OK ready\r\n");
    for (;;) {
        peer_hear_any(p);
        peer_say(p, "* CAPABILITY IMAP4rev1 LOGINDISABLED\r\n");
        peer_ok(p);
    }
}

static void test_a_server_without_a_way_in(void **state) {
    expect_closed(*state, script_no_way, ERR_DENIED, "no way to log in with a password");
}

static void script_challenge(struct imap_peer *p) {
    peer_say(p, "* OK ready\r\n");
    for (;;) {
        peer_hear_any(p);
        if (strcmp(p->line, "CAPABILITY") == 0) {
            peer_say(p, "* CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN AUTH=XOAUTH2\r\n");
            peer_ok(p);
        } else if (strncmp(p->line, "AUTHENTICATE XOAUTH2 ", 21) == 0) {
            peer_say(p, "+ eyJzdGF0dXMiOiI0MDAiLCJzY2hlbWVzIjoiQmVhcmVyIn0=\r\n");
        } else {
            peer_say(p, "%s NO SASL authentication failed\r\n", p->tag);
        }
    }
}

static void test_an_access_token_that_is_refused(void **state) {
    struct trial *t = *state;
    struct mail_server s = server(t, script_challenge, "imap+plain");
    s.password = NULL;
    s.bearer = "token";
    open_it(t, &t->ends[0], &s, 2000);
    assert_int_equal(t->ends[0].err.code, ERR_DENIED);
    assert_non_null(strstr(t->ends[0].err.text, "refused the access token"));
}

static void script_silent(struct imap_peer *p) {
    peer_wait(p);
}

static void test_silence_and_no_starttls(void **state) {
    struct trial *t = *state;
    struct mail_server s = server(t, script_silent, "imap+plain");
    uint64_t begin = clock_mono_ms();
    open_it(t, &t->ends[0], &s, 200);
    assert_int_equal(t->ends[0].err.code, ERR_TIMEOUT);
    assert_true(clock_mono_ms() - begin < 1500);
}

static void test_starttls_is_forced(void **state) {
    struct trial *t = *state;
    struct mail_server s = server(t, script_no_way, "imap");
    open_it(t, &t->ends[0], &s, 2000);
    assert_int_equal(t->ends[0].err.code, ERR_PROTOCOL);
    assert_non_null(strstr(t->ends[0].err.text, "no STARTTLS"));
}

static void test_addresses_that_are_not_allowed(void **state) {
    struct trial *t = *state;
    struct mail_server s = server(t, script_echo, "imaps");
    s.allow_private = false;
    open_it(t, &t->ends[0], &s, 2000);
    assert_int_equal(t->ends[0].err.code, ERR_DENIED);
    s.url = "imap+plain://192.0.2.1";
    s.allow_private = true;
    open_it(t, &t->ends[1], &s, 2000);
    assert_int_equal(t->ends[1].err.code, ERR_DENIED);
}

static void test_a_bad_url(void **state) {
    struct trial *t = *state;
    struct mail_server s = {.url = "https://x", .user = "u", .password = "p"};
    open_it(t, &t->ends[0], &s, 2000);
    assert_int_equal(t->ends[0].err.code, ERR_INVALID);
    t->ends[0].closed = 0;
    static const struct mail_stream_fns fns = {on_open, on_bytes, on_closed};
    t->ends[0].stream = mail_stream_open(t->streams, &s, 2000, &fns, &t->ends[0]);
    mail_stream_close(&t->ends[0].stream); /* before it was told */
}

static void test_urls(void **state) {
    static const char *const good[] = {"imap://a", "imaps://mail.example.org:993/",
        "imap+plain://127.0.0.1:1", "imaps://[2001:db8::1]:993", "imap://xn--a.b_c"};
    static const char *const bad[] = {"", "imap:/a", "imap://", "imap://u@h", "imap://u:p@h",
        "imap://h:0", "imap://h:65536", "imap://h:", "imap://h:1x", "imap://h/INBOX", "imap://h?x",
        "smtp://h", "imapx://h", "imaps+plain://h", "imap://-h", "imap://h h", "imap://[1.2.3.4]",
        "imap://[::1", "IMAP://h"};
    struct err err;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(good); i++)
        assert_int_equal(mail_server_url_check(good[i], "imap", &err), 0);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_int_equal(mail_server_url_check(bad[i], "imap", &err), -1);
    assert_int_equal(mail_server_url_check(NULL, "imap", &err), -1);
    assert_int_equal(mail_server_url_check("smtp+plain://h:25", "smtp", &err), 0);
    char *url = mail_server_curl_url("smtp+plain://h:25");
    assert_string_equal(url, "smtp://h:25");
    free(url);
}

#define TRIAL(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TRIAL(test_bytes_go_both_ways),
        TRIAL(test_much_is_sent_as_the_socket_takes_it),
        TRIAL(test_a_pause_stops_the_reading),
        TRIAL(test_a_new_connection_leaves_the_others_alone),
        TRIAL(test_what_comes_before_the_end_is_read),
        TRIAL(test_wrong_password),
        TRIAL(test_refusals_that_pass),
        TRIAL(test_refusal_of_exchange_that_passes),
        TRIAL(test_goodbye_as_a_greeting),
        TRIAL(test_a_server_with_the_login_command_only),
        TRIAL(test_a_server_without_a_way_in),
        TRIAL(test_an_access_token_that_is_refused),
        TRIAL(test_silence_and_no_starttls),
        TRIAL(test_starttls_is_forced),
        TRIAL(test_addresses_that_are_not_allowed),
        TRIAL(test_a_bad_url),
        TRIAL(test_urls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
