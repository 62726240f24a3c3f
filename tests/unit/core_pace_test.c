/* core_pace_test.c - a target that is back is asked for little first (F11, F12). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/pace.h"

static void it_grows_with_each_answer(void **state) {
    (void)state;
    struct pace p = {0};
    assert_int_equal(pace_each(&p, 8), PACE_EACH_MIN);
    for (unsigned round = 2; round <= 64; round *= 2) { /* twice as many each time all answered */
        assert_int_equal(pace_each(&p, 8), round);
        for (unsigned i = 0; i < round * 8; i++)
            pace_answered(&p, 8, true, 0);
    }
    assert_int_equal(pace_each(&p, 8), PACE_EACH_MAX);
    assert_int_equal(p.size, PACE_EACH_MAX * 8);
    pace_restart(&p);
    assert_int_equal(pace_each(&p, 8), PACE_EACH_MIN);
}

static void what_is_not_used_does_not_grow(void **state) {
    (void)state;
    struct pace p = {0};
    for (unsigned i = 0; i < 1000; i++)
        pace_answered(&p, 8, false, 0);
    assert_int_equal(pace_each(&p, 8), PACE_EACH_MIN);
}

/* The rate lets 10 go each round: what begins beyond that would only wait. */
static void calls_that_wait_hold_it(void **state) {
    (void)state;
    struct pace p = {0};
    unsigned most = 0;
    for (unsigned round = 0; round < 1000; round++)
        for (unsigned i = 0; i < 10; i++) {
            unsigned all = pace_each(&p, 8) * 8;
            pace_answered(&p, 8, true, all > 10 ? all - 10 : 0);
            most = all > most ? all : most;
        }
    assert_in_range(most, 16, 40);
    for (unsigned i = 0; i < 1000; i++)
        pace_answered(&p, 8, true, 65);
    assert_int_equal(pace_each(&p, 8), PACE_EACH_MIN);
}

static void it_is_not_stuck_for_long(void **state) {
    (void)state;
    struct pace p = {0};
    pace_stuck(&p, 8, 0);
    assert_int_equal(pace_each(&p, 8), PACE_EACH_MIN + 1);
    pace_stuck(&p, 8, 16); /* the calls wait, not we */
    assert_int_equal(pace_each(&p, 8), PACE_EACH_MIN + 1);
    for (unsigned i = 0; i < 100; i++)
        pace_stuck(&p, 8, 0);
    assert_int_equal(pace_each(&p, 8), PACE_EACH_MAX);
}

/* Shards come and go. */
static void few_queues_share_what_there_is(void **state) {
    (void)state;
    struct pace p = {0};
    for (unsigned i = 0; i < 100; i++)
        pace_answered(&p, 8, true, 0);
    assert_int_equal(pace_each(&p, 4), 116 / 4);
    assert_int_equal(pace_each(&p, 1), PACE_EACH_MAX);
    assert_int_equal(pace_each(&p, 0), PACE_EACH_MIN);
    pace_answered(&p, 1, true, 65);
    assert_int_equal(pace_each(&p, 1), PACE_EACH_MAX);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_grows_with_each_answer),
        cmocka_unit_test(what_is_not_used_does_not_grow),
        cmocka_unit_test(calls_that_wait_hold_it),
        cmocka_unit_test(it_is_not_stuck_for_long),
        cmocka_unit_test(few_queues_share_what_there_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
