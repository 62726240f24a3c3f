/* model_revision_test.c - how stored messages change: what was is kept, and nothing else is lost.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "base/mem.h"
#include "model/revision.h"

#define NOW 1795442419123LL

/* JSON written with ' for ". */
static json_t *from(const char *text) {
    char *copy = mem_strdup(text);
    for (char *p = copy; *p; p++)
        if (*p == '\'')
            *p = '"';
    json_t *v = json_loads(copy, 0, NULL);
    assert_non_null(v);
    free(copy);
    return v;
}

static void check(json_t *body, const char *expected) {
    json_t *want = from(expected);
    if (!json_equal(body, want)) {
        char *got = json_dumps(body, JSON_SORT_KEYS);
        print_error("got %s\nnot %s\n", got, expected);
        free(got);
        fail();
    }
    json_decref(want);
    json_decref(body);
}

static int fill(json_t *body, const char *change) {
    json_t *c = from(change);
    int rc = revision_fill(body, c);
    json_decref(c);
    return rc;
}

/* A file that comes after the message that named it is no edit; one that is there stays. */
static void named_files_follow(void **state) {
    static const char file[] = "{'text':'the yard','sent_at':'t2','attachments':[{'name':'a.jpg',"
                               "'remote':{'media':'1'},'state':'waiting'}]}";
    (void)state;
    json_t *body = from("{'sent_at':'t1','raw_type':'media_placeholder','attachments':[{'name':"
                        "'file','state':'unavailable'}]}");
    assert_int_equal(fill(body, file), 1);
    assert_int_equal(fill(body, file), 0);
    check(body, "{'sent_at':'t1','text':'the yard','attachments':[{'name':'a.jpg','remote':"
                "{'media':'1'},'state':'waiting'}]}");
    body = from("{'text':'mine','deleted_at':'t3'}");
    assert_int_equal(fill(body, file), 0);
    assert_int_equal(fill(body, "{'text':'no file'}"), 0);
    check(body, "{'text':'mine','deleted_at':'t3'}");
}

static int edit(json_t *body, const char *change, const char *part) {
    json_t *c = from(change);
    int rc = revision_edit(body, c, part, NOW);
    json_decref(c);
    return rc;
}

static void an_edit_keeps_what_was(void **state) {
    (void)state;
    json_t *b = from("{'text':'one','html':'<b>one</b>','sent_at':'2026-01-01T00:00:00.000Z',"
                     "'from':{'kind':'telegram'},'external_id':'1:1'}");
    assert_int_equal(edit(b, "{'text':'two','edited_at':'2026-01-02T00:00:00.000Z'}", "1:1"), 1);
    assert_int_equal(edit(b, "{'text':'three','edited_at':'2026-01-03T00:00:00.000Z'}", "1:1"), 1);
    check(b, "{'text':'three','from':{'kind':'telegram'},'external_id':'1:1',"
             "'edited_at':'2026-01-03T00:00:00.000Z','edits':["
             "{'at':'2026-01-01T00:00:00.000Z','text':'one','html':'<b>one</b>'},"
             "{'at':'2026-01-02T00:00:00.000Z','text':'two'}]}");
}

static void the_same_or_older_changes_nothing(void **state) {
    (void)state;
    json_t *b = from("{'text':'two','edited_at':'2026-01-02T00:00:00.000Z'}");
    assert_int_equal(edit(b, "{'text':'two','edited_at':'2026-01-03T00:00:00.000Z'}", NULL), 0);
    assert_int_equal(edit(b, "{'text':'one','edited_at':'2026-01-01T00:00:00.000Z'}", NULL), 0);
    check(b, "{'text':'two','edited_at':'2026-01-02T00:00:00.000Z'}");
}

static void versions_have_a_ceiling(void **state) {
    (void)state;
    json_t *b = from("{'text':'first','sent_at':'2026-01-01T00:00:00.000Z'}");
    for (int i = 0; i < 100; i++) {
        char *change = mem_printf("{'text':'v%d'}", i);
        assert_int_equal(edit(b, change, NULL), 1);
        free(change);
    }
    const json_t *edits = json_object_get(b, "edits");
    assert_int_equal(json_array_size(edits), REVISION_KEPT);
    assert_string_equal(
        json_string_value(json_object_get(json_array_get(edits, 0), "text")), "first");
    assert_string_equal(
        json_string_value(json_object_get(json_array_get(edits, 19), "text")), "v98");
    json_decref(b);
}

