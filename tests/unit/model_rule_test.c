/* model_rule_test.c - what is a rule, when does it apply, what would it have done, what goes round,
 * what becomes of it with another label. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "model/rule.h"

static json_t *json_of(const char *text) {
    json_t *j = json_loads(text, JSON_DECODE_ANY, NULL);
    assert_non_null(j);
    return j;
}

static struct rule *rule_of(const char *id, const char *text) {
    struct err err = {0};
    json_t *j = json_of(text);
    struct rule *r = rule_parse(j, id, &err);
    if (!r)
        fail_msg("%s: %s", text, err.text);
    json_decref(j);
    return r;
}

#define RULE(rest) "{\"name\":\"r\"," rest "}"
#define THEN "\"then\":[{\"label\":\"x\"}]"

/* The sentence names what is wrong. */
static void refused(const char *text, const char *why) {
    struct err err = {0};
    json_t *j = json_of(text);
    struct rule *r = rule_parse(j, NULL, &err);
    json_decref(j);
    assert_null(r);
    assert_int_equal(err.code, ERR_INVALID);
    if (!strstr(err.text, why))
        fail_msg("%s\n  says: %s\n  not:  %s", text, err.text, why);
}

static void what_is_no_rule_is_told_precisely(void **state) {
    (void)state;
    refused("[]", "must be an object");
    refused("{}", "name must be text");
    refused("{\"name\":\" \"}", "name must be text of 1 to 100");
    refused("{\"name\":\"a\\nb\",\"on\":\"message\"," THEN "}", "one line");
    refused(RULE("\"on\":\"message\",\"when\":1," THEN), "unknown key \"when\"");
    refused(RULE(THEN), "on must be message");
    refused(RULE("\"on\":\"messages\"," THEN), "on must be message");
    refused(RULE("\"on\":\"unanswered\"," THEN), "after must be a number");
    refused(RULE("\"on\":\"unanswered\",\"after\":0," THEN), "after must be a number");
    refused(RULE("\"on\":\"message\",\"after\":5," THEN), "after goes with");
    refused(RULE("\"on\":\"message\",\"enabled\":1," THEN), "enabled must be");
    refused(RULE("\"on\":\"message\",\"order\":-1," THEN), "order must be");
    refused(RULE("\"on\":\"message\",\"if\":[]," THEN), "if must be an object");
    refused(RULE("\"on\":\"message\",\"if\":{\"word\":[\"a\"]}," THEN), "if has an unknown key");
    refused(RULE("\"on\":\"message\",\"if\":{\"any\":[]}," THEN), "if.any must be a list");
    refused(RULE("\"on\":\"message\",\"if\":{\"any\":[\"a\",\"?!\"]}," THEN), "if.any[1] has no");
    refused(RULE("\"on\":\"closed\",\"if\":{\"any\":[\"a\"]}," THEN), "need a client's message");
    refused(RULE("\"on\":\"message\",\"if\":{\"language\":\"english\"}," THEN), "if.language must");
    refused(RULE("\"on\":\"message\",\"if\":{\"contact\":1}," THEN), "if.contact must");
    refused(RULE("\"on\":\"message\",\"if\":{\"assigned\":null}," THEN), "if.assigned must be");
    refused(RULE("\"on\":\"message\",\"if\":{\"labels\":[\"a\"],\"without\":[\"a\"]}," THEN),
        "could never apply");
    refused(RULE("\"on\":\"assigned\",\"if\":{\"assigned\":false}," THEN), "always is responsible");
    refused(RULE("\"on\":\"opened\",\"if\":{\"contact\":\"known\"}," THEN), "is the first");
    refused(RULE("\"on\":\"message\",\"then\":[]"), "then must be a list");
    refused(RULE("\"on\":\"message\",\"then\":[{\"send\":\"a\",\"note\":\"b\"}]"), "then[0] must");
    refused(RULE("\"on\":\"message\",\"then\":[{\"drop\":1}]"), "then[0] is no action \"drop\"");
    refused(RULE("\"on\":\"message\",\"then\":[{\"close\":false}]"), "then[0].close must be true");
    refused(RULE("\"on\":\"message\",\"then\":[{\"close\":true},{\"label\":\"a\"}]"), "be last");
    refused(RULE("\"on\":\"closed\",\"then\":[{\"close\":true}]"), "closed already");
    refused(RULE("\"on\":\"message\",\"then\":[{\"send\":\"a\"},{\"send\":\"b\"}]"), "twice");
    refused(RULE("\"on\":\"message\",\"then\":[{\"label\":\"a\"},{\"unlabel\":\"a\"}]"),
        "then[1] has the label of then[0]");
    refused(RULE("\"on\":\"message\",\"then\":[{\"assign\":{}}]"), "names nobody");
    refused(RULE("\"on\":\"message\",\"then\":[{\"assign\":{\"agents\":[\"Ann\"]}}]"),
        "then[0].assign.agents[0] is no name");
    refused(RULE("\"on\":\"message\",\"then\":[{\"assign\":{\"agents\":[\"a\",\"a\"]}}]"),
        "is there already");
    refused(RULE("\"on\":\"message\",\"then\":[{\"assign\":{\"agents\":[\"a\"],\"how\":\"x\"}}]"),
        "then[0].assign.how must be");
    refused(RULE("\"on\":\"message\",\"then\":[{\"assign\":{\"agents\":[\"a\"],\"capacity\":0}}]"),
        "then[0].assign.capacity must be");
}

