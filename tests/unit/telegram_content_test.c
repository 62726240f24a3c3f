/* telegram_content_test.c - every kind of content as a body; doubles for old clients; forwards and
 * quotes; content that we do not know. */
#include "json_trial.h"

#include "connectors/telegram/telegram_update.h"

#define ANN "{'id':42,'is_bot':false,'first_name':'Ann','last_name':'Lee'}"
#define PRIVATE "{'id':42,'type':'private','first_name':'Ann'}"
#define FILE1 "'file_id':'F1','file_unique_id':'U1'"
#define SIZES                                                                                      \
    "[{'file_id':'S','file_unique_id':'US','width':90,'height':60},{'file_id':'L',"                \
    "'file_unique_id':'UL','width':1280,'height':853,'file_size':9000000000},{'file_id':'M',"      \
    "'file_unique_id':'UM','width':320,'height':213}]"
#define PHOTO_L                                                                                    \
    "{'kind':'image','name':'photo.jpg','mime':'image/jpeg','state':'waiting',"                    \
    "'external_id':'42:1','size':9000000000,'width':1280,'height':853,"                            \
    "'remote':{'file_id':'L','unique':'UL'}}"

static void read_kind(const char *kind, const char *content, struct telegram_update *u) {
    struct err err = {0};
    char *text = mem_printf("{'update_id':7,'%s':{'message_id':1,'date':1790000000,'chat':" PRIVATE
                            ",'from':" ANN ",%s}}",
        kind, content);
    json_t *root = json_of(text);
    assert_int_equal(telegram_update_read(root, 999, u, &err), 0);
    json_decref(root);
    free(text);
}

static void read(const char *content, struct telegram_update *u) {
    read_kind("message", content, u);
    assert_int_equal(u->what, TELEGRAM_MESSAGE);
}

/* The body without sent_at must be this. */
static void expect(const char *content, bool understood, const char *body) {
    struct telegram_update u;
    read(content, &u);
    assert_non_null(json_object_get(u.body, "sent_at"));
    json_object_del(u.body, "sent_at");
    expect_at(u.body, "", body);
    if (u.understood != understood)
        fail_msg("%s: understood %d", content, u.understood);
    telegram_update_free(&u);
}

static void text_is_cleaned_and_formatted(void **state) {
    (void)state;
    expect("'text':'a b','entities':[{'type':'bold','offset':0,'length':1}]", true,
        "{'text':'a b','html':'<b>a</b> b'}");
    expect("'text':'see http://x.y','entities':[{'type':'url','offset':4,'length':10}]", true,
        "{'text':'see http://x.y'}");
    expect("'text':'a\\u0007b\\tc\\r\\nd\\u007f','link_preview_options':{}", true,
        "{'text':'ab\\tc\\nd'}");
    expect("'text':''", false, "{'raw_type':'text'}");
    expect("'text':7", false, "{'raw_type':'text'}");
    expect("'text':'\\u0001'", false, "{'raw_type':'text'}");
}

static void text_has_a_ceiling(void **state) {
    (void)state;
    struct telegram_update u;
    char *many = mem_alloc(70001);
    for (size_t i = 0; i < 70000; i += 2)
        memcpy(many + i, "\xc3\xa9", 2);
    memcpy(many + 69997, "aaa", 3);
    many[70000] = '\0';
    memmove(many + 1, many, 69998); /* so that the ceiling is inside a character */
    many[0] = 'x';
    many[69998] = '\0';
    char *content = mem_printf("'text':'%.69001s'", many);
    read(content, &u);
    const char *text = json_string_value(json_object_get(u.body, "text"));
    assert_int_equal(strlen(text), 65535);
    assert_false(u.understood);
    telegram_update_free(&u);
    free(content);
    free(many);
}

