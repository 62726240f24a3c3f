/* sitechat_limit_test.c - token buckets in a table of fixed size. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "connectors/sitechat/sitechat_limit.h"

static void burst_then_rate(void **state) {
    (void)state;
    struct limit *l = limit_create(100, 60, 60000, 3);
    assert_int_equal(limit_take(l, "a", 1, 1000), 0);
    assert_int_equal(limit_take(l, "a", 1, 1000), 0);
    assert_int_equal(limit_take(l, "a", 1, 1000), 0);
    uint64_t wait = limit_take(l, "a", 1, 1000);
    assert_in_range(wait, 990, 1010);
    assert_int_equal(limit_take(l, "b", 1, 1000), 0);
    assert_int_equal(limit_take(l, "a", 1, 1000 + wait), 0);
    assert_true(limit_take(l, "a", 1, 1000 + wait) > 0);
    assert_int_equal(limit_take(l, "a", 3, 3600000), 0); /* full again, and no fuller */
    assert_true(limit_take(l, "a", 1, 3600000) > 0);
    limit_destroy(&l);
}

static void a_flood_of_keys_takes_no_memory(void **state) {
    (void)state;
    struct limit *l = limit_create(64, 1, 1000, 1);
    char key[32];
    for (int i = 0; i < 100000; i++) {
        snprintf(key, sizeof key, "key %d", i);
        limit_take(l, key, 1, (uint64_t)i);
    }
    assert_true(limit_take(l, key, 1, 100000) > 0); /* the last one is still known */
    limit_destroy(&l);
}

static void neighbours_are_one(void **state) {
    (void)state;
    char a[LIMIT_PEER_SIZE], b[LIMIT_PEER_SIZE];
    assert_string_equal(
        limit_peer_key("2001:db8:1:2::1", a), limit_peer_key("2001:db8:1:2:ffff::9", b));
    assert_string_not_equal(limit_peer_key("2001:db8:1:3::1", a), b);
    assert_string_equal(limit_peer_key("192.0.2.1", a), "192.0.2.1");
    assert_true(limit_peer_is_local("127.0.0.1"));
    assert_false(limit_peer_is_local("192.0.2.1"));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(burst_then_rate),
        cmocka_unit_test(a_flood_of_keys_takes_no_memory), cmocka_unit_test(neighbours_are_one)};
    return crypto_start() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
