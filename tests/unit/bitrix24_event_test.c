/* bitrix24_event_test.c - events that the portal posts, BB-code both ways, names. */
#include "json_trial.h"

#include "connectors/bitrix24/bitrix24_event.h"
#include "net/http_form.h"

static const struct {
    const char *bb, *author, *text;
} operators[] = {
    {"[b]Светлана Иванова:[/b] [br]Добрый день!", "Светлана Иванова", "Добрый день!"},
    {"[b]Светлана Иванова:[/b][br] Какие у вас вопросы?", "Светлана Иванова",
        "Какие у вас вопросы?"},
    {"[b]Anna:[/b] [br]", "Anna", ""},
    {"no author", "", "no author"},
    {"[b]bold[/b] [i]x[/i] [s]y[/s]", "", "bold x y"},
    {"[b]no: line[/b] break", "", "no: line break"},
    {"[b]A:[/b] [br][URL=https://x.ru/a?b=1]here[/URL] ok", "A", "here (https://x.ru/a?b=1) ok"},
    {"[url=https://x.ru]https://x.ru[/url]", "", "https://x.ru"},
    {"[url]https://x.ru[/url]", "", "https://x.ru"},
    {"[USER=7]Bob[/USER], [list][*]one[*]two[/list]", "", "Bob, - one- two"},
    {"1 [2] 3 [x] [/y] [", "", "1 [2] 3 [x] [/y] ["},
    {"a[br]b[BR]c  [br]", "", "a\nb\nc"},
    {"[b]:[/b] [br]x", "", "x"},
    {"", "", ""},
};

static void operators_texts_are_plain(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(operators); i++) {
        char *author, *text = bitrix24_plain(operators[i].bb, &author);
        if (strcmp(text, operators[i].text) != 0 || strcmp(author, operators[i].author) != 0)
            fail_msg("%s: '%s' by '%s'", operators[i].bb, text, author);
        free(text);
        free(author);
        text = bitrix24_plain(operators[i].bb, NULL);
        free(text);
    }
}

static void names_are_letters(void **state) {
    static const char *const names[][2] = {{"Иван", "Иван"}, {"Иван 007 Петров!", "Иван Петров"},
        {"\xF0\x9F\x98\x80 Ann \xF0\x9F\x98\x80", "Ann"},
        {"Anne-Marie O'Neill", "Anne-Marie O'Neill"}, {"+7 900 111", ""}, {"", ""}, {"-'-", ""},
        {"José Ñandú", "José Ñandú"}, {"abcdefghijklmnopqrstuvwxyz", "abcdefghijklmnopqrstuvwxy"},
        {"abcdefghijklmnopqrstuvwx yz", "abcdefghijklmnopqrstuvwx"}, {"a\xFF", ""},
        {"telegram:42", "telegram"}};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        char *is = bitrix24_person(names[i][0]);
        if (strcmp(is, names[i][1]) != 0)
            fail_msg("%s: '%s'", names[i][0], is);
        free(is);
    }
}

#define HEAD "event=ONIMCONNECTORMESSAGEADD&data%5BCONNECTOR%5D=gw&data[LINE]=1&"
#define ONE                                                                                        \
    "data[MESSAGES][0][im][chat_id]=1807&data[MESSAGES][0][im][message_id]=86497&"                 \
    "data[MESSAGES][0][message][user_id]=27&data[MESSAGES][0][message][text]=%5Bb%5DAnna%3A%5B%2F" \
    "b%5D+%5Bbr%5DHi+100%25&data[MESSAGES][0][chat][id]=01CHAT&auth[application_token]=tok"

static void an_event_is_read(void **state) {
    struct err err;
    (void)state;
    json_t *form = http_form(span_str(HEAD ONE), &err);
    expect_at(form, "auth.application_token", "'tok'");
    json_t *e = bitrix24_event(form, "gw", 0);
    expect_at(e, "",
        "{'what':'add','chat':'01CHAT','im':'1807:86497','user':'27','author':'Anna','text':'Hi "
        "100%'}");
    assert_null(bitrix24_event(form, "gw", 1));
    assert_null(bitrix24_event(form, "other", 0));
    json_decref(e);
    json_decref(form);
}

/* Of files only that there are some. */
static void an_event_has_files(void **state) {
    static const struct {
        const char *more;
        bool has;
    } all[] = {{"", false}, {"&data[MESSAGES][0][message][files]=", false},
        {"&data[MESSAGES][0][message][files][0][link]=x", true},
        {"&data[MESSAGES][1][message][files][0][link]=x", false}};
    struct err err;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        char *body = mem_printf("%s%s", HEAD ONE, all[i].more);
        json_t *form = http_form(span_str(body), &err), *e = bitrix24_event(form, "gw", 0);
        if (json_is_true(json_object_get(e, "files")) != all[i].has ||
            json_object_size(e) != (all[i].has ? 7 : 6))
            fail_msg("%s", all[i].more);
        json_decref(e);
        json_decref(form);
        free(body);
    }
}

