/* espocrm_wire_test.c - queries, marks and records (crm.md 6). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "connectors/espocrm/espocrm_wire.h"

#define ID "01J5ABCDEFGHJKMNPQRSTVWXYZ"

static const struct espocrm_fields fields = {"Contact", "cGwId", "cGwMessengers"};

static void test_marks(void **state) {
    static const char *const ours[] = {
        "x\n#" ID, "#" ID, "…#" ID " 2/13", "#" ID "+1", "#" ID " 2/2 +3", "#" ID " +1\n"};
    static const char *const not_ours[] = {
        "", "#", "#" ID "X", "#01J5", "#" ID " and so on", "#" ID "\nmore", "# 1 in the list"};
    char message[ESPOCRM_MESSAGE_SIZE];
    (void)state;
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++) {
        assert_true(espocrm_message_of(ours[i], message));
        assert_string_equal(message, ID);
    }
    for (size_t i = 0; i < sizeof not_ours / sizeof *not_ours; i++)
        assert_false(espocrm_message_of(not_ours[i], message));
}

static void test_ids(void **state) {
    (void)state;
    assert_true(espocrm_is_id("69f8a2b3c4d5e6f70"));
    assert_false(espocrm_is_id(""));
    assert_false(espocrm_is_id("../User"));
    assert_false(espocrm_is_id("a/b"));
    assert_false(espocrm_is_id("a?b"));
    assert_false(espocrm_is_id("a b"));
}

static void test_a_search_has_only_what_is_proven(void **state) {
    json_t *ways = json_pack("[{s:s,s:s,s:b},{s:s,s:s,s:b},{s:s,s:s,s:b},{s:s,s:s,s:b}]", "kind",
        "messenger", "value", "telegram:4&2", "proven", 1, "kind", "phone", "value", "+79161234567",
        "proven", 1, "kind", "phone", "value", "+79990000000", "proven", 0, "kind", "mail", "value",
        "a+b@x.org", "proven", 1);
    struct crm_flow_who who = {.mark = "switchboard:C", .ways = ways};
    (void)state;
    char *path = espocrm_find_path(&fields, &who);
    assert_non_null(strstr(path, "=equals&where%5B0%5D%5Bvalue%5D%5B0%5D%5Battribute%5D=cGwId"));
    assert_non_null(strstr(path, "=switchboard%3AC"));
    assert_non_null(strstr(path, "=telegram%3A4%262"));
    assert_non_null(strstr(path, "=%25916%25123%2545%2567%25"));
    assert_non_null(strstr(path, "=a%2Bb%40x.org"));
    assert_null(strstr(path, "999"));
    free(path);
    json_decref(ways);
}

static void test_changes_fill_what_is_empty(void **state) {
    json_t *record = json_pack("{s:s,s:s,s:n}", "id", "1", "phoneNumber", "+1", "emailAddress");
    json_t *missing = json_pack("[{s:s,s:s},{s:s,s:s},{s:s,s:s},{s:s,s:s},{s:s,s:s}]", "kind",
        "mark", "value", "switchboard:C", "kind", "phone", "value", "+2", "kind", "mail", "value",
        "a@x.org", "kind", "mail", "value", "b@x.org", "kind", "messenger", "value", "vk:1");
    (void)state;
    json_object_set_new(record, "cGwMessengers", json_string("telegram:7"));
    json_t *changes = espocrm_changes(&fields, record, missing, false);
    json_t *wanted = json_pack("{s:s,s:s,s:s}", "cGwId", "switchboard:C", "emailAddress", "a@x.org",
        "cGwMessengers", "telegram:7 vk:1");
    assert_true(json_equal(changes, wanted));
    json_object_del(wanted, "emailAddress");
    json_t *plain = espocrm_changes(&fields, record, missing, true);
    assert_true(json_equal(plain, wanted));
    json_object_set_new(record, "cGwId", json_string("switchboard:D")); /* another client's card */
    json_t *others = espocrm_changes(&fields, record, missing, true);
    assert_null(json_object_get(others, "cGwId"));
    json_decref(others);
    json_decref(plain);
    json_decref(changes);
    json_decref(wanted);
    json_decref(missing);
    json_decref(record);
}

static void expect_name(const char *name, const char *first, const char *last) {
    json_t *ways = json_array();
    struct crm_flow_who who = {.mark = "m", .name = name, .ways = ways};
    json_t *record = espocrm_record(&fields, &who);
    const char *got = json_string_value(json_object_get(record, "firstName"));
    assert_string_equal(got ? got : "", first);
    assert_string_equal(json_string_value(json_object_get(record, "lastName")), last);
    json_decref(record);
    json_decref(ways);
}

static void test_names(void **state) {
    (void)state;
    expect_name("Ann", "", "Ann");
    expect_name("Ann Mary Smith", "Ann Mary", "Smith");
    expect_name("Ann ", "", "Ann");
    expect_name(" ", "", "?");
}

static void test_file_types(void **state) {
    json_t *file = json_pack("{s:s}", "mime", "text/plain");
    (void)state;
    assert_string_equal(espocrm_file_type(file), "text/plain");
    json_object_set_new(file, "mime", json_string("text/plain;base64,PHN2Zz4="));
    assert_string_equal(espocrm_file_type(file), "application/octet-stream");
    json_object_set_new(file, "mime", json_string("text"));
    assert_string_equal(espocrm_file_type(file), "application/octet-stream");
    json_decref(file);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_marks),
        cmocka_unit_test(test_ids),
        cmocka_unit_test(test_a_search_has_only_what_is_proven),
        cmocka_unit_test(test_changes_fill_what_is_empty),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_file_types),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
