/* net_smtp_client_test.c - mails to a server that takes them, refuses them, dies under them: what
 * comes out is what its replies say (F37: nothing is sent twice, nothing is taken for lost that may
 * be there; F09). With SMTP_URL set it sends one mail there instead, for
 * tests/scenario/test_smtp_client.py. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/utf8.h"
#include "net/smtp_client.h"
#include "net/smtp_reply.h"
#include "net_smtp_peer.h"

struct trial {
    struct smtp_peer peer;
    struct log log;
    struct env env;
    struct smtp_client *client;
    char url[64];
    unsigned calls, expected; /* of the result function */
    enum smtp_outcome outcome;
    int code;
    char text[256], refused[1024];
    size_t nrefused;
    struct err err;
};

static int set_up(void **state) {
    struct trial *t = mem_zalloc(sizeof *t);
    peer_start(&t->peer);
    snprintf(t->url, sizeof t->url, "smtp+plain://127.0.0.1:%u", t->peer.port);
    log_init(&t->log);
    t->env.log = &t->log;
    t->env.loop = loop_create();
    t->env.metrics = metrics_create(1);
    t->client = smtp_client_create(&t->env);
    *state = t;
    return 0;
}

static int tear_down(void **state) {
    struct trial *t = *state;
    smtp_client_destroy(&t->client);
    loop_destroy(&t->env.loop);
    metrics_destroy(&t->env.metrics);
    peer_stop(&t->peer);
    free(t);
    return 0;
}

static void on_result(void *arg, const struct smtp_result *r) {
    struct trial *t = arg;
    t->calls++;
    t->outcome = r->outcome;
    t->code = r->code;
    t->nrefused = r->nrefused;
    t->err = r->err;
    snprintf(t->text, sizeof t->text, "%s", r->text);
    t->refused[0] = '\0';
    for (size_t i = 0; i < r->nrefused; i++) {
        size_t at = strlen(t->refused);
        snprintf(t->refused + at, sizeof t->refused - at, "%s=%d:%s;", r->refused[i].address,
            r->refused[i].code, r->refused[i].text);
    }
    assert_true((r->outcome == SMTP_ACCEPTED) == (r->err.code == ERR_NONE));
    if (t->calls == t->expected)
        loop_stop(t->env.loop);
}

static const char *const to_ann[] = {"ann@example.org", NULL};

static struct smtp_message message(void) {
    return (struct smtp_message){.from = "support@example.com",
        .to = to_ann,
        .bytes = span_str("Subject: x\r\n\r\nHello\r\n.\r\n..dots\r\n"),
        .helo = "gw.example.com",
        .timeout_ms = 10000};
}

static struct mail_server server(const struct trial *t) {
    return (struct mail_server){.url = t->url, .user = "support", .password = "secret"};
}

static struct smtp_call *start(struct trial *t, const struct smtp_message *m) {
    struct mail_server s = server(t);
    unsigned calls = t->calls;
    struct smtp_call *call = smtp_call_start(t->client, &s, m, on_result, t);
    assert_int_equal(t->calls, calls); /* later, never from inside */
    return call;
}

static void run(struct trial *t, unsigned calls) {
    t->expected = t->calls + calls;
    loop_run(t->env.loop);
    assert_int_equal(t->calls, t->expected);
}

static void send_one(struct trial *t, const struct smtp_message *m) {
    start(t, m);
    run(t, 1);
}

static void in_mode(struct trial *t, enum smtp_mode mode, enum smtp_outcome outcome, int code) {
    struct smtp_message m = message();
    t->peer.seen->mode = (int)mode;
    send_one(t, &m);
    if (t->outcome != outcome || t->code != code)
        fail_msg("mode %d: outcome %d code %d: %s", mode, t->outcome, t->code, t->err.text);
}

static void test_accepted(void **state) {
    struct trial *t = *state;
    in_mode(t, PEER_GOOD, SMTP_ACCEPTED, 250);
    assert_string_equal(t->text, "2.0.0 Queued as A1");
    assert_string_equal(t->peer.seen->mail, "Subject: x\r\n\r\nHello\r\n..\r\n...dots\r\n");
    assert_string_equal(t->peer.seen->talk,
        "EHLO gw.example.com\r\nAUTH PLAIN AHN1cHBvcnQAc2VjcmV0\r\n"
        "MAIL FROM:<support@example.com> SIZE=32\r\nRCPT TO:<ann@example.org>\r\nDATA\r\n");
}

