/* bitrix24_answer_test.c - what an answer of Bitrix24's means, and what it is asked. */
#include "json_trial.h"

#include "connectors/bitrix24/bitrix24_answer.h"
#include "connectors/bitrix24/bitrix24_request.h"

#define NOW 1760000000

static void read(int status, const char *body, struct bitrix24_answer *a) {
    char *s = quoted(body);
    struct http_answer h = {
        .status = status, .body = span_str(s), .content_type = "", .retry_after_s = -1};
    bitrix24_answer_read(&h, NOW, a);
    assert_int_equal(a->result == NULL, a->err.code != ERR_NONE);
    free(s);
}

static const struct {
    int status;
    const char *body;
    enum err_code code;
    unsigned retry_ms;
} refusals[] = {
    {401, "{'error':'expired_token','error_description':'over'}", ERR_AUTH, 0},
    {200, "{'error':'expired_token','error_description':'over'}", ERR_AUTH, 0},
    {401, "{'error':'NO_AUTH_FOUND'}", ERR_AUTH, 0},
    {401, "", ERR_AUTH, 0},
    {403, "{'error':'ACCESS_DENIED','error_description':'commercial plans'}", ERR_AUTH, 0},
    {400, "{'error':'ACCESS_DENIED','error_description':'this one'}", ERR_DENIED, 0},
    {403, "{'error':'INVALID_CREDENTIALS'}", ERR_AUTH, 0},
    {403, "{'error':'WRONG_AUTH_TYPE'}", ERR_AUTH, 0},
    {403, "{'error':'insufficient_scope'}", ERR_AUTH, 0},
    {403, "<h1>Forbidden</h1>", ERR_AUTH, 0},
    {404, "<h1>Not Found</h1>", ERR_AUTH, 0},
    {404, "{'error':'ERROR_METHOD_NOT_FOUND'}", ERR_AUTH, 0},
    {302, "", ERR_AUTH, 0},
    {400, "{'error':'PAYMENT_REQUIRED'}", ERR_AUTH, 0},
    {503, "{'error':'QUERY_LIMIT_EXCEEDED'}", ERR_TOO_MANY, 2000},
    {200, "{'error':'QUERY_LIMIT_EXCEEDED'}", ERR_TOO_MANY, 2000},
    {429, "{'error':'OPERATION_TIME_LIMIT'}", ERR_TOO_MANY, 60000},
    {429, "{'error':'OPERATION_TIME_LIMIT','time':{'operating_reset_at':1760000030}}", ERR_TOO_MANY,
        30000},
    {429, "{'error':'OPERATION_TIME_LIMIT','time':{'operating_reset_at':1}}", ERR_TOO_MANY, 1000},
    {429, "{'error':'OPERATION_TIME_LIMIT','time':{'operating_reset_at':99999999999}}",
        ERR_TOO_MANY, 660000},
    {429, "", ERR_TOO_MANY, 0},
    {503, "{'error':'OVERLOAD_LIMIT'}", ERR_UNAVAILABLE, 60000},
    {503, "", ERR_UNAVAILABLE, 0},
    {502, "<html>", ERR_UNAVAILABLE, 0},
    {500, "{'error':'INTERNAL_SERVER_ERROR'}", ERR_UNAVAILABLE, 0},
    {500, "{'error':'something new'}", ERR_UNAVAILABLE, 0},
    {400, "{'error':'NOT_FOUND','error_description':'x'}", ERR_NOT_FOUND, 0},
    {400, "{'error':'OWNER_NOT_FOUND'}", ERR_NOT_FOUND, 0},
    {400, "{'error':'ERROR_ARGUMENT','error_description':'x'}", ERR_INVALID, 0},
    {400, "{'error':100,'error_description':'x'}", ERR_INVALID, 0},
    {400, "{'error':'','error_description':'x'}", ERR_INVALID, 0},
    {400, "{'error':null}", ERR_INVALID, 0},
    {200, "{'error':{'a':1}}", ERR_INVALID, 0},
    {400, "{'error':'NOT_ACTIVE_LINE'}", ERR_UNAVAILABLE, 10000},
    {200, "", ERR_PROTOCOL, 0},
    {204, "", ERR_PROTOCOL, 0},
    {200, "{}", ERR_PROTOCOL, 0},
    {200, "[]", ERR_PROTOCOL, 0},
    {200, "{'result':[1", ERR_PROTOCOL, 0},
};

static void each_error_has_its_meaning(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
        struct bitrix24_answer a;
        read(refusals[i].status, refusals[i].body, &a);
        if (a.err.code != refusals[i].code || a.retry_ms != refusals[i].retry_ms)
            fail_msg("%d %s: %s, %u ms", refusals[i].status, refusals[i].body, err_name(a.err.code),
                a.retry_ms);
        assert_true(*a.err.text);
    }
}

