/* email_read_test.c - the corpus in tests/mails (each .eml and what is read of it), and mails too
 * large or too odd to be kept there, which are made here: deep, wide, long, and cut at every byte.
 */
#include "json_trial.h"

#include <dirent.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/utf8.h"
#include "connectors/email/email_frame.h"
#include "connectors/email/email_read.h"

#define SHOWN_MAX 400 /* bytes of a part that are compared */

struct got {
    json_t *mail;
    struct buf parts[EMAIL_PARTS_MAX];
    uint64_t bytes;
    int fail_at; /* on_part says -1 at this call; 0 never */
};

static int on_mail(void *arg, const json_t *mail) {
    struct got *g = arg;
    assert_null(g->mail);
    g->mail = json_deep_copy(mail);
    return 0;
}

static int on_part(void *arg, size_t index, struct span piece) {
    struct got *g = arg;
    assert_non_null(g->mail);
    assert_true(index < json_array_size(json_object_get(g->mail, "parts")));
    assert_true(piece.n > 0 && piece.n <= EMAIL_FRAME_PIECE_MAX);
    g->bytes += piece.n;
    if (g->parts[index].n + piece.n <= 1 << 20)
        buf_add(&g->parts[index], piece.p, piece.n);
    return g->fail_at && --g->fail_at == 0 ? -1 : 0;
}

/* What the parent of a reading child would say of it. */
static void check_as_parent(const json_t *mail, uint64_t size) {
    struct err err = {0};
    char *text = json_dumps(mail, JSON_COMPACT);
    assert_non_null(text);
    json_t *again = email_mail_check(span_str(text), NULL, 2 * size + (8 << 20), &err);
    if (!again)
        fail_msg("%s: %s", err.text, text);
    assert_true(json_equal(mail, again));
    json_decref(again);
    free(text);
}

static json_t *read_fd(int fd) {
    struct got g = {.mail = NULL};
    const struct email_sink sink = {on_mail, on_part, &g};
    struct err err = {0};
    uint64_t sum = 0;
    for (size_t i = 0; i < EMAIL_PARTS_MAX; i++)
        buf_init(&g.parts[i], 1 << 20);
    if (email_read(fd, &sink, &err) < 0)
        fail_msg("%s", err.text);
    off_t size = lseek(fd, 0, SEEK_END);
    check_as_parent(g.mail, (uint64_t)size);
    json_t *parts = json_object_get(g.mail, "parts");
    for (size_t i = 0; i < json_array_size(parts); i++) {
        json_t *part = json_array_get(parts, i);
        struct buf *b = &g.parts[i];
        json_int_t n = json_integer_value(json_object_get(part, "size"));
        sum += (uint64_t)n;
        assert_true(n > 1 << 20 || (size_t)n == b->n);
        if (b->n && b->n <= SHOWN_MAX && utf8_is_text(b->p, b->n))
            json_object_set_new(part, "is", json_stringn(b->p, b->n));
    }
    assert_int_equal(sum, g.bytes);
    for (size_t i = 0; i < EMAIL_PARTS_MAX; i++)
        buf_free(&g.parts[i]);
    return g.mail;
}

static int memory_file(const void *p, size_t n) {
    int fd = memfd_create("mail", MFD_CLOEXEC);
    assert_true(fd >= 0);
    for (size_t at = 0; at < n;) {
        ssize_t wrote = write(fd, (const char *)p + at, n - at);
        assert_true(wrote > 0);
        at += (size_t)wrote;
    }
    return fd;
}

static json_t *read_bytes(const void *p, size_t n) {
    int fd = memory_file(p, n);
    json_t *mail = read_fd(fd);
    close(fd);
    return mail;
}

static bool notes(const json_t *mail, const char *word) {
    const json_t *list = json_object_get(mail, "notes");
    for (size_t i = 0; i < json_array_size(list); i++)
        if (strcmp(json_string_value(json_array_get(list, i)), word) == 0)
            return true;
    return false;
}

