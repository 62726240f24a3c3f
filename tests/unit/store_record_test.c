/* store_record_test.c - a message as the log keeps it: body, trail, and the status that follows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "store/store_record.h"

#define HEAD                                                                                       \
    "01JDFX3T5KABCDEFGHJKMNPQRS "                                                                  \
    "{\"d\":\"out\",\"ch\":\"site\",\"co\":\"sitechat\",\"text\":\"hi\""                           \
    "}\n"

static json_t *message(const char *record) {
    return record_message(span_str(record), "T", "C", 5);
}

static void check_status(const char *trail, const char *status) {
    char record[2000];
    snprintf(record, sizeof record, "%s%s", HEAD, trail);
    json_t *m = message(record);
    assert_non_null(m);
    assert_string_equal(json_string_value(json_object_get(m, "status")), status);
    json_decref(m);
}

static void a_record_becomes_a_message(void **state) {
    (void)state;
    json_t *m = message(HEAD "1795442419123 received\n+1 stored\n+1 queued");
    assert_string_equal(json_string_value(json_object_get(m, "id")), "01JDFX3T5KABCDEFGHJKMNPQRS");
    assert_string_equal(json_string_value(json_object_get(m, "direction")), "out");
    assert_string_equal(json_string_value(json_object_get(m, "channel")), "site");
    assert_string_equal(json_string_value(json_object_get(m, "text")), "hi");
    assert_int_equal(json_integer_value(json_object_get(m, "seq")), 5);
    assert_string_equal(
        json_string_value(json_object_get(m, "received_at")), "2026-11-23T14:00:19.123Z");
    assert_null(json_object_get(m, "d"));
    json_decref(m);
}

static void status_never_goes_back(void **state) {
    (void)state;
    check_status("1 received\n+1 stored", "received");
    check_status("1 received\n+1 queued", "queued");
    check_status("1 received\n+1 queued\n+2 sending 1", "sending");
    check_status("1 received\n+1 queued\n+2 sending 1\n+3 retry unavailable away", "queued");
    check_status("1 received\n+2 sending 1\n+3 failed invalid no", "failed");
    check_status("1 received\n+2 sending 1\n+3 unknown timeout lost", "unknown");
    check_status("1 received\n+3 unknown timeout lost\n+9 delivered", "delivered");
    check_status("1 received\n+3 sent\n+4 read\n+5 delivered", "read");
    check_status("1 received\n+3 sent\n+4 failed late", "sent");
    check_status("1 received\n+3 failed x y\n+4 retry by_hand\n+5 sending 2", "sending");
    check_status("1 received\n+3 card_failed main no\n+4 attached main", "received");
    /* the channel had it, and gave it back */
    check_status("1 received\n+3 sent w.1\n+4 bounced invalid no", "failed");
    check_status("1 received\n+3 sent w.1\n+4 bounced invalid no\n+5 sent w.1", "failed");
    check_status("1 received\n+3 bounced invalid no\n+5 sent w.1", "failed");
    check_status("1 received\n+3 sent w.1\n+4 bounced invalid no\n+5 delivered", "delivered");
    check_status("1 received\n+3 delivered\n+4 bounced invalid no", "delivered");
    check_status(
        "1 received\n+3 bounced x no\n+4 retry by_hand\n+5 sending 2\n+6 sent w.2", "sent");
}

static void a_failure_says_why(void **state) {
    (void)state;
    json_t *m = message(HEAD "1 received\n+3 failed invalid The client has blocked us");
    json_t *e = json_object_get(m, "error");
    assert_string_equal(json_string_value(json_object_get(e, "code")), "invalid");
    assert_string_equal(json_string_value(json_object_get(e, "text")), "The client has blocked us");
    assert_true(json_is_true(json_object_get(e, "permanent")));
    json_decref(m);
    m = message(HEAD "1 received\n+3 failed invalid no\n+4 sent");
    assert_null(json_object_get(m, "error"));
    json_decref(m);
}

static void the_trail_has_times(void **state) {
    (void)state;
    json_t *t = record_trail(span_str(HEAD "1795442419123 received\n+77 sending 1"));
    assert_int_equal(json_array_size(t), 2);
    json_t *second = json_array_get(t, 1);
    assert_string_equal(json_string_value(json_object_get(second, "what")), "sending");
    assert_string_equal(json_string_value(json_object_get(second, "detail")), "1");
    assert_string_equal(
        json_string_value(json_object_get(second, "at")), "2026-11-23T14:00:19.200Z");
    json_decref(t);
}

