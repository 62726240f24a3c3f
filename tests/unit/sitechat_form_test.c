/* sitechat_form_test.c - the form before the talk: its fields, what passes, what is missing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "connectors/sitechat/sitechat_form.h"

static void is(const char *form, const char *want) {
    struct err err;
    json_t *in = json_loads(form, 0, NULL), *out = form_clean(in, &err);
    json_t *right = json_loads(want, 0, NULL);
    if (!out)
        fail_msg("%s: %s", form, err.text);
    char *text = json_dumps(out, JSON_COMPACT);
    if (!json_equal(out, right))
        fail_msg("%s: %s", form, text);
    free(text);
    json_decref(in);
    json_decref(out);
    json_decref(right);
}

static void bad(const char *form, const char *key) {
    struct err err;
    json_t *in = json_loads(form, 0, NULL), *out = form_clean(in, &err);
    if (out)
        fail_msg("%s passed", form);
    assert_int_equal(err.code, ERR_INVALID);
    assert_int_equal(strncmp(err.text, key, strlen(key)), 0);
    json_decref(in);
}

static void what_is_kept(void **state) {
    (void)state;
    is("{}", "{}");
    is("{\"name\":\" Ann \",\"email\":\"\",\"phone\":\"  \"}", "{\"name\":\"Ann\"}");
    is("{\"email\":\" Ann.B+x@Shop.EXAMPLE \"}", "{\"email\":\"Ann.B+x@shop.example\"}");
    is("{\"email\":\"\xd0\xb0\xd0\xbd\xd0\xbd\xd0\xb0@\xd0\xbf\xd0\xbe\xd1\x87\xd1\x82\xd0\xb0."
       "\xd1\x80\xd1\x84\"}",
        "{\"email\":\"\xd0\xb0\xd0\xbd\xd0\xbd\xd0\xb0@\xd0\xbf\xd0\xbe\xd1\x87\xd1\x82\xd0\xb0."
        "\xd1\x80\xd1\x84\"}");
    is("{\"phone\":\"8 (912) 345-67-89\"}", "{\"phone\":\"+79123456789\"}");
    is("{\"phone\":\"+49 176 0000000\"}", "{\"phone\":\"+491760000000\"}");
    is("{\"name\":\"Ann\",\"type\":\"form\",\"consent\":\"1\"}", "{\"name\":\"Ann\"}");
}

static void what_is_refused(void **state) {
    (void)state;
    static const char *const mails[] = {"ann", "@a.bc", "a@b", "a@.bc", "a@b.", "a@b@c.de",
        "a b@c.de", "a@b.c,d@e.f", "a@b.cd>", "<a@b.cd", "a@b.cd;x", "a:b@c.de", "\\\"a\\\"@b.cd",
        "a@b.cd\\nx@y.zz"};
    for (size_t i = 0; i < sizeof mails / sizeof *mails; i++) {
        char form[200];
        snprintf(form, sizeof form, "{\"email\":\"%s\"}", mails[i]);
        bad(form, "email:");
    }
    bad("{\"phone\":\"call me\"}", "phone:");
    bad("{\"phone\":\"12345\"}", "phone:");
    bad("{\"name\":\"\xe2\x80\xae\"}", "name:");
}

static void fields_of_the_setting(void **state) {
    (void)state;
    struct err err;
    bool must;
    assert_int_equal(form_field_read("email", &must), FORM_EMAIL);
    assert_false(must);
    assert_int_equal(form_field_read("phone!", &must), FORM_PHONE);
    assert_true(must);
    static const char *const wrong[] = {"", "!", "mail", "email!!", "email !", "names"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(form_field_check(wrong[i], &err), -1);
}

static void what_is_missing(void **state) {
    (void)state;
    json_t *form = json_loads("{\"name\":\"Ann\"}", 0, NULL);
    json_t *user = json_loads("{\"email\":\"a@b.cd\"}", 0, NULL);
    unsigned all = FORM_NAME | FORM_EMAIL | FORM_PHONE;
    assert_null(form_missing(0, NULL, NULL));
    assert_string_equal(form_missing(all, NULL, NULL), "name");
    assert_string_equal(form_missing(all, form, NULL), "email");
    assert_string_equal(form_missing(all, form, user), "phone");
    assert_null(form_missing(FORM_NAME | FORM_EMAIL, form, user));
    json_decref(form);
    json_decref(user);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_is_kept),
        cmocka_unit_test(what_is_refused), cmocka_unit_test(fields_of_the_setting),
        cmocka_unit_test(what_is_missing)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
