/* The small pure parts of the e-mail connector: bodies, recipients, the look at a broken mail,
 * bounces in words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "connectors/email/email_body.h"
#include "connectors/email/email_bounce.h"
#include "connectors/email/email_recipients.h"
#include "connectors/email/email_quarantine.h"

static json_t *load(const char *text) {
    json_error_t e;
    json_t *o = json_loads(text, 0, &e);
    if (!o)
        fail_msg("%s: %s", text, e.text);
    return o;
}

static const char *text_of(const json_t *o, const char *key) {
    const char *s = json_string_value(json_object_get(o, key));
    return s ? s : "";
}

/* --- body ------------------------------------------------------------------------------------ */

static void test_body(void **state) {
    (void)state;
    json_t *mail =
        load("{\"message_id\":\"a@b\",\"from\":[{\"name\":\"Ann\",\"address\":\"ann@x.org\"}],"
             "\"subject\":\"Hi\",\"text\":\"Hello\",\"date_ms\":1000,\"cc\":[],"
             "\"quoted_at\":3,\"auth\":[{\"server\":\"evil\",\"dmarc\":\"pass\"},"
             "{\"server\":\"MX.good\",\"dmarc\":\"fail\",\"spf\":\"pass\"}],"
             "\"parts\":[{\"what\":\"html\"},{\"what\":\"inline\",\"cid\":\"pic\"},"
             "{\"what\":\"attachment\"}]}");
    json_t *files = load("[{\"id\":\"H\",\"kind\":\"document\"},{\"id\":\"P\",\"kind\":\"image\"},"
                         "{\"kind\":\"document\",\"state\":\"too_large\",\"error\":\"why\"}]");
    json_t *source = load("{\"id\":\"S\"}");
    json_t *body = email_body(mail, files, source, "mx.good");
    const json_t *email = json_object_get(body, "email");
    assert_string_equal(text_of(body, "text"), "Hello");
    assert_string_equal(text_of(body, "subject"), "Hi");
    assert_string_equal(text_of(body, "sent_at"), "1970-01-01T00:00:01.000Z");
    assert_string_equal(text_of(email, "html"), "H");
    assert_string_equal(text_of(email, "source"), "S");
    assert_null(json_object_get(email, "cc"));
    assert_int_equal(json_integer_value(json_object_get(email, "quoted_at")), 3);
    assert_string_equal(text_of(json_object_get(email, "auth"), "dmarc"), "fail");
    const json_t *list = json_object_get(body, "attachments");
    assert_int_equal(json_array_size(list), 2);
    assert_string_equal(text_of(json_array_get(list, 0), "cid"), "pic");
    assert_string_equal(text_of(json_array_get(list, 1), "state"), "too_large");
    json_decref(body);

    body = email_body(mail, files, source, ""); /* nobody is believed */
    assert_null(json_object_get(json_object_get(body, "email"), "auth"));
    json_decref(body);
    json_decref(mail);
    json_decref(files);
    json_decref(source);
}

/* A date far in the future is somebody's broken clock; many references are cut in the middle. */
static void test_odd_body(void **state) {
    (void)state;
    json_t *mail = load("{\"date_ms\":99999999999999}"), *refs = json_array(),
           *files = json_array();
    for (int i = 0; i < 100; i++)
        json_array_append_new(refs, json_sprintf("%d@x", i));
    json_object_set_new(mail, "references", refs);
    json_t *body = email_body(mail, files, NULL, "");
    const json_t *kept = json_object_get(json_object_get(body, "email"), "references");
    assert_null(json_object_get(body, "sent_at"));
    assert_null(json_object_get(body, "attachments"));
    assert_int_equal(json_array_size(kept), 20);
    assert_string_equal(json_string_value(json_array_get(kept, 0)), "0@x");
    assert_string_equal(json_string_value(json_array_get(kept, 1)), "81@x");
    assert_string_equal(json_string_value(json_array_get(kept, 19)), "99@x");
    json_decref(body);
    json_decref(files);
    json_decref(mail);
}