/* state a attached, l left out, w waits, u untold; f failed; then attached and asked, after 1000 */
static void check_ledger(const char *trail, const char *state, int attached, int asked) {
    struct record_ledger l;
    char *record = mem_printf("%s1000 received\n+1 stored%s", HEAD, trail), got[3] = "";
    assert_int_equal(record_ledger(span_str(record), "main", &l), 0);
    got[0] = "uwla"[l.state];
    got[1] = l.failed ? 'f' : '\0';
    assert_string_equal(got, state);
    assert_string_equal(l.id, "01JDFX3T5KABCDEFGHJKMNPQRS");
    assert_int_equal(l.received_ms, 1000);
    assert_int_equal(l.attached_ms, attached ? 1000 + attached : 0);
    assert_int_equal(l.asked_ms, asked ? 1000 + asked : 0);
    free(record);
}

static void the_ledger_of_a_target(void **state) {
    struct record_ledger l;
    (void)state;
    check_ledger("", "u", 0, 0);
    check_ledger("\n+5 attached other\n+6 attached main2 7\n+7 pushed main", "u", 0, 0);
    check_ledger("\n+5 attached main", "a", 5, 0);
    check_ledger("\n+5 attached main 17\n+9 attached main 18", "a", 5, 0);
    check_ledger("\n+5 left_out main", "l", 0, 0);
    check_ledger("\n+5 attached main\n+6 left_out main", "a", 5, 0);
    check_ledger("\n+5 attached main 17\n+8 missing main", "w", 5, 8);
    check_ledger("\n+5 attached main 17\n+8 missing main\n+9 attached main 21", "a", 9, 8);
    check_ledger("\n+5 attached main 17\n+8 again main\n+9 attached main 17", "a", 5, 8);
    check_ledger("\n+8 again main", "w", 0, 8);
    check_ledger("\n+5 card_retry main away", "w", 0, 0);
    check_ledger("\n+5 card_failed main invalid no", "wf", 0, 0);
    check_ledger("\n+5 card_failed main invalid no\n+6 card_retry by_hand", "w", 0, 0);
    check_ledger("\n+5 card_failed main no\n+6 card_retry by_hand\n+7 attached main", "a", 7, 0);
    check_ledger("\n+5 attached main 17\n+8 card_failed main invalid no", "af", 5, 0);
    assert_int_equal(record_ledger(span_str("nothing"), "main", &l), -1);
}

static json_t *private(const char *trail) {
    char *record = mem_printf("%s1000 received%s", HEAD, trail);
    json_t *m = record_private(span_str(record), "T", "C", 5);
    free(record);
    return m;
}

static const char *known_at(const json_t *m, const char *target, bool again) {
    const json_t *is = json_object_get(json_object_get(m, "again"), target);
    assert_int_equal(json_is_true(is), again);
    return json_string_value(json_object_get(json_object_get(m, "attached"), target));
}

static void a_message_that_is_missed_is_not_known_there(void **state) {
    (void)state;
    json_t *m = private("\n+1 attached main 17\n+2 attached other 4\n+3 missing main");
    assert_null(known_at(m, "main", true));
    assert_string_equal(known_at(m, "other", false), "4");
    record_hide_private(m);
    assert_null(json_object_get(m, "again"));
    json_decref(m);
    m = private("\n+1 attached main 17\n+3 again main");
    assert_string_equal(known_at(m, "main", true), "17");
    json_decref(m);
    m = private("\n+1 attached main 17\n+3 missing main\n+4 attached main 18,19");
    assert_string_equal(known_at(m, "main", false), "18,19");
    json_decref(m);
}

static void damaged_records_are_no_messages(void **state) {
    (void)state;
    assert_null(message(""));
    assert_null(message("01JDFX3T5KABCDEFGHJKMNPQRS"));
    assert_null(message("01JDFX3T5KABCDEFGHJKMNPQRS {\"d\":\n1 received"));
    assert_null(message("01JDFX3T5KABCDEFGHJKMNPQRS [1]\n1 received"));
    json_t *t = record_trail(span_str(""));
    assert_int_equal(json_array_size(t), 0);
    json_decref(t);
}

static void a_body_begins_with_its_direction(void **state) {
    (void)state;
    json_t *body = json_pack("{s:s}", "text", "x");
    char *text = record_body(DIRECTION_IN, "site", "sitechat", body);
    assert_string_equal(text, "{\"d\":\"in\",\"ch\":\"site\",\"co\":\"sitechat\",\"text\":\"x\"}");
    free(text);
    json_object_clear(body);
    text = record_body(DIRECTION_NOTE, NULL, NULL, body);
    assert_string_equal(text, "{\"d\":\"note\"}");
    free(text);
    json_decref(body);
}

