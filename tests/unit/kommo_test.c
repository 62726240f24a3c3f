/* kommo_test.c - signatures against vectors made elsewhere; contacts, notes, payloads, hooks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "connectors/kommo/kommo_answer.h"
#include "connectors/kommo/kommo_compose.h"
#include "connectors/kommo/kommo_event.h"
#include "net/http_form.h"

#define SECRET "5a44c5dff55f3c15a4cce8d7c4cc27e207c7e189"
#define MESSAGE "01JDFX3T5KABCDEFGHJKMNPQRS"

/* The values were computed with Python's hashlib and hmac. */
static void requests_are_signed_as_the_vendor_says(void **state) {
    static const char body[] = "{\"account_id\":\"af9945ff-1490-4cad-807d-945c15d88bec\","
                               "\"title\":\"Чат\",\"hook_api_version\":\"v2\"}";
    struct kommo_signature s;
    (void)state;
    kommo_sign(SECRET, "POST", "/v2/origin/custom/f90ba33d-c9d9-44da-b76c-c349b0ecbe41/connect",
        span_str(body), 1601737881999, &s);
    assert_string_equal(s.date, "Sat, 03 Oct 2020 15:11:21 +0000");
    assert_string_equal(s.md5, "ce27e0f8bef79f5703e7c55e5caec76a");
    assert_string_equal(s.signature, "e048f9c5da79e29305db820a00b191b2b2644d36");
    kommo_sign(SECRET, "GET", "/v2/origin/custom/x_y/chats/1/history", span_of(NULL, 0),
        1795910405000, &s);
    assert_string_equal(s.date, "Sun, 29 Nov 2026 00:00:05 +0000");
    assert_string_equal(s.md5, "d41d8cd98f00b204e9800998ecf8427e");
    assert_string_equal(s.signature, "a82905b1b1957667b6b8851624a0b6ecf54aeeba");
}

static void a_hook_is_theirs_or_not(void **state) {
    static const char body[] =
        "{\"account_id\":\"52e591f7\",\"time\":1639572261,\"message\":{\"text\":\"Да\"}}";
    static const char good[] = "5806bebc86a569bcce1fe43c8c28af618ea06a7f";
    (void)state;
    assert_true(kommo_is_signed(SECRET, span_str(body), good));
    assert_false(kommo_is_signed(SECRET, span_of(body, sizeof body - 2), good));
    assert_true(kommo_is_signed(SECRET,
        span_str(
            "{\"account_id\":\"52e591f7\",\"time\":1639572261,\"message\":{\"text\":\"Да\"}}\n"),
        good));
    assert_false(kommo_is_signed("another", span_str(body), good));
    assert_false(kommo_is_signed(SECRET, span_str(body), NULL));
    assert_false(kommo_is_signed(SECRET, span_str(body), ""));
    assert_false(kommo_is_signed("", span_str(body), good));
}

/* --- contacts -------------------------------------------------------------------------------- */

static json_t *contact(void) {
    return json_loads(
        "{\"id\":7,\"name\":\"Anna\",\"responsible_user_id\":17,\"custom_fields_values\":["
        "{\"field_id\":1,\"field_code\":\"PHONE\",\"values\":[{\"value\":\"8 (900) 1\","
        "\"enum_id\":3,\"enum_code\":\"MOB\"}]},"
        "{\"field_id\":77,\"field_code\":\"SB\",\"values\":[{\"value\":\"switchboard:A "
        "telegram:42\"}]}]}",
        0, NULL);
}

static void assert_json(json_t *got, const char *want) {
    json_t *j = json_loads(want, JSON_DECODE_ANY, NULL);
    char *text = json_dumps(got, JSON_COMPACT | JSON_ENCODE_ANY);
    assert_non_null(j);
    if (!json_equal(got, j))
        assert_string_equal(text, want);
    free(text);
    json_decref(j);
    json_decref(got);
}

static void a_contact_holds_what_finds_it(void **state) {
    json_t *c = contact();
    (void)state;
    for (size_t i = 0; i < 2; i++)
        assert_json(kommo_card(c, i ? "77" : "SB"),
            "{\"id\":\"7\",\"name\":\"Anna\",\"responsible\":\"17\",\"user\":\"17\",\"ways\":["
            "{\"kind\":\"phone\",\"value\":\"8 (900) 1\"},{\"kind\":\"mark\",\"value\":"
            "\"switchboard:A\"},{\"kind\":\"messenger\",\"value\":\"telegram:42\"}]}");
    json_object_set_new(c, "is_deleted", json_true());
    assert_null(kommo_card(c, "SB"));
    json_decref(c);
}

