/* telegram_compose_test.c - messages of ours as calls: what goes with what, by which method, and
 * what is changed in a call that was refused. */
#include "json_trial.h"

#include "connectors/telegram/telegram_compose.h"

#define IMAGE "{'id':'M1','kind':'image','name':'a.jpg','mime':'image/jpeg','size':1000}"
#define VIDEO "{'id':'M2','kind':'video','name':'v.mp4','mime':'video/mp4','size':1000}"
#define PDF "{'id':'M3','kind':'document','name':'d.pdf','mime':'application/pdf','size':1000}"
#define SONG "{'id':'M4','kind':'audio','name':'s.mp3','mime':'audio/mpeg','size':1000}"
#define VOICE                                                                                      \
    "{'id':'M5','kind':'audio','name':'v.ogg','mime':'audio/ogg; codecs=opus','size':1000}"
#define GIF "{'id':'M6','kind':'image','name':'g.gif','mime':'image/gif','size':1000}"

static const struct telegram_target ann = {"42", "", NULL, NULL, false};

static size_t compose(const char *body, const struct telegram_target *to,
    struct telegram_call *calls, json_t **body_out) {
    struct err err = {0};
    *body_out = json_of(body);
    size_t n = telegram_compose(*body_out, to, calls, &err);
    if (n == 0)
        fail_msg("%s: %s", body, err.text);
    return n;
}

/* The methods of the calls, and what is most telling of their parameters. */
static void expect(const char *body, const char *want) {
    struct telegram_call calls[TELEGRAM_CALLS_MAX];
    json_t *b;
    size_t n = compose(body, &ann, calls, &b), at_ = 0;
    char is[1000] = "";
    for (size_t i = 0; i < n; i++) {
        json_t *p = calls[i].params, *media = json_object_get(p, "media");
        at_ +=
            (size_t)snprintf(is + at_, sizeof is - at_, "%s%s", i ? " " : "", calls[i].method + 4);
        for (size_t j = 0; j < json_array_size(media); j++)
            at_ += (size_t)snprintf(is + at_, sizeof is - at_, "%c%s%s", j ? '+' : ':',
                json_string_value(at(json_array_get(media, j), "type")),
                at(json_array_get(media, j), "caption") ? "=" : "");
        at_ += (size_t)snprintf(is + at_, sizeof is - at_, "%s%s",
            json_object_get(p, "caption") ? "=" : "",
            json_object_get(p, "reply_markup") ? "#" : "");
        assert_int_equal(calls[i].nuploads, media ? json_array_size(media) : at(p, "text") ? 0 : 1);
    }
    if (strcmp(is, want) != 0)
        fail_msg("%s: %s, not %s", body, is, want);
    telegram_calls_free(calls, n);
    json_decref(b);
}

static void text_is_sent(void **state) {
    (void)state;
    struct telegram_call calls[TELEGRAM_CALLS_MAX];
    json_t *b;
    compose("{'text':' hello '}", &ann, calls, &b);
    assert_string_equal(calls[0].method, "sendMessage");
    expect_at(calls[0].params, "", "{'chat_id':42,'text':'hello'}");
    telegram_calls_free(calls, 1);
    json_decref(b);
    compose("{'text':'hello there','html':'<p>hello <b>there</b></p>'}", &ann, calls, &b);
    expect_at(calls[0].params, "",
        "{'chat_id':42,'text':'hello there','entities':[{'type':'bold','offset':6,'length':5}]}");
    telegram_calls_free(calls, 1);
    json_decref(b);
    compose("{'text':'said','html':'<script>x</script>'}", &ann, calls, &b);
    expect_at(calls[0].params, "text", "'said'");
    telegram_calls_free(calls, 1);
    json_decref(b);
}

