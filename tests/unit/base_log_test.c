/* base_log_test.c - lines that anybody can cause: so many a minute, and how many there were. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

static void a_minute_has_its_lines(void **state) {
    char text[500] = "";
    int ends[2];
    struct log log;
    struct log_quota quota = {0};
    (void)state;
    log_init(&log);
    assert_int_equal(pipe(ends), 0);
    log.fd = ends[1];
    for (int i = 0; i < LOG_A_MINUTE; i++)
        assert_true(log_quota_take(&quota, &log, "door.knocked_more"));
    for (int i = 0; i < 7; i++)
        assert_false(log_quota_take(&quota, &log, "door.knocked_more"));
    quota.since_ms = clock_mono_ms() - 60000; /* it is over */
    assert_true(log_quota_take(&quota, &log, "door.knocked_more"));
    assert_true(read(ends[0], text, sizeof text - 1) > 0);
    assert_non_null(strstr(text, "event=door.knocked_more n=7\n"));
    assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1); /* one line */
    quota.since_ms = clock_mono_ms() - 60000;
    assert_true(log_quota_take(&quota, &log, "door.knocked_more")); /* nothing was left out */
    close(ends[1]);
    assert_int_equal(read(ends[0], text, sizeof text), 0);
    close(ends[0]);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_minute_has_its_lines)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
