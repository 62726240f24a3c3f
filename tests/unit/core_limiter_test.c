/* core_limiter_test.c - how soon the next message may go: a day of sending to one client, and many.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "core/limiter.h"

static const struct limiter_rate all = {1000, 1000}, pair = {6e6, 44};

/* WhatsApp's pair rate: 45 at once, then one in six seconds, never more than 645 in an hour. */
static void a_burst_is_borrowed(void **state) {
    (void)state;
    struct limiter *l = limiter_create(10);
    unsigned n = 0;
    uint64_t now = 1000000;
    for (; limiter_wait(l, all, "ann", pair, now) == 0; n++)
        limiter_take(l, all, "ann", pair, 1, now);
    assert_int_equal(n, 45);
    assert_int_equal(limiter_wait(l, all, "bob", pair, now), 0);
    for (uint64_t end = now + 3600000; now < end;) {
        unsigned wait = limiter_wait(l, all, "ann", pair, now);
        if (wait) {
            now += wait;
            continue;
        }
        limiter_take(l, all, "ann", pair, 1, now);
        n++;
    }
    assert_in_range(n, 640, 645);
    limiter_destroy(&l);
}

static void blocks_are_never_shortened(void **state) {
    (void)state;
    struct limiter *l = limiter_create(10);
    limiter_block(l, "ann", 5000);
    limiter_block(l, "ann", 3000);
    assert_int_equal(limiter_wait(l, all, "ann", pair, 1000), 4000);
    assert_int_equal(limiter_wait(l, all, "bob", pair, 1000), 0);
    limiter_block_all(l, 9000);
    limiter_block_all(l, 2000);
    assert_int_equal(limiter_wait(l, all, "bob", pair, 1000), 8000);
    assert_int_equal(limiter_wait_all(l, all, 9000), 0);
    limiter_destroy(&l);
}

static void only_so_many_are_remembered(void **state) {
    (void)state;
    struct limiter *l = limiter_create(100);
    char key[300];
    for (int i = 0; i < 5000; i++) {
        snprintf(key, sizeof key, "client %d", i);
        limiter_block(l, key, 100000);
    }
    assert_int_equal(limiter_wait(l, all, "client 0", pair, 1000), 0);
    assert_int_equal(limiter_wait(l, all, "client 4999", pair, 1000), 99000);
    memset(key, 'x', sizeof key - 1);
    key[sizeof key - 1] = '\0';
    limiter_block(l, key, 100000); /* of a long key its beginning counts */
    key[LIMITER_KEY_MAX] = 'y';
    assert_int_equal(limiter_wait(l, all, key, pair, 1000), 99000);
    limiter_destroy(&l);
    limiter_destroy(&l);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_burst_is_borrowed),
        cmocka_unit_test(blocks_are_never_shortened),
        cmocka_unit_test(only_so_many_are_remembered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