static void changes_are_of_contacts(void **state) {
    static const char form[] =
        "contacts[update][0][id]=7&contacts[update][0][type]=contact&contacts[update][1][id]=8&"
        "contacts[update][1][old_responsible_user_id]=17&contacts[responsible][0][id]=9&"
        "contacts[update][2][id]=10&contacts[update][2][type]=company&contacts[add][0][id]=11&"
        "contacts[update][3][id]=x&contacts[update][4]=12&leads[update][0][id]=13";
    struct err err;
    (void)state;
    json_t *hook = http_form(span_str(form), &err), *all = kommo_changes(hook), *one;
    json_t *got = json_array();
    size_t i;
    json_array_foreach(all, i, one) {
        const json_t *event = json_object_get(one, "event");
        assert_true(crm_flow_is_change(event));
        json_array_append_new(
            got, json_pack("[O,O,O]", json_object_get(one, "lane"), json_object_get(event, "name"),
                     json_object_get(event, "user")));
    }
    assert_json(got, "[[\"7\",\"maybe\",\"maybe\"],[\"8\",\"maybe\",\"changed\"],"
                     "[\"9\",\"maybe\",\"changed\"]]");
    json_decref(all);
    json_decref(hook);
}

static void what_is_there_stays(void **state) {
    static const struct kommo_contact_options o = {.mark_field = "77"};
    json_t *c = contact();
    json_t *missing = json_loads("[{\"kind\":\"phone\",\"value\":\"+79001234567\"},"
                                 "{\"kind\":\"messenger\",\"value\":\"visitor:01\"},"
                                 "{\"kind\":\"messenger\",\"value\":\"telegram:42\"},"
                                 "{\"kind\":\"messenger\",\"value\":\"a b\"}]",
        0, NULL);
    (void)state;
    assert_json(kommo_contact_add(c, missing, false, &o),
        "{\"custom_fields_values\":[{\"field_id\":77,\"values\":[{\"value\":\"switchboard:A "
        "telegram:42 visitor:01\"}]},{\"field_code\":\"PHONE\",\"values\":[{\"value\":\"8 (900) "
        "1\",\"enum_code\":\"MOB\"},{\"value\":\"+79001234567\",\"enum_code\":\"WORK\"}]}]}");
    json_array_clear(missing);
    assert_null(kommo_contact_add(c, missing, false, &o));
    json_decref(missing);
    json_decref(c);
}

static void a_number_is_asked_for_in_several_writings(void **state) {
    json_t *ways = json_loads("[{\"kind\":\"messenger\",\"value\":\"telegram:42\",\"proven\":true},"
                              "{\"kind\":\"phone\",\"value\":\"+79001234567\",\"proven\":true},"
                              "{\"kind\":\"mail\",\"value\":\"a@b\",\"proven\":false}]",
        0, NULL);
    struct crm_flow_who who = {.mark = "switchboard:A", .ways = ways};
    (void)state;
    assert_json(kommo_queries(&who),
        "[\"switchboard:A\",\"telegram:42\",\"1234567\",\"123-45-67\",\"123 45 67\"]");
    json_decref(ways);
}

/* --- answers --------------------------------------------------------------------------------- */

static void expect_error(int status, const char *body, enum err_code code, const char *words) {
    struct err err;
    struct http_answer a = {
        .status = status, .body = span_str(body), .content_type = "", .retry_after_s = -1};
    assert_null(kommo_answer(&a, &err));
    assert_int_equal(err.code, code);
    assert_non_null(strstr(err.text, words));
}

static void errors_are_in_their_words(void **state) {
    (void)state;
    expect_error(400,
        "{\"detail\":\"Request validation failed\",\"validation-errors\":[{\"errors\":[{\"path\":"
        "\"name\",\"detail\":\"Не должно быть пустым\"}]}]}",
        ERR_INVALID, "Не должно быть пустым (name)");
    expect_error(401, "{\"detail\":\"Unauthorized\"}", ERR_AUTH, "Unauthorized");
    expect_error(402, "", ERR_AUTH, "not paid");
    expect_error(403, "<html>", ERR_DENIED, "403");
    expect_error(404, "{\"error_description\":\"no scope\"}", ERR_NOT_FOUND, "no scope");
    expect_error(429, "", ERR_TOO_MANY, "429");
    expect_error(504, "<html>", ERR_UNAVAILABLE, "504");
}

