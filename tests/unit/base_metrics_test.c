/* base_metrics_test.c - figures of several processes: no two write one slot, counters outlive their
 * process, gauges do not, and the text is what Prometheus reads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/metrics.h"

#define ROUNDS 100000

static char *printed(const struct metrics *m) {
    struct buf out;
    buf_init(&out, 1 << 20);
    metrics_print(m, &out);
    return buf_take(&out);
}

static void has(const struct metrics *m, const char *line) {
    char *text = printed(m);
    if (!strstr(text, line))
        fail_msg("no \"%s\" in\n%s", line, text);
    free(text);
}

static void has_not(const struct metrics *m, const char *part) {
    char *text = printed(m);
    if (strstr(text, part))
        fail_msg("\"%s\" is in it", part);
    free(text);
}

static void counters_and_gauges(void **state) {
    struct metrics *m = metrics_create(2);
    (void)state;
    metrics_add(m, M_STORED, "in", 2);
    metrics_add(m, M_STORED, "in", 3);
    metrics_add(m, M_STORED, "out", 1);
    metrics_set(m, M_LEASES, NULL, 7);
    metrics_add(m, M_RECEIVED, "site|stored", 4);
    has(m, "# TYPE sb_stored_total counter\nsb_stored_total{direction=\"in\"} 5\n"
           "sb_stored_total{direction=\"out\"} 1\n");
    has(m, "# TYPE sb_leases gauge\nsb_leases 7\n");
    has(m, "sb_received_total{channel=\"site\",result=\"stored\"} 4\n");
    metrics_add(m, M_DEAD, "a\"b\\c\nd", 1);
    has(m, "sb_dead_total{target=\"a_b_c_d\"} 1\n");
    metrics_destroy(&m);
    assert_null(m);
}

static void histograms_add_up(void **state) {
    struct metrics *m = metrics_create(1);
    (void)state;
    metrics_observe_us(m, M_STORE_SECONDS, NULL, 100);
    metrics_observe_us(m, M_STORE_SECONDS, NULL, 101);
    metrics_observe_us(m, M_STORE_SECONDS, NULL, 99999999);
    has(m, "sb_store_seconds_bucket{le=\"0.0001\"} 1\n"
           "sb_store_seconds_bucket{le=\"0.00025\"} 2\n");
    has(m, "sb_store_seconds_bucket{le=\"10\"} 2\nsb_store_seconds_bucket{le=\"+Inf\"} 3\n"
           "sb_store_seconds_sum 100.000200\nsb_store_seconds_count 3\n");
    metrics_destroy(&m);
}

/* A stranger's labels cannot grow memory. */
static void labels_have_a_ceiling(void **state) {
    struct metrics *m = metrics_create(1);
    char label[32];
    (void)state;
    for (int i = 0; i < METRICS_SERIES * 3; i++) {
        snprintf(label, sizeof label, "t%d", i);
        metrics_add(m, M_DEAD, label, 1);
    }
    has(m, "sb_dead_total{target=\"t62\"} 1\n");
    snprintf(label, sizeof label, "other\"} %d\n", METRICS_SERIES * 2 + 1);
    has(m, label);
    has_not(m, "target=\"t64\"");
    metrics_destroy(&m);
}

static void slots_are_taken_once(void **state) {
    struct metrics *m = metrics_create(3);
    (void)state;
    assert_int_equal(metrics_take_slot(m), 0);
    assert_int_equal(metrics_take_slot(m), 1);
    assert_int_equal(metrics_take_slot(m), 2);
    metrics_drop_slot(m, 1);
    assert_int_equal(metrics_take_slot(m), 1);
    metrics_destroy(&m);
}

/* Two generations at once: each process adds to its own slot, so that nothing is lost. */
static void processes_do_not_disturb_each_other(void **state) {
    struct metrics *m = metrics_create(8);
    pid_t pids[4];
    int status;
    (void)state;
    for (int i = 0; i < 4; i++) {
        unsigned slot = metrics_take_slot(m);
        pids[i] = fork();
        if (pids[i] == 0) {
            metrics_use_slot(m, slot);
            metrics_set(m, M_WS_SESSIONS, "agent", 10);
            for (int k = 0; k < ROUNDS; k++) {
                metrics_add(m, M_STORED, "in", 1);
                metrics_observe_us(m, M_HTTP_SECONDS, NULL, 1000);
            }
            _exit(0);
        }
    }
    for (int i = 0; i < 4; i++) {
        assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
        assert_int_equal(status, 0);
    }
    has(m, "sb_stored_total{direction=\"in\"} 400000\n");
    has(m, "sb_http_seconds_count 400000\n");
    has(m, "sb_websocket_sessions{kind=\"agent\"} 40\n");
    /* Ended: what it had open is closed, what it had counted stays. */
    metrics_drop_slot(m, 1);
    metrics_drop_slot(m, 2);
    has(m, "sb_websocket_sessions{kind=\"agent\"} 20\n");
    has(m, "sb_stored_total{direction=\"in\"} 400000\n");
    /* The next one goes on in a free slot. */
    metrics_use_slot(m, metrics_take_slot(m));
    metrics_add(m, M_STORED, "in", 1);
    has(m, "sb_stored_total{direction=\"in\"} 400001\n");
    metrics_destroy(&m);
}

static void a_gauge_of_all_processes(void **state) {
    (void)state;
    struct metrics *m = metrics_create(4);
    metrics_add(m, M_STORING, NULL, 1);
    unsigned slot = metrics_take_slot(m);
    assert_int_equal(metrics_all(m, M_STORING), 1);
    metrics_use_slot(m, metrics_take_slot(m));
    metrics_add(m, M_STORING, NULL, 2);
    assert_int_equal(metrics_all(m, M_STORING), 3);
    metrics_drop_slot(m, slot + 1); /* it was killed */
    assert_int_equal(metrics_all(m, M_STORING), 1);
    metrics_destroy(&m);
}

static size_t resident(void) {
    size_t all, n = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (f && fscanf(f, "%zu %zu", &all, &n) != 2)
        n = 0;
    if (f)
        fclose(f);
    return n * 4096;
}

/* Looking does not make room for processes that never were. */
static void printing_costs_no_memory(void **state) {
    struct metrics *m = metrics_create(1000);
    (void)state;
    metrics_add(m, M_STORED, "in", 1);
    size_t before = resident();
    free(printed(m));
    assert_true(resident() < before + (4 << 20));
    metrics_destroy(&m);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counters_and_gauges),
        cmocka_unit_test(histograms_add_up),
        cmocka_unit_test(labels_have_a_ceiling),
        cmocka_unit_test(slots_are_taken_once),
        cmocka_unit_test(processes_do_not_disturb_each_other),
        cmocka_unit_test(a_gauge_of_all_processes),
        cmocka_unit_test(printing_costs_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
