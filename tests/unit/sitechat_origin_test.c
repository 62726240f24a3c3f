/* sitechat_origin_test.c - which Origin may carry the chat. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "connectors/sitechat/sitechat_origin.h"

static const char *const rules[] = {"self", "https://shop.example", "https://*.example.com",
    "http://localhost:3000", "https://[2001:db8::1]:8443", NULL};

static bool allowed(const char *origin) {
    return origin_is_allowed(rules, origin, "chat.example:8080");
}

static void listed_origins_pass(void **state) {
    (void)state;
    assert_true(allowed("https://shop.example"));
    assert_true(allowed("https://SHOP.example"));
    assert_true(allowed("https://shop.example:443"));
    assert_true(allowed("https://a.example.com"));
    assert_true(allowed("https://a.b.example.com"));
    assert_true(allowed("http://localhost:3000"));
    assert_true(allowed("https://[2001:db8::1]:8443"));
    assert_true(allowed("http://chat.example:8080"));
    assert_true(allowed("https://chat.example:8080"));
}

static void others_do_not(void **state) {
    (void)state;
    static const char *const bad[] = {"null", "", "https://", "http://shop.example",
        "https://shop.example:444", "https://shop.example.evil.org", "https://evilshop.example",
        "https://example.com", "https://xexample.com", "https://.example.com",
        "https://a.example.com.evil.org", "http://a.example.com", "http://localhost",
        "http://localhost:30000", "https://shop.example/", "https://shop.example@evil.org",
        "https://evil.org#https://shop.example", "file://", "chrome-extension://shop.example",
        "https://*.example.com", "http://chat.example",
        "https://shop.example:", "https://-a.example.com", "https://shop.example:99999",
        "https://shop.example\n", "https://sh\xc3\xb6p.example"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (allowed(bad[i]))
            fail_msg("\"%s\" was allowed", bad[i]);
    assert_false(allowed(NULL));
}

static void own_host_counts_its_port(void **state) {
    (void)state;
    assert_true(origin_is_own("https://chat.example", "chat.example"));
    assert_true(origin_is_own("http://chat.example", "chat.example:80"));
    assert_false(origin_is_own("https://chat.example", "chat.example:80"));
    assert_false(origin_is_own("https://chat.example", NULL));
    assert_false(origin_is_own("https://chat.example", "chat.example, evil"));
}

static void bad_rules_are_refused(void **state) {
    (void)state;
    static const char *const bad[] = {"", "*", "shop.example", "https://shop.example/",
        "https://*.com", "https://a.*.com", "https://shop.example; script-src *", "https://a b"};
    struct err err;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (origin_rule_check(bad[i], &err) == 0)
            fail_msg("\"%s\" was taken", bad[i]);
    for (size_t i = 0; rules[i]; i++)
        assert_int_equal(origin_rule_check(rules[i], &err), 0);
}

static void rules_become_frame_ancestors(void **state) {
    (void)state;
    struct buf b;
    static const char *const none[] = {NULL};
    static const char *const two[] = {"self", "https://*.example.com", NULL};
    buf_init(&b, 1000);
    origin_frame_ancestors(two, &b);
    assert_string_equal(buf_str(&b), "frame-ancestors 'self' https://*.example.com");
    buf_reset(&b);
    origin_frame_ancestors(none, &b);
    assert_string_equal(buf_str(&b), "frame-ancestors 'none'");
    buf_free(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(listed_origins_pass),
        cmocka_unit_test(others_do_not), cmocka_unit_test(own_host_counts_its_port),
        cmocka_unit_test(bad_rules_are_refused), cmocka_unit_test(rules_become_frame_ancestors)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
