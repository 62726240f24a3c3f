/* What became of the recipients of a message: who knows better, and the fate of all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "model/recipients.h"

static json_t *load(const char *text) {
    json_t *o = json_loads(text, 0, NULL);
    assert_non_null(o);
    return o;
}

static const char *status_of(const json_t *body, const char *address) {
    size_t i;
    json_t *o;
    json_array_foreach(json_object_get(body, "recipients"), i, o) {
        if (strcmp(json_string_value(json_object_get(o, "address")), address) == 0)
            return json_string_value(json_object_get(o, "status"));
    }
    return "";
}

/* Merges one piece of news; returns what recipients_merge() did. */
static int tell(json_t *body, const char *news, const char **fate) {
    json_t *list = load(news);
    int changed = recipients_merge(body, list, 1000, fate);
    json_decref(list);
    return changed;
}

static void test_who_knows_better(void **state) {
    (void)state;
    const char *fate;
    json_t *body = load("{}");
    assert_int_equal(
        tell(body,
            "[{\"address\":\"a@x\",\"status\":\"sent\"},{\"address\":\"b@x\",\"status\":"
            "\"queued\",\"error\":{\"text\":\"451\"}}]",
            &fate),
        1);
    assert_string_equal(fate, "");
    assert_int_equal(tell(body, "[{\"address\":\"A@X\",\"status\":\"queued\"}]", &fate), 0);
    assert_string_equal(status_of(body, "a@x"), "sent");
    assert_int_equal(tell(body, "[{\"address\":\"b@x\",\"status\":\"sent\"}]", &fate), 1);
    assert_null(json_object_get(json_array_get(json_object_get(body, "recipients"), 1), "error"));
    assert_int_equal(tell(body, "[{\"address\":\"b@x\",\"status\":\"sent\"}]", &fate), 0);
    assert_int_equal(tell(body, "[{\"address\":\"b@x\",\"status\":\"delayed\"}]", &fate), 1);
    assert_int_equal(tell(body, "[{\"address\":\"b@x\",\"status\":\"sent\"}]", &fate), 0);
    assert_int_equal(tell(body, "[{\"address\":\"b@x\",\"status\":\"failed\"}]", &fate), 1);
    assert_string_equal(fate, "");
    assert_int_equal(tell(body, "[{\"address\":\"b@x\",\"status\":\"delivered\"}]", &fate), 0);
    assert_int_equal(tell(body, "[{\"address\":\"a@x\",\"status\":\"failed\"}]", &fate), 1);
    assert_string_equal(fate, "failed");
    assert_int_equal(
        tell(body, "[{\"address\":\"\",\"status\":\"failed\"},{\"status\":\"x\"}]", &fate), 0);
    json_decref(body);
}

static void test_one_recipient(void **state) {
    (void)state;
    const char *fate;
    json_t *body = load("{}");
    assert_int_equal(tell(body, "[{\"address\":\"a@x\",\"status\":\"failed\"}]", &fate), 0);
    assert_string_equal(fate, "failed");
    assert_null(json_object_get(body, "recipients"));
    assert_int_equal(tell(body, "[{\"address\":\"a@x\",\"status\":\"delayed\"}]", &fate), 1);
    assert_string_equal(fate, "");
    assert_int_equal(tell(body, "[{\"address\":\"a@x\",\"status\":\"delivered\"}]", &fate), 1);
    assert_string_equal(fate, "delivered");
    json_decref(body);
}

static void test_ceiling(void **state) {
    (void)state;
    const char *fate;
    json_t *body = load("{}"), *news = json_array();
    for (int i = 0; i < 1000; i++)
        json_array_append_new(
            news, json_pack("{s:o,s:s}", "address", json_sprintf("p%d@x", i), "status", "sent"));
    assert_int_equal(recipients_merge(body, news, 0, &fate), 1);
    assert_int_equal(json_array_size(json_object_get(body, "recipients")), RECIPIENTS_MAX_LISTED);
    json_decref(news);
    json_decref(body);
}

static void test_line(void **state) {
    (void)state;
    char line[200];
    json_t *one = load("[{\"address\":\"b@x\",\"status\":\"failed\"}]");
    json_t *more = load("[{\"status\":\"sent\"},{\"status\":\"queued\"},{\"status\":\"sent\"}]");
    recipients_line(one, line, sizeof line);
    assert_string_equal(line, "b@x failed");
    recipients_line(more, line, sizeof line);
    assert_string_equal(line, "2 sent, 1 queued");
    json_decref(one);
    json_decref(more);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_knows_better),
        cmocka_unit_test(test_one_recipient),
        cmocka_unit_test(test_ceiling),
        cmocka_unit_test(test_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
