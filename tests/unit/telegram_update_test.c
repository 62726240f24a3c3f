/* telegram_update_test.c - kinds of Updates, ids, whose dialogue it is, on which side it was
 * written; Updates that make no sense. */
#include "json_trial.h"

#include "connectors/telegram/telegram_update.h"
#include "connectors/telegram/telegram_update_private.h"

#define BOT 999
#define ANN                                                                                        \
    "{'id':42,'is_bot':false,'first_name':'Ann','last_name':'Lee','username':'ann','language_"     \
    "code':'de'}"
#define BOB "{'id':43,'is_bot':false,'first_name':'Bob'}"
#define US "{'id':999,'is_bot':true,'first_name':'Bot'}"
#define PRIVATE "{'id':42,'type':'private','first_name':'Ann','last_name':'Lee'}"
#define GROUP "{'id':-1001234567890,'type':'supergroup','title':'Buyers','is_forum':true}"
#define CHANNEL "{'id':-1009,'type':'channel','title':'News','username':'news'}"

static void read_raw(const char *text, struct telegram_update *u) {
    struct err err = {0};
    char *s = quoted(text);
    if (telegram_update_parse(span_str(s), BOT, u, &err) < 0)
        fail_msg("%s: %s", s, err.text);
    free(s);
}

/* An Update with this one field. */
static void read(const char *field, struct telegram_update *u) {
    char *text = mem_printf("{'update_id':7,%s}", field);
    read_raw(text, u);
    free(text);
}

static void expect_nothing(const char *field) {
    struct telegram_update u;
    read(field, &u);
    if (u.what != TELEGRAM_NOTHING || *u.address || *u.external_id || u.body)
        fail_msg("%s: what %d, address %s", field, (int)u.what, u.address);
    assert_non_null(u.name);
    telegram_update_free(&u);
}

static void fields_are_sorted(void **state) {
    (void)state;
    for (int i = 1; i < TELEGRAM_FIELD_COUNT; i++)
        assert_true(strcmp(telegram_field_name((enum telegram_field)(i - 1)),
                        telegram_field_name((enum telegram_field)i)) < 0);
}

static void plain_text_is_read(void **state) {
    (void)state;
    struct telegram_update u;
    read("'message':{'message_id':12,'date':1790000000,'chat':" PRIVATE ",'from':" ANN
         ",'text':'hello'}",
        &u);
    assert_int_equal(u.update_id, 7);
    assert_int_equal(u.what, TELEGRAM_MESSAGE);
    assert_string_equal(u.address, "42");
    assert_string_equal(u.name, "Ann Lee");
    assert_string_equal(u.external_id, "42:12");
    assert_string_equal(u.route, "");
    assert_string_equal(u.album, "");
    assert_string_equal(u.reply_to, "");
    assert_false(u.is_group);
    assert_false(u.is_bot);
    assert_true(u.understood);
    assert_null(u.start_payload);
    expect_at(u.body, "", "{'text':'hello','sent_at':'2026-09-21T14:13:20.000Z'}");
    expect_at(u.profile, "", "{'username':'ann','locale':'de'}");
    expect_at(u.root, "message.message_id", "12");
    telegram_update_free(&u);
}

static void start_brings_its_payload(void **state) {
    (void)state;
    static const struct {
        const char *chat, *rest, *payload;
    } cases[] = {{PRIVATE, "'text':'/start k7Qz_-'", "k7Qz_-"}, {PRIVATE, "'text':'/start'", NULL},
        {PRIVATE, "'text':'/start a b'", NULL}, {PRIVATE, "'text':'/start '", NULL},
        {PRIVATE, "'text':'/starter x'", NULL}, {GROUP, "'text':'/start x'", NULL},
        {PRIVATE,
            "'text':'/start x','forward_origin':{'type':'user','date':1,'sender_user':" BOB "}",
            NULL},
        {PRIVATE, "'text':'/start x','business_connection_id':'bc1'", NULL},
        {PRIVATE,
            "'text':'/start 12345678901234567890123456789012345678901234567890123456789012345'",
            NULL}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct telegram_update u;
        char *field =
            mem_printf("'message':{'message_id':1,'date':1790000000,'chat':%s,'from':" ANN ",%s}",
                cases[i].chat, cases[i].rest);
        read(field, &u);
        if (cases[i].payload)
            assert_string_equal(u.start_payload, cases[i].payload);
        else
            assert_null(u.start_payload);
        free(field);
        telegram_update_free(&u);
    }
}

