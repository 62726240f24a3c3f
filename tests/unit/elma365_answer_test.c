/* elma365_answer_test.c - answers, cards, feeds and names (crm.md 1). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "connectors/elma365/elma365_compose.h"

#define ID "01J5ABCDEFGHJKMNPQRSTVWXYZ"
#define OTHER "01J6ABCDEFGHJKMNPQRSTVWXYZ"

static const struct elma365_fields fields = {"_phone", "_email", "gw_ids", "_fullname", "_owner"};

static json_t *parse(const char *text) {
    json_t *j = json_loads(text, 0, NULL);
    assert_non_null(j);
    return j;
}

static enum err_code code_of(int status, const char *body, char text[320]) {
    struct err err = {0};
    struct http_answer a = {.status = status,
        .body = span_of(body, strlen(body)),
        .content_type = "",
        .retry_after_s = -1};
    json_t *j = elma365_result(&a, &err);
    strcpy(text, j ? "" : err.text);
    json_decref(j);
    return j ? ERR_NONE : err.code;
}

static void test_the_status_is_not_the_result(void **state) {
    char text[320];
    (void)state;
    assert_int_equal(code_of(200, "{\"success\":true,\"error\":\"\"}", text), ERR_NONE);
    assert_int_equal(code_of(200, "{\"success\":false,\"error\":\"no\"}", text), ERR_INVALID);
    assert_string_equal(text, "ELMA365: no");
    assert_int_equal(code_of(200, "{\"item\":{}}", text), ERR_PROTOCOL);
    assert_int_equal(code_of(200, "<html>", text), ERR_PROTOCOL);
    assert_int_equal(code_of(204, "", text), ERR_PROTOCOL);
    assert_int_equal(code_of(403, "{\"success\":false,\"error\":\"who\"}", text), ERR_DENIED);
    assert_int_equal(code_of(404, "", text), ERR_NOT_FOUND);
    assert_int_equal(code_of(404, " <html>", text), ERR_UNAVAILABLE); /* a proxy's */
    assert_int_equal(code_of(404, "404 page not found", text), ERR_UNAVAILABLE);
    assert_int_equal(code_of(429, "", text), ERR_TOO_MANY);
    assert_int_equal(code_of(502, "<html>", text), ERR_UNAVAILABLE);
}

static void test_a_part_of_a_word_is_no_hit(void **state) {
    (void)state;
    json_t *answer = parse("{\"result\":{\"result\":["
                           "{\"__id\":\"a\",\"gw_ids\":\"telegram:42 telegram:421\"},"
                           "{\"__id\":\"b\",\"gw_ids\":\"telegram:421\"},"
                           "{\"__id\":\"c\",\"gw_ids\":\"telegram:42\",\"__deletedAt\":\"2026\"},"
                           "{\"__id\":\"d e\",\"gw_ids\":\"telegram:42\"}]}}");
    json_t *found = json_array();
    elma365_hits(answer, &fields, "messenger", "telegram:42", "RU", found);
    assert_int_equal(json_array_size(found), 1);
    assert_string_equal(json_string_value(json_object_get(json_array_get(found, 0), "card")), "a");
    json_decref(found);
    json_decref(answer);
}

static void test_a_feed_is_ours_in_the_order_of_making(void **state) {
    (void)state;
    struct elma365_names names;
    struct err err;
    elma365_names_read(&names, NULL);
    json_t *answer =
        parse("{\"result\":{\"result\":["
              "{\"__id\":\"3\",\"body\":\"x\\n#" OTHER " +1\",\"__createdAt\":\"2026-02\"},"
              "{\"__id\":\"2\",\"body\":\"see #" ID " there\",\"__createdAt\":\"2026-01\"},"
              "{\"__id\":\"1\",\"body\":\"Dialogue X\",\"__createdAt\":\"2025\",\"comments\":["
              "{\"body\":\"a #" ID " 1/2\",\"__createdAt\":\"2026-01\"}]}]}}");
    json_t *all = json_array();
    assert_int_equal(elma365_entries(answer, &names, NULL, all, &err), 3);
    json_t *shown = elma365_in_order(all);
    assert_int_equal(json_array_size(shown), 2);
    const json_t *first = json_array_get(shown, 0), *last = json_array_get(shown, 1);
    assert_string_equal(json_string_value(json_object_get(first, "message")), ID);
    assert_string_equal(json_string_value(json_object_get(first, "id")), "#" ID);
    assert_string_equal(json_string_value(json_object_get(last, "id")), "3");
    assert_string_equal(elma365_message_with(answer, &names, "X"), "1");
    json_decref(shown);
    json_decref(all);
    json_decref(answer);
}

static void test_what_is_there_stays(void **state) {
    (void)state;
    json_t *item =
        parse("{\"__externalId\":\"1C:7\",\"_phone\":[{\"type\":\"work\",\"tel\":\"8900\"}],"
              "\"_email\":null}");
    json_t *missing = parse("[{\"kind\":\"mark\",\"value\":\"switchboard:C\"},"
                            "{\"kind\":\"phone\",\"value\":\"+79001234567\"},"
                            "{\"kind\":\"messenger\",\"value\":\"with space: 1\"}]");
    json_t *context = elma365_additions(item, missing, &fields);
    assert_null(json_object_get(context, "__externalId"));
    assert_null(json_object_get(context, "_email"));
    assert_int_equal(json_array_size(json_object_get(context, "_phone")), 2);
    assert_string_equal(json_string_value(json_object_get(context, "gw_ids")), "switchboard:C");
    json_decref(context);
    json_decref(missing);
    json_decref(item);
}

static void test_names_are_corrected(void **state) {
    static const char *const rows[] = {"rows=data.posts", "comment=/v2/{card}/{message}", NULL};
    struct elma365_place at = {"_clients", "_contacts", "a/b", "m?1"};
    struct elma365_names names;
    struct err err;
    (void)state;
    elma365_names_read(&names, rows);
    assert_string_equal(names.of[NAME_ROWS], "data.posts");
    char *path = elma365_path("https://x/pub/v1", names.of[NAME_COMMENT], &at);
    assert_string_equal(path, "https://x/pub/v1/v2/a%2Fb/m%3F1");
    free(path);
    assert_int_equal(elma365_names_check("rows=data.posts", &err), 0);
    assert_int_equal(elma365_names_check("message=feed", &err), -1);
    assert_int_equal(elma365_names_check("nothing=1", &err), -1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_status_is_not_the_result),
        cmocka_unit_test(test_a_part_of_a_word_is_no_hit),
        cmocka_unit_test(test_a_feed_is_ours_in_the_order_of_making),
        cmocka_unit_test(test_what_is_there_stays),
        cmocka_unit_test(test_names_are_corrected),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
