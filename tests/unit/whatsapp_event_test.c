/* whatsapp_event_test.c - webhook bodies as what happened: who, when, which message; batches; and
 * what has a shape that nobody promised. */
#include "json_trial.h"

#include "connectors/whatsapp/whatsapp_event.h"

#define HEAD "{'object':'whatsapp_business_account','entry':[{'id':'77','changes':[{'field':'"
#define META "'metadata':{'display_phone_number':'4915100000','phone_number_id':'1055'}"
#define MESSAGES HEAD "messages','value':{" META ",'messages':["
#define END "]}}]}]}"

static void parse(const char *text, struct whatsapp_events *out) {
    struct err err;
    char *s = quoted(text);
    if (whatsapp_events_parse(span_str(s), out, &err) < 0)
        fail_msg("%s: %s", s, err.text);
    free(s);
}

/* The only event of a body. */
static const struct whatsapp_event *one(const char *text, struct whatsapp_events *out) {
    parse(text, out);
    assert_int_equal(out->n, 1);
    return &out->list[0];
}

static void only_envelopes_are_taken(void **state) {
    static const char *const bad[] = {"", "x", "[]", "{}", "{'object':'page','entry':[]}",
        "{'object':'whatsapp_business_account'}",
        "{'object':'whatsapp_business_account','entry':5}"};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct whatsapp_events e;
        struct err err;
        char *s = quoted(bad[i]);
        assert_int_equal(whatsapp_events_parse(span_str(s), &e, &err), -1);
        assert_int_equal(err.code, ERR_INVALID);
        whatsapp_events_free(&e);
        free(s);
    }
    struct whatsapp_events e;
    parse("{'object':'whatsapp_business_account','entry':[]}", &e);
    assert_int_equal(e.n, 0);
    whatsapp_events_free(&e);
}

static void a_text_and_who_wrote_it(void **state) {
    struct whatsapp_events all;
    const struct whatsapp_event *e =
        one(HEAD "messages','value':{" META
                 ",'contacts':[{'profile':{'name':'Bob'},'wa_id':'1'},{'profile':{'name':'Ann',"
                 "'username':'ann.k'},'wa_id':'4917600000','user_id':'DE.1'}],'messages':[{'from':"
                 "'4917600000','from_user_id':'DE.1','from_parent_user_id':'DE.ENT.1','id':"
                 "'wamid.A=','timestamp':'1790000000','type':'text','text':{'body':'hi'},"
                 "'context':{'id':'wamid.B'}}" END,
            &all);
    (void)state;
    assert_int_equal(e->what, WHATSAPP_MESSAGE);
    assert_string_equal(e->number_id, "1055");
    assert_string_equal(e->who.phone, "4917600000");
    assert_string_equal(e->who.bsuid, "DE.1");
    assert_string_equal(e->who.parent, "DE.ENT.1");
    assert_string_equal(e->name, "Ann");
    assert_string_equal(e->external_id, "wamid.A=");
    assert_string_equal(e->reply_to, "wamid.B");
    assert_true(e->at_ms == 1790000000000 && e->opens_window && e->understood);
    expect_at(e->body, "text", "'hi'");
    expect_at(e->profile, "username", "'ann.k'");
    whatsapp_events_free(&all);
}

