/* model_hours_test.c - working hours where clocks are put, days cross midnight and years end (F26).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/zone.h"
#include "model/hours.h"

#define HOUR 3600000LL
#define DAYS_WEEK(h)                                                                               \
    "'week':{'mon':" h ",'tue':" h ",'wed':" h ",'thu':" h ",'fri':" h ",'sat':" h ",'sun':" h "}"

/* JSON with ' for ". */
static json_t *json_of(const char *text) {
    char *t = mem_strdup(text);
    for (char *p = t; *p; p++)
        if (*p == '\'')
            *p = '"';
    json_t *j = json_loads(t, JSON_REJECT_DUPLICATES, NULL);
    free(t);
    assert_non_null(j);
    return j;
}

static struct hours *hours_of(const char *text) {
    struct err err = {0};
    json_t *j = json_of(text);
    struct hours *h = hours_parse(j, &err);
    json_decref(j);
    if (!h)
        fail_msg("%s", err.text);
    return h;
}

static int64_t at(const char *text) {
    int64_t ms = 0;
    assert_int_equal(clock_parse(text, &ms), 0);
    return ms;
}

static const char *told(int64_t ms) {
    static char text[CLOCK_TEXT_SIZE];
    return ms == HOURS_NEVER ? "never" : clock_format(ms, text);
}

#define ADDS(h, from, working, to) assert_string_equal(told(hours_add(h, at(from), working)), to)
#define OPENS(h, from, to) assert_string_equal(told(hours_next(h, at(from), true)), to)
#define CLOSES(h, from, to) assert_string_equal(told(hours_next(h, at(from), false)), to)

#define OFFICE "[{'from':'09:00','to':'13:00'},{'from':'14:00','to':'18:00'}]"
#define MOSCOW                                                                                     \
    "{'zone':'Europe/Moscow','week':{'mon':" OFFICE ",'tue':" OFFICE ",'wed':" OFFICE              \
    ",'thu':" OFFICE ",'fri':" OFFICE "}"

static void an_office_has_a_break_and_a_weekend(void **state) {
    (void)state;
    struct hours *h = hours_of(MOSCOW "}");
    assert_true(hours_open_at(h, at("2026-11-27T06:00:00Z")));
    assert_false(hours_open_at(h, at("2026-11-27T05:59:59.999Z")));
    assert_false(hours_open_at(h, at("2026-11-27T10:00:00Z")));
    assert_false(hours_open_at(h, at("2026-11-27T10:59:59.999Z")));
    assert_true(hours_open_at(h, at("2026-11-27T14:59:59.999Z")));
    assert_false(hours_open_at(h, at("2026-11-27T15:00:00Z")));
    assert_true(hours_open_at(h, at("2026-11-27T06:00:00Z"))); /* back again */
    OPENS(h, "2026-11-27T15:00:00Z", "2026-11-30T06:00:00.000Z");
    CLOSES(h, "2026-11-27T06:00:00Z", "2026-11-27T10:00:00.000Z");
    CLOSES(h, "2026-11-28T06:00:00Z", "2026-11-28T06:00:00.000Z");
    ADDS(h, "2026-11-27T09:30:00Z", HOUR / 2, "2026-11-27T10:00:00.000Z");
    ADDS(h, "2026-11-27T09:30:00Z", HOUR / 2 + 1, "2026-11-27T11:00:00.001Z");
    ADDS(h, "2026-11-27T14:50:00Z", HOUR, "2026-11-30T06:50:00.000Z");
    ADDS(h, "2026-11-28T12:00:00Z", 0, "2026-11-30T06:00:00.000Z");
    ADDS(h, "2026-11-27T06:00:00Z", 40 * HOUR, "2026-12-03T15:00:00.000Z");
    hours_destroy(&h);
}

