/* media_name_test.c - names of attachments as they are shown, what is refused, what a page may
 * show, and the header that carries a name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "media/media_private.h"

static void cleaned(const char *name, const char *expected) {
    char *clean = media_clean_name(name);
    assert_string_equal(clean, expected);
    free(clean);
}

static void a_name_is_the_last_part_of_a_path(void **state) {
    (void)state;
    cleaned("receipt.png", "receipt.png");
    cleaned("../../etc/passwd", "passwd");
    cleaned("C:\\Users\\Ann\\cv.pdf", "cv.pdf");
    cleaned("/", "file");
    cleaned("", "file");
    cleaned("..", "file");
    cleaned(".htaccess", "htaccess");
    cleaned(" . .x", "x");
    cleaned("\xd1\x81\xd1\x87\xd1\x91\xd1\x82.pdf", "\xd1\x81\xd1\x87\xd1\x91\xd1\x82.pdf");
}

/* Control characters, direction overrides, bytes that are no UTF-8; ends that Windows drops. */
static void a_name_does_not_mislead(void **state) {
    (void)state;
    cleaned("a\r\nSet-Cookie: x", "aSet-Cookie: x");
    cleaned("\xe2\x80\xaegnp.exe", "gnp.exe");
    cleaned("a\xff.png", "a\xef\xbf\xbd.png");
    cleaned("x.exe.", "x.exe");
    cleaned("x.exe. . ", "x.exe");
}

static void a_name_is_bounded(void **state) {
    char name[1001], *clean;
    (void)state;
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    clean = media_clean_name(name);
    assert_int_equal(strlen(clean), 120);
    free(clean);
    memcpy(name + sizeof name - 5, ".exe", 4); /* what it is stays */
    clean = media_clean_name(name);
    assert_int_equal(strlen(clean), 120);
    assert_string_equal(clean + 115, "x.exe");
    free(clean);
    name[500] = '.'; /* no ending, but a dot */
    memset(name + sizeof name - 5, 'x', 4);
    clean = media_clean_name(name);
    assert_int_equal(strlen(clean), 120);
    free(clean);
    for (size_t i = 0; i + 4 < sizeof name; i += 4)
        memcpy(name + i, "\xf0\x9f\x99\x82", 5);
    clean = media_clean_name(name);
    assert_int_equal(utf8_length(clean, strlen(clean)), 120);
    assert_true(utf8_is_valid(clean, strlen(clean)));
    free(clean);
}

static void endings_and_types_are_denied(void **state) {
    static const char *const deny[] = {"text/html", ".exe", ".JS", NULL};
    static const char *const none[] = {NULL};
    (void)state;
    assert_true(media_is_denied(deny, "a.exe", NULL));
    assert_true(media_is_denied(deny, "A.EXE", "image/png"));
    assert_true(media_is_denied(deny, ".exe", NULL));
    assert_true(media_is_denied(deny, "a.png.js", NULL));
    assert_true(media_is_denied(deny, "a.png", "TEXT/HTML"));
    assert_false(media_is_denied(deny, "a.png", "image/png"));
    assert_false(media_is_denied(deny, "a.exe.png", "image/png"));
    assert_false(media_is_denied(deny, "exe", NULL));
    assert_false(media_is_denied(deny, "text/html", NULL));
    assert_false(media_is_denied(none, "a.exe", "text/html"));
}

static void kinds_are_by_type(void **state) {
    (void)state;
    assert_string_equal(media_kind("image/png"), "image");
    assert_string_equal(media_kind("video/mp4"), "video");
    assert_string_equal(media_kind("audio/ogg"), "audio");
    assert_string_equal(media_kind("application/pdf"), "document");
    assert_string_equal(media_kind(""), "document");
    assert_string_equal(media_kind("imagery/png"), "document");
}

/* What can carry a script is never shown in a page. */
static void few_types_are_shown(void **state) {
    static const char *const no[] = {"image/svg+xml", "text/html", "text/plain", "application/pdf",
        "application/xhtml+xml", "image/png; charset=x", "IMAGE/PNG", "image/", ""};
    (void)state;
    assert_true(media_may_inline("image/png"));
    assert_true(media_may_inline("audio/mpeg"));
    assert_true(media_may_inline("video/webm"));
    for (size_t i = 0; i < ARRAY_LEN(no); i++)
        if (media_may_inline(no[i]))
            fail_msg("%s is shown", no[i]);
    assert_false(media_may_inline(NULL));
}

static void disposed(const char *name, bool is_inline, const char *expected) {
    char *value = media_disposition(name, is_inline);
    assert_string_equal(value, expected);
    free(value);
}

static void the_header_carries_any_name(void **state) {
    (void)state;
    disposed("a.png", true, "inline; filename=\"a.png\"; filename*=UTF-8''a.png");
    disposed("a\"b\\c%.txt", false,
        "attachment; filename=\"a_b_c_.txt\"; filename*=UTF-8''a%22b%5Cc%25.txt");
    disposed("\xd1\x8f", false, "attachment; filename=\"__\"; filename*=UTF-8''%D1%8F");
    disposed(
        "a\r\nX: y", false, "attachment; filename=\"a__X: y\"; filename*=UTF-8''a%0D%0AX%3A%20y");
}

/* The longest name that media_clean_name() leaves fits. */
static void the_longest_name_fits(void **state) {
    char name[120 * 4 + 1] = "";
    (void)state;
    for (int i = 0; i < 120; i++)
        memcpy(name + i * 4, "\xf0\x9f\x99\x82", 5);
    char *value = media_disposition(name, false);
    assert_int_equal(
        strlen(value), strlen("attachment; filename=\"\"; filename*=UTF-8''") + 120 * 4 + 120 * 12);
    free(value);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_is_the_last_part_of_a_path),
        cmocka_unit_test(a_name_does_not_mislead),
        cmocka_unit_test(a_name_is_bounded),
        cmocka_unit_test(endings_and_types_are_denied),
        cmocka_unit_test(kinds_are_by_type),
        cmocka_unit_test(few_types_are_shown),
        cmocka_unit_test(the_header_carries_any_name),
        cmocka_unit_test(the_longest_name_fits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
