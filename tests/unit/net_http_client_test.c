/* net_http_client_test.c - requests to a peer in a child process that answers well, badly, late or
 * not at all: what comes back, whether it may be sent again, and which addresses are refused. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "net/http_client.h"

/* --- the peer: the path says how it behaves -------------------------------------------------- */

static void say(int fd, const char *text) {
    if (send(fd, text, strlen(text), MSG_NOSIGNAL) < 0)
        _exit(0);
}

/* Reads one request with a body of Content-Length 4; its path, or NULL at the end. */
static const char *hear(int fd, char *head, size_t size) {
    size_t n = 0;
    ssize_t got;
    while ((got = recv(fd, head + n, size - n - 1, 0)) > 0) {
        n += (size_t)got;
        head[n] = '\0';
        const char *end = strstr(head, "\r\n\r\n");
        size_t want = strstr(head, "Content-Length: 4") ? 4 : 0;
        if (end && n - (size_t)(end + 4 - head) >= want) {
            const char *path = strchr(head, ' ');
            return path ? path + 1 : NULL;
        }
    }
    return NULL;
}

static void behave(int fd) {
    char head[4096];
    int requests = 0;
    for (const char *path; (path = hear(fd, head, sizeof head)); requests++) {
        if (strncmp(path, "/good", 5) == 0) {
            say(fd,
                strstr(head, "X-Test: 1\r\n") && !strstr(head, "Expect:")
                    ? "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 4\r\n\r\ngood"
                    : "HTTP/1.1 400 Bad\r\nContent-Length: 0\r\n\r\n");
        } else if (strncmp(path, "/busy", 5) == 0) {
            say(fd, "HTTP/1.1 429 Slow\r\nRetry-After: 7\r\nX-Status-Reason: "
                    "tired\r\nContent-Length: 0\r\n\r\n");
        } else if (strncmp(path, "/moved", 6) == 0) {
            say(fd, "HTTP/1.1 302 Found\r\nLocation: /good\r\nContent-Length: 0\r\n\r\n");
        } else if (strncmp(path, "/once", 5) == 0) { /* keeps the connection, then dies under it */
            if (requests)
                break;
            say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        } else if (strncmp(path, "/hang", 5) == 0) {
            pause();
        } else if (strncmp(path, "/half", 5) == 0) {
            say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nhalf");
            break;
        } else if (strncmp(path, "/large", 6) == 0) {
            say(fd, "HTTP/1.1 200 OK\r\n\r\n");
            for (;;)
                say(fd, "0123456789012345678901234567890123456789");
        } else if (strncmp(path, "/noise", 6) == 0) {
            say(fd, "noise\r\n");
            break;
        } else {
            break;
        }
    }
    close(fd);
}

static void serve(int listener) {
    signal(SIGCHLD, SIG_IGN);
    for (;;) {
        int fd = accept(listener, NULL, NULL);
        if (fd >= 0 && fork() == 0) {
            close(listener);
            behave(fd);
            _exit(0);
        }
        close(fd);
    }
}

/* --- the tests' side ------------------------------------------------------------------------- */

struct trial {
    pid_t peer;
    unsigned port;
    struct log log;
    struct env env;
    struct http_client *client;
    unsigned calls; /* of the answer function */
    int status;
    char body[64], type[64], reason[64], text[320];
    long retry_after_s;
    enum err_code code;
    bool sent;
};

static int set_up(void **state) {
    struct trial *t = mem_zalloc(sizeof *t);
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof sa;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(listener, (struct sockaddr *)&sa, sizeof sa) < 0 || listen(listener, 20) < 0)
        return -1;
    getsockname(listener, (struct sockaddr *)&sa, &len);
    t->port = ntohs(sa.sin_port);
    t->peer = fork();
    if (t->peer == 0) {
        setpgid(0, 0);
        serve(listener);
    }
    setpgid(t->peer, t->peer);
    close(listener);
    log_init(&t->log);
    t->env.log = &t->log;
    t->env.loop = loop_create();
    t->env.metrics = metrics_create(1);
    t->client = http_client_create(&t->env);
    *state = t;
    return 0;
}

static int tear_down(void **state) {
    struct trial *t = *state;
    http_client_destroy(&t->client);
    loop_destroy(&t->env.loop);
    metrics_destroy(&t->env.metrics);
    kill(-t->peer, SIGKILL);
    waitpid(t->peer, NULL, 0);
    free(t);
    return 0;
}

static void on_answer(void *arg, const struct http_answer *a, const struct err *err, bool sent) {
    struct trial *t = arg;
    assert_true((a == NULL) != (err == NULL));
    t->calls++;
    t->sent = sent;
    t->code = err ? err->code : ERR_NONE;
    t->status = a ? a->status : 0;
    t->retry_after_s = a ? a->retry_after_s : 0;
    snprintf(t->body, sizeof t->body, "%.*s", a ? (int)a->body.n : 0, a ? a->body.p : "");
    snprintf(t->type, sizeof t->type, "%s", a ? a->content_type : "");
    snprintf(t->reason, sizeof t->reason, "%s", a ? a->reason : "");
    snprintf(t->text, sizeof t->text, "%s", err ? err->text : "");
    loop_stop(t->env.loop);
}

static struct http_request request(const char *url) {
    static const char *const headers[] = {"X-Test: 1", NULL};
    return (struct http_request){.method = "POST",
        .url = url,
        .headers = headers,
        .body = span_str("body"),
        .timeout_ms = 500,
        .answer_max = 1000,
        .allow_private = true,
        .allow_plain = true};
}