static void routes_and_replies(void **state) {
    (void)state;
    static const struct {
        struct telegram_target to;
        const char *params;
    } cases[] = {
        {{"-1001234567890", "topic=45", "-1001234567890:7", NULL, false},
            "{'chat_id':-1001234567890,'message_thread_id':45,'text':'x','reply_parameters':{"
            "'message_id':7,'allow_sending_without_reply':true}}"},
        {{"-9", "direct=4294967299", "-8:7", NULL, false},
            "{'chat_id':-9,'direct_messages_topic_id':4294967299,'text':'x'}"},
        {{"42", "biz=bc1", "bc1/42:7", NULL, false},
            "{'chat_id':42,'business_connection_id':'bc1','text':'x','reply_parameters':{"
            "'message_id':7,'allow_sending_without_reply':true}}"},
        {{"42", "biz=bc1", "42:7", NULL, false},
            "{'chat_id':42,'business_connection_id':'bc1','text':'x'}"},
        {{"42", "", "cb:7", NULL, false}, "{'chat_id':42,'text':'x'}"},
        {{"42", "topic=", "", NULL, false}, "{'chat_id':42,'text':'x'}"},
        {{"@news", "", "42:e3:1790000000:42", NULL, false}, "{'chat_id':'@news','text':'x'}"}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct telegram_call calls[TELEGRAM_CALLS_MAX];
        json_t *b;
        compose("{'text':'x'}", &cases[i].to, calls, &b);
        expect_at(calls[0].params, "", cases[i].params);
        telegram_calls_free(calls, 1);
        json_decref(b);
    }
}

static void files_go_by_kind(void **state) {
    (void)state;
    expect("{'attachments':[" IMAGE "]}", "Photo");
    expect("{'attachments':[" VIDEO "]}", "Video");
    expect("{'attachments':[" PDF "]}", "Document");
    expect("{'attachments':[" SONG "]}", "Audio");
    expect("{'attachments':[" VOICE "]}", "Voice");
    expect("{'attachments':[" GIF "]}", "Animation");
    expect("{'attachments':[{'id':'M','kind':'image','mime':'image/svg+xml'}]}", "Document");
    expect("{'attachments':[{'id':'M','kind':'image','mime':'image/png','size':10485761}]}",
        "Document");
    expect(
        "{'attachments':[{'id':'M','kind':'image','mime':'image/png','width':9000,'height':2000}]}",
        "Document");
    expect(
        "{'attachments':[{'id':'M','kind':'image','mime':'image/png','width':2001,'height':100}]}",
        "Document");
    expect(
        "{'attachments':[{'id':'M','kind':'audio','mime':'audio/mp4','role':'voice'}]}", "Voice");
    expect("{'attachments':[{'id':'M','kind':'audio','mime':'audio/webm','role':'voice'}]}",
        "Document");
    expect("{'attachments':[{'id':'M','kind':'video','mime':'video/webm'}]}", "Document");
    expect("{'attachments':[{'id':'M'}]}", "Document");
}

static void uploads_name_their_media(void **state) {
    (void)state;
    struct telegram_call calls[TELEGRAM_CALLS_MAX];
    json_t *b;
    compose("{'attachments':[{'id':'M','kind':'video','mime':'video/mp4','width':3,'height':4,"
            "'duration':5}," IMAGE "],'html':'<i>c</i>'}",
        &ann, calls, &b);
    expect_at(calls[0].params, "",
        "{'chat_id':42,'media':[{'type':'video','media':'attach://file0','width':3,'height':4,"
        "'duration':5,'supports_streaming':true,'caption':'c','caption_entities':[{'type':'italic',"
        "'offset':0,'length':1}]},{'type':'photo','media':'attach://file1'}]}");
    assert_string_equal(calls[0].uploads[0].part, "file0");
    assert_string_equal(calls[0].uploads[0].media, "M");
    assert_string_equal(calls[0].uploads[0].name, "file");
    assert_string_equal(calls[0].uploads[1].media, "M1");
    assert_string_equal(calls[0].uploads[1].mime, "image/jpeg");
    telegram_calls_free(calls, 1);
    json_decref(b);
    compose("{'attachments':[" IMAGE "],'text':'c'}", &ann, calls, &b);
    expect_at(calls[0].params, "", "{'chat_id':42,'caption':'c'}");
    assert_string_equal(calls[0].uploads[0].part, "photo");
    telegram_calls_free(calls, 1);
    json_decref(b);
}

static void files_make_albums(void **state) {
    (void)state;
    expect("{'attachments':[" IMAGE "," VIDEO "," PDF "," PDF "," SONG "," SONG "," VOICE "," GIF
           "]}",
        "MediaGroup:photo+video MediaGroup:document+document MediaGroup:audio+audio Voice "
        "Animation");
    expect("{'attachments':[" IMAGE "," PDF "," IMAGE "]}", "Photo Document Photo");
    expect("{'text':'c','attachments':[" IMAGE "," IMAGE "," PDF "]}",
        "MediaGroup:photo=+photo Document");
    expect("{'attachments':[" IMAGE "," IMAGE "," IMAGE "," IMAGE "," IMAGE "," IMAGE "," IMAGE
           "," IMAGE "," IMAGE "," IMAGE "," IMAGE "]}",
        "MediaGroup:photo+photo+photo+photo+photo+photo+photo+photo+photo+photo Photo");
}