static void groups_have_authors_and_topics(void **state) {
    (void)state;
    struct telegram_update u;
    read("'message':{'message_id':5,'date':1790000000,'chat':" GROUP ",'from':" ANN
         ",'message_thread_id':45,'is_topic_message':true,'text':'hi','reply_to_message':{"
         "'message_id':45,'date':1,'chat':" GROUP ",'forum_topic_created':{'name':'Prices'}}}",
        &u);
    assert_true(u.is_group);
    assert_string_equal(u.address, "-1001234567890");
    assert_string_equal(u.name, "Buyers");
    assert_string_equal(u.external_id, "-1001234567890:5");
    assert_string_equal(u.route, "topic=45");
    assert_string_equal(u.reply_to, "");
    expect_at(u.body, "quote", "-");
    expect_at(u.body, "topic", "{'id':'45','name':'Prices'}");
    expect_at(u.body, "author", "{'name':'Ann Lee','address':'42','username':'ann'}");
    telegram_update_free(&u);
    /* A thread of answers is no topic, nor has the General topic a route. */
    read("'message':{'message_id':5,'date':1790000000,'chat':" GROUP ",'from':" ANN
         ",'message_thread_id':45,'text':'hi','reply_to_message':{'message_id':45,'date':1,'chat'"
         ":" GROUP ",'from':" BOB ",'text':'first'}}",
        &u);
    assert_string_equal(u.route, "");
    assert_string_equal(u.reply_to, "-1001234567890:45");
    expect_at(u.body, "quote", "{'text':'first','by':'Bob'}");
    telegram_update_free(&u);
    read("'message':{'message_id':5,'date':1790000000,'chat':" GROUP ",'from':" ANN
         ",'message_thread_id':1,'is_topic_message':true,'text':'hi'}",
        &u);
    assert_string_equal(u.route, "");
    telegram_update_free(&u);
    /* An anonymous admin: from is a placeholder that says it is a bot. */
    read("'message':{'message_id':5,'date':1790000000,'chat':" GROUP
         ",'from':{'id':1087968824,'is_bot':true,'first_name':'Group'},'sender_chat':" GROUP
         ",'author_signature':'boss','text':'hi'}",
        &u);
    assert_false(u.is_bot);
    expect_at(u.body, "author", "{'name':'Buyers (boss)','address':'-1001234567890'}");
    telegram_update_free(&u);
}

static void bots_are_told_apart(void **state) {
    (void)state;
    struct telegram_update u;
    read("'message':{'message_id':5,'date':1790000000,'chat':" GROUP
         ",'from':{'id':77,'is_bot':true,'first_name':'Other'},'text':'hi'}",
        &u);
    assert_int_equal(u.what, TELEGRAM_MESSAGE);
    assert_true(u.is_bot);
    telegram_update_free(&u);
    expect_nothing(
        "'message':{'message_id':5,'date':1790000000,'chat':" GROUP ",'from':" US ",'text':'hi'}");
    expect_nothing("'edited_message':{'message_id':5,'date':1790000000,'chat':" GROUP ",'from':" US
                   ",'text':'hi'}");
    expect_nothing(
        "'business_message':{'message_id':5,'date':1790000000,'chat':" PRIVATE ",'from':" BOB
        ",'sender_business_bot':" US ",'business_connection_id':'bc','text':'hi'}");
}