/* --- conditions ------------------------------------------------------------------------------ */

struct said {
    const char *text, *channel, *assignee, *labels, *locale;
    unsigned events;
    int first, responsible, open;
};

static bool applies(const char *conditions, struct said s) {
    struct folded text;
    char *rule = mem_printf(RULE("\"on\":\"message\",\"if\":%s," THEN), conditions);
    struct rule *r = rule_of("1", rule);
    json_t *labels = json_of(s.labels ? s.labels : "[]");
    fold_text(&text, s.text ? s.text : "", s.text ? strlen(s.text) : 0);
    struct rule_facts f = {.events = s.events ? s.events : 1u << RULE_MESSAGE,
        .channel = s.channel ? s.channel : "site",
        .connector = "sitechat",
        .assignee = s.assignee ? s.assignee : "",
        .labels = labels,
        .text = &text,
        .locale = s.locale ? s.locale : "",
        .first = s.first,
        .responsible = s.responsible,
        .open = s.open};
    bool yes = rule_matches(r, &f);
    fold_free(&text);
    json_decref(labels);
    rule_free(r);
    free(rule);
    return yes;
}

#define SAID(...) ((struct said){__VA_ARGS__})

static void conditions_hold_or_not(void **state) {
    (void)state;
    assert_true(applies("{}", SAID(.text = "x")));
    assert_false(applies("{}", SAID(.events = 1u << RULE_CLOSED)));
    assert_true(applies("{\"channels\":[\"a\",\"site\"]}", SAID(.channel = "site")));
    assert_false(applies("{\"channels\":[\"a\"]}", SAID(.channel = "site")));
    assert_false(applies("{\"connectors\":[\"telegram\"]}", SAID(.channel = "site")));
    assert_true(applies("{\"labels\":[\"a\",\"b\"]}", SAID(.labels = "[\"b\"]")));
    assert_false(applies("{\"labels\":[\"a\"]}", SAID(.labels = "[\"b\"]")));
    assert_false(applies("{\"without\":[\"a\"]}", SAID(.labels = "[\"b\",\"a\"]")));
    assert_true(applies("{\"any\":[\"refund\",\"возврат*\"]}", SAID(.text = "ВОЗВРАТА!")));
    assert_false(applies("{\"all\":[\"money\",\"back\"]}", SAID(.text = "money")));
    assert_true(applies("{\"all\":[\"money\",\"back\"]}", SAID(.text = "back, money")));
    assert_true(applies("{\"language\":\"cyrillic\"}", SAID(.text = "привет, ok")));
    assert_false(applies("{\"language\":\"latin\"}", SAID(.text = "123")));
    assert_true(applies("{\"language\":\"ru\"}", SAID(.locale = "ru-RU")));
    assert_false(applies("{\"language\":\"ru\"}", SAID(.locale = "")));
    assert_false(applies("{\"language\":\"ru\"}", SAID(.locale = "rus")));
    assert_true(applies("{\"contact\":\"first\"}", SAID(.first = 1)));
    assert_false(applies("{\"contact\":\"known\"}", SAID(.first = 1)));
    assert_true(applies("{\"contact\":\"known\"}", SAID(.first = -1))); /* not asked yet */
    assert_false(applies("{\"responsible\":true}", SAID(.responsible = 0)));
    assert_true(applies("{\"responsible\":true}", SAID(.responsible = -1)));
    assert_false(applies("{\"open\":true}", SAID(.open = 0)));
    assert_true(applies("{\"open\":false}", SAID(.open = 0)));
    assert_true(applies("{\"open\":true}", SAID(.open = -1)));
    assert_false(applies("{\"assigned\":false}", SAID(.assignee = "ann")));
    assert_true(applies("{\"assigned\":true}", SAID(.assignee = "ann")));
}

