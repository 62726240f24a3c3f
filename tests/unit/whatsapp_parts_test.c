/* whatsapp_parts_test.c - the small pure parts: twin phone numbers, servers that may see the token,
 * our place for a message. */
#include <stdio.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "base/mem.h"
#include "connectors/whatsapp/whatsapp_callback.h"
#include "connectors/whatsapp/whatsapp_host.h"
#include "connectors/whatsapp/whatsapp_phone.h"

/* W: Brazil's ninth digit, Mexico's 1, Argentina's 9. */
static void numbers_have_twins(void **state) {
    static const char *const pairs[][2] = {
        {"5511988887777", "551188887777"}, /* Brazil, mobile */
        {"5215512345678", "525512345678"}, /* Mexico */
        {"5491123456789", "541123456789"}, /* Argentina */
    };
    static const char *const alone[] = {"", "4915100000000", "551133334444", "5511933334444x",
        "79161234567", "5521", "55119888877771"};
    char twin[WHATSAPP_TWIN_SIZE];
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(pairs); i++)
        for (int k = 0; k < 2; k++) {
            assert_true(whatsapp_phone_twin(pairs[i][k], twin));
            assert_string_equal(twin, pairs[i][1 - k]);
        }
    for (size_t i = 0; i < ARRAY_LEN(alone); i++)
        assert_false(whatsapp_phone_twin(alone[i], twin));
}

static void the_token_goes_to_the_platform_only(void **state) {
    static const char *const good[] = {"https://lookaside.fbsbx.com/whatsapp_business/x?mid=1",
        "https://LOOKASIDE.FBSBX.COM/", "https://facebook.com",
        "http://127.0.0.1:8082/lookaside/1"};
    static const char *const bad[] = {"http://lookaside.fbsbx.com/",
        "https://evil.example/fbsbx.com", "https://fbsbx.com.evil.example/",
        "https://evilfbsbx.com/", "https://x@lookaside.fbsbx.com/",
        "https://lookaside.fbsbx.com:8443/", "https://evil.example\\@fbsbx.com/",
        "ftp://fbsbx.com/", "http://127.0.0.1:80821/", "http://127.0.0.1:8082.evil.example/", "",
        "//fbsbx.com/"};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(good); i++)
        assert_true(whatsapp_host_may_have_token(good[i], "http://127.0.0.1:8082"));
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(whatsapp_host_may_have_token(bad[i], "http://127.0.0.1:8082"));
}

static void our_place_comes_back(void **state) {
    static const char *const bad[] = {"", "sb:", "order-7", "sb:01JDFX3T5KABCDEFGHJKMNPQRS:5:1/1x",
        "sb:01JDFX3T5KABCDEFGHJKMNPQRS:5:2/1", "sb:01JDFX3T5KABCDEFGHJKMNPQRS:0:1/1",
        "sb:01JDFX3T5KABCDEFGHJKMNPQRS:-5:1/1", "sb:short:5:1/1",
        "xb:01JDFX3T5KABCDEFGHJKMNPQRS:5:1/1", "sb:01JDFX3T5KABCDEFGHJKMNPQRS:5:rf",
        "sb:01JDFX3T5KABCDEFGHJKMNPQRS:5:r00", "sb:01JDFX3T5KABCDEFGHJKMNPQRS:5:rF0",
        "sb:01JDFX3T5KABCDEFGHJKMNPQRS:5:"};
    struct whatsapp_place p = {"01JDFX3T5KABCDEFGHJKMNPQRS", 1234567, 2, 3, ""}, back;
    static const char *const emojis[] = {
        "", "\xf0\x9f\x91\x8d", "0123456789012345678901234567890123456789"};
    char text[WHATSAPP_CALLBACK_SIZE];
    (void)state;
    whatsapp_place_write(&p, text);
    assert_int_equal(whatsapp_place_read(text, &back), 0);
    assert_memory_equal(&p.thread, back.thread, sizeof p.thread);
    assert_int_equal(back.seq, 1234567);
    assert_int_equal(back.part, 2);
    assert_int_equal(back.parts, 3);
    p.part = p.parts = 0;
    for (size_t i = 0; i < ARRAY_LEN(emojis); i++) {
        snprintf(p.emoji, sizeof p.emoji, "%s", emojis[i]);
        whatsapp_place_write(&p, text);
        assert_int_equal(whatsapp_place_read(text, &back), 0);
        assert_string_equal(back.emoji, emojis[i]);
        assert_int_equal(back.parts, 0);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_int_equal(whatsapp_place_read(bad[i], &back), -1);
    assert_int_equal(whatsapp_place_read(NULL, &back), -1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_have_twins),
        cmocka_unit_test(the_token_goes_to_the_platform_only),
        cmocka_unit_test(our_place_comes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