static void business_has_two_sides(void **state) {
    (void)state;
    struct telegram_update u;
    read("'business_message':{'message_id':5,'date':1790000000,'chat':" PRIVATE ",'from':" ANN
         ",'business_connection_id':'bc_1','text':'hi','media_group_id':'77','reply_to_message':{"
         "'message_id':4,'date':1,'chat':" PRIVATE ",'from':" BOB ",'photo':[]}}",
        &u);
    assert_int_equal(u.what, TELEGRAM_MESSAGE);
    assert_string_equal(u.address, "42");
    assert_string_equal(u.external_id, "bc_1/42:5");
    assert_string_equal(u.album, "bc_1/42:g77");
    assert_string_equal(u.reply_to, "bc_1/42:4");
    assert_string_equal(u.route, "biz=bc_1");
    assert_string_equal(u.business, "bc_1");
    expect_at(u.body, "quote", "{'text':'[photo]','by':'Bob'}");
    expect_at(u.body, "author", "-");
    telegram_update_free(&u);
    read("'business_message':{'message_id':6,'date':1790000000,'chat':" PRIVATE ",'from':" BOB
         ",'business_connection_id':'bc_1','text':'from the owner'}",
        &u);
    assert_int_equal(u.what, TELEGRAM_OWN);
    assert_string_equal(u.name, "Ann Lee");
    expect_at(u.body, "author.name", "'Bob'");
    telegram_update_free(&u);
    read("'edited_business_message':{'message_id':6,'date':1790000000,'edit_date':1790000060,'chat'"
         ":" PRIVATE ",'from':" BOB ",'business_connection_id':'bc_1','text':'changed'}",
        &u);
    assert_int_equal(u.what, TELEGRAM_EDIT);
    expect_at(u.body, "edited_at", "'2026-09-21T14:14:20.000Z'");
    assert_true(u.own);
    expect_at(u.body, "author.name", "'Bob'");
    telegram_update_free(&u);
    read("'business_connection':{'id':'bc_1','user':" BOB
         ",'user_chat_id':43,'date':1790000000,'is_enabled':false}",
        &u);
    assert_int_equal(u.what, TELEGRAM_CONNECTION);
    assert_string_equal(u.business, "bc_1");
    assert_string_equal(u.address, "");
    assert_string_equal(u.name, "Bob");
    expect_at(u.body, "is_enabled", "false");
    telegram_update_free(&u);
    read("'deleted_business_messages':{'business_connection_id':'bc_1','chat':" PRIVATE
         ",'message_ids':[5,6,'x',0]}",
        &u);
    assert_int_equal(u.what, TELEGRAM_DELETE);
    assert_int_equal(u.ndeleted, 2);
    assert_string_equal(u.deleted[1], "bc_1/42:6");
    assert_string_equal(u.route, "biz=bc_1");
    telegram_update_free(&u);
}

static void channels_and_their_direct_messages(void **state) {
    (void)state;
    struct telegram_update u;
    read("'channel_post':{'message_id':5,'date':1790000000,'chat':" CHANNEL
         ",'sender_chat':" CHANNEL ",'text':'news'}",
        &u);
    assert_int_equal(u.what, TELEGRAM_MESSAGE);
    assert_true(u.is_group);
    assert_string_equal(u.name, "News");
    expect_at(u.body, "author", "{'name':'News','address':'-1009','username':'news'}");
    telegram_update_free(&u);
    read("'message':{'message_id':5,'date':1790000000,'chat':" GROUP ",'sender_chat':" CHANNEL
         ",'is_automatic_forward':true,'text':'news'}",
        &u);
    assert_int_equal(u.what, TELEGRAM_OWN);
    telegram_update_free(&u);
#define DIRECT "{'id':-2002147483700,'type':'supergroup','title':'News','is_direct_messages':true}"
    read("'message':{'message_id':5,'date':1790000000,'chat':" DIRECT ",'from':" ANN
         ",'direct_messages_topic':{'topic_id':4294967299,'user':" ANN "},'text':'hi'}",
        &u);
    assert_int_equal(u.what, TELEGRAM_MESSAGE);
    assert_string_equal(u.route, "direct=4294967299");
    expect_at(u.body, "topic", "{'id':'4294967299','name':'Ann Lee'}");
    telegram_update_free(&u);
    read("'message':{'message_id':6,'date':1790000000,'chat':" DIRECT ",'from':" BOB
         ",'sender_chat':" CHANNEL ",'direct_messages_topic':{'topic_id':7,'user':" ANN
         "},'text':'answer'}",
        &u);
    assert_int_equal(u.what, TELEGRAM_OWN);
    telegram_update_free(&u);
}

static void buttons_are_messages(void **state) {
    (void)state;
    struct telegram_update u;
    read("'callback_query':{'id':'4382bf','from':" ANN
         ",'chat_instance':'-1','data':'d2','message':{'message_id':9,'date':1790000000,'chat'"
         ":" PRIVATE ",'from':" US
         ",'text':'choose','reply_markup':{'inline_keyboard':[[{'text':'No',"
         "'callback_data':'d1'}],[{'text':'Yes please','callback_data':'d2'}]]}}}",
        &u);
    assert_int_equal(u.what, TELEGRAM_MESSAGE);
    assert_string_equal(u.external_id, "cb:4382bf");
    assert_string_equal(u.callback_id, "4382bf");
    assert_string_equal(u.reply_to, "42:9");
    assert_string_equal(u.address, "42");
    expect_at(u.body, "", "{'text':'Yes please','button':{'text':'Yes please'}}");
    telegram_update_free(&u);
    /* An old message is inaccessible: the data itself. */
    read("'callback_query':{'id':'1','from':" ANN
         ",'data':'d2','message':{'message_id':9,'date':0,'chat':" GROUP "}}",
        &u);
    expect_at(u.body, "text", "'d2'");
    expect_at(u.body, "author.address", "'42'");
    telegram_update_free(&u);
    read("'callback_query':{'id':'1','from':" ANN ",'inline_message_id':'x','data':'d2'}", &u);
    assert_int_equal(u.what, TELEGRAM_NOTHING);
    assert_string_equal(u.callback_id, "1");
    telegram_update_free(&u);
}

