/* model_rating_test.c - what is a rating and what is a message; the words of the question. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "model/rating.h"

static int score(const char *body) {
    json_t *j = json_loads(body, 0, NULL);
    assert_non_null(j);
    int n = rating_score(j);
    json_decref(j);
    return n;
}

static void test_only_a_digit_is_one(void **state) {
    (void)state;
    assert_int_equal(score("{\"text\":\"1\"}"), 1);
    assert_int_equal(score("{\"text\":\" \\n5\\r\\n \"}"), 5);
    assert_int_equal(score("{\"text\":\"3\",\"button\":{\"text\":\"3\"},\"attachments\":[]}"), 3);
    static const char *const none[] = {"{}", "{\"text\":\"\"}", "{\"text\":\" \"}",
        "{\"text\":\"0\"}", "{\"text\":\"6\"}", "{\"text\":\"55\"}", "{\"text\":\"5!\"}",
        "{\"text\":\"five\"}", "{\"text\":\"1 2\"}", "{\"text\":5}",
        "{\"text\":\"5\",\"attachments\":[{\"id\":\"x\"}]}", "{\"text\":\"5\",\"forward\":{}}",
        "{\"text\":\"5\",\"raw_type\":\"poll\"}"};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        assert_int_equal(score(none[i]), 0);
}

static void test_of_a_mail_only_his_own_words(void **state) {
    (void)state;
    assert_int_equal(score("{\"text\":\"4\\n\\n> How was it?\",\"email\":{\"quoted_at\":3}}"), 4);
    assert_int_equal(
        score("{\"text\":\"4\\n-- \\nAnn\\n> 1\",\"email\":{\"quoted_at\":10,\"signature_at\":2}}"),
        4);
    assert_int_equal(score("{\"text\":\"4\\n-- \\nAnn\",\"email\":{}}"), 0);
    assert_int_equal(score("{\"text\":\"4 no\",\"email\":{\"quoted_at\":99}}"), 0);
    assert_int_equal(score("{\"text\":\"> 4\",\"email\":{\"quoted_at\":0}}"), 0);
}

static void test_words(void **state) {
    (void)state;
    assert_true(rating_in_russian("ru", "") && rating_in_russian("ru-RU", "hello"));
    assert_true(rating_in_russian("en", "Добрый день") && rating_in_russian("", "Спасибо!"));
    assert_false(rating_in_russian("en", "hello") || rating_in_russian("", "") ||
                 rating_in_russian("run", "x") || rating_in_russian("", "日本語"));
    json_t *q = rating_question(rating_words(RATING_QUESTION, false), true);
    const json_t *row = json_array_get(json_object_get(q, "buttons"), 0);
    assert_int_equal(json_array_size(row), RATING_MAX);
    const char *last = json_string_value(json_object_get(json_array_get(row, 4), "text"));
    assert_string_equal(last, "5");
    json_decref(q);
    q = rating_question(rating_words(RATING_QUESTION, true), false);
    assert_null(json_object_get(q, "buttons"));
    assert_string_equal(json_string_value(json_object_get(q, "rating")), "question");
    json_decref(q);
    json_t *e = rating_event(2);
    assert_string_equal(
        json_string_value(json_object_get(json_object_get(e, "event"), "text")), "2 of 5");
    json_decref(e);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_only_a_digit_is_one),
        cmocka_unit_test(test_of_a_mail_only_his_own_words),
        cmocka_unit_test(test_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
