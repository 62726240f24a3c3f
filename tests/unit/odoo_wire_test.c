/* odoo_wire_test.c - calls, errors and contacts (crm.md 5, 8.1). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "connectors/odoo/odoo_wire.h"

#define ID "01J5ABCDEFGHJKMNPQRSTVWXYZ"

static const struct odoo_fields fields = {"x_mark", "x_msgr", "none", true, true};

static void expect_json(json_t *got, const char *wanted) {
    json_t *j = json_loads(wanted, JSON_DECODE_ANY, NULL);
    char *text = json_dumps(got, JSON_COMPACT | JSON_ENCODE_ANY);
    if (!json_equal(got, j))
        fail_msg("%s instead of %s", text, wanted);
    free(text);
    json_decref(j);
    json_decref(got);
}

static void expect_body(char *body, const char *wanted) {
    expect_json(json_loads(body, 0, NULL), wanted);
    free(body);
}

static void test_bodies(void **state) {
    struct odoo_call make = {
        "res.partner", "create", NULL, json_pack("{s:[{s:s}]}", "vals_list", "name", "Ann")};
    struct odoo_call write = {
        "res.partner", "write", json_pack("[i]", 7), json_pack("{s:{}}", "vals")};
    (void)state;
    expect_body(odoo_login_body("db", "me", "key"),
        "{\"jsonrpc\":\"2.0\",\"method\":\"call\",\"id\":1,\"params\":{\"service\":\"common\","
        "\"method\":\"authenticate\",\"args\":[\"db\",\"me\",\"key\",{}]}}");
    expect_body(odoo_rpc_body("db", 2, "key", &make, 0),
        "{\"jsonrpc\":\"2.0\",\"method\":\"call\",\"id\":1,\"params\":{\"service\":\"object\","
        "\"method\":\"execute_kw\",\"args\":[\"db\",2,\"key\",\"res.partner\",\"create\","
        "[[{\"name\":\"Ann\"}]],{\"context\":{\"lang\":\"en_US\",\"active_test\":false,"
        "\"mail_create_nosubscribe\":true}}]}}");
    expect_body(odoo_rpc_body("db", 2, "key", &write, 3),
        "{\"jsonrpc\":\"2.0\",\"method\":\"call\",\"id\":1,\"params\":{\"service\":\"object\","
        "\"method\":\"execute_kw\",\"args\":[\"db\",2,\"key\",\"res.partner\",\"write\",[[7]],"
        "{\"vals\":{},\"context\":{\"lang\":\"en_US\",\"active_test\":false,"
        "\"mail_create_nosubscribe\":true,\"allowed_company_ids\":[3]}}]}}");
    expect_body(odoo_json2_body(&write, 0),
        "{\"ids\":[7],\"vals\":{},\"context\":{\"lang\":\"en_US\",\"active_test\":false,"
        "\"mail_create_nosubscribe\":true}}");
    json_decref(make.named);
    json_decref(write.named);
    json_decref(write.ids);
}

static void expect_result(
    bool json2, int status, const char *body, enum err_code code, const char *words) {
    struct err err = {0};
    json_t *result;
    struct http_answer a = {
        .status = status, .body = span_str(body), .content_type = "", .retry_after_s = -1};
    int rc = odoo_result(&a, json2, &result, &err);
    assert_int_equal(rc, code ? -1 : 0);
    assert_int_equal(err.code, code);
    if (words)
        assert_non_null(strstr(err.text, words));
    assert_int_equal(result == NULL, code != ERR_NONE);
    json_decref(result);
}

#define RPC_ERROR(name, said)                                                                      \
    "{\"error\":{\"code\":200,\"message\":\"Odoo Server Error\",\"data\":{\"name\":\"" name        \
    "\",\"message\":\"" said "\",\"debug\":\"secret traceback\"}}}"
#define JSON2_ERROR(name, said) "{\"name\":\"" name "\",\"message\":\"" said "\"}"

static void test_results(void **state) {
    (void)state;
    expect_result(false, 200, "{\"result\":[]}", ERR_NONE, NULL);
    expect_result(false, 200, "{\"result\":false}", ERR_NONE, NULL);
    expect_result(false, 200, "{}", ERR_PROTOCOL, "url");
    expect_result(false, 200, "<html>", ERR_PROTOCOL, NULL);
    expect_result(false, 502, "<html>", ERR_UNAVAILABLE, NULL);
    expect_result(false, 200, RPC_ERROR("odoo.exceptions.AccessDenied", "Access Denied"), ERR_AUTH,
        "Access Denied");
    expect_result(
        false, 200, RPC_ERROR("odoo.exceptions.ValidationError", "a\\nb"), ERR_INVALID, "a b");
    expect_result(
        false, 200, RPC_ERROR("odoo.exceptions.MissingError", "gone"), ERR_NOT_FOUND, "gone");
    expect_result(false, 200, RPC_ERROR("odoo.exceptions.AccessError", "no"), ERR_DENIED, "no");
    expect_result(false, 200, RPC_ERROR("psycopg2.errors.SerializationFailure", "busy"),
        ERR_UNAVAILABLE, "busy");
    expect_result(false, 200, RPC_ERROR("builtins.ValueError", "Invalid field"), ERR_PROTOCOL,
        "Invalid field");
    expect_result(true, 200, "25", ERR_NONE, NULL);
    expect_result(true, 200, "true", ERR_NONE, NULL);
    expect_result(true, 200, "", ERR_PROTOCOL, NULL);
    expect_result(true, 401, JSON2_ERROR("werkzeug.exceptions.Unauthorized", "Invalid apikey"),
        ERR_AUTH, "apikey");
    expect_result(true, 422, JSON2_ERROR("odoo.exceptions.UserError", "no"), ERR_INVALID, NULL);
    expect_result(
        true, 404, JSON2_ERROR("odoo.exceptions.MissingError", "no"), ERR_NOT_FOUND, NULL);
    expect_result(true, 429, JSON2_ERROR("any", "slow"), ERR_TOO_MANY, NULL);
    expect_result(true, 401, "<html>", ERR_AUTH, NULL);
    expect_result(true, 503, "", ERR_UNAVAILABLE, NULL);
    expect_result(true, 302, "", ERR_PROTOCOL, NULL);
}

static void test_message_ids(void **state) {
    char message[ODOO_MESSAGE_SIZE];
    (void)state;
    assert_true(odoo_message_of("<switchboard." ID ".0@gateway>", message));
    assert_string_equal(message, ID);
    assert_true(odoo_message_of("<switchboard." ID ".12@gateway>", message));
    assert_false(odoo_message_of("<switchboard." ID "X.0@gateway>", message));
    assert_false(odoo_message_of("<switchboard.01J5.0@gateway>", message));
    assert_false(odoo_message_of("<1@odoo>", message));
    assert_false(odoo_message_of("", message));
}

static json_t *some_ways(void) {
    return json_pack("[{s:s,s:s,s:b},{s:s,s:s,s:b},{s:s,s:s,s:b},{s:s,s:s,s:b}]", "kind",
        "messenger", "value", "telegram:42", "proven", 1, "kind", "phone", "value", "+79990000000",
        "proven", 0, "kind", "phone", "value", "+79161234567", "proven", 1, "kind", "mail", "value",
        "a@x.org", "proven", 1);
}

static void test_searches(void **state) {
    json_t *ways = some_ways();
    struct crm_flow_who who = {.mark = "switchboard:C", .ways = ways};
    struct odoo_fields old = fields;
    (void)state;
    expect_json(odoo_mark_domain(&fields, &who), "[[\"x_mark\",\"=\",\"switchboard:C\"]]");
    expect_json(odoo_find_domain(&fields, &who),
        "[\"|\",\"|\",[\"x_msgr\",\"ilike\","
        "\"telegram:42\"],[\"phone_mobile_search\",\"ilike\",\"9161234567\"],[\"email\","
        "\"=ilike\",\"a@x.org\"]]");
    old.has_search = false;
    old.messenger = "";
    expect_json(odoo_find_domain(&old, &who),
        "[\"|\",\"|\",[\"phone\",\"=ilike\","
        "\"%916%123%45%67%\"],[\"mobile\",\"=ilike\",\"%916%123%45%67%\"],[\"email\",\"=ilike\","
        "\"a@x.org\"]]");
    json_array_clear(ways);
    assert_null(odoo_find_domain(&fields, &who));
    json_decref(ways);
}

static void test_contacts(void **state) {
    json_t *ways = some_ways(), *utm = json_pack("{s:i}", "source_id", 5);
    struct crm_flow_who who = {.mark = "switchboard:C", .name = "Ann", .ways = ways};
    struct odoo_fields led = {"x_mark", "", "lead", true, true};
    (void)state;
    expect_json(odoo_contact(&fields, &who, NULL),
        "{\"name\":\"Ann\",\"company_type\":\"person\",\"x_mark\":\"switchboard:C\",\"phone\":"
        "\"+79161234567\",\"email\":\"a@x.org\",\"x_msgr\":\"telegram:42\",\"comment\":"
        "\"+79990000000\"}");
    json_array_append_new(ways, json_pack("{s:s,s:s}", "kind", "messenger", "value", "vk:<b>"));
    expect_json(odoo_contact(&led, &who, utm),
        "{\"name\":\"Ann\",\"company_type\":\"person\",\"x_mark\":\"switchboard:C\",\"phone\":"
        "\"+79161234567\",\"email\":\"a@x.org\",\"comment\":"
        "\"telegram:42<br>+79990000000<br>vk:&#60;b&#62;\",\"opportunity_ids\":[[0,0,{\"name\":"
        "\"Ann\",\"type\":\"lead\",\"contact_name\":\"Ann\",\"phone\":\"+79161234567\","
        "\"email_from\":\"a@x.org\",\"source_id\":5}]]}");
    json_decref(utm);
    json_decref(ways);
}

static void test_changes(void **state) {
    json_t *record = json_pack("{s:b,s:s,s:b,s:s,s:s}", "x_mark", 0, "phone", "+1", "mobile", 0,
        "email", "b@x.org", "x_msgr", "vk:1");
    json_t *missing = some_ways();
    (void)state;
    json_array_append_new(missing, json_pack("{s:s,s:s}", "kind", "mark", "value", "m"));
    expect_json(odoo_changes(&fields, record, missing, false),
        "{\"x_msgr\":\"vk:1 telegram:42\",\"mobile\":\"+79990000000\",\"x_mark\":\"m\"}");
    expect_json(odoo_changes(&fields, record, missing, true),
        "{\"x_msgr\":\"vk:1 telegram:42\",\"x_mark\":\"m\"}");
    json_decref(missing);
    json_decref(record);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bodies),
        cmocka_unit_test(test_results),
        cmocka_unit_test(test_message_ids),
        cmocka_unit_test(test_searches),
        cmocka_unit_test(test_contacts),
        cmocka_unit_test(test_changes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