static void reactions_are_read(void **state) {
    (void)state;
    struct telegram_update u;
    read("'message_reaction':{'chat':" PRIVATE ",'message_id':9,'user':" ANN
         ",'date':1790000000,'old_reaction':[],'new_reaction':[{'type':'emoji','emoji':'"
         "\xf0\x9f\x91\x8d'},"
         "{'type':'paid'},{'type':'custom_emoji','custom_emoji_id':'5'}]}",
        &u);
    assert_int_equal(u.what, TELEGRAM_REACTION);
    assert_string_equal(u.external_id, "42:9");
    expect_at(u.body, "",
        "{'by':'client','name':'Ann Lee','address':'42','emoji':['\xf0\x9f\x91\x8d','\xe2\xad\x90',"
        "'\xe2\x9d\x94']}");
    telegram_update_free(&u);
    read("'message_reaction':{'chat':" GROUP ",'message_id':9,'actor_chat':" CHANNEL
         ",'date':1,'old_reaction':[],'new_reaction':[]}",
        &u);
    expect_at(u.body, "emoji", "[]");
    expect_at(u.body, "name", "'News'");
    telegram_update_free(&u);
    expect_nothing("'message_reaction':{'chat':" PRIVATE ",'message_id':9,'user':" US
                   ",'date':1,'old_reaction':[],'new_reaction':[]}");
    expect_nothing(
        "'message_reaction_count':{'chat':" GROUP ",'message_id':9,'date':1,'reactions':[]}");
}

static void other_kinds_are_nothing(void **state) {
    (void)state;
    static const char *const kinds[] = {"inline_query", "chosen_inline_result", "shipping_query",
        "pre_checkout_query", "purchased_paid_media", "subscription", "poll", "poll_answer",
        "chat_member", "chat_join_request", "chat_boost", "removed_chat_boost", "managed_bot",
        "stopped_message_generation"};
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        char *field = mem_printf("'%s':{'id':'1','chat':" GROUP "}", kinds[i]);
        expect_nothing(field);
        free(field);
    }
}

static void what_is_new_is_kept(void **state) {
    (void)state;
    struct telegram_update u;
    read("'hologram':{'message_id':3,'date':1790000000,'chat':" PRIVATE "}", &u);
    assert_int_equal(u.what, TELEGRAM_MESSAGE);
    assert_string_equal(u.external_id, "42:u7");
    assert_false(u.understood);
    expect_at(u.body, "raw_type", "'hologram'");
    telegram_update_free(&u);
    read("'hologram':{'message_id':3}", &u);
    assert_int_equal(u.what, TELEGRAM_NOTHING);
    assert_false(u.understood);
    telegram_update_free(&u);
    read("'guest_message':{'message_id':3,'date':1790000000,'chat':" PRIVATE ",'from':" ANN
         ",'guest_query_id':'q','text':'come here'}",
        &u);
    assert_int_equal(u.what, TELEGRAM_MESSAGE);
    expect_at(u.body, "raw_type", "'guest_message'");
    expect_at(u.body, "text", "'come here'");
    telegram_update_free(&u);
}

static void strange_ids_are_borne(void **state) {
    (void)state;
    struct telegram_update u;
    read_raw("{'update_id':'9007199254740993','message':{'message_id':'12','date':'1790000000',"
             "'chat':{'id':'4503599627370495','type':'private'},'from':{'id':4503599627370495.0,"
             "'first_name':'Z'},'text':'x'}}",
        &u);
    assert_true(u.update_id == 9007199254740993);
    assert_string_equal(u.external_id, "4503599627370495:12");
    assert_string_equal(u.name, "Z");
    expect_at(u.body, "sent_at", "'2026-09-21T14:13:20.000Z'");
    telegram_update_free(&u);
    read("'message':{'message_id':0,'ephemeral_message_id':3,'date':1790000000,'chat':" GROUP
         ",'from':" ANN ",'text':'x'}",
        &u);
    assert_string_equal(u.external_id, "-1001234567890:e3:1790000000:42");
    telegram_update_free(&u);
    read("'message':{'message_id':0,'date':1790000000,'chat':" GROUP ",'text':'x'}", &u);
    assert_string_equal(u.external_id, "-1001234567890:u7");
    telegram_update_free(&u);
    static const char *const dates[] = {"0", "-5", "1e300", "9223372036854775807", "'soon'", "[]"};
    for (size_t i = 0; i < ARRAY_LEN(dates); i++) {
        char *field = mem_printf("'message':{'message_id':1,'chat':" PRIVATE
                                 ",'date':%s,'edit_date':%s,'text':'x'}",
            dates[i], dates[i]);
        read(field, &u);
        expect_at(u.body, "", "{'text':'x'}");
        free(field);
        telegram_update_free(&u);
    }
}

