/* cards_search_test.c - words, stems and queries of the embedded CRM store: pure functions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "connectors/cards/cards_private.h"

static void same_stem(const char *a, const char *b) {
    char *x = cards_stems(a), *y = cards_stems(b);
    assert_string_equal(x, y);
    free(x);
    free(y);
}

static void other_stem(const char *a, const char *b) {
    char *x = cards_stems(a), *y = cards_stems(b);
    assert_string_not_equal(x, y);
    free(x);
    free(y);
}

static void russian_forms_meet(void **state) {
    (void)state;
    same_stem("заказ", "заказы");
    same_stem("заказа", "ЗАКАЗОВ");
    same_stem("доставка", "доставку");
    same_stem("счёт", "счета");
    same_stem("ещё", "еще");
    same_stem("оплатить", "оплатил");
    other_stem("заказ", "показ");
}

static void english_forms_meet(void **state) {
    (void)state;
    same_stem("delivery", "deliveries");
    same_stem("order", "Orders");
    same_stem("payment", "payments");
    other_stem("order", "ardor");
}

static void odd_text_is_no_danger(void **state) {
    (void)state;
    char *s = cards_stems("\xff\xfe \xd0 \" ' * ( ) NEAR AND OR -x");
    assert_non_null(s);
    free(s);
    s = cards_stems("");
    assert_string_equal(s, "");
    free(s);
}

static void nothing_typed_is_syntax(void **state) {
    (void)state;
    char *q = cards_query_match("AND OR NOT NEAR(a b) col:x ^y -z *", NULL, 0);
    assert_null(strchr(q, '('));
    assert_null(strchr(q, ':'));
    assert_null(strchr(q, '^'));
    assert_null(strchr(q, '-'));
    free(q);
    q = cards_query_match("  \" ' ; ", NULL, 0);
    assert_string_equal(q, "");
    free(q);
}

static void phrases_and_beginnings(void **state) {
    (void)state;
    char *both[] = {"заказ", "закат"}, *q = cards_query_match("новый зак", NULL, 0);
    assert_string_equal(q, "\"нов\" AND \"зак\"*");
    free(q);
    q = cards_query_match("\"red order\" now", NULL, 0);
    assert_string_equal(q, "\"red ord\" AND \"now\"*");
    free(q);
    q = cards_query_match("новый зака", both, 2);
    assert_string_equal(q, "\"нов\" AND (\"заказ\" OR \"закат\")");
    free(q);
    q = cards_query_match("зака", both, 1);
    assert_string_equal(q, "(\"заказ\")");
    free(q);
    q = cards_query_match("\"red order\"", NULL, 0);
    assert_string_equal(q, "\"red ord\"");
    free(q);
}

static void begins(const char *typed, const char *beginning) {
    char *b = cards_query_beginning(typed);
    assert_string_equal(b, beginning);
    free(b);
}

static void long_beginnings_are_looked_for(void **state) {
    (void)state;
    begins("новый жжжжж", "жжжжж");
    begins("order1234", "order1234");
    begins("зарп", ""); /* the index has it */
    begins("\"новый закат\"", "");
    begins("cafés123é", "");
    begins("", "");
}

static void snippets_mark_the_hits(void **state) {
    (void)state;
    char *s = cards_query_snippet("заказ", "Где мои заказы?");
    assert_string_equal(s, "Где мои [заказы]?");
    free(s);
    s = cards_query_snippet("nothing", "Где мои заказы?");
    assert_string_equal(s, "Где мои заказы?");
    free(s);
    s = cards_query_snippet("b", "<b>bold</b>");
    assert_non_null(strstr(s, "<"));
    free(s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(russian_forms_meet),
        cmocka_unit_test(english_forms_meet),
        cmocka_unit_test(odd_text_is_no_danger),
        cmocka_unit_test(nothing_typed_is_syntax),
        cmocka_unit_test(phrases_and_beginnings),
        cmocka_unit_test(long_beginnings_are_looked_for),
        cmocka_unit_test(snippets_mark_the_hits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