static const char *text_of(const json_t *mail) {
    return json_string_value(json_object_get(mail, "text"));
}

/* --- the corpus ------------------------------------------------------------------------------ */

static char *load(const char *path, size_t *n) {
    FILE *f = fopen(path, "rb");
    if (!f)
        fail_msg("%s cannot be opened", path);
    char *p = mem_alloc(1 << 20);
    *n = fread(p, 1, 1 << 20, f);
    fclose(f);
    return p;
}

static void corpus_is_read_as_expected(void **state) {
    (void)state;
    unsigned count = 0;
    DIR *dir = opendir("tests/mails");
    assert_non_null(dir);
    for (const struct dirent *e = readdir(dir); e; e = readdir(dir)) {
        size_t n, len = strlen(e->d_name);
        if (len < 4 || strcmp(e->d_name + len - 4, ".eml") != 0)
            continue;
        char *path = mem_printf("tests/mails/%s", e->d_name);
        char *answer = mem_printf("tests/mails/%.*s.json", (int)(len - 4), e->d_name);
        char *bytes = load(path, &n);
        json_t *is = read_bytes(bytes, n), *should = json_load_file(answer, 0, NULL);
        if (!json_equal(is, should))
            fail_msg("%s is read as\n%s", path, json_dumps(is, JSON_INDENT(1) | JSON_SORT_KEYS));
        json_decref(is);
        json_decref(should);
        free(bytes);
        free(answer);
        free(path);
        count++;
    }
    closedir(dir);
    assert_true(count >= 84);
}

/* Every mail of the corpus that ends too early is still a mail. */
static void mails_cut_anywhere_are_read(void **state) {
    static const char *const names[] = {"dsn_gmail", "inline_cid", "names_2231", "iso2022jp",
        "base64_joined", "quote_html_gmail", "headers_no_colon", "uuencode", "flowed"};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        size_t n;
        char *path = mem_printf("tests/mails/%s.eml", names[i]), *bytes = load(path, &n);
        for (size_t cut = 0; cut < n; cut += 7)
            json_decref(read_bytes(bytes, cut));
        free(bytes);
        free(path);
    }
}

/* --- made here ------------------------------------------------------------------------------- */

#define HEAD                                                                                       \
    "From: ann@example.org\nTo: b@example.org\nSubject: Big\nDate: Fri, 13 Mar 2026 10:00:00 "     \
    "+0000\nMessage-ID: <big@example.org>\nMIME-Version: 1.0\n"

static void deep_mails_end_at_a_depth(void **state) {
    static const unsigned depths[] = {30, 1000, 5000};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(depths); i++) {
        struct buf b;
        buf_init(&b, 4 << 20);
        buf_adds(&b, HEAD);
        for (unsigned d = 0; d < depths[i]; d++)
            buf_addf(&b, "Content-Type: multipart/mixed; boundary=b%u\n\n--b%u\n", d, d);
        buf_adds(&b, "Content-Type: text/plain\n\nAt the bottom.\n");
        for (unsigned d = depths[i]; d-- > 0;)
            buf_addf(&b, "--b%u--\n", d);
        json_t *mail = read_bytes(b.p, b.n);
        expect_at(mail, "subject", "'Big'");
        assert_int_equal(notes(mail, "depth_cut"), depths[i] > 100);
        assert_int_equal(notes(mail, "raw_text"), depths[i] > 100);
        assert_non_null(strstr(text_of(mail), depths[i] > 100 ? "--b0\n" : "At the bottom."));
        json_decref(mail);
        buf_free(&b);
    }
}

static void nested_mails_stay_one_file(void **state) {
    (void)state;
    struct buf b;
    buf_init(&b, 16 << 20);
    buf_adds(&b, HEAD "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: "
                      "text/plain\n\nSee below.\n--b\n");
    for (unsigned i = 0; i < 100000; i++)
        buf_adds(&b, "Content-Type: message/rfc822\n\n");
    buf_adds(&b, "Subject: x\n\nx\n--b--\n");
    json_t *mail = read_bytes(b.p, b.n);
    expect_at(mail, "text", "'See below.'");
    expect_at(mail, "parts.0.mime", "'message/rfc822'");
    expect_at(mail, "parts.0.name", "'message.eml'");
    expect_at(mail, "parts.1", "-");
    json_decref(mail);
    buf_free(&b);
}

