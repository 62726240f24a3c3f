/* email_compose_test.c - mails of ours, byte by byte where it matters. With EMAIL_MAILS set to a
 * folder every composed mail is left there too, for tests/scenario/test_email_compose.py. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "connectors/email/email_compose.h"

struct trial {
    unsigned mails;
    char *bytes; /* of the last one */
    size_t n;
    bool utf8;
    struct err err;
    int file;
};

static const char *const to_ann[] = {"ann@example.org", NULL};

static struct email_draft draft(void) {
    return (struct email_draft){.from_name = "Support",
        .from = "support@example.com",
        .reply_to = "",
        .to = to_ann,
        .subject = "Re: Order 7",
        .message_id = "sb.1@example.com",
        .in_reply_to = "",
        .text = "Hello",
        .html = "",
        .signature = "",
        .quote_intro = "",
        .quote_text = "",
        .date_ms = 1764374400000,
        .auto_submitted = "",
        .instance = "01JDFX3T5K",
        .size_max = 10u << 20};
}

static int set_up(void **state) {
    struct trial *t = mem_zalloc(sizeof *t);
    t->file = memfd_create("file", MFD_CLOEXEC);
    *state = t;
    return write(t->file, "one\n.\nFrom two\0\xff", 16) == 16 ? 0 : -1;
}

static int tear_down(void **state) {
    struct trial *t = *state;
    close(t->file);
    free(t->bytes);
    free(t);
    return 0;
}

static void keep(struct trial *t, const char *name) {
    const char *folder = getenv("EMAIL_MAILS");
    if (!folder)
        return;
    char *path = mem_printf("%s/%s-%u.eml", folder, name, ++t->mails);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(t->bytes, 1, t->n, f), t->n);
    fclose(f);
    free(path);
}

static int compose(struct trial *t, const struct email_draft *d) {
    free(t->bytes);
    memset(&t->err, 0, sizeof t->err);
    int rc = email_compose(d, &t->bytes, &t->n, &t->utf8, &t->err);
    assert_true((rc == 0) == (t->bytes != NULL));
    assert_true((rc == 0) == (t->err.code == ERR_NONE));
    if (rc == 0) { /* searched as a string below; it has no NUL */
        t->bytes = mem_realloc(t->bytes, t->n + 1);
        t->bytes[t->n] = '\0';
        assert_int_equal(strlen(t->bytes), t->n);
    }
    return rc;
}

static void good(struct trial *t, const struct email_draft *d, const char *name) {
    if (compose(t, d) < 0)
        fail_msg("%s: %s", name, t->err.text);
    size_t line = 0;
    for (size_t i = 0; i < t->n; i++) {
        assert_true(t->bytes[i] != '\n' || (i && t->bytes[i - 1] == '\r'));
        line = t->bytes[i] == '\n' ? 0 : line + 1;
        assert_true(line <= 999); /* 998 and the CR */
    }
    assert_int_equal(line, 0);
    keep(t, name);
}

static void refused(struct trial *t, const struct email_draft *d, enum err_code code) {
    assert_int_equal(compose(t, d), -1);
    assert_int_equal(t->err.code, code);
}

static bool has(const struct trial *t, const char *text) {
    return strstr(t->bytes, text) != NULL;
}

static void test_plain(void **state) {
    struct trial *t = *state;
    struct email_draft d = draft();
    good(t, &d, "plain");
    assert_string_equal(t->bytes, "Date: Sat, 29 Nov 2025 00:00:00 +0000\r\n"
                                  "From: Support <support@example.com>\r\n"
                                  "Subject: Re: Order 7\r\n"
                                  "To: ann@example.org\r\n"
                                  "Message-Id: <sb.1@example.com>\r\n"
                                  "X-Switchboard: 01JDFX3T5K\r\n"
                                  "MIME-Version: 1.0\r\n"
                                  "Content-Type: text/plain; charset=utf-8\r\n"
                                  "Content-Transfer-Encoding: quoted-printable\r\n"
                                  "\r\n"
                                  "Hello\r\n");
    assert_false(t->utf8);
}