static void files_are_read(void **state) {
    (void)state;
    expect("'photo':" SIZES ",'caption':'look','has_media_spoiler':true", true,
        "{'attachments':[" PHOTO_L "],'text':'look'}");
    expect("'document':{" FILE1 ",'file_name':'../a/b\\u202e.pdf','mime_type':'application/pdf',"
           "'file_size':3,'thumbnail':{}},'caption':'x','caption_entities':[{'type':'italic',"
           "'offset':0,'length':1}]",
        true,
        "{'attachments':[{'kind':'document','name':'b.pdf','mime':'application/pdf',"
        "'state':'waiting','external_id':'42:1','size':3,'remote':{'file_id':'F1','unique':'U1'}}],"
        "'text':'x','html':'<i>x</i>'}");
    expect("'document':{" FILE1 "},'animation':{" FILE1 ",'width':10,'height':20,'duration':3,"
           "'mime_type':'not a type'}",
        true,
        "{'attachments':[{'kind':'video','role':'animation','name':'animation.mp4',"
        "'mime':'video/mp4','state':'waiting','external_id':'42:1','duration':3,'width':10,"
        "'height':20,'remote':{'file_id':'F1','unique':'U1'}}]}");
    expect("'voice':{'file_id':'F1','duration':-1,'file_size':'x'}", true,
        "{'attachments':[{'kind':'audio','role':'voice','name':'voice.ogg','mime':'audio/ogg',"
        "'state':'waiting','external_id':'42:1','remote':{'file_id':'F1'}}]}");
    expect("'audio':{" FILE1 ",'performer':'AC/DC','title':'Air'}", true,
        "{'attachments':[{'kind':'audio','name':'AC_DC - "
        "Air','mime':'audio/mpeg','state':'waiting',"
        "'external_id':'42:1','remote':{'file_id':'F1','unique':'U1'}}]}");
    expect("'live_photo':{" FILE1 "},'photo':" SIZES, false,
        "{'attachments':[" PHOTO_L "],'raw_type':'live_photo'}");
}

static void stickers_and_round_videos(void **state) {
    (void)state;
    struct telegram_update u;
    read("'sticker':{" FILE1 ",'type':'regular','is_animated':false,'is_video':false,"
         "'emoji':'\xf0\x9f\x91\x8d'}",
        &u);
    expect_at(u.body, "attachments.0.kind", "'image'");
    expect_at(u.body, "attachments.0.role", "'sticker'");
    expect_at(u.body, "attachments.0.emoji", "'\xf0\x9f\x91\x8d'");
    expect_at(u.body, "raw_type", "-");
    assert_true(u.understood);
    telegram_update_free(&u);
    read("'sticker':{" FILE1 ",'is_animated':true}", &u);
    expect_at(u.body, "attachments.0.name", "'sticker.tgs'");
    telegram_update_free(&u);
    read("'sticker':{" FILE1 ",'is_video':true}", &u);
    expect_at(u.body, "attachments.0.mime", "'video/webm'");
    telegram_update_free(&u);
    read("'video_note':{" FILE1 ",'length':240,'duration':5}", &u);
    expect_at(u.body, "attachments.0.role", "'video_note'");
    telegram_update_free(&u);
    read("'video':{" FILE1 ",'file_name':'v.mov','mime_type':'video/quicktime'},"
         "'media_group_id':'13'",
        &u);
    expect_at(u.body, "attachments.0.name", "'v.mov'");
    assert_string_equal(u.album, "42:g13");
    telegram_update_free(&u);
}

static void paid_media_may_be_hidden(void **state) {
    (void)state;
    struct telegram_update u;
    read("'paid_media':{'star_count':5,'paid_media':[{'type':'preview','width':5,'height':6},"
         "{'type':'photo','photo':" SIZES "},{'type':'video','video':{" FILE1 "}}]},'caption':'c'",
        &u);
    expect_at(u.body, "attachments.0.state", "'unavailable'");
    expect_at(u.body, "attachments.0.remote", "-");
    expect_at(u.body, "attachments.0.width", "5");
    expect_at(u.body, "attachments.1.remote.file_id", "'L'");
    expect_at(u.body, "attachments.2.kind", "'video'");
    expect_at(u.body, "raw_type", "'paid_media'");
    expect_at(u.body, "text", "'c'");
    assert_false(u.understood);
    telegram_update_free(&u);
    read("'paid_media':{'star_count':5,'paid_media':[{'type':'photo','photo':" SIZES "}]}", &u);
    expect_at(u.body, "raw_type", "-");
    assert_true(u.understood);
    telegram_update_free(&u);
}