static void why_is_told(void **state) {
    (void)state;
    struct folded text;
    struct rule *r = rule_of("1",
        RULE("\"on\":\"message\",\"if\":{\"channels\":[\"a\",\"site\"],\"any\":[\"x\",\"refund\"],"
             "\"assigned\":false}," THEN));
    fold_text(&text, "a Refund", 8);
    struct rule_facts f = {
        .events = 1, .channel = "site", .connector = "", .assignee = "", .text = &text};
    assert_true(rule_matches(r, &f));
    json_t *why = rule_why(r, &f);
    json_t *wanted =
        json_of("[{\"is\":\"channels\",\"value\":\"site\"},{\"is\":\"any\",\"value\":\"refund\"},"
                "{\"is\":\"assigned\",\"value\":\"false\"}]");
    assert_true(json_equal(why, wanted));
    json_decref(why);
    json_decref(wanted);
    fold_free(&text);
    rule_free(r);
}

/* --- the past -------------------------------------------------------------------------------- */

#define AT(t) "\"received_at\":\"2026-11-29T10:" t ":00.000Z\""
#define IN(seq, t, text)                                                                           \
    "{\"seq\":" seq ",\"direction\":\"in\",\"channel\":\"site\",\"connector\":\"sitechat\","       \
    "\"text\":\"" text "\"," AT(t) "}"
#define OUT(seq, t)                                                                                \
    "{\"seq\":" seq                                                                                \
    ",\"direction\":\"out\",\"from\":{\"kind\":\"agent\",\"agent\":\"ann\"}," AT(t) "}"
#define EVENT(seq, t, event)                                                                       \
    "{\"seq\":" seq ",\"direction\":\"event\",\"event\":" event "," AT(t) "}"

static const char past[] = "[" IN("1", "00", "hello") "," OUT("2", "05") "," EVENT(
    "3", "06", "{\"type\":\"labels\",\"labels\":[\"vip\"]}") "," EVENT("4", "07",
    "{\"type\":\"state\",\"to\":\"closed\"}") "," IN("5", "20", "a refund") "]";

/* The seq of what the rule would have acted on; 0: nothing. */
static int64_t tried(const char *rule) {
    struct rule *r = rule_of("1", rule);
    json_t *messages = json_of(past), *thread = json_of("{\"channel\":\"site\",\"labels\":[]}");
    struct rule_past p = {.thread = thread,
        .messages = messages,
        .responsible = -1,
        .now_ms = INT64_C(1795948200000)}; /* 10:30 that day */
    json_t *found = rule_replay(r, &p);
    int64_t seq = json_integer_value(json_object_get(found, "seq"));
    json_decref(found);
    json_decref(messages);
    json_decref(thread);
    rule_free(r);
    return seq;
}

static void a_rule_is_tried_on_what_was_said(void **state) {
    (void)state;
    assert_int_equal(tried(RULE("\"on\":\"message\"," THEN)), 5);
    assert_int_equal(tried(RULE("\"on\":\"opened\",\"enabled\":false," THEN)), 1);
    assert_int_equal(tried(RULE("\"on\":\"reopened\"," THEN)), 5);
    assert_int_equal(tried(RULE("\"on\":\"closed\"," THEN)), 4);
    assert_int_equal(tried(RULE("\"on\":\"labeled\"," THEN)), 3);
    assert_int_equal(tried(RULE("\"on\":\"message\",\"if\":{\"any\":[\"hello\"]}," THEN)), 1);
    assert_int_equal(tried(RULE("\"on\":\"message\",\"if\":{\"contact\":\"first\"}," THEN)), 1);
    assert_int_equal(tried(RULE("\"on\":\"message\",\"if\":{\"labels\":[\"vip\"]}," THEN)), 5);
    assert_int_equal(tried(RULE("\"on\":\"message\",\"if\":{\"assigned\":false}," THEN)), 1);
    assert_int_equal(tried(RULE("\"on\":\"unanswered\",\"after\":240," THEN)), 5);
    assert_int_equal(
        tried(RULE("\"on\":\"unanswered\",\"after\":240,\"if\":{\"without\":[\"vip\"]}," THEN)), 1);
    assert_int_equal(tried(RULE("\"on\":\"unanswered\",\"after\":3600," THEN)), 0);
}

