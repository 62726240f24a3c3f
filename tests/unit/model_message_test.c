/* model_message_test.c - the words of a message, and what may stand in a body that somebody else
 * wrote. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "model/message.h"

#define TEXT_MAX 20
#define ID "01M84DM5EGXX078JEX5WYT1908"

static void checked(const char *text, enum err_code code, const char *names) {
    struct err err = {0};
    json_t *body = json_loads(text, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    int rc = message_body_check(body, TEXT_MAX, &err);
    json_decref(body);
    if (rc != (code ? -1 : 0) || err.code != code || (names && !strstr(err.text, names)))
        fail_msg("%s: %d \"%s\"", text, err.code, err.text);
}

static void good(const char *text) {
    checked(text, ERR_NONE, NULL);
}

static void refused(const char *text, const char *names) {
    checked(text, ERR_INVALID, names);
}

/* --- words ----------------------------------------------------------------------------------- */

static void statuses_have_names_and_ranks(void **state) {
    static const char *const names[] = {
        "received", "queued", "sending", "unknown", "failed", "sent", "delivered", "read"};
    enum status s;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        assert_string_equal(status_name((enum status)i), names[i]);
        assert_int_equal(status_parse(names[i], &s), 0);
        assert_int_equal(s, i);
    }
    assert_int_equal(STATUS_READ, ARRAY_LEN(names) - 1);
    assert_int_equal(status_parse("", &s), -1);
    assert_int_equal(status_parse("Read", &s), -1);
    assert_int_equal(status_parse("reads", &s), -1);
    assert_true(STATUS_FAILED < STATUS_SENT); /* a later receipt lifts it */
}

static void directions_have_names(void **state) {
    (void)state;
    assert_string_equal(direction_name(DIRECTION_IN), "in");
    assert_string_equal(direction_name(DIRECTION_OUT), "out");
    assert_string_equal(direction_name(DIRECTION_NOTE), "note");
    assert_string_equal(direction_name(DIRECTION_EVENT), "event");
}

/* --- bodies ---------------------------------------------------------------------------------- */

static void something_must_be_said(void **state) {
    (void)state;
    good("{\"text\":\"hello\"}");
    good("{\"html\":\"<b>hello</b>\"}");
    good("{\"attachments\":[\"" ID "\"]}");
    good("{\"text\":\"\",\"attachments\":[\"" ID "\"]}");
    refused("{}", "text or attachments");
    refused("{\"text\":\"\"}", "text or attachments");
    refused("{\"text\":null}", "text or attachments");
    refused("{\"attachments\":[]}", "text or attachments");
    refused("{\"subject\":\"x\",\"note\":true}", "text or attachments");
    refused("[]", "object");
    refused("\"text\"", "object");
    refused("null", "object");
}

static void everything_known_is_taken(void **state) {
    (void)state;
    good("{\"id\":\"k-1\",\"text\":\"a\",\"html\":\"b\",\"subject\":\"c\",\"attachments\":[\"" ID
         "\"],\"reply_to\":\"" ID "\",\"channel\":\"site\",\"note\":false}");
    good("{\"text\":\"a\",\"html\":null,\"reply_to\":null,\"channel\":null,\"note\":null}");
    good("{\"text\":\"tab\\tline\\r\\nend\"}");
    good("{\"text\":\"<script>x</script>\"}"); /* text is text */
}

/* What the gateway itself says of a message cannot be said for it. */
static void nothing_else_is_taken(void **state) {
    static const char *const keys[] = {"from", "status", "seq", "thread", "client", "direction",
        "external_id", "sent_at", "received_at", "event", "raw_type", "poll", "__proto__", ""};
    char text[200];
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        snprintf(text, sizeof text, "{\"text\":\"a\",\"%s\":\"x\"}", keys[i]);
        refused(text, "unknown key");
        refused(text, keys[i]);
    }
}

