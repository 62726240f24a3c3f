/* email_ids_test.c - marks that only we can make, and the key by which a mail is known again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/crypto.h"
#include "base/mem.h"
#include "connectors/email/email_ids.h"

#define SECRET "a secret of the installation"
#define THREAD "01JDFX3T5KABCDEFGHJ0123401"

static const struct email_mark mark = {THREAD, 42};

static int start(void **state) {
    (void)state;
    return crypto_start();
}

static void upper(char *s) {
    for (; *s; s++)
        if (*s >= 'a' && *s <= 'z')
            *s = (char)(*s - 32);
}

static void test_message_id(void **state) {
    struct email_mark m;
    char *id = email_message_id(SECRET, "support", &mark, "example.org");
    char *again = email_message_id(SECRET, "support", &mark, "example.org");
    (void)state;
    assert_string_equal(id, again); /* a retry has the same */
    assert_int_equal(strncmp(id, "sb.01jdfx3t5kabcdefghj0123401.42.", 33), 0);
    assert_true(email_message_id_read(SECRET, "support", id, &m));
    assert_string_equal(m.thread, THREAD);
    assert_int_equal(m.seq, 42);
    upper(again);
    assert_true(email_message_id_read(SECRET, "support", again, &m));
    assert_string_equal(m.thread, THREAD);
    assert_false(email_message_id_read("another secret", "support", id, &m));
    assert_false(email_message_id_read(SECRET, "sales", id, &m));
    free(id);
    free(again);
}

static void test_forged_message_ids(void **state) {
    struct email_mark m;
    char *id = email_message_id(SECRET, "support", &mark, "example.org");
    (void)state;
    size_t n = strlen(id) - strlen("@example.org");
    for (size_t i = 0; i < n; i++) { /* each byte of it counts */
        char *forged = mem_strdup(id);
        forged[i] = forged[i] == '3' ? '4' : '3';
        assert_false(email_message_id_read(SECRET, "support", forged, &m));
        free(forged);
    }
    for (size_t i = 0; i <= n; i++) {
        char *cut = mem_strndup(id, i);
        assert_false(email_message_id_read(SECRET, "support", cut, &m));
        free(cut);
    }
    assert_false(email_message_id_read(SECRET, "support", "", &m));
    assert_false(email_message_id_read(SECRET, "support",
        "sb.01jdfx3t5kabcdefghj0123401.99999999999999999999.0123456789abcdef@x", &m));
    free(id);
}

static void test_reply_address(void **state) {
    struct email_mark m;
    char *a = email_reply_address(SECRET, "support", THREAD, "support@example.org");
    (void)state;
    assert_int_equal(strncmp(a, "support+sb-01jdfx3t5kabcdefghj0123401-", 38), 0);
    assert_string_equal(a + 38 + 16, "@example.org");
    assert_true(email_reply_address_read(SECRET, "support", a, "support@example.org", &m));
    assert_string_equal(m.thread, THREAD);
    assert_int_equal(m.seq, 0);
    upper(a);
    assert_true(email_reply_address_read(SECRET, "support", a, "Support@example.ORG", &m));
    assert_false(email_reply_address_read(SECRET, "support", a, "sales@example.org", &m));
    assert_false(email_reply_address_read(SECRET, "support", a, "support@example.com", &m));
    assert_false(email_reply_address_read(SECRET, "sales", a, "support@example.org", &m));
    a[45] = a[45] == 'A' ? 'B' : 'A';
    assert_false(email_reply_address_read(SECRET, "support", a, "support@example.org", &m));
    free(a);
    assert_false(email_reply_address_read(
        SECRET, "support", "support@example.org", "support@example.org", &m));
    /* A mark of a Message-ID is none of an address. */
    struct email_mark zero = {THREAD, 0};
    char *id = email_message_id(SECRET, "support", &zero, "example.org");
    char *mixed = mem_printf("support+sb-%.26s-%.16s@example.org", id + 3, id + 32);
    assert_false(email_reply_address_read(SECRET, "support", mixed, "support@example.org", &m));
    free(mixed);
    free(id);
}

static void test_room_in_addresses(void **state) {
    (void)state;
    char *a = email_reply_address(SECRET, "c", THREAD, "seventeen-letters@example.org");
    assert_non_null(a);
    assert_int_equal(strcspn(a, "@"), 64);
    free(a);
    assert_null(email_reply_address(SECRET, "c", THREAD, "eighteen-letters-x@example.org"));
    assert_null(email_reply_address(SECRET, "c", THREAD, "nobody"));
    assert_null(email_reply_address(SECRET, "c", THREAD, "@example.org"));
    assert_null(email_reply_address(SECRET, "c", "no thread", "a@example.org"));
}

