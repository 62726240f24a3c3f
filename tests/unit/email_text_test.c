/* email_text_test.c - the pure parts of reading a mail, each by a table: charsets, encoded words,
 * base64, HTML to text, quotes and signatures, bounces in plain words, loop signs, results of
 * authentication. Whole mails are in email_read_test.c. */
#include "json_trial.h"

#include "base/buf.h"
#include "connectors/email/email_authres.h"
#include "connectors/email/email_auto.h"
#include "connectors/email/email_charset.h"
#include "connectors/email/email_decode.h"
#include "connectors/email/email_html_text.h"
#include "connectors/email/email_report.h"
#include "connectors/email/email_trim.h"
#include "connectors/email/email_words.h"

/* --- charsets -------------------------------------------------------------------------------- */

static void charsets_are_found(void **state) {
    static const struct {
        const char *octets, *label, *text;
        bool guessed;
    } list[] = {
        {"plain", NULL, "plain", false},
        {"plain", "no-such", "plain", false},
        {"\xcf\xf0\xe8\xe2\xe5\xf2, \xec\xe8\xf0", "windows-1251", "Привет, мир", false},
        {"\xcf\xf0\xe8\xe2\xe5\xf2, \xec\xe8\xf0", "win-1251", "Привет, мир", false},
        {"\xcf\xf0\xe8\xe2\xe5\xf2, \xec\xe8\xf0", "utf-8", "Привет, мир", true},
        {"\xcf\xf0\xe8\xe2\xe5\xf2, \xec\xe8\xf0", "us-ascii", "Привет, мир", true},
        {"\xcf\xf0\xe8\xe2\xe5\xf2, \xec\xe8\xf0", "iso-8859-1", "Привет, мир", true},
        {"\xcf\xf0\xe8\xe2\xe5\xf2, \xec\xe8\xf0", "", "Привет, мир", true},
        {"\xcf\xf0\xe8\xe2\xe5\xf2, \xec\xe8\xf0", "koi8-r", "Привет, мир", true},
        {"\xcf\xf0\xe8\xe2\xe5\xf2, \xec\xe8\xf0", "/etc/passwd", "Привет, мир", true},
        {"\xcf\xf0\xe8\xe2\xe5\xf2, \xec\xe8\xf0", "windows-1251//TRANSLIT", "Привет, мир", true},
        {"\xf0\xd2\xc9\xd7\xc5\xd4, \xcd\xc9\xd2", "koi8-r", "Привет, мир", false},
        {"\xf0\xd2\xc9\xd7\xc5\xd4, \xcd\xc9\xd2", NULL, "Привет, мир", true},
        {"\xf0\xd2\xc9\xd7\xc5\xd4, \xcd\xc9\xd2", "windows-1251", "Привет, мир", true},
        {"\x8f\xe0\xa8\xa2\xa5\xe2, \xac\xa8\xe0", NULL, "Привет, мир", true},
        {"Gr\xfc\xdf"
         "e aus K\xf6ln",
            "iso-8859-1", "Grüße aus Köln", false},
        {"\x93quoted\x94 \x96 1\x80", "iso-8859-1", "“quoted” – 1€", false},
        {"Привет", "windows-1251", "Привет", false}, /* valid UTF-8 is UTF-8 */
        {"\xef\xbb\xbfПривет", "utf-8", "Привет", false},
        {"хорошо и пло\xff"
         "хо, и ещё",
            "utf-8", "хорошо и пло\xef\xbf\xbdхо, и ещё", false},
        {"\x1b$B$3$s$K$A$O\x1b(B", "iso-2022-jp", "こんにちは", false},
        {"\x82\xb1\x82\xf1\x82\xc9\x82\xbf\x82\xcd", "shift_jis", "こんにちは", false},
        {"+BB8EQAQ4-", "utf-7", "При", false},
        {"хорошо и плохо \xf6\xac\x8a\xa1 и ещё хорошо", "utf-8",
            "хорошо и плохо ???? и ещё хорошо", true}, /* beyond Unicode */
        {"a\r\nb\rc\x01\x7f"
         "d",
            NULL, "a\nb\ncd", false},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(list); i++) {
        bool guessed = false;
        size_t n;
        char *text = email_charset_text(span_str(list[i].octets), list[i].label, &n, &guessed);
        if (strcmp(text, list[i].text) != 0 || guessed != list[i].guessed || n != strlen(text))
            fail_msg(
                "%zu (%s): %s, guessed %d", i, list[i].label ? list[i].label : "-", text, guessed);
        free(text);
    }
}

