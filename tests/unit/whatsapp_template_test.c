/* whatsapp_template_test.c - templates as the API lists them, and filled in. */
#include "json_trial.h"

#include "connectors/whatsapp/whatsapp_template.h"

#define ENTRY "{'name':'t','language':'en','status':'APPROVED','category':'UTILITY','components':["

static json_t *template_of(const char *text) {
    json_t *entry = json_of(text), *t = whatsapp_template_read(entry);
    json_decref(entry);
    return t;
}

static void fields_are_named_and_have_examples(void **state) {
    (void)state;
    json_t *t = template_of(
        ENTRY "{'type':'HEADER','format':'TEXT','text':'For {{who}}','example':"
              "{'header_text_named_params':[{'param_name':'who','example':'Ann'}]}},"
              "{'type':'BODY','text':'Dear {{ who }}, {{1}} and {{1}}, {{}}, {{a b}}','example':"
              "{'body_text':[['Bob','17']]}},{'type':'FOOTER','text':'Shop'},"
              "{'type':'BUTTONS','buttons':[{'type':'QUICK_REPLY','text':'Yes'},"
              "{'type':'URL','text':'Track','url':'https://x.org/{{1}}','example':['https://x.org/"
              "1']},"
              "{'type':'COPY_CODE','text':'Copy'},{'type':'PHONE_NUMBER','text':'Call'}]}]}");
    expect_at(t, "usable", "true");
    expect_at(t, "category", "'utility'");
    expect_at(t, "fields",
        "[{'id':'header.who','label':'who','example':'Ann'},"
        "{'id':'body.who','label':'who','example':'Bob'},"
        "{'id':'body.1','label':'1','example':'17'},"
        "{'id':'button.1','label':'Track','example':'https://x.org/1'},"
        "{'id':'button.2','label':'Copy'}]");
    expect_at(t, "buttons.3.kind", "'phone'");
    json_decref(t);
}

static void what_cannot_be_filled_in_says_why(void **state) {
    static const char *const bad[][2] = {
        {"{'name':'t','language':'en','status':'REJECTED','category':'UTILITY','components':[]}",
            "not approved"},
        {"{'name':'t','language':'en','status':'APPROVED','category':'AUTHENTICATION',"
         "'components':[]}",
            "codes"},
        {ENTRY "{'type':'CAROUSEL'}]}", "a part"},
        {ENTRY "{'type':'HEADER','format':'LOCATION'}]}", "header"},
        {ENTRY "{'type':'BUTTONS','buttons':[{'type':'CATALOG','text':'x'}]}]}", "button"}};
    static const char *const none[] = {"{}", "[]", "{'name':'t','language':'en'}",
        "{'name':5,'language':'en','components':[]}", "{'name':'t','language':'','components':[]}"};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        json_t *t = template_of(bad[i][0]), *out = NULL;
        char *text = NULL;
        struct err err;
        expect_at(t, "usable", "false");
        assert_non_null(strstr(json_string_value(json_object_get(t, "why")), bad[i][1]));
        assert_int_equal(whatsapp_template_fill(t, NULL, NULL, &out, &text, &err), -1);
        assert_non_null(strstr(err.text, bad[i][1]));
        json_decref(t);
    }
    for (size_t i = 0; i < ARRAY_LEN(none); i++)
        assert_null(template_of(none[i]));
}

static int fill(const char *tpl, const char *values, const char *mime, json_t **out, char **text,
    struct err *err) {
    json_t *t = template_of(tpl), *v = json_of(values);
    int rc = whatsapp_template_fill(t, v, mime, out, text, err);
    json_decref(t);
    json_decref(v);
    return rc;
}

static void values_stand_where_they_belong(void **state) {
    struct err err;
    json_t *out = NULL;
    char *text = NULL;
    (void)state;
    assert_int_equal(fill(ENTRY "{'type':'HEADER','format':'TEXT','text':'For {{who}}'},"
                                "{'type':'BODY','text':'{{2}} of {{1}}, again {{2}}'},"
                                "{'type':'FOOTER','text':'Shop'},{'type':'BUTTONS','buttons':["
                                "{'type':'QUICK_REPLY','text':'Yes'},"
                                "{'type':'URL','text':'Track','url':'https://x.org/{{1}}'}]}]}",
                         "{'header.who':'Ann','body.1':'one','body.2':'two','button.1':'17'}", NULL,
                         &out, &text, &err),
        0);
    assert_string_equal(text, "For Ann\n\ntwo of one, again two\n\nShop");
    expect_at(out, "",
        "[{'type':'header','parameters':[{'type':'text','text':'Ann','parameter_name':'who'}]},"
        "{'type':'body','parameters':[{'type':'text','text':'one'},{'type':'text','text':'two'}]},"
        "{'type':'button','sub_type':'url','index':'1','parameters':[{'type':'text','text':'17'}]}"
        "]");
    json_decref(out);
    free(text);
}

static void a_header_of_media_takes_its_file(void **state) {
    const char *tpl = ENTRY "{'type':'HEADER','format':'IMAGE'},{'type':'BODY','text':'Look'}]}";
    struct err err;
    json_t *out = NULL;
    char *text = NULL;
    (void)state;
    assert_int_equal(fill(tpl, "{}", "image/png", &out, &text, &err), 0);
    assert_string_equal(text, "Look");
    expect_at(out, "", "[{'type':'header','parameters':[{'type':'image','image':{}}]}]");
    json_decref(out);
    free(text);
    assert_int_equal(fill(tpl, "{}", NULL, &out, &text, &err), -1);
    assert_non_null(strstr(err.text, "needs a file of kind image"));
    assert_int_equal(fill(tpl, "{}", "application/pdf", &out, &text, &err), -1);
    assert_non_null(strstr(err.text, "application/pdf"));
}

static void wrong_values_are_named(void **state) {
    static const char *const bad[][2] = {{"{}", "body.1"}, {"{'body.1':''}", "body.1"},
        {"{'body.1':5}", "body.1"}, {"{'body.1':'a\\nb'}", "line breaks"},
        {"{'body.1':'a     b'}", "spaces"}, {"{'body.1':'a','body.2':'b'}", "body.2"}};
    const char *tpl = ENTRY "{'type':'BODY','text':'{{1}}'}]}";
    struct err err;
    json_t *out = NULL;
    char *text = NULL, many[1200] = "{'body.1':'";
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_int_equal(fill(tpl, bad[i][0], NULL, &out, &text, &err), -1);
        assert_non_null(strstr(err.text, bad[i][1]));
    }
    memset(many + strlen(many), 'x', 1025);
    strcpy(many + 11 + 1025, "'}");
    assert_int_equal(fill(tpl, many, NULL, &out, &text, &err), -1);
    assert_int_equal(err.code, ERR_TOO_LARGE);
    assert_int_equal(fill(tpl, "{'body.1':'x'}", "image/png", &out, &text, &err), -1);
    assert_non_null(strstr(err.text, "no file"));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(fields_are_named_and_have_examples),
        cmocka_unit_test(what_cannot_be_filled_in_says_why),
        cmocka_unit_test(values_stand_where_they_belong),
        cmocka_unit_test(a_header_of_media_takes_its_file),
        cmocka_unit_test(wrong_values_are_named)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
