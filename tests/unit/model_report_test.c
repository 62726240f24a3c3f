/* model_report_test.c - days, slots, sums, quantiles and tables of reports. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "model/report.h"

static void add(struct report *r, const char *day, const char *field, int64_t n) {
    report_add(r, day, span_str(field), n);
}

static void test_days(void **state) {
    char day[9];
    (void)state;
    assert_int_equal(report_weekday("20261129"), 6);
    assert_int_equal(report_weekday("19700101"), 3);
    assert_int_equal(report_weekday("20260230"), -1);
    assert_int_equal(report_weekday("2026"), -1);
    report_next_day("20231231", day);
    assert_string_equal(day, "20240101");
    report_next_day("20240228", day);
    assert_string_equal(day, "20240229");
    report_days_before("20240301", 2, day);
    assert_string_equal(day, "20240228");
    assert_int_equal(report_day_read("2026-11-29", day), 0);
    assert_string_equal(day, "20261129");
    static const char *const bad[] = {"", "2026-11-9", "2026-11-31", "2026-13-01", "1969-12-31",
        "20261129", "2026/11/29", "2026-11-29T00:00:00Z", "0000-01-01"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(report_day_read(bad[i], day), -1);
}

static void test_slots_grow_by_an_eighth_at_most(void **state) {
    (void)state;
    assert_true(report_slot_seconds(0) == 0.5 && report_slot_seconds(15) == 15.5);
    assert_true(report_slot_seconds(16) == 17 && report_slot_seconds(23) == 31);
    for (unsigned i = 16; i < 200; i++) {
        double step = report_slot_seconds(i + 1) / report_slot_seconds(i);
        assert_true(step > 1 && step < 1.126);
    }
}

static const json_t *at(const json_t *j, const char *a, const char *b) {
    const json_t *in = json_object_get(j, a);
    return b ? json_object_get(in, b) : in;
}

static void test_sums(void **state) {
    struct report *r = report_create();
    (void)state;
    add(r, "20261129", "in 09 sales", 3);
    add(r, "20261130", "in 23 support", 2);
    add(r, "20261130", "out 23 sales", 4);
    add(r, "20261129", "in.label a b", 5);
    add(r, "20261129", "out.agent ann", 4);
    add(r, "20261129", "closed 10 sales", 2);
    add(r, "20261129", "lost 10 sales", 1);
    add(r, "20261129", "lost.agent ann", 1);
    add(r, "20261129", "late 11 sales", 2);
    add(r, "20261129", "late.agent ann", 2);
    for (unsigned i = 0; i < 10; i++) {
        char field[32];
        snprintf(field, sizeof field, "first 09 %u", i);
        add(r, "20261129", field, 1);
    }
    add(r, "20261129", "next.channel 3 sales", 1);
    add(r, "20261129", "next.label 3 a b", 1);
    /* What it does not know, or what is out of bounds, counts nowhere. */
    static const char *const other[] = {"total", "in", "in 24 sales", "in x sales", "in 1",
        "in.what x", "first 09 256", "first 09 -1", "first.agent 300 ann", "", " ", "in.days x",
        "in. x"};
    for (size_t i = 0; i < sizeof other / sizeof *other; i++)
        add(r, "20261129", other[i], 100);
    add(r, "20269999", "in 09 sales", 100);
    json_t *j = report_json(r);
    assert_int_equal(json_integer_value(at(j, "totals", "in")), 105); /* "in 1": no channel */
    assert_int_equal(json_integer_value(at(j, "totals", "lost")), 1);
    assert_int_equal(json_integer_value(at(j, "totals", "late")), 2);
    const json_t *first = at(j, "totals", "first");
    assert_int_equal(json_integer_value(json_object_get(first, "n")), 10);
    assert_true(json_real_value(json_object_get(first, "median_s")) == 4.5);
    assert_true(json_real_value(json_object_get(first, "p90_s")) == 8.5);
    assert_true(json_is_null(json_object_get(at(j, "totals", "next"), "median_s")));
    const json_t *days = at(j, "days", NULL), *agents = at(j, "agents", NULL);
    assert_int_equal(json_array_size(days), 2);
    assert_string_equal(
        json_string_value(json_object_get(json_array_get(days, 1), "name")), "2026-11-30");
    assert_int_equal(json_integer_value(json_object_get(json_array_get(agents, 0), "out")), 4);
    assert_int_equal(json_integer_value(json_object_get(json_array_get(agents, 0), "late")), 2);
    assert_int_equal(json_array_size(at(j, "channels", NULL)), 2);
    const json_t *label = json_array_get(at(j, "labels", NULL), 0);
    assert_string_equal(json_string_value(json_object_get(label, "name")), "a b");
    assert_int_equal(json_integer_value(json_object_get(label, "in")), 5);
    assert_int_equal(json_integer_value(at(label, "next", "n")), 1);
    const json_t *week = at(j, "week", NULL);
    assert_int_equal(json_integer_value(json_array_get(json_array_get(week, 6), 9)), 3);
    assert_int_equal(json_integer_value(json_array_get(json_array_get(week, 0), 23)), 2);
    json_decref(j);
    report_destroy(&r);
    assert_null(r);
}

static void test_tables(void **state) {
    struct report *r = report_create();
    (void)state;
    add(r, "20261129", "in.label =HYPERLINK(\"x\")", 1);
    add(r, "20261129", "in.label -1", 2);
    add(r, "20261129", "rated.label 4 =HYPERLINK(\"x\")", 1);
    add(r, "20261129", "rated.label 5 =HYPERLINK(\"x\")", 1);
    add(r, "20261129", "rated.label 6 =HYPERLINK(\"x\")", 9);
    add(r, "20261129", "in.label a,\"b\"", 3);
    add(r, "20261129", "first.label 20 a,\"b\"", 1);
    json_t *j = report_json(r);
    char *csv = report_csv(j, "labels");
    assert_string_equal(csv,
        "label,in,out,closed,lost,late,first_n,first_median_s,first_p90_s,next_n,"
        "next_median_s,next_p90_s,"
        "rated_n,rated_average\r\n"
        "\"'-1\",2,0,0,0,0,0,,,0,,,0,\r\n"
        "\"'=HYPERLINK(\"\"x\"\")\",1,0,0,0,0,0,,,0,,,2,4.5\r\n"
        "\"a,\"\"b\"\"\",3,0,0,0,0,1,25.0,25.0,0,,,0,\r\n");
    free(csv);
    csv = report_csv(j, "hours");
    assert_non_null(strstr(csv, "\r\n23,0,0,0,0,0,0,,,0,,,0,\r\n"));
    free(csv);
    assert_null(report_csv(j, "people"));
    json_decref(j);
    report_destroy(&r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_days),
        cmocka_unit_test(test_slots_grow_by_an_eighth_at_most),
        cmocka_unit_test(test_sums),
        cmocka_unit_test(test_tables),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