/* Of this process alone: the machine may be busy. */
static int64_t cpu_ms(void) {
    return (int64_t)clock() * 1000 / CLOCKS_PER_SEC;
}

static void wide_mails_end_at_a_number(void **state) {
    (void)state;
    struct buf b;
    buf_init(&b, 32 << 20);
    buf_adds(&b, HEAD "Content-Type: multipart/mixed; boundary=b\n\n--b\n\nThe text.\n");
    for (unsigned i = 0; i < 100000; i++)
        buf_addf(&b, "--b\nContent-Type: image/gif; name=%u.gif\n\nGIF\n", i);
    buf_adds(&b, "--b--\n");
    int64_t before = cpu_ms();
    json_t *mail = read_bytes(b.p, b.n);
    assert_true(cpu_ms() - before < 2000);
    assert_true(notes(mail, "parts_cut"));
    expect_at(mail, "text", "'The text.'");
    assert_int_equal(json_array_size(json_object_get(mail, "parts")), EMAIL_PARTS_MAX - 1);
    expect_at(mail, "parts.198.name", "'198.gif'");
    json_decref(mail);
    buf_free(&b);
}

static void long_headers_are_cut(void **state) {
    (void)state;
    struct buf b;
    buf_init(&b, 32 << 20);
    for (unsigned i = 0; i < 200000; i++) /* many */
        buf_addf(&b, "X-Filler-%u: some words that say nothing\n", i);
    buf_adds(&b, HEAD "\nThe text.\n");
    json_t *mail = read_bytes(b.p, b.n);
    assert_true(notes(mail, "headers_cut"));
    expect_at(mail, "subject", "'Big'");
    expect_at(mail, "from.0.address", "'ann@example.org'");
    expect_at(mail, "text", "'The text.'");
    json_decref(mail);
    buf_reset(&b);
    buf_adds(&b, HEAD "X-Long: "); /* one of 10 MB, in one line */
    for (unsigned i = 0; i < 1000000; i++)
        buf_adds(&b, "0123456789");
    buf_adds(&b, "\nReferences: <a@b>\n\nThe text.\n");
    mail = read_bytes(b.p, b.n);
    assert_true(notes(mail, "headers_cut"));
    expect_at(mail, "references", "['a@b']");
    expect_at(mail, "text", "'The text.'");
    json_decref(mail);
    buf_reset(&b);
    buf_adds(&b, HEAD "X-Folded: a\n"); /* and one of as many lines */
    for (unsigned i = 0; i < 200000; i++)
        buf_adds(&b, " and more of it, folded\n");
    buf_adds(&b, "\nThe text.\n");
    mail = read_bytes(b.p, b.n);
    assert_true(notes(mail, "headers_cut"));
    expect_at(mail, "text", "'The text.'");
    json_decref(mail);
    buf_free(&b);
}

static void many_addresses_and_ids_are_bounded(void **state) {
    (void)state;
    struct buf b;
    buf_init(&b, 4 << 20);
    buf_adds(&b, HEAD "Cc: x@x.org");
    for (unsigned i = 0; i < 3000; i++)
        buf_addf(&b, ",\n c%u@x.org", i);
    buf_adds(&b, "\nReferences:");
    for (unsigned i = 0; i < 3000; i++)
        buf_addf(&b, "\n <r%u@x.org>", i);
    buf_adds(&b, "\n\nx\n");
    json_t *mail = read_bytes(b.p, b.n);
    assert_int_equal(json_array_size(json_object_get(mail, "cc")), EMAIL_RECIPIENTS_MAX);
    assert_int_equal(json_array_size(json_object_get(mail, "references")), EMAIL_REFERENCES_MAX);
    expect_at(mail, "references.99", "'r2999@x.org'");
    json_decref(mail);
    buf_free(&b);
}

