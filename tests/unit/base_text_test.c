/* base_text_test.c - ids, clocks, UTF-8, buffers, strict JSON: the checks on what strangers send.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/crypto.h"
#include "base/id.h"
#include "base/json_quick.h"
#include "base/json_strict.h"
#include "base/utf8.h"

static void id_names_its_shard(void **state) {
    (void)state;
    char a[ID_SIZE], b[ID_SIZE];
    id_make(7, a);
    id_make(1023, b);
    assert_true(id_is_valid(a));
    assert_int_equal(id_shard(a), 7);
    assert_int_equal(id_shard(b), 1023);
    assert_true(clock_ms() - id_time_ms(a) < 1000);
    assert_string_not_equal(a, b);
}

static void forged_ids_are_refused(void **state) {
    (void)state;
    assert_false(id_is_valid(NULL));
    assert_false(id_is_valid(""));
    assert_false(id_is_valid("01JDFX3T5KABCDEFGHJKMNPQR"));   /* short */
    assert_false(id_is_valid("01JDFX3T5KABCDEFGHJKMNPQRST")); /* long */
    assert_false(id_is_valid("01jdfx3t5kabcdefghjkmnpqrs"));  /* lower case */
    assert_false(id_is_valid("01JDFX3T5KABCDEFGHJKMNPQR:"));
    assert_false(id_is_valid("81JDFX3T5KABCDEFGHJKMNPQRS")); /* over 128 bits */
}

static void identities_spread_over_shards(void **state) {
    (void)state;
    int seen[16] = {0};
    for (int i = 0; i < 1600; i++) {
        char key[32];
        int n = snprintf(key, sizeof key, "visitor:%d", i);
        seen[id_hash_shard(key, (size_t)n, 16)]++;
    }
    for (int i = 0; i < 16; i++)
        assert_in_range(seen[i], 50, 150);
}

static void times_go_both_ways(void **state) {
    (void)state;
    char text[CLOCK_TEXT_SIZE];
    int64_t ms;
    assert_string_equal(clock_format(0, text), "1970-01-01T00:00:00.000Z");
    assert_string_equal(clock_format(1795442419123, text), "2026-11-23T14:00:19.123Z");
    assert_string_equal(clock_format(-1, text), "1969-12-31T23:59:59.999Z");
    assert_string_equal(clock_format(-61820000000000, text), "0011-01-01T17:46:40.000Z");
    assert_string_equal(clock_format(INT64_MIN, text), "0000-01-01T00:00:00.000Z");
    assert_string_equal(clock_format(INT64_MAX, text), "9999-12-31T23:59:59.999Z");
    assert_int_equal(clock_parse("2026-11-23T14:00:19.123Z", &ms), 0);
    assert_int_equal(ms, 1795442419123);
    assert_int_equal(clock_parse("2026-11-23T17:00:19+03:00", &ms), 0);
    assert_int_equal(ms, 1795442419000);
    assert_int_equal(clock_parse("2026-13-23T14:00:19Z", &ms), -1);
    assert_int_equal(clock_parse("yesterday", &ms), -1);
    assert_int_equal(clock_parse("2026-11-23T14:00:19", &ms), -1);
    assert_int_equal(clock_parse("2026-11-23T14:00:19Zjunk", &ms), -1);
    assert_int_equal(clock_parse("2026-11-23 14:00:19.5z", &ms), 0);
    assert_int_equal(ms, 1795442419500);
    assert_int_equal(clock_parse("2028-02-29T00:00:00Z", &ms), 0);
    assert_int_equal(clock_parse("2026-02-29T00:00:00Z", &ms), -1);
    assert_int_equal(clock_parse("+026-11-23T14:00:19Z", &ms), -1);
    assert_int_equal(clock_parse("2026-11- 3T14:00:19Z", &ms), -1);
    assert_int_equal(clock_parse("2026-11-23T24:00:00Z", &ms), -1);
    assert_int_equal(clock_parse("2026-11-23T14:00:19.Z", &ms), -1);
    assert_int_equal(clock_parse("2026-11-23T14:00:19+3:00", &ms), -1);
    assert_int_equal(clock_parse("2026-11-23T14:00:19+03:60", &ms), -1);
    assert_int_equal(clock_parse("", &ms), -1);
}

