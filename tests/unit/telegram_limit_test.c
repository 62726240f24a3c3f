/* telegram_limit_test.c - how soon the next message may go; simulated hours of sending. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>

#include "connectors/telegram/telegram_limit.h"

/* Sends to the chat whenever it may, for so long; the most within any window of so many ms. */
static unsigned busiest(const char *chat, bool group, uint64_t run_ms, uint64_t window_ms) {
    uint64_t times[4000];
    size_t n = 0, first = 0;
    unsigned most = 0;
    struct telegram_limit *l = telegram_limit_create(10);
    for (uint64_t now = 100000, end = now + run_ms; now < end && n < 4000;) {
        unsigned wait = telegram_limit_wait(l, chat, group, now);
        if (wait) {
            now += wait;
            assert_int_equal(telegram_limit_wait(l, chat, group, now), 0);
            continue;
        }
        telegram_limit_take(l, chat, group, 1, now);
        times[n++] = now;
        while (times[n - 1] - times[first] >= window_ms)
            first++;
        if (n - first > most)
            most = (unsigned)(n - first);
    }
    telegram_limit_destroy(&l);
    return most;
}

static void chats_have_their_pace(void **state) {
    (void)state;
    assert_int_equal(busiest("42", false, 60000, 10000), 12); /* one a second, two ahead */
    assert_int_equal(busiest("-5", true, 600000, 60000), 20);
}

static void bot_has_its_pace(void **state) {
    (void)state;
    struct telegram_limit *l = telegram_limit_create(100000);
    unsigned n = 0;
    for (uint64_t now = 1000; now < 11000; now++)
        for (char chat[16]; telegram_limit_bot_wait(l, now) == 0; n++) {
            snprintf(chat, sizeof chat, "%u", n);
            assert_int_equal(telegram_limit_wait(l, chat, false, now), 0);
            telegram_limit_take(l, chat, false, 1, now);
        }
    assert_in_range(n, 270, 274);
    telegram_limit_share(l, 0.5);
    n = 0;
    for (uint64_t now = 20000; now < 30000; now++)
        for (; telegram_limit_bot_wait(l, now) == 0; n++)
            telegram_limit_take(l, "1", false, 1, now);
    assert_in_range(n, 135, 139);
    telegram_limit_share(l, -1); /* something always goes */
    telegram_limit_take(l, "1", false, 4, 900000);
    assert_in_range(telegram_limit_bot_wait(l, 900000), 1, 60000);
    telegram_limit_destroy(&l);
    assert_null(l);
    telegram_limit_destroy(&l);
}

static void albums_count_each_item(void **state) {
    (void)state;
    struct telegram_limit *l = telegram_limit_create(10);
    assert_int_equal(telegram_limit_wait(l, "42", false, 5000), 0);
    telegram_limit_take(l, "42", false, 10, 5000);
    assert_int_equal(telegram_limit_wait(l, "42", false, 5000), 8000);
    assert_int_equal(telegram_limit_wait(l, "43", false, 6000), 0);
    telegram_limit_destroy(&l);
}

static void told_to_wait_is_obeyed(void **state) {
    (void)state;
    struct telegram_limit *l = telegram_limit_create(10);
    telegram_limit_blocked(l, "42", 14, 1000);
    assert_int_equal(telegram_limit_wait(l, "42", false, 1000), 14000);
    assert_int_equal(telegram_limit_wait(l, "42", false, 14999), 1);
    assert_int_equal(telegram_limit_wait(l, "42", false, 15000), 0);
    assert_int_equal(telegram_limit_wait(l, "43", false, 1000), 0);
    telegram_limit_blocked(l, "42", 5, 2000); /* the same one again, a shorter time */
    assert_int_equal(telegram_limit_bot_wait(l, 2000), 0);
    assert_int_equal(telegram_limit_wait(l, "42", false, 2000), 13000);
    telegram_limit_blocked(l, "43", 5, 6000); /* another one, but later */
    assert_int_equal(telegram_limit_bot_wait(l, 6000), 0);
    telegram_limit_blocked(l, "44", 7, 9000); /* another one at once: the bot's */
    assert_int_equal(telegram_limit_bot_wait(l, 9000), 7000);
    assert_int_equal(telegram_limit_wait(l, "99", false, 9000), 7000);
    assert_int_equal(telegram_limit_bot_wait(l, 16000), 0);
    telegram_limit_blocked(l, "45", 4294967295u, 20000);
    assert_int_equal(telegram_limit_wait(l, "45", false, 20000), 30u * 86400 * 1000);
    telegram_limit_destroy(&l);
}

static void few_chats_are_remembered(void **state) {
    (void)state;
    struct telegram_limit *l = telegram_limit_create(2);
    telegram_limit_blocked(l, "1", 100, 1000);
    telegram_limit_take(l, "2", false, 1, 5000);
    telegram_limit_take(l, "1", false, 1, 5000); /* used again: newer than 2 */
    telegram_limit_take(l, "2", false, 5, 5000);
    telegram_limit_take(l, "1", false, 1, 5000);
    telegram_limit_take(l, "3", false, 1, 5000);
    assert_int_equal(telegram_limit_wait(l, "1", false, 6000), 95000);
    assert_int_equal(telegram_limit_wait(l, "2", false, 6000), 0);
    for (unsigned i = 0; i < 1000; i++) {
        char chat[16];
        snprintf(chat, sizeof chat, "%u", i);
        telegram_limit_take(l, chat, false, 1, 6000);
    }
    static const char name[] = "a name that is longer than any chat's, and is cut";
    telegram_limit_blocked(l, name, 10, 100000);
    assert_int_equal(telegram_limit_wait(l, name, false, 100000), 10000);
    telegram_limit_destroy(&l);
    l = telegram_limit_create(0);
    telegram_limit_take(l, "", false, 0, 0);
    assert_int_equal(telegram_limit_wait(l, "", false, 0), 0);
    telegram_limit_destroy(&l);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(chats_have_their_pace),
        cmocka_unit_test(bot_has_its_pace), cmocka_unit_test(albums_count_each_item),
        cmocka_unit_test(told_to_wait_is_obeyed), cmocka_unit_test(few_chats_are_remembered)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