static void previews_are_short_and_plain(void **state) {
    (void)state;
    json_t *body = json_pack("{s:s}", "text", "one\ntwo");
    char *p = record_preview(body);
    assert_string_equal(p, "one two");
    free(p);
    json_decref(body);
    body = json_pack("{s:[{s:s}]}", "attachments", "name", "photo.png");
    p = record_preview(body);
    assert_string_equal(p, "photo.png");
    free(p);
    json_decref(body);
}

static void things_have_a_preview_too(void **state) {
    (void)state;
    json_t *body = json_pack("{s:{s:s}}", "contact", "name", "Ann");
    char *p = record_preview(body);
    assert_string_equal(p, "\xf0\x9f\x91\xa4 Ann");
    free(p);
    json_decref(body);
    body = json_pack("{s:{s:f}}", "location", "lat", 1.0);
    p = record_preview(body);
    assert_string_equal(p, "\xf0\x9f\x93\x8d");
    free(p);
    json_decref(body);
    body = json_pack("{s:s}", "raw_type", "giveaway");
    p = record_preview(body);
    assert_string_equal(p, "[giveaway]");
    free(p);
    json_decref(body);
}

#define PRIVATE                                                                                    \
    "01JDFX3T5KABCDEFGHJKMNPQRS {\"d\":\"out\",\"ch\":\"s\",\"co\":\"telegram\",\"text\":\"x\","   \
    "\"route\":\"topic=4\",\"to\":{\"kind\":\"telegram\",\"address\":\"42\"},\"raw\":{\"a\":1},"   \
    "\"attachments\":[{\"kind\":\"image\",\"remote\":{\"file_id\":\"F\"}}]}\n1 received\n+2 part " \
    "42:1\n+3 sent 42:2"

static void what_is_private_stays_inside(void **state) {
    (void)state;
    json_t *m = message(PRIVATE);
    assert_null(json_object_get(m, "route"));
    assert_null(json_object_get(m, "to"));
    assert_null(json_object_get(m, "raw"));
    assert_null(json_object_get(m, "sent_ids"));
    assert_null(json_object_get(json_array_get(json_object_get(m, "attachments"), 0), "remote"));
    assert_string_equal(json_string_value(json_object_get(m, "external_id")), "42:2");
    json_decref(m);
    m = record_private(span_str(PRIVATE), "T", "C", 5);
    assert_string_equal(json_string_value(json_object_get(m, "route")), "topic=4");
    assert_int_equal(json_array_size(json_object_get(m, "sent_ids")), 2);
    assert_non_null(
        json_object_get(json_array_get(json_object_get(m, "attachments"), 0), "remote"));
    json_decref(m);
    json_t *raw = record_raw(span_str(PRIVATE));
    assert_int_equal(json_integer_value(json_object_get(raw, "a")), 1);
    json_decref(raw);
    assert_null(record_raw(span_str(HEAD "1 received")));
}

static void check_change(const char *trail, const char *state, const char *code) {
    char record[2000];
    snprintf(record, sizeof record, "%s1 received\n+1 sent 42:1%s", HEAD, trail);
    json_t *m = message(record), *c = json_object_get(m, "change");
    assert_string_equal(json_string_value(json_object_get(c, "what")), "edit");
    assert_string_equal(json_string_value(json_object_get(c, "state")), state);
    const char *got = json_string_value(json_object_get(json_object_get(c, "error"), "code"));
    assert_string_equal(got ? got : "", code);
    assert_string_equal(json_string_value(json_object_get(m, "status")), "sent");
    json_decref(m);
}

static void changes_have_a_state(void **state) {
    (void)state;
    check_change("\n+2 change_queued edit", "queued", "");
    check_change(
        "\n+2 change_queued edit\n+3 change_retry unavailable away", "queued", "unavailable");
    check_change("\n+2 change_queued edit\n+3 change_done edit", "done", "");
    check_change("\n+2 change_queued edit\n+3 change_failed invalid too late", "failed", "invalid");
    check_change(
        "\n+2 change_queued react\n+3 change_done react\n+4 change_queued edit", "queued", "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_record_becomes_a_message),
        cmocka_unit_test(status_never_goes_back),
        cmocka_unit_test(a_failure_says_why),
        cmocka_unit_test(the_trail_has_times),
        cmocka_unit_test(the_ledger_of_a_target),
        cmocka_unit_test(a_message_that_is_missed_is_not_known_there),
        cmocka_unit_test(damaged_records_are_no_messages),
        cmocka_unit_test(a_body_begins_with_its_direction),
        cmocka_unit_test(previews_are_short_and_plain),
        cmocka_unit_test(things_have_a_preview_too),
        cmocka_unit_test(what_is_private_stays_inside),
        cmocka_unit_test(changes_have_a_state),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