static void test_check_mark(void **state) {
    const char *address = "support@example.org";
    char *own = email_check_mark(SECRET, address, THREAD);
    char *id = mem_printf("%s@example.org", own), *shout = mem_strdup(id);
    struct email_mark m;
    (void)state;
    assert_int_equal(strncmp(own, "check.01jdfx3t5kabcdefghj0123401.", 33), 0);
    upper(shout);
    assert_true(email_check_mark_is(SECRET, address, own));
    assert_true(email_check_mark_is(SECRET, address, id));
    assert_true(email_check_mark_is(SECRET, address, shout));
    assert_false(email_check_mark_is("another secret", address, id));
    assert_false(email_check_mark_is(SECRET, "sales@example.org", id));
    assert_false(email_message_id_read(SECRET, address, id, &m));
    for (size_t i = 0; own[i]; i++) { /* each byte of it counts */
        char *forged = mem_strdup(own), *cut = mem_strndup(own, i);
        forged[i] = forged[i] == '3' ? '4' : '3';
        assert_false(email_check_mark_is(SECRET, address, forged));
        assert_false(email_check_mark_may_be(cut));
        free(forged);
        free(cut);
    }
    assert_true(email_check_mark_may_be("check.01jdfx3t5kabcdefghj0123401.0123456789abcdef@x"));
    assert_false(email_check_mark_may_be("check.01jdfx3t5kabcdefghj0123401.0123456789abcdef0"));
    assert_false(email_check_mark_may_be(""));
    free(own);
    free(id);
    free(shout);
}

/* The key of a mail that comes in pieces of so many bytes. */
static void key_of(const char *mail, size_t piece, char out[33]) {
    struct email_key *k = email_key_begin();
    for (size_t n = strlen(mail), at = 0; at < n; at += piece)
        email_key_add(k, span_of(mail + at, at + piece < n ? piece : n - at));
    email_key_end(k, out);
}

static bool same(const char *a, const char *b) {
    char ka[33], kb[33];
    key_of(a, 1000, ka);
    for (size_t piece = 1; piece < 20; piece += 3) {
        key_of(a, piece, kb);
        assert_string_equal(ka, kb);
    }
    key_of(b, 7, kb);
    assert_int_equal(strlen(ka), 32);
    return strcmp(ka, kb) == 0;
}

#define ID "Message-ID: <a@b>\r\n"
#define BODY "\r\nHello\r\n\r\nMessage-ID: <c@d>\r\n"

static void test_keys(void **state) {
    (void)state;
    assert_true(same("Received: one\r\n" ID BODY, "Received: two\r\nX: y\r\n" ID BODY));
    assert_true(same(ID BODY, "message-id:\r\n\t<a@b>\r\nFrom: x\r\n" BODY));
    assert_true(same(ID BODY, "Message-ID: <a@b>\nSubject: x\n\nHello\n\nMessage-ID: <c@d>\n"));
    assert_true(same(ID BODY, "Message-ID: a@b\r\nMessage-ID: <other@b>\r\n" BODY));
    assert_false(same(ID BODY, "Message-ID: <b@b>\r\n" BODY));
    assert_false(same(ID BODY, ID BODY "more"));
    assert_false(same(ID BODY, "X-Message-ID: <a@b>\r\n" BODY));
    assert_false(same("Message-ID: <a\r\n b>\r\n" BODY, "Message-ID: <a\r\nb>\r\n" BODY));
}

static void test_keys_without_id(void **state) {
    (void)state;
    assert_true(same("From: a\r\n" BODY, "From: a\n\nHello\n\nMessage-ID: <c@d>\n"));
    assert_false(same("From: a\r\n" BODY, "From: b\r\n" BODY));
    assert_false(same("Message-ID: <>\r\nFrom: a\r\n" BODY, "Message-ID:\r\nFrom: b\r\n" BODY));
    assert_true(same("Message-ID: <>\r\n" ID BODY, ID BODY)); /* an empty one is none */
    assert_false(same("", "\r\n"));
    assert_true(same("\r\nbody", "\nbody"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_message_id),
        cmocka_unit_test(test_forged_message_ids),
        cmocka_unit_test(test_check_mark),
        cmocka_unit_test(test_reply_address),
        cmocka_unit_test(test_room_in_addresses),
        cmocka_unit_test(test_keys),
        cmocka_unit_test(test_keys_without_id),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