static void results_are_taken(void **state) {
    (void)state;
    struct bitrix24_answer a;
    read(200, "{'result':17,'time':{'operating_reset_at':1760000600}}", &a);
    assert_int_equal(json_integer_value(a.result), 17);
    assert_int_equal(a.reset_at, 1760000600);
    json_decref(a.result);
    read(200, "{'result':[]}", &a);
    assert_true(json_is_array(a.result));
    json_decref(a.result);
}

static void each_command_of_a_batch_has_its_own(void **state) {
    (void)state;
    struct bitrix24_answer a = {0};
    json_t *batch = json_of("{'result':{'a':[],'mark':{'items':[]}},'result_error':{'b':{'error':"
                            "'QUERY_LIMIT_EXCEEDED','error_description':''}}}");
    assert_true(json_is_array(bitrix24_command_result(batch, "a", &a)));
    assert_null(bitrix24_command_result(batch, "b", &a));
    assert_int_equal(a.err.code, ERR_TOO_MANY);
    a = (struct bitrix24_answer){0};
    assert_null(bitrix24_command_result(batch, "c", &a));
    assert_int_equal(a.err.code, ERR_PROTOCOL);
    json_decref(batch);
    batch = json_of("{'result':[],'result_error':{'mark':{'error':'expired_token'}}}");
    assert_null(bitrix24_found_ids(batch, &a));
    assert_int_equal(a.err.code, ERR_UNAVAILABLE);
    json_decref(batch);
}

static void each_element_is_checked(void **state) {
    (void)state;
    static const struct {
        const char *result;
        enum err_code code;
    } all[] = {
        {"{'SUCCESS':true,'DATA':{'RESULT':[{'SUCCESS':true},{'SUCCESS':true}]}}", ERR_NONE},
        {"{'SUCCESS':true,'DATA':{'RESULT':[{'SUCCESS':true},{'SUCCESS':false,'ERRORS':['no']}]}}",
            ERR_INVALID},
        {"{'SUCCESS':true,'DATA':{'RESULT':[{'SUCCESS':true},{'ERRORS':[{'message':'no'}]}]}}",
            ERR_INVALID},
        {"{'SUCCESS':true,'DATA':{'RESULT':[{'SUCCESS':true}]}}", ERR_PROTOCOL},
        {"{'SUCCESS':true,'DATA':{'RESULT':[]}}", ERR_PROTOCOL},
        {"{'SUCCESS':false,'DATA':{'RESULT':[{'SUCCESS':true},{'SUCCESS':true}]}}", ERR_PROTOCOL},
        {"{'SUCCESS':true}", ERR_PROTOCOL},
        {"[]", ERR_PROTOCOL},
    };
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        struct err err = {0};
        json_t *result = json_of(all[i].result);
        int rc = bitrix24_elements_check(result, 2, &err);
        if (err.code != all[i].code || (rc == 0) != (err.code == ERR_NONE))
            fail_msg("%s: %s", all[i].result, err_name(err.code));
        json_decref(result);
    }
}

static void whom_a_batch_found(void **state) {
    (void)state;
    struct bitrix24_answer a;
    json_t *batch =
        json_of("{'result':{'mark':{'items':[{'id':7}]},'im0':[{'ID':'9'},{'ID':'x'},{'ID':'7'}],"
                "'phone':{'CONTACT':[9,11,-1,0],'LEAD':[5]},'mail':[]},'result_error':[]}");
    json_t *ids = bitrix24_found_ids(batch, &a);
    expect_at(ids, "", "['7','9','11']");
    json_decref(ids);
    json_decref(batch);
    json_t *items = json_of("{'items':[{'id':7,'originatorId':'switchboard','originId':'C1','fm':[{"
                            "'typeId':'PHONE','value':'+7 (900)'},{'typeId':'IM','value':"
                            "'switchboard:C2'},{'typeId':'WEB','value':'x'}]},{'id':'bad'}]}");
    json_t *found = bitrix24_found(items);
    expect_at(found, "",
        "[{'card':'7','kind':'mark','value':'switchboard:C1'},{'card':'7','kind':"
        "'phone','value':'+7 (900)'},{'card':'7','kind':'mark','value':"
        "'switchboard:C2'}]");
    json_decref(found);
    json_decref(items);
}

