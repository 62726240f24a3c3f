/* hubspot_answer_test.c - errors, contacts, signatures and what operators wrote (crm.md 4). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_text.h"
#include "base/mem.h"
#include "connectors/hubspot/hubspot_answer.h"
#include "connectors/hubspot/hubspot_channel.h"
#include "model/message.h"

#define THREAD "01M84DM5EGXX078JEX5WYT1908"

static const struct hubspot_properties properties = {
    "gw_id", "firstname", "phone", "mobilephone", "email", "gw_ids"};

static json_t *parse(const char *text) {
    json_t *j = json_loads(text, 0, NULL);
    assert_non_null(j);
    return j;
}

static enum err_code code_of(int status, const char *body, unsigned *retry_ms) {
    struct err err = {0};
    struct http_answer a = {.status = status,
        .body = span_of(body, strlen(body)),
        .content_type = "",
        .retry_after_s = -1};
    json_t *j = hubspot_result(&a, &err, retry_ms);
    json_decref(j);
    return j ? ERR_NONE : err.code;
}

static void test_a_category_says_more_than_the_status(void **state) {
    unsigned ms = 0;
    char id[24];
    (void)state;
    assert_int_equal(code_of(200, "{}", &ms), ERR_NONE);
    assert_int_equal(code_of(204, "", &ms), ERR_PROTOCOL);
    assert_int_equal(code_of(200, "[]", &ms), ERR_PROTOCOL);
    assert_int_equal(
        code_of(403, "{\"category\":\"MISSING_SCOPES\",\"message\":\"x\"}", &ms), ERR_AUTH);
    assert_int_equal(code_of(403, "{\"category\":\"OTHER\",\"message\":\"x\"}", &ms), ERR_DENIED);
    assert_int_equal(code_of(400, "{\"category\":\"VALIDATION_ERROR\"}", &ms), ERR_INVALID);
    assert_int_equal(code_of(429, "{\"policyName\":\"DAILY\"}", &ms), ERR_TOO_MANY);
    assert_int_equal(ms, 900000);
    assert_int_equal(code_of(429, "<html>", &ms), ERR_TOO_MANY);
    assert_int_equal(ms, 1000);
    assert_int_equal(code_of(502, "{\"category\":\"VALIDATION_ERROR\"}", &ms), ERR_UNAVAILABLE);
    assert_int_equal(hubspot_existing("Contact already exists. Existing ID: 17", id), 0);
    assert_string_equal(id, "17");
    assert_int_equal(hubspot_existing("Existing ID: ", id), -1);
    assert_int_equal(hubspot_existing("Existing ID: 123456789012345678901234567890", id), -1);
}

static void test_searches_are_of_what_is_proven_five_at_a_time(void **state) {
    (void)state;
    json_t *ways = parse("[{\"kind\":\"phone\",\"value\":\"+79001234567\",\"proven\":true},"
                         "{\"kind\":\"phone\",\"value\":\"+79007654321\",\"proven\":false},"
                         "{\"kind\":\"mail\",\"value\":\"a@b.ru\",\"proven\":true},"
                         "{\"kind\":\"messenger\",\"value\":\"telegram:1\",\"proven\":true}]");
    json_t *searches = hubspot_searches(ways, &properties);
    assert_int_equal(json_array_size(searches), 2);
    const json_t *groups = json_object_get(json_array_get(searches, 0), "filterGroups");
    assert_int_equal(json_array_size(groups), 5);
    groups = json_object_get(json_array_get(searches, 1), "filterGroups");
    assert_int_equal(json_array_size(groups), 1);
    json_decref(searches);
    json_decref(ways);
}

/* Whence he came, as the page told; what is not known is left out. */
static void test_a_deal(void **state) {
    (void)state;
    static const char *const extra[] = {"utm_source={profile.page.utm.source}",
        "utm_term={profile.page.utm.term}", "amount=5", NULL};
    struct hubspot_deals d = {true, "new", "", "gw_id", extra};
    json_t *client = parse(
        "{\"id\":\"C\",\"name\":\"Ann\",\"profile\":{\"page\":{\"utm\":{\"source\":\"ad\"}}}}");
    json_t *deal = hubspot_deal(client, "17", &d);
    json_t *want =
        parse("{\"properties\":{\"utm_source\":\"ad\",\"amount\":\"5\",\"dealname\":\"Ann\","
              "\"dealstage\":\"new\","
              "\"gw_id\":\"switchboard:C\"},\"associations\":[{\"to\":{\"id\":\"17\"},\"types\":[{"
              "\"associationCategory\":\"HUBSPOT_DEFINED\",\"associationTypeId\":3}]}]}");
    assert_true(json_equal(deal, want));
    json_decref(want);
    json_decref(deal);
    json_decref(client);
}