static void test_signature_and_quote(void **state) {
    struct trial *t = *state;
    struct email_draft d = draft();
    d.text = "Hello\r\nyou\rthere";
    d.signature = "Ann\nSupport";
    d.quote_intro = "On Monday, Bob wrote:";
    d.quote_text = "Hi\n\n> older\nbye\n";
    good(t, &d, "quote");
    assert_true(has(t, "\r\n\r\nHello\r\nyou\r\nthere\r\n\r\n--=20\r\nAnn\r\nSupport\r\n\r\n"
                       "On Monday, Bob wrote:\r\n> Hi\r\n>\r\n>> older\r\n> bye\r\n"));
    d.html = "<p>Hello</p>";
    d.quote_text = "a <b> & c";
    good(t, &d, "quote_html");
    assert_true(has(t, "<div><br>-- <br>\r\nAnn<br>\r\nSupport<br>\r\n</div>"));
    assert_true(has(t, "<blockquote type=3D\"cite\">\r\na &lt;b&gt; &amp; c<br>\r\n</blockquote>"));
}

static void test_alternative(void **state) {
    struct trial *t = *state;
    struct email_draft d = draft();
    d.text = "";
    d.html = "<p>Hello <i>you</i></p>";
    good(t, &d, "alternative");
    const char *plain = strstr(t->bytes, "Content-Type: text/plain");
    const char *html = strstr(t->bytes, "Content-Type: text/html");
    assert_true(has(t, "Content-Type: multipart/alternative;"));
    assert_true(plain && html && plain < html);
    assert_true(has(t, "\r\n\r\nHello you\r\n"));
    d.html = "<p>a<br>b <a href=\"https://a.org/?b=1\">here</a></p><ul><li>x</li></ul>";
    good(t, &d, "alternative_more");
    assert_true(has(t, "a\r\nb here (https://a.org/?b=3D1)\r\n"));
    d.html = "<!DOCTYPE html><html><body>Hi</body></html>";
    d.signature = "Ann";
    good(t, &d, "page");
    assert_true(has(t, "Ann<br>\r\n</div>\r\n</body></html>"));
}

static void test_files(void **state) {
    struct trial *t = *state;
    struct email_draft d = draft();
    struct email_file files[] = {{"note.txt", "text/plain", NULL, t->file},
        {"счёт за июль с очень длинным именем, которое не помещается.pdf", "application/pdf", NULL,
            t->file},
        {"cat.png", "image/png", "cat.1@x", t->file}, {"old.eml", "message/rfc822", NULL, t->file},
        {"odd", "no type\"", NULL, t->file}};
    d.files = files;
    d.nfiles = ARRAY_LEN(files);
    d.html = "<img src=\"cid:cat.1@x\">";
    good(t, &d, "files");
    assert_true(has(t, "Content-Type: multipart/mixed;"));
    assert_true(has(t, "Content-Type: multipart/related;"));
    assert_true(has(t, "Content-Id: <cat.1@x>\r\n"));
    assert_true(has(t, "Content-Disposition: attachment;\r\n\tfilename=\"note.txt\"\r\n"));
    assert_true(has(t, "filename*0*=UTF-8''%D1%81"));
    assert_true(has(t, "\r\n\r\nb25lCi4KRnJvbSB0d28A/w==\r\n"));
    assert_false(has(t, "message/rfc822"));
    assert_true(has(t, "application/octet-stream;\r\n\tname=\"old.eml\""));
    d.html = ""; /* nothing shows it: it is an attachment */
    good(t, &d, "files_plain");
    assert_false(has(t, "multipart/related"));
    assert_true(has(t, "Content-Disposition: attachment;\r\n\tfilename=\"cat.png\"\r\n"));
}