static void lines_are_cleaned(void **state) {
    static const struct {
        const char *line, *clean;
        size_t max;
        bool marks;
    } list[] = {
        {"  a \t\r\n b  ", "a b", 100, false},
        {"invoice\xe2\x80\xae"
         "fdp.exe",
            "invoicefdp.exe", 100, true},
        {"zero\xe2\x80\x8bwidth\xef\xbb\xbf", "zerowidth", 100, true},
        {"\x01\x7fx\xc2\x85", "x", 100, false},
        {"привет", "при", 7, false},
        {"ab cd", "ab", 3, false},
        {"\xff\xfe", "??", 100, false},
        {"", "", 10, false},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(list); i++) {
        char *s = mem_strdup(list[i].line);
        assert_int_equal(email_line_clean(s, list[i].max), list[i].marks);
        assert_string_equal(s, list[i].clean);
        free(s);
    }
}

static void encoded_words_are_joined(void **state) {
    static const struct {
        const char *words, *joined;
    } list[] = {
        {"plain =? text ?= <a@b>", "plain =? text ?= <a@b>"},
        {"=?utf-8?B?0J8=?=", "=?utf-8?B?0J8=?="},
        {"=?utf-8?B?0A==?= =?UTF-8?b?nw==?=", "=?utf-8?B?0J8=?="}, /* cut in a character */
        {"=?utf-8?Q?=D0?=\t=?utf-8?Q?=9F?=", "=?utf-8?B?0J8=?="},
        {"=?windows-1251*ru?Q?=CF?= <a@b>", "=?utf-8?B?0J8=?= <a@b>"},
        {"=?us-ascii?Q?a_b=3Dc?= d", "=?utf-8?B?YSBiPWM=?= d"},
        {"=?utf-8?B?0J8=?= x =?koi8-r?Q?=F0?=", "=?utf-8?B?0J8=?= x =?utf-8?B?0J8=?="},
        {"=?utf-8?X?0J8=?=", "=?utf-8?X?0J8=?="},
        {"=?utf-8?B?", "=?utf-8?B?"},
        {"=?utf-8?B?<evil@x>?=", "=?utf-8?B?<evil@x>?="},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(list); i++) {
        char *s = email_words_join(list[i].words, NULL);
        assert_string_equal(s, list[i].joined);
        free(s);
    }
}

static void base64_is_tolerant(void **state) {
    static const struct {
        const char *in, *out;
        bool repaired;
    } list[] = {
        {"QUJD", "ABC", false},
        {"QUI=", "AB", false},
        {"QQ==", "A", false},
        {"QUJD\r\nREVG", "ABCDEF", false},
        {"QQ==QUJD", "AABC", true},
        {"QUI=\nQUI=\n", "ABAB", true},
        {"QUJDR", "ABC", true},
        {"QUJDRA", "ABCD", true},
        {"QU!JD", "ABC", true},
        {"====", "", false},
        {"", "", false},
        {"Q=", "", true},
        {"QUJDREVGR0hJ SktM", "ABCDEFGHIJKL", false},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(list); i++) {
        struct email_base64 b = {0};
        char out[64];
        size_t n = email_base64_step(&b, span_str(list[i].in), out);
        n += email_base64_end(&b, out + n);
        out[n] = '\0';
        if (strcmp(out, list[i].out) != 0 || b.repaired != list[i].repaired)
            fail_msg("%s is %s, repaired %d", list[i].in, out, b.repaired);
    }
}

