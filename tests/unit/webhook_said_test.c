/* webhook_said_test.c - what another system may tell the webhook adapter, and what it is told of
 * what it may not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "connectors/webhook/webhook_event.h"
#include "connectors/webhook/webhook_said.h"

#define ID "01M84DM5EGXX078JEX5WYT1908"
#define REPLY(data) "{\"type\":\"message.reply\",\"data\":{\"id\":\"r1\"," data "}}"

static void good_events_pass(void **state) {
    static const struct {
        const char *event, *lane;
    } good[] = {{REPLY("\"thread\":\"" ID "\",\"text\":\"hello\""), ID},
        {REPLY("\"client\":\"" ID "\",\"text\":\"\",\"attachments\":[{\"url\":\"https://x/a\"}]"),
            ID},
        {REPLY("\"card\":\"deal/77\",\"text\":\"two\\nlines\",\"agent\":\"anna\",\"author\":\"A\","
               "\"note\":true"),
            "deal/77"},
        {"{\"type\":\"thread.assigned\",\"timestamp\":\"now\",\"data\":{\"card\":\"7\",\"agent\":"
         "null}}",
            "7"},
        {"{\"type\":\"thread.assigned\",\"data\":{\"card\":\"7\",\"agent\":\"a\",\"by\":\"B\"}}",
            "7"},
        {"{\"type\":\"client.renamed\",\"data\":{\"card\":\"7\",\"name\":\"\xd0\x90\"}}", "7"}};
    struct err err;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        json_t *event = json_loads(good[i].event, 0, NULL);
        if (webhook_said_check(event, &err) < 0)
            fail_msg("%s: %s", good[i].event, err.text);
        assert_string_equal(webhook_said_lane(event), good[i].lane);
        json_decref(event);
    }
}

static void bad_events_are_named(void **state) {
    static const struct {
        const char *event, *word;
    } bad[] = {{"[]", "type must be"}, {"{}", "type must be"}, {"{\"type\":7}", "type must be"},
        {"{\"type\":\"message.reply\"}", "data must be"},
        {REPLY("\"text\":\"x\""), "one of thread"},
        {REPLY("\"text\":\"x\",\"card\":\"a\",\"client\":\"" ID "\""), "one of thread"},
        {REPLY("\"card\":\"a\""), "text or attachments"},
        {REPLY("\"card\":\"a\",\"attachments\":[]"), "text or attachments"},
        {REPLY("\"card\":\"a\",\"attachments\":{}"), "data.attachments"},
        {REPLY("\"card\":\"a\",\"attachments\":[{\"url\":\"https://x\",\"size\":1}]"),
            "data.attachments"},
        {REPLY("\"card\":\"\",\"text\":\"x\""), "data.card"},
        {REPLY("\"thread\":\"01\",\"text\":\"x\""), "data.thread"},
        {REPLY("\"card\":\"a\",\"html\":\"<b>\""), "unknown key \"html\""},
        {"{\"type\":\"thread.assigned\",\"data\":{\"card\":\"7\"}}", "data.agent is missing"},
        {"{\"type\":\"thread.assigned\",\"data\":{\"card\":\"7\",\"agent\":\"\"}}", "data.agent"},
        {"{\"type\":\"thread.assigned\",\"data\":{\"agent\":\"a\"}}", "data.card is missing"},
        {"{\"type\":\"client.renamed\",\"data\":{\"card\":\"7\",\"name\":\"a\\nb\"}}",
            "data.name"}};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct err err = {0};
        json_t *event = json_loads(bad[i].event, 0, NULL);
        if (webhook_said_check(event, &err) == 0 || !strstr(err.text, bad[i].word))
            fail_msg("%s: %s", bad[i].event, err.text);
        json_decref(event);
    }
}

static void a_failure_is_told_once(void **state) {
    struct webhook_event a, b;
    struct err why;
    json_t *data =
        json_pack("{s:s,s:s,s:s}", "id", "r1", "card", "deal/77", "text", "nobody's business");
    (void)state;
    err_set(&why, ERR_NOT_FOUND, "no client of ours is meant by this");
    webhook_event_failed(data, &why, 1764417600000, &a);
    webhook_event_failed(data, &why, 1764417700000, &b);
    assert_string_equal(a.id, b.id);
    assert_null(strchr(a.id, '.'));
    assert_string_equal(a.body,
        "{\"type\":\"reply.failed\",\"timestamp\":\"2025-11-29T12:00:00.000Z\",\"data\":{\"id\":"
        "\"r1\",\"card\":\"deal/77\",\"error\":{\"code\":\"not_found\",\"text\":\"no client of "
        "ours "
        "is meant by this\"}}}");
    free(a.body);
    free(b.body);
    json_decref(data);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_events_pass),
        cmocka_unit_test(bad_events_are_named),
        cmocka_unit_test(a_failure_is_told_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