/* What belongs to one person is never given to another one of the same body. */
static void nobody_gets_the_contact_of_another(void **state) {
    static const char *const bodies[] = {MESSAGES
        "{'from_user_id':'DE.2','id':'wamid.A','type':'text','text':{'body':'x'}}"
        "],'contacts':[{'profile':{'name':'Bob'},'wa_id':'1','user_id':'DE.1'}" END,
        HEAD "calls','value':{" META ",'calls':[{'id':'c1','from_user_id':'DE.2','event':'connect'}"
             "],'contacts':[{'profile':{'name':'Bob'},'wa_id':'1','user_id':'DE.1'}" END,
        HEAD "user_preferences','value':{" META ",'user_preferences':[{'user_id':'DE.2','value':"
             "'stop'}],'contacts':[{'profile':{'name':'Bob'},'wa_id':'1','user_id':'DE.1'}" END};
    static const char *const several[] = {"calls", "user_preferences"};
    struct whatsapp_events all;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
        const struct whatsapp_event *e = one(bodies[i], &all);
        assert_string_equal(e->who.phone, "");
        assert_string_equal(e->who.bsuid, "DE.2");
        assert_string_equal(e->name, "");
        if (e->raw)
            expect_at(e->raw, "contact", "-");
        whatsapp_events_free(&all);
    }
    for (size_t i = 0; i < ARRAY_LEN(several); i++) { /* one contact, two people */
        char body[700];
        snprintf(body, sizeof body,
            HEAD "%s','value':{" META ",'contacts':[{'wa_id':'1'}],'%s':[{'id':'a','from_user_id':"
                 "'DE.1','user_id':'DE.1','event':'connect','value':'stop'},{'id':'b',"
                 "'from_user_id':'DE.2','user_id':'DE.2','event':'connect','value':'stop'}" END,
            several[i], several[i]);
        parse(body, &all);
        assert_int_equal(all.n, 2);
        assert_string_equal(all.list[0].who.phone, "");
        assert_string_equal(all.list[1].who.phone, "");
        whatsapp_events_free(&all);
    }
}

/* An id where a number is due, a username with its @, a contact without a name, only one of all. */
static void people_in_other_shapes(void **state) {
    struct whatsapp_events all;
    const struct whatsapp_event *e =
        one(HEAD "messages','value':{" META ",'contacts':[{'profile':{'username':'@ann.k'},'wa_id':"
                 "'DE.1'}],'messages':[{'from':'DE.1','id':'wamid.A','type':'text','text':{'body':"
                 "'hi'}}" END,
            &all);
    (void)state;
    assert_string_equal(e->who.bsuid, "DE.1");
    assert_string_equal(e->who.phone, "");
    assert_string_equal(e->name, "");
    expect_at(e->profile, "", "{'username':'ann.k'}");
    whatsapp_events_free(&all);
    e = one(MESSAGES "{'from':'1','id':'wamid.A','type':'contacts','contacts':[{'phones':[{'wa_id':"
                     "'49151'}]}]}" END,
        &all);
    expect_at(e->body, "contact.phone", "'+49151'");
    assert_string_equal(e->who.phone, "1");
    whatsapp_events_free(&all);
    e = one(MESSAGES "{'from_user_id':'DE.1','id':'wamid.A','type':'contacts','contacts':[{'origin'"
                     ":'contact_request','phones':[{'phone':'+49 151 7'}]}]}" END,
        &all);
    assert_string_equal(e->who.phone, "491517");
    whatsapp_events_free(&all);
}

/* Of the old kinds, too: who it is now, or only that something changed. */
static void system_messages(void **state) {
    static const char *const moved[] = {"'type':'user_changed_number','wa_id':'2'",
        "'type':'user_changed_user_id','user_id':'DE.2'",
        "'type':'customer_changed_number','new_wa_id':'2'"};
    struct whatsapp_events all;
    char body[600];
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(moved); i++) {
        snprintf(body, sizeof body,
            MESSAGES "{'from':'1','from_user_id':'DE.1','id':'wamid.A','type':'system','system':{"
                     "'body':'Ann changed',%s}}" END,
            moved[i]);
        const struct whatsapp_event *e = one(body, &all);
        assert_int_equal(e->what, WHATSAPP_MOVED);
        assert_string_equal(e->was.phone, "1");
        assert_string_equal(e->was.bsuid, "DE.1");
        assert_true(strcmp(e->who.phone, "2") == 0 || strcmp(e->who.bsuid, "DE.2") == 0);
        assert_false(e->opens_window);
        if (e->who.phone[0])
            expect_at(e->body, "event.phone", "'+2'");
        whatsapp_events_free(&all);
    }
    const struct whatsapp_event *e =
        one(MESSAGES "{'from':'1','id':'wamid.A','type':'system','system':{'type':"
                     "'customer_identity_changed','identity':'x'}}" END,
            &all);
    assert_int_equal(e->what, WHATSAPP_EVENT);
    expect_at(e->body, "event.what", "'service'");
    whatsapp_events_free(&all);
}

