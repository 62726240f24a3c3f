/* model_sla_test.c - policies: what they may say, and the times that they become. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "base/mem.h"
#include "model/sla.h"

static void what_is_left_out_has_a_meaning(void **state) {
    (void)state;
    struct err err = {0};
    struct sla s;
    json_t *j = json_pack("{s:i,s:i,s:n}", "first_s", 900, "remind_s", 300, "next_s");
    assert_int_equal(sla_parse(j, &s, &err), 0);
    assert_int_equal(s.first_ms, 900000);
    assert_int_equal(s.remind_ms, 300000);
    assert_int_equal(s.next_ms + s.close_ms, 0);
    assert_true(s.working);
    assert_int_equal(s.supervisors, 'l');
    json_decref(j);
    j = json_pack("{s:i,s:b,s:s}", "close_s", 86400, "working", 0, "supervisors", "never");
    assert_int_equal(sla_parse(j, &s, &err), 0);
    assert_false(s.working);
    assert_int_equal(s.supervisors, 'n');
    json_decref(j);
}

static void what_is_wrong_is_said(void **state) {
    (void)state;
    static const char *const bad[][2] = {{"{}", "it wants nothing"},
        {"{\"first_s\":4}", "first_s must be"}, {"{\"next_s\":2592001}", "next_s must be"},
        {"{\"first_s\":9.5}", "first_s must be"}, {"{\"close_s\":59}", "close_s must be"},
        {"{\"first_s\":60,\"remind_s\":60}", "must be less"},
        {"{\"first_s\":60,\"next_s\":30,\"remind_s\":30}", "must be less"},
        {"{\"close_s\":60,\"remind_s\":30}", "goes with"},
        {"{\"first_s\":60,\"working\":1}", "working"},
        {"{\"first_s\":60,\"supervisors\":\"all\"}", "supervisors"},
        {"{\"first_s\":60,\"supervisors\":null}", "supervisors"}};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct err err = {0};
        struct sla s;
        json_t *j = json_loads(bad[i][0], 0, NULL);
        assert_int_equal(sla_parse(j, &s, &err), -1);
        assert_int_equal(err.code, ERR_INVALID);
        if (!strstr(err.text, bad[i][1]))
            fail_msg("%s: %s", bad[i][0], err.text);
        json_decref(j);
    }
}

static void times_are_of_working_hours(void **state) {
    (void)state;
    struct err err = {0};
    struct sla s = {.remind_ms = 1800000, .working = true};
    json_t *j = json_loads(
        "{\"zone\":\"UTC\",\"week\":{\"thu\":[{\"from\":\"09:00\",\"to\":\"10:00\"}]}}", 0, NULL);
    struct hours *h = hours_parse(j, &err), *never;
    int64_t remind, due, week = 7 * 86400000LL,
                         nine = 9 * 3600000LL; /* 1 January 1970 was a Thursday */
    assert_non_null(h);
    assert_true(sla_due(&s, h, 0, 5400000, &remind, &due));
    assert_int_equal(due, week + nine + 1800000);
    assert_int_equal(remind, nine + 3600000); /* at the end of the hour of the week before */
    s.working = false;
    assert_true(sla_due(&s, h, 5, 5400000, &remind, &due));
    assert_int_equal(due, 5400005);
    assert_int_equal(remind, 3600005);
    s = (struct sla){.working = true};
    assert_true(sla_due(&s, NULL, 5, 1000, &remind, &due));
    assert_int_equal(due, 1005);
    assert_int_equal(remind, due);
    json_decref(j);
    j = json_loads("{\"zone\":\"UTC\",\"week\":{}}", 0, NULL);
    never = hours_parse(j, &err);
    assert_false(sla_due(&s, never, 0, 1000, &remind, &due));
    json_decref(j);
    hours_destroy(&h);
    hours_destroy(&never);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_is_left_out_has_a_meaning),
        cmocka_unit_test(what_is_wrong_is_said), cmocka_unit_test(times_are_of_working_hours)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
