/* telegram_answer_test.c - what answers of the Bot API mean; answers that are none. */
#include "json_trial.h"

#include "base/utf8.h"
#include "connectors/telegram/telegram_answer.h"

static void read(int status, const char *body, struct telegram_answer *a) {
    char *s = quoted(body);
    telegram_answer_read(status, span_str(s), a);
    free(s);
}

static void good_answers_bring_a_result(void **state) {
    (void)state;
    struct telegram_answer a;
    read(200, "{'ok':true,'result':{'message_id':7}}", &a);
    assert_int_equal(a.cls, TELEGRAM_OK);
    expect_at(a.result, "message_id", "7");
    assert_string_equal(telegram_answer_word(&a), "");
    assert_int_equal(a.err.code, ERR_NONE);
    telegram_answer_free(&a);
    read(200, "{'ok':true}", &a);
    assert_int_equal(a.cls, TELEGRAM_OK);
    assert_true(json_is_true(a.result));
    telegram_answer_free(&a);
    read(200, "{'ok':true,'result':[1,2]}", &a);
    assert_int_equal(json_array_size(a.result), 2);
    telegram_answer_free(&a);
}

static const struct {
    int code;
    const char *description;
    enum telegram_class cls;
    const char *word;
} refusals[] = {{401, "Unauthorized", TELEGRAM_BAD_TOKEN, "other"},
    {404, "Not Found", TELEGRAM_BAD_TOKEN, "other"},
    {409, "Conflict: terminated by other getUpdates request", TELEGRAM_CONFLICT, "other"},
    {403, "Forbidden: bot was blocked by the user", TELEGRAM_REFUSED, "blocked"},
    {403, "Forbidden: user is deactivated", TELEGRAM_REFUSED, "deactivated"},
    {403, "Forbidden: bot can't initiate conversation with a user", TELEGRAM_REFUSED,
        "cannot_begin"},
    {403, "Forbidden: bot was kicked from the supergroup chat", TELEGRAM_REFUSED, "kicked"},
    {403, "Forbidden: bot is not a member of the channel chat", TELEGRAM_REFUSED, "not_member"},
    {403, "Forbidden: the group chat was deleted", TELEGRAM_REFUSED, "chat_gone"},
    {403, "Forbidden: the bot can't send messages to the bot", TELEGRAM_REFUSED, "other"},
    {400, "Bad Request: chat not found", TELEGRAM_REFUSED, "chat_gone"},
    {400, "Bad Request: PEER_ID_INVALID", TELEGRAM_REFUSED, "chat_gone"},
    {400, "Bad Request: chat_id is empty", TELEGRAM_REFUSED, "chat_gone"},
    {400, "Bad Request: message to be replied not found", TELEGRAM_NO_REPLY, "other"},
    {400, "Bad Request: message thread not found", TELEGRAM_NO_TOPIC, "closed_topic"},
    {400, "Bad Request: TOPIC_CLOSED", TELEGRAM_NO_TOPIC, "closed_topic"},
    {400, "Bad Request: TOPIC_DELETED", TELEGRAM_NO_TOPIC, "closed_topic"},
    {400, "Bad Request: message is not modified: specified new message content is the same",
        TELEGRAM_OK, ""},
    {400, "Bad Request: message to edit not found", TELEGRAM_REFUSED, "other"},
    {400, "Bad Request: message can't be edited", TELEGRAM_REFUSED, "too_old"},
    {400, "Bad Request: message can't be deleted for everyone", TELEGRAM_REFUSED, "too_old"},
    {400, "Bad Request: CAN'T PARSE ENTITIES: unsupported start tag", TELEGRAM_PLAIN, "other"},
    {400, "Bad Request: entity begins in a middle of a UTF-16 symbol at byte offset 4",
        TELEGRAM_PLAIN, "other"},
    {400, "Bad Request: message is too long", TELEGRAM_REFUSED, "other"},
    {400, "Bad Request: wrong file identifier/HTTP URL specified", TELEGRAM_REFUSED, "other"},
    {400, "Bad Request: PHOTO_INVALID_DIMENSIONS", TELEGRAM_AS_DOCUMENT, "other"},
    {400, "Bad Request: IMAGE_PROCESS_FAILED", TELEGRAM_AS_DOCUMENT, "other"},
    {400, "Bad Request: file is too big", TELEGRAM_REFUSED, "too_big"},
    {413, "Request Entity Too Large", TELEGRAM_REFUSED, "too_big"},
    {400, "Bad Request: wrong file_id or the file is temporarily unavailable", TELEGRAM_TRY_AGAIN,
        "other"},
    {400, "Bad Request: not enough rights to send text messages to the chat", TELEGRAM_REFUSED,
        "no_rights"},
    {400, "Bad Request: have no write access to the chat", TELEGRAM_REFUSED, "no_rights"},
    {400, "Bad Request: query is too old and response timeout expired", TELEGRAM_REFUSED,
        "too_old"},
    {400, "Bad Request: REACTION_INVALID", TELEGRAM_REFUSED, "other"},
    {400, "Bad Request: business connection not found", TELEGRAM_REFUSED, "business_right"},
    {400, "Bad Request: BUSINESS_PEER_INVALID", TELEGRAM_REFUSED, "business_right"},
    {400, "Bad Request: VOICE_MESSAGES_FORBIDDEN", TELEGRAM_REFUSED, "voice_forbidden"},
    {400, "Bad Request: message can't be sent because QUOTE_TEXT_INVALID", TELEGRAM_NO_QUOTE,
        "other"},
    {400, "Bad Request: something that nobody has seen", TELEGRAM_REFUSED, "other"},
    {400, "Bad Request: group chat was upgraded to a supergroup chat", TELEGRAM_REFUSED,
        "chat_gone"},
    {500, "Internal Server Error: restart", TELEGRAM_TRY_AGAIN, "other"},
    {503, "Service Unavailable", TELEGRAM_TRY_AGAIN, "other"},
    {502, "Bad Gateway", TELEGRAM_UNKNOWN, "other"},
    {504, "Gateway Timeout", TELEGRAM_UNKNOWN, "other"}, {520, "?", TELEGRAM_UNKNOWN, "other"}};