/* W: ids beyond any length, ids that are none, times in milliseconds or of nobody's clock. */
static void ids_and_times(void **state) {
    char body[2000] = MESSAGES "{'from':'1','type':'text','text':{'body':'x'},'id':'";
    struct whatsapp_events a, b;
    (void)state;
    memset(body + strlen(body), 'w', 1000);
    strcat(body, "','timestamp':1790000000000}" END);
    const struct whatsapp_event *e = one(body, &a);
    assert_true(e->external_id[0] == '~' && strlen(e->external_id) == 65);
    assert_true(e->at_ms == 1790000000000);
    whatsapp_events_free(&a);
    e = one(MESSAGES "{'from':'1','type':'text','text':{'body':'x'},'timestamp':'soon'}" END, &a);
    const struct whatsapp_event *again =
        one(MESSAGES "{'from':'1','type':'text','text':{'body':'x'},'timestamp':'soon'}" END, &b);
    assert_true(e->external_id[0] == '~' && e->at_ms == 0);
    assert_string_equal(e->external_id, again->external_id);
    expect_at(e->body, "sent_at", "-");
    whatsapp_events_free(&a);
    whatsapp_events_free(&b);
}

static void batches_keep_their_order(void **state) {
    struct whatsapp_events e;
    (void)state;
    parse("{'object':'whatsapp_business_account','entry':[{'id':'77','changes':[{'field':"
          "'messages','value':{" META ",'messages':[{'from':'1','id':'wamid.1','type':'text','text'"
          ":{'body':'a'}},null,{'from':'2','id':'wamid.2','type':'text','text':{'body':'b'}}],"
          "'statuses':[{'id':'wamid.3','status':'read'},{'id':'wamid.4','status':'deleted'}]}},"
          "{'field':'new_field','value':{}}]},5,{'id':'78','changes':[{'field':'messages','value':"
          "{'metadata':{'phone_number_id':'2000'},'messages':[{'from':'3','id':'wamid.5','type':"
          "'text','text':{'body':'c'}}]}}]}]}",
        &e);
    assert_int_equal(e.n, 4);
    assert_string_equal(e.list[0].external_id, "wamid.1");
    assert_string_equal(e.list[1].external_id, "wamid.2");
    assert_int_equal(e.list[2].what, WHATSAPP_STATUS);
    assert_int_equal(e.list[2].status, WHATSAPP_READ);
    assert_string_equal(e.unknown, "new_field");
    assert_string_equal(e.list[3].number_id, "2000");
    assert_string_equal(e.list[3].waba_id, "78");
    whatsapp_events_free(&e);
}

static void contents(void **state) {
    static const char *const kinds[][3] = {
        {"'type':'image','image':{'id':'7','mime_type':'image/jpeg','sha256':'x','caption':'c'}",
            "attachments.0.remote", "{'media':'7','sha256':'x'}"},
        {"'type':'audio','audio':{'id':'7','voice':true}", "attachments.0.role", "'voice'"},
        {"'type':'image','image':{'caption':'c'}", "attachments.0.state", "'unavailable'"},
        {"'type':'document','document':{'id':'7','filename':'../a\\u0007.pdf'}",
            "attachments.0.state", "'waiting'"},
        {"'type':'location','location':{'latitude':'1.5','longitude':2}", "location.lat", "1.5"},
        {"'type':'location','location':{'latitude':'x'}", "raw_type", "'location'"},
        {"'type':'button','button':{'text':'Yes','payload':'p'}", "button",
            "{'text':'Yes','payload':'p'}"},
        {"'type':'button','button':{}", "raw_type", "'button'"},
        {"'type':'interactive','interactive':{'type':'list_reply','list_reply':{'id':'b1','title':"
         "'A','description':'more'}}",
            "button.description", "'more'"},
        {"'type':'interactive','interactive':{'type':'new_reply'}", "raw_type", "'new_reply'"},
        {"'type':'interactive','interactive':{'type':'nfm_reply','nfm_reply':{'response_json':"
         "'no json'}}",
            "raw_type", "'nfm_reply'"},
        {"'type':'unsupported','unsupported':{'type':'poll_creation'},'errors':[{'code':131051}]",
            "raw_type", "'poll_creation'"},
        {"'type':'unsupported','errors':[{'code':131052}]", "attachments.0.state", "'too_large'"},
        {"'type':'unsupported','unsupported':{'type':'video'},'errors':[{'code':131052}]",
            "attachments.0.kind", "'video'"},
        {"'type':'voice','voice':{'mime_type':'audio/ogg'},'errors':[{'code':'131052'}]",
            "attachments.0.state", "'too_large'"},
        {"'type':'voice','voice':{'mime_type':'audio/ogg'},'errors':[{'code':131052}]",
            "attachments.0.role", "'voice'"},
        {"'type':'image','image':{},'errors':[{'code':131052,'error_data':{'details':'Too big'}}]",
            "attachments.0.error",
            "'too_big_whatsapp: The file is larger than WhatsApp hands over (100 MB). Ask the "
            "client for a link to it. [Too big]'"},
        {"'type':'of_next_year','of_next_year':{}", "raw_type", "'of_next_year'"},
        {"'type':'text','text':5", "raw_type", "'text'"},
        {"'type':'text','text':{'body':'x'},'context':{'frequently_forwarded':true}",
            "forward.often", "true"},
        {"'type':'text','text':{'body':'x'},'referral':{'source_type':'ad','source_url':'u'}",
            "referral.kind", "'ad'"}};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        char body[1000];
        struct whatsapp_events all;
        snprintf(body, sizeof body, MESSAGES "{'from':'1','id':'wamid.A',%s}" END, kinds[i][0]);
        expect_at(one(body, &all)->body, kinds[i][1], kinds[i][2]);
        whatsapp_events_free(&all);
    }
}

