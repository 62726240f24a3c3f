/* email_imap_parse_test.c - answers of IMAP servers as events: the same ones in whatever pieces
 * they come; and the words that commands are made of. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/mem.h"
#include "connectors/email/email_imap_parse.h"
#include "connectors/email/email_imap_text.h"

struct trial {
    struct buf out;
    bool in_bytes;
    unsigned stop_at; /* after so many events */
};

static void say(struct trial *t, const char *kind, struct span text) {
    buf_addf(&t->out, "%s%.*s|", kind, (int)text.n, text.n ? text.p : "");
}

static int on_event(void *arg, const struct email_imap_event *e) {
    static const char *const kinds[] = {[EMAIL_IMAP_STATUS] = "status ",
        [EMAIL_IMAP_GO_ON] = "+",
        [EMAIL_IMAP_DATA] = "data ",
        [EMAIL_IMAP_ATOM] = "",
        [EMAIL_IMAP_QUOTED] = "\"",
        [EMAIL_IMAP_OPEN] = "(",
        [EMAIL_IMAP_CLOSE] = ")",
        [EMAIL_IMAP_LITERAL] = "{",
        [EMAIL_IMAP_BYTES] = "=",
        [EMAIL_IMAP_LITERAL_END] = "}",
        [EMAIL_IMAP_END] = "end"};
    struct trial *t = arg;
    if (e->kind == EMAIL_IMAP_BYTES) { /* in one, however they came */
        if (!t->in_bytes)
            buf_adds(&t->out, "=");
        buf_add(&t->out, e->text.p, e->text.n);
        t->in_bytes = true;
        return 0;
    }
    if (t->in_bytes)
        buf_adds(&t->out, "|");
    t->in_bytes = false;
    if (e->kind == EMAIL_IMAP_STATUS) {
        buf_addf(&t->out, "%.*s ", (int)e->tag.n, e->tag.p);
        buf_addf(&t->out, "%.*s ", (int)e->name.n, e->name.p);
        buf_addf(&t->out, "[%.*s] ", (int)e->code.n, e->code.n ? e->code.p : "");
        say(t, "", e->text);
    } else if (e->kind == EMAIL_IMAP_DATA) {
        buf_addf(&t->out, "data %llu ", (unsigned long long)e->number);
        say(t, "", e->name);
    } else if (e->kind == EMAIL_IMAP_LITERAL) {
        buf_addf(&t->out, "{%llu|", (unsigned long long)e->number);
    } else if (e->kind == EMAIL_IMAP_OPEN || e->kind == EMAIL_IMAP_CLOSE) {
        buf_addf(&t->out, "%s%u|", kinds[e->kind], e->depth);
    } else {
        say(t, kinds[e->kind], e->text);
    }
    return t->stop_at && --t->stop_at == 0 ? -1 : 0;
}

/* In pieces of so many bytes; 0 when all was taken. */
static int feed(struct trial *t, const char *text, size_t n, size_t piece, struct err *err) {
    struct email_imap_parse *p = email_imap_parse_create(on_event, t);
    int rc = 0;
    for (size_t i = 0; i < n && rc == 0; i += piece)
        rc = email_imap_parse_feed(p, span_of(text + i, n - i < piece ? n - i : piece), err);
    email_imap_parse_free(&p);
    return rc;
}

static void expect_bytes(const char *text, size_t n, const char *events) {
    for (size_t piece = 1; piece <= n; piece++) {
        struct trial t = {0};
        struct err err = {0};
        buf_init(&t.out, 1 << 20);
        assert_int_equal(feed(&t, text, n, piece, &err), 0);
        assert_string_equal(buf_str(&t.out), events);
        buf_free(&t.out);
    }
}

static void expect(const char *text, const char *events) {
    expect_bytes(text, strlen(text), events);
}

static void expect_bad(const char *text) {
    for (size_t piece = 1; piece <= strlen(text); piece++) {
        struct trial t = {0};
        struct err err = {0};
        buf_init(&t.out, 1 << 20);
        assert_int_equal(feed(&t, text, strlen(text), piece, &err), -1);
        assert_int_equal(err.code, ERR_PROTOCOL);
        buf_free(&t.out);
    }
}

static void test_status_lines(void **state) {
    (void)state;
    expect("* OK [UIDVALIDITY 3857529045] UIDs valid\r\n",
        "* OK [UIDVALIDITY 3857529045] UIDs valid|");
    expect("s1 OK [READ-WRITE] SELECT completed\r\n", "s1 OK [READ-WRITE] SELECT completed|");
    expect("s2 no Nothing (here\r\n", "s2 NO [] Nothing (here|");
    expect("* BYE\r\n", "* BYE [] |");
    expect("* OK [PERMANENTFLAGS (\\Deleted \\*)] Limited\r\n",
        "* OK [PERMANENTFLAGS (\\Deleted \\*)] Limited|");
    expect("* OK [ALERT no end\r\n", "* OK [] [ALERT no end|");
    expect("* OK size {5}\r\ns1 BAD x\r\n", "* OK [] size {5}|s1 BAD [] x|"); /* no literal */
    expect("+ idling\r\n+\r\n\r\n+ \n", "+idling|+|+|");
}