static void long_text_comes_after_files(void **state) {
    (void)state;
    char *body = mem_printf("{'text':'%01024d','attachments':[" PDF "]}", 0);
    expect(body, "Document=");
    free(body);
    body = mem_printf("{'text':'%01025d','attachments':[" PDF "]}", 0);
    expect(body, "Document Message");
    free(body);
    body = mem_printf("{'text':'%04097d','attachments':[" PDF "," PDF "]}", 0);
    expect(body, "MediaGroup:document+document Message Message");
    free(body);
    body = mem_printf("{'text':'%065000d'}", 0);
    struct telegram_call calls[TELEGRAM_CALLS_MAX];
    json_t *b;
    size_t n = compose(body, &ann, calls, &b);
    assert_int_equal(n, 16);
    telegram_calls_free(calls, n);
    json_decref(b);
    free(body);
}

#define KEYS "'buttons':[[{'text':'Yes'},{'text':'Site','url':'https://x'}],[{'text':''}],7]"

static void keyboards_go_last(void **state) {
    (void)state;
    struct telegram_call calls[TELEGRAM_CALLS_MAX];
    json_t *b;
    expect("{'text':'a'," KEYS "}", "Message#");
    expect("{'text':'a','attachments':[" PDF "]," KEYS "}", "Document=#");
    expect("{'text':'a','attachments':[" PDF "," PDF "]," KEYS "}",
        "MediaGroup:document+document Message#");
    expect("{'attachments':[" PDF "," PDF "]," KEYS "}", "Document Document#");
    expect("{'text':'a','attachments':[" IMAGE "," IMAGE "," GIF "]," KEYS "}",
        "MediaGroup:photo=+photo Animation#");
    compose("{'text':'a'," KEYS ",'request':'contact'}", &ann, calls, &b);
    expect_at(calls[0].params, "reply_markup",
        "{'inline_keyboard':[[{'text':'Yes','callback_data':'Yes'},{'text':'Site','url':'https://"
        "x'}]]}");
    telegram_calls_free(calls, 1);
    json_decref(b);
    compose(
        "{'text':'a','buttons':[[{'text':'x','url':'javascript:1'},{'text':'y','url':'tel:1'}]]}",
        &ann, calls, &b);
    expect_at(calls[0].params, "reply_markup", "-");
    telegram_calls_free(calls, 1);
    json_decref(b);
    char *body = mem_printf("{'text':'a','buttons':[[{'text':'x%s'}]]}",
        "\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xf0\x9f\x98\x80"
        "\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xf0\x9f\x98\x80"
        "\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xf0\x9f\x98\x80"
        "\xf0\x9f\x98\x80");
    compose(body, &ann, calls, &b);
    assert_int_equal(
        json_string_length(at(calls[0].params, "reply_markup.inline_keyboard.0.0.callback_data")),
        61);
    telegram_calls_free(calls, 1);
    json_decref(b);
    free(body);
}

static void contact_is_asked_in_private_only(void **state) {
    (void)state;
    static const struct telegram_target group = {"-5", "", NULL, NULL, false};
    static const struct telegram_target business = {"42", "biz=b", NULL, NULL, false};
    struct telegram_call calls[TELEGRAM_CALLS_MAX];
    json_t *b;
    compose("{'text':'a','request':'contact'}", &ann, calls, &b);
    expect_at(calls[0].params, "reply_markup",
        "{'keyboard':[[{'text':'Share my phone number','request_contact':true}]],"
        "'resize_keyboard':true,'one_time_keyboard':true}");
    telegram_calls_free(calls, 1);
    json_decref(b);
    compose("{'text':'a','request':'contact'}", &group, calls, &b);
    expect_at(calls[0].params, "reply_markup", "-");
    telegram_calls_free(calls, 1);
    json_decref(b);
    compose("{'text':'a','request':'contact'}", &business, calls, &b);
    expect_at(calls[0].params, "reply_markup", "-");
    telegram_calls_free(calls, 1);
    json_decref(b);
}

