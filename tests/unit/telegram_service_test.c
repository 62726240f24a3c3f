/* telegram_service_test.c - what happened in a chat, in one sentence each. */
#include "json_trial.h"

#include "connectors/telegram/telegram_update.h"

#define ANN "{'id':42,'is_bot':false,'first_name':'Ann'}"
#define BOB "{'id':43,'is_bot':false,'first_name':'Bob'}"
#define US "{'id':999,'is_bot':true,'first_name':'Bot'}"
#define GROUP "{'id':-100,'type':'supergroup','title':'Buyers'}"
#define PRIVATE "{'id':42,'type':'private','first_name':'Ann'}"

static void read(const char *field, struct telegram_update *u) {
    struct err err = {0};
    char *text = mem_printf("{'update_id':7,%s}", field);
    json_t *root = json_of(text);
    assert_int_equal(telegram_update_read(root, 999, u, &err), 0);
    json_decref(root);
    free(text);
}

static void read_group(const char *service, struct telegram_update *u) {
    char *field = mem_printf(
        "'message':{'message_id':5,'date':1790000000,'chat':" GROUP ",'from':" ANN ",%s}", service);
    read(field, u);
    free(field);
}

static void expect(const char *service, const char *what, const char *text) {
    struct telegram_update u;
    read_group(service, &u);
    char *event = mem_printf("{'type':'channel','what':'%s','text':'%s'}", what, text);
    assert_int_equal(u.what, TELEGRAM_EVENT);
    expect_at(u.body, "event", event);
    expect_at(u.body, "sent_at", "'2026-09-21T14:13:20.000Z'");
    assert_string_equal(u.external_id, "-100:5");
    free(event);
    telegram_update_free(&u);
}

static void people_come_and_go(void **state) {
    (void)state;
    struct telegram_update u;
    expect("'new_chat_members':[" ANN "]", "service", "Ann joined the group.");
    expect("'new_chat_members':[" BOB "," US "]", "service", "Ann added Bob to the group.");
    expect("'new_chat_members':[" BOB "," BOB "," BOB "," BOB "," BOB "," BOB ",7]", "service",
        "Ann added Bob, Bob, Bob, Bob, Bob and 1 more to the group.");
    expect("'left_chat_member':" ANN, "service", "Ann left the group.");
    expect("'left_chat_member':" BOB, "service", "Ann removed Bob from the group.");
    expect("'left_chat_member':{}", "service", "Ann removed somebody from the group.");
    read_group("'new_chat_members':[" US "]", &u); /* my_chat_member tells it */
    assert_int_equal(u.what, TELEGRAM_NOTHING);
    telegram_update_free(&u);
    read_group("'left_chat_member':" US, &u);
    assert_int_equal(u.what, TELEGRAM_NOTHING);
    telegram_update_free(&u);
}

static void chats_change(void **state) {
    (void)state;
    struct telegram_update u;
    read_group("'new_chat_title':'Sellers'", &u);
    expect_at(u.body, "event.what", "'title'");
    assert_string_equal(json_string_value(at(u.body, "event.text")),
        "Ann changed the group's name to \"Sellers\".");
    telegram_update_free(&u);
    expect("'forum_topic_created':{'name':'Prices'}", "topic",
        "Ann created the topic \\\"Prices\\\".");
    expect("'forum_topic_closed':{}", "topic", "Ann closed the topic.");
    expect("'video_chat_ended':{'duration':3}", "service", "The video chat has ended.");
    read_group(
        "'pinned_message':{'message_id':3,'date':1,'chat':" GROUP ",'text':'read this'}", &u);
    expect_at(u.body, "event.what", "'pinned'");
    expect_at(u.body, "event.text", "'Ann pinned a message: \\\"read this\\\".'");
    expect_at(u.body, "author.name", "'Ann'");
    assert_string_equal(u.reply_to, "-100:3");
    assert_true(u.understood);
    telegram_update_free(&u);
    read_group("'pinned_message':{'message_id':3,'date':0,'chat':" GROUP "}", &u);
    expect_at(u.body, "event.text", "'Ann pinned a message.'");
    telegram_update_free(&u);
    read_group("'successful_payment':{'currency':'EUR'}", &u);
    assert_int_equal(u.what, TELEGRAM_EVENT);
    assert_false(u.understood);
    telegram_update_free(&u);
    read_group("'chat_background_set':{}", &u);
    assert_int_equal(u.what, TELEGRAM_NOTHING);
    telegram_update_free(&u);
}