static void test_connection_is_used_again(void **state) {
    struct trial *t = *state;
    struct smtp_message m = message();
    for (int i = 0; i < 60; i++)
        in_mode(t, PEER_GOOD, SMTP_ACCEPTED, 250);
    assert_int_equal(t->peer.seen->connections, 2); /* 50 mails each */
    assert_int_equal(t->peer.seen->quits, 1);
    m.from = "";
    send_one(t, &m);
    assert_non_null(strstr(t->peer.seen->talk, "MAIL FROM:<support@example.com>"));
    assert_int_equal(t->peer.seen->connections, 2);
    struct mail_server other = server(t); /* another user has another connection */
    other.user = "sales";
    smtp_call_start(t->client, &other, &m, on_result, t);
    run(t, 1);
    assert_int_equal(t->peer.seen->connections, 3);
    in_mode(t, PEER_END_554, SMTP_REFUSED, 554); /* no reason to leave */
    m.to = (const char *const[]){"none@example.org", NULL};
    send_one(t, &m);
    in_mode(t, PEER_GOOD, SMTP_ACCEPTED, 250);
    assert_int_equal(t->peer.seen->resets, 1);
    assert_int_equal(t->peer.seen->connections, 3);
}

static void test_kept_connection_dies(void **state) {
    struct trial *t = *state;
    in_mode(t, PEER_LEAVES_IDLE, SMTP_ACCEPTED, 250);
    in_mode(t, PEER_LEAVES_IDLE, SMTP_ACCEPTED, 250);
    in_mode(t, PEER_LEAVES_IDLE_421, SMTP_ACCEPTED, 250);
    in_mode(t, PEER_LEAVES_IDLE_421, SMTP_ACCEPTED, 250);
    assert_int_equal(t->peer.seen->mails, 4);
    assert_int_equal(t->peer.seen->connections, 4);
    in_mode(t, PEER_MAIL_DROPS, SMTP_RETRY, 0); /* the kept one, and a new one: no third */
    assert_int_equal(t->peer.seen->connections, 5);
}

static void test_few_connections(void **state) {
    struct trial *t = *state;
    struct smtp_message m = message();
    for (int i = 0; i < 30; i++)
        start(t, &m);
    run(t, 30);
    assert_int_equal(t->peer.seen->mails, 30);
    assert_int_equal(t->peer.seen->open_max, 3);
    assert_int_equal(t->peer.seen->connections, 3);
}

static void test_connecting(void **state) {
    struct trial *t = *state;
    in_mode(t, PEER_GREETS_421, SMTP_RETRY, 421);
    assert_string_equal(t->err.text, "the mail server does not serve us now: 421 4.3.2 Busy");
    in_mode(t, PEER_GREETS_554, SMTP_RETRY, 554);
    in_mode(t, PEER_GREETS_NOISE, SMTP_RETRY, 0);
    in_mode(t, PEER_LOGIN_535, SMTP_DENIED, 535);
    assert_int_equal(t->err.code, ERR_DENIED);
    assert_string_equal(
        t->err.text, "the mail server refused the login: 535 5.7.8 Bad user or password");
    in_mode(t, PEER_LOGIN_454, SMTP_RETRY, 454);
    in_mode(t, PEER_NO_AUTH, SMTP_DENIED, 0);
    assert_int_equal(t->peer.seen->mails, 0);
    in_mode(t, PEER_GOOD, SMTP_ACCEPTED, 250);
    kill(t->peer.pid, SIGKILL); /* connection refused */
    usleep(50000);
    in_mode(t, PEER_GOOD, SMTP_RETRY, 0);
    assert_int_equal(t->err.code, ERR_UNAVAILABLE);
}

static void test_senders(void **state) {
    struct trial *t = *state;
    in_mode(t, PEER_MAIL_451, SMTP_RETRY, 451);
    in_mode(t, PEER_MAIL_530, SMTP_DENIED, 530);
    in_mode(t, PEER_MAIL_571, SMTP_DENIED, 553);
    in_mode(t, PEER_MAIL_550, SMTP_REFUSED, 550);
    assert_string_equal(t->err.text, "the mail server refused it: 550 5.1.8 Bad sender");
}