static void places_contacts_and_templates(void **state) {
    (void)state;
    good("{\"location\":{\"lat\":52.5,\"lon\":-13}}");
    good("{\"location\":{\"lat\":90,\"lon\":180,\"name\":\"Shop\",\"address\":\"Pine St\"}}");
    refused("{\"location\":\"x\"}", "location");
    refused("{\"location\":{\"lat\":91,\"lon\":0}}", "location");
    refused("{\"location\":{\"lat\":1}}", "location");
    refused("{\"location\":{\"lat\":1,\"lon\":2,\"name\":\"a\\nb\"}}", "location");
    refused("{\"location\":{\"lat\":1,\"lon\":2,\"z\":3}}", "location");
    good("{\"contact\":{\"name\":\"Ann\",\"phone\":\"+49 (151) 00-1\"}}");
    refused("{\"contact\":{\"name\":\"Ann\"}}", "contact");
    refused("{\"contact\":{\"name\":\"Ann\",\"phone\":\"call me\"}}", "contact");
    refused("{\"contact\":{\"name\":\"\",\"phone\":\"1\"}}", "contact");
    good("{\"template\":{\"name\":\"order\",\"language\":\"en\"}}");
    good("{\"template\":{\"name\":\"order\",\"language\":\"en\",\"values\":{\"body.1\":\"Ann\"}}}");
    refused("{\"template\":{\"name\":\"order\"}}", "template");
    refused(
        "{\"template\":{\"name\":\"order\",\"language\":\"en\",\"values\":{\"a\":5}}}", "template");
    refused("{\"template\":{\"name\":\"order\",\"language\":\"en\",\"x\":1}}", "template");
    refused("{\"template\":[]}", "template");
}

static void mail_goes_to_addresses(void **state) {
    static const char *const bad[] = {"", "a", "@", "a@", "@b", "a@b@c", "a b@c", "a@b,c@d", "a@b;",
        "A <a@b>", "a@b\\r\\nBcc: c@d", "a@b\\u0000", "a\\\\@b", "(a)a@b"};
    char text[300], longest[202];
    (void)state;
    good("{\"text\":\"a\",\"subject\":\"Re: "
         "x\",\"cc\":[\"a@b.example\",\"\xd1\x8f@\xd1\x8f.example\"],"
         "\"bcc\":[],\"reply_all\":true}");
    good("{\"text\":\"a\",\"cc\":null,\"bcc\":null,\"reply_all\":false}");
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        snprintf(text, sizeof text, "{\"text\":\"a\",\"cc\":[\"a@b\",\"%s\"]}", bad[i]);
        refused(text, "cc[1]");
    }
    memset(longest, 'a', sizeof longest);
    memcpy(longest + 198, "@b", 3);
    snprintf(text, sizeof text, "{\"text\":\"a\",\"bcc\":[\"%s\"]}", longest);
    good(text);
    memcpy(longest + 198, "@bc", 4);
    snprintf(text, sizeof text, "{\"text\":\"a\",\"bcc\":[\"%s\"]}", longest);
    refused(text, "bcc[0]");
    refused("{\"text\":\"a\",\"cc\":\"a@b\"}", "cc must be an array");
    refused("{\"text\":\"a\",\"cc\":{}}", "cc must be an array");
    refused("{\"text\":\"a\",\"bcc\":[5]}", "bcc[0]");
    refused("{\"text\":\"a\",\"reply_all\":1}", "reply_all must be true or false");
    refused("{\"cc\":[\"a@b\"]}", "text or attachments");
}

static void mail_goes_to_few(void **state) {
    json_t *list = json_array(), *body = json_pack("{s:s,s:O}", "text", "a", "cc", list);
    struct err err;
    (void)state;
    for (int i = 0; i < 50; i++)
        json_array_append_new(list, json_string("a@b"));
    assert_int_equal(message_body_check(body, TEXT_MAX, &err), 0);
    json_array_append_new(list, json_string("a@b"));
    assert_int_equal(message_body_check(body, TEXT_MAX, &err), -1);
    assert_non_null(strstr(err.text, "50"));
    json_decref(list);
    json_decref(body);
}

static void types_are_checked(void **state) {
    (void)state;
    refused("{\"text\":5}", "text must be a string");
    refused("{\"text\":[\"a\"]}", "text");
    refused("{\"html\":{}}", "html");
    refused("{\"text\":\"a\",\"subject\":1}", "subject");
    refused("{\"text\":\"a\",\"channel\":true}", "channel");
    refused("{\"text\":\"a\",\"note\":\"yes\"}", "note must be true or false");
    refused("{\"text\":\"a\",\"note\":1}", "note");
    refused("{\"text\":\"a\",\"reply_to\":\"x\"}", "reply_to");
    refused("{\"text\":\"a\",\"reply_to\":5}", "reply_to");
    refused("{\"text\":\"a\",\"attachments\":\"" ID "\"}", "attachments");
    refused("{\"text\":\"a\",\"attachments\":{}}", "attachments");
}

static void control_characters_are_refused(void **state) {
    static const char *const bad[] = {"\\u0000", "\\u0007", "\\u001b[31m", "\\u007f", "\\u0008"};
    char text[100];
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        snprintf(text, sizeof text, "{\"text\":\"a%sb\"}", bad[i]);
        refused(text, "text has control characters");
    }
}