static void run(struct trial *t, const struct http_request *rq) {
    unsigned calls = t->calls;
    http_call_start(t->client, rq, on_answer, t);
    assert_int_equal(t->calls, calls); /* later, never from inside */
    loop_run(t->env.loop);
    assert_int_equal(t->calls, calls + 1);
}

static void post(struct trial *t, const char *path) {
    char url[128];
    snprintf(url, sizeof url, "http://127.0.0.1:%u%s", t->port, path);
    struct http_request rq = request(url);
    run(t, &rq);
}

static void test_answers(void **state) {
    struct trial *t = *state;
    for (int i = 0; i < 3; i++) { /* over one kept connection */
        post(t, "/good");
        assert_int_equal(t->status, 200);
        assert_string_equal(t->body, "good");
        assert_string_equal(t->type, "text/plain");
        assert_string_equal(t->reason, "");
        assert_int_equal(t->retry_after_s, -1);
        assert_true(t->sent);
    }
    post(t, "/busy");
    assert_int_equal(t->status, 429);
    assert_int_equal(t->retry_after_s, 7);
    assert_string_equal(t->reason, "tired");
    assert_string_equal(t->type, "");
    post(t, "/moved"); /* told, not followed */
    assert_int_equal(t->status, 302);
}

static void test_failures_after_sending(void **state) {
    struct trial *t = *state;
    post(t, "/hang");
    assert_int_equal(t->code, ERR_TIMEOUT);
    assert_true(t->sent);
    post(t, "/silent");
    assert_int_equal(t->code, ERR_UNAVAILABLE);
    assert_true(t->sent);
    post(t, "/half");
    assert_int_equal(t->code, ERR_PROTOCOL);
    post(t, "/noise");
    assert_int_equal(t->code, ERR_PROTOCOL);
    post(t, "/large");
    assert_int_equal(t->code, ERR_TOO_LARGE);
    assert_true(t->sent);
}

/* curl by itself would send the request a second time here. */
static void test_a_kept_connection_that_dies_is_no_second_sending(void **state) {
    struct trial *t = *state;
    post(t, "/once");
    assert_int_equal(t->status, 200);
    post(t, "/once");
    assert_int_equal(t->code, ERR_UNAVAILABLE);
    assert_true(t->sent);
}

static void test_failures_before_sending(void **state) {
    struct trial *t = *state;
    struct http_request rq = request("http://127.0.0.1:1/");
    run(t, &rq);
    assert_int_equal(t->code, ERR_UNAVAILABLE);
    assert_false(t->sent);
    rq.allow_plain = false;
    run(t, &rq);
    assert_int_equal(t->code, ERR_INVALID);
    static const char *const bad[] = {"", "x", "ftp://127.0.0.1/", "file:///etc/passwd", "http://",
        "http://u:p@127.0.0.1/", "http://127.0.0.1:99999/"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        rq = request(bad[i]);
        run(t, &rq);
        assert_int_equal(t->code, ERR_INVALID);
        assert_false(t->sent);
    }
    const char *const forged[] = {"X-A: b\r\nX-C: d", NULL};
    rq = request("http://127.0.0.1:1/");
    rq.headers = forged;
    run(t, &rq);
    assert_int_equal(t->code, ERR_INVALID);
    rq = request("http://127.0.0.1:1/");
    rq.method = "GET / HTTP/1.1\r\nX";
    run(t, &rq);
    assert_int_equal(t->code, ERR_INVALID);
}

/* T16: however they are written. */
static void test_private_addresses_are_refused(void **state) {
    struct trial *t = *state;
    static const char *const hosts[] = {"127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]",
        "0.0.0.0", "0x7f.1", "2130706433", "017700000001", "10.0.0.1", "169.254.169.254",
        "[fe80::1]", "[fd00::1]", "[64:ff9b::7f00:1]"};
    post(t, "/good"); /* a kept connection to it, which a refused call must not find */
    for (size_t i = 0; i < ARRAY_LEN(hosts); i++) {
        char url[128];
        snprintf(url, sizeof url, "http://%s:%u/good", hosts[i], t->port);
        struct http_request rq = request(url);
        rq.allow_private = false;
        run(t, &rq);
        if (t->code != ERR_DENIED)
            fail_msg("%s: %s %s", url, err_name(t->code), t->text);
        assert_false(t->sent);
    }
}

static void test_cancelling(void **state) {
    struct trial *t = *state;
    char url[128];
    snprintf(url, sizeof url, "http://127.0.0.1:%u/hang", t->port);
    struct http_request rq = request(url), bad = request("nonsense");
    struct http_call *call = http_call_start(t->client, &rq, on_answer, t);
    http_call_cancel(call);
    assert_int_equal(t->calls, 1);
    assert_int_equal(t->code, ERR_UNAVAILABLE);
    assert_false(t->sent);
    call = http_call_start(t->client, &bad, on_answer, t);
    http_call_cancel(call);
    assert_int_equal(t->calls, 2);
    for (int i = 0; i < 5; i++)
        http_call_start(t->client, &rq, on_answer, t);
    http_client_destroy(&t->client); /* ends what runs */
    assert_int_equal(t->calls, 7);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_answers),
        TEST(test_failures_after_sending),
        TEST(test_a_kept_connection_that_dies_is_no_second_sending),
        TEST(test_failures_before_sending),
        TEST(test_private_addresses_are_refused),
        TEST(test_cancelling),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
