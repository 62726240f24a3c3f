/* whatsapp_compose_test.c - messages of ours as calls: the shapes and limits of the platform. */
#include "json_trial.h"

#include "connectors/whatsapp/whatsapp_compose.h"

#define ANN "4917600000"

struct composed {
    struct whatsapp_call calls[WHATSAPP_CALLS_MAX];
    size_t n;
    struct err err;
    json_t *body;
};

static struct composed compose(const char *body, const char *address, const char *reply_to) {
    struct composed c = {.body = json_of(body)};
    struct whatsapp_target to = {.address = address, .reply_to = reply_to};
    c.n = whatsapp_compose(c.body, &to, c.calls, &c.err);
    return c;
}

static void done(struct composed *c) {
    whatsapp_calls_free(c->calls, c->n);
    json_decref(c->body);
}

/* One call with this type, and this at a path of it. */
static void expect_one(const char *body, const char *path, const char *want) {
    struct composed c = compose(body, ANN, NULL);
    if (c.n != 1)
        fail_msg("%s: %zu calls, %s", body, c.n, c.err.text);
    expect_at(c.calls[0].params, path, want);
    done(&c);
}

static void expect_refused(const char *body, const char *words) {
    struct composed c = compose(body, ANN, NULL);
    assert_int_equal(c.n, 0);
    assert_memory_equal(c.err.text, "w0: ", 4);
    assert_non_null(strstr(c.err.text, words));
    done(&c);
}

static void everybody_is_addressed_as_he_is_known(void **state) {
    (void)state;
    struct composed c = compose("{'text':'hi'}", ANN, "wamid.A");
    expect_at(c.calls[0].params, "",
        "{'messaging_product':'whatsapp','recipient_type':'individual','to':'4917600000',"
        "'type':'text','text':{'body':'hi'},'context':{'message_id':'wamid.A'}}");
    done(&c);
    c = compose("{'text':'hi'}", "DE.8841", "other.A");
    expect_at(c.calls[0].params, "recipient", "'DE.8841'");
    expect_at(c.calls[0].params, "to", "-");
    expect_at(c.calls[0].params, "context", "-");
    done(&c);
    c = compose("{'text':'hi'}", "group/Y2FwaV9n", NULL);
    expect_at(c.calls[0].params, "recipient_type", "'group'");
    expect_at(c.calls[0].params, "to", "'Y2FwaV9n'");
    done(&c);
}

static void long_texts_are_parts_on_word_ends(void **state) {
    char body[6000] = "{'text':'";
    (void)state;
    for (int i = 0; i < 1000; i++)
        strcat(body, "word ");
    strcat(body, "'}");
    struct composed c = compose(body, ANN, NULL);
    assert_int_equal(c.n, 2);
    const char *first = json_string_value(at(c.calls[0].params, "text.body"));
    assert_true(strlen(first) <= 4096 && strlen(first) > 4000);
    assert_int_equal(strlen(first) % 5, 0); /* "word " so many times, whole */
    assert_memory_equal(json_string_value(at(c.calls[1].params, "text.body")), "word ", 5);
    done(&c);
}

static void choices_are_buttons_or_a_list(void **state) {
    (void)state;
    expect_one("{'text':'Which?','buttons':[[{'text':'A'},{'text':'B'}],[{'text':'C'}]]}",
        "interactive",
        "{'type':'button','body':{'text':'Which?'},'action':{'buttons':["
        "{'type':'reply','reply':{'id':'b1','title':'A'}},"
        "{'type':'reply','reply':{'id':'b2','title':'B'}},"
        "{'type':'reply','reply':{'id':'b3','title':'C'}}]}}");
    expect_one("{'text':'Which?','buttons':[[{'text':'A'}],[{'text':'B'}],[{'text':'C'}],"
               "[{'text':'A label that is longer than twenty four'}]]}",
        "interactive.action.sections.0.rows.3",
        "{'id':'b4','title':'A label that is longer t','description':'A label that is longer than "
        "twenty four'}");
    expect_one("{'text':'Go','buttons':[[{'text':'Open','url':'https://x.org'}]]}",
        "interactive.action",
        "{'name':'cta_url','parameters':{'display_text':'Open','url':'https://x.org'}}");
    expect_refused("{'text':'x','buttons':[[{'text':'A','url':'https://x'},{'text':'B'}]]}",
        "one link button alone");
    expect_refused("{'text':'x','buttons':[[{'text':'A'},{'text':'A'}]]}", "same label");
    expect_refused("{'buttons':[[{'text':'A'}]]}", "need a text");
    expect_refused("{'text':'x','buttons':[[{'text':'1'},{'text':'2'},{'text':'3'},{'text':'4'},"
                   "{'text':'5'},{'text':'6'},{'text':'7'},{'text':'8'}],[{'text':'9'},"
                   "{'text':'10'},{'text':'11'}]]}",
        "at most 10");
}