static void test_entries_are_shown_by_their_time(void **state) {
    static const struct hubspot_history notes = {"notes", "hs_note_body", 202, true};
    (void)state;
    json_t *answer = parse(
        "{\"results\":["
        "{\"id\":\"10\",\"properties\":{\"hs_note_body\":\"b<br>#" THREAD
        " 2/2 +1</p>\",\"hs_timestamp\":\"2026-11-29T12:00:00Z\"}},"
        "{\"id\":\"9\",\"properties\":{\"hs_note_body\":\"a #" THREAD
        " 1/2\",\"hs_timestamp\":\"2026-11-29T12:00:00Z\"}},"
        "{\"id\":\"11\",\"properties\":{\"hs_note_body\":\"c #" THREAD
        "\",\"hs_timestamp\":\"2026-11-29T11:00:00Z\"}},"
        "{\"id\":\"12\",\"properties\":{\"hs_note_body\":\"a person's\",\"hs_timestamp\":\"\"}}]}");
    json_t *entries = json_array();
    hubspot_entries(answer, &notes, NULL, entries);
    json_t *shown = hubspot_in_order(entries);
    static const char *const order[] = {"11", "9", "10"};
    assert_int_equal(json_array_size(shown), 3);
    for (size_t i = 0; i < 3; i++)
        assert_string_equal(
            json_string_value(json_object_get(json_array_get(shown, i), "id")), order[i]);
    json_decref(shown);
    json_decref(entries);
    json_decref(answer);
}

/* Made with openssl: HMAC-SHA256 by "secret" over "POSThttps://x/h{}1764417600000". */
static void test_signatures(void **state) {
    struct hubspot_signed s = {.secret = "secret",
        .method = "POST",
        .uri = "https://x/h",
        .body = span_of("{}", 2),
        .timestamp = "1764417600000",
        .signature = "UgboVM8DQthB2UKRz4coLCw8wKth51AbKhCqLsS+mdY="};
    struct err err;
    int64_t at = 1764417600000;
    (void)state;
    assert_int_equal(hubspot_signed_check(&s, at, &err), 0);
    assert_int_equal(hubspot_signed_check(&s, at + 299000, &err), 0);
    assert_int_equal(hubspot_signed_check(&s, at + 301000, &err), -1);
    assert_int_equal(hubspot_signed_check(&s, at - 301000, &err), -1);
    s.uri = "https://x/h?";
    assert_int_equal(hubspot_signed_check(&s, at, &err), -1);
    s.uri = "https://x/h";
    s.timestamp = "1764417600000x";
    assert_int_equal(hubspot_signed_check(&s, at, &err), -1);
}

static void test_answers(void **state) {
    static const char body[] = "[{\"type\":\"OUTGOING_CHANNEL_MESSAGE_CREATED\",\"channelId\":77,"
                               "\"channelIntegrationThreadIds\":[\"" THREAD "\"],"
                               "\"message\":{\"id\":\"h1\",\"text\":\"one\"}},"
                               "{\"type\":\"OUTGOING_CHANNEL_MESSAGE_CREATED\",\"channelId\":"
                               "\"78\",\"message\":{\"id\":\"h2\",\"text\":\"x\"}},"
                               "{\"type\":\"OUTGOING_CHANNEL_MESSAGE_CREATED\",\"channelId\":"
                               "\"77\",\"message\":{\"id\":\"a/b\",\"text\":\"x\"}},"
                               "{\"type\":\"CHANNEL_ACCOUNT_CREATED\"}]";
    struct err err;
    (void)state;
    json_t *answers = hubspot_answers(span_of(body, strlen(body)), "77", &err);
    assert_int_equal(json_array_size(answers), 1);
    const json_t *one = json_object_get(json_array_get(answers, 0), "event");
    assert_string_equal(json_string_value(json_object_get(one, "thread")), THREAD);
    assert_string_equal(json_string_value(json_object_get(one, "text")), "one");
    json_decref(answers);
    assert_null(hubspot_answers(span_of("7", 1), "77", &err));
    char *plain = hubspot_plain("<p>a &lt;b&gt; &amp;amp;<br>c</p><script>");
    assert_string_equal(plain, "a <b> &amp;\nc");
    free(plain);
}

static json_t *answer_with(json_t *message) {
    json_t *event = json_pack("{s:s,s:s,s:[s],s:o}", "type", "OUTGOING_CHANNEL_MESSAGE_CREATED",
        "channelId", "77", "channelIntegrationThreadIds", THREAD, "message", message);
    char *body = json_dumps(event, JSON_COMPACT);
    struct err err;
    json_t *answers = hubspot_answers(span_str(body), "77", &err);
    json_t *out = json_incref(json_object_get(json_array_get(answers, 0), "event"));
    json_decref(answers);
    json_decref(event);
    free(body);
    return out;
}