static void long_lines_and_texts_are_cut(void **state) {
    (void)state;
    struct buf b;
    buf_init(&b, 4 << 20);
    buf_adds(&b, HEAD "Content-Type: text/plain; charset=utf-8\n\n");
    for (unsigned i = 0; i < 1 << 19; i++) /* one line of 1 MB */
        buf_adds(&b, "я");
    json_t *mail = read_bytes(b.p, b.n);
    expect_at(mail, "text_cut", "true");
    assert_int_equal(strlen(text_of(mail)), EMAIL_TEXT_MAX);
    json_decref(mail);
    buf_reset(&b);
    buf_adds(&b, HEAD "Content-Type: multipart/mixed; boundary=b\n\n--b\n\nFirst.\n--b\n"
                      "Content-Type: text/plain; charset=windows-1251\n\n");
    for (unsigned i = 0; i < 1 << 20; i++) /* after a short text one that is too long */
        buf_adds(&b, "\xe0");
    buf_adds(&b, "\n--b--\n");
    mail = read_bytes(b.p, b.n);
    expect_at(mail, "text_cut", "true");
    assert_memory_equal(text_of(mail), "First.\n\nаааа", 16);
    assert_true(strlen(text_of(mail)) > EMAIL_TEXT_MAX - 2);
    json_decref(mail);
    buf_reset(&b);
    buf_adds(&b, HEAD "Content-Type: text/html\n\n");
    for (unsigned i = 0; i < 100000; i++)
        buf_adds(&b, "<div><p>&lt;x&gt;");
    mail = read_bytes(b.p, b.n);
    expect_at(mail, "text_cut", "true");
    expect_at(mail, "parts.0.what", "'html'");
    json_decref(mail);
    buf_free(&b);
}

static void hostile_html_takes_linear_time(void **state) {
    static const char *const pieces[] = {"<", "<!--", "<a href=", "<script", "&", "&#",
        "<p style=\"", "<div hidden><div>", "<blockquote>", "\"'<", "<a href='cid:'>", "</",
        "<td><li>"};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(pieces); i++) {
        struct buf b;
        buf_init(&b, 8 << 20);
        buf_adds(&b, HEAD "Content-Type: text/html\n\nx");
        while (b.n < 3 << 20)
            buf_adds(&b, pieces[i]);
        int64_t before = cpu_ms();
        json_decref(read_bytes(b.p, b.n));
        if (cpu_ms() - before > 3000)
            fail_msg("%s takes %d ms", pieces[i], (int)(cpu_ms() - before));
        buf_free(&b);
    }
}

static void hostile_text_takes_linear_time(void **state) {
    static const char *const pieces[] = {">\n", "On 2026 a@b wrote:\n", "\n", "On\n", "> a\nb\n",
        "________________________________\n\n", "From: x\n", "-- \n", "=?a?B?x", "\xff",
        "<a@b>:\n"};
    (void)state;
    for (size_t i = 0; i < 2 * ARRAY_LEN(pieces); i++) {
        struct buf b;
        const char *piece = pieces[i / 2];
        if (i % 2 && strchr(piece, '\n'))
            continue;
        buf_init(&b, 8 << 20);
        buf_adds(&b, HEAD "X-Failed-Recipients: q@x.org\n");
        if (i % 2) { /* in a header */
            buf_adds(&b, "Reply-To: ");
        } else {
            buf_adds(&b, "\nx\n");
        }
        while (b.n < (i % 2 ? 60000 : 1 << 20))
            buf_adds(&b, piece);
        buf_adds(&b, "\n");
        int64_t before = cpu_ms();
        json_decref(read_bytes(b.p, b.n));
        if (cpu_ms() - before > 3000)
            fail_msg("%s takes %d ms", piece, (int)(cpu_ms() - before));
        buf_free(&b);
    }
}

