/* core_breaker_test.c - a server that fails is left alone, and found again by one call. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/breaker.h"

static void fails(struct breaker *b, uint64_t now, unsigned times) {
    for (unsigned i = 0; i < times; i++) {
        assert_true(breaker_begin(b, now));
        breaker_ended(b, false, now, 0);
    }
}

static void five_in_a_row_open_it(void **state) {
    (void)state;
    struct breaker b = {0};
    fails(&b, 5000, 4);
    assert_int_equal(breaker_state(&b, 5000), BREAKER_CLOSED);
    assert_true(breaker_begin(&b, 5000));
    assert_true(breaker_ended(&b, false, 5000, 799));
    assert_int_equal(breaker_state(&b, 5000), BREAKER_OPEN);
    assert_false(breaker_begin(&b, 5500));
    assert_int_equal(breaker_wait(&b, 5500), 499);
    assert_int_equal(breaker_state(&b, 5999), BREAKER_HALF_OPEN);
}

static void half_of_many_open_it(void **state) {
    (void)state;
    struct breaker b = {0};
    unsigned n = 0;
    for (; breaker_state(&b, 1000) == BREAKER_CLOSED; n++) {
        assert_true(breaker_begin(&b, 1000));
        breaker_ended(&b, n % 2 == 0, 1000, 0);
    }
    assert_int_equal(n, 20);
}

static void what_is_long_ago_does_not_count(void **state) {
    (void)state;
    struct breaker b = {0};
    for (unsigned i = 0; i < 200; i++) {
        assert_true(breaker_begin(&b, i * 1000));
        breaker_ended(&b, i % 2 == 0, i * 1000, 0);
    }
    assert_int_equal(breaker_state(&b, 200000), BREAKER_CLOSED); /* ten calls in ten seconds */
}

static void one_call_decides(void **state) {
    (void)state;
    struct breaker b = {0};
    fails(&b, 0, 5);
    uint64_t now = 1000;
    assert_true(breaker_begin(&b, now));
    assert_false(breaker_begin(&b, now)); /* alone */
    assert_false(breaker_ended(&b, false, now, UINT32_MAX));
    assert_int_equal(breaker_state(&b, now), BREAKER_OPEN);
    now += 60000;
    assert_true(breaker_begin(&b, now));
    assert_true(breaker_ended(&b, true, now, 0));
    assert_int_equal(breaker_state(&b, now), BREAKER_CLOSED);
    fails(&b, now, 4); /* it counts anew */
    assert_int_equal(breaker_state(&b, now), BREAKER_CLOSED);
}

static void a_late_failure_is_not_the_probe(void **state) {
    (void)state;
    struct breaker b = {0};
    for (int i = 0; i < 6; i++)
        assert_true(breaker_begin(&b, 0));
    for (int i = 0; i < 6; i++)
        breaker_ended(&b, false, 0, 0);
    unsigned wait = breaker_wait(&b, 0);
    assert_false(breaker_ended(&b, true, 1, 0)); /* one more of those ended well */
    assert_int_equal(breaker_wait(&b, 0), wait);
}

static void waits_grow_and_have_an_end(void **state) {
    (void)state;
    struct breaker b = {0};
    uint64_t now = 0;
    unsigned longest = 0, last = 0;
    fails(&b, now, 5);
    for (int i = 0; i < 30; i++) {
        last = breaker_wait(&b, now);
        longest = last > longest ? last : longest;
        now += last;
        assert_true(breaker_begin(&b, now));
        breaker_ended(&b, false, now, (uint32_t)i * 2654435761u);
    }
    assert_in_range(longest, 30000, 60000);
    assert_in_range(last, 12000, 60000);
}

static void a_cancelled_probe_may_be_followed(void **state) {
    (void)state;
    struct breaker b = {0};
    breaker_trip(&b, 0, 3000);
    assert_false(breaker_begin(&b, 2999));
    assert_true(breaker_begin(&b, 3000));
    breaker_cancelled(&b);
    assert_true(breaker_begin(&b, 3000));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(five_in_a_row_open_it),
        cmocka_unit_test(half_of_many_open_it),
        cmocka_unit_test(what_is_long_ago_does_not_count),
        cmocka_unit_test(one_call_decides),
        cmocka_unit_test(a_late_failure_is_not_the_probe),
        cmocka_unit_test(waits_grow_and_have_an_end),
        cmocka_unit_test(a_cancelled_probe_may_be_followed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
