/* net_http_ahead_test.c - what is known of a connection's next requests from bytes seen early. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "net/http_ahead.h"

#define GET "GET /a HTTP/1.1\r\nHost: x\r\n\r\n"
#define POST "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n"
#define CHUNKED "POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
#define LF "GET /a HTTP/1.1\r\nHost: x\nA: b\r\n\r\n"
#define SIZE(text) (sizeof(text) - 1)

static struct http_ahead ahead(const char *bytes, bool whole) {
    struct http_ahead a;
    http_ahead_init(&a);
    assert_int_equal(http_ahead_see(&a, span_str(bytes)), whole);
    return a;
}

static void test_one_after_the_other(void **state) {
    (void)state;
    struct http_ahead a = ahead(GET, true);
    assert_int_equal(http_ahead_take(&a, SIZE(GET)), HTTP_AHEAD_GOOD);
    assert_true(http_ahead_see(&a, span_str(POST "ab")));
    assert_int_equal(http_ahead_take(&a, SIZE(POST)), HTTP_AHEAD_GOOD);
    assert_true(http_ahead_see(&a, span_str(CHUNKED "0\r\n\r\n")));
    assert_int_equal(http_ahead_take(&a, SIZE(CHUNKED)), HTTP_AHEAD_GOOD);
    assert_false(http_ahead_see(&a, span_str("GET /a HTTP/1.1\r\nHos")));
    assert_true(http_ahead_see(&a, span_str(GET)));
    assert_int_equal(http_ahead_take(&a, SIZE(GET)), HTTP_AHEAD_GOOD);
    http_ahead_free(&a);
}

static void test_not_seen_as_it_stands(void **state) {
    (void)state;
    struct http_ahead a = ahead(GET, true);
    assert_int_equal(http_ahead_take(&a, SIZE(GET)), HTTP_AHEAD_GOOD);
    assert_int_equal(http_ahead_take(&a, SIZE(GET)), HTTP_AHEAD_UNKNOWN); /* nobody looked */
    assert_true(http_ahead_see(&a, span_str(GET)));
    assert_int_equal(http_ahead_take(&a, SIZE(GET) + 1), HTTP_AHEAD_UNKNOWN); /* more before it */
    assert_int_equal(http_ahead_take(&a, SIZE(GET)), HTTP_AHEAD_UNKNOWN);
    assert_false(http_ahead_see(&a, span_str("GET /a")));
    assert_int_equal(http_ahead_take(&a, 0), HTTP_AHEAD_UNKNOWN);
    assert_true(http_ahead_see(&a, span_str(CHUNKED "0\r\n\r\n" GET)));
    assert_int_equal(http_ahead_take(&a, SIZE(CHUNKED)), HTTP_AHEAD_GOOD);
    assert_int_equal(http_ahead_take(&a, SIZE(GET)), HTTP_AHEAD_UNKNOWN); /* or a part of a body */
    http_ahead_free(&a);
}

static void test_many_at_once(void **state) {
    (void)state;
    struct http_ahead a = ahead(POST "abc" GET GET POST "abc", true);
    assert_int_equal(http_ahead_take(&a, SIZE(POST)), HTTP_AHEAD_GOOD);
    assert_int_equal(http_ahead_take(&a, SIZE(GET)), HTTP_AHEAD_GOOD);
    assert_int_equal(http_ahead_take(&a, SIZE(GET)), HTTP_AHEAD_GOOD);
    assert_int_equal(http_ahead_take(&a, SIZE(POST)), HTTP_AHEAD_GOOD);
    assert_int_equal(http_ahead_take(&a, SIZE(GET)), HTTP_AHEAD_UNKNOWN);
    http_ahead_free(&a);
}

static void test_half_of_one_behind(void **state) {
    (void)state;
    struct http_ahead a = ahead(GET POST "abc"
                                         "GE",
        true);
    assert_int_equal(http_ahead_take(&a, SIZE(GET)), HTTP_AHEAD_GOOD);
    assert_int_equal(http_ahead_take(&a, SIZE(POST)), HTTP_AHEAD_LAST);
    assert_int_equal(http_ahead_take(&a, SIZE(GET)), HTTP_AHEAD_UNKNOWN);
    http_ahead_free(&a);
}

static void test_bad_ones(void **state) {
    (void)state;
    struct http_ahead a = ahead(LF, true);
    assert_int_equal(a.bad->status, 400);
    assert_int_equal(a.size, 0);
    assert_true(http_ahead_see(&a, span_str(GET LF GET)));
    assert_null(a.bad);
    assert_int_equal(http_ahead_take(&a, SIZE(GET)), HTTP_AHEAD_GOOD);
    assert_int_equal(a.bad->status, 400); /* it begins, and nothing is taken any more */
    assert_int_equal(a.rest.n, 0);
    http_ahead_free(&a);
    a = ahead("GET /a\rb", true); /* bad however it goes on */
    assert_non_null(a.bad);
    http_ahead_free(&a);
    char *long_one = mem_alloc(HTTP_HEAD_MAX);
    memset(long_one, 'a', HTTP_HEAD_MAX);
    http_ahead_init(&a);
    assert_false(http_ahead_see(&a, span_of(long_one, HTTP_HEAD_MAX - 1)));
    assert_true(http_ahead_see(&a, span_of(long_one, HTTP_HEAD_MAX)));
    assert_int_equal(a.bad->status, 431);
    http_ahead_free(&a);
    free(long_one);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_after_the_other),
        cmocka_unit_test(test_not_seen_as_it_stands),
        cmocka_unit_test(test_many_at_once),
        cmocka_unit_test(test_half_of_one_behind),
        cmocka_unit_test(test_bad_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
