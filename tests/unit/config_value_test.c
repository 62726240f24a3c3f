/* config_value_test.c - durations, sizes, choices, limits, and how far apart two names are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "config/value.h"

static void durations_and_sizes(void **state) {
    static const struct {
        const char *text;
        int64_t ms; /* -1: refused */
    } durations[] = {{"250ms", 250}, {"10s", 10000}, {"5m", 300000}, {"2h", 7200000},
        {"8d", 691200000}, {"0s", 0}, {"10", -1}, {"", -1}, {"s", -1}, {"-1s", -1}, {"+1s", -1},
        {" 1s", -1}, {"1s ", -1}, {"1.5s", -1}, {"1S", -1}, {"0x1s", -1},
        {"99999999999999999999s", -1}, {"9223372036854775807d", -1}};
    static const struct {
        const char *text;
        int64_t bytes;
    } sizes[] = {{"512", 512}, {"64K", 65536}, {"20M", 20971520}, {"1G", 1073741824}, {"1k", -1},
        {"1KB", -1}, {"", -1}, {"9223372036854775807G", -1}};
    (void)state;
    for (size_t i = 0; i < sizeof durations / sizeof durations[0]; i++) {
        int64_t ms = -1;
        if (value_duration(durations[i].text, &ms) < 0)
            ms = -1;
        assert_int_equal(ms, durations[i].ms);
    }
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        int64_t bytes = -1;
        if (value_size(sizes[i].text, &bytes) < 0)
            bytes = -1;
        assert_int_equal(bytes, sizes[i].bytes);
    }
}

/* The sentence of the refusal, or NULL when it is good. */
static const char *refusal(const struct setting *row, const char *text, int64_t *number) {
    static struct err err;
    return value_check(row, text, number, &err) < 0 ? err.text : NULL;
}

static void a_refusal_says_what_was_expected(void **state) {
    static const struct setting count = {.key = "n", .type = SETTING_INT, .min = 1, .max = 9};
    static const struct setting flag = {.key = "b", .type = SETTING_BOOL};
    static const struct setting word = {.key = "w", .type = SETTING_ENUM, .choices = "always|no"};
    static const struct setting time = {
        .key = "t", .type = SETTING_DURATION, .min = 1000, .max = 2000};
    int64_t n;
    (void)state;
    assert_null(refusal(&count, "9", &n));
    assert_int_equal(n, 9);
    assert_string_equal(refusal(&count, "10", &n), "must be between 1 and 9, found 10");
    assert_string_equal(refusal(&count, "many", &n), "expected a number, found \"many\"");
    assert_string_equal(refusal(&time, "3s", &n), "must be between 1000 and 2000 ms, found 3s");
    assert_non_null(strstr(refusal(&time, "3", &n), "expected a duration like 250ms"));
    assert_null(refusal(&flag, "yes", &n));
    assert_int_equal(n, 1);
    assert_null(refusal(&flag, "off", &n));
    assert_int_equal(n, 0);
    assert_string_equal(refusal(&flag, "maybe", &n), "expected true or false, found \"maybe\"");
    assert_null(refusal(&word, "always", &n));
    assert_string_equal(refusal(&word, "alway", &n), "expected one of always|no, found \"alway\"");
    assert_non_null(refusal(&word, "always|no", &n));
    assert_non_null(refusal(&word, "", &n));
}

static void distance_counts_steps_of_typing(void **state) {
    char longer[80];
    (void)state;
    assert_int_equal(value_distance("listen", "listen"), 0);
    assert_int_equal(value_distance("wrokers", "workers"), 2);
    assert_int_equal(value_distance("lisen", "listen"), 1);
    assert_int_equal(value_distance("", "abc"), 3);
    assert_int_equal(value_distance("abc", ""), 3);
    memset(longer, 'a', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    assert_int_equal(value_distance(longer, "a"), 64);
    assert_int_equal(value_distance("a", longer), 64);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(durations_and_sizes),
        cmocka_unit_test(a_refusal_says_what_was_expected),
        cmocka_unit_test(distance_counts_steps_of_typing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
