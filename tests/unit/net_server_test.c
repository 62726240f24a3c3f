/* net_server_test.c - requests through the gate to the HTTP server: good ones, bad ones, slow ones,
 * too many. */
#include "net_server_trial.h"

static void test_routes(void **state) {
    struct trial *t = *state;
    answers(t, "GET /hello HTTP/1.1\r\n" LAST "\r\n", OK, "\r\n\r\nhello");
    answers(t, "GET /late HTTP/1.1\r\n" LAST "\r\n", OK, "\r\n\r\nlater");
    answers(t, "GET /none HTTP/1.1\r\n" LAST "\r\n", "HTTP/1.1 404", "\"code\":\"not_found\"");
    answers(t, "PUT /hello HTTP/1.1\r\n" LAST "\r\n", "HTTP/1.1 405", "Allow: GET, HEAD\r\n");
    answers(t, "GET /failure HTTP/1.1\r\n" LAST "\r\n", "HTTP/1.1 500", "\"code\":\"internal\"");
    assert_null(strstr(t->answer, "secret of the house"));
    talk(t, "HEAD /hello HTTP/1.1\r\n" LAST "\r\n");
    assert_non_null(strstr(t->answer, "Content-Length: 5\r\n"));
    assert_null(strstr(t->answer, "\r\n\r\nhello"));
    answers(t,
        "GET /about/a%20b/c/d%C3%A9?q=x%2By+z HTTP/1.1\r\n" LAST
        "Cookie: a=1; c=2\r\nX-Forwarded-For: 9.9.9.9\r\nX-Forwarded-Proto: https\r\n\r\n",
        OK,
        "{\"id\":\"a b\",\"rest\":\"c/dé\",\"q\":\"x+y z\",\"cookie\":\"2\",\"peer\":\"127.0.0.1\","
        "\"tls\":false}");
    answers(t, "GET /about/a?q=%zz HTTP/1.1\r\n" LAST "\r\n", "HTTP/1.1 400", "query");
}

static void test_headers_by_default(void **state) {
    struct trial *t = *state;
    talk(t, "GET /hello HTTP/1.1\r\n" LAST "\r\n");
    assert_non_null(strstr(t->answer, "X-Content-Type-Options: nosniff\r\n"));
    assert_non_null(strstr(t->answer, "Content-Security-Policy: default-src 'none'"));
    assert_non_null(strstr(t->answer, "Referrer-Policy: no-referrer\r\n"));
    assert_non_null(strstr(t->answer, "Cache-Control: no-store\r\n"));
}

static void test_a_proxy_is_believed(void **state) {
    struct trial *t = *state;
    const char *request = "GET /about/a HTTP/1.1\r\n" LAST
                          "X-Forwarded-For: 1.1.1.1, 9.9.9.9\r\nX-Forwarded-Proto: https\r\n\r\n";
    int fd = dial_from(t, "127.0.0.2");
    send_all(fd, request, strlen(request));
    assert_non_null(strstr(read_all(t, fd), "\"peer\":\"9.9.9.9\",\"tls\":true"));
}

static void test_bodies(void **state) {
    struct trial *t = *state;
    answers(t, "POST /echo HTTP/1.1\r\n" LAST "Content-Length: 3\r\n\r\nabc", OK, "\r\n\r\nabc");
    answers(t,
        "POST /echo HTTP/1.1\r\n" LAST
        "Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n",
        OK, "\r\n\r\nabc");
    answers(t, "POST /echo HTTP/1.1\r\n" LAST "Content-Length: 100001\r\n\r\n", "HTTP/1.1 413",
        "too_large");
    answers(t, "GET /hello HTTP/1.1\r\n" LAST "Content-Length: 1\r\n\r\na", "HTTP/1.1 413", NULL);
    answers(t,
        "POST /echo HTTP/1.1\r\n" LAST "Content-Encoding: gzip\r\nContent-Length: 1\r\n\r\na",
        "HTTP/1.1 415", NULL);
    /* the older library says 100 first, the newer one sees that the body is there already */
    talk(t, "POST /echo HTTP/1.1\r\n" LAST "Expect: 100-continue\r\nContent-Length: 1\r\n\r\na");
    assert_non_null(strstr(t->answer, "HTTP/1.1 200"));
}

