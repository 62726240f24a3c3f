/* email_frame_test.c - what the parent takes from a child: every key of a mail has its bounds,
 * frames come in order and add up. */
#include "json_trial.h"

#include "connectors/email/email_frame.h"

#define GOOD                                                                                       \
    "'message_id':'a@b','in_reply_to':['a@b'],'references':['a@b'],'from':[{'name':'Анна',"    \
    "'address':'a@b.c'}],'to':[],'delivered_to':['a@b'],'return_path':'','subject':'x',"           \
    "'date_ms':1773396000000,'text':'да\\n> x','text_cut':true,'quoted_at':5,'signature_at':5,"  \
    "'auto':'bounce','ours':'i','hops':3,'auth':[{'server':'mx','spf':'pass'}],"                   \
    "'report':{'kind':'delivery','original':['a@b'],'recipients':[{'address':'a@b','action':"      \
    "'failed','status':'5.1.1','diagnostic':'no','remote_mta':'mx'}]},'notes':['no_date'],"        \
    "'parts':[{'what':'html','name':'m.html','mime':'text/html','size':3},{'what':'inline',"       \
    "'name':'x','mime':'image/png','cid':'c','size':4}]"
#define TWO_HTML                                                                                   \
    "{'what':'html','name':'x','mime':'a/b','size':0},{'what':'html','name':'x','mime':'a/b',"     \
    "'size':0}"
#define LEAST "'text':'','hops':0,'notes':[],'parts':[]"

static json_t *check(const char *text) {
    struct err err = {0};
    char *json = quoted(text);
    json_t *mail = email_mail_check(span_str(json), NULL, 100, &err);
    if (!mail)
        assert_int_equal(err.code, ERR_PROTOCOL);
    free(json);
    return mail;
}

static void good_mails_pass(void **state) {
    static const char *const list[] = {"{" GOOD "}", "{" LEAST "}"};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(list); i++) {
        json_t *mail = check(list[i]);
        assert_non_null(mail);
        json_decref(mail);
    }
}

static void bad_mails_do_not(void **state) {
    static const char *const list[] = {
        "",
        "[]",
        "{}",
        "{" LEAST ",'extra':1}",
        "{" LEAST ",'text':'twice'}",
        "{'text':'','hops':0,'notes':[]}",
        "{" LEAST ",'subject':'a\\nb'}",
        "{" LEAST ",'subject':1}",
        "{" LEAST ",'subject':'a\\u0007b'}",
        "{" LEAST ",'message_id':'a b'}",
        "{" LEAST ",'message_id':''}",
        "{" LEAST ",'message_id':'ж@x'}",
        "{" LEAST ",'from':[{'name':'x'}]}",
        "{" LEAST ",'from':[{'name':'x','address':'y'}]}",
        "{" LEAST ",'from':[{'name':'x','address':'<y@z>'}]}",
        "{" LEAST ",'from':[{'name':'x','address':'y@z','more':1}]}",
        "{" LEAST ",'from':{'name':'x','address':'y@z'}}",
        "{" LEAST ",'return_path':'x'}",
        "{" LEAST ",'date_ms':0}",
        "{" LEAST ",'date_ms':1e12}",
        "{" LEAST ",'text_cut':false}",
        "{" LEAST ",'quoted_at':0}",
        "{" LEAST ",'quoted_at':1}",
        "{" LEAST ",'auto':'maybe'}",
        "{" LEAST ",'report':{'kind':'delivery','original':[]}}",
        "{" LEAST ",'report':{'kind':'x','original':[],'recipients':[]}}",
        "{" LEAST ",'auth':[{'spf':'pass'}]}",
        "{'text':'да','quoted_at':1,'hops':0,'notes':[],'parts':[]}", /* within a character */
        "{'text':'да','quoted_at':4,'hops':0,'notes':[],'parts':[]}",
        "{'text':'a\\rb','hops':0,'notes':[],'parts':[]}",
        "{'text':'a\\u0000b','hops':0,'notes':[],'parts':[]}",
        "{'text':'','hops':-1,'notes':[],'parts':[]}",
        "{'text':'','hops':1.5,'notes':[],'parts':[]}",
        "{'text':'','hops':0,'notes':['Not a word'],'parts':[]}",
    };
    static const char *const parts[] = {
        "{'what':'file','name':'x','mime':'a/b','size':0}",
        "{'what':'attachment','name':'','mime':'a/b','size':0}",
        "{'what':'attachment','name':'../x','mime':'a/b','size':0}",
        "{'what':'attachment','name':'.x','mime':'a/b','size':0}",
        "{'what':'attachment','name':'x\\ty','mime':'a/b','size':0}",
        "{'what':'attachment','name':'x','mime':'ab','size':0}",
        "{'what':'attachment','name':'x','mime':'A/b','size':0}",
        "{'what':'attachment','name':'x','mime':'a/b;c=d','size':0}",
        "{'what':'attachment','name':'x','mime':'a/b','size':-1}",
        "{'what':'attachment','name':'x','mime':'a/b','size':101}", /* together more than 100 */
        "{'what':'attachment','name':'x','mime':'a/b'}",
        TWO_HTML,
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(list); i++)
        if (check(list[i]))
            fail_msg("%s passes", list[i]);
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        char *text = mem_printf("{'text':'','hops':0,'notes':[],'parts':[%s]}", parts[i]);
        if (check(text))
            fail_msg("%s passes", text);
        free(text);
    }
}

