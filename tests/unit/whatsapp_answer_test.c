/* whatsapp_answer_test.c - what answers of the Graph API mean: every code of the table, codes that
 * nobody told us of, and answers that are none. */
#include "json_trial.h"

#include "base/utf8.h"
#include "connectors/whatsapp/whatsapp_answer.h"
#include "connectors/whatsapp/whatsapp_codes.h"

static void read(int status, const char *body, struct whatsapp_answer *a) {
    char *s = quoted(body);
    whatsapp_answer_read(status, span_str(s), a);
    free(s);
}

static void expect(int status, const char *body, enum whatsapp_class cls, const char *begins) {
    struct whatsapp_answer a;
    read(status, body, &a);
    if (a.cls != cls || strncmp(a.err.text, begins, strlen(begins)) != 0)
        fail_msg("%d %s: class %d, \"%s\"", status, body, a.cls, a.err.text);
    whatsapp_answer_free(&a);
}

static void good_answers_bring_a_result(void **state) {
    (void)state;
    struct whatsapp_answer a;
    read(200, "{'messaging_product':'whatsapp','messages':[{'id':'wamid.A'}]}", &a);
    assert_int_equal(a.cls, WHATSAPP_OK);
    expect_at(a.result, "messages.0.id", "'wamid.A'");
    assert_int_equal(a.err.code, ERR_NONE);
    whatsapp_answer_free(&a);
}

/* Row by row: the class, a sentence with its code and what to do, as an error body and as the error
 * of a failed status. */
static void every_code_has_its_meaning(void **state) {
    size_t n;
    const struct whatsapp_code *codes = whatsapp_codes(&n);
    (void)state;
    assert_true(n > 60);
    for (size_t i = 0; i < n; i++) {
        const struct whatsapp_code *c = &codes[i];
        assert_true(c->first <= c->last && (i == 0 || codes[i - 1].last < c->first));
        assert_true(strlen(c->sentence) > 20 && c->sentence[strlen(c->sentence) - 1] == '.');
        assert_int_not_equal(c->cls, WHATSAPP_OK);
        for (int k = 0; k < 2; k++) {
            int code = k ? c->last : c->first;
            char body[400], word[24];
            struct whatsapp_answer a;
            snprintf(body, sizeof body,
                "{'error':{'message':'(#%d) Words','code':%d,'error_data':{'details':'More.'},"
                "'fbtrace_id':'Ax'}}",
                code, code);
            snprintf(word, sizeof word, "w%d: ", code);
            read(400, body, &a);
            assert_int_equal(a.cls, c->cls);
            assert_int_equal(a.code, code);
            assert_int_equal(a.err.code, c->code);
            assert_memory_equal(a.err.text, word, strlen(word));
            assert_non_null(strstr(a.err.text, c->sentence));
            assert_non_null(strstr(a.err.text, " [More.]"));
            assert_string_equal(a.trace, "Ax");
            assert_true(utf8_is_valid(a.err.text, strlen(a.err.text)));
            whatsapp_answer_free(&a);
            snprintf(body, sizeof body, "{'code':%d,'title':'Words','message':'Words'}", code);
            json_t *error = json_of(body);
            whatsapp_error_read(error, &a);
            assert_int_equal(a.cls, c->cls);
            assert_non_null(strstr(a.err.text, " [Words]"));
            assert_null(strstr(a.err.text, "tried again"));
            whatsapp_failure_read(error, &a);
            bool passes = a.cls == WHATSAPP_TRY_AGAIN || a.cls == WHATSAPP_WAIT_NUMBER ||
                          a.cls == WHATSAPP_WAIT_PAIR || a.cls == WHATSAPP_CHANNEL ||
                          a.cls == WHATSAPP_UPLOAD_AGAIN;
            assert_int_equal(a.cls, c->cls);
            assert_true(!passes || strstr(a.err.text, "Send it again"));
            json_decref(error);
        }
    }
}

static void codes_that_nobody_told_us_of(void **state) {
    (void)state;
    expect(400, "{'error':{'code':999999,'message':'New'}}", WHATSAPP_REFUSED,
        "w999999: WhatsApp refuses");
    expect(500, "{'error':{'code':999999}}", WHATSAPP_TRY_AGAIN, "w999999: ");
    expect(503, "{'error':{'code':999999}}", WHATSAPP_TRY_AGAIN, "w999999: ");
    expect(429, "{'error':{'code':999999}}", WHATSAPP_WAIT_NUMBER, "w999999: ");
    expect(400, "{'error':{}}", WHATSAPP_REFUSED, "w0: ");
    expect(400, "{'error':{'code':'131056'}}", WHATSAPP_REFUSED, "w0: ");
    expect(400, "{'error':{'code':1e300,'message':[]}}", WHATSAPP_REFUSED, "w0: ");
}

static void an_error_in_a_200_is_an_error(void **state) {
    (void)state;
    expect(200, "{'error':{'code':131056,'message':'(#131056) Pair rate'}}", WHATSAPP_WAIT_PAIR,
        "w131056: ");
    expect(200, "{'error':{'code':190}}", WHATSAPP_CHANNEL, "w190: ");
}

/* Whether it was done nobody knows: HTML where JSON is due, a cut body, a proxy's 502. */
static void what_is_no_answer(void **state) {
    (void)state;
    expect(200, "<html>", WHATSAPP_UNKNOWN, "w0: ");
    expect(200, "{'messages':[{'id':'wam", WHATSAPP_UNKNOWN, "w0: ");
    expect(200, "", WHATSAPP_UNKNOWN, "w0: ");
    expect(502, "<html>", WHATSAPP_UNKNOWN, "w0: ");
    expect(500, "", WHATSAPP_UNKNOWN, "w0: ");
    expect(404, "<html>", WHATSAPP_REFUSED, "w0: ");
    expect(429, "<html>", WHATSAPP_WAIT_NUMBER, "w0: ");
    expect(302, "", WHATSAPP_TRY_AGAIN, "w0: ");
    expect(408, "", WHATSAPP_TRY_AGAIN, "w0: ");
    expect(200, "[1]", WHATSAPP_UNKNOWN, "w0: ");
}

static void words_of_others_are_cleaned(void **state) {
    struct whatsapp_answer a;
    char body[3000] = "{'error':{'code':100,'message':'a\\u0000b\\n\\u202e";
    (void)state;
    for (int i = 0; i < 500; i++)
        strcat(body, "ж");
    strcat(body, "'}}");
    read(400, body, &a);
    assert_true(strlen(a.description) < sizeof a.description);
    assert_true(utf8_is_text(a.err.text, strlen(a.err.text)));
    assert_null(strchr(a.err.text, '\n'));
    whatsapp_answer_free(&a);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(good_answers_bring_a_result),
        cmocka_unit_test(every_code_has_its_meaning),
        cmocka_unit_test(codes_that_nobody_told_us_of),
        cmocka_unit_test(an_error_in_a_200_is_an_error), cmocka_unit_test(what_is_no_answer),
        cmocka_unit_test(words_of_others_are_cleaned)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