static void spring_takes_an_hour(void **state) {
    (void)state; /* Berlin, 2027-03-28: 02:00 becomes 03:00, at 01:00 UTC */
    struct hours *h =
        hours_of("{'zone':'Europe/Berlin'," DAYS_WEEK("[{'from':'00:00','to':'24:00'}]") "}");
    ADDS(h, "2027-03-27T23:00:00Z", 23 * HOUR, "2027-03-28T22:00:00.000Z"); /* the whole day */
    ADDS(h, "2027-03-27T23:00:00Z", 24 * HOUR, "2027-03-28T23:00:00.000Z");
    CLOSES(h, "2027-03-27T23:00:00Z", "never");
    hours_destroy(&h);
    h = hours_of("{'zone':'Europe/Berlin'," DAYS_WEEK("[{'from':'02:30','to':'10:00'}]") "}");
    OPENS(h, "2027-03-28T00:00:00Z", "2027-03-28T01:00:00.000Z"); /* 02:30 is never: 03:00 */
    CLOSES(h, "2027-03-28T01:00:00Z", "2027-03-28T08:00:00.000Z");
    hours_destroy(&h);
    h = hours_of("{'zone':'Europe/Berlin'," DAYS_WEEK("[{'from':'02:10','to':'02:50'}]") "}");
    OPENS(h, "2027-03-27T02:00:00Z", "2027-03-29T00:10:00.000Z"); /* nothing is left of it */
    hours_destroy(&h);
}

static void autumn_gives_an_hour(void **state) {
    (void)state; /* Berlin, 2026-10-25: 03:00 becomes 02:00, at 01:00 UTC */
    struct hours *h =
        hours_of("{'zone':'Europe/Berlin'," DAYS_WEEK("[{'from':'01:30','to':'02:30'}]") "}");
    OPENS(h, "2026-10-24T12:00:00Z", "2026-10-24T23:30:00.000Z");
    CLOSES(h, "2026-10-24T23:30:00Z", "2026-10-25T01:30:00.000Z"); /* the second 02:30 */
    ADDS(h, "2026-10-24T23:30:00Z", 2 * HOUR, "2026-10-25T01:30:00.000Z");
    ADDS(h, "2026-10-24T23:30:00Z", 3 * HOUR, "2026-10-26T01:30:00.000Z");
    hours_destroy(&h);
    h = hours_of("{'zone':'Europe/Berlin'," DAYS_WEEK("[{'from':'02:30','to':'09:00'}]") "}");
    OPENS(h, "2026-10-25T00:00:00Z", "2026-10-25T00:30:00.000Z"); /* the first 02:30 */
    hours_destroy(&h);
}

static void zones_move_and_skip_days(void **state) {
    (void)state;
    struct zone *z = zone_create("Pacific/Apia"); /* 2011-12-30 was not there at all */
    assert_string_equal(
        told(zone_to_ms(z, at("2011-12-30T12:00:00Z") / 1000, false)), "2011-12-30T10:00:00.000Z");
    assert_string_equal(
        told(zone_to_ms(z, at("2011-12-31T00:00:00Z") / 1000, false)), "2011-12-30T10:00:00.000Z");
    zone_destroy(&z);
    z = zone_create("Europe/Moscow"); /* 2014-10-26: +4 to +3, and neither is summer time */
    assert_string_equal(
        told(zone_to_ms(z, at("2014-10-26T01:30:00Z") / 1000, false)), "2014-10-25T21:30:00.000Z");
    assert_string_equal(
        told(zone_to_ms(z, at("2014-10-26T01:30:00Z") / 1000, true)), "2014-10-25T22:30:00.000Z");
    assert_int_equal(zone_offset(z, at("2014-10-25T21:59:59Z")), 4 * 3600);
    assert_int_equal(zone_offset(z, at("2014-10-25T22:00:00Z")), 3 * 3600);
    zone_destroy(&z);
}

