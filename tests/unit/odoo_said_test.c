/* odoo_said_test.c - notes that are answers, and the files that go with them (crm.md 5, 8.3). */
#include "json_trial.h"

#include "base/span.h"
#include "connectors/odoo/odoo_said.h"

static void answer_is(const char *note, const char *expected) {
    json_t *n = json_of(note), *e = json_of(expected), *got = odoo_reply_of(n, "/r ");
    if (!json_equal(got ? got : json_null(), json_object_size(e) ? e : json_null()))
        fail_msg("%s", note);
    json_decref(n);
    json_decref(e);
    json_decref(got);
}

static void answers_begin_with_the_prefix(void **state) {
    (void)state;
    answer_is("{'id':7,'res_id':8,'body':'<p>/r hello</p>','create_uid':[17,'Anna'],"
              "'attachment_ids':[]}",
        "{'type':'reply','card':'8','id':'7','text':'hello','user':'17','author':'Anna','files':[]"
        "}");
    answer_is("{'id':7,'res_id':8,'body':'<p>/R</p>','create_uid':[17,'Anna'],"
              "'attachment_ids':[3,'x',4,-1,false]}",
        "{'type':'reply','card':'8','id':'7','text':'','user':'17','author':'Anna','files':[3,4]}");
    answer_is("{'id':7,'res_id':8,'body':'<p>/r</p>','attachment_ids':[]}", "{}");
    answer_is("{'id':7,'res_id':8,'body':'<p>/</p>','attachment_ids':[3]}", "{}");
    answer_is("{'id':7,'res_id':8,'body':'<p>a</p>','attachment_ids':[3]}", "{}");
}

static void files_are(const char *told, const char *expected, enum err_code code) {
    json_t *t = json_of(told), *ids = json_of("[4,3]"), *e = json_of(expected);
    struct err err = {0};
    json_t *got = odoo_files(t, ids, 1000, &err);
    assert_int_equal(err.code, code);
    assert_true(json_equal(got ? got : json_null(), code ? json_null() : e));
    json_decref(t);
    json_decref(ids);
    json_decref(e);
    json_decref(got);
}

static void all_files_of_a_note_or_none(void **state) {
    (void)state;
    files_are("[{'id':3,'name':'a.txt','file_size':1000,'type':'binary'},"
              "{'id':4,'name':false,'file_size':0,'type':'binary'}]",
        "[{'id':4,'name':'file'},{'id':3,'name':'a.txt'}]", ERR_NONE);
    files_are("[{'id':4,'name':'b','file_size':1,'type':'binary'}]", "[]", ERR_NOT_FOUND);
    files_are("[]", "[]", ERR_NOT_FOUND);
    files_are("{}", "[]", ERR_NOT_FOUND);
    files_are("[{'id':4,'name':'b','file_size':1,'type':'url'}]", "[]", ERR_UNSUPPORTED);
    files_are("[{'id':4,'name':'b','file_size':1001,'type':'binary'}]", "[]", ERR_TOO_LARGE);
    files_are("[{'id':4,'name':'b','file_size':-1,'type':'binary'}]", "[]", ERR_TOO_LARGE);
}

static void bytes_are(const char *told, const char *expected, enum err_code code) {
    json_t *t = json_of(told);
    struct err err = {0};
    unsigned char *bytes;
    size_t n = 0;
    assert_int_equal(odoo_bytes(t, &bytes, &n, &err), code ? -1 : 0);
    assert_int_equal(err.code, code);
    if (!code) {
        assert_int_equal(n, strlen(expected));
        assert_memory_equal(bytes, expected, n);
    }
    free(bytes);
    json_decref(t);
}

static void bytes_are_base64(void **state) {
    (void)state;
    bytes_are("[{'id':4,'datas':'aGVsbG8='}]", "hello", ERR_NONE);
    bytes_are("[{'id':4,'datas':'aGVs\\nbG8=\\n'}]", "hello", ERR_NONE);
    bytes_are("[{'id':4,'datas':'aGVsbG9v'}]", "helloo", ERR_NONE);
    bytes_are("[{'id':4,'datas':false}]", "", ERR_INVALID);
    bytes_are("[{'id':4,'datas':''}]", "", ERR_INVALID);
    bytes_are("[]", "", ERR_INVALID);
    bytes_are("[{'id':4,'datas':'aGVsbG8'}]", "", ERR_PROTOCOL);
    bytes_are("[{'id':4,'datas':'<p>x</p>'}]", "", ERR_PROTOCOL);
    bytes_are("[{'id':4,'datas':'aGVsbG8=x'}]", "", ERR_PROTOCOL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_begin_with_the_prefix),
        cmocka_unit_test(all_files_of_a_note_or_none),
        cmocka_unit_test(bytes_are_base64),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