static void a_file_that_is_here_stays(void **state) {
    (void)state;
    json_t *b = from(
        "{'text':'old words','attachments':[{'id':'01','kind':'image','remote':{'unique':'u'}}]}");
    assert_int_equal(edit(b,
                         "{'text':'new words','edited_at':'2026-01-02T00:00:00.000Z','attachments':"
                         "[{'kind':'image','state':'waiting','remote':{'unique':'u'}}]}",
                         NULL),
        1);
    const json_t *a = json_array_get(json_object_get(b, "attachments"), 0);
    assert_string_equal(json_string_value(json_object_get(a, "id")), "01");
    assert_false(revision_waits(b));
    assert_int_equal(edit(b,
                         "{'text':'new words','attachments':[{'kind':'image','state':'waiting',"
                         "'remote':{'unique':'another'}}]}",
                         NULL),
        1);
    assert_true(revision_waits(b));
    json_decref(b);
}

static void add_part(json_t *body, const char *text, int expected) {
    json_t *part = from(text);
    assert_int_equal(revision_part(body, part), expected);
    json_decref(part);
}

static void albums_grow_and_change_by_part(void **state) {
    (void)state;
    static const char second[] = "{'text':'caption','attachments':[{'external_id':'1:2','state':"
                                 "'waiting','remote':{'unique':'b'}}]}";
    json_t *b =
        from("{'attachments':[{'external_id':'1:1','state':'waiting','remote':{'unique':'a'}}]}");
    add_part(b, second, 1);
    add_part(b, second, 0); /* come again */
    assert_int_equal(edit(b,
                         "{'text':'caption','attachments':[{'external_id':'1:2','state':'waiting','"
                         "remote':{'unique':'b'}}]}",
                         "1:2"),
        0);
    assert_int_equal(edit(b,
                         "{'text':'caption','edited_at':'2026-01-02T00:00:00.000Z','attachments':[{"
                         "'external_id':'1:2','state':'waiting','remote':{'unique':'c'}}]}",
                         "1:2"),
        1);
    json_t *was = json_array_get(json_object_get(b, "edits"), 0);
    json_object_del(was, "at");
    check(b, "{'text':'caption','edited_at':'2026-01-02T00:00:00.000Z','attachments':["
             "{'external_id':'1:1','state':'waiting','remote':{'unique':'a'}},"
             "{'external_id':'1:2','state':'waiting','remote':{'unique':'c'},'text':'caption'}],"
             "'edits':[{'text':'caption','attachments':[{'external_id':'1:2','state':'waiting',"
             "'text':'caption'}]}]}");
}

static void parts_of_an_album_keep_their_own_words(void **state) {
    (void)state;
    json_t *b = from("{'text':'a & b','attachments':[{'external_id':'1:1'}]}");
    add_part(b, "{'text':'two','html':'<b>two</b>','attachments':[{'external_id':'1:2'}]}", 1);
    add_part(b, "{'attachments':[{'external_id':'1:3'}]}", 1);
    add_part(b, "{'text':'four','attachments':[{'external_id':'1:4'}]}", 1);
    assert_string_equal(json_string_value(json_object_get(b, "text")), "a & b\ntwo\nfour");
    assert_string_equal(
        json_string_value(json_object_get(b, "html")), "a &amp; b\n<b>two</b>\nfour");
    assert_int_equal(edit(b, "{'text':'2','attachments':[{'external_id':'1:2'}]}", "1:2"), 1);
    assert_int_equal(edit(b, "{}", "1:4"), 1); /* its words are taken away */
    assert_int_equal(edit(b, "{'text':'3'}", "1:3"), 1);
    assert_string_equal(json_string_value(json_object_get(b, "text")), "a & b\n2\n3");
    assert_null(json_object_get(b, "html"));
    assert_int_equal(json_array_size(json_object_get(b, "edits")), 3);
    assert_int_equal(json_array_size(json_object_get(b, "attachments")), 4);
    json_decref(b);
}

static void albums_have_a_ceiling(void **state) {
    (void)state;
    json_t *b = json_object();
    for (int i = 0; i < 50; i++) {
        char *text = mem_printf("{'attachments':[{'external_id':'1:%d'}]}", i);
        json_t *part = from(text);
        assert_int_equal(revision_part(b, part), i < 20);
        json_decref(part);
        free(text);
    }
    assert_int_equal(json_array_size(json_object_get(b, "attachments")), 20);
    json_decref(b);
}