static void changes_are_of_the_message_that_they_name(void **state) {
    struct whatsapp_events all;
    const struct whatsapp_event *e = one(MESSAGES
        "{'from':'1','id':'wamid.R','type':'reaction','reaction':{'message_id':'wamid.A',"
        "'emoji':'👍'}}" END,
        &all);
    (void)state;
    assert_int_equal(e->what, WHATSAPP_REACTION);
    assert_string_equal(e->external_id, "wamid.A");
    assert_false(e->opens_window);
    expect_at(e->body, "emoji", "['👍']");
    whatsapp_events_free(&all);
    e = one(MESSAGES "{'from':'1','id':'wamid.R','type':'edit','edit':{'original_message_id':"
                     "'wamid.A','message':{'type':'text','text':{'body':'now'}}}}" END,
        &all);
    assert_int_equal(e->what, WHATSAPP_EDIT);
    assert_string_equal(e->external_id, "wamid.A");
    expect_at(e->body, "text", "'now'");
    whatsapp_events_free(&all);
    e = one(MESSAGES "{'from':'1','id':'wamid.R','type':'revoke','revoke':{'original_message_id':"
                     "'wamid.A'}}" END,
        &all);
    assert_int_equal(e->what, WHATSAPP_DELETE);
    whatsapp_events_free(&all);
}

/* Coexistence: of the past nobody is told, and it opens no window; echoes are ours. */
static void the_past_and_the_phone(void **state) {
    struct whatsapp_events all;
    (void)state;
    parse(HEAD "history','value':{" META
               ",'history':[{'metadata':{'phase':0},'threads':[{'id':'1','messages':[{'from':'1',"
               "'id':'wamid.1','type':'text','text':{'body':'q'}},{'from':'4915100000','to':'1',"
               "'id':'wamid.2','type':'media_placeholder'}]}]}]}}]}]}",
        &all);
    assert_int_equal(all.n, 2);
    assert_true(all.list[0].past && !all.list[0].opens_window);
    assert_int_equal(all.list[0].what, WHATSAPP_MESSAGE);
    assert_int_equal(all.list[1].what, WHATSAPP_OWN);
    assert_string_equal(all.list[1].who.phone, "1");
    whatsapp_events_free(&all);
    const struct whatsapp_event *e =
        one(HEAD "smb_message_echoes','value':{" META
                 ",'message_echoes':[{'from':'4915100000','to':'1','id':'wamid.3','type':'text',"
                 "'text':{'body':'ours'}}" END,
            &all);
    assert_int_equal(e->what, WHATSAPP_OWN);
    assert_true(!e->past && !e->opens_window);
    assert_string_equal(e->who.phone, "1");
    whatsapp_events_free(&all);
}