static void lengths_are_in_characters(void **state) {
    (void)state;
    good("{\"text\":\"12345678901234567890\"}");
    checked("{\"text\":\"123456789012345678901\"}", ERR_TOO_LARGE, "20 characters");
    good("{\"text\":\"яяяяяяяяяяяяяяяяяяяя\"}");
    checked("{\"html\":\"яяяяяяяяяяяяяяяяяяяяя\"}", ERR_TOO_LARGE, "html");
    checked("{\"text\":\"a\",\"channel\":\""
            "1234567890123456789012345678901234567890123456789012345678901234x\"}",
        ERR_TOO_LARGE, "channel");
}

/* Beside the characters there is a ceiling in bytes, whatever the configuration says. */
static void bytes_have_a_ceiling(void **state) {
    char *text = mem_alloc(MESSAGE_TEXT_MAX + 3);
    struct err err;
    (void)state;
    for (size_t i = 0; i < MESSAGE_TEXT_MAX + 2; i += 2)
        memcpy(text + i, "\xd1\x8f", 2);
    text[MESSAGE_TEXT_MAX + 2] = '\0';
    json_t *body = json_pack("{s:s}", "text", text);
    assert_int_equal(message_body_check(body, MESSAGE_TEXT_MAX, &err), -1);
    assert_int_equal(err.code, ERR_TOO_LARGE);
    assert_non_null(strstr(err.text, "bytes"));
    text[MESSAGE_TEXT_MAX] = '\0';
    json_object_set_new(body, "text", json_string(text));
    assert_int_equal(message_body_check(body, MESSAGE_TEXT_MAX, &err), 0);
    json_decref(body);
    free(text);
}

static void attachments_are_few_ids(void **state) {
    json_t *list = json_array(), *body = json_pack("{s:O}", "attachments", list);
    struct err err;
    (void)state;
    for (int i = 0; i < MESSAGE_ATTACHMENTS_MAX; i++)
        json_array_append_new(list, json_string(ID));
    assert_int_equal(message_body_check(body, TEXT_MAX, &err), 0);
    json_array_append_new(list, json_string(ID));
    assert_int_equal(message_body_check(body, TEXT_MAX, &err), -1);
    assert_non_null(strstr(err.text, "20"));
    json_decref(list);
    json_decref(body);
    refused("{\"attachments\":[\"" ID "\",\"../etc/passwd\"]}", "attachments[1]");
    refused("{\"attachments\":[{}]}", "attachments[0]");
    refused("{\"attachments\":[null]}", "attachments[0]");
}

/* --- the sender's own key -------------------------------------------------------------------- */

static bool key_ok(const char *key) {
    struct err err;
    json_t *v = json_string(key);
    bool ok = message_key_check(v, &err) == 0;
    json_decref(v);
    return ok;
}

static void keys_are_printable(void **state) {
    char longest[102];
    struct err err;
    (void)state;
    memset(longest, 'k', 101);
    longest[101] = '\0';
    assert_false(key_ok(longest));
    longest[100] = '\0';
    assert_true(key_ok(longest));
    assert_true(key_ok("!~{}\"'"));
    assert_false(key_ok(""));
    assert_false(key_ok("a b"));
    assert_false(key_ok("a\n"));
    assert_false(key_ok("\xd1\x8f"));
    assert_int_equal(message_key_check(NULL, &err), -1);
    assert_int_equal(message_key_check(json_null(), &err), -1);
    refused("{\"text\":\"a\",\"id\":null}", "id must be");
    refused("{\"text\":\"a\",\"id\":5}", "id must be");
    refused("{\"text\":\"a\",\"id\":\"a\\u0000b\"}", "id must be");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(statuses_have_names_and_ranks),
        cmocka_unit_test(directions_have_names),
        cmocka_unit_test(something_must_be_said),
        cmocka_unit_test(everything_known_is_taken),
        cmocka_unit_test(nothing_else_is_taken),
        cmocka_unit_test(places_contacts_and_templates),
        cmocka_unit_test(mail_goes_to_addresses),
        cmocka_unit_test(mail_goes_to_few),
        cmocka_unit_test(types_are_checked),
        cmocka_unit_test(control_characters_are_refused),
        cmocka_unit_test(lengths_are_in_characters),
        cmocka_unit_test(bytes_have_a_ceiling),
        cmocka_unit_test(attachments_are_few_ids),
        cmocka_unit_test(keys_are_printable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
