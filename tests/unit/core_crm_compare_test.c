/* A thread as the ledger has it against what a CRM says that it has. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/crypto.h"
#include "core/crm/crm_compare.h"

#define THREAD "01JDFX3T5KTTTTTTTTTABCDE03"
#define ROWS 6

/* The n-th message's id: each a millisecond later. */
static const char *id_of(size_t n) {
    static const char *const ids[] = {"01JDFX3T5MTTTTTTTTTAAAAA03", "01JDFX3T5NTTTTTTTTTAAAAA03",
        "01JDFX3T5PTTTTTTTTTAAAAA03", "01JDFX3T5QTTTTTTTTTAAAAA03", "01JDFX3T5RTTTTTTTTTAAAAA03",
        "01JDFX3T5STTTTTTTTTAAAAA03"};
    return ids[n];
}

struct trial {
    struct store_ledger_row rows[ROWS];
    struct crm_compared c;
};

/* All attached, in order, each 10 ms after it came. */
static void begin(struct trial *t) {
    *t = (struct trial){.c = {.n = ROWS, .thread = THREAD, .from_start = true}};
    t->c.rows = t->rows;
    t->c.waits_from_ms = INT64_MAX;
    for (size_t i = 0; i < ROWS; i++) {
        struct store_ledger_row *r = &t->rows[i];
        r->seq = (int64_t)i + 1;
        memcpy(r->is.id, id_of(i), ID_SIZE);
        r->is.state = RECORD_ATTACHED;
        r->is.received_ms = 1000 * (int64_t)(i + 1);
        r->is.attached_ms = r->is.received_ms + 10;
    }
}

/* order: digits of places, "x" a stranger's, "?" unknown, "o" older than all. */
static json_t *compared(const struct trial *t, const char *order) {
    json_t *entries = json_array();
    for (; *order; order++) {
        const char *id = *order == 'x'   ? "01JDFX3T5MXXXXXXXXXAAAAA03"
                         : *order == '?' ? "01JDFX3T5PTTTTTTTTTZZZZZ03"
                         : *order == 'o' ? "01JDFX0000TTTTTTTTTAAAAA03"
                         : *order == '!' ? "no id"
                                         : id_of((size_t)(*order - '0'));
        json_array_append_new(entries, json_pack("{s:s}", "message", id));
    }
    json_array_append_new(entries, json_pack("{s:i}", "message", 7));
    json_t *r = crm_compare(&t->c, entries);
    json_decref(entries);
    return r;
}

/* The seqs of a list as a text. */
static void check(const json_t *r, const char *list, const char *seqs) {
    char got[64] = "";
    size_t i, n = 0;
    json_t *m;
    json_array_foreach(json_object_get(r, list), i, m) got[n++] =
        json_is_string(m) ? '?' : (char)('0' + json_integer_value(json_object_get(m, "seq")));
    got[n] = '\0';
    assert_string_equal(got, seqs);
}

static json_int_t number(const json_t *r, const char *a, const char *b) {
    const json_t *o = b ? json_object_get(r, a) : r;
    return json_integer_value(json_object_get(o, b ? b : a));
}

static void check_differs(json_t *r, bool differs) {
    assert_int_equal(json_is_true(json_object_get(r, "differs")), differs);
    json_decref(r);
}

static const char *hash(const json_t *r, const char *side) {
    return json_string_value(json_object_get(json_object_get(r, side), "hash"));
}

static void what_is_the_same_is_equal(void **state) {
    struct trial t;
    (void)state;
    begin(&t);
    json_t *r = compared(&t, "x012x345!");
    assert_int_equal(number(r, "ledger", "messages"), 6);
    assert_int_equal(number(r, "target", "messages"), 6);
    assert_string_equal(hash(r, "ledger"), hash(r, "target"));
    assert_int_equal(strlen(hash(r, "ledger")), 16);
    check_differs(r, false);
    t.c.n = 0;
    check_differs(compared(&t, "x"), false);
}

static void what_is_gone_or_never_came(void **state) {
    struct trial t;
    (void)state;
    begin(&t);
    t.rows[2].is.state = RECORD_UNTOLD;
    t.rows[3].is.state = RECORD_WAITS;
    t.rows[4].is.state = RECORD_LEFT_OUT;
    json_t *r = compared(&t, "05");
    check(r, "lost", "2");
    check(r, "missing", "34");
    assert_string_not_equal(hash(r, "ledger"), hash(r, "target"));
    check_differs(r, true);
    t.rows[3].is.failed = true;
    r = compared(&t, "0125");
    check(r, "given_up", "4");
    check(r, "missing", "");
    check_differs(r, true);
    t.rows[3].is.failed = false;
    check_differs(compared(&t, "01235"), false); /* its answer was lost: it is there */
}

static void what_waits_is_no_difference(void **state) {
    struct trial t;
    (void)state;
    begin(&t);
    t.c.waits_from_ms = 5000;
    t.rows[4].is.state = RECORD_UNTOLD;
    t.rows[5].is.state = RECORD_WAITS;
    json_t *r = compared(&t, "0123");
    assert_int_equal(number(r, "waiting", NULL), 2);
    check_differs(r, false);
    t.rows[1].is.asked_ms = 5500; /* found missing before, and queued */
    t.rows[1].is.state = RECORD_WAITS;
    r = compared(&t, "023");
    assert_int_equal(number(r, "waiting", NULL), 3);
    check_differs(r, false);
    t.c.waits_from_ms = INT64_MAX; /* nothing waits */
    r = compared(&t, "023");
    check(r, "missing", "256");
    check_differs(r, true);
}

static void what_was_there_before_the_target(void **state) {
    struct trial t;
    (void)state;
    begin(&t);
    for (size_t i = 0; i < 3; i++)
        t.rows[i].is.state = RECORD_UNTOLD;
    json_t *r = compared(&t, "345");
    assert_int_equal(number(r, "before", NULL), 3);
    check_differs(r, false);
    r = compared(&t, "1345");
    assert_int_equal(number(r, "before", NULL), 1);
    check(r, "missing", "3");
    check_differs(r, true);
}

static void doubles_and_strangers(void **state) {
    struct trial t;
    (void)state;
    begin(&t);
    json_t *r = compared(&t, "00123?4535");
    check(r, "double", "146");
    check(r, "unknown", "?");
    check(r, "misplaced", "");
    assert_int_equal(number(r, "target", "messages"), 10);
    check_differs(r, true);
    check_differs(compared(&t, "o012345"), true);
    t.c.from_start = false; /* what the archive has, nobody can say */
    r = compared(&t, "o012345");
    assert_string_equal(hash(r, "ledger"), hash(r, "target"));
    check_differs(r, false);
}

static void order_is_the_thread_s_or_that_of_coming(void **state) {
    struct trial t;
    (void)state;
    begin(&t);
    json_t *r = compared(&t, "201345");
    check(r, "misplaced", "123");
    assert_string_not_equal(hash(r, "ledger"), hash(r, "target"));
    check_differs(r, true);
    t.rows[1].is.attached_ms = 90000; /* it came late */
    check_differs(compared(&t, "023451"), false);
    check_differs(compared(&t, "012345"), false); /* and a CRM may put it where it belongs */
    check_differs(compared(&t, "023541"), true);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_the_same_is_equal),
        cmocka_unit_test(what_is_gone_or_never_came),
        cmocka_unit_test(what_waits_is_no_difference),
        cmocka_unit_test(what_was_there_before_the_target),
        cmocka_unit_test(doubles_and_strangers),
        cmocka_unit_test(order_is_the_thread_s_or_that_of_coming),
    };
    return crypto_start() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