static void lists_and_strings_have_ceilings(void **state) {
    static const struct {
        const char *key, *one;
        size_t max;
    } list[] = {{"references", "\"a@b\"", EMAIL_REFERENCES_MAX},
        {"in_reply_to", "\"a@b\"", EMAIL_REPLIES_MAX},
        {"delivered_to", "\"a@b\"", EMAIL_PEOPLE_MAX},
        {"to", "{\"name\":\"\",\"address\":\"a@b\"}", EMAIL_RECIPIENTS_MAX},
        {"from", "{\"name\":\"\",\"address\":\"a@b\"}", EMAIL_PEOPLE_MAX}};
    (void)state;
    for (size_t i = 0; i < 2 * ARRAY_LEN(list); i++) {
        json_t *o = json_of("{" LEAST "}"), *many = json_array();
        json_t *one = json_loads(list[i / 2].one, JSON_DECODE_ANY, NULL);
        for (size_t n = 0; n < list[i / 2].max + i % 2; n++)
            json_array_append(many, one);
        json_object_set_new(o, list[i / 2].key, many);
        char *text = json_dumps(o, 0);
        json_t *mail = email_mail_check(span_str(text), NULL, 100, NULL);
        assert_int_equal(mail != NULL, i % 2 == 0);
        json_decref(mail);
        json_decref(one);
        json_decref(o);
        free(text);
    }
    for (size_t n = EMAIL_TEXT_MAX; n <= EMAIL_TEXT_MAX + 1; n++) {
        char *text = mem_zalloc(n + 1);
        memset(text, 'x', n);
        json_t *o = json_pack("{s:s,s:i,s:[],s:[]}", "text", text, "hops", 0, "notes", "parts");
        char *json = json_dumps(o, 0);
        json_t *mail = email_mail_check(span_str(json), NULL, 100, NULL);
        assert_int_equal(mail != NULL, n == EMAIL_TEXT_MAX);
        json_decref(mail);
        json_decref(o);
        free(json);
        free(text);
    }
}

/* --- frames ---------------------------------------------------------------------------------- */

struct trial {
    struct email_frames f;
    struct err err;
};

static void add(struct trial *t, char type, const char *bytes, size_t n) {
    char head[EMAIL_FRAME_HEAD];
    email_frame_head(head, (enum email_frame_type)type, n);
    assert_int_equal(email_frames_add(&t->f, span_of(head, sizeof head), &t->err), 0);
    assert_int_equal(email_frames_add(&t->f, span_of(bytes, n), &t->err), 0);
}

/* A mail: its text and all else; '2': the text in both, '1': in none. */
static void add_mail(struct trial *t, char how) {
    json_t *mail = json_of("{" GOOD "}");
    const char *text = json_string_value(json_object_get(mail, "text"));
    if (how != '1')
        add(t, 'T', text, strlen(text));
    if (how != '2')
        json_object_del(mail, "text");
    char *json = json_dumps(mail, 0);
    add(t, 'M', json, strlen(json));
    free(json);
    json_decref(mail);
}