static void places_are_read(void **state) {
    (void)state;
    struct telegram_update u;
    expect("'location':{'latitude':52.5,'longitude':13,'horizontal_accuracy':10}", true,
        "{'location':{'lat':52.5,'lon':13.0,'accuracy':10.0}}");
    expect("'venue':{'location':{'latitude':52.5,'longitude':13.0},'title':'Cafe',"
           "'address':'Street 1'},'location':{'latitude':1,'longitude':1}",
        true, "{'location':{'lat':52.5,'lon':13.0,'name':'Cafe','address':'Street 1'}}");
    expect("'location':{'latitude':91,'longitude':13}", false, "{'raw_type':'location'}");
    expect("'location':{'latitude':'1','longitude':13}", false, "{'raw_type':'location'}");
    read_kind("edited_message",
        "'edit_date':1790000060,'location':{'latitude':1,'longitude':2,'live_period':3600}", &u);
    assert_int_equal(u.what, TELEGRAM_EDIT);
    assert_true(u.live_location);
    expect_at(u.body, "location.live_until", "'2026-09-21T15:13:20.000Z'");
    telegram_update_free(&u);
    read_kind(
        "edited_message", "'edit_date':1790000060,'location':{'latitude':1,'longitude':2}", &u);
    assert_false(u.live_location); /* it has ended */
    telegram_update_free(&u);
}

static void contact_is_own_only_when_proven(void **state) {
    (void)state;
    static const struct {
        const char *content, *phone, *own;
    } cases[] = {{"'contact':{'phone_number':'491701234567','first_name':'Ann','user_id':42}",
                     "'+491701234567'", "+491701234567"},
        {"'contact':{'phone_number':'+49 (170) 123-4567','first_name':'Ann','user_id':42}",
            "'+491701234567'", "+491701234567"},
        {"'contact':{'phone_number':'491701234567','first_name':'Bob','user_id':43}",
            "'+491701234567'", NULL},
        {"'contact':{'phone_number':'0170 1234567','first_name':'Ann'}", "'0170 1234567'", NULL},
        {"'contact':{'phone_number':'+12','first_name':'Ann','user_id':42}", "'+12'", NULL},
        {"'contact':{'phone_number':'call me','first_name':'Ann','user_id':42}", "'call me'", NULL},
        {"'contact':{'phone_number':'491701234567','first_name':'Ann','user_id':42},"
         "'forward_origin':{'type':'hidden_user','date':1,'sender_user_name':'X'}",
            "'+491701234567'", NULL}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct telegram_update u;
        read(cases[i].content, &u);
        expect_at(u.body, "contact.phone", cases[i].phone);
        expect_at(u.body, "contact.own", cases[i].own ? "true" : "false");
        if (cases[i].own)
            assert_string_equal(u.own_phone, cases[i].own);
        else
            assert_null(u.own_phone);
        telegram_update_free(&u);
    }
}

static void lists_are_read(void **state) {
    (void)state;
    expect("'poll':{'id':'1','question':'Tea?','options':[{'persistent_id':'a','text':'Yes',"
           "'voter_count':3},{'text':'No'}],'is_closed':true}",
        true,
        "{'poll':{'question':'Tea?','options':[{'text':'Yes','votes':3},{'text':'No','votes':0}],"
        "'closed':true}}");
    expect("'checklist':{'title':'To do','tasks':[{'id':1,'text':'a','completion_date':1790000000},"
           "{'id':2,'text':'b'},{'id':3,'text':'c','completed_by_chat':{}}]}",
        true,
        "{'checklist':{'title':'To do','tasks':[{'text':'a','done':true},{'text':'b',"
        "'done':false},{'text':'c','done':true}]}}");
    expect("'poll':{}", false, "{'raw_type':'poll'}");
    expect("'checklist':{'title':'x'}", false, "{'raw_type':'checklist'}");
    expect("'dice':{'emoji':'\xf0\x9f\x8e\xb2','value':4}", true,
        "{'text':'\xf0\x9f\x8e\xb2 4','raw_type':'dice'}");
}

