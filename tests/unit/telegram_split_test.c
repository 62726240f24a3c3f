/* telegram_split_test.c - long texts in parts: where they are cut, what becomes of entities. */
#include "json_trial.h"

#include "connectors/telegram/telegram_text.h"
#include "connectors/telegram/telegram_text_private.h"

#define FAMILY "\xf0\x9f\x91\xa8\xe2\x80\x8d\xf0\x9f\x91\xa9" /* man, joiner, woman: 5 units */
#define FLAG "\xf0\x9f\x87\xa9\xf0\x9f\x87\xaa"               /* two letters: 4 units */
#define ACUTE "e\xcc\x81"

/* The parts, with | between them. */
static void expect(const char *text, size_t max, const char *want) {
    struct telegram_part parts[TELEGRAM_PARTS_MAX];
    size_t n = telegram_split(text, NULL, max, parts), at = 0;
    char is[1000] = "";
    for (size_t i = 0; i < n; i++)
        at += (size_t)snprintf(is + at, sizeof is - at, "%s%.*s", i ? "|" : "",
            (int)(parts[i].to - parts[i].from), text + parts[i].from);
    if (strcmp(is, want) != 0)
        fail_msg("%s by %zu: %s, not %s", text, max, is, want);
    telegram_parts_free(parts, n);
}

static void short_text_stays_whole(void **state) {
    (void)state;
    expect("hello world", 11, "hello world");
    expect("  hello \n", 20, "hello");
    expect("", 10, "");
    expect(" \n\t\xc2\xa0\xe2\x80\x8b\xef\xbb\xbf", 10, "");
    expect("\xe2\x80\x8f"
           "a",
        10,
        "\xe2\x80\x8f"
        "a"); /* a direction mark is no white space */
}

static void cuts_are_at_the_best_place(void **state) {
    (void)state;
    expect("hello world", 10, "hello|world");
    expect("hello big world", 10, "hello big|world");
    expect("one two\nthree four", 10, "one two|three four");
    expect("one two\n\nthr ee\nfour", 14, "one two|thr ee\nfour");
    expect("one two\n \nthr ee\nfour", 15, "one two|thr ee\nfour");
    expect("a\nbcdefghij klm", 13, "a\nbcdefghij|klm"); /* the line ends in the first half */
    expect("a bcdefghijklm", 10, "a bcdefghi|jklm");
    expect("abcdefghijkl", 5, "abcde|fghij|kl");
    expect("hello     world", 6, "hello|world");
    expect("hello world", 5, "hello|world");
}

static void characters_stay_whole(void **state) {
    (void)state;
    expect("abc" FAMILY, 5, "abc|" FAMILY);
    expect("a" FLAG FLAG, 8, "a" FLAG "|" FLAG);
    expect("abc" ACUTE ACUTE, 6, "abc" ACUTE "|" ACUTE);
    expect("ab\xf0\x9f\x98\x80", 3, "ab|\xf0\x9f\x98\x80");
    expect("ab\xe2\x9d\xa4\xef\xb8\x8f", 3, "ab|\xe2\x9d\xa4\xef\xb8\x8f");
    /* One that is longer than a part is cut between code points. */
    expect(FAMILY "\xe2\x80\x8d\xf0\x9f\x91\xa7", 5, FAMILY "|\xe2\x80\x8d\xf0\x9f\x91\xa7");
    expect("\xf0\x9f\x98\x80\xf0\x9f\x98\x80", 1, "\xf0\x9f\x98\x80|\xf0\x9f\x98\x80");
    assert_true(telegram_is_extender(0x300));
    assert_true(telegram_is_extender(0xe01ef));
    assert_true(telegram_is_extender(0x1f3fb));
    assert_false(telegram_is_extender('a'));
    assert_false(telegram_is_extender(0x4e00));
    assert_false(telegram_is_extender(0x10ffff));
}

static void entities_go_on_in_the_next_part(void **state) {
    (void)state;
    struct telegram_part parts[TELEGRAM_PARTS_MAX];
    json_t *entities = json_of(
        "[{'type':'bold','offset':3,'length':7},{'type':'text_link','offset':6,'length':2,'url':"
        "'http://"
        "x'},{'type':'italic','offset':5,'length':1},{'type':'code','offset':50,'length':1}]");
    assert_int_equal(telegram_split("hello world x", entities, 6, parts), 3);
    expect_at(parts[0].entities, "", "[{'type':'bold','offset':3,'length':2}]");
    expect_at(parts[1].entities, "",
        "[{'type':'bold','offset':0,'length':4},{'type':'text_link','offset':0,'length':2,'url':"
        "'http://x'}]");
    expect_at(parts[2].entities, "", "[]");
    telegram_parts_free(parts, 3);
    json_decref(entities);
}

static void parts_have_a_ceiling(void **state) {
    (void)state;
    struct telegram_part parts[TELEGRAM_PARTS_MAX];
    char *text = mem_alloc(200001);
    memset(text, 'a', 200000);
    text[200000] = '\0';
    size_t n = telegram_split(text, NULL, 100, parts);
    assert_int_equal(n, TELEGRAM_PARTS_MAX);
    assert_int_equal(parts[n - 1].to, 6400);
    telegram_parts_free(parts, n);
    n = telegram_split(text, NULL, 4096, parts);
    assert_int_equal(n, 49);
    telegram_parts_free(parts, n);
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(short_text_stays_whole),
        cmocka_unit_test(cuts_are_at_the_best_place), cmocka_unit_test(characters_stay_whole),
        cmocka_unit_test(entities_go_on_in_the_next_part), cmocka_unit_test(parts_have_a_ceiling)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