static void notes_are_ours_by_their_last_mark(void **state) {
    json_t *answer = json_loads(
        "{\"_embedded\":{\"notes\":[{\"id\":5,\"params\":{\"text\":\"he wrote "
        "#01JDFX3T5KABCDEFGHJKMNPQRT\\n#" MESSAGE " 2/3\"}},{\"id\":6,\"params\":{\"text\":\"by "
        "hand "
        "#1\"}},{\"id\":7},{\"id\":8,\"params\":{\"text\":\"#01JDFX3T5KABCDEFGHJKMNPQRT\"}}]}}",
        0, NULL);
    json_t *all = json_array(), *one = json_array();
    (void)state;
    kommo_entries(answer, NULL, all);
    assert_int_equal(json_array_size(all), 2);
    kommo_entries(answer, "#" MESSAGE, one);
    assert_int_equal(json_array_size(one), 1);
    assert_string_equal(json_string_value(json_object_get(json_array_get(one, 0), "id")), "5");
    json_decref(answer);
    json_decref(all);
    json_decref(one);
    assert_int_equal(kommo_mark_since("#01JDFX3T5KABCDEFGHJKMNPQRS"), 1732479412 - 86400);
    assert_int_equal(kommo_mark_since("#nonsense"), 0);
}

/* --- chats ----------------------------------------------------------------------------------- */

static json_t *message(const char *direction) {
    return json_pack("{s:s,s:s,s:s,s:s,s:s}", "id", MESSAGE, "thread", "01THREAD", "direction",
        direction, "text", "Где заказ?", "received_at", "2026-11-29T12:04:00.250Z");
}

static void who_wrote_is_who_stands_there(void **state) {
    static const char *const users[] = {"anna=76fc", NULL};
    struct kommo_compose_options o = {.text = {.max = 10000},
        .country = "RU",
        .bot = "b07",
        .users = users,
        .now_ms = 1795953840250};
    json_t *client =
        json_pack("{s:s,s:s,s:s}", "id", "01CLIENT", "name", "Анна", "phone", "8 900 123-45-67");
    json_t *in = message("in"), *out = message("out");
    (void)state;
    assert_json(kommo_messages(in, client, false, &o),
        "[{\"event_type\":\"new_message\",\"payload\":{\"timestamp\":1795953840,\"msec_timestamp\":"
        "1795953840250,\"msgid\":\"" MESSAGE "\",\"conversation_id\":\"01THREAD\",\"message\":{"
        "\"type\":\"text\",\"text\":\"Где заказ?\"},\"sender\":{\"id\":\"01CLIENT\",\"name\":"
        "\"Анна\",\"profile\":{\"phone\":\"+79001234567\"}},\"silent\":false}}]");
    o.now_ms += 25LL * 3600 * 1000; /* history calls nobody */
    json_object_set_new(in, "text", json_string(""));
    json_object_set_new(
        in, "location", json_pack("{s:f,s:f,s:s}", "lat", 55.5, "lon", 37.25, "name", "Kremlin"));
    json_t *old = kommo_messages(in, client, false, &o);
    json_t *payload = json_object_get(json_array_get(old, 0), "payload");
    assert_true(json_is_true(json_object_get(payload, "silent")));
    assert_json(json_incref(json_object_get(payload, "message")),
        "{\"type\":\"location\",\"text\":\"Kremlin\",\"location\":{\"lon\":37.25,\"lat\":55.5}}");
    json_decref(old);
    for (size_t i = 0; i < 2; i++) {
        json_object_set_new(out, "from", json_pack("{s:s}", "agent", i ? "bob" : "anna"));
        json_t *all = kommo_messages(out, client, false, &o);
        const json_t *p = json_object_get(json_array_get(all, 0), "payload");
        const json_t *by = json_object_get(json_object_get(p, "sender"), "ref_id");
        const json_t *to = json_object_get(json_object_get(p, "receiver"), "id");
        assert_string_equal(json_string_value(by), i ? "b07" : "76fc");
        assert_string_equal(json_string_value(to), "01CLIENT");
        json_decref(all);
    }
    json_decref(in);
    json_decref(out);
    json_decref(client);
}