static void what_cannot_go_is_said(void **state) {
    (void)state;
    static const struct {
        const char *body;
        enum err_code code;
    } cases[] = {{"{}", ERR_INVALID}, {"{'text':' \\n '}", ERR_INVALID},
        {"{'text':7}", ERR_INVALID}, {"{'html':'<p></p>'}", ERR_INVALID},
        {"{" KEYS "}", ERR_INVALID}, {"{'text':'a','attachments':[{'kind':'image'}]}", ERR_INVALID},
        {"{'text':'a','attachments':[7]}", ERR_INVALID},
        {"{'text':'a','attachments':[{'id':'M','name':'big','size':52428801}]}", ERR_TOO_LARGE},
        {"{'attachments':[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21]}", ERR_TOO_LARGE}};
    struct telegram_call calls[TELEGRAM_CALLS_MAX];
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct err err = {0};
        json_t *body = json_of(cases[i].body);
        assert_int_equal(telegram_compose(body, &ann, calls, &err), 0);
        if (err.code != cases[i].code)
            fail_msg("%s: %s", cases[i].body, err.text);
        json_decref(body);
    }
    struct telegram_target local = {"42", "", NULL, NULL, true};
    struct err err;
    json_t *body = json_of("{'attachments':[{'id':'M','size':52428801}]}");
    size_t n = telegram_compose(body, &local, calls, &err);
    assert_int_equal(n, 1);
    telegram_calls_free(calls, n);
    json_decref(body);
}

static void refused_calls_are_amended(void **state) {
    (void)state;
    static const struct telegram_target topic = {"-5", "topic=3", "-5:7", NULL, false};
    struct telegram_call calls[TELEGRAM_CALLS_MAX];
    json_t *b;
    compose("{'html':'<b>a</b>','attachments':[" IMAGE "," VIDEO "]}", &topic, calls, &b);
    struct telegram_call *c = &calls[0];
    assert_true(telegram_call_amend(c, TELEGRAM_PLAIN, NULL));
    assert_false(telegram_call_amend(c, TELEGRAM_PLAIN, NULL));
    assert_true(telegram_call_amend(c, TELEGRAM_NO_TOPIC, NULL));
    assert_false(telegram_call_amend(c, TELEGRAM_NO_TOPIC, NULL));
    assert_true(telegram_call_amend(c, TELEGRAM_NO_REPLY, NULL));
    assert_false(telegram_call_amend(c, TELEGRAM_NO_QUOTE, NULL));
    assert_true(telegram_call_amend(c, TELEGRAM_AS_DOCUMENT, NULL));
    assert_false(telegram_call_amend(c, TELEGRAM_AS_DOCUMENT, NULL));
    assert_true(telegram_call_amend(c, TELEGRAM_MIGRATED, "-1005"));
    assert_false(telegram_call_amend(c, TELEGRAM_MIGRATED, "-1005"));
    assert_false(telegram_call_amend(c, TELEGRAM_MIGRATED, ""));
    assert_false(telegram_call_amend(c, TELEGRAM_MIGRATED, NULL));
    assert_false(telegram_call_amend(c, TELEGRAM_REFUSED, NULL));
    expect_at(c->params, "",
        "{'chat_id':-1005,'media':[{'type':'document','media':'attach://file0','caption':'a'},"
        "{'type':'document','media':'attach://file1'}]}");
    telegram_calls_free(calls, 1);
    json_decref(b);
    compose("{'html':'<b>a</b>','attachments':[" IMAGE "]}", &ann, calls, &b);
    assert_true(telegram_call_amend(c, TELEGRAM_AS_DOCUMENT, NULL));
    assert_string_equal(c->method, "sendDocument");
    assert_string_equal(c->uploads[0].part, "document");
    assert_true(telegram_call_amend(c, TELEGRAM_PLAIN, NULL));
    expect_at(c->params, "", "{'chat_id':42,'caption':'a'}");
    telegram_calls_free(calls, 1);
    json_decref(b);
}

static void external_ids_are_read(void **state) {
    (void)state;
    static const char *const none[] = {"", ":", "42", "42:", "42:0", "42:-1", "cb:7", "mcm:7",
        "42:u7", "42:e3:1790000000:42", "/42:7", "a/:7", "42:7 ", "42:99999999999999999999",
        "--4:7"};
    assert_true(telegram_message_id("42:7") == 7);
    assert_true(telegram_message_id("-1001234567890:4294967299") == 4294967299);
    assert_true(telegram_message_id("bc_1/42:7") == 7);
    for (size_t i = 0; i < ARRAY_LEN(none); i++)
        if (telegram_message_id(none[i]) != -1)
            fail_msg("%s", none[i]);
}