static void to(struct trial *t, const char *a, const char *b, enum smtp_outcome outcome, int code) {
    const char *const list[] = {a, b, NULL};
    struct smtp_message m = message();
    m.to = list;
    send_one(t, &m);
    if (t->outcome != outcome || t->code != code)
        fail_msg("%s: outcome %d code %d: %s", a, t->outcome, t->code, t->err.text);
}

static void test_recipients(void **state) {
    struct trial *t = *state;
    to(t, "none@x.org", NULL, SMTP_REFUSED, 550);
    assert_string_equal(t->text, "5.1.1 No such mailbox here");
    to(t, "greylisted@x.org", NULL, SMTP_RETRY, 451);
    to(t, "many@x.org", NULL, SMTP_RETRY, 452);
    to(t, "later@x.org", NULL, SMTP_RETRY, 550); /* the enhanced code counts */
    to(t, "gone@x.org", NULL, SMTP_REFUSED, 450);
    to(t, "none@x.org", "greylisted@x.org", SMTP_RETRY, 451);
    assert_int_equal(t->nrefused, 2);
    assert_int_equal(t->peer.seen->mails, 0);
    to(t, "ann@x.org", "none@x.org", SMTP_ACCEPTED, 250);
    assert_string_equal(t->refused, "none@x.org=550:5.1.1 No such mailbox here;");
    to(t, "many@x.org", "ann@x.org", SMTP_ACCEPTED, 250);
    assert_string_equal(t->refused, "many@x.org=452:4.5.3 Too many recipients;");
    to(t, "ann@x.org", NULL, SMTP_ACCEPTED, 250);
    assert_int_equal(t->nrefused, 0);
    assert_int_equal(t->peer.seen->mails, 3);
    to(t, "ann@x.org", "bye@x.org", SMTP_ACCEPTED, 250); /* over another connection, without him */
    assert_string_equal(t->refused, "bye@x.org=421:4.3.2 Shutting down;");
    to(t, "bye@x.org", "ann@x.org", SMTP_ACCEPTED, 250);
    assert_string_equal(t->refused, "bye@x.org=421:4.3.2 Shutting down;");
    to(t, "bye@x.org", NULL, SMTP_RETRY, 421);
    to(t, "bye@x.org", "none@x.org", SMTP_RETRY, 421); /* he may be taken later */
    assert_string_equal(
        t->refused, "bye@x.org=421:4.3.2 Shutting down;none@x.org=550:5.1.1 No such mailbox here;");
    assert_int_equal(t->peer.seen->mails, 5);
}

static void test_after_the_dot(void **state) {
    struct trial *t = *state;
    in_mode(t, PEER_DATA_554, SMTP_REFUSED, 554);
    in_mode(t, PEER_DATA_250, SMTP_RETRY, 250);
    in_mode(t, PEER_END_554, SMTP_REFUSED, 554);
    in_mode(t, PEER_END_451, SMTP_RETRY, 451);
    in_mode(t, PEER_END_421, SMTP_RETRY, 421);
    in_mode(t, PEER_DROPS_AT_END, SMTP_AMBIGUOUS, 0);
    assert_int_equal(t->err.code, ERR_TIMEOUT);
    in_mode(t, PEER_END_NOISE, SMTP_AMBIGUOUS, 0);
    in_mode(t, PEER_END_354, SMTP_AMBIGUOUS, 354);
    in_mode(t, PEER_GOOD, SMTP_ACCEPTED, 250);
    assert_int_equal(t->peer.seen->mails, 1);
}

static char *large_mail(size_t n) {
    char *mail = mem_alloc(n + 1);
    for (size_t i = 0; i < n; i++)
        mail[i] = i % 72 == 70 ? '\r' : i % 72 == 71 ? '\n' : 'a';
    memcpy(mail + n - 2, "\r\n", 2);
    mail[n] = '\0';
    return mail;
}

/* A server that did not get all of it has nothing. */
static void test_before_the_dot(void **state) {
    struct trial *t = *state;
    size_t n = 72u * 300000;
    char *mail = large_mail(n);
    struct smtp_message m = message();
    m.bytes = span_of(mail, n);
    t->peer.seen->mode = PEER_DROPS_IN_DATA;
    send_one(t, &m);
    assert_int_equal(t->outcome, SMTP_RETRY);
    t->peer.seen->mode = PEER_REFUSES_IN_DATA;
    send_one(t, &m);
    assert_int_equal(t->outcome, SMTP_REFUSED);
    assert_int_equal(t->code, 552);
    t->peer.seen->mode = PEER_GOOD;
    send_one(t, &m);
    assert_int_equal(t->outcome, SMTP_ACCEPTED);
    assert_int_equal(t->peer.seen->mails, 1);
    free(mail);
}