static void statuses_have_numbers(void **state) {
    json_t *m = json_pack("{s:s,s:{s:s}}", "status", "read", "error", "text", "no such number");
    (void)state;
    assert_json(kommo_status(m, "x"), "{\"msgid\":\"x\",\"delivery_status\":2,\"status_code\":2}");
    json_object_set_new(m, "status", json_string("failed"));
    assert_json(kommo_status(m, "x"),
        "{\"msgid\":\"x\",\"delivery_status\":-1,\"status_code\":-1,\"error_code\":905,\"error\":"
        "\"no such number\"}");
    json_object_set_new(m, "status", json_string("sent"));
    assert_null(kommo_status(m, "x"));
    json_decref(m);
}

static json_t *event_of(const char *body) {
    struct err err;
    json_t *event;
    assert_int_equal(kommo_event(span_str(body), &event, &err), 0);
    return event;
}

static void hooks_are_read(void **state) {
    struct err err;
    json_t *event;
    (void)state;
    assert_json(
        event_of("{\"account_id\":\"a\",\"time\":1,\"message\":{\"receiver\":{\"id\":\"r\"},"
                 "\"sender\":{\"id\":\"s\",\"name\":\"Olga\"},\"conversation\":{\"id\":\"c\","
                 "\"client_id\":\"t\"},\"message\":{\"id\":\"m\",\"type\":\"picture\","
                 "\"text\":\"\",\"media\":\"https://x/y\",\"file_name\":\"y.png\"}}}"),
        "{\"id\":\"m\",\"chat\":\"c\",\"thread\":\"t\",\"account\":\"a\",\"sender\":\"s\","
        "\"author\":\"Olga\",\"text\":\"\",\"file\":{\"url\":\"https://x/y\",\"name\":\"y.png\"}}");
    assert_null(event_of("{\"account_id\":\"a\",\"action\":{\"typing\":{}}}"));
    assert_null(
        event_of("{\"message\":{\"message\":{\"id\":\"m\",\"type\":\"text\",\"text\":\"\"}}}"));
    assert_null(event_of(
        "{\"message\":{\"message\":{\"id\":\"m\",\"client_id\":\"ours\",\"text\":\"x\"}}}"));
    assert_int_equal(kommo_event(span_str("[]"), &event, &err), -1);
    assert_int_equal(kommo_event(span_str("{\"message\":{\"message\":{}}}"), &event, &err), -1);
    assert_int_equal(
        kommo_event(span_str("{\"message\":{\"message\":{\"id\":\"../x\"}}}"), &event, &err), -1);
}

static void what_a_chat_tells_is_ours_or_an_operator_s(void **state) {
    json_t *m = json_loads(
        "{\"timestamp\":100,\"sender\":{\"id\":\"s\",\"name\":\"Olga\"},\"message\":{"
        "\"id\":\"m\",\"client_id\":\"\",\"type\":\"text\",\"text\":\"hi\",\"media\":\"\"}}",
        0, NULL);
    (void)state;
    assert_json(kommo_event_told(m, "c", "t", 100),
        "{\"id\":\"m\",\"chat\":\"c\",\"thread\":\"t\",\"account\":\"\",\"sender\":\"s\","
        "\"author\":\"Olga\",\"text\":\"hi\"}");
    assert_null(kommo_event_told(m, "c", "t", 101));
    json_object_set_new(json_object_get(m, "sender"), "client_id", json_string("c"));
    assert_null(kommo_event_told(m, "c", "t", 100));
    json_decref(m);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_are_signed_as_the_vendor_says),
        cmocka_unit_test(a_hook_is_theirs_or_not),
        cmocka_unit_test(a_contact_holds_what_finds_it),
        cmocka_unit_test(changes_are_of_contacts),
        cmocka_unit_test(what_is_there_stays),
        cmocka_unit_test(a_number_is_asked_for_in_several_writings),
        cmocka_unit_test(errors_are_in_their_words),
        cmocka_unit_test(notes_are_ours_by_their_last_mark),
        cmocka_unit_test(who_wrote_is_who_stands_there),
        cmocka_unit_test(statuses_have_numbers),
        cmocka_unit_test(hooks_are_read),
        cmocka_unit_test(what_a_chat_tells_is_ours_or_an_operator_s),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