static void a_night_belongs_to_the_day_on_which_it_begins(void **state) {
    (void)state;
    struct hours *h =
        hours_of("{'zone':'UTC','week':{'fri':[{'from':'22:00','to':'06:00'}],"
                 "'sat':[{'from':'05:00','to':'08:00'}]},'holidays':[{'from':'2026-12-12'}]}");
    OPENS(h, "2026-11-27T00:00:00Z", "2026-11-27T22:00:00.000Z");
    assert_true(hours_open_at(h, at("2026-11-28T00:30:00Z")));
    CLOSES(h, "2026-11-27T23:00:00Z", "2026-11-28T08:00:00.000Z"); /* Saturday's begin before */
    ADDS(h, "2026-11-27T22:00:00Z", 10 * HOUR, "2026-11-28T08:00:00.000Z");
    ADDS(h, "2026-11-28T05:30:00Z", HOUR, "2026-11-28T06:30:00.000Z");
    CLOSES(h, "2026-12-11T23:00:00Z", "2026-12-12T06:00:00.000Z"); /* Saturday is a holiday */
    hours_destroy(&h);
}

static void holidays_go_over_the_end_of_a_year(void **state) {
    (void)state;
    struct hours *h = hours_of(
        MOSCOW ",'holidays':[{'from':'2027-02-23','hours':[{'from':'10:00','to':'11:00'}]},"
               "{'from':'2026-12-31','to':'2027-01-08','name':'Новый год'},"
               "{'from':'2026-11-28','hours':[{'from':'09:00','to':'18:00'}]}]}");
    OPENS(h, "2026-12-30T15:00:00Z", "2027-01-11T06:00:00.000Z"); /* the 9th is a Saturday */
    ADDS(h, "2026-12-30T14:00:00Z", 2 * HOUR, "2027-01-11T07:00:00.000Z");
    OPENS(h, "2026-11-27T15:00:00Z", "2026-11-28T06:00:00.000Z"); /* a Saturday to work on */
    ADDS(h, "2027-02-22T15:00:00Z", 2 * HOUR, "2027-02-24T07:00:00.000Z");
    hours_destroy(&h);
}

static void never_open_is_never(void **state) {
    (void)state;
    struct hours *h = hours_of("{'zone':'UTC','week':{}}");
    assert_false(hours_open_at(h, at("2026-11-27T15:00:00Z")));
    OPENS(h, "2026-11-27T15:00:00Z", "never");
    ADDS(h, "2026-11-27T15:00:00Z", 1, "never");
    CLOSES(h, "2026-11-27T15:00:00Z", "2026-11-27T15:00:00.000Z");
    hours_destroy(&h);
    h = hours_of("{'zone':'UTC','week':{},'holidays':[{'from':'2026-12-01','hours':[{'from':'10:00'"
                 ",'to':'12:00'}]}]}");
    ADDS(h, "2026-11-27T15:00:00Z", 2 * HOUR, "2026-12-01T12:00:00.000Z");
    ADDS(h, "2026-11-27T15:00:00Z", 2 * HOUR + 1, "never");
    hours_destroy(&h);
}

/* What was remembered makes no difference: any order of questions, one answer. */
static void what_it_remembers_changes_nothing(void **state) {
    (void)state;
    const char *text =
        "{'zone':'Europe/"
        "Berlin','week':{'sun':[{'from':'01:00','to':'04:00'},{'from':'23:00','to':'02:15'}],"
        "'mon':[{'from':'00:30','to':'05:00'}],'wed':[{'from':'00:00','to':'24:00'}]},"
        "'holidays':[{'from':'2026-10-26','hours':[{'from':'12:00','to':'13:00'}]}]}";
    struct hours *h = hours_of(text);
    int64_t begin = at("2026-10-20T00:00:00Z");
    unsigned seed = 7;
    for (int i = 0; i < 300; i++) {
        seed = seed * 1103515245u + 12345u;
        int64_t ms = begin + (int64_t)(seed % 1000000u) * 1000;
        struct hours *fresh = hours_of(text);
        assert_int_equal(hours_open_at(h, ms), hours_open_at(fresh, ms));
        assert_int_equal(hours_next(h, ms, true), hours_next(fresh, ms, true));
        assert_int_equal(hours_next(h, ms, false), hours_next(fresh, ms, false));
        assert_int_equal(hours_add(h, ms, 5 * HOUR), hours_add(fresh, ms, 5 * HOUR));
        int64_t next = hours_next(fresh, ms, true);
        assert_true(hours_open_at(fresh, next) && (next == ms || !hours_open_at(fresh, next - 1)));
        hours_destroy(&fresh);
    }
    hours_destroy(&h);
}

