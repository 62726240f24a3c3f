/* sitechat_identity_test.c - tokens, tickets and proofs: what was signed passes, nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "base/mem.h"
#include "connectors/sitechat/sitechat_identity.h"

#define SECRET "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define NOW 1800000000LL

static const char *const secrets[] = {"new secret", "old secret", NULL};

static struct visitor_token sample(void) {
    struct visitor_token t = {.site = "site", .issued_s = NOW};
    visitor_id_make(t.visitor);
    return t;
}

static int read_at(const char *text, const char *site, int64_t now_s, struct visitor_token *out) {
    struct err err;
    return visitor_token_read(SECRET, text, site, now_s, out, &err);
}

static void token_comes_back(void **state) {
    (void)state;
    struct visitor_token t = sample(), out;
    snprintf(t.user, sizeof t.user, "%s", "ann:7");
    char *text = visitor_token_make(SECRET, &t);
    assert_int_equal(read_at(text, "site", NOW + 1, &out), 0);
    assert_string_equal(out.visitor, t.visitor);
    assert_string_equal(out.user, "ann:7");
    assert_int_equal(out.issued_s, NOW);
    free(text);
}

static void every_changed_byte_of_a_token_is_seen(void **state) {
    (void)state;
    struct visitor_token t = sample(), out;
    char *text = visitor_token_make(SECRET, &t);
    size_t n = strlen(text);
    for (size_t i = 0; i < n; i++) {
        char was = text[i];
        text[i] = was == 'A' ? 'B' : 'A';
        if (read_at(text, "site", NOW, &out) == 0)
            fail_msg("byte %zu", i);
        text[i] = was;
    }
    text[n - 1] = '\0';
    assert_int_equal(read_at(text, "site", NOW, &out), -1);
    free(text);
}

static void token_is_of_its_site_and_time(void **state) {
    (void)state;
    struct visitor_token t = sample(), out;
    struct err err;
    char *text = visitor_token_make(SECRET, &t);
    assert_int_equal(read_at(text, "other", NOW, &out), -1);
    assert_int_equal(read_at(text, "site", NOW + 365 * 86400LL, &out), 0);
    assert_int_equal(read_at(text, "site", NOW + 367 * 86400LL, &out), -1);
    assert_int_equal(read_at(text, "site", NOW - 86400, &out), -1);
    assert_int_equal(visitor_token_read("another", text, "site", NOW, &out, &err), -1);
    assert_int_equal(err.code, ERR_AUTH);
    assert_int_equal(read_at("", "site", NOW, &out), -1);
    assert_int_equal(read_at(".", "site", NOW, &out), -1);
    free(text);
}

static void hash_proves_a_user(void **state) {
    (void)state;
    char hex[CRYPTO_HEX_SIZE];
    struct err err;
    for (size_t i = 0; i < 2; i++) {
        crypto_hmac_sha256_hex(span_str(secrets[i]), span_str("ann"), hex);
        assert_int_equal(identity_hash_check(secrets, "ann", hex, &err), 0);
        for (char *c = hex; *c; c++)
            *c = *c >= 'a' ? (char)(*c - 32) : *c;
        assert_int_equal(identity_hash_check(secrets, "ann", hex, &err), 0);
        assert_int_equal(identity_hash_check(secrets, "bob", hex, &err), -1);
    }
    assert_int_equal(identity_hash_check(secrets, "ann", "", &err), -1);
    assert_int_equal(identity_hash_check(secrets, "ann", NULL, &err), -1);
    assert_int_equal(identity_hash_check(secrets, "", hex, &err), -1);
    static const char *const none[] = {"", "", NULL};
    crypto_hmac_sha256_hex(span_str(""), span_str("ann"), hex);
    assert_int_equal(identity_hash_check(none, "ann", hex, &err), -1);
}

static char *jwt(const char *secret, const char *header, const char *claims) {
    unsigned char mac[32];
    char *h = crypto_base64url(header, strlen(header)),
         *c = crypto_base64url(claims, strlen(claims));
    char *head = mem_printf("%s.%s", h, c);
    crypto_hmac_sha256(span_str(secret), span_str(head), mac);
    char *m = crypto_base64url(mac, sizeof mac), *out = mem_printf("%s.%s", head, m);
    free(h);
    free(c);
    free(head);
    free(m);
    return out;
}

#define HS256 "{\"alg\":\"HS256\",\"typ\":\"JWT\"}"

static int check(
    const char *secret, const char *header, const char *claims, struct proven_user *u) {
    struct err err;
    char *t = jwt(secret, header, claims);
    int rc = identity_jwt_check(secrets, t, NOW, u, &err);
    assert_true(rc == 0 || err.code == ERR_AUTH);
    free(t);
    return rc;
}

static void jwt_proves_a_user(void **state) {
    (void)state;
    struct proven_user u;
    const char *good =
        "{\"user_id\":\"ann\",\"email\":\"a@b.c\",\"name\":\"Ann\",\"exp\":1800000100}";
    assert_int_equal(check("new secret", HS256, good, &u), 0);
    assert_string_equal(u.id, "ann");
    assert_string_equal(u.email, "a@b.c");
    assert_string_equal(u.name, "Ann");
    assert_int_equal(check("old secret", HS256, good, &u), 0);
    assert_int_equal(check("new secret", HS256, "{\"sub\":42,\"exp\":1799999800}", &u), 0);
    assert_string_equal(u.id, "42");
}

static void bad_jwts_prove_nothing(void **state) {
    (void)state;
    struct proven_user u;
    struct err err;
    const char *good = "{\"user_id\":\"ann\",\"exp\":1800000100}";
    assert_int_equal(check("wrong", HS256, good, &u), -1);
    assert_int_equal(check("", HS256, good, &u), -1);
    assert_int_equal(check("new secret", "{\"alg\":\"none\"}", good, &u), -1);
    assert_int_equal(check("new secret", "{\"alg\":\"RS256\"}", good, &u), -1);
    assert_int_equal(check("new secret", "{\"alg\":\"hs256\"}", good, &u), -1);
    assert_int_equal(check("new secret", "{}", good, &u), -1);
    assert_int_equal(check("new secret", HS256, "{\"user_id\":\"ann\"}", &u), -1);
    assert_int_equal(
        check("new secret", HS256, "{\"user_id\":\"ann\",\"exp\":\"1900000000\"}", &u), -1);
    assert_int_equal(
        check("new secret", HS256, "{\"user_id\":\"ann\",\"exp\":1799999000}", &u), -1);
    assert_int_equal(check("new secret", HS256,
                         "{\"user_id\":\"ann\",\"exp\":1900000000,\"nbf\":1800001000}", &u),
        -1);
    assert_int_equal(check("new secret", HS256, "{\"user_id\":\"\",\"exp\":1800000100}", &u), -1);
    assert_int_equal(check("new secret", HS256, "[]", &u), -1);
    char *t = jwt("new secret", HS256, good), *last = strrchr(t, '.');
    last[1] = '\0'; /* no signature at all */
    assert_int_equal(identity_jwt_check(secrets, t, NOW, &u, &err), -1);
    assert_int_equal(identity_jwt_check(secrets, "..", NOW, &u, &err), -1);
    assert_int_equal(identity_jwt_check(secrets, "a.b.c.d", NOW, &u, &err), -1);
    free(t);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(token_comes_back),
        cmocka_unit_test(every_changed_byte_of_a_token_is_seen),
        cmocka_unit_test(token_is_of_its_site_and_time), cmocka_unit_test(hash_proves_a_user),
        cmocka_unit_test(jwt_proves_a_user), cmocka_unit_test(bad_jwts_prove_nothing)};
    return crypto_start() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
