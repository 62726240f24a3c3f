/* loop_loop_test.c - timers, deferred calls, descriptors, the thread pool, and a clean end. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "loop/loop.h"

struct trial {
    struct loop *loop;
    struct loop_timer *timer;
    struct loop_fd *fd;
    int pipe[2];
    int calls, deferred, worked, signals;
};

static void stop(void *arg) {
    struct trial *t = arg;
    loop_stop(t->loop);
}

static void deferred_again(void *arg) {
    struct trial *t = arg;
    if (++t->deferred < 100)
        loop_defer(t->loop, deferred_again, t);
    else
        loop_stop(t->loop);
}

static void test_deferred_calls_run_before_waiting(void **state) {
    (void)state;
    struct trial t = {.loop = loop_create()};
    uint64_t began = clock_mono_ms();
    loop_defer(t.loop, deferred_again, &t);
    loop_run(t.loop); /* nothing else would wake it */
    assert_int_equal(t.deferred, 100);
    assert_true(clock_mono_ms() - began < 1000);
    loop_destroy(&t.loop);
    assert_null(t.loop);
}

static void on_tick(void *arg) {
    struct trial *t = arg;
    if (++t->calls == 3) {
        loop_timer_stop(&t->timer);
        assert_null(t->timer);
        loop_stop(t->loop);
    }
}

static void test_a_timer_repeats_until_stopped(void **state) {
    (void)state;
    struct trial t = {.loop = loop_create()};
    uint64_t began = clock_mono_ms();
    t.timer = loop_timer_start(t.loop, 5, 10, on_tick, &t);
    loop_run(t.loop);
    assert_int_equal(t.calls, 3);
    assert_in_range(clock_mono_ms() - began, 24, 1000);
    loop_timer_stop(&t.timer); /* NULL inside is fine */
    loop_destroy(&t.loop);
}

static void on_readable(void *arg, int events) {
    struct trial *t = arg;
    char c;
    assert_true(events & LOOP_READ);
    assert_int_equal(read(t->pipe[0], &c, 1), 1);
    assert_int_equal(c, 'x');
    loop_fd_stop(&t->fd);
    loop_stop(t->loop);
}

static void write_one(void *arg) {
    struct trial *t = arg;
    assert_int_equal(write(t->pipe[1], "x", 1), 1);
}

static void test_a_descriptor_is_watched(void **state) {
    (void)state;
    struct trial t = {.loop = loop_create()};
    assert_int_equal(pipe(t.pipe), 0);
    t.fd = loop_fd_start(t.loop, t.pipe[0], LOOP_READ, on_readable, &t);
    assert_non_null(t.fd);
    t.timer = loop_timer_start(t.loop, 10, 0, write_one, &t);
    loop_run(t.loop);
    assert_null(t.fd);
    loop_timer_stop(&t.timer);
    close(t.pipe[0]);
    close(t.pipe[1]);
    loop_destroy(&t.loop);
}

static void work(void *arg) {
    struct trial *t = arg;
    usleep(10000);
    t->worked = 1;
}

static void worked(void *arg) {
    struct trial *t = arg;
    assert_int_equal(t->worked, 1);
    t->worked = 2;
    loop_stop(t->loop);
}

static void test_work_is_done_off_the_loop_and_reported_on_it(void **state) {
    (void)state;
    struct trial t = {.loop = loop_create()};
    loop_work(t.loop, work, worked, &t);
    loop_run(t.loop);
    assert_int_equal(t.worked, 2);
    loop_destroy(&t.loop);
}

static void test_destroy_waits_for_work(void **state) {
    (void)state;
    struct trial t = {.loop = loop_create()};
    loop_work(t.loop, work, worked, &t);
    loop_destroy(&t.loop);
    assert_int_equal(t.worked, 2);
}

static void on_signal(void *arg) {
    struct trial *t = arg;
    t->signals++;
    loop_stop(t->loop);
}

static void raise_one(void *arg) {
    (void)arg;
    kill(getpid(), SIGUSR1);
}

static void test_signals_arrive_on_the_loop(void **state) {
    (void)state;
    struct trial t = {.loop = loop_create()};
    loop_signal(t.loop, SIGUSR1, on_signal, &t);
    t.timer = loop_timer_start(t.loop, 5, 0, raise_one, &t);
    loop_run(t.loop);
    assert_int_equal(t.signals, 1);
    loop_timer_stop(&t.timer);
    loop_destroy(&t.loop);
}

static void test_a_stopped_loop_can_run_again(void **state) {
    (void)state;
    struct trial t = {.loop = loop_create()};
    for (int i = 0; i < 3; i++) {
        t.timer = loop_timer_start(t.loop, 1, 0, stop, &t);
        loop_run(t.loop);
        loop_timer_stop(&t.timer);
    }
    loop_destroy(&t.loop);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_deferred_calls_run_before_waiting),
        cmocka_unit_test(test_a_timer_repeats_until_stopped),
        cmocka_unit_test(test_a_descriptor_is_watched),
        cmocka_unit_test(test_work_is_done_off_the_loop_and_reported_on_it),
        cmocka_unit_test(test_destroy_waits_for_work),
        cmocka_unit_test(test_signals_arrive_on_the_loop),
        cmocka_unit_test(test_a_stopped_loop_can_run_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