static json_t *edit(
    const char *body, const char *external, bool files, const char **method, struct err *err) {
    json_t *b = json_of(body);
    json_t *params = telegram_compose_edit(b, &ann, external, files, method, err);
    json_decref(b);
    return params;
}

static void sent_messages_are_changed(void **state) {
    (void)state;
    const char *method;
    struct err err;
    json_t *p = edit("{'html':'<b>x</b>'," KEYS "}", "42:7", false, &method, &err);
    assert_string_equal(method, "editMessageText");
    expect_at(p, "text", "'x'");
    expect_at(p, "entities.0.type", "'bold'");
    expect_at(p, "message_id", "7");
    expect_at(p, "reply_markup.inline_keyboard.0.0.text", "'Yes'");
    json_decref(p);
    p = edit("{'text':''}", "bc/42:7", true, &method, &err);
    assert_string_equal(method, "editMessageCaption");
    expect_at(p, "", "{'chat_id':42,'message_id':7,'business_connection_id':'bc','caption':''}");
    json_decref(p);
    assert_null(edit("{'text':' '}", "42:7", false, &method, &err));
    assert_int_equal(err.code, ERR_INVALID);
    assert_null(edit("{'text':'x'}", "cb:7", false, &method, &err));
    char *body = mem_printf("{'text':'%01025d'}", 0);
    assert_null(edit(body, "42:7", true, &method, &err));
    assert_int_equal(err.code, ERR_TOO_LARGE);
    free(body);
}

static void sent_messages_are_deleted(void **state) {
    (void)state;
    static const char *const ids[] = {"cb:1", "42:7", "42:8", "43:9", "bc/42:3"};
    static const char *const business[] = {"bc/42:7", "bc/42:8"};
    const char *method;
    json_t *p = telegram_compose_delete(&ann, ids, 5, &method);
    assert_string_equal(method, "deleteMessages");
    expect_at(p, "", "{'chat_id':42,'message_ids':[7,8]}");
    json_decref(p);
    p = telegram_compose_delete(&ann, business, 2, &method);
    assert_string_equal(method, "deleteBusinessMessages");
    expect_at(p, "", "{'business_connection_id':'bc','message_ids':[7,8]}");
    json_decref(p);
    assert_null(telegram_compose_delete(&ann, ids, 1, &method));
}

static void reactions_are_set(void **state) {
    (void)state;
    const char *method;
    struct err err;
    json_t *p = telegram_compose_reaction(&ann, "42:7", "\xe2\x9d\xa4\xef\xb8\x8f", &method, &err);
    assert_string_equal(method, "setMessageReaction");
    expect_at(p, "",
        "{'chat_id':42,'message_id':7,'reaction':[{'type':'emoji','emoji':'\xe2\x9d\xa4'}]}");
    json_decref(p);
    p = telegram_compose_reaction(
        &ann, "42:7", "\xe2\x9d\xa4\xef\xb8\x8f\xe2\x80\x8d\xf0\x9f\x94\xa5", &method, &err);
    expect_at(p, "reaction.0.emoji", "'\xe2\x9d\xa4\xe2\x80\x8d\xf0\x9f\x94\xa5'");
    json_decref(p);
    p = telegram_compose_reaction(&ann, "42:7", NULL, &method, &err);
    expect_at(p, "reaction", "[]");
    json_decref(p);
    assert_null(telegram_compose_reaction(&ann, "42:7", "x", &method, &err));
    assert_int_equal(err.code, ERR_INVALID);
    assert_null(telegram_compose_reaction(&ann, "bc/42:7", "\xf0\x9f\x91\x8d", &method, &err));
    assert_int_equal(err.code, ERR_UNSUPPORTED);
    assert_null(telegram_compose_reaction(&ann, "cb:7", NULL, &method, &err));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(text_is_sent),
        cmocka_unit_test(routes_and_replies), cmocka_unit_test(files_go_by_kind),
        cmocka_unit_test(uploads_name_their_media), cmocka_unit_test(files_make_albums),
        cmocka_unit_test(long_text_comes_after_files), cmocka_unit_test(keyboards_go_last),
        cmocka_unit_test(contact_is_asked_in_private_only),
        cmocka_unit_test(what_cannot_go_is_said), cmocka_unit_test(refused_calls_are_amended),
        cmocka_unit_test(external_ids_are_read), cmocka_unit_test(sent_messages_are_changed),
        cmocka_unit_test(sent_messages_are_deleted), cmocka_unit_test(reactions_are_set)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