static void reactions_are_one_person_s(void **state) {
    (void)state;
    json_t *b = from("{'text':'x'}");
    json_t *ann = from("{'by':'client','name':'Ann','emoji':['+','*']}");
    json_t *bob = from("{'by':'bob','emoji':['+']}"),
           *none = from("{'by':'client','name':'Ann','emoji':[]}");
    assert_int_equal(revision_react(b, ann), 1);
    assert_int_equal(revision_react(b, ann), 0);
    assert_int_equal(revision_react(b, bob), 1);
    assert_int_equal(revision_react(b, none), 1);
    assert_int_equal(revision_react(b, none), 0);
    json_decref(ann);
    json_decref(bob);
    json_decref(none);
    check(b, "{'text':'x','reactions':[{'emoji':'+','by':'bob'}]}");
}

static void two_of_one_name_react_each(void **state) {
    (void)state;
    json_t *b = from("{'text':'x'}");
    json_t *ann = from("{'by':'client','name':'Ann','address':'1','emoji':['+']}");
    json_t *other = from("{'by':'client','name':'Ann','address':'2','emoji':['*']}");
    json_t *renamed = from("{'by':'client','name':'Anna','address':'1','emoji':[]}");
    assert_int_equal(revision_react(b, ann), 1);
    assert_int_equal(revision_react(b, other), 1);
    assert_int_equal(json_array_size(json_object_get(b, "reactions")), 2);
    assert_int_equal(revision_react(b, renamed), 1);
    json_decref(ann);
    json_decref(other);
    json_decref(renamed);
    check(b, "{'text':'x','reactions':[{'emoji':'*','by':'client','name':'Ann','address':'2'}]}");
}

static void a_deletion_leaves_the_words(void **state) {
    (void)state;
    json_t *b = from("{'text':'x'}");
    assert_int_equal(revision_delete(b, "client", NOW), 1);
    assert_int_equal(revision_delete(b, "client", NOW + 5), 0);
    check(b, "{'text':'x','deleted_at':'2026-11-23T14:00:19.123Z','deleted_by':'client'}");
}

static void files_arrive_once(void **state) {
    (void)state;
    json_t *b =
        from("{'attachments':[{'name':'n','state':'waiting'},{'name':'m','state':'waiting'}]}");
    json_t *media =
        from("{'id':'01','kind':'image','name':'z','mime':'image/png','size':5,'sha256':'s'}");
    assert_int_equal(revision_file(b, 0, media), 1);
    assert_int_equal(revision_file(b, 0, media), 0);
    assert_int_equal(revision_file(b, 7, media), 0);
    assert_int_equal(revision_no_file(b, 0, "failed", "too late"), 0);
    assert_int_equal(revision_no_file(b, 1, "failed", "gone"), 1);
    assert_false(revision_waits(b));
    json_decref(media);
    check(b, "{'attachments':[{'name':'n','id':'01','kind':'image','mime':'image/png','size':5,"
             "'sha256':'s'},{'name':'m','state':'failed','error':'gone'}]}");
}

static void a_live_location_moves(void **state) {
    (void)state;
    json_t *b = from("{'location':{'lat':1.0}}"), *to = from("{'location':{'lat':2.0}}"),
           *none = from("{}");
    assert_int_equal(revision_move(b, to), 1);
    assert_int_equal(revision_move(b, to), 0);
    assert_int_equal(revision_move(b, none), 0);
    json_decref(to);
    json_decref(none);
    check(b, "{'location':{'lat':2.0}}");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(named_files_follow),
        cmocka_unit_test(an_edit_keeps_what_was),
        cmocka_unit_test(the_same_or_older_changes_nothing),
        cmocka_unit_test(versions_have_a_ceiling),
        cmocka_unit_test(a_file_that_is_here_stays),
        cmocka_unit_test(albums_grow_and_change_by_part),
        cmocka_unit_test(parts_of_an_album_keep_their_own_words),
        cmocka_unit_test(albums_have_a_ceiling),
        cmocka_unit_test(reactions_are_one_person_s),
        cmocka_unit_test(two_of_one_name_react_each),
        cmocka_unit_test(a_deletion_leaves_the_words),
        cmocka_unit_test(files_arrive_once),
        cmocka_unit_test(a_live_location_moves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