static void forms_that_are_none(void **state) {
    static const char *const bad[] = {
        "", "&&&", "a[b=1", "a=1&a[b]=2", "a[b][c][d][e][f][g][h][i][j]=1", NULL};
    struct err err;
    char *many = mem_alloc(20000);
    (void)state;
    for (size_t i = 0; bad[i]; i++)
        if (http_form(span_str(bad[i]), &err))
            fail_msg("%s", bad[i]);
    memset(many, 0, 20000);
    for (size_t i = 0; i < 4500; i++)
        memcpy(many + 4 * i, "a[]&", 4);
    assert_null(http_form(span_str(many), &err));
    free(many);
    json_t *odd = http_form(span_str("x&%zz=%4&l[]=1&l[]=2&n=%00&u=%FF%D1%8F&a]b[c]d=e"), &err);
    expect_at(
        odd, "", "{'x':'','%zz':'%4','l':{'0':'1','1':'2'},'n':'?','u':'?я','a]b':{'c':'e'}}");
    json_decref(odd);
}

static void events_that_are_none(void **state) {
    static const char *const bad[] = {"event=ONAPPINSTALL&data[CONNECTOR]=gw&" ONE,
        HEAD "data[MESSAGES][0][im][chat_id]=1&data[MESSAGES][0][im][message_id]=x&"
             "data[MESSAGES][0][chat][id]=c",
        HEAD "data[MESSAGES][0][im][chat_id]=1&data[MESSAGES][0][im][message_id]=2",
        HEAD "data[MESSAGES]=1", HEAD, NULL};
    struct err err;
    (void)state;
    for (size_t i = 0; bad[i]; i++) {
        json_t *form = http_form(span_str(bad[i]), &err), *e = bitrix24_event(form, "gw", 0);
        if (!form || e)
            fail_msg("%s", bad[i]);
        json_decref(form);
    }
}

static void a_contact_has_changed(void **state) {
    static const char *const bad[] = {"event=ONCRMCONTACTADD&data[FIELDS][ID]=82",
        "event=ONCRMCONTACTUPDATE&data[FIELDS][ID]=", "event=ONCRMCONTACTUPDATE&data[FIELDS]=82",
        "event=ONCRMCONTACTUPDATE&data[FIELDS][ID]=8x", "event=ONCRMCONTACTUPDATE", NULL};
    struct err err;
    (void)state;
    json_t *form = http_form(span_str("event=onCrmContactUpdate&data[FIELDS][ID]=82&ts=1"), &err);
    assert_string_equal(bitrix24_changed(form), "82");
    json_decref(form);
    for (size_t i = 0; bad[i]; i++) {
        form = http_form(span_str(bad[i]), &err);
        if (bitrix24_changed(form))
            fail_msg("%s", bad[i]);
        json_decref(form);
    }
}

static void what_a_line_is_told(void **state) {
    static const struct bitrix24_saying en = {false, 40};
    (void)state;
    json_t *m = json_of("{'direction':'in','text':'[b]x[/b]','attachments':[{'id':'M1','name':'a"
                        "[1].pdf'},{'kind':'image','name':'b[1].pdf'}]}");
    json_t *out = bitrix24_say(m, &(struct bitrix24_saying){true, 1000});
    expect_at(out, "", "['[\u200bb]x[\u200b/b]\\nфайла нет: b[\u200b1].pdf']");
    json_decref(out);
    out = bitrix24_files(m, &(struct media_links){.public_url = "https://gw"});
    expect_at(out, "", "[{'url':'https://gw/api/v1/media/M1','name':'a[1].pdf'}]");
    json_decref(out);
    json_decref(m);
    m = json_of("{'direction':'out','from':{'agent':'anna'},'text':'one two three four five six "
                "seven eight'}");
    out = bitrix24_say(m, &en);
    expect_at(out, "", "['[b]agent anna:[/b]\\none two three four ','five six seven eight']");
    json_decref(out);
    json_decref(m);
    m = json_of("{'direction':'in'}");
    out = bitrix24_say(m, &en);
    expect_at(out, "", "[]");
    json_decref(out);
    json_decref(m);
}

static void held_is(
    const char *known, size_t pieces, size_t with, size_t files, const char *again) {
    struct bitrix24_held h;
    bitrix24_held_read(known, &h);
    assert_int_equal(h.pieces, pieces);
    assert_int_equal(h.with, with);
    assert_int_equal(h.files, files);
    char *text = bitrix24_held_write("M", &h);
    assert_string_equal(text, again);
    free(text);
}

static void what_is_held_is_remembered(void **state) {
    (void)state;
    held_is("M:2", 2, 0, 0, "M:2");
    held_is("M:0+1+3", 0, 1, 3, "M:0+1+3");
    held_is("M:1+0+2", 1, 0, 2, "M:1+0+2");
    held_is(NULL, 0, 0, 0, "M:0");
    held_is("", 0, 0, 0, "M:0");
    held_is("M", 0, 0, 0, "M:0");
    held_is("M:1+2", 1, 0, 0, "M:1");
    held_is("M:99999999999999999999999+5+-1", 1000, 5, 1000, "M:1000+5+1000");
    held_is("M:1+5+2", 1, 2, 2, "M:1+2+2");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(operators_texts_are_plain),
        cmocka_unit_test(names_are_letters),
        cmocka_unit_test(an_event_is_read),
        cmocka_unit_test(an_event_has_files),
        cmocka_unit_test(forms_that_are_none),
        cmocka_unit_test(events_that_are_none),
        cmocka_unit_test(a_contact_has_changed),
        cmocka_unit_test(what_a_line_is_told),
        cmocka_unit_test(what_is_held_is_remembered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
