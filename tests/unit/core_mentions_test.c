/* core_mentions_test.c - whom a note calls. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "core/mentions.h"

static void check(const char *text, const char *wanted) {
    json_t *agents = json_pack("[{s:s},{s:s},{s:s,s:b},{s:s}]", "name", "ann", "name", "bob.b",
        "name", "gone", "disabled", 1, "name", "a-1");
    json_t *names = mentions_of(text, agents);
    char *line = mentions_line(names);
    assert_string_equal(line, wanted);
    free(line);
    json_decref(names);
    json_decref(agents);
}

static void names_and_what_stands_around_them(void **state) {
    (void)state;
    check("", "");
    check("@ann", "ann");
    check("(@ann), @bob.b.", "ann bob.b");
    check("@ANN @ann @Ann", "ann");
    check("ask @bob.b-", "bob.b");
    check("@a-1:\n@@ann", "a-1 ann");
}

static void what_is_no_call(void **state) {
    (void)state;
    check("mail@ann \xd1\x8f@ann", "");
    check("@anna @an @nobody @gone @ @", "");
    char text[4000];
    memset(text, 'a', sizeof text);
    text[0] = '@';
    text[sizeof text - 1] = '\0';
    check(text, "");
    memset(text, '@', sizeof text - 1);
    check(text, "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_and_what_stands_around_them),
        cmocka_unit_test(what_is_no_call),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