static void refusals_are_classified(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
        struct telegram_answer a;
        json_t *description = json_string(refusals[i].description);
        json_t *body = json_pack(
            "{s:b,s:i,s:O}", "ok", 0, "error_code", refusals[i].code, "description", description);
        char *text = json_dumps(body, 0);
        telegram_answer_read(refusals[i].code, span_str(text), &a);
        if (a.cls != refusals[i].cls || strcmp(telegram_answer_word(&a), refusals[i].word) != 0)
            fail_msg("%s: %d %s", refusals[i].description, (int)a.cls, a.err.text);
        size_t n = strlen(refusals[i].word);
        assert_int_equal(a.error_code, refusals[i].code);
        assert_true(a.cls == TELEGRAM_OK ||
                    (strncmp(a.err.text, refusals[i].word, n) == 0 && a.err.text[n] == ':'));
        assert_true((a.cls == TELEGRAM_OK) == (a.result != NULL));
        telegram_answer_free(&a);
        free(text);
        json_decref(body);
        json_decref(description);
    }
}

static void sentences_are_for_agents(void **state) {
    (void)state;
    struct telegram_answer a;
    read(403,
        "{'ok':false,'error_code':403,'description':'Forbidden: bot was blocked by the user'}", &a);
    assert_string_equal(a.err.text, "blocked: The client has blocked this bot. [Forbidden: bot was "
                                    "blocked by the user]");
    assert_int_equal(a.err.code, ERR_DENIED);
    telegram_answer_free(&a);
    read(400, "{'ok':false,'error_code':400}", &a);
    assert_string_equal(a.err.text, "other: Telegram has refused it.");
    telegram_answer_free(&a);
    read(400, "{'ok':false,'error_code':400,'description':'a\\u0007\\nb'}", &a);
    assert_string_equal(a.description, "ab");
    telegram_answer_free(&a);
    for (size_t pad = 0; pad < 4; pad++) {
        char text[1200] = "";
        memset(text, 'x', pad);
        for (size_t i = 0; i < 250; i++)
            memcpy(text + pad + i * 4, "\xf0\x9f\x98\x80", 5);
        char *body = mem_printf("{'ok':false,'error_code':400,'description':'%s'}", text);
        read(400, body, &a);
        assert_true(utf8_is_valid(a.description, strlen(a.description)));
        assert_true(strlen(a.description) > 290);
        assert_null(strchr(a.err.text, '?'));
        assert_int_equal(a.err.text[strlen(a.err.text) - 1], ']');
        free(body);
        telegram_answer_free(&a);
    }
}