static void comments_of_ours(void **state) {
    (void)state;
    int64_t oldest = INT64_MAX;
    json_t *page =
        json_of("[{'ID':'3','COMMENT':'three #01J0000000000000000000000B'},"
                "{'ID':'2','COMMENT':'of somebody # 5','CREATED':'2026-11-29T12:00:00+03:00'},"
                "{'ID':1,'COMMENT':'one #01J0000000000000000000000A 1/2'}]");
    json_t *out = json_array();
    assert_int_equal(bitrix24_comments(page, NULL, out, &oldest), 3);
    expect_at(out, "0.id", "'1'");
    expect_at(out, "0.message", "'01J0000000000000000000000A'");
    expect_at(out, "1.id", "'3'");
    assert_int_equal(oldest, 1795942800000);
    assert_int_equal(bitrix24_comments(page, NULL, out, &oldest), 3);
    assert_int_equal(json_array_size(out), 2); /* the same page again */
    json_array_clear(out);
    assert_int_equal(bitrix24_comments(page, "#01J0000000000000000000000B", out, &oldest), 3);
    assert_int_equal(json_array_size(out), 1);
    assert_int_equal(bitrix24_comments(json_array_get(page, 0), NULL, out, &oldest), -1);
    json_decref(out);
    json_decref(page);
}

static void commands_as_php_reads_them(void **state) {
    (void)state;
    json_t *p = json_of("{'a':1,'b':{'c d':['x&y=z','+7'],'=e':'$result[a][b] é'}}");
    json_t *c = bitrix24_command("m.x", p, "&t=$result[a]");
    assert_string_equal(json_string_value(c),
        "m.x?a=1&b[c%20d][0]=x%26y%3Dz&b[c%20d][1]=%2B7&b[%3De]=%24result%20%E2%80%8B%5Ba%5D%5Bb%5D"
        "%20%C3%A9&t=$result[a]");
    json_decref(c);
    json_decref(p);
}

static void a_search_tries_each_writing(void **state) {
    (void)state;
    json_t *ways = json_of("[{'kind':'messenger','value':'telegram:42','proven':true},"
                           "{'kind':'phone','value':'+79001112233','proven':true},"
                           "{'kind':'mail','value':'a@b.ru','proven':false}]");
    struct crm_flow_who who = {.id = "C1", .mark = "switchboard:C1", .name = "x", .ways = ways};
    json_t *cmd = bitrix24_find_commands(&who);
    expect_at(cmd, "mail", "-");
    expect_at(cmd, "im0", "'crm.contact.list?filter[IM]=telegram:42&select[0]=ID'");
    expect_at(cmd, "phone",
        "'crm.duplicate.findbycomm?entity_type=CONTACT&type=PHONE&values[0]=%2B79001112233&values[1"
        "]=79001112233&values[2]=89001112233&values[3]=9001112233'");
    expect_at(cmd, "mark",
        "'crm.item.list?entityTypeId=3&filter[originatorId]=switchboard&filter[originId]=C1&"
        "select[0]=id'");
    json_decref(cmd);
    json_decref(ways);
}

static void tokens(void **state) {
    (void)state;
    static const struct {
        int status;
        const char *body;
        enum err_code code;
    } all[] = {{200, "{\"access_token\":\"a\",\"refresh_token\":\"r\"}", ERR_NONE},
        {200, "{\"access_token\":\"a\"}", ERR_AUTH}, {200, "", ERR_AUTH},
        {400, "{\"error\":\"invalid_grant\"}", ERR_AUTH},
        {400, "{\"error\":\"anything\"}", ERR_AUTH},
        {401, "{\"error\":\"PAYMENT_REQUIRED\"}", ERR_AUTH}, {502, "<html>", ERR_UNAVAILABLE},
        {429, "", ERR_UNAVAILABLE}, {503, "{\"error\":\"OVERLOAD_LIMIT\"}", ERR_UNAVAILABLE},
        {302, "", ERR_AUTH}};
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        struct crm_tokens t;
        struct err err = {0};
        struct http_answer h = {.status = all[i].status, .body = span_str(all[i].body)};
        int rc = bitrix24_tokens_read(&h, &t, &err);
        if (err.code != all[i].code || (rc == 0) != (t.refresh != NULL))
            fail_msg("%d %s: %s", all[i].status, all[i].body, err_name(err.code));
        free(t.access);
        free(t.refresh);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_error_has_its_meaning),
        cmocka_unit_test(results_are_taken),
        cmocka_unit_test(each_command_of_a_batch_has_its_own),
        cmocka_unit_test(each_element_is_checked),
        cmocka_unit_test(whom_a_batch_found),
        cmocka_unit_test(comments_of_ours),
        cmocka_unit_test(commands_as_php_reads_them),
        cmocka_unit_test(a_search_tries_each_writing),
        cmocka_unit_test(tokens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