static void test_json(void **state) {
    struct trial *t = *state;
    static const char *const bad[] = {"", "[]", "{", "{\"a\":1,\"a\":2}", "{\"a\":\"\\u0000\"}",
        "{\"a\":1}x", "{\"a\":\"\xff\"}", "nul", "{\"a\":1e999}", "{\"a\":NaN}"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        char *request = mem_printf(
            "POST /json HTTP/1.1\r\n" LAST "Content-Length: %zu\r\n\r\n%s", strlen(bad[i]), bad[i]);
        answers(t, request, "HTTP/1.1 400", "\"code\":\"invalid\"");
        free(request);
    }
    struct buf deep;
    buf_init(&deep, 10000);
    buf_adds(&deep, "POST /json HTTP/1.1\r\n" LAST "Content-Length: 4000\r\n\r\n");
    for (int i = 0; i < 1000; i++)
        buf_adds(&deep, "[{");
    for (int i = 0; i < 2000; i++)
        buf_adds(&deep, "}");
    answers(t, buf_str(&deep), "HTTP/1.1 400", "deep");
    buf_free(&deep);
    answers(t, "POST /json HTTP/1.1\r\n" LAST "Content-Length: 14\r\n\r\n{\"a\":[1,\"\xc3\xa9\"]}",
        OK, "{\"a\":[1,\"é\"]}");
}

static void test_files(void **state) {
    struct trial *t = *state;
    answers(t, "GET /file HTTP/1.1\r\n" LAST "\r\n", OK, "\r\n\r\n" FILE_TEXT);
    assert_non_null(strstr(t->answer, "Accept-Ranges: bytes"));
    answers(t, "GET /file HTTP/1.1\r\n" LAST "Range: bytes=3-5\r\n\r\n", "HTTP/1.1 206",
        "Content-Range: bytes 3-5/16\r\n");
    assert_string_equal(t->answer + t->answer_n - 7, "\r\n\r\n345");
    answers(t, "GET /file HTTP/1.1\r\n" LAST "Range: bytes=99-\r\n\r\n", "HTTP/1.1 416",
        "Content-Range: bytes */16\r\n");
    answers(t, "GET /file HTTP/1.1\r\n" LAST "If-None-Match: \"tag\"\r\n\r\n", "HTTP/1.1 304",
        "ETag: \"tag\"");
    answers(t, "GET /file HTTP/1.1\r\n" LAST "Range: bytes=0-0\r\nIf-Range: \"old\"\r\n\r\n", OK,
        FILE_TEXT);
}

static void test_uploads(void **state) {
    struct trial *t = *state;
    char *body = mem_alloc(1000000);
    struct buf b;
    memset(body, 'a', 1000000);
    buf_init(&b, 10000000);
    buf_adds(&b, "POST /upload HTTP/1.1\r\n" LAST "Content-Length: 1000000\r\n\r\n");
    buf_add(&b, body, 1000000);
    assert_non_null(strstr(talk_n(t, b.p, b.n), "{\"bytes\":1000000}"));
    b.p[b.n - 1] = '!';
    assert_non_null(strstr(talk_n(t, b.p, b.n), "no exclamation marks"));
    buf_reset(&b);
    buf_adds(&b, "POST /upload?deny=1 HTTP/1.1\r\n" LAST "Content-Length: 1000\r\n\r\n");
    buf_add(&b, body, 1000);
    assert_memory_equal(talk_n(t, b.p, b.n), "HTTP/1.1 401", 12);
    buf_reset(&b); /* more than the route takes, in chunks: refused on the way */
    buf_adds(&b, "POST /upload HTTP/1.1\r\n" LAST "Transfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i < 7; i++) {
        buf_addf(&b, "%x\r\n", 1000000);
        buf_add(&b, body, 1000000);
        buf_adds(&b, "\r\n");
    }
    assert_memory_equal(talk_n(t, b.p, b.n), "HTTP/1.1 413", 12);
    buf_free(&b);
    free(body);
    for (int i = 0; i < 20; i++) { /* clients that leave in the middle */
        int fd = dial(t);
        const char *head = "POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nabc";
        send_all(fd, head, strlen(head));
        usleep(i % 2 ? 10000 : 0);
        close(fd);
    }
    usleep(100000);
    talk(t, "GET /abandoned HTTP/1.1\r\n" LAST "\r\n");
    assert_true(strtol(strstr(t->answer, "{\"n\":") + 5, NULL, 10) >= 12);
}