static void on_tick(void *arg) {
    ++*(unsigned *)arg;
}

/* Nobody else waits while a server thinks; and a call's time ends. */
static void test_slow_reply(void **state) {
    struct trial *t = *state;
    struct smtp_message m = message();
    unsigned ticks = 0;
    struct loop_timer *timer = loop_timer_start(t->env.loop, 10, 10, on_tick, &ticks);
    t->peer.seen->mode = PEER_SLOW_AT_END;
    m.timeout_ms = 1500;
    uint64_t began = clock_mono_ms();
    send_one(t, &m);
    assert_int_equal(t->outcome, SMTP_AMBIGUOUS);
    assert_int_equal(t->err.code, ERR_TIMEOUT);
    assert_true(clock_mono_ms() - began < 2500);
    assert_true(ticks > 20);
    loop_timer_stop(&timer);
}

/* A call that is cancelled when the server has all of it. */
struct cancelled {
    struct trial *t;
    struct smtp_call *call;
    struct loop_timer *timer;
};

static void on_look(void *arg) {
    struct cancelled *c = arg;
    if (!c->t->peer.seen->ends)
        return;
    loop_timer_stop(&c->timer);
    smtp_call_cancel(c->call);
}

static void test_cancel(void **state) {
    struct trial *t = *state;
    struct smtp_message m = message();
    smtp_call_cancel(start(t, &m));
    assert_int_equal(t->calls, 1);
    assert_int_equal(t->outcome, SMTP_RETRY);
    t->peer.seen->mode = PEER_SLOW_AT_END;
    struct cancelled c = {.t = t, .call = start(t, &m)};
    c.timer = loop_timer_start(t->env.loop, 10, 10, on_look, &c);
    run(t, 1);
    assert_int_equal(t->outcome, SMTP_AMBIGUOUS);
    for (int i = 0; i < 5; i++) /* and these when the client goes */
        start(t, &m);
    smtp_client_destroy(&t->client);
    assert_int_equal(t->calls, 7);
    assert_int_equal(t->outcome, SMTP_RETRY);
}

static void test_strange_servers(void **state) {
    struct trial *t = *state;
    struct smtp_message m = message();
    in_mode(t, PEER_SLICED, SMTP_ACCEPTED, 250);
    assert_string_equal(t->text, "2.0.0 Queued as A1");
    in_mode(t, PEER_ENDLESS, SMTP_RETRY, 0);
    in_mode(t, PEER_SMALL, SMTP_ACCEPTED, 250);
    m.bytes = span_str("Subject: longer than fifty bytes, which is what is taken\r\n\r\n");
    send_one(t, &m);
    assert_int_equal(t->outcome, SMTP_REFUSED);
    assert_int_equal(t->code, 552);
    smtp_client_destroy(&t->client);
    t->client = smtp_client_create(&t->env);
    t->peer.seen->talk[0] = '\0';
    m = message();
    m.to = (const char *const[]){"\xd0\xb6@example.org", NULL};
    send_one(t, &m);
    assert_int_equal(t->outcome, SMTP_REFUSED); /* no SMTPUTF8 */
    t->peer.seen->mode = PEER_NO_EXTENSIONS;
    in_mode(t, PEER_NO_EXTENSIONS, SMTP_ACCEPTED, 250);
    smtp_client_destroy(&t->client);
    t->client = smtp_client_create(&t->env);
    t->peer.seen->mode = PEER_GOOD;
    send_one(t, &m);
    assert_int_equal(t->outcome, SMTP_ACCEPTED);
    assert_non_null(strstr(t->peer.seen->talk, " SIZE=32 BODY=8BITMIME SMTPUTF8\r\n"));
    assert_non_null(strstr(t->peer.seen->talk, "RCPT TO:<\xd0\xb6@example.org>\r\n"));
}

