/* What a server said of the recipients of a mail, and when it is asked again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "connectors/email/email_outcome.h"

static const char *const asked[] = {"a@x", "b@x", "c@x", "d@x", NULL};

static const char *at(const json_t *list, size_t i, const char *key) {
    const json_t *o = json_array_get(list, i), *e = json_object_get(o, "error");
    const char *s = json_string_value(json_object_get(strcmp(key, "status") == 0 ? o : e, key));
    return s ? s : "";
}

static void test_some_refused(void **state) {
    (void)state;
    const struct smtp_refusal refused[] = {
        {.address = "b@x", .code = 451, .text = "4.7.1 Greylisted", .again = true},
        {.address = "c@x", .code = 550, .text = "5.1.1 No such user"},
        {.address = "d@x", .code = 452, .text = "4.5.3 Too many", .again = true, .at_once = true}};
    const struct smtp_result r = {
        .outcome = SMTP_ACCEPTED, .text = "", .refused = refused, .nrefused = 3};
    json_t *list = email_outcome_news(asked, &r, false);
    assert_string_equal(at(list, 0, "status"), "sent");
    assert_string_equal(at(list, 1, "status"), "queued");
    assert_string_equal(at(list, 1, "text"), "451 4.7.1 Greylisted");
    assert_string_equal(at(list, 2, "status"), "failed");
    assert_string_equal(at(list, 3, "code"), "too_many");
    assert_int_equal(email_outcome_count(list, "queued"), 2);
    assert_false(email_outcome_is_at_once(list));
    const char **waiting = email_outcome_waiting(list);
    assert_string_equal(waiting[0], "b@x");
    assert_string_equal(waiting[1], "d@x");
    assert_null(waiting[2]);
    free(waiting);
    json_decref(list);
    list = email_outcome_news(asked, &r, true); /* nobody waits any more */
    assert_int_equal(email_outcome_count(list, "failed"), 3);
    assert_true(email_outcome_is_at_once(list));
    json_decref(list);
}

static void test_none_taken(void **state) {
    (void)state;
    static const struct {
        enum smtp_outcome outcome;
        bool last;
        const char *status;
    } rows[] = {{SMTP_RETRY, false, "queued"}, {SMTP_RETRY, true, "failed"},
        {SMTP_REFUSED, false, "failed"}, {SMTP_AMBIGUOUS, false, "unknown"},
        {SMTP_DENIED, true, "failed"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct smtp_result r = {.outcome = rows[i].outcome, .text = ""};
        err_set(&r.err, ERR_UNAVAILABLE, "said");
        json_t *list = email_outcome_news(asked, &r, rows[i].last);
        assert_int_equal(email_outcome_count(list, rows[i].status), 4);
        assert_string_equal(at(list, 3, "text"), "said");
        json_decref(list);
    }
}

static void test_put_off(void **state) {
    (void)state;
    json_t *list = json_loads("[{\"status\":\"queued\",\"at\":\"2026-01-01T00:00:01.000Z\"},"
                              "{\"status\":\"sent\",\"at\":\"2026-01-01T00:00:09.000Z\"},"
                              "{\"status\":\"queued\",\"at\":\"2026-01-01T00:00:02.500Z\"}]",
        0, NULL);
    assert_int_equal(email_outcome_put_off_ms(list) % 60000, 2500);
    assert_int_equal(email_outcome_put_off_ms(NULL), 0);
    assert_true(email_outcome_is_at_once(NULL));
    json_decref(list);
}

/* 1, 5, 15, 30, 60, 120 and 240 minutes, whatever the tries in between. */
static void test_pauses(void **state) {
    (void)state;
    static const int minutes[][2] = {{0, 1}, {1, 5}, {2, 5}, {6, 15}, {20, 15}, {21, 30}, {51, 60},
        {111, 120}, {231, 240}, {4000, 240}, {-5, 1}};
    for (size_t i = 0; i < sizeof minutes / sizeof minutes[0]; i++)
        assert_int_equal(
            email_outcome_wait_ms(60000, minutes[i][0] * 60000LL), minutes[i][1] * 60000);
    assert_int_equal(email_outcome_wait_ms(3600000, 1000LL * 3600000), 24 * 3600000);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_some_refused),
        cmocka_unit_test(test_none_taken),
        cmocka_unit_test(test_put_off),
        cmocka_unit_test(test_pauses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