/* A name that is too long is cut before its ending (and GMime 3.2.13 never ends with 4 kB ones). */
static void test_long_file_names(void **state) {
    struct trial *t = *state;
    struct email_draft d = draft();
    char name[4001];
    for (size_t i = 0; i < 2000; i++)
        memcpy(name + 2 * i, "я", 2);
    memcpy(name + 3995, ".docx", 6);
    struct email_file file = {name, "application/msword", NULL, t->file};
    name[3994] = 'x';
    d.files = &file;
    d.nfiles = 1;
    good(t, &d, "long_name");
    assert_true(has(t, ".docx"));
    memset(name, 'y', 4000);
    good(t, &d, "long_name_ascii");
    d.files = &(struct email_file){"", "", NULL, t->file};
    good(t, &d, "no_name");
}

static void test_headers_encoded(void **state) {
    struct trial *t = *state;
    struct email_draft d = draft();
    char longest[3001];
    d.from_name = "Поддержка \"Магазин\", отдел; <x@y>";
    d.subject = "Заказ №7 — принят, и тема эта длинная настолько, что складывается 😀";
    good(t, &d, "cyrillic");
    assert_true(has(t, "Subject: =?UTF-8?B?"));
    assert_true(has(t, "<support@example.com>\r\n"));
    d.from_name = "Doe, Jane (Sales) \"JD\"";
    d.subject = "=?utf-8?q?not_encoded?= =?x?=";
    good(t, &d, "specials");
    d.subject = "a=?utf-8?q?=0D=0ABcc:_eve=40x?= and words enough to be folded, and more of them";
    good(t, &d, "middle");
    assert_true(has(t, "Subject: =?utf-8?B?"));
    assert_false(has(t, "?q?"));
    memset(longest, 'x', 3000);
    longest[3000] = '\0';
    d.from_name = d.subject = longest;
    good(t, &d, "long_words");
    for (size_t i = 0; i + 2 < 3000; i += 2)
        memcpy(longest + i, "ж", 2);
    d.from_name = d.subject = longest;
    good(t, &d, "long_words_cyrillic");
    d.from_name = d.subject = "";
    good(t, &d, "no_subject");
    d.subject = d.from_name = "a\tb\xc2\x85"
                              "c\xe2\x80\xa8"
                              "d";
    good(t, &d, "separators");
    assert_true(has(t, "Subject: a b  c   d\r\n"));
}

static void test_bodies(void **state) {
    struct trial *t = *state;
    struct email_draft d = draft();
    char *longest = mem_alloc(200001);
    d.text = "Привет\n.\nFrom me\n";
    good(t, &d, "cyrillic_text");
    assert_true(has(t, "base64\r\n\r\n0J/RgNC40LLQtdGCDQouDQpGcm9tIG1lDQo=\r\n"));
    d.text = "caf\xc3\xa9 = cheap\n.\n..\ntrailing \nFrom me\n";
    good(t, &d, "mostly_ascii");
    assert_true(has(t, "caf=C3=A9 =3D cheap\r\n"));
    memset(longest, 'a', 200000);
    longest[200000] = '\0';
    d.text = d.html = longest;
    good(t, &d, "long_line");
    d.text = d.html = "";
    good(t, &d, "empty");
    free(longest);
}

static void test_references(void **state) {
    struct trial *t = *state;
    struct email_draft d = draft();
    char ids[60][16];
    const char *references[61] = {0};
    for (int i = 0; i < 60; i++) {
        snprintf(ids[i], sizeof ids[i], "r%d@x", i);
        references[i] = ids[i];
    }
    d.references = references;
    d.in_reply_to = "parent@x";
    good(t, &d, "references");
    assert_true(has(t, "In-Reply-To: <parent@x>\r\n"));
    assert_true(has(t, "References: <r0@x> "));
    assert_true(has(t, "<r19@x>") && !has(t, "<r20@x>"));
    assert_true(!has(t, "<r40@x>") && has(t, "<r41@x>")); /* 19 and the parent */
    assert_true(has(t, "<r59@x> <parent@x>\r\n"));
    d.in_reply_to = "r59@x";
    good(t, &d, "references_parent");
    assert_true(has(t, "<r59@x>\r\n") && has(t, "<r40@x>") && !has(t, "<r39@x>"));
    references[0] = "with space@x";
    references[1] = "with<angle@x";
    references[2] = "\xd0\xb6@x";
    references[3] = NULL;
    d.in_reply_to = "not one@x";
    good(t, &d, "references_foreign");
    assert_false(has(t, "References:") || has(t, "In-Reply-To:"));
}

