/* base_fold_test.c - words are found as people mean them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/fold.h"
#include "base/mem.h"

static void folds(const char *text, const char *wanted) {
    struct folded f;
    fold_text(&f, text, strlen(text));
    assert_string_equal(f.p, wanted);
    assert_int_equal(f.n, strlen(wanted));
    fold_free(&f);
}

static bool has(const char *text, const char *pattern) {
    struct folded t, p;
    fold_text(&t, text, strlen(text));
    assert_true(fold_pattern(&p, pattern, strlen(pattern)));
    bool found = fold_has(&t, &p);
    fold_free(&t);
    fold_free(&p);
    return found;
}

static void case_accents_and_what_parts_words(void **state) {
    (void)state;
    folds("", " ");
    folds("  Hello,  WORLD!! ", " hello world ");
    folds("Где мой ЗАКАЗ?", " где мой заказ ");
    folds("Ёлка, ёж", " елка еж ");
    folds("мо\xd0\xb8\xcc\x86", " мой "); /* composed or not */
    folds("e\xcc\x81t\xc3\xa9 \xc3\x89", " ete e ");
    folds("Straße Łódź ÅNGSTRÖM", " strase lodz angstrom ");
    folds("ΟΔΟΣ οδός", " οδοσ οδοσ ");
    folds("#12-34", " 12 34 ");
    folds("a\xff\xfe"
          "b\xd0",
        " a b "); /* malformed */
    folds("zero\xe2\x80\x8bwidth", " zerowidth ");
    folds("\xe6\x88\x91\xe8\xa6\x81", " \xe6\x88\x91 \xe8\xa6\x81 "); /* each a word */
}

static void words_phrases_and_beginnings(void **state) {
    (void)state;
    assert_true(has("I want a REFUND now", "refund"));
    assert_false(has("refundable", "refund"));
    assert_true(has("refundable", "refund*"));
    assert_true(has("Хочу возврата денег!", "возврат*"));
    assert_false(has("невозвратный", "возврат*"));
    assert_true(has("want my\n money,back", "money back"));
    assert_false(has("money is back", "money back"));
    assert_true(has("\xf0\x9f\x94\xa5\xf0\x9f\x94\xa5", "\xf0\x9f\x94\xa5"));
    assert_true(
        has("\xe6\x88\x91\xe8\xa6\x81\xe9\x80\x80\xe6\xac\xbe", "\xe9\x80\x80\xe6\xac\xbe"));
    struct folded p;
    assert_false(fold_pattern(&p, "?! *", 4));
    fold_free(&p);
}

static void letters_are_counted(void **state) {
    (void)state;
    struct folded f;
    fold_text(&f, "Привет, iPhone", strlen("Привет, iPhone"));
    assert_int_equal(f.cyrillic, 6);
    assert_int_equal(f.latin, 6);
    fold_free(&f);
}

static void a_long_text_is_cut(void **state) {
    (void)state;
    size_t n = FOLD_MAX * 3;
    char *text = mem_alloc(n);
    struct folded f;
    memset(text, 'a', n);
    fold_text(&f, text, n);
    assert_int_equal(f.n, FOLD_MAX + 2);
    fold_free(&f);
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(case_accents_and_what_parts_words),
        cmocka_unit_test(words_phrases_and_beginnings),
        cmocka_unit_test(letters_are_counted),
        cmocka_unit_test(a_long_text_is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
