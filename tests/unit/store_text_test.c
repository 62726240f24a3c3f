/* store_text_test.c - stream ids, cursors, events and entries of queues: what scripts write is
 * understood, everything else is nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "store/store_text.h"

#define ID "01M84DM5EGXX078JEX5WYT1908"
#define OTHER "01M84DM5EGXX078JEX5QR06G08"

static void stream_ids_have_an_order(void **state) {
    static const char *const bad[] = {"", "1", "1-", "-1", "-", "1-1-1", " 1-1", "1-1 ", "+1-1",
        "1-x", "99999999999999999999-0", "9223372036854775808-0", "1-99999999999999999999", "*",
        "+"};
    struct stream_id a, b;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        if (stream_id_parse(span_str(bad[i]), &a) == 0)
            fail_msg("\"%s\" is no stream id", bad[i]);
    assert_int_equal(stream_id_parse(span_str("1732368000123-7"), &a), 0);
    assert_int_equal(a.ms, 1732368000123);
    assert_int_equal(a.n, 7);
    assert_int_equal(stream_id_parse(span_str("1732368000123-10"), &b), 0);
    assert_true(stream_id_compare(&a, &b) < 0);
    assert_true(stream_id_compare(&b, &a) > 0);
    assert_int_equal(stream_id_compare(&a, &a), 0);
    b = (struct stream_id){a.ms - 1, 99};
    assert_true(stream_id_compare(&b, &a) < 0);
}

static void places_name_a_shard_that_exists(void **state) {
    static const char *const bad[] = {"", ":", "4:1-1", "0", "0:", "0:1", "x:1-1", "-0:1-1",
        "18446744073709551615:1-1", "18446744073709551616:1-1", "0:1-1,", "0 :1-1"};
    struct stream_id id;
    unsigned shard;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        if (store_place_parse(bad[i], 4, &shard, &id) == 0)
            fail_msg("\"%s\" is no place", bad[i]);
    assert_int_equal(store_place_parse("3:12-4", 4, &shard, &id), 0);
    assert_int_equal(shard, 3);
    assert_int_equal(id.ms, 12);
}

static void cursors_are_whole(void **state) {
    static const char *const bad[] = {"", "E", "E;", "E;0:1-0", "E;0:1-0,1:", "F;0:1-0,1:2-0",
        "E;0:1-0,2:2-0", "E;0:1-0,0:2-0", "E;0:1-0;1:2-0", "E;0:1-0,1:-", "E0:1-0,1:2-0",
        "E;0:1-0,-18446744073709551615:2-0", "E;0:1-0,1:2-0,x", "E;,0:1-0,1:2-0", "E; 0:1-0,1:2-0"};
    char out[2][STORE_CURSOR_SIZE];
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        if (store_cursors_parse(bad[i], "E", 2, out) == 0)
            fail_msg("\"%s\" is no cursor", bad[i]);
    assert_int_equal(store_cursors_parse("E;1:2-0,0:1732368000123-11", "E", 2, out), 0);
    assert_string_equal(out[0], "1732368000123-11");
    assert_string_equal(out[1], "2-0");
    /* The later one of a shard counts. */
    assert_int_equal(store_cursors_parse("E;0:1-0,1:2-0,0:3-0", "E", 2, out), 0);
    assert_string_equal(out[0], "3-0");
}

static void events_are_what_scripts_write(void **state) {
    static const char *const bad[] = {"", "m", "m ", "x " ID, "m " ID, "m " ID " ", "m " ID " x in",
        "s " ID " -1", "t" ID, "t  " ID, "c 01m84dm5egxx078jex5wyt1908",
        "m " ID " 99999999999999999999 in"};
    struct store_event e;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        if (store_event_parse(&e, bad[i]) == 0)
            fail_msg("\"%s\" is no event", bad[i]);
    assert_int_equal(store_event_parse(&e, "m " ID " 12 out"), 0);
    assert_int_equal(e.kind, 'm');
    assert_string_equal(e.id, ID);
    assert_int_equal(e.seq, 12);
    assert_true(e.has_work);
    assert_int_equal(store_event_parse(&e, "m " ID " 12 in"), 0);
    assert_false(e.has_work);
    assert_int_equal(store_event_parse(&e, "s " ID " 3"), 0);
    assert_int_equal(e.seq, 3);
    assert_int_equal(store_event_parse(&e, "t " ID), 0);
    assert_int_equal(store_event_parse(&e, "c " ID), 0);
    assert_int_equal(e.kind, 'c');
    assert_false(e.has_work);
    assert_int_equal(store_event_parse(&e, "w " ID), 0);
    assert_true(e.has_work);
}