static void what_is_wrong_is_said(void **state) {
    (void)state;
    static const char *const bad[][2] = {
        {"{'week':{}}", "zone must be"},
        {"{'zone':'Europe/Nowhere','week':{}}", "zone must be"},
        {"{'zone':'../../etc/passwd','week':{}}", "zone must be"},
        {"{'zone':'/etc/localtime','week':{}}", "zone must be"},
        {"{'zone':'','week':{}}", "zone must be"},
        {"{'zone':'UTC'}", "week must have"},
        {"{'zone':'UTC','week':[]}", "week must have"},
        {"{'zone':'UTC','week':{'monday':[]}}", "\"monday\" is no day"},
        {"{'zone':'UTC','week':{'mon':'9-18'}}", "mon: hours must be a list"},
        {"{'zone':'UTC','week':{'mon':[['09:00','18:00']]}}", "mon: hours must be {"},
        {"{'zone':'UTC','week':{'mon':[{'from':'9:00','to':'18:00'}]}}", "mon: from and to"},
        {"{'zone':'UTC','week':{'mon':[{'from':'09:00','to':'24:01'}]}}", "mon: from and to"},
        {"{'zone':'UTC','week':{'mon':[{'from':'24:00','to':'01:00'}]}}", "mon: from and to"},
        {"{'zone':'UTC','week':{'mon':[{'from':'09:60','to':'10:00'}]}}", "mon: from and to"},
        {"{'zone':'UTC','week':{'mon':[{'from':'09:00','to':'09:00'}]}}", "of no length"},
        {"{'zone':'UTC','week':{'mon':[{'from':'09:00','to':'10:00','x':1}]}}",
            "unknown key \"x\""},
        {"{'zone':'UTC','week':{'tue':[{'from':'12:00','to':'14:00'},{'from':'09:30','to':'12:01'}]"
         "}}",
            "tue: the hours from 09:30 and from 12:00 overlap"},
        {"{'zone':'UTC','week':{},'holidays':{}}", "holidays must be a list"},
        {"{'zone':'UTC','week':{},'holidays':[1]}", "holidays[0]: must be"},
        {"{'zone':'UTC','week':{},'holidays':[{'from':'2027-02-29'}]}", "holidays[0]: from and to"},
        {"{'zone':'UTC','week':{},'holidays':[{'from':'2027-1-1'}]}", "holidays[0]: from and to"},
        {"{'zone':'UTC','week':{},'holidays':[{'from':'2027-01-08','to':'2026-12-31'}]}",
            "ends before"},
        {"{'zone':'UTC','week':{},'holidays':[{'from':'2027-01-01','to':'2029-01-01'}]}",
            "is longer than"},
        {"{'zone':'UTC','week':{},'holidays':[{'from':'2027-01-01'},{'from':'2026-12-31','to':'"
         "2027-01-01'}]}",
            "two holidays"},
        {"{'zone':'UTC','week':{},'holidays':[{'from':'2027-01-01','name':5}]}", "name must be"},
        {"{'zone':'UTC','week':{},'holidays':[{'from':'2027-01-01','hours':[{}]}]}",
            "holidays[0]: from and to"},
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct err err = {0};
        json_t *j = json_of(bad[i][0]);
        assert_null(hours_parse(j, &err));
        assert_int_equal(err.code, ERR_INVALID);
        if (!strstr(err.text, bad[i][1]))
            fail_msg("%s: %s", bad[i][0], err.text);
        json_decref(j);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(an_office_has_a_break_and_a_weekend),
        cmocka_unit_test(spring_takes_an_hour), cmocka_unit_test(autumn_gives_an_hour),
        cmocka_unit_test(zones_move_and_skip_days),
        cmocka_unit_test(a_night_belongs_to_the_day_on_which_it_begins),
        cmocka_unit_test(holidays_go_over_the_end_of_a_year), cmocka_unit_test(never_open_is_never),
        cmocka_unit_test(what_it_remembers_changes_nothing),
        cmocka_unit_test(what_is_wrong_is_said)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