static void test_data(void **state) {
    (void)state;
    expect("* 23 EXISTS\r\n* SEARCH\r\n* search 2 84 (MODSEQ 9)\r\n",
        "data 23 EXISTS|end|data 0 SEARCH|end|data 0 SEARCH|2|84|(1|MODSEQ|9|)1|end|");
    expect("* LIST (\\HasNoChildren \\Sent) \"/\" \"a \\\"b\\\\\"\r\n",
        "data 0 LIST|(1|\\HasNoChildren|\\Sent|)1|\"/|\"a \"b\\|end|");
    expect("* 12 FETCH (FLAGS (\\Seen) BODY[HEADER.FIELDS (FROM \"T O\")]<0> NIL)\r\n",
        "data 12 FETCH|(1|FLAGS|(2|\\Seen|)2|BODY[HEADER.FIELDS (FROM \"T O\")]<0>|NIL|)1|end|");
}

static void test_literals(void **state) {
    (void)state;
    /* F40: a mail says what a server says. */
    expect("* 1 FETCH (UID 7 BODY[] {21}\r\ns1 OK done\r\n* BYE x\r\n FLAGS ({1}\r\na "
           "~{2+}\r\nbc))\r\n"
           "s1 OK\r\n",
        "data 1 FETCH|(1|UID|7|BODY[]|{21|=s1 OK done\r\n* BYE "
        "x\r\n|}|FLAGS|(2|{1|=a|}|{2|=bc|}|)2|)"
        "1|end|s1 OK [] |");
    expect("* 1 FETCH (BODY[]{0}\r\n X {0}\r\n)\r\n", "data 1 FETCH|(1|BODY[]|{0|}|X|{0|}|)1|end|");
    static const char nul[] = "* 1 FETCH (BODY[] {3}\r\na\0b)\r\n";
    expect_bytes(nul, sizeof nul - 1, "data 1 FETCH|(1|BODY[]|{3|=a"); /* the text ends at NUL */
}

static void test_unknown_answers_are_skipped(void **state) {
    (void)state;
    expect("* XLIST :) \"no end (\r\n* 5 XYZ {3}\r\na\r\n {1}x {4+}\r\n* 1 \r\n* 1 EXISTS\r\n",
        "data 0 XLIST|end|data 5 XYZ|{3|=a\r\n|}|{4|=* 1 |}|end|data 1 EXISTS|end|");
    expect("* XYZ {99999999999999999999999}\r\n* XYZ\r\n", "data 0 XYZ|end|data 0 XYZ|end|");
}

static void test_malformed(void **state) {
    (void)state;
    expect_bad("* 1 FETCH (UID 7\r\n");
    expect_bad("* 1 FETCH UID)\r\n");
    expect_bad("* 1 FETCH (\"a\r\n");
    expect_bad("* 1 FETCH (BODY[HEADER\r\n");
    expect_bad("* 1 FETCH (X {9a}\r\n");
    expect_bad("* 1 FETCH (X {}\r\n");
    expect_bad("* 1 FETCH (X {3} \r\n");
    expect_bad("* 1 FETCH (X {99999999999999999999}\r\n");
    expect_bad("* 99999999999 EXISTS\r\n");
    expect_bad("* OK fine\rx\n");
    expect_bad("s1 FETCH (\r\n");
    expect_bad("s1\r\n");
    expect_bad("* 4\r\n");
    expect_bad("* 1 FETCH (a\x01)\r\n");
    expect_bad(" x\r\n");
}

static void test_ceilings(void **state) {
    (void)state;
    struct buf text;
    buf_init(&text, 1 << 20);
    buf_adds(&text, "* 1 FETCH ");
    for (unsigned i = 0; i <= EMAIL_IMAP_DEPTH_MAX; i++)
        buf_adds(&text, "(");
    expect_bad(buf_str(&text) + 0);
    buf_free(&text);

    struct trial t = {0};
    struct err err = {0};
    buf_init(&t.out, 1 << 20);
    buf_init(&text, 1 << 20);
    buf_adds(&text, "* SEARCH ");
    for (unsigned i = 0; i <= EMAIL_IMAP_TOKEN_MAX; i++)
        buf_adds(&text, "7");
    assert_int_equal(feed(&t, text.p, text.n, 4096, &err), -1);
    buf_free(&text);

    buf_reset(&t.out);
    buf_init(&text, 1 << 20); /* a long text is cut */
    buf_adds(&text, "* OK ");
    for (unsigned i = 0; i < 2 * EMAIL_IMAP_TEXT_MAX; i++)
        buf_adds(&text, "x");
    buf_adds(&text, "\r\n");
    assert_int_equal(feed(&t, text.p, text.n, 4096, &err), 0);
    assert_int_equal(t.out.n, EMAIL_IMAP_TEXT_MAX + strlen("* OK [] |"));
    buf_free(&text);
    buf_free(&t.out);

    /* An answer without end, of short words. */
    struct email_imap_parse *p = email_imap_parse_create(on_event, &t);
    char *words = mem_alloc(1 << 20);
    memset(words, ' ', 1 << 20);
    buf_init(&t.out, 100);
    assert_int_equal(email_imap_parse_feed(p, span_str("* SEARCH "), &err), 0);
    int rc = 0;
    for (unsigned i = 0; i < 40 && rc == 0; i++)
        rc = email_imap_parse_feed(p, span_of(words, 1 << 20), &err);
    assert_int_equal(rc, -1);
    free(words);
    email_imap_parse_free(&p);
    buf_free(&t.out);
}