static void refused(struct trial *t, const struct smtp_message *m) {
    send_one(t, m);
    assert_int_equal(t->outcome, SMTP_REFUSED);
    assert_int_equal(t->err.code, ERR_INVALID);
    assert_int_equal(t->peer.seen->connections, 0);
}

static void test_injection(void **state) {
    struct trial *t = *state;
    static const char *const bad[] = {
        "", "a@b>\r\nRCPT TO:<evil@c", "a b@c", "a@b\n", "<a@b>", "a@b\x7f", "a\xff@b"};
    static const char *const mails[] = {
        "", "x", "x\n", "x\r", "a\nb\r\n", "a\rb\r\n", "a\r\n.\n\r\n"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct smtp_message m = message();
        m.to = (const char *const[]){"ann@example.org", bad[i], NULL};
        refused(t, &m);
        m = message();
        m.from = bad[i];
        if (bad[i][0])
            refused(t, &m);
    }
    for (size_t i = 0; i < ARRAY_LEN(mails); i++) {
        struct smtp_message m = message();
        m.bytes = span_str(mails[i]);
        refused(t, &m);
    }
    struct smtp_message m = message();
    char *longest = mem_printf("%0999d\r\n", 0);
    m.bytes = span_str(longest);
    refused(t, &m);
    m.bytes = span_of("a\0b\r\n", 5);
    refused(t, &m);
    m = message();
    m.to = (const char *const[]){NULL};
    refused(t, &m);
    m = message();
    m.bytes = span_str(longest + 1); /* 998 octets are allowed */
    m.helo = "evil\r\nMAIL";
    send_one(t, &m);
    assert_int_equal(t->outcome, SMTP_ACCEPTED);
    assert_non_null(strstr(t->peer.seen->talk, "EHLO localhost\r\n"));
    free(longest);
}

static void denied(struct trial *t, const struct mail_server *s, enum smtp_outcome outcome) {
    struct smtp_message m = message();
    smtp_call_start(t->client, s, &m, on_result, t);
    run(t, 1);
    if (t->outcome != outcome)
        fail_msg("%s: outcome %d: %s", s->url, t->outcome, t->err.text);
    assert_int_equal(t->peer.seen->mails, 0);
}

static void test_servers(void **state) {
    struct trial *t = *state;
    char url[64];
    struct mail_server s = server(t);
    snprintf(url, sizeof url, "smtp://127.0.0.1:%u", t->peer.port);
    s.url = url; /* not of the public internet */
    denied(t, &s, SMTP_DENIED);
    assert_int_equal(t->peer.seen->connections, 0);
    s.allow_private = true; /* STARTTLS was taken out */
    denied(t, &s, SMTP_RETRY);
    assert_int_equal(t->err.code, ERR_PROTOCOL);
    assert_null(strstr(t->peer.seen->talk, "AUTH"));
    snprintf(url, sizeof url, "smtps://127.0.0.1:%u", t->peer.port); /* no TLS there */
    denied(t, &s, SMTP_RETRY);
    s.url = "http://127.0.0.1";
    denied(t, &s, SMTP_DENIED);
    assert_int_equal(t->err.code, ERR_INVALID);
}

static void test_url_check(void **state) {
    static const struct {
        const char *url, *scheme;
        bool good;
    } rows[] = {{"smtps://mail.example.org", "smtp", true},
        {"smtp://mail.example.org:587", "smtp", true},
        {"imaps://mail.example.org:993", "imap", true}, {"imap://[2001:db8::1]:143", "imap", true},
        {"smtp+plain://127.0.0.1:25", "smtp", true}, {"smtp+plain://localhost", "smtp", true},
        {"imap+plain://[::1]:1143", "imap", true}, {"smtps://a_b.c-d.e", "smtp", true},
        {"imaps://x", "smtp", false}, {"smtps://", "smtp", false}, {"smtps://:465", "smtp", false},
        {"smtps://a:", "smtp", false}, {"smtps://a:0", "smtp", false},
        {"smtps://a:65536", "smtp", false}, {"smtps://a:4x", "smtp", false},
        {"smtps://u:p@a", "smtp", false}, {"smtps://a/path", "smtp", false},
        {"smtps://a?x", "smtp", false}, {"smtps://a b", "smtp", false},
        {"smtps://-a", "smtp", false}, {"smtps://[::1", "smtp", false},
        {"smtps://[::1]x", "smtp", false}, {"smtps://[1.2.3.4]", "smtp", false},
        {"smtps://\xd0\xb6", "smtp", false}, {"http://a", "smtp", false}, {"", "smtp", false}};
    struct err err;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if ((mail_server_url_check(rows[i].url, rows[i].scheme, &err) == 0) != rows[i].good)
            fail_msg("%s", rows[i].url);
}