static void test_answered(void **state) {
    (void)state;
    json_t *all = load("[{\"direction\":\"in\",\"channel\":\"a\",\"external_id\":\"1\"},"
                       "{\"direction\":\"in\",\"channel\":\"a\",\"external_id\":\"2\"},"
                       "{\"direction\":\"in\",\"channel\":\"b\",\"external_id\":\"1\"},"
                       "{\"direction\":\"out\",\"channel\":\"a\",\"external_id\":\"3\"}]");
    assert_string_equal(text_of(email_answered(all, "a", NULL), "external_id"), "2");
    assert_string_equal(text_of(email_answered(all, "a", "1"), "external_id"), "1");
    assert_string_equal(text_of(email_answered(all, "a", "gone"), "external_id"), "2");
    assert_null(email_answered(all, "c", NULL));
    json_decref(all);
    all = load("[{\"direction\":\"in\",\"channel\":\"a\",\"external_id\":\"1\"},"
               "{\"direction\":\"in\",\"channel\":\"a\",\"external_id\":\"2\",\"email\":{\"auto\":"
               "\"reply\"}},"
               "{\"direction\":\"in\",\"channel\":\"a\",\"external_id\":\"3\",\"email\":{\"auto\":"
               "\"bounce\"}},"
               "{\"direction\":\"in\",\"channel\":\"b\",\"external_id\":\"4\",\"email\":{\"auto\":"
               "\"list\"}},"
               "{\"direction\":\"in\",\"channel\":\"b\",\"external_id\":\"5\",\"email\":{\"auto\":"
               "\"bounce\"}},"
               "{\"direction\":\"in\",\"channel\":\"c\",\"external_id\":\"6\",\"email\":{\"auto\":"
               "\"bounce\"}}]");
    assert_string_equal(text_of(email_answered(all, "a", NULL), "external_id"), "1");
    assert_string_equal(text_of(email_answered(all, "a", "3"), "external_id"), "3");
    assert_string_equal(text_of(email_answered(all, "b", NULL), "external_id"), "4");
    assert_null(email_answered(all, "c", NULL));
    json_decref(all);
    static const char *const subjects[][2] = {
        {"", "Re:"}, {"Hi", "Re: Hi"}, {"RE: Hi", "RE: Hi"}, {"Report", "Re: Report"}};
    for (size_t i = 0; i < ARRAY_LEN(subjects); i++) {
        char *s = email_reply_subject(subjects[i][0]);
        assert_string_equal(s, subjects[i][1]);
        free(s);
    }
}

/* --- recipients ------------------------------------------------------------------------------ */

static char *joined(const char **list) {
    char *out = mem_strdup("");
    for (size_t i = 0; list[i]; i++) {
        char *next = mem_printf("%s%s%s", out, *out ? " " : "", list[i]);
        free(out);
        out = next;
    }
    return out;
}