/* "R", "M", "P0abc", "E", ...: -1 at the last one is what was wanted. */
static int run(const char *const *frames, struct trial *t) {
    int rc = 1;
    *t = (struct trial){0};
    email_frames_init(&t->f);
    email_frames_ask(&t->f, 100);
    for (; *frames && rc == 1; frames++) {
        const char *p = *frames;
        char piece[64] = {0};
        struct email_frame out;
        if (*p == 'M')
            add_mail(t, p[1]);
        else if (*p == 'P') {
            piece[0] = (char)(p[1] - '0');
            memcpy(piece + 4, p + 2, strlen(p + 2));
            add(t, 'P', piece, 4 + strlen(p + 2));
        } else
            add(t, *p, p + 1, strlen(p + 1));
        rc = email_frames_next(&t->f, &out, &t->err);
        if (rc == 0 && *p == 'T') /* told with the mail */
            rc = 1;
        else if (rc == 1)
            assert_int_equal(out.type, *p);
    }
    assert_true(rc == 1 || !*frames); /* no frame before the last is wrong */
    email_frames_free(&t->f);
    return rc;
}

static void frames_come_in_order(void **state) {
    static const char *const good[][10] = {
        {"R", "M", "P0abc", "P1d", "P1efg", "E"},
        {"R", "M", "P0ab", "P0c", "P1defg", "L"},
        {"R", "Fno such file"},
    };
    static const char *const bad[][10] = {
        {"M"},
        {"E"},
        {"Fx"},
        {"R", "R"},
        {"R", "E"},
        {"R", "P0a"},
        {"R", "M", "M"},
        {"R", "M1"},
        {"R", "M2"},
        {"Tx"},
        {"R", "Tx", "Tx"},
        {"R", "Tx", "Fx"},
        {"R", "Tx", "E"},
        {"R", "T\xff"},
        {"R", "T\a"},
        {"R", "M", "Tx"},
        {"R", "M", "E"},
        {"R", "M", "P0"},
        {"R", "M", "P1a"},
        {"R", "M", "P0abcd"},
        {"R", "M", "P0abc", "P0a"},
        {"R", "M", "P0abc", "P1defg", "P1h"},
        {"R", "M", "P0abc", "P2a"},
        {"R", "M", "P0abc", "E"},
        {"R", "M", "Fx"},
        {"Rx"},
        {"x"},
        {"R", "M", "P0abc", "P1defg", "E", "M"},
        {"R", "Fx", "Fx"},
    };
    struct trial t;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(good); i++)
        if (run(good[i], &t) != 1)
            fail_msg("good %zu: %s", i, t.err.text);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        if (run(bad[i], &t) != -1)
            fail_msg("bad %zu passes", i);
        assert_int_equal(t.err.code, ERR_PROTOCOL);
        assert_true(t.err.text[0]);
    }
}

static void lengths_are_bounded_before_they_come(void **state) {
    static const struct {
        char type;
        size_t n;
        int rc;
    } list[] = {{'T', EMAIL_TEXT_MAX, 0}, {'T', EMAIL_TEXT_MAX + 1, -1},
        {'M', EMAIL_FRAME_JSON_MAX, 0}, {'M', EMAIL_FRAME_JSON_MAX + 1, -1},
        {'P', EMAIL_FRAME_PIECE_MAX + 4, 0}, {'P', EMAIL_FRAME_PIECE_MAX + 5, -1}, {'E', 1, -1},
        {'F', EMAIL_FRAME_SENTENCE_MAX + 1, -1}, {'z', 0, -1}, {'z', 5, -1}};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(list); i++) {
        struct trial t = {0};
        char head[EMAIL_FRAME_HEAD];
        struct email_frame out;
        email_frames_init(&t.f);
        email_frame_head(head, (enum email_frame_type)list[i].type, list[i].n);
        assert_int_equal(email_frames_add(&t.f, span_of(head, 7), &t.err), 0);
        assert_int_equal(email_frames_next(&t.f, &out, &t.err), 0);
        assert_int_equal(email_frames_add(&t.f, span_of(head + 7, 1), &t.err), 0);
        assert_int_equal(email_frames_next(&t.f, &out, &t.err), list[i].rc);
        email_frames_free(&t.f);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_mails_pass),
        cmocka_unit_test(bad_mails_do_not),
        cmocka_unit_test(lists_and_strings_have_ceilings),
        cmocka_unit_test(frames_come_in_order),
        cmocka_unit_test(lengths_are_bounded_before_they_come),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