static void test_check(void **state) {
    struct trial *t = *state;
    struct mail_server s = server(t);
    smtp_check_start(t->client, &s, "gw.example.com", on_result, t);
    run(t, 1);
    assert_int_equal(t->outcome, SMTP_ACCEPTED);
    s.password = NULL;
    s.bearer = "token";
    smtp_check_start(t->client, &s, "gw.example.com", on_result, t);
    run(t, 1);
    assert_int_equal(t->outcome, SMTP_ACCEPTED);
    assert_non_null(strstr(t->peer.seen->talk, "AUTH XOAUTH2 "));
    t->peer.seen->mode = PEER_LOGIN_535;
    smtp_check_start(t->client, &s, "gw.example.com", on_result, t);
    run(t, 1);
    assert_int_equal(t->outcome, SMTP_DENIED);
    assert_int_equal(t->peer.seen->mails, 0);
}

static int take(const char *text, struct smtp_reply *r) {
    struct buf b;
    struct err err;
    buf_init(&b, 65536);
    buf_adds(&b, text);
    int rc = smtp_reply_take(&b, r, &err);
    buf_free(&b);
    return rc;
}

static void test_replies(void **state) {
    struct smtp_reply r;
    (void)state;
    assert_int_equal(take("250 ok\r\n", &r), 1);
    assert_string_equal(r.text, "ok");
    assert_int_equal(take("250\n", &r), 1);
    assert_int_equal(r.code, 250);
    assert_int_equal(take("550-5.1.1 a\r\n550-5.1.1 b\r\n550 c\xff\x01\r\n", &r), 1);
    assert_string_equal(r.text, "5.1.1 a b c? ");
    assert_int_equal(take("250-a\r\n", &r), 0);
    assert_int_equal(take("", &r), 0);
    assert_int_equal(take("250-a\r\n251 b\r\n", &r), -1);
    assert_int_equal(take("25 a\r\n", &r), -1);
    assert_int_equal(take("650 a\r\n", &r), -1);
    assert_int_equal(take("2500\r\n", &r), -1);
    assert_int_equal(take("hello\r\n", &r), -1);
    char *longest = mem_printf("250 %05000d", 0);
    assert_int_equal(take(longest, &r), -1);
    free(longest);
}

/* For the scenario test: one mail to SMTP_URL; the outcome, code and sentence on stdout. */
static void send_there(struct trial *t) {
    struct smtp_message m = message();
    struct mail_server s = {.url = getenv("SMTP_URL"),
        .user = getenv("SMTP_USER"),
        .password = getenv("SMTP_PASSWORD"),
        .bearer = getenv("SMTP_BEARER"),
        .ca_file = getenv("SMTP_CA"),
        .allow_private = true};
    const char *const to[] = {getenv("SMTP_TO"), NULL};
    if (to[0])
        m.to = to;
    if (getenv("SMTP_FROM"))
        m.from = getenv("SMTP_FROM");
    int count = getenv("SMTP_COUNT") ? (int)strtol(getenv("SMTP_COUNT"), NULL, 10) : 1;
    for (int i = 0; i < count; i++) {
        smtp_call_start(t->client, &s, &m, on_result, t);
        run(t, 1);
        printf("%d %d %s\n", t->outcome, t->code, t->err.text);
    }
}

int main(void) {
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {TEST(test_accepted), TEST(test_connection_is_used_again),
        TEST(test_kept_connection_dies), TEST(test_few_connections), TEST(test_connecting),
        TEST(test_senders), TEST(test_recipients), TEST(test_after_the_dot),
        TEST(test_before_the_dot), TEST(test_slow_reply), TEST(test_cancel),
        TEST(test_strange_servers), TEST(test_injection), TEST(test_servers), TEST(test_check),
        cmocka_unit_test(test_url_check), cmocka_unit_test(test_replies)};
    if (getenv("SMTP_URL")) {
        void *state = NULL;
        set_up(&state);
        send_there(state);
        return tear_down(&state);
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