static void the_rest_has_a_word(void **state) {
    (void)state;
    static const char *const kinds[] = {
        "story", "rich_message", "game", "invoice", "giveaway", "giveaway_winners"};
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        char *content = mem_printf("'%s':{'x':1}", kinds[i]);
        char *body = mem_printf("{'raw_type':'%s'}", kinds[i]);
        expect(content, false, body);
        free(content);
        free(body);
    }
    expect("'effect_id':'1','hologram':{},'scent':{}", false, "{'raw_type':'hologram'}");
    expect("'':1", false, "{'raw_type':'unsupported'}");
    expect("'via_bot':{}", false, "{'raw_type':'unsupported'}");
    /* A new field around content that we know. */
    expect("'text':'x','mood':'good'", false, "{'text':'x'}");
    expect("'photo':[],'caption':'still read'", false, "{'raw_type':'photo','text':'still read'}");
    expect("'document':{'file_name':'x'}", false, "{'raw_type':'document'}");
}

static void forwards_tell_whence(void **state) {
    (void)state;
    expect("'text':'x','forward_origin':{'type':'user','date':1790000000,'sender_user':" ANN "}",
        true,
        "{'text':'x','forward':{'kind':'user','name':'Ann Lee','at':'2026-09-21T14:13:20.000Z'}}");
    expect("'text':'x','forward_origin':{'type':'hidden_user','date':0,'sender_user_name':'H'}",
        true, "{'text':'x','forward':{'kind':'hidden_user','name':'H'}}");
    expect("'text':'x','forward_origin':{'type':'channel','date':0,'chat':{'title':'News'},"
           "'message_id':3}",
        true, "{'text':'x','forward':{'kind':'channel','name':'News'}}");
    expect("'text':'x','forward_origin':{'type':'chat','date':0,'sender_chat':{'title':'G'}}", true,
        "{'text':'x','forward':{'kind':'chat','name':'G'}}");
    expect("'text':'x','forward_origin':{'type':'planet'}", false, "{'text':'x'}");
}

static void quotes_tell_what_is_answered(void **state) {
    (void)state;
    struct telegram_update u;
    read("'text':'x','reply_to_message':{'message_id':3,'date':1,'chat':" PRIVATE
         ",'from':{'id':999,'is_bot':true,'first_name':'Bot'},'text':'one two'},"
         "'quote':{'text':'two','position':4}",
        &u);
    assert_string_equal(u.reply_to, "42:3");
    expect_at(u.body, "quote", "{'text':'two','by':'Bot'}");
    telegram_update_free(&u);
    read("'text':'x','external_reply':{'origin':{'type':'hidden_user','sender_user_name':'H'},"
         "'chat':{'id':-5},'message_id':3,'voice':{}}",
        &u);
    assert_string_equal(u.reply_to, "");
    expect_at(u.body, "quote", "{'text':'[voice message]','by':'H'}");
    telegram_update_free(&u);
    read("'text':'x','external_reply':{'origin':{'type':'user','sender_user':" ANN
         "},'chat':{'id':42},'message_id':3}",
        &u);
    assert_string_equal(u.reply_to, "42:3");
    expect_at(u.body, "quote", "{'text':'[message]','by':'Ann Lee'}");
    telegram_update_free(&u);
    read("'text':'x','reply_to_story':{'chat':{},'id':1}", &u);
    expect_at(u.body, "quote", "{'text':'[story]'}");
    telegram_update_free(&u);
    char *content =
        mem_printf("'text':'x','reply_to_message':{'message_id':0,'caption':'%0300d'}", 0);
    read(content, &u);
    assert_string_equal(u.reply_to, "");
    assert_int_equal(json_string_length(at(u.body, "quote.text")), 200);
    free(content);
    telegram_update_free(&u);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(text_is_cleaned_and_formatted),
        cmocka_unit_test(text_has_a_ceiling), cmocka_unit_test(files_are_read),
        cmocka_unit_test(stickers_and_round_videos), cmocka_unit_test(paid_media_may_be_hidden),
        cmocka_unit_test(places_are_read), cmocka_unit_test(contact_is_own_only_when_proven),
        cmocka_unit_test(lists_are_read), cmocka_unit_test(the_rest_has_a_word),
        cmocka_unit_test(forwards_tell_whence), cmocka_unit_test(quotes_tell_what_is_answered)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
