/* net_http_head_test.c - what the gate lets pass and what it refuses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "net/http_head.h"

#define WS                                                                                         \
    "Host: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"        \
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"

static int parse(const char *text, struct http_head *head) {
    struct err err = {0};
    int rc = http_head_parse(span_str(text), head, &err);
    if (rc < 0) {
        assert_int_not_equal(err.code, ERR_NONE);
        assert_true(err.text[0] != '\0');
    }
    return rc;
}

static void test_a_plain_request(void **state) {
    (void)state;
    struct http_head h;
    const char *text = "POST /a/b?x=1&y=2 HTTP/1.1\r\nHost: desk.example:80\r\n"
                       "Content-Length:  12 \r\nX-Empty:\r\n\r\nbody follows";
    assert_int_equal(parse(text, &h), 0);
    assert_true(span_eq(h.method, "POST"));
    assert_true(span_eq(h.path, "/a/b"));
    assert_true(span_eq(h.query, "x=1&y=2"));
    assert_true(span_eq(h.host, "desk.example:80"));
    assert_int_equal(h.minor, 1);
    assert_int_equal(h.content_length, 12);
    assert_false(h.chunked);
    assert_false(h.websocket);
    assert_int_equal(h.size, strlen(text) - 12);
    assert_true(span_eq(http_head_field(&h, "x-empty"), ""));
    assert_null(http_head_field(&h, "absent").p);
}

static void test_every_prefix_asks_for_more(void **state) {
    (void)state;
    const char *text = "GET / HTTP/1.1\r\n" WS "\r\n";
    struct http_head h;
    struct err err;
    for (size_t n = 0; n < strlen(text); n++)
        assert_int_equal(http_head_parse(span_of(text, n), &h, &err), 1);
    assert_int_equal(http_head_parse(span_str(text), &h, &err), 0);
    assert_true(h.websocket);
}

static void test_refused(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int status;
    } bad[] = {
        {"GET / HTTP/1.1\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost:\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a\r\nB\x01: b\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a\r\nB: \x7f\r\n\r\n", 400},
        {"GET / HTTP/1.1\nHost: a\n\n", 400},
        {"GET / HTTP/1.1\r\nHost: a\n\r\n", 400},
        {"GET / HTTP/1.1\rHost: a\r\n\r\n", 400},
        {"\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"GET / HTTP/1.1 \r\nHost: a\r\n\r\n", 400},
        {"GET /\r\nHost: a\r\n\r\n", 400},
        {"G(T / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"GETGETGETGETGETGETGETGET / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"GET /\xd0\xb0 HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"GET /../a HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"GET /%2E%2e/a HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"GET /a%2fb HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"GET /%00 HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"GET //a HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"GET / HTTP/1.2\r\nHost: a\r\n\r\n", 505},
        {"GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505},
        {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
        {"GET / http/1.1\r\nHost: a\r\n\r\n", 400},
        {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n", 400},
        {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1, 1\r\n\r\n", 400},
        {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\n", 400},
        {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", 400},
        {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x1\r\n\r\n", 400},
        {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n", 400},
        {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9999999999999999\r\n\r\n", 400},
        {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
            400},
        {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked"
         "\r\n\r\n",
            400},
        {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501},
        {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\n\r\n", 501},
        {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \x0b"
         "chunked\r\n\r\n",
            400},
        {"POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a\r\nExpect: 200-ok\r\n\r\n", 417},
        {"GET / HTTP/1.1\r\nHost: a\r\nCookie: a=1\r\nCookie: b=2\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
         "HTTP2-Settings: AAMAAABk\r\n\r\n",
            400},
        {"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n", 400},
        {"POST / HTTP/1.1\r\n" WS "\r\n", 400},
        {"GET / HTTP/1.0\r\n" WS "\r\n", 400},
        {"GET / HTTP/1.1\r\n" WS "Content-Length: 5\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\n" WS "Transfer-Encoding: chunked\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\n" WS "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\n" WS "Sec-WebSocket-Protocol: chat\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\n" WS "Upgrade: h2c\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
         "Sec-WebSocket-Version: 8\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
            426},
        {"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
         "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZR==\r\n\r\n",
            400},
        {"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
         "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: short==\r\n\r\n",
            400},
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct http_head h;
        if (parse(bad[i].text, &h) != -1 || h.status != bad[i].status)
            fail_msg("row %zu passed or got status %d: %s", i, h.status, bad[i].text);
    }
}

static void test_accepted(void **state) {
    (void)state;
    static const char *const good[] = {
        "GET / HTTP/1.0\r\n\r\n",
        "GET / HTTP/1.1\r\nhost:a\r\n\r\n",
        "GET /?a=b|c[]{}\"' HTTP/1.1\r\nHost: [::1]:80\r\n\r\n",
        "DELETE /a/b/ HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 1\r\nX-Forwarded-For: 2\r\n\r\n",
        ("PUT /%D0%B0 HTTP/1.1\r\nHost: a_b\r\nTransfer-Encoding: CHUNKED\r\nExpect: "
         "100-Continue\r\n\r\n"),
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\n\r\n", /* a proxy's habit */
        "GET / HTTP/1.1\r\nHost: a\r\nReferer: \xd0\xb0\r\n\r\n",
    };
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        struct http_head h;
        if (parse(good[i], &h) != 0)
            fail_msg("row %zu was refused: %s", i, good[i]);
        assert_false(h.websocket);
    }
}

static void test_limits(void **state) {
    (void)state;
    struct http_head h;
    struct err err;
    char *text = mem_alloc(HTTP_HEAD_MAX + 100);
    int n = snprintf(text, 100, "GET / HTTP/1.1\r\nHost: a\r\nX: ");
    memset(text + n, 'x', HTTP_HEAD_MAX + 100 - (size_t)n);
    assert_int_equal(http_head_parse(span_of(text, HTTP_HEAD_MAX - 1), &h, &err), 1);
    assert_int_equal(http_head_parse(span_of(text, HTTP_HEAD_MAX), &h, &err), -1);
    assert_int_equal(h.status, 431);
    memcpy(text + HTTP_HEAD_MAX - 4, "\r\n\r\n", 4);
    assert_int_equal(http_head_parse(span_of(text, HTTP_HEAD_MAX), &h, &err), 0);
    n = snprintf(text, 100, "GET / HTTP/1.1\r\nHost: a\r\n");
    for (unsigned i = 0; i < HTTP_HEAD_FIELDS; i++)
        n += snprintf(text + n, 100, "X-%u: y\r\n", i);
    n += snprintf(text + n, 10, "\r\n");
    assert_int_equal(http_head_parse(span_of(text, (size_t)n), &h, &err), -1);
    assert_int_equal(h.status, 431);
    free(text);
}

static void test_lists(void **state) {
    (void)state;
    assert_true(http_list_has(span_str("keep-alive, Upgrade"), "upgrade"));
    assert_true(http_list_has(span_str(" ,close ,"), "close"));
    assert_false(http_list_has(span_str("upgraded"), "upgrade"));
    assert_false(http_list_has(span_str(""), "close"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_plain_request),
        cmocka_unit_test(test_every_prefix_asks_for_more),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_accepted),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_lists),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