/* --- html ------------------------------------------------------------------------------------ */

static void html_becomes_text(void **state) {
    static const struct {
        const char *html, *text;
    } list[] = {
        {"a  b\n c", "a b c"},
        {"<p>a</p><p>b</p>", "a\n\nb"},
        {"a<br>b<BR/><br>c", "a\nb\n\nc"},
        {"<div>a<div>b</div></div>c", "a\nb\nc"},
        {"<script>x<b></script>a<style>p{}</style><!-- <b> -->b", "ab"},
        {"<script>never ends", ""},
        {"a<!-- never ends", "a"},
        {"<title>t</title><b>a</b>", "a"},
        {"a &lt;b&gt; &amp;amp; &#1055;&#x41; &nbsp;&unknown; &#0;",
            "a <b> &amp; ПA &unknown; \xef\xbf\xbd"},
        {"1 < 2 > 1", "1 < 2 > 1"},
        {"<a href=\"https://x.org/\">https://x.org</a>", "https://x.org"},
        {"<a href='https://x.org/a'>here</a>.", "here (https://x.org/a)."},
        {"<a href=mailto:a@x.org>a@x.org</a>", "a@x.org"},
        {"<a href=\"mailto:a@x.org?subject=x\">write</a>", "write (a@x.org)"},
        {"<a href=\"javascript:alert(1)\">click</a>", "click"},
        {"<a href=\"x\" title=\"a>b\">t</a>", "t"},
        {"<span style=\"DISPLAY : none\">hidden <span>x</span> too</span>seen", "seen"},
        {"<div style=\"font-size:0\">x</div><div style=\"font-size:0.9em\">y</div>", "y"},
        {"<p hidden>x<div>y</div>", "y"},
        {"<img src=x alt=\"Logo\"><img src=y>", "[Logo]"},
        {"<ul><li>a<li>b</ul>c", "- a\n- b\n\nc"},
        {"<table><tr><td>a<td>b<tr><td>c</table>", "a b\nc"},
        {"<pre>a\n  b</pre>", "a\n  b"},
        {"<blockquote>a<br>b<blockquote>c</blockquote></blockquote>d", "> a\n> b\n> > c\nd"},
        {"<blockquote style=\"border: none\">a</blockquote>", "a"},
        {"<svg><text>x</text></svg>a", "a"},
        {"a&shy;b&zwnj;c\xc2\xa0 d", "abc d"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(list); i++) {
        struct buf out;
        buf_init(&out, 1000);
        email_html_text(span_str(list[i].html), &out);
        if (strcmp(buf_str(&out), list[i].text) != 0)
            fail_msg("%s is [%s]", list[i].html, buf_str(&out));
        buf_free(&out);
    }
}

static void html_says_where_the_quote_begins(void **state) {
    static const struct {
        const char *html, *quote; /* NULL: none */
    } list[] = {
        {"<p>mine</p>", NULL},
        {"<p>mine</p><div class=\"gmail_quote\">theirs</div>", "theirs"},
        {"<p>mine</p><blockquote type=cite>theirs</blockquote><br>", "> theirs"},
        {"<p>mine</p><blockquote type=cite>theirs</blockquote>below", NULL},
        {"<p>mine</p><div id=appendonsend></div><div>theirs</div>more", "theirs\nmore"},
        {"mine<div><div id=\"divRplyFwdMsg\">From: x</div></div>theirs", "From: x\ntheirs"},
        {"<blockquote type=cite>theirs</blockquote>mine", NULL},
        {"mine<div style='border:none;border-top:solid #E1E1E1 1.0pt'>From</div>x", "From\nx"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(list); i++) {
        struct buf out;
        buf_init(&out, 1000);
        size_t at = email_html_text(span_str(list[i].html), &out);
        if (list[i].quote ? strcmp(buf_str(&out) + at, list[i].quote) != 0 || at == 0 : at != 0)
            fail_msg("%s: %zu in [%s]", list[i].html, at, buf_str(&out));
        buf_free(&out);
    }
}

static void content_ids_are_looked_for(void **state) {
    struct span html = span_str("<img src=\"cid:a@b\"><p style='background:url(CID:c%2Bd)'>cid:e");
    (void)state;
    assert_true(email_html_uses(html, "a@b"));
    assert_true(email_html_uses(html, "c+d"));
    assert_true(email_html_uses(html, "e"));
    assert_false(email_html_uses(html, "a@"));
    assert_false(email_html_uses(html, "b"));
    assert_false(email_html_uses(span_str(""), "b"));
    assert_false(email_html_uses(span_str(":::cid:"), "b"));
}

/* --- quotes ---------------------------------------------------------------------------------- */

/* "|" stands before the signature, "^" before the quote. */
static void quotes_and_signatures_are_found(void **state) {
    static const char *const list[] = {
        "only words\n",
        "yes\n^On 1 May 2026, at 10:00, Ann <a@b.c> wrote:\n> q\n",
        "yes\n^On 1 May 2026, at 10:00, Ann Very Long Name\n<a@b.c> wrote:\n\n> q\n",
        "yes\n\n^13.03.2026 14:05, Магазин пишет:\n> q\n",
        "yes\n^Пятница, 13 марта 2026, 10:05 +03:00 от Магазин <a@b.c>:\nq without marks\n",
        "yes\n^2026-03-13 10:00 GMT+03:00 Ann <a@b.c>:\n> q\n>\n",
        "yes\n\n^> q\n> q\n",
        "> q\nyes\n",
        "> q\nyes\n> q\nno\n",
        "yes\n\n|-- \nAnn\n^> q\n",
        "On 1 May 2026 Ann <a@b.c> wrote:\n> q\n\nbelow\n",
        "yes\n^On 1 May 2026 Ann <a@b.c> wrote:\n> q\n\n-- \nAnn\n",
        "yes\n\n^-----Original Message-----\nFrom: x\n",
        "yes\n\n^-----Исходное сообщение-----\nq\n",
        "yes\n^________________________________\nFrom: a\nSent: b\nTo: c\nSubject: d\nq\n",
        "yes\n^From: a\nSent: b\nTo: c\n\nq\n",
        "yes\n^*От:* a\n*Отправлено:* b\n*Кому:* c\nq\n",
        "From: here to there\nis a long way\n",
        "Write to a@b.c, room 12, today:\nthe address is right\n",
        "Look:\n---------- Forwarded message ----------\nFrom: a\nDate: b\nSubject: c\nTo: d\n",
        "yes\n\n|С уважением,\nИван\n",
        "yes\n\n|Best regards\nAnn\n\n^> q\n",
        "yes\n|Sent from my iPhone\n",
        "yes\n|Отправлено из мобильной Почты Mail.ru\n",
        "-- \nAnn\n",
        "С уважением,\nИван\n",
        "a\n--\nb\n"
        "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n13\n14\n15\n16\n17\n18\n19\n20\n21\n22\n"
        "23\n24\n25\n26\n27\n28\n29\n30\n31\n32\n33\n34\n35\n36\n37\n38\n39\n40\n41\n",
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(list); i++) {
        char text[1000];
        size_t n = 0, quote = 0, signature = 0;
        for (const char *p = list[i]; *p; p++) {
            if (*p == '^')
                quote = n;
            else if (*p == '|')
                signature = n;
            else
                text[n++] = *p;
        }
        struct email_trim t = email_trim(span_of(text, n), 0, false);
        if (t.quoted_at != quote || t.signature_at != signature)
            fail_msg(
                "quote at %zu, signature at %zu in [%s]", t.quoted_at, t.signature_at, list[i]);
        assert_int_equal(email_trim(span_of(text, n), 0, true).quoted_at, 0);
    }
    assert_true(email_subject_is_forward(" FWD: x") && email_subject_is_forward("Fw: x"));
    assert_true(email_subject_is_forward("Пересл: x"));
    assert_false(email_subject_is_forward("Re: Fwd: x"));
}

/* --- reports, signs, results ----------------------------------------------------------------- */

static void bounces_in_words_are_understood(void **state) {
    static const struct {
        const char *text, *failed, *recipients;
    } list[] = {
        {"Sorry.\n\n<a@x.org>:\nRemote host said: 550 5.1.1 no\nx\n\n<b@x.org>:\nfull 452 4.2.2\n",
            "",
            "[{'address':'a@x.org','action':'failed','diagnostic':'Remote host said: 550 5.1.1 "
            "no x','status':'5.1.1'},{'address':'b@x.org','action':'failed','diagnostic':'full "
            "452 4.2.2','status':'4.2.2'}]"},
        {"nothing\n", "a@x.org, b@x.org",
            "[{'address':'a@x.org','action':'failed','diagnostic':"
            "'nothing'},{'address':'b@x.org','action':'failed',"
            "'diagnostic':'nothing'}]"},
        {"host 10.5.1.1 said no to a@x.org\n", "", "[]"},
        {"--- copy follows\na@x.org\n", "", "[]"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(list); i++) {
        json_t *o = json_pack("{s:[]}", "r");
        email_report_guess(span_str(list[i].text), list[i].failed, false, json_object_get(o, "r"));
        expect_at(o, "r", list[i].recipients);
        json_decref(o);
    }
}

static void delivery_reports_are_read(void **state) {
    json_t *o = json_pack("{s:[],s:[]}", "r", "ids");
    (void)state;
    email_report_delivery(
        span_str(
            "Reporting-MTA: dns; x\r\n\r\nOriginal-Recipient: rfc822;a@old.org\r\n"
            "Final-Recipient: rfc822; <a@new.org>\r\nAction: FAILED\r\nStatus: 5.2.2 (full)\r\n"
            "Diagnostic-Code: smtp; 552\r\n 5.2.2 full\r\n\r\nFinal-Recipient: rfc822;b@x\r\n"),
        json_object_get(o, "r"));
    expect_at(o, "r",
        "[{'address':'a@old.org','action':'failed','status':'5.2.2','diagnostic':"
        "'552 5.2.2 full'}]");
    email_report_ids(
        span_str("Subject: x\nMessage-Id:\n <a@b>\nmessage-id: <a@b>\nMESSAGE-ID: c d\n"),
        json_object_get(o, "ids"));
    expect_at(o, "ids", "['a@b']");
    json_decref(o);
}

static void signs_of_programs_are_seen(void **state) {
    static const struct {
        const char *name, *value, *sender, *subject, *sign; /* NULL: a person */
    } list[] = {
        {"X-Mailer", "x", "a@x", "hello", NULL},
        {"Auto-Submitted", "no", "a@x", "", NULL},
        {"Auto-Submitted", "No (by hand)", "a@x", "", NULL},
        {"Auto-Submitted", "auto-replied; x", "a@x", "", "reply"},
        {"Auto-Submitted", "auto-generated", "a@x", "", "bulk"},
        {"Auto-Submitted", "auto-generated", "a@x", "Out of office: x", "reply"},
        {"Precedence", "Bulk", "a@x", "", "bulk"},
        {"Precedence", "auto_reply", "a@x", "", "reply"},
        {"Precedence", "list", "a@x", "", "list"},
        {"List-Id", "<x>", "a@x", "", "list"},
        {"X-Auto-Response-Suppress", "All", "a@x", "Автоответ", "reply"},
        {"X-Auto-Response-Suppress", "DR, RN", "a@x", "", "bulk"},
        {"Return-Path", "<>", "MAILER-DAEMON@x", "", "bounce"},
        {"Return-Path", "<>", "a@x", "", "reply"},
        {"Return-Path", "<a@x>", "a@x", "Out of office", NULL},
        {"X-Failed-Recipients", "b@x", "a@x", "", NULL}, /* anybody can write it */
        {"X-Failed-Recipients", "b@x", "postmaster@x", "", "bounce"},
        {"X-Autoreply", "yes", "a@x", "", "reply"},
        {"Feedback-ID", "x", "a@x", "", NULL},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(list); i++) {
        struct email_signs s = {0};
        email_signs_header(&s, list[i].name, span_str(list[i].value));
        email_signs_sender(&s, list[i].sender);
        email_signs_subject(&s, list[i].subject);
        const char *sign = email_auto(&s, NULL);
        if (sign ? !list[i].sign || strcmp(sign, list[i].sign) != 0 : list[i].sign != NULL)
            fail_msg("%s: %s is %s", list[i].name, list[i].value, sign ? sign : "a person");
        assert_string_equal(email_auto(&s, "read"), "reply");
        const char *of_report = email_auto(&s, "delivery");
        bool believed = strncasecmp(list[i].value, "<>", 2) == 0 || !strchr("a", list[i].sender[0]);
        if (believed != (of_report && strcmp(of_report, "bounce") == 0))
            fail_msg("%s: %s: a report is %s", list[i].name, list[i].value, of_report);
    }
}

static void only_the_topmost_return_path_counts(void **state) {
    struct email_signs s = {0};
    (void)state;
    email_signs_header(&s, "Return-Path", span_str("<eve@x>"));
    email_signs_header(&s, "Return-Path", span_str("<>"));
    email_signs_header(&s, "X-Failed-Recipients", span_str("b@x"));
    email_signs_sender(&s, "eve@x");
    assert_null(email_auto(&s, NULL));
    assert_null(email_auto(&s, "delivery"));
}

static void results_of_authentication_are_read(void **state) {
    static const struct {
        const char *value, *json;
    } list[] = {
        {"mx.org; spf=Pass smtp.mailfrom=a@b; dkim=none",
            "{'server':'mx.org','spf':'pass','dkim':'none'}"},
        {"mx.org 1; none", "{'server':'mx.org'}"},
        {"(c) mx.org (x;dmarc=pass); dmarc (y) = fail (p=reject)",
            "{'server':'mx.org','dmarc':'fail'}"},
        {"mx.org; dkim=fail reason=\"a; dmarc=pass\"; dkim=pass",
            "{'server':'mx.org','dkim':'pass'}"},
        {"mx.org; dmarc=fail; dmarc=pass; spf=fail; spf=pass",
            "{'server':'mx.org','dmarc':'fail','spf':'fail'}"},
        {"mx.org; spf", "{'server':'mx.org'}"},
        {"spf=pass", "-"},
        {"", "-"},
        {"mx.org; ((((", "{'server':'mx.org'}"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(list); i++) {
        json_t *o = json_object(), *result = email_authres(span_str(list[i].value));
        if (result)
            json_object_set_new(o, "r", result);
        expect_at(o, "r", list[i].json);
        json_decref(o);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(charsets_are_found),
        cmocka_unit_test(lines_are_cleaned),
        cmocka_unit_test(encoded_words_are_joined),
        cmocka_unit_test(base64_is_tolerant),
        cmocka_unit_test(html_becomes_text),
        cmocka_unit_test(html_says_where_the_quote_begins),
        cmocka_unit_test(content_ids_are_looked_for),
        cmocka_unit_test(quotes_and_signatures_are_found),
        cmocka_unit_test(bounces_in_words_are_understood),
        cmocka_unit_test(delivery_reports_are_read),
        cmocka_unit_test(signs_of_programs_are_seen),
        cmocka_unit_test(only_the_topmost_return_path_counts),
        cmocka_unit_test(results_of_authentication_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