static void waits_are_obeyed(void **state) {
    (void)state;
    static const struct {
        int status;
        const char *body;
        unsigned retry_s;
        bool partly;
    } cases[] = {
        {429,
            "{'ok':false,'error_code':429,'description':'Too Many Requests: retry after 14',"
            "'parameters':{'retry_after':14}}",
            14, false},
        {429, "{'ok':false,'error_code':429,'description':'Too Many Requests: retry after 9'}", 9,
            false},
        {420, "{'ok':false,'error_code':420,'description':'FLOOD'}", 5, false},
        {400,
            "{'ok':false,'error_code':400,'description':'Bad Request: failed to send message #1 "
            "with "
            "the error message \\\"Too Many Requests: retry after 8\\\"'}",
            8, true},
        {429, "{'ok':false,'error_code':429,'parameters':{'retry_after':-1}}", 1, false},
        {429, "{'ok':false,'error_code':429,'description':'retry after 99999999999999999999999'}",
            7 * 86400, false},
        {429, "<html>", 5, false}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct telegram_answer a;
        read(cases[i].status, cases[i].body, &a);
        if (a.cls != TELEGRAM_WAIT || a.retry_s != cases[i].retry_s || a.partly != cases[i].partly)
            fail_msg("%s: %d after %u", cases[i].body, (int)a.cls, a.retry_s);
        assert_int_equal(a.err.code, ERR_TOO_MANY);
        telegram_answer_free(&a);
    }
}

static void moved_groups_are_told(void **state) {
    (void)state;
    struct telegram_answer a;
    read(400,
        "{'ok':false,'error_code':400,'description':'Bad Request: group chat was upgraded to a "
        "supergroup chat','parameters':{'migrate_to_chat_id':-1001234567890}}",
        &a);
    assert_int_equal(a.cls, TELEGRAM_MIGRATED);
    assert_string_equal(a.moved_to, "-1001234567890");
    telegram_answer_free(&a);
}

static void what_is_no_answer(void **state) {
    (void)state;
    static const struct {
        int status;
        const char *body;
        enum telegram_class cls;
    } cases[] = {{200, "", TELEGRAM_UNKNOWN}, {200, "{'ok':true,'result':{'mess", TELEGRAM_UNKNOWN},
        {200, "[]", TELEGRAM_UNKNOWN}, {200, "{}", TELEGRAM_UNKNOWN},
        {200, "<html>", TELEGRAM_UNKNOWN}, {502, "<html>", TELEGRAM_UNKNOWN},
        {504, "", TELEGRAM_UNKNOWN}, {500, "oops", TELEGRAM_UNKNOWN},
        {503, "<html>", TELEGRAM_UNKNOWN}, {500, "{'ok':true,'result':1}", TELEGRAM_UNKNOWN},
        {400, "<html>", TELEGRAM_REFUSED}, {403, "", TELEGRAM_REFUSED},
        {404, "<html>", TELEGRAM_REFUSED}, {413, "<html>", TELEGRAM_REFUSED},
        {408, "", TELEGRAM_TRY_AGAIN}, {302, "", TELEGRAM_TRY_AGAIN},
        {200, "{'ok':false,'error_code':400,'description':'Bad Request: chat not found'}",
            TELEGRAM_REFUSED},
        {200, "{'ok':false}", TELEGRAM_REFUSED}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct telegram_answer a;
        read(cases[i].status, cases[i].body, &a);
        if (a.cls != cases[i].cls)
            fail_msg("%d %s: %d", cases[i].status, cases[i].body, (int)a.cls);
        assert_null(a.result);
        assert_true(a.err.text[0] != '\0');
        telegram_answer_free(&a);
    }
    struct telegram_answer a;
    telegram_answer_read(413, span_of(NULL, 0), &a);
    assert_string_equal(telegram_answer_word(&a), "too_big");
    telegram_answer_free(&a);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(good_answers_bring_a_result),
        cmocka_unit_test(refusals_are_classified), cmocka_unit_test(sentences_are_for_agents),
        cmocka_unit_test(waits_are_obeyed), cmocka_unit_test(moved_groups_are_told),
        cmocka_unit_test(what_is_no_answer)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