static void test_keep_alive_and_pipelining(void **state) {
    struct trial *t = *state;
    struct buf b;
    buf_init(&b, 100000);
    for (int i = 0; i < 20; i++)
        buf_adds(&b, "GET /hello HTTP/1.1\r\nHost: x\r\n\r\nGET /none HTTP/1.1\r\nHost: x\r\n\r\n"
                     "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc");
    buf_adds(&b, "GET /late HTTP/1.1\r\n" LAST "\r\n");
    talk_n(t, b.p, b.n);
    assert_int_equal(times(t->answer, OK), 41);
    assert_int_equal(times(t->answer, "HTTP/1.1 404"), 20);
    buf_free(&b);
}

static void test_one_byte_at_a_time(void **state) {
    struct trial *t = *state;
    const char *request = "POST /echo HTTP/1.1\r\n" LAST "Content-Length: 3\r\n\r\nabc";
    int fd = dial(t);
    for (size_t i = 0; i < strlen(request); i++) {
        send_all(fd, request + i, 1);
        usleep(500);
    }
    assert_non_null(strstr(read_all(t, fd), "\r\n\r\nabc"));
}

static void test_the_gate_refuses(void **state) {
    struct trial *t = *state;
    answers(t, "GET /hello HTTP/1.1\nHost: x\n\n", "HTTP/1.1 400", "problem+json");
    answers(t,
        "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
        "HTTP/1.1 400", "Connection: close");
    answers(t, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "HTTP/1.1 505", NULL);
    answers(t, "GET /ws/test HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 426", "Upgrade: websocket");
    answers(t, "\x16\x03\x01\x02", "HTTP/1.1 400", NULL);
}

/* The same on a connection that has passed the gate already. */
static void test_later_requests_are_judged_too(void **state) {
    struct trial *t = *state;
    static const char *const bad[] = {
        "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
        "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
        "GET /hello HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n",
        "GET /hello HTTP/1.1\r\nHost : x\r\nHost: x\r\n\r\n",
        "GET /hello HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n",
        "GET /../hello HTTP/1.1\r\nHost: x\r\n\r\n",
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        char *both = mem_printf("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n%s", bad[i]);
        talk(t, both);
        assert_int_equal(times(t->answer, OK), 1);
        if (times(t->answer, "HTTP/1.1 400") != 1)
            fail_msg("%s\ngot\n%s", bad[i], t->answer);
        free(both);
    }
    answers(t,
        "GET /hello HTTP/1.1\r\nHost: x\r\n\r\nGET /ws/test HTTP/1.1\r\nHost: x\r\n"
        "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        OK, "HTTP/1.1 426");
}

static void test_slow_clients_are_cut(void **state) {
    struct trial *t = *state;
    uint64_t began = clock_mono_ms();
    answers(t, "GET /hello HTTP/1.1\r\nHos", "HTTP/1.1 408", NULL);
    assert_in_range(clock_mono_ms() - began, 600, 2000);
    int fd = dial(t);
    const char *head = "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n";
    began = clock_mono_ms();
    send_all(fd, head, strlen(head));
    for (int i = 0; i < 40 && send(fd, "a", 1, MSG_NOSIGNAL) == 1; i++)
        usleep(100000);
    assert_in_range(clock_mono_ms() - began, 1400, 3900);
    close(fd);
}

static void test_ceiling_of_connections(void **state) {
    struct trial *t = *state;
    int fds[30];
    unsigned refused = 0;
    for (int i = 0; i < 30; i++) {
        char first = 0;
        fds[i] = dial(t);
        send_all(fds[i], "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n", 32);
        refused += recv(fds[i], &first, 1, 0) != 1;
    }
    for (int i = 0; i < 30; i++)
        close(fds[i]);
    assert_in_range(refused, 10, 20); /* some of earlier tests may still be going */
    usleep(50000);
    answers(t, "GET /hello HTTP/1.1\r\n" LAST "\r\n", OK, NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_routes),
        cmocka_unit_test(test_headers_by_default),
        cmocka_unit_test(test_a_proxy_is_believed),
        cmocka_unit_test(test_bodies),
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_uploads),
        cmocka_unit_test(test_keep_alive_and_pipelining),
        cmocka_unit_test(test_one_byte_at_a_time),
        cmocka_unit_test(test_the_gate_refuses),
        cmocka_unit_test(test_later_requests_are_judged_too),
        cmocka_unit_test(test_slow_clients_are_cut),
        cmocka_unit_test(test_ceiling_of_connections),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
