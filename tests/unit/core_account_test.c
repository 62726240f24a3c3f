/* core_account_test.c - codes of an authenticator by RFC 6238's vectors, recovery codes, which
 * passwords are taken, and what the vault seals. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/crypto.h"
#include "base/mem.h"
#include "base/vault.h"
#include "core/password.h"
#include "core/totp.h"

/* RFC 6238, appendix B, SHA-1. */
static void codes_are_as_the_rfc_says(void **state) {
    static const struct {
        int64_t seconds;
        const char *code;
    } vectors[] = {{59, "94287082"}, {1111111109, "07081804"}, {1111111111, "14050471"},
        {1234567890, "89005924"}, {2000000000, "69279037"}, {20000000000, "65353130"}};
    char code[9];
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
        totp_code(
            span_str("12345678901234567890"), vectors[i].seconds * 1000 / TOTP_STEP_MS, 8, code);
        assert_string_equal(code, vectors[i].code);
        totp_code(
            span_str("12345678901234567890"), vectors[i].seconds * 1000 / TOTP_STEP_MS, 6, code);
        assert_string_equal(code, vectors[i].code + 2);
    }
}

/* The same key in base32; one step of drift either way, no more. */
static void one_step_of_drift_is_taken(void **state) {
    const char *secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
    const int64_t at = 1111111111000; /* step 37037037, its first second but one */
    (void)state;
    assert_int_equal(totp_step_of(secret, "050471", at), 37037037);
    assert_int_equal(totp_step_of(secret, "050471", at + TOTP_STEP_MS), 37037037);
    assert_int_equal(totp_step_of(secret, "050471", at - TOTP_STEP_MS), 37037037);
    assert_int_equal(totp_step_of(secret, "081804", at), 37037036);
    assert_int_equal(totp_step_of(secret, "050471", at + 2 * TOTP_STEP_MS), -1);
    assert_int_equal(totp_step_of(secret, "050471", at - 2 * TOTP_STEP_MS), -1);
    assert_int_equal(totp_step_of(secret, "050472", at), -1);
    assert_int_equal(totp_step_of(secret, "50471", at), -1);
    assert_int_equal(totp_step_of(secret, "", at), -1);
    assert_int_equal(totp_step_of("not base32!", "050471", at), -1);
    assert_int_equal(totp_step_of("", "050471", at), -1);
}

/* RFC 4648, section 10. */
static void base32_is_read(void **state) {
    static const struct {
        const char *text, *bytes;
    } vectors[] = {{"", ""}, {"MY", "f"}, {"MZXQ", "fo"}, {"MZXW6", "foo"}, {"MZXW6YQ", "foob"},
        {"MZXW6YTB", "fooba"}, {"MZXW6YTBOI", "foobar"}};
    unsigned char out[8];
    char secret[TOTP_SECRET_SIZE], other[TOTP_SECRET_SIZE];
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
        long n = totp_base32_decode(vectors[i].text, out, sizeof out);
        assert_int_equal(n, (long)strlen(vectors[i].bytes));
        assert_memory_equal(out, vectors[i].bytes, (size_t)n);
    }
    assert_int_equal(totp_base32_decode("MZXW6YTBOI", out, 5), -1);
    assert_int_equal(totp_base32_decode("mzxw6", out, sizeof out), -1);
    totp_secret(secret);
    totp_secret(other);
    unsigned char key[TOTP_KEY_BYTES];
    assert_int_equal(totp_base32_decode(secret, key, sizeof key), TOTP_KEY_BYTES);
    assert_string_not_equal(secret, other);
}

static void what_a_person_types_is_understood(void **state) {
    char out[16], code[RECOVERY_SIZE];
    (void)state;
    assert_true(totp_is_code("123456", out));
    assert_true(totp_is_code(" 123 456 ", out));
    assert_string_equal(out, "123456");
    assert_false(totp_is_code("12345", out));
    assert_false(totp_is_code("1234567", out));
    assert_false(totp_is_code("ABCDE-fgh23", out));
    assert_string_equal(out, "abcdefgh23");
    assert_false(totp_is_code("", out));
    assert_false(totp_is_code("abcdefghijklmnopqrstuvwxyz", out));
    assert_string_equal(out, "");
    totp_recovery(code);
    assert_int_equal(strlen(code), RECOVERY_SIZE - 1);
    assert_int_equal(code[5], '-');
    assert_int_equal(strspn(code, "abcdefghijklmnopqrstuvwxyz234567-"), RECOVERY_SIZE - 1);
}

static void the_address_is_escaped(void **state) {
    (void)state;
    char *uri = totp_uri("Switch board", "a&b=c/é", "MY");
    assert_string_equal(uri,
        "otpauth://totp/Switch%20board:a%26b%3Dc%2F%C3%A9?secret=MY&issuer=Switch%20board"
        "&algorithm=SHA1&digits=6&period=30");
    free(uri);
}

