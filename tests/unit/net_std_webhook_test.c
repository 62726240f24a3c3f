/* net_std_webhook_test.c - signatures of Standard Webhooks, against the specification's vector. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "base/crypto.h"
#include "net/std_webhook.h"

#define SECRET "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
#define OTHER "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define ID "msg_p5jXN8AQM9LWM0D4loKWxJek"
#define AT 1614265330
#define BODY "{\"test\": 2432232314}"
#define SIGNATURE "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="

static const char *const ours[] = {SECRET, NULL}, *const both[] = {OTHER, SECRET, NULL};

static int check(const char *const *secrets, const char *id, const char *at, const char *signature,
    const char *body, int64_t now) {
    struct err err;
    return std_webhook_check(
        secrets, span_str(id), span_str(at), span_str(signature), span_str(body), now, &err);
}

static void the_specification_s_vector(void **state) {
    (void)state;
    char out[STD_WEBHOOK_SIGNATURE_SIZE];
    struct err err;
    assert_int_equal(std_webhook_sign(span_str(SECRET), ID, AT, span_str(BODY), out, &err), 0);
    assert_string_equal(out, SIGNATURE);
    assert_int_equal(check(ours, ID, "1614265330", SIGNATURE, BODY, AT + 299), 0);
    assert_int_equal(check(both, ID, "1614265330", SIGNATURE, BODY, AT - 299), 0);
}

static void any_of_several_signatures(void **state) {
    (void)state;
    assert_int_equal(
        check(ours, ID, "1614265330", "v1a,AAAA v1,xx " SIGNATURE " v2,y", BODY, AT), 0);
    assert_int_equal(check(ours, ID, "1614265330", "v1a,AAAA  " SIGNATURE, BODY, AT), 0);
    assert_int_equal(check(ours, ID, "1614265330", "v1a,AAAA v1,xx", BODY, AT), -1);
    assert_int_equal(check(ours, ID, "1614265330", "", BODY, AT), -1);
    assert_int_equal(check(ours, ID, "1614265330", SIGNATURE "x", BODY, AT), -1);
}

static void what_is_not_it(void **state) {
    (void)state;
    static const char *const none[] = {NULL}, *const wrong[] = {OTHER, NULL};
    assert_int_equal(check(wrong, ID, "1614265330", SIGNATURE, BODY, AT), -1);
    assert_int_equal(check(none, ID, "1614265330", SIGNATURE, BODY, AT), -1);
    assert_int_equal(check(ours, ID, "1614265330", SIGNATURE, BODY " ", AT), -1);
    assert_int_equal(check(ours, ID, "1614265330", SIGNATURE, BODY, AT + 301), -1);
    assert_int_equal(check(ours, ID, "1614265330", SIGNATURE, BODY, AT - 301), -1);
    assert_int_equal(check(ours, ID, "-1614265330", SIGNATURE, BODY, AT), -1);
    assert_int_equal(check(ours, ID, "1614265330.0", SIGNATURE, BODY, AT), -1);
    assert_int_equal(check(ours, ID, "99999999999999999999", SIGNATURE, BODY, AT), -1);
    assert_int_equal(check(ours, "", "1614265330", SIGNATURE, BODY, AT), -1);
    assert_int_equal(
        check(ours, "msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330", "1614265330", SIGNATURE, BODY, AT),
        -1);
}

static void secrets(void **state) {
    (void)state;
    static const char *const bad[] = {"", "whsec_", "whsec_AAAA",
        "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS",
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS!", "whsk_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"};
    unsigned char key[STD_WEBHOOK_KEY_MAX];
    char made[STD_WEBHOOK_SECRET_SIZE], out[STD_WEBHOOK_SIGNATURE_SIZE];
    struct err err;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(std_webhook_key(span_str(bad[i]), key, &err), -1);
        assert_true(!strlen(bad[i]) || strlen(bad[i]) < 9 || !strstr(err.text, bad[i] + 6));
    }
    assert_int_equal(std_webhook_key(span_str(SECRET), key, &err), 24);
    std_webhook_secret(made);
    assert_int_equal(strlen(made), STD_WEBHOOK_SECRET_SIZE - 1);
    assert_int_equal(std_webhook_key(span_str(made), key, &err), 32);
    assert_int_equal(std_webhook_sign(span_str(made), ID, AT, span_str(""), out, &err), 0);
    assert_int_equal(strlen(out), STD_WEBHOOK_SIGNATURE_SIZE - 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_specification_s_vector),
        cmocka_unit_test(any_of_several_signatures),
        cmocka_unit_test(what_is_not_it),
        cmocka_unit_test(secrets),
    };
    if (crypto_start() < 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