/* A 25 MB mail: its attachment comes whole, and never was in memory as a whole. */
static void large_attachments_are_streamed(void **state) {
    (void)state;
    int fd = memfd_create("mail", MFD_CLOEXEC);
    struct buf b;
    buf_init(&b, 2 << 20);
    buf_adds(&b,
        HEAD "Content-Type: multipart/mixed; boundary=b\n\n--b\n\nHere.\n--b\nContent-Type: "
             "application/zip; name=big.zip\nContent-Transfer-Encoding: base64\n\n");
    assert_true(write(fd, b.p, b.n) == (ssize_t)b.n);
    buf_reset(&b);
    for (unsigned i = 0; i < 10000; i++)
        buf_adds(&b, "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWZnaGlqa2xtbm9wcXJzdHV2d3h5ejAx\n");
    for (unsigned i = 0; i < 35; i++)
        assert_true(write(fd, b.p, b.n) == (ssize_t)b.n);
    assert_true(write(fd, "--b--\n", 6) == 6);
    buf_free(&b);
    json_t *mail = read_fd(fd);
    expect_at(mail, "parts.0.size", "18900000");
    expect_at(mail, "text", "'Here.'");
    json_decref(mail);
    close(fd);
}

static void nothing_and_rubbish_are_mails(void **state) {
    char rubbish[4096];
    (void)state;
    json_t *mail = read_bytes("", 0);
    expect_at(mail, "text", "''");
    expect_at(mail, "notes", "['no_from','no_date']");
    json_decref(mail);
    for (unsigned seed = 1; seed < 50; seed++) {
        unsigned x = seed;
        for (size_t i = 0; i < sizeof rubbish; i++)
            rubbish[i] = (char)((x = x * 1664525 + 1013904223) >> 24);
        json_decref(read_bytes(rubbish, sizeof rubbish));
    }
}

static void reading_ends_when_the_sink_says_so(void **state) {
    (void)state;
    size_t n;
    char *bytes = load("tests/mails/inline_cid.eml", &n);
    int fd = memory_file(bytes, n);
    struct got g = {.fail_at = 2};
    const struct email_sink sink = {on_mail, on_part, &g};
    struct err err = {0};
    for (size_t i = 0; i < EMAIL_PARTS_MAX; i++)
        buf_init(&g.parts[i], 1 << 20);
    assert_int_equal(email_read(fd, &sink, &err), -1);
    assert_int_equal(err.code, ERR_IO);
    assert_int_equal(g.fail_at, 0);
    for (size_t i = 0; i < EMAIL_PARTS_MAX; i++)
        buf_free(&g.parts[i]);
    json_decref(g.mail);
    close(fd);
    g = (struct got){.mail = NULL};
    err = (struct err){0};
    int pair[2];
    assert_int_equal(pipe(pair), 0); /* no file */
    assert_int_equal(email_read(pair[0], &sink, &err), -1);
    assert_int_equal(err.code, ERR_IO);
    close(pair[0]);
    close(pair[1]);
    free(bytes);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(corpus_is_read_as_expected),
        cmocka_unit_test(mails_cut_anywhere_are_read),
        cmocka_unit_test(deep_mails_end_at_a_depth),
        cmocka_unit_test(nested_mails_stay_one_file),
        cmocka_unit_test(wide_mails_end_at_a_number),
        cmocka_unit_test(long_headers_are_cut),
        cmocka_unit_test(many_addresses_and_ids_are_bounded),
        cmocka_unit_test(long_lines_and_texts_are_cut),
        cmocka_unit_test(hostile_html_takes_linear_time),
        cmocka_unit_test(hostile_text_takes_linear_time),
        cmocka_unit_test(large_attachments_are_streamed),
        cmocka_unit_test(nothing_and_rubbish_are_mails),
        cmocka_unit_test(reading_ends_when_the_sink_says_so),
    };
    email_read_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
