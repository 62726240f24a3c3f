/* sitechat_frame_test.c - visitors' frames, good and bad; the page that is kept. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "connectors/sitechat/sitechat_frame.h"

static int parse(const char *text, struct visitor_frame *f, struct err *err) {
    return visitor_frame_parse(span_str(text), 20, f, err);
}

static void refused(const char *text, enum err_code code) {
    struct visitor_frame f;
    struct err err = {0};
    if (parse(text, &f, &err) == 0 || err.code != code)
        fail_msg("%s: %d %s", text, err.code, err.text);
    visitor_frame_free(&f);
}

static void hello_is_read(void **state) {
    (void)state;
    struct visitor_frame f;
    struct err err;
    assert_int_equal(
        parse("{\"type\":\"hello\",\"v\":1,\"site\":\"s\",\"token\":\"t\",\"cursor\":7,"
              "\"epoch\":\"e\",\"page\":{\"url\":\"https://x/\"},\"user\":{\"id\":\"ann\","
              "\"hash\":\"ff\"}}",
            &f, &err),
        0);
    assert_int_equal(f.kind, VISITOR_HELLO);
    assert_string_equal(f.site, "s");
    assert_string_equal(f.token, "t");
    assert_int_equal(f.cursor, 7);
    assert_true(f.has_user);
    assert_string_equal(f.user.hash, "ff");
    visitor_frame_free(&f);
    assert_int_equal(parse("{\"type\":\"hello\",\"site\":\"s\"}", &f, &err), 0);
    assert_int_equal(f.cursor, -1);
    assert_null(f.token);
    visitor_frame_free(&f);
}

static void form_rate_event_are_read(void **state) {
    (void)state;
    struct visitor_frame f;
    struct err err;
    assert_int_equal(
        parse("{\"type\":\"form\",\"email\":\"a@b.cd\",\"consent\":\"v1\"}", &f, &err), 0);
    assert_int_equal(f.kind, VISITOR_FORM);
    assert_string_equal(f.consent, "v1");
    assert_string_equal(json_string_value(json_object_get(f.form, "email")), "a@b.cd");
    visitor_frame_free(&f);
    assert_int_equal(
        parse("{\"type\":\"rate\",\"cid\":\"r\",\"score\":5,\"text\":\"ok\"}", &f, &err), 0);
    assert_int_equal(f.score, 5);
    assert_string_equal(f.text, "ok");
    visitor_frame_free(&f);
    assert_int_equal(parse("{\"type\":\"event\",\"cid\":\"e\",\"name\":\"cart\",\"data\":{\"n\":1,"
                           "\"s\":\"x\",\"b\":true}}",
                         &f, &err),
        0);
    assert_string_equal(f.name, "cart");
    assert_int_equal(json_object_size(f.data), 3);
    visitor_frame_free(&f);
    refused("{\"type\":\"form\",\"shoe\":\"42\"}", ERR_INVALID);
    refused("{\"type\":\"form\",\"phone\":\"12345678901234567890123456789012345678901\"}",
        ERR_TOO_LARGE);
    refused("{\"type\":\"rate\",\"cid\":\"r\",\"score\":0}", ERR_INVALID);
    refused("{\"type\":\"rate\",\"cid\":\"r\",\"score\":6}", ERR_INVALID);
    refused("{\"type\":\"rate\",\"cid\":\"a b\",\"score\":3}", ERR_INVALID);
    refused("{\"type\":\"event\",\"cid\":\"e\",\"name\":\"\"}", ERR_INVALID);
    refused("{\"type\":\"event\",\"cid\":\"e\",\"name\":\"x\",\"data\":{\"n\":null}}", ERR_INVALID);
    refused("{\"type\":\"event\",\"cid\":\"e\",\"name\":\"x\",\"data\":{\"n\":[1]}}", ERR_INVALID);
    refused("{\"type\":\"hello\",\"site\":\"s\",\"form\":{\"consent\":\"1\"}}", ERR_INVALID);
}

static void message_is_read(void **state) {
    (void)state;
    struct visitor_frame f;
    struct err err;
    assert_int_equal(
        parse("{\"type\":\"msg\",\"cid\":\"c1\",\"text\":\"\xd0\x9f\xd1\x80\",\"attachments\":"
              "[\"01JDFX3T5KABCDEFGHJKMNPQRS\"]}",
            &f, &err),
        0);
    assert_int_equal(f.nfiles, 1);
    assert_string_equal(f.cid, "c1");
    visitor_frame_free(&f);
}

static void history_has_a_limit(void **state) {
    (void)state;
    struct visitor_frame f;
    struct err err;
    assert_int_equal(parse("{\"type\":\"history\",\"before\":9,\"limit\":100}", &f, &err), 0);
    assert_int_equal(f.before, 9);
    assert_int_equal(f.limit, 100);
    visitor_frame_free(&f);
    assert_int_equal(parse("{\"type\":\"history\",\"before\":9}", &f, &err), 0);
    assert_int_equal(f.limit, 50);
    visitor_frame_free(&f);
    refused("{\"type\":\"history\",\"before\":9,\"limit\":0}", ERR_INVALID);
    refused("{\"type\":\"history\",\"before\":9,\"limit\":101}", ERR_INVALID);
    refused("{\"type\":\"history\",\"before\":9,\"limit\":1050}", ERR_INVALID);
}

static void bad_frames_are_refused(void **state) {
    (void)state;
    refused("", ERR_INVALID);
    refused("[]", ERR_INVALID);
    refused("{", ERR_INVALID);
    refused("{\"type\":\"hello\",\"type\":\"hello\"}", ERR_INVALID);
    refused("{\"type\":7}", ERR_INVALID);
    refused("{\"type\":\"dance\"}", ERR_INVALID);
    refused("{\"type\":\"hello\"}", ERR_INVALID);
    refused("{\"type\":\"hello\",\"site\":\"s\",\"admin\":true}", ERR_INVALID);
    refused("{\"type\":\"hello\",\"site\":\"s\",\"cursor\":-1}", ERR_INVALID);
    refused("{\"type\":\"hello\",\"site\":\"s\",\"cursor\":\"1\"}", ERR_INVALID);
    refused("{\"type\":\"hello\",\"site\":\"s\",\"cursor\":1e300}", ERR_INVALID);
    refused("{\"type\":\"hello\",\"site\":\"s\",\"user\":{\"role\":\"admin\"}}", ERR_INVALID);
    refused("{\"type\":\"hello\",\"site\":\"s\",\"page\":{\"utm\":{\"a\":{}}}}", ERR_INVALID);
    refused("{\"type\":\"hello\",\"site\":\"s\\u0000x\"}", ERR_INVALID);
    refused("{\"type\":\"msg\",\"text\":\"x\"}", ERR_INVALID);
    refused("{\"type\":\"msg\",\"cid\":\"a b\",\"text\":\"x\"}", ERR_INVALID);
    refused("{\"type\":\"msg\",\"cid\":\"c\"}", ERR_INVALID);
    refused("{\"type\":\"msg\",\"cid\":\"c\",\"text\":\" \\n\"}", ERR_INVALID);
    refused("{\"type\":\"msg\",\"cid\":\"c\",\"text\":\"a\\u0007\"}", ERR_INVALID);
    refused("{\"type\":\"msg\",\"cid\":\"c\",\"text\":\"123456789012345678901\"}", ERR_TOO_LARGE);
    refused("{\"type\":\"msg\",\"cid\":\"c\",\"text\":\"x\",\"attachments\":[\"../etc\"]}",
        ERR_INVALID);
    refused("{\"type\":\"msg\",\"cid\":\"c\",\"text\":\"x\",\"attachments\":[1,2,3,4,5,6]}",
        ERR_TOO_LARGE);
    refused("{\"type\":\"msg\",\"cid\":\"c\",\"text\":\"x\",\"direction\":\"out\"}", ERR_INVALID);
    refused("{\"type\":\"read\"}", ERR_INVALID);
    refused("{\"type\":\"read\",\"upto\":1.5}", ERR_INVALID);
    refused("{\"type\":\"typing\",\"on\":1}", ERR_INVALID);
    refused("{\"type\":\"ping\",\"x\":[[[[[[[[]]]]]]]]}", ERR_INVALID);
}

static void refused_message_still_has_its_cid(void **state) {
    (void)state;
    struct visitor_frame f;
    struct err err;
    assert_int_equal(parse("{\"type\":\"msg\",\"cid\":\"c9\",\"text\":\"\"}", &f, &err), -1);
    assert_string_equal(f.cid, "c9");
    visitor_frame_free(&f);
}

static const char *clean(json_t **page, const char *url) {
    json_t *in = json_pack("{s:s}", "url", url);
    json_decref(*page);
    *page = visitor_page_clean(in);
    json_decref(in);
    return json_string_value(json_object_get(*page, "url"));
}

static void addresses_lose_what_is_private(void **state) {
    (void)state;
    json_t *p = NULL;
    assert_string_equal(clean(&p, "https://x.example/a?b=1#top"), "https://x.example/a?b=1");
    assert_string_equal(clean(&p, "https://x.example/?Reset_Token=abc&q=1&email=a@b.c"),
        "https://x.example/?Reset_Token=***&q=1&email=***");
    assert_string_equal(
        clean(&p, "https://x.example/?q=ann@example.com"), "https://x.example/?q=***");
    assert_string_equal(clean(&p, "https://x.example/?a&&b="), "https://x.example/?a&&b=");
    assert_null(clean(&p, "javascript:alert(1)"));
    assert_null(clean(&p, "https://ann:secret@x.example/"));
    json_decref(p);
    p = visitor_page_clean(NULL);
    assert_int_equal(json_object_size(p), 0);
    json_decref(p);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(hello_is_read),
        cmocka_unit_test(form_rate_event_are_read), cmocka_unit_test(message_is_read),
        cmocka_unit_test(history_has_a_limit), cmocka_unit_test(bad_frames_are_refused),
        cmocka_unit_test(refused_message_still_has_its_cid),
        cmocka_unit_test(addresses_lose_what_is_private)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