static void test_recipients(void **state) {
    (void)state;
    static const struct {
        const char *body, *answered, *client, *to, *cc, *all;
    } cases[] = {
        {"{}", "null", "ann@x.org", "ann@x.org", "", "ann@x.org"},
        {"{}", "{\"email\":{\"from\":[{\"address\":\"Ann@X.org\"}]}}", "ann@x.org", "Ann@x.org", "",
            "Ann@x.org"},
        {"{}",
            "{\"email\":{\"from\":[{\"address\":\"ann@x.org\"}],\"reply_to\":[{\"address\":\"r@y."
            "org\"}]}}",
            "ann@x.org", "r@y.org", "", "r@y.org"},
        /* a colleague wrote last: the client gets a copy */
        {"{}", "{\"email\":{\"from\":[{\"address\":\"bob@x.org\"}]}}", "ann@x.org", "bob@x.org",
            "ann@x.org", "bob@x.org ann@x.org"},
        {"{\"reply_all\":true}",
            "{\"email\":{\"from\":[{\"address\":\"ann@x.org\"}],\"to\":[{\"address\":\"support@us."
            "org\"},"
            "{\"address\":\"Support+sb-1@us.org\"},{\"address\":\"c@x.org\"}],"
            "\"cc\":[{\"address\":\"no "
            "address\"},{\"address\":\"C@x.org\"},{\"address\":\"d@x.org\"}]}}",
            "ann@x.org", "ann@x.org", "c@x.org d@x.org", "ann@x.org c@x.org d@x.org"},
        {"{\"cc\":[\"e@x.org\",\"ann@x.org\"],\"bcc\":[\"f@x.org\",\"e@x.org\"]}",
            "{\"email\":{\"from\":[{\"address\":\"ann@x.org\"}]}}", "ann@x.org", "ann@x.org",
            "e@x.org", "ann@x.org e@x.org f@x.org"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        json_t *body = load(cases[i].body);
        json_t *answered = json_loads(cases[i].answered, JSON_DECODE_ANY, NULL);
        struct email_recipients r = {0};
        struct err err;
        int rc = email_recipients(&r, body, answered, cases[i].client, "support@us.org", &err);
        assert_int_equal(rc, 0);
        char *to = joined(r.to), *cc = joined(r.cc), *all = joined(r.all);
        assert_string_equal(to, cases[i].to);
        assert_string_equal(cc, cases[i].cc);
        assert_string_equal(all, cases[i].all);
        free(to);
        free(cc);
        free(all);
        email_recipients_free(&r);
        json_decref(body);
        json_decref(answered);
    }
}

static void test_bad_recipients(void **state) {
    (void)state;
    static const char *const bodies[] = {"{\"cc\":[\"a b@x.org\"]}",
        "{\"bcc\":[\"x@y.org>\\r\\nRCPT TO:<z@z\"]}", "{\"cc\":[\"nobody\"]}"};
    for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
        json_t *body = load(bodies[i]);
        struct email_recipients r = {0};
        struct err err;
        assert_int_equal(email_recipients(&r, body, NULL, "ann@x.org", "support@us.org", &err), -1);
        assert_int_equal(err.code, ERR_INVALID);
        email_recipients_free(&r);
        json_decref(body);
    }
    json_t *many = json_array(), *body = json_object();
    for (int i = 0; i < 101; i++)
        json_array_append_new(many, json_sprintf("a%d@x.org", i));
    json_object_set_new(body, "cc", many);
    struct email_recipients r = {0};
    struct err err;
    assert_int_equal(email_recipients(&r, body, NULL, "ann@x.org", "support@us.org", &err), -1);
    email_recipients_free(&r);
    json_decref(body);
    body = json_object();
    memset(&r, 0, sizeof r);
    assert_int_equal(
        email_recipients(&r, body, NULL, "support@us.org", "support@us.org", &err), -1);
    email_recipients_free(&r);
    json_decref(body);
}

/* --- a broken mail, a bounce ----------------------------------------------------------------- */

static void test_scan(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"From: Ann <ann@x.org>\r\nTo: b@c\r\n\r\n", "ann@x.org"},
        {"Subject: x\nFROM: ann@x.org\n\nbody", "ann@x.org"},
        {"From: \"ceo@good.org\" <evil@bad.org>\n", "evil@bad.org"},
        {"From: nobody\n\nFrom: a@b\n", ""},
        {"\nFrom: a@b\n", ""},
        {"From: @@@ a@@b <\xff\xfe>\n", ""},
        {"", ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *s = email_quarantine_from(span_str(cases[i][0]));
        assert_string_equal(s, cases[i][1]);
        free(s);
    }
}

static void test_bounce_text(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"{\"address\":\"a@x\",\"status\":\"5.1.1\",\"diagnostic\":\"smtp; 550 5.1.1 unknown\"}",
            "a@x: there is no such mailbox (smtp; 550 5.1.1 unknown)"},
        {"{\"address\":\"a@x\",\"status\":\"5.2.2\"}", "a@x: the mailbox is full (5.2.2)"},
        {"{\"address\":\"a@x\"}", "a@x: it could not be delivered"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        json_t *r = load(cases[i][0]);
        char *s = email_bounce_text(r);
        assert_string_equal(s, cases[i][1]);
        free(s);
        json_decref(r);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_body),
        cmocka_unit_test(test_odd_body),
        cmocka_unit_test(test_answered),
        cmocka_unit_test(test_recipients),
        cmocka_unit_test(test_bad_recipients),
        cmocka_unit_test(test_scan),
        cmocka_unit_test(test_bounce_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