static void calls_and_wishes_are_events(void **state) {
    static const char *const calls[][3] = {
        {"'event':'connect'", "'call_in'", "'The client calls.'"},
        {"'event':'terminate','duration':125", "'call_ended'", "'Call, 2 min 05 s.'"},
        {"'event':'terminate'", "'call_missed'", "'Missed call.'"},
        {"'event':'connect','direction':'BUSINESS_INITIATED'", "'call_out'",
            "'A call to the client.'"},
        {"'event':'terminate','direction':'BUSINESS_INITIATED'", "'call_unanswered'",
            "'Call without an answer.'"}};
    struct whatsapp_events all;
    char body[800];
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
        snprintf(body, sizeof body,
            HEAD "calls','value':{" META ",'calls':[{'id':'c1','from':'1','to':'1',%s}" END,
            calls[i][0]);
        const struct whatsapp_event *e = one(body, &all);
        assert_int_equal(e->what, WHATSAPP_EVENT);
        expect_at(e->body, "event.what", calls[i][1]);
        expect_at(e->body, "event.text", calls[i][2]);
        assert_int_equal(e->opens_window, i == 0);
        whatsapp_events_free(&all);
    }
    parse(HEAD "calls','value':{" META ",'statuses':[{'type':'call','id':'c1','status':'ACCEPTED'}]"
               "}}]}]}",
        &all); /* the same key as in "messages", and none of ours */
    assert_int_equal(all.n, 0);
    whatsapp_events_free(&all);
    const struct whatsapp_event *e =
        one(MESSAGES "{'from':'1','id':'wamid.A','type':'interactive','interactive':{'type':"
                     "'call_permission_reply','call_permission_reply':{'response':'reject'}}}" END,
            &all);
    expect_at(e->body, "event.what", "'calls_refused'");
    assert_true(e->opens_window);
    whatsapp_events_free(&all);
    e = one(MESSAGES "{'from':'1','id':'wamid.A','type':'request_welcome'}" END, &all);
    expect_at(e->body, "event.what", "'opened'");
    assert_false(e->opens_window);
    whatsapp_events_free(&all);
    e = one(HEAD "user_preferences','value':{" META
                 ",'user_preferences':[{'wa_id':'1','value':'stop','timestamp':1790000000}" END,
        &all);
    expect_at(e->body, "event.what", "'marketing_stop'");
    expect_at(e->profile, "marketing", "'stop'");
    whatsapp_events_free(&all);
}

static void news_of_the_account(void **state) {
    struct whatsapp_events all;
    const struct whatsapp_event *e =
        one(HEAD "account_update','value':{'event':'DISABLED_UPDATE'}}]}]}", &all);
    (void)state;
    assert_int_equal(e->what, WHATSAPP_ACCOUNT);
    assert_string_equal(e->level, "fail");
    assert_non_null(strstr(e->text, "DISABLED_UPDATE"));
    whatsapp_events_free(&all);
    e = one(HEAD "message_template_status_update','value':{'event':'PAUSED'}}]}]}", &all);
    assert_int_equal(e->what, WHATSAPP_TEMPLATES);
    whatsapp_events_free(&all);
    e = one(HEAD
        "user_id_update','value':{" META
        ",'user_id_update':[{'wa_id':'2','user_id':{'previous':'DE.1','current':'DE.2'}}" END,
        &all);
    assert_int_equal(e->what, WHATSAPP_MOVED);
    assert_string_equal(e->was.bsuid, "DE.1");
    assert_string_equal(e->who.bsuid, "DE.2");
    assert_string_equal(e->who.phone, "2");
    whatsapp_events_free(&all);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(only_envelopes_are_taken),
        cmocka_unit_test(a_text_and_who_wrote_it),
        cmocka_unit_test(nobody_gets_the_contact_of_another),
        cmocka_unit_test(people_in_other_shapes), cmocka_unit_test(system_messages),
        cmocka_unit_test(ids_and_times), cmocka_unit_test(batches_keep_their_order),
        cmocka_unit_test(contents), cmocka_unit_test(changes_are_of_the_message_that_they_name),
        cmocka_unit_test(the_past_and_the_phone), cmocka_unit_test(calls_and_wishes_are_events),
        cmocka_unit_test(news_of_the_account)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
