/* model_phone_test.c - one number in the ways that people write it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "model/phone.h"

static const char *e164(const char *text, const char *country) {
    static char out[PHONE_SIZE];
    return phone_e164(text, country, out) == 0 ? out : "";
}

static void one_number_in_many_writings(void **state) {
    (void)state;
    static const char *const ways[] = {"+79001234567", "+7 900 123-45-67", "8 (900) 123-45-67",
        "89001234567", "79001234567", "9001234567", "007 900 1234567",
        "8\xc2\xa0"
        "900\xc2\xa0"
        "123\xe2\x80\x91"
        "45\xe2\x80\x91"
        "67",
        "\xef\xbc\x8b 7", "+7 900 123 45 67 доб. 12", "+7 900 1234567, 12", "+7.900.123.45.67;9",
        "+7/900/1234567x3", "810 7 900 123 45 67",
        "\xd9\xa8\xd9\xa9\xd9\xa0\xd9\xa0\xd9\xa1\xd9\xa2\xd9\xa3\xd9\xa4\xd9\xa5\xd9\xa6\xd9\xa7"};
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
        assert_string_equal(e164(ways[i], "RU"), i == 8 ? "" : "+79001234567");
    assert_true(phone_same(ways[1], ways[2], "RU"));
    assert_false(phone_same(ways[1], "", "RU"));
}

static void other_countries(void **state) {
    (void)state;
    assert_string_equal(e164("+49 30 901820", ""), "+4930901820");
    assert_string_equal(e164("0049 30 901820", ""), "+4930901820");
    assert_string_equal(e164("5511987654321", ""), "+5511987654321");
    assert_string_equal(
        e164("8 900 123 45 67", ""), "+89001234567"); /* nobody says that it is Russian */
    assert_string_equal(e164("9001234567", ""), "");
    assert_string_equal(e164("+1 (415) 555-2671", "RU"), "+14155552671");
    assert_string_equal(e164("8 701 123 45 67", "KZ"), "+77011234567");
}

static void what_is_no_number(void **state) {
    (void)state;
    static const char *const none[] = {"", "+", "112", "+7900", "call me", "ann@example.org",
        "+790012345671234567", "123456789012345678901234567890", "+0 900 123 45 67",
        "telegram:9001234567", "7900123456+7", "\xff\xfe"};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        assert_string_equal(e164(none[i], "RU"), "");
}

static void as_a_crm_may_hold_it(void **state) {
    (void)state;
    char out[PHONE_VARIANTS][PHONE_SIZE];
    assert_int_equal(phone_variants("+79001234567", out), 4);
    assert_string_equal(out[0], "+79001234567");
    assert_string_equal(out[1], "79001234567");
    assert_string_equal(out[2], "89001234567");
    assert_string_equal(out[3], "9001234567");
    assert_int_equal(phone_variants("+4930901820", out), 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_number_in_many_writings),
        cmocka_unit_test(other_countries),
        cmocka_unit_test(what_is_no_number),
        cmocka_unit_test(as_a_crm_may_hold_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