static void files_go_where_the_platform_takes_them(void **state) {
    static const char *const files[][3] = {
        {"'kind':'image','name':'a.jpg','mime':'image/jpeg','size':1000", "image", "caption"},
        {"'kind':'image','name':'a.jpg','mime':'image/jpeg','size':6000000", "document", "caption"},
        {"'kind':'image','name':'a.gif','mime':'image/gif','size':1000", "document", "caption"},
        {"'kind':'video','name':'a.mp4','mime':'video/mp4','size':1000", "video", "caption"},
        {"'kind':'video','name':'a.avi','mime':'video/avi','size':1000", "document", "caption"},
        {"'kind':'document','name':'a.pdf','mime':'application/pdf','size':9", "document",
            "caption"},
        {"'kind':'audio','name':'a.mp3','mime':'audio/mpeg','size':1000", "audio", NULL},
        {"'kind':'image','role':'sticker','name':'a.webp','mime':'image/webp','size':9", "sticker",
            NULL}};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        char body[400];
        snprintf(body, sizeof body, "{'text':'see','attachments':[{'id':'M1',%s}]}", files[i][0]);
        struct composed c = compose(body, ANN, NULL);
        struct whatsapp_call *file = &c.calls[c.n - 1];
        if (c.n != (files[i][2] ? 1 : 2) || strcmp(file->place, files[i][1]) != 0)
            fail_msg("%s: %zu calls, %s", body, c.n, c.n ? file->place : c.err.text);
        assert_string_equal(file->media, "M1");
        whatsapp_call_complete(file, "77", "sb:x");
        assert_string_equal(
            json_string_value(json_object_get(at(file->params, files[i][1]), "id")), "77");
        expect_at(file->params, "biz_opaque_callback_data", "'sb:x'");
        if (files[i][2])
            assert_string_equal(
                json_string_value(json_object_get(at(file->params, files[i][1]), "caption")),
                "see");
        done(&c);
    }
}

static void places_people_and_templates(void **state) {
    (void)state;
    expect_one("{'location':{'lat':52.5,'lon':13.4,'name':'Shop'}}", "location",
        "{'latitude':52.5,'longitude':13.4,'name':'Shop'}");
    expect_one("{'contact':{'name':'Bob','phone':'+49 1'}}", "contacts",
        "[{'name':{'formatted_name':'Bob','first_name':'Bob'},'phones':[{'phone':'+49 1','type':"
        "'CELL'}]}]");
    expect_one("{'request':'contact'}", "interactive",
        "{'type':'request_contact_info','body':{'text':'Please share your phone number'},"
        "'action':{'name':'request_contact_info'}}");
    struct composed c = compose("{'text':'shown','template':{'name':'t','language':'de',"
                                "'components':[{'type':'header','parameters':[{'type':'document',"
                                "'document':{}}]}]},'attachments':[{'id':'M1','kind':'document',"
                                "'name':'a.pdf','mime':'application/pdf','size':9}]}",
        ANN, "wamid.A");
    assert_int_equal(c.n, 1);
    whatsapp_call_complete(&c.calls[0], "77", NULL);
    expect_at(c.calls[0].params, "template",
        "{'name':'t','language':{'code':'de'},'components':[{'type':'header','parameters':["
        "{'type':'document','document':{'id':'77','filename':'a.pdf'}}]}]}");
    expect_at(c.calls[0].params, "context", "-");
    done(&c);
    expect_refused("{}", "nothing in this message");
    expect_refused("{'contact':{'phone':'1'}}", "lacks something");
}

static void reactions_and_read_marks(void **state) {
    struct whatsapp_target to = {.address = ANN};
    (void)state;
    json_t *o = whatsapp_compose_reaction(&to, "wamid.A", NULL);
    expect_at(o, "reaction", "{'message_id':'wamid.A','emoji':''}");
    json_decref(o);
    o = whatsapp_compose_read("wamid.A", true);
    expect_at(o, "",
        "{'messaging_product':'whatsapp','status':'read','message_id':'wamid.A',"
        "'typing_indicator':{'type':'text'}}");
    json_decref(o);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(everybody_is_addressed_as_he_is_known),
        cmocka_unit_test(long_texts_are_parts_on_word_ends),
        cmocka_unit_test(choices_are_buttons_or_a_list),
        cmocka_unit_test(files_go_where_the_platform_takes_them),
        cmocka_unit_test(places_people_and_templates), cmocka_unit_test(reactions_and_read_marks)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
