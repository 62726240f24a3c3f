/* loopback_parse_test.c - the webhook of the model connector, and what its texts can order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "connectors/loopback/loopback_parse.h"

static void message_is_read(void **state) {
    (void)state;
    struct loopback_message m;
    struct err err;
    const char *text =
        "{\"from\":{\"address\":\"42\",\"name\":\"Ann\"},\"id\":\"m1\",\"text\":\"hello\","
        "\"sent_at\":\"2026-11-23T12:00:00Z\"}";
    assert_int_equal(loopback_parse(span_str(text), &m, &err), 0);
    assert_string_equal(m.from.kind, "loopback");
    assert_string_equal(m.from.address, "42");
    assert_string_equal(m.from.name, "Ann");
    assert_false(m.from.verified);
    assert_string_equal(m.id, "m1");
    assert_string_equal(json_string_value(json_object_get(m.body, "text")), "hello");
    loopback_message_free(&m);
}

static void bad_messages_are_refused(void **state) {
    (void)state;
    static const char *const bad[] = {"", "[]", "{}", "{\"id\":\"1\",\"text\":\"x\"}",
        "{\"from\":7,\"id\":\"1\",\"text\":\"x\"}", "{\"from\":{},\"id\":\"1\",\"text\":\"x\"}",
        "{\"from\":{\"address\":\"\"},\"id\":\"1\",\"text\":\"x\"}",
        "{\"from\":{\"address\":\"1\",\"kind\":\"a:b\"},\"id\":\"1\",\"text\":\"x\"}",
        "{\"from\":{\"address\":\"1\",\"admin\":1},\"id\":\"1\",\"text\":\"x\"}",
        "{\"from\":{\"address\":\"1\"},\"text\":\"x\"}",
        "{\"from\":{\"address\":\"1\"},\"id\":\"1\"}",
        "{\"from\":{\"address\":\"1\"},\"id\":\"1\",\"text\":\"\"}",
        "{\"from\":{\"address\":\"1\"},\"id\":\"1\",\"text\":\"a\\u0001\"}",
        "{\"from\":{\"address\":\"1\"},\"id\":\"1\",\"text\":\"x\",\"direction\":\"out\"}",
        "{\"from\":{\"address\":\"1\"},\"id\":\"1\",\"text\":\"x\",\"sent_at\":{}}",
        "{\"from\":{\"address\":\"1\"},\"id\":\"1\",\"id\":\"2\",\"text\":\"x\"}"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct loopback_message m;
        struct err err = {0};
        if (loopback_parse(span_str(bad[i]), &m, &err) == 0)
            fail_msg("%s was taken", bad[i]);
        assert_int_equal(err.code, ERR_INVALID);
        loopback_message_free(&m);
    }
}

static void texts_order(void **state) {
    (void)state;
    unsigned n;
    assert_int_equal(loopback_act_parse("!fail 2", &n), ACT_FAIL);
    assert_int_equal(n, 2);
    assert_int_equal(loopback_act_parse("!delay 500 please", &n), ACT_DELAY);
    assert_int_equal(n, 500);
    assert_int_equal(loopback_act_parse("!lose", &n), ACT_LOSE);
    assert_int_equal(loopback_act_parse("!twice", &n), ACT_TWICE);
    assert_int_equal(loopback_act_parse("!reject", &n), ACT_REJECT);
    assert_int_equal(loopback_act_parse("!failure", &n), ACT_OK);
    assert_int_equal(loopback_act_parse("hello !fail", &n), ACT_OK);
    assert_int_equal(loopback_act_parse("!fail 99999999999999999999", &n), ACT_FAIL);
    assert_int_equal(n, 1);
    assert_int_equal(loopback_act_parse(NULL, &n), ACT_OK);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(message_is_read),
        cmocka_unit_test(bad_messages_are_refused), cmocka_unit_test(texts_order)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