static void test_pictures_in_an_answer(void **state) {
    static const char rich[] =
        "<p>a</p><IMG alt=\"1 > 0\" src=\"https://x/1?a=1&amp;b=2\"><img src='http://x/2' "
        "/><img src=https://x/3><img data-src=\"https://x/4\"><image src=\"\"><img "
        "src=\"https://x/0\"><img src=\"data:image/png;base64,AA==\"><b src=\"https://x/5\">< <img";
    static const char *const due[] = {
        "https://x/0", "", "https://x/1?a=1&b=2", "http://x/2", "https://x/3"};
    (void)state;
    json_t *answer =
        answer_with(json_pack("{s:s,s:s,s:[{s:s,s:s},{s:s},{s:s}]}", "id", "h1", "richText", rich,
            "attachments", "url", "https://x/0", "name", "a.png", "type", "FILE", "type", "OTHER"));
    const json_t *files = json_object_get(answer, "files");
    for (size_t i = 0; i < ARRAY_LEN(due); i++)
        assert_string_equal(json_text(json_array_get(files, i), "url"), due[i]);
    assert_string_equal(json_text(json_array_get(files, 0), "name"), "a.png");
    json_decref(answer);
}

static void test_a_long_answer_is_whole(void **state) {
    (void)state;
    for (size_t n = MESSAGE_TEXT_MAX - 6; n < MESSAGE_TEXT_MAX + 12; n++) {
        char *text = mem_alloc(n + 1);
        for (size_t i = 0; i < n; i += 2)
            memcpy(text + i, "\xd0\xb0", 2);
        text[n & ~(size_t)1] = '\0';
        json_t *answer = answer_with(json_pack("{s:s,s:s}", "id", "h1", "text", text));
        size_t got = json_string_length(json_object_get(answer, "text"));
        if (strlen(text) <= MESSAGE_TEXT_MAX)
            assert_int_equal(got, strlen(text));
        else
            assert_in_range(got, MESSAGE_TEXT_MAX + 1, MESSAGE_TEXT_MAX + 4);
        json_decref(answer);
        free(text);
    }
}

static void test_what_is_there(void **state) {
    static const char *const texts[] = {"m17+0", "m17+12", "+1", "m17+1-2026-11-29T12:00:00.123Z"};
    struct hubspot_there t;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        hubspot_there_read(texts[i], &t);
        char *text = hubspot_there_text(&t);
        assert_string_equal(text, texts[i]);
        free(text);
    }
    assert_string_equal(t.id, "m17");
    assert_int_equal(t.files, 1);
    assert_string_equal(t.changed, "2026-11-29T12:00:00.123Z");
    hubspot_there_read("m17", &t); /* of before files were counted */
    assert_string_equal(t.id, "m17");
    assert_int_equal(t.files, SIZE_MAX);
    assert_string_equal(t.changed, "");
}

#define OF_CONTACT                                                                                 \
    "\"subscriptionType\":\"contact.propertyChange\",\"objectId\":17,\"occurredAt\":1,"

static void test_changes(void **state) {
    static const char body[] =
        "[{\"eventId\":1," OF_CONTACT "\"propertyName\":\"lastname\"},"
        "{\"eventId\":2," OF_CONTACT "\"propertyName\":\"hubspot_owner_id\"},"
        "{\"eventId\":3," OF_CONTACT "\"propertyName\":\"phone\"},"
        "{\"eventId\":4,\"subscriptionType\":\"object.propertyChange\",\"objectTypeId\":\"0-1\","
        "\"objectId\":18,\"propertyName\":\"firstname\"},"
        "{\"eventId\":5,\"subscriptionType\":\"object.propertyChange\",\"objectTypeId\":\"0-2\","
        "\"objectId\":18,\"propertyName\":\"firstname\"},"
        "{\"subscriptionType\":\"contact.creation\",\"objectId\":19},{\"objectId\":\"x\"}]";
    struct err err;
    (void)state;
    json_t *changes = hubspot_changes(span_of(body, strlen(body)), "firstname", &err);
    assert_int_equal(json_array_size(changes), 3);
    const json_t *one = json_array_get(changes, 0);
    assert_string_equal(json_string_value(json_object_get(one, "lane")), "17");
    assert_string_equal(json_string_value(json_object_get(one, "once")), "1:1:17:lastname");
    assert_true(crm_flow_is_change(json_object_get(one, "event")));
    one = json_object_get(json_array_get(changes, 1), "event");
    assert_string_equal(json_string_value(json_object_get(one, "user")), "changed");
    assert_string_equal(json_string_value(json_object_get(one, "name")), "");
    json_decref(changes);
    assert_null(hubspot_changes(span_of("7", 1), "firstname", &err));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_category_says_more_than_the_status),
        cmocka_unit_test(test_searches_are_of_what_is_proven_five_at_a_time),
        cmocka_unit_test(test_a_deal),
        cmocka_unit_test(test_entries_are_shown_by_their_time),
        cmocka_unit_test(test_signatures),
        cmocka_unit_test(test_answers),
        cmocka_unit_test(test_pictures_in_an_answer),
        cmocka_unit_test(test_a_long_answer_is_whole),
        cmocka_unit_test(test_what_is_there),
        cmocka_unit_test(test_changes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