static void senseless_updates_do_no_harm(void **state) {
    (void)state;
    expect_nothing("'message':{}");
    expect_nothing("'message':7");
    expect_nothing("'message':{'message_id':1,'date':1,'text':'x'}");
    expect_nothing("'message':{'message_id':1,'date':1,'chat':7,'text':'x'}");
    expect_nothing("'message':{'message_id':1,'date':1,'chat':{'id':'x'},'text':'x'}");
    expect_nothing("'callback_query':{}");
    expect_nothing("'message_reaction':{}");
    expect_nothing("'my_chat_member':{'chat':[]}");
    expect_nothing("'deleted_business_messages':{'chat':" PRIVATE ",'message_ids':{}}");
    expect_nothing("'deleted_business_messages':{'chat':" PRIVATE ",'message_ids':['x']}");
    expect_nothing("'business_connection':{}");
    expect_nothing("'x':[]");
    expect_nothing("'message':null");
    struct telegram_update u;
    char *field = mem_printf("'business_message':{'message_id':1,'date':1790000000,'chat':" PRIVATE
                             ",'business_connection_id':'a/b %0300d','from':" ANN ",'text':'x'}",
        1);
    read(field, &u);
    assert_false(u.understood);
    assert_int_equal(strlen(u.business), 304);
    assert_true(strncmp(u.external_id, "a_b_000", 7) == 0 && strlen(u.external_id) < 120);
    free(field);
    telegram_update_free(&u);
}

static void what_is_none_is_refused(void **state) {
    (void)state;
    static const char *const bad[] = {"", "[]", "7", "{", "{}", "{\"update_id\":\"x\"}",
        "{\"update_id\":1.5}", "{\"update_id\":[]}",
        "{\"update_id\":1,\"message\":{\"text\":\"a}}"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct telegram_update u;
        struct err err = {0};
        if (telegram_update_parse(span_str(bad[i]), BOT, &u, &err) == 0)
            fail_msg("%s was taken", bad[i]);
        assert_int_equal(err.code, ERR_INVALID);
        telegram_update_free(&u);
    }
}

/* No server should send such; what can be read of it is not thrown away. */
static void what_no_parser_takes_is_mended(void **state) {
    (void)state;
    static const struct {
        const char *in, *text;
    } rows[] = {{"a\\u0000b", "a\xef\xbf\xbd"
                              "b"},
        {"half \\ud83d!", "half \xef\xbf\xbd!"}, {"half \\ude00", "half \xef\xbf\xbd"},
        {"whole \\ud83d\\ude00", "whole \xf0\x9f\x98\x80"},
        {"\\ud83d\\ud83d\\ude00", "\xef\xbf\xbd\xf0\x9f\x98\x80"}, {"a\xff\\\\u0000", "a?\\u0000"},
        {"\\\"\xff", "\"?"}, {"two\nlines", "two lines"}, {"a\",\"text\":\"b", "b"}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct telegram_update u;
        struct err err = {0};
        char *text = mem_printf("{\"update_id\":1,\"message\":{\"message_id\":2,\"chat\":{\"id\":3,"
                                "\"type\":\"private\"},\"text\":\"%s\"}}",
            rows[i].in);
        assert_int_equal(telegram_update_parse(span_str(text), BOT, &u, &err), 0);
        assert_string_equal(json_string_value(json_object_get(u.body, "text")), rows[i].text);
        free(text);
        telegram_update_free(&u);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(fields_are_sorted),
        cmocka_unit_test(plain_text_is_read), cmocka_unit_test(start_brings_its_payload),
        cmocka_unit_test(groups_have_authors_and_topics), cmocka_unit_test(bots_are_told_apart),
        cmocka_unit_test(business_has_two_sides),
        cmocka_unit_test(channels_and_their_direct_messages),
        cmocka_unit_test(buttons_are_messages), cmocka_unit_test(reactions_are_read),
        cmocka_unit_test(other_kinds_are_nothing), cmocka_unit_test(what_is_new_is_kept),
        cmocka_unit_test(strange_ids_are_borne), cmocka_unit_test(senseless_updates_do_no_harm),
        cmocka_unit_test(what_is_none_is_refused),
        cmocka_unit_test(what_no_parser_takes_is_mended)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