static void test_stops_when_told(void **state) {
    (void)state;
    struct trial t = {.stop_at = 2};
    struct err err = {0};
    buf_init(&t.out, 1000);
    assert_int_equal(feed(&t, "* 1 EXISTS\r\n* 2 EXISTS\r\n", 24, 24, &err), -1);
    assert_string_equal(buf_str(&t.out), "data 1 EXISTS|end|");
    assert_int_equal(err.code, ERR_NONE);
    buf_free(&t.out);
}

/* --- words ----------------------------------------------------------------------------------- */

static void expect_folder(const char *name, const char *word) {
    char *got = email_imap_folder_word(name);
    if (word)
        assert_string_equal(got, word);
    else
        assert_null(got);
    free(got);
}

static void test_folder_names(void **state) {
    (void)state;
    expect_folder("INBOX", "\"INBOX\"");
    expect_folder("a \"b\\", "\"a \\\"b\\\\\"");
    expect_folder("R&D", "\"R&-D\"");
    expect_folder("~peter/mail/台北/日本語", "\"~peter/mail/&U,BTFw-/&ZeVnLIqe-\""); /* RFC 3501 */
    expect_folder("[Gmail]/Отправленные", "\"[Gmail]/&BB4EQgQ,BEAEMAQyBDsENQQ9BD0ESwQ1-\"");
    expect_folder("😀", "\"&2D3eAA-\"");
    expect_folder("", NULL);
    expect_folder("a\r\nb", NULL);
    expect_folder("\xff", NULL);
    assert_null(email_imap_raw_folder_word(span_of("a\0b", 3)));
    assert_true(email_imap_is_keyword("$Handled") && !email_imap_is_keyword("a b"));
    assert_true(!email_imap_is_keyword("\\Seen") && !email_imap_is_keyword(""));
}

static void test_numbers_and_dates(void **state) {
    (void)state;
    static const uint32_t uids[] = {1, 3, 4, 5, 9, UINT32_MAX - 1, UINT32_MAX};
    char *set = email_imap_uid_set(uids, 7), date[16];
    uint32_t uid;
    int64_t ms;
    assert_string_equal(set, "1,3:5,9,4294967294:4294967295");
    free(set);
    assert_string_equal(email_imap_date(1795824000000, date), "28-Nov-2026");
    assert_string_equal(email_imap_date(-5, date), "1-Jan-1970");
    assert_true(email_imap_uid_read(span_str("4294967295"), &uid) && uid == UINT32_MAX);
    assert_false(email_imap_uid_read(span_str("4294967296"), &uid));
    assert_false(email_imap_uid_read(span_str("0"), &uid));
    assert_false(email_imap_uid_read(span_str("1x"), &uid));
    assert_int_equal(email_imap_date_time_read(span_str("28-Nov-2026 03:00:01 +0300"), &ms), 0);
    assert_int_equal(ms, 1795824001000);
    assert_int_equal(email_imap_date_time_read(span_str(" 1-Jan-1970 00:00:00 -0030"), &ms), 0);
    assert_int_equal(ms, 1800000);
    assert_int_equal(email_imap_date_time_read(span_str("1-Jan-1970 00:00:00 +0000"), &ms), 0);
    assert_int_equal(ms, 0);
    assert_int_equal(email_imap_date_time_read(span_str("32-Jan-1970 00:00:00 +0000"), &ms), -1);
    assert_int_equal(email_imap_date_time_read(span_str("yesterday"), &ms), -1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_status_lines),
        cmocka_unit_test(test_data),
        cmocka_unit_test(test_literals),
        cmocka_unit_test(test_unknown_answers_are_skipped),
        cmocka_unit_test(test_malformed),
        cmocka_unit_test(test_ceilings),
        cmocka_unit_test(test_stops_when_told),
        cmocka_unit_test(test_folder_names),
        cmocka_unit_test(test_numbers_and_dates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