/* --- contradictions -------------------------------------------------------------------------- */

static char *codes(const char *const *texts) {
    struct rule *rules[10];
    size_t n = 0, i;
    json_t *one;
    char *out = mem_strdup("");
    for (; texts[n]; n++) {
        char id[8];
        snprintf(id, sizeof id, "%zu", n);
        rules[n] = rule_of(id, texts[n]);
    }
    json_t *found = rules_check(rules, n);
    json_array_foreach(found, i, one) {
        char *more = mem_printf("%s%s:%zu ", out, json_string_value(json_object_get(one, "code")),
            json_array_size(json_object_get(one, "rules")));
        free(out);
        out = more;
        assert_non_null(json_object_get(one, "text"));
    }
    json_decref(found);
    for (i = 0; i < n; i++)
        rule_free(rules[i]);
    return out;
}

static void finds(const char *wanted, const char *const *texts) {
    char *got = codes(texts);
    assert_string_equal(got, wanted);
    free(got);
}

#define LIST(...) ((const char *const[]){__VA_ARGS__, NULL})
#define ASSIGN "\"then\":[{\"assign\":{\"agents\":[\"ann\"]}}]"

static void what_contradicts_is_found(void **state) {
    (void)state;
    finds("", LIST(RULE("\"on\":\"opened\"," ASSIGN)));
    finds("both_assign:2 ",
        LIST(RULE("\"on\":\"opened\"," ASSIGN), RULE("\"on\":\"opened\"," ASSIGN)));
    finds("", LIST(RULE("\"on\":\"opened\"," ASSIGN), RULE("\"on\":\"reopened\"," ASSIGN)));
    finds("", LIST(RULE("\"on\":\"opened\"," ASSIGN),
                  RULE("\"on\":\"opened\",\"enabled\":false," ASSIGN)));
    finds("", LIST(RULE("\"on\":\"opened\",\"if\":{\"channels\":[\"a\"]}," ASSIGN),
                  RULE("\"on\":\"opened\"," ASSIGN)));
    finds("takes_away:1 ", LIST(RULE("\"on\":\"message\"," ASSIGN)));
    finds("undone:2 ", LIST(RULE("\"on\":\"closed\",\"then\":[{\"label\":\"a\"}]"),
                           RULE("\"on\":\"closed\",\"then\":[{\"unlabel\":\"a\"}]")));
}

static void loops_are_found(void **state) {
    (void)state;
    finds("loop:2 ",
        LIST(RULE("\"on\":\"labeled\",\"if\":{\"without\":[\"x\"]},\"then\":[{\"label\":\"x\"}]"),
            RULE("\"on\":\"labeled\",\"if\":{\"labels\":[\"x\"]},\"then\":[{\"unlabel\":\"x\"}]")));
    finds("",
        LIST(RULE("\"on\":\"labeled\",\"if\":{\"without\":[\"x\"]},\"then\":[{\"label\":\"x\"}]")));
    finds("",
        LIST(RULE("\"on\":\"labeled\",\"if\":{\"labels\":[\"a\"]},\"then\":[{\"label\":\"b\"}]"),
            RULE("\"on\":\"labeled\",\"if\":{\"labels\":[\"b\"]},\"then\":[{\"label\":\"c\"}]")));
    /* a label leads to an assignment, that to a label, ... */
    finds("loop:3 ",
        LIST(RULE("\"on\":\"labeled\",\"if\":{\"labels\":[\"x\"]}," ASSIGN),
            RULE("\"on\":\"assigned\",\"if\":{\"channels\":[\"a\"]},\"then\":[{\"unlabel\":\"x\"},{"
                 "\"label\":\"y\"}]"),
            RULE("\"on\":\"labeled\",\"if\":{\"labels\":[\"y\"]},\"then\":[{\"label\":\"x\"}]")));
}

/* --- another label --------------------------------------------------------------------------- */

#define ON(conditions, actions)                                                                    \
    "{\"name\":\"r\",\"on\":\"message\",\"if\":{" conditions "},\"then\":[" actions "]}"
