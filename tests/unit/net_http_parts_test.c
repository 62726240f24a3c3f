/* net_http_parts_test.c - the small pure readers: percent-decoding, paths, ranges, entity tags,
 * cookies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/mem.h"
#include "net/http_cookie.h"
#include "net/http_range.h"
#include "net/http_url.h"

static void decodes_to(const char *text, bool plus, const char *want) {
    char *got = http_url_decode(span_str(text), plus);
    if (want)
        assert_string_equal(got, want);
    else
        assert_null(got);
    free(got);
}

static void test_percent_decoding(void **state) {
    (void)state;
    decodes_to("", false, "");
    decodes_to("a%20b+c", false, "a b+c");
    decodes_to("a%20b+c", true, "a b c");
    decodes_to("%D0%bf", false, "п");
    decodes_to("%", false, NULL);
    decodes_to("%4", false, NULL);
    decodes_to("%4g", false, NULL);
    decodes_to("%00", false, NULL);
    decodes_to("a%0ab", false, NULL);
    decodes_to("%ff", false, NULL);
    decodes_to("%c0%af", false, NULL);
}

static void test_clean_paths(void **state) {
    (void)state;
    static const char *const clean[] = {
        "/", "/a", "/a/", "/a/b.js", "/.well-known", "/...", "/a%20b", "/..a", "/a;b=c@d"};
    static const char *const unclean[] = {"", "a", "//", "/a//b", "/.", "/..", "/a/../b", "/%2e",
        "/.%2E/", "/a%2Fb", "/a%5cb", "/a%00", "/%zz", "/a b", "/a<b", "/a\\b"};
    for (size_t i = 0; i < ARRAY_LEN(clean); i++)
        assert_true(http_url_path_is_clean(span_str(clean[i])));
    for (size_t i = 0; i < ARRAY_LEN(unclean); i++)
        assert_false(http_url_path_is_clean(span_str(unclean[i])));
}

static void test_queries(void **state) {
    (void)state;
    struct span v, q = span_str("a=1&bb=2&empty&c=&a=3");
    assert_true(http_url_query_find(q, "a", &v) && span_eq(v, "1"));
    assert_true(http_url_query_find(q, "bb", &v) && span_eq(v, "2"));
    assert_true(http_url_query_find(q, "empty", &v) && v.n == 0);
    assert_true(http_url_query_find(q, "c", &v) && v.n == 0);
    assert_false(http_url_query_find(q, "b", &v));
    assert_false(http_url_query_find(span_str(""), "a", &v));
}

static void range_is(
    const char *header, uint64_t size, enum http_range want, uint64_t want_from, uint64_t want_n) {
    uint64_t from = 0, n = 0;
    assert_int_equal(http_range_parse(span_str(header), size, &from, &n), want);
    if (want == HTTP_RANGE_PART) {
        assert_int_equal(from, want_from);
        assert_int_equal(n, want_n);
    }
}

static void test_ranges(void **state) {
    (void)state;
    range_is("bytes=0-0", 10, HTTP_RANGE_PART, 0, 1);
    range_is("Bytes=2-5", 10, HTTP_RANGE_PART, 2, 4);
    range_is("bytes=5-", 10, HTTP_RANGE_PART, 5, 5);
    range_is("bytes=5-99", 10, HTTP_RANGE_PART, 5, 5);
    range_is("bytes=-3", 10, HTTP_RANGE_PART, 7, 3);
    range_is("bytes=-99", 10, HTTP_RANGE_PART, 0, 10);
    range_is("bytes=10-", 10, HTTP_RANGE_UNSATISFIABLE, 0, 0);
    range_is("bytes=-0", 10, HTTP_RANGE_UNSATISFIABLE, 0, 0);
    range_is("bytes=0-", 0, HTTP_RANGE_UNSATISFIABLE, 0, 0);
    range_is("bytes=-1", 0, HTTP_RANGE_UNSATISFIABLE, 0, 0);
    static const char *const whole[] = {"", "bytes", "bytes=", "bytes=-", "bytes=a-b", "bytes=5-2",
        "bytes=0-1,3-4", "lines=0-1", "bytes=0-1 ", "bytes=99999999999999999999-"};
    for (size_t i = 0; i < ARRAY_LEN(whole); i++)
        range_is(whole[i], 10, HTTP_RANGE_WHOLE, 0, 0);
}

static void test_entity_tags(void **state) {
    (void)state;
    assert_true(http_etag_matches(span_str("\"a\""), "\"a\""));
    assert_true(http_etag_matches(span_str("\"x\" , W/\"a\""), "\"a\""));
    assert_true(http_etag_matches(span_str("*"), "\"a\""));
    assert_false(http_etag_matches(span_str("\"ab\""), "\"a\""));
    assert_false(http_etag_matches(span_str(""), "\"a\""));
}

static void test_cookies(void **state) {
    (void)state;
    struct span v;
    assert_true(http_cookie_find(span_str("a=1; s=xyz;b=2"), "s", &v) && span_eq(v, "xyz"));
    assert_true(http_cookie_find(span_str("s=\"xyz\""), "s", &v) && span_eq(v, "xyz"));
    assert_true(http_cookie_find(span_str("s="), "s", &v) && v.n == 0);
    assert_true(http_cookie_find(span_str("s=1; s=2"), "s", &v) && span_eq(v, "1"));
    assert_false(http_cookie_find(span_str("S=1"), "s", &v));
    assert_false(http_cookie_find(span_str("as=1"), "s", &v));
    assert_false(http_cookie_find(span_str("s"), "s", &v));
    assert_false(http_cookie_find(span_str("s=a b"), "s", &v));
    assert_false(http_cookie_find(span_str(""), "s", &v));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_percent_decoding),
        cmocka_unit_test(test_clean_paths),
        cmocka_unit_test(test_queries),
        cmocka_unit_test(test_ranges),
        cmocka_unit_test(test_entity_tags),
        cmocka_unit_test(test_cookies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
