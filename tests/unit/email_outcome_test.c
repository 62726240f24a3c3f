/* What a server said of the recipients of a mail, and when it is asked again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "connectors/email/email_outcome.h"
#include "connectors/email/email_status.h"

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
    assert_string_equal(at(list, 1, "text"),
        "the receiving server lets everybody wait the first time (451 4.7.1 Greylisted)");
    assert_string_equal(at(list, 2, "text"), "there is no such mailbox (550 5.1.1 No such user)");
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

static void test_meanings(void **state) {
    (void)state;
    static const struct {
        int code;
        const char *said, *text;
    } cases[] = {{550, "5.1.1 No such user", "there is no such mailbox"},
        {550, "5.1.10 null MX", "the domain takes no mail"},
        {550, "5.1.99 x", "the address is wrong"}, {452, "4.2.2 x", "the mailbox is full"},
        {552, "5.3.4", "the mail is too large for the receiving server"},
        {451, "4.7.1 Greylisted", "the receiving server lets everybody wait the first time"},
        {451, "4.7.0 Wait", "the receiving server puts it off by its rules"},
        {554, "5.7.1 This looks like SPAM", "the receiving server takes it for spam"},
        {550, "5.7.1 No", "the receiving server refuses it by its rules"},
        {550, "5.7.26 x", "it was not proven that the mail is ours: SPF, DKIM and DMARC"},
        {451, "4.4.1 x", "the receiving server could not be reached in time"},
        {550, "No such user", NULL}, {550, "", NULL}, {550, "5.", NULL}, {550, "5.1", NULL},
        {550, "5.1.", NULL}, {550, "5.1.1x y", NULL}, {550, "5.1111.1 x", NULL},
        {550, "5.0.0 x", NULL}, {250, "2.1.1 x", NULL}, {550, "5.1.1.2 x", NULL}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *text = email_status_text(cases[i].code, cases[i].said);
        char *want = cases[i].text
                         ? mem_printf("%s (%d %s)", cases[i].text, cases[i].code, cases[i].said)
                         : mem_printf("%d %s", cases[i].code, cases[i].said);
        assert_string_equal(text, want);
        free(text);
        free(want);
    }
}

static void test_why_nobody_has_it(void **state) {
    (void)state;
    struct smtp_result r = {.outcome = SMTP_REFUSED, .code = 550, .text = "5.1.1 No"};
    struct err err;
    err_set(&r.err, ERR_INVALID, "the mail server refused it: 550 5.1.1 No");
    email_outcome_err(&r, &err);
    assert_string_equal(err.text, "there is no such mailbox (550 5.1.1 No)");
    assert_int_equal(err.code, ERR_INVALID);
    r.text = "No";
    email_outcome_err(&r, &err);
    assert_string_equal(err.text, r.err.text);
    r.text = "5.7.8 Bad password"; /* about our account */
    r.outcome = SMTP_DENIED;
    email_outcome_err(&r, &err);
    assert_string_equal(err.text, r.err.text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_some_refused),
        cmocka_unit_test(test_meanings),
        cmocka_unit_test(test_why_nobody_has_it),
        cmocka_unit_test(test_none_taken),
        cmocka_unit_test(test_put_off),
        cmocka_unit_test(test_pauses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