#define DOES(action, label) "{\"" action "\":\"" label "\"}"

/* With "b" for "a" it is as wanted; NULL: refused with these words. */
static void relabelled(const char *rule, const char *wanted, const char *why) {
    struct err err = {0};
    json_t *j = json_of(rule), *kept = json_of(rule), *now = rule_relabel(j, "a", "b", &err);
    assert_true(json_equal(j, kept));
    assert_int_equal(err.code, wanted ? ERR_NONE : ERR_CONFLICT);
    if (why && !strstr(err.text, why))
        fail_msg("%s\n  says: %s", rule, err.text);
    if (wanted) {
        char *got = json_dumps(now, JSON_COMPACT);
        json_t *again = rule_relabel(now, "a", "b", &err);
        assert_string_equal(got, wanted);
        assert_true(json_equal(now, again));
        json_decref(again);
        free(got);
    }
    json_decref(now);
    json_decref(kept);
    json_decref(j);
}

static void becomes(const char *rule, const char *wanted) {
    relabelled(rule, wanted, NULL);
}

static void contradicts(const char *rule, const char *why) {
    relabelled(rule, NULL, why);
}

static void a_label_is_replaced(void **state) {
    struct err err = {0};
    json_t *none = json_of("{\"name\":\"r\"}"), *rule = json_of(ON("", DOES("label", "a")));
    (void)state;
    becomes(ON("\"labels\":[\"a\",\"ab\"],\"without\":[\"c\"],\"any\":[\"a\"]",
                DOES("label", "d") "," DOES("unlabel", "a") "," DOES("note", "a")),
        ON("\"labels\":[\"b\",\"ab\"],\"without\":[\"c\"],\"any\":[\"a\"]",
            DOES("label", "d") "," DOES("unlabel", "b") "," DOES("note", "a")));
    becomes(ON("\"without\":[\"a\"]", DOES("label", "a")),
        ON("\"without\":[\"b\"]", DOES("label", "b")));
    becomes("{\"name\":\"a\",\"on\":\"message\",\"then\":[{\"label\":\"c\"}]}",
        "{\"name\":\"a\",\"on\":\"message\",\"then\":[{\"label\":\"c\"}]}");
    /* what is there twice then, once; what was there twice before is nobody's business */
    becomes(ON("\"labels\":[\"c\",\"b\",\"a\",\"d\"]", DOES("label", "a") "," DOES("label", "b")),
        ON("\"labels\":[\"c\",\"b\",\"d\"]", DOES("label", "b")));
    becomes(ON("\"labels\":[\"c\",\"c\"],\"without\":[\"a\",\"b\"]", DOES("note", "x")),
        ON("\"labels\":[\"c\",\"c\"],\"without\":[\"b\"]", DOES("note", "x")));
    /* what it asked for it would rule out itself; or undo what it does */
    contradicts(ON("\"labels\":[\"a\"],\"without\":[\"b\"]", DOES("note", "x")), "name \"b\"");
    contradicts(ON("\"labels\":[\"b\"],\"without\":[\"a\"]", DOES("note", "x")), "name \"b\"");
    contradicts(ON("\"labels\":[\"a\",\"c\"],\"without\":[\"b\"]", DOES("note", "x")), "name");
    contradicts(ON("", DOES("unlabel", "a") "," DOES("label", "b")), "the label of then[0]");
    /* but that could never hold before */
    becomes(ON("\"labels\":[\"a\",\"c\"],\"without\":[\"a\"]", DOES("note", "x")),
        ON("\"labels\":[\"b\",\"c\"],\"without\":[\"b\"]", DOES("note", "x")));
    assert_null(rule_relabel(none, "a", "b", &err));
    assert_int_equal(err.code, ERR_INVALID);
    assert_null(rule_relabel(rule, "a", "\xff", &err));
    assert_int_equal(err.code, ERR_INVALID);
    assert_null(rule_relabel(rule, "a", "", &err));
    assert_int_equal(err.code, ERR_CONFLICT);
    json_decref(none);
    json_decref(rule);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_no_rule_is_told_precisely),
        cmocka_unit_test(conditions_hold_or_not),
        cmocka_unit_test(why_is_told),
        cmocka_unit_test(a_rule_is_tried_on_what_was_said),
        cmocka_unit_test(what_contradicts_is_found),
        cmocka_unit_test(loops_are_found),
        cmocka_unit_test(a_label_is_replaced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