static void has_signs(const char *rest, const char *wanted, bool work) {
    struct store_event e;
    char text[100];
    snprintf(text, sizeof text, "m " ID " 12%s", rest);
    assert_int_equal(store_event_parse(&e, text), 0);
    assert_string_equal(e.signs, wanted);
    assert_int_equal(e.has_work, work);
}

static void events_say_what_rules_may_want(void **state) {
    (void)state;
    has_signs(" in", "i", false);
    has_signs(" in w", "i", true);
    has_signs(" in nufb", "inufb", false);
    has_signs(" in rub w", "irub", true);
    has_signs(" in p w", "", true);
    has_signs(" in ufbx4722366 w", "iufb", true);
    struct store_event e;
    assert_int_equal(store_event_parse(&e, "m " ID " 12 in ubx71 w"), 0);
    assert_int_equal(e.unwanted, 71);
    assert_int_equal(store_event_parse(&e, "m " ID " 12 in ubx"), 0);
    assert_int_equal(e.unwanted, 0);
    has_signs(" out", "", true);
    has_signs(" out ra", "ra", true);
    has_signs(" note", "", false);
    has_signs(" event cal", "cal", false);
    has_signs(" into cal", "cal", false);
    has_signs(" in xyzabcdefghijklmnopqrstuvw", "", false); /* has p */
    has_signs(" in nrcalufbnrcalufbnrcal", "inrcalufbnr", false);
    has_signs("", "", false);
    has_signs(" ", "", false);
}

static void entries_are_what_scripts_write(void **state) {
    static const char *const bad[] = {"", " ", ID, ID " ", ID " x", "m " ID, "m " ID " 1 2",
        "c " ID, "g " ID " 1", "g " ID, "g " ID " " OTHER " ", "g " ID " " OTHER " x",
        "g " ID " " OTHER " 1 2", "x " ID " 1", "x " ID " " ID " 1", "u " ID, "u " ID " 1",
        "01M84DM5EGXX078JEX5WYT190 1", ID "  1", ID " -1"};
    struct store_entry e = {.attempts = 7};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        store_entry_parse(&e, bad[i]);
        if (e.kind != '?')
            fail_msg("\"%s\" is no entry", bad[i]);
    }
    store_entry_parse(&e, ID " 4");
    assert_int_equal(e.kind, 'm');
    assert_string_equal(e.subject, ID);
    assert_int_equal(e.seq, 4);
    assert_int_equal(e.attempts, 7);
    store_entry_parse(&e, "m " ID " 5");
    assert_int_equal(e.seq, 5);
    store_entry_parse(&e, "m " ID " 5 status");
    assert_int_equal(e.seq, 5);
    assert_string_equal(e.op, "status");
    store_entry_parse(&e, "f " ID " 17");
    assert_int_equal(e.kind, 'f');
    assert_int_equal(e.seq, 17);
    assert_string_equal(e.op, "");
    store_entry_parse(&e, "c " ID " 0");
    assert_int_equal(e.kind, 'c');
    store_entry_parse(&e, "g " ID " " OTHER);
    assert_int_equal(e.kind, 'g');
    assert_string_equal(e.object, OTHER);
    assert_int_equal(e.seq, 0);
    store_entry_parse(&e, "g " ID " " OTHER " 12");
    assert_int_equal(e.kind, 'g');
    assert_int_equal(e.seq, 12);
    store_entry_parse(&e, "u " ID " " OTHER);
    assert_int_equal(e.kind, 'u');
    assert_string_equal(e.object, OTHER);
    store_entry_parse(&e, "x " ID " " ID);
    assert_int_equal(e.kind, 'x');
    assert_string_equal(e.subject, ID);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stream_ids_have_an_order),
        cmocka_unit_test(places_name_a_shard_that_exists),
        cmocka_unit_test(cursors_are_whole),
        cmocka_unit_test(events_are_what_scripts_write),
        cmocka_unit_test(events_say_what_rules_may_want),
        cmocka_unit_test(entries_are_what_scripts_write),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