static void test_people(void **state) {
    struct trial *t = *state;
    struct email_draft d = draft();
    const char *const cc[] = {"Bob@Example.NET", NULL}, *const bcc[] = {"secret@example.org", NULL};
    const char *const utf8[] = {"user@b\xc3\xbc"
                                "cher.example",
        NULL};
    const char *const local[] = {"\xd0\xb6@example.org", NULL};
    d.cc = cc;
    d.bcc = bcc;
    d.reply_to = "support+sb-1@example.com";
    d.auto_submitted = "auto-replied";
    good(t, &d, "people");
    assert_true(has(t, "Cc: Bob@example.net\r\n"));
    assert_true(has(t, "Reply-To: support+sb-1@example.com\r\n"));
    assert_true(has(t, "Auto-Submitted: auto-replied\r\n"));
    assert_true(has(t, "X-Auto-Response-Suppress: All\r\n"));
    assert_false(has(t, "secret"));
    d.to = utf8;
    good(t, &d, "idn");
    assert_true(has(t, "To: user@xn--bcher-kva.example\r\n"));
    assert_false(t->utf8);
    d.to = local;
    good(t, &d, "smtputf8");
    assert_true(t->utf8);
    d.to = NULL;
    d.cc = NULL;
    good(t, &d, "bcc_only");
    d.bcc = NULL;
    refused(t, &d, ERR_INVALID);
}

static void test_injection(void **state) {
    struct trial *t = *state;
    static const char *const bad[] = {"a\r\nBcc: x@y", "a\nb@c", "a\rb@c", "a\x01@b", "a@b\r\n"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct email_draft d = draft();
        struct email_file file = {"x", "text/plain", NULL, t->file};
        const char *list[] = {bad[i], NULL};
#define REFUSED(field)                                                                             \
    do {                                                                                           \
        d = draft();                                                                               \
        d.field = bad[i];                                                                          \
        refused(t, &d, ERR_INVALID);                                                               \
    } while (0)
        REFUSED(from_name);
        REFUSED(from);
        REFUSED(reply_to);
        REFUSED(subject);
        REFUSED(message_id);
        REFUSED(in_reply_to);
        REFUSED(auto_submitted);
        REFUSED(instance);
#define REFUSED_LIST(field)                                                                        \
    do {                                                                                           \
        d = draft();                                                                               \
        d.field = list;                                                                            \
        refused(t, &d, ERR_INVALID);                                                               \
    } while (0)
        REFUSED_LIST(to);
        REFUSED_LIST(cc);
        REFUSED_LIST(bcc);
        REFUSED_LIST(references);
#define REFUSED_FILE(field)                                                                        \
    do {                                                                                           \
        d = draft();                                                                               \
        d.files = &file;                                                                           \
        d.nfiles = 1;                                                                              \
        file = (struct email_file){"x", "text/plain", NULL, t->file};                              \
        file.field = bad[i];                                                                       \
        refused(t, &d, ERR_INVALID);                                                               \
    } while (0)
        REFUSED_FILE(name);
        REFUSED_FILE(mime);
        REFUSED_FILE(cid);
    }
}

static void test_refusals(void **state) {
    struct trial *t = *state;
    struct email_draft d = draft();
    struct email_file file = {"x", "text/plain", NULL, t->file};
    d.text = "a\x01";
    refused(t, &d, ERR_INVALID);
    d = draft();
    d.text = "a\xff";
    refused(t, &d, ERR_INVALID);
    d = draft();
    d.subject = "a\xff";
    refused(t, &d, ERR_INVALID);
    d = draft();
    d.date_ms = -1;
    refused(t, &d, ERR_INVALID);
    d.date_ms = INT64_MAX;
    refused(t, &d, ERR_INVALID);
    d = draft();
    d.size_max = 200;
    refused(t, &d, ERR_TOO_LARGE);
    d = draft();
    d.files = &file;
    d.nfiles = 1;
    assert_int_equal(ftruncate(t->file, 8u << 20), 0);
    refused(t, &d, ERR_TOO_LARGE);
    assert_non_null(strstr(t->err.text, "10240 kB"));
    assert_int_equal(ftruncate(t->file, 7u << 20), 0);
    assert_int_equal(compose(t, &d), 0);
    file.fd = -1;
    refused(t, &d, ERR_IO);
}