static void easy_passwords_are_refused(void **state) {
    static const char *const bad[] = {"", "123456789", "short one", "0123456789", "9876543210",
        "1234567890qwertyuiop", "qwertyuiop", "Password123!", "PASSWORD2026", "!!admin2026!!",
        "aaaaaaaaaaaa", "abababababab", "abcdefghijkl", "1qaz2wsx3edc", "anna-maria", "Anna-Maria1",
        "anna-mariaanna-maria", "31.12.1999 12", "йцукен12345", "пароль2026!", "12345678901234",
        "qwertyqwerty", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"};
    static const char *const good[] = {"correct horse battery", "my own words", "three words here",
        "собака ест кашу", "k7#Tq-92mL", "anna-maria likes tea", "j4nfyt2mqkd8wzre",
        "password of my own", "ten chars!"};
    struct err err;
    char longest[140];
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        if (password_check(bad[i], "anna-maria", &err) == 0)
            fail_msg("%s was taken", bad[i]);
        assert_int_equal(err.code, ERR_INVALID);
    }
    for (size_t i = 0; i < ARRAY_LEN(good); i++)
        if (password_check(good[i], "anna-maria", &err) < 0)
            fail_msg("%s: %s", good[i], err.text);
    for (size_t i = 0; i < sizeof longest; i++)
        longest[i] = (char)('a' + i * 7 % 26);
    longest[128] = '\0';
    assert_int_equal(password_check(longest, "x", &err), 0);
    longest[128] = 'x';
    longest[129] = '\0';
    assert_int_equal(password_check(longest, "x", &err), -1);
}

/* --- the vault ------------------------------------------------------------------------------- */

static void remove_dir(const char *dir) {
    pid_t pid = fork();
    if (pid == 0) {
        execlp("rm", "rm", "-rf", dir, (char *)NULL);
        _exit(127);
    }
    waitpid(pid, NULL, 0);
}

static void the_vault_opens_what_it_sealed(void **state) {
    char dir[] = "/tmp/sb-vault-XXXXXX", one[CRYPTO_HEX_SIZE], two[CRYPTO_HEX_SIZE];
    struct err err;
    struct stat st;
    (void)state;
    assert_non_null(mkdtemp(dir));
    char *path = mem_printf("%s/secret.key", dir);
    struct vault *v = vault_open(dir, &err), *again = vault_open(dir, &err);
    assert_non_null(v);
    assert_non_null(again);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    char *sealed = vault_seal(v, "totp:ann", "the secret"), *other = vault_seal(v, "totp:ann", "");
    assert_null(strstr(sealed, "secret"));
    char *got = vault_unseal(again, "totp:ann", sealed);
    assert_string_equal(got, "the secret");
    free(got);
    got = vault_unseal(v, "totp:ann", other);
    assert_string_equal(got, "");
    free(got);
    assert_null(vault_unseal(v, "totp:bob", sealed));
    assert_null(vault_unseal(v, "totp:ann", ""));
    assert_null(vault_unseal(v, "totp:ann", "AAAA"));
    assert_null(vault_unseal(v, "totp:ann", "not base64!"));
    sealed[10] = sealed[10] == 'A' ? 'B' : 'A';
    assert_null(vault_unseal(v, "totp:ann", sealed));
    vault_mark(v, "a", "bc", one);
    vault_mark(again, "a", "bc", two);
    assert_string_equal(one, two);
    vault_mark(v, "ab", "c", two);
    assert_string_not_equal(one, two);
    vault_close(&v);
    vault_close(&again);
    assert_null(v);
    assert_int_equal(truncate(path, 16), 0); /* a broken key is not replaced in silence */
    assert_null(vault_open(dir, &err));
    assert_int_equal(err.code, ERR_IO);
    unlink(path);
    v = vault_open(dir, &err);
    assert_null(vault_unseal(v, "totp:ann", other)); /* another key */
    vault_close(&v);
    assert_null(vault_open("/nowhere/at/all", &err));
    free(sealed);
    free(other);
    free(path);
    remove_dir(dir);
}

static int begin(void **state) {
    (void)state;
    return crypto_start();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(codes_are_as_the_rfc_says),
        cmocka_unit_test(one_step_of_drift_is_taken),
        cmocka_unit_test(base32_is_read),
        cmocka_unit_test(what_a_person_types_is_understood),
        cmocka_unit_test(the_address_is_escaped),
        cmocka_unit_test(easy_passwords_are_refused),
        cmocka_unit_test(the_vault_opens_what_it_sealed),
    };
    return cmocka_run_group_tests(tests, begin, NULL);
}
