/* media_link_test.c - addresses of files that open without a sign-in: good for one file, one
 * purpose and a while; and no ticket is left in words of others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "media/media_link.h"

#define SECRET "e5f1"
#define FILE "01JDFX3T5KABCDEFGHJKMNPQRS"
#define OTHER "01JDFX3T5KABCDEFGHJKMNPQRT"
#define NOW 1800000000
#define LIFE 3600

static bool opens(const char *file, const char *ticket, int64_t now_s) {
    return media_ticket_ok(SECRET, MEDIA_LINK, file, ticket, now_s, LIFE);
}

static void a_ticket_opens_one_file_for_a_while(void **state) {
    (void)state;
    char t[MEDIA_TICKET_SIZE];
    media_ticket(SECRET, MEDIA_LINK, FILE, NOW + LIFE, t);
    /* Computed with Python's hmac: the key is HMAC(secret, purpose). */
    assert_string_equal(t, "6b49e010.WML5wSUZgoMrLs7GNlahCA");
    assert_true(opens(FILE, t, NOW));
    assert_true(opens(FILE, t, NOW + LIFE));
    assert_false(opens(FILE, t, NOW + LIFE + 1));
    assert_false(opens(FILE, t, NOW - 1)); /* longer than any is given */
    assert_false(opens(OTHER, t, NOW));
    assert_false(media_ticket_ok("e5f2", MEDIA_LINK, FILE, t, NOW, LIFE));
    assert_false(media_ticket_ok(SECRET, "sitechat file", FILE, t, NOW, LIFE));
}

static void no_character_of_it_can_be_another(void **state) {
    (void)state;
    static const char others[] =
        "0123456789abcdef.ABCDEFGHIJKLMNOPQRSTUVWXYZghijklmnopqrstuvwxyz-_ =%";
    char good[MEDIA_TICKET_SIZE], t[MEDIA_TICKET_SIZE + 2];
    media_ticket(SECRET, MEDIA_LINK, FILE, NOW + LIFE, good);
    for (size_t i = 0; good[i]; i++)
        for (const char *c = others; *c; c++) {
            memcpy(t, good, sizeof good);
            t[i] = *c;
            assert_int_equal(opens(FILE, t, NOW), *c == good[i]);
        }
    for (size_t n = 0; n < strlen(good); n++) {
        snprintf(t, sizeof t, "%.*s", (int)n, good);
        assert_false(opens(FILE, t, NOW));
    }
    snprintf(t, sizeof t, "%sA", good);
    assert_false(opens(FILE, t, NOW));
    snprintf(t, sizeof t, "0%.38s", good);
    assert_false(opens(FILE, t, NOW));
}

static void nonsense_opens_nothing(void **state) {
    (void)state;
    static const char *const all[] = {"", ".", "x", "6b49e010", "6b49e010.", ".AAAA",
        "0x6b49e010.A", "-6b49e010.A", "ffffffffffffffffffffffffffff.AAAAAAAAAAAAAAAAAAAAAA",
        "+1.A", " 1.A"};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        assert_false(opens(FILE, all[i], NOW));
}

static void is_link(struct media_links l, const char *file, const char *expected) {
    char *url = media_link(&l, file);
    if (expected)
        assert_string_equal(url, expected);
    else
        assert_null(url);
    free(url);
}

static void an_address_needs_a_public_url(void **state) {
    (void)state;
    struct media_links l = {"https://c.example", SECRET, NOW + LIFE};
    is_link(l, FILE, "https://c.example/api/v1/media/" FILE "?t=6b49e010.WML5wSUZgoMrLs7GNlahCA");
    is_link(l, "", NULL);
    l.secret = NULL;
    is_link(l, FILE, "https://c.example/api/v1/media/" FILE);
    l.public_url = "";
    is_link(l, FILE, NULL);
    is_link((struct media_links){0}, FILE, NULL);
}

static void hidden(const char *text, const char *expected) {
    char *copy = mem_strdup(text);
    media_links_hide(copy);
    assert_string_equal(copy, expected);
    free(copy);
}

static void no_ticket_is_left_in_a_text(void **state) {
    (void)state;
    hidden("", "");
    hidden("no dots", "no dots");
    hidden("e.g. 1.2 of ab.pdf", "e.g. 1.2 of ab.pdf");
    hidden("deadbeef.", "deadbeef.");
    hidden("https://c.example/api/v1/media/" FILE "?t=6b49e010.WML5wSUZgoMrLs7GNlahCA: 404",
        "https://c.example/api/v1/media/" FILE "?t=6b49e010.**********************: 404");
    hidden("t%3D6b49e010.WML5wSUZgoMrLs7GNlahCA, t=6b49e010.WML5wSUZgoMrLs7GNlahCA",
        "t%3D6b49e010.**********************, t=6b49e010.**********************");
    hidden("cut: 6b49e010.WML5wSUZgoMrLs7GNlahC", "cut: 6b49e010.*********************");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_ticket_opens_one_file_for_a_while),
        cmocka_unit_test(no_character_of_it_can_be_another),
        cmocka_unit_test(nonsense_opens_nothing),
        cmocka_unit_test(an_address_needs_a_public_url),
        cmocka_unit_test(no_ticket_is_left_in_a_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