static void utf8_is_judged(void **state) {
    (void)state;
    assert_true(utf8_is_valid("привет", 12));
    assert_false(utf8_is_valid("\xc0\xaf", 2));         /* overlong */
    assert_false(utf8_is_valid("\xed\xa0\x80", 3));     /* surrogate */
    assert_false(utf8_is_valid("\xf5\x80\x80\x80", 4)); /* too high */
    assert_false(utf8_is_valid("\xd0", 1));             /* cut */
    assert_int_equal(utf8_length("привет", 12), 6);
    assert_int_equal(utf8_prefix("привет", 12, 2), 4);
    assert_true(utf8_is_text("a\tb\nc", 5));
    assert_false(utf8_is_text("a\0b", 3));
    assert_false(utf8_is_text("a\x1b[31m", 6));
    static const char *const no_words[] = {"a b", "a\xc2\xa0", "\xe2\x80\xa8", "\xe2\x80\xae",
        "a\xe3\x80\x80", "a\xc2\x85", "\xff", "a\t", "\xef\xbb\xbf"};
    for (size_t i = 0; i < sizeof no_words / sizeof *no_words; i++)
        assert_false(utf8_is_word(no_words[i], strlen(no_words[i])));
    assert_true(utf8_is_word("\xd0\xb6@x.org", 8));
}

/* What is cut at a number of bytes would make JSON impossible, and the refusal would be lost. */
static void errors_are_valid_text(void **state) {
    (void)state;
    struct err err;
    char text[] = "a\xd1\x8f\xd1";
    utf8_repair(text);
    assert_string_equal(text, "a\xd1\x8f?");
    assert_int_equal(err_set(&err, ERR_INVALID, "unknown key \"%.4s\"", "x\xd1\x8f\xd1\x8f"), -1);
    assert_string_equal(err.text, "unknown key \"x\xd1\x8f?\"");
    char longest[1000];
    for (size_t i = 0; i + 2 < sizeof longest; i += 2)
        memcpy(longest + i, "\xd1\x8f", 3);
    err_set(&err, ERR_INVALID, "%s", longest);
    assert_true(utf8_is_valid(err.text, strlen(err.text)));
    err_set(&err, ERR_INVALID, "x%s", longest);
    assert_true(utf8_is_valid(err.text, strlen(err.text)));
    assert_int_equal(strlen(err.text), sizeof err.text - 1);
}

static void names_lose_what_hides(void **state) {
    (void)state;
    char *name = utf8_clean_name("A\xe2\x80\xae"
                                 "nn\xe2\x80\x8b"
                                 "a\x01\xff",
        100);
    assert_string_equal(name, "Anna\xef\xbf\xbd");
    free(name);
    name = utf8_clean_name("абвгд", 3);
    assert_string_equal(name, "абв");
    free(name);
}

static void buffers_stop_at_their_ceiling(void **state) {
    (void)state;
    struct buf b;
    buf_init(&b, 8);
    assert_int_equal(buf_adds(&b, "12345"), 0);
    assert_int_equal(buf_adds(&b, "6789"), -1);
    assert_true(b.failed);
    assert_string_equal(buf_str(&b), "12345");
    buf_reset(&b);
    assert_int_equal(buf_addf(&b, "%d-%s", 42, "x"), 0);
    buf_drop(&b, 3);
    assert_string_equal(buf_str(&b), "x");
    buf_free(&b);
}

static void json_is_strict(void **state) {
    (void)state;
    struct err err;
    json_t *o = json_strict_parse(span_str("{\"a\":[1,{\"b\":\"[[[[\"}]}"), 4, &err);
    assert_non_null(o);
    json_decref(o);
    assert_null(json_strict_parse(span_str("[1]"), 4, &err));
    assert_null(json_strict_parse(span_str("{\"a\":1,\"a\":2}"), 4, &err));
    assert_null(json_strict_parse(span_str("{\"a\":[[[[[1]]]]]}"), 4, &err));
    assert_non_null(strstr(err.text, "deeper than 4"));
    assert_null(json_strict_parse(span_str("{\"a\":\"\xff\"}"), 4, &err));
    assert_null(json_strict_parse(span_of("", 0), 4, &err));
    assert_int_equal(err.code, ERR_INVALID);
}