static void test_addresses(void **state) {
    static const struct {
        const char *in, *out; /* NULL: refused */
    } rows[] = {{"ann@example.org", "ann@example.org"},
        {"Ann.B+c@EXAMPLE.Org", "Ann.B+c@example.org"}, {"a@b", "a@b"},
        {"a@xn--bcher-kva.example", "a@xn--bcher-kva.example"},
        {"a@b\xc3\xbc"
         "cher.example",
            "a@xn--bcher-kva.example"},
        {"a@\xd0\xbf\xd0\xbe\xd1\x87\xd1\x82\xd0\xb0.\xd1\x80\xd1\x84", "a@xn--80a1acny.xn--p1ai"},
        {"\xd0\xb6@b.org", "\xd0\xb6@b.org"}, {"\"a..b\"@c.org", "\"a..b\"@c.org"},
        {"\"a@b\"@c.org", "\"a@b\"@c.org"}, {"o'hara@_x.org", "o'hara@_x.org"}, {"", NULL},
        {"@", NULL}, {"a", NULL}, {"a@", NULL}, {"@b", NULL}, {"a@@b", NULL}, {"a b@c", NULL},
        {"a@b c", NULL}, {" a@b", NULL}, {"a@b ", NULL}, {"<a@b>", NULL}, {"a@b>", NULL},
        {"a<@b", NULL}, {"a,b@c", NULL}, {"a@b,c@d", NULL}, {"a@b\r\n", NULL}, {"a\r\nb@c", NULL},
        {"a@b>\r\nRCPT TO:<evil@c", NULL}, {".a@b", NULL}, {"a.@b", NULL}, {"a..b@c", NULL},
        {"a@.b", NULL}, {"a@b.", NULL}, {"a@b..c", NULL}, {"a@-b", NULL}, {"a@b-", NULL},
        {"a@[127.0.0.1]", NULL}, {"a@b/c", NULL}, {"a\xff@b", NULL}, {"a\xc2\x85@b", NULL},
        {"a\xe2\x80\xa8@b", NULL},
        {"a@b\xef\xbc\x9e"
         "c",
            NULL},
        {"\"a b\"@c", NULL}, {"\"a\\\"@c", NULL}, {"\"a\"b\"@c", NULL}, {"\"a\\>\"@c", NULL},
        {"\"a\\\"b\"@c", "\"a\\\"b\"@c"}, {"\"@c", NULL}, {"(x)a@b", NULL}, {"a:b@c", NULL},
        {"a;@b", NULL}};
    struct err err;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char *out = email_address_check(rows[i].in, &err);
        if (rows[i].out)
            assert_string_equal(out ? out : rows[i].in, rows[i].out);
        else if (out)
            fail_msg("%s was taken", rows[i].in);
        assert_true(out || err.code == ERR_INVALID);
        free(out);
    }
    char *local = mem_printf("%065d@b", 0), *host = mem_printf("a@%064d.org", 0);
    assert_null(email_address_check(local, &err));
    char *longest = email_address_check(local + 1, &err);
    assert_non_null(longest);
    free(longest);
    assert_null(email_address_check(host, &err));
    free(local);
    free(host);
}

int main(void) {
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {TEST(test_plain), TEST(test_signature_and_quote),
        TEST(test_alternative), TEST(test_files), TEST(test_long_file_names),
        TEST(test_headers_encoded), TEST(test_bodies), TEST(test_references), TEST(test_people),
        TEST(test_injection), TEST(test_refusals), TEST(test_addresses)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