static void every_service_message_is_known(void **state) {
    (void)state;
    static const char *const fields[] = {"new_chat_members", "left_chat_member", "chat_owner_left",
        "chat_owner_changed", "new_chat_title", "new_chat_photo", "delete_chat_photo",
        "group_chat_created", "supergroup_chat_created", "channel_chat_created",
        "message_auto_delete_timer_changed", "pinned_message", "successful_payment",
        "refunded_payment", "users_shared", "chat_shared", "gift", "unique_gift",
        "gift_upgrade_sent", "connected_website", "write_access_allowed", "passport_data",
        "proximity_alert_triggered", "boost_added", "chat_background_set", "checklist_tasks_done",
        "checklist_tasks_added", "community_chat_added", "community_chat_removed",
        "community_chat_joined", "direct_message_price_changed", "forum_topic_created",
        "forum_topic_edited", "forum_topic_closed", "forum_topic_reopened",
        "general_forum_topic_hidden", "general_forum_topic_unhidden", "giveaway_created",
        "giveaway_completed", "managed_bot_created", "paid_message_price_changed",
        "poll_option_added", "poll_option_deleted", "suggested_post_approved",
        "suggested_post_approval_failed", "suggested_post_declined", "suggested_post_paid",
        "suggested_post_refunded", "video_chat_scheduled", "video_chat_started", "video_chat_ended",
        "video_chat_participants_invited", "web_app_data"};
    static const char *const values[] = {"{}", "true", "[]", "7", "'x'"};
    for (size_t i = 0; i < ARRAY_LEN(fields) * ARRAY_LEN(values); i++) {
        struct telegram_update u;
        char *service =
            mem_printf("'%s':%s", fields[i / ARRAY_LEN(values)], values[i % ARRAY_LEN(values)]);
        read_group(service, &u);
        if (u.what != TELEGRAM_EVENT && u.what != TELEGRAM_NOTHING)
            fail_msg("%s is %d", service, (int)u.what);
        const char *text = json_string_value(at(u.body, "event.text"));
        if (u.what == TELEGRAM_EVENT && (!text || !strchr(text, '.')))
            fail_msg("%s says %s", service, text);
        free(service);
        telegram_update_free(&u);
    }
}

static void groups_move(void **state) {
    (void)state;
    struct telegram_update u;
    read("'message':{'message_id':5,'date':1790000000,'chat':{'id':-55,'type':'group','title':'B'},"
         "'from':" US ",'migrate_to_chat_id':-1001234567890123}",
        &u);
    assert_int_equal(u.what, TELEGRAM_EVENT);
    assert_string_equal(u.address, "-55");
    assert_string_equal(u.moved_to, "-1001234567890123");
    expect_at(u.body, "event.what", "'migrated'");
    telegram_update_free(&u);
    read("'message':{'message_id':1,'date':1790000000,'chat':" GROUP ",'from':" ANN
         ",'migrate_from_chat_id':-55}",
        &u);
    assert_string_equal(u.address, "-100");
    assert_string_equal(u.moved_from, "-55");
    assert_string_equal(u.moved_to, "");
    telegram_update_free(&u);
}

static void member(const char *chat, const char *was, const char *now, struct telegram_update *u) {
    char *field = mem_printf("'my_chat_member':{'chat':%s,'from':" ANN
                             ",'date':1790000000,'old_chat_member':{'status':'%s','user':" US
                             "},'new_chat_member':{'status':'%s','user':" US "}}",
        chat, was, now);
    read(field, u);
    free(field);
}

static void bot_is_blocked_and_added(void **state) {
    (void)state;
    static const struct {
        const char *chat, *was, *now, *what, *text;
    } cases[] = {{PRIVATE, "member", "kicked", "'blocked'", "'The client has blocked this bot.'"},
        {PRIVATE, "kicked", "member", "'unblocked'", "'The client has unblocked this bot.'"},
        {GROUP, "left", "member", "'joined'", "'Ann added this bot to the group.'"},
        {GROUP, "left", "administrator", "'joined'", "'Ann added this bot to the group.'"},
        {GROUP, "member", "kicked", "'left'", "'Ann removed this bot from the group.'"},
        {"{'id':-9,'type':'channel','title':'N'}", "administrator", "left", "'left'",
            "'Ann removed this bot from the channel.'"}};
    struct telegram_update u;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        member(cases[i].chat, cases[i].was, cases[i].now, &u);
        assert_int_equal(u.what, TELEGRAM_EVENT);
        assert_string_equal(u.external_id, "mcm:7");
        expect_at(u.body, "event.what", cases[i].what);
        expect_at(u.body, "event.text", cases[i].text);
        expect_at(u.body, "sent_at", "'2026-09-21T14:13:20.000Z'");
        telegram_update_free(&u);
    }
    member(GROUP, "member", "administrator", &u);
    assert_int_equal(u.what, TELEGRAM_NOTHING);
    telegram_update_free(&u);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(people_come_and_go),
        cmocka_unit_test(chats_change), cmocka_unit_test(every_service_message_is_known),
        cmocka_unit_test(groups_move), cmocka_unit_test(bot_is_blocked_and_added)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