static void secrets_compare(void **state) {
    (void)state;
    char hex[CRYPTO_HEX_SIZE], token[CRYPTO_TOKEN_SIZE];
    crypto_hmac_sha256_hex(
        span_str("key"), span_str("The quick brown fox jumps over the lazy dog"), hex);
    assert_string_equal(hex, "f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8");
    crypto_token(token);
    assert_int_equal(strlen(token), CRYPTO_TOKEN_SIZE - 1);
    char key[CRYPTO_HEX_SIZE], other[CRYPTO_HEX_SIZE];
    assert_int_equal(crypto_stretch(span_str("secret"), span_str("salt"), key), 0);
    assert_int_equal(strlen(key), 64);
    assert_int_equal(crypto_stretch(span_str("secret"), span_str("salt"), other), 0);
    assert_string_equal(key, other);
    assert_int_equal(crypto_stretch(span_str("secret"), span_str("Salt"), other), 0);
    assert_string_not_equal(key, other);
    assert_int_equal(crypto_stretch(span_str("Secret"), span_str("salt"), other), 0);
    assert_string_not_equal(key, other);
    assert_true(crypto_equal(span_str("abc"), span_str("abc")));
    assert_false(crypto_equal(span_str("abc"), span_str("abd")));
    assert_false(crypto_equal(span_str("abc"), span_str("ab")));
    char *text = crypto_base64url("\xff\xfe?", 3);
    unsigned char back[3];
    assert_int_equal(crypto_base64url_decode(span_str(text), back, sizeof back), 3);
    assert_memory_equal(back, "\xff\xfe?", 3);
    assert_int_equal(crypto_base64url_decode(span_str("a*b"), back, sizeof back), -1);
    free(text);
}

/* Whatever is read and written, it is what Jansson makes of it. */
static void quick_json_is_janssons(void **state) {
    (void)state;
    static const char *const texts[] = {"{}", "[]", " [ ] ", "{\"a\":1}", "{\"a\":1,\"a\":2}", "",
        " ", "1", "\"s\"", "null", "[1,]", "[,1]", "{\"a\"}", "{\"a\":}", "{a:1}", "[1] x", "[1]\n",
        "[0,-0,-1,01]", "[0,-0,-1]", "[-]", "[1.5,2e3]", "[12345678901234567]",
        "[1234567890123456789]", "[99999999999999999999]", "[true,false,null]", "[nul]", "[tru",
        "[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"]", "[\"\\u0041\\u0430\"]", "[\"\\ud83d\\ude00\"]",
        "[\"\\ud83d\"]", "[\"\\u0000\"]", "[\"\\x\"]", "[\"\\", "[\"abc", "[\"ab\\\"]",
        "[\"ab\\\\\"]", "[\"ab\\\\\", \"c\"]", "[\"a\nb\"]", "[\"a\x7f\"]",
        "[\"\xd0\xb7\xd0\xb0\xd0\xba\xd0\xb0\xd0\xb7\"]", "[\"\xd0\"]", "[\"\xc0\x80\"]",
        "[\"\xed\xa0\x80\"]", "[\"\xf0\x9f\x98\x80\"]", "[\"\xe2\x82\xac\"]", "[\"\xff\"]",
        "{\"\xd0\xb7\":\"\xd0\xb7\"}", "{\"\xff\":1}", "{\"\\n\":1}",
        "{\"a\":{\"b\":[{\"c\":\"d\"}]}}",
        "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]",
        "[\"a long line of words\\nand \\\"another\\\", with \\\\ and more\\n\\n\\tto come\"]"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        for (size_t n = 0; n <= strlen(texts[i]); n++) {
            char *text = malloc(n ? n : 1); /* so that reading too far is found */
            memcpy(text, texts[i], n);
            json_t *want = json_loadb(text, n, 0, NULL);
            json_t *got = json_quick_load(span_of(text, n));
            assert_true(want ? json_equal(want, got) : !got);
            char *a = want ? json_dumps(want, JSON_COMPACT) : NULL;
            char *b = got ? json_quick_dump(got) : NULL;
            assert_true(a ? b && strcmp(a, b) == 0 : !b);
            free(a);
            free(b);
            json_decref(want);
            json_decref(got);
            free(text);
        }
    char all[127], *a, *b;
    for (int c = 1; c <= 126; c++)
        all[c - 1] = (char)c;
    all[126] = '\0';
    json_t *o = json_pack("[s,f,{s:s%,s:n}]", all, 0.5, "a\"b", "x\0y", 3, "none");
    for (int round = 0; round < 2;
         round++, json_array_remove(o, 1)) { /* without the fraction, too */
        a = json_dumps(o, JSON_COMPACT);
        b = json_quick_dump(o);
        assert_string_equal(a, b);
        free(a);
        free(b);
    }
    json_decref(o);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(id_names_its_shard),
        cmocka_unit_test(forged_ids_are_refused),
        cmocka_unit_test(identities_spread_over_shards),
        cmocka_unit_test(times_go_both_ways),
        cmocka_unit_test(utf8_is_judged),
        cmocka_unit_test(errors_are_valid_text),
        cmocka_unit_test(names_lose_what_hides),
        cmocka_unit_test(buffers_stop_at_their_ceiling),
        cmocka_unit_test(json_is_strict),
        cmocka_unit_test(quick_json_is_janssons),
        cmocka_unit_test(secrets_compare),
    };
    return crypto_start() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
