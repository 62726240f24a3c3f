/* push_agent_frame_test.c - agents' frames, good and bad. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "base/mem.h"
#include "push/agent_frame.h"

#define ID "01M84DM5EGXX078JEX5WYT1908"

static struct agent_frame taken(const char *text) {
    struct agent_frame f;
    struct err err;
    if (agent_frame_parse(span_str(text), &f, &err) < 0)
        fail_msg("%s: %s", text, err.text);
    return f;
}

static void refused(const char *text, enum agent_frame_kind kind, const char *id, const char *why) {
    struct agent_frame f;
    struct err err = {0};
    if (agent_frame_parse(span_str(text), &f, &err) == 0 || err.code != ERR_INVALID ||
        f.kind != kind || !strstr(err.text, why))
        fail_msg("%s: %d %s", text, err.code, err.text);
    if (id)
        assert_string_equal(f.id, id);
    else
        assert_null(f.id);
    agent_frame_free(&f);
}

static void each_kind_is_read(void **state) {
    (void)state;
    struct agent_frame f = taken("{\"type\":\"hello\",\"cursor\":\"E;0:1-0\",\"token\":\"sbt_x\"}");
    assert_int_equal(f.kind, AGENT_HELLO);
    assert_string_equal(f.cursor, "E;0:1-0");
    assert_string_equal(f.token, "sbt_x");
    agent_frame_free(&f);
    f = taken("{\"type\":\"hello\"}");
    assert_null(f.cursor);
    assert_null(f.token);
    agent_frame_free(&f);
    f = taken("{\"type\":\"read\",\"id\":\"r1\",\"thread\":\"" ID "\",\"seq\":4}");
    assert_int_equal(f.kind, AGENT_READ);
    assert_int_equal(f.seq, 4);
    assert_string_equal(f.id, "r1");
    assert_string_equal(f.thread, ID);
    agent_frame_free(&f);
    f = taken("{\"type\":\"typing\",\"thread\":\"" ID "\",\"on\":true}");
    assert_true(f.on);
    assert_null(f.id);
    agent_frame_free(&f);
    f = taken("{\"type\":\"ping\"}");
    assert_int_equal(f.kind, AGENT_PING);
    agent_frame_free(&f);
}

/* What a send and a change say more is the core's to check, as for REST. */
static void bodies_are_left_to_the_core(void **state) {
    (void)state;
    struct agent_frame f =
        taken("{\"type\":\"send\",\"id\":\"s\",\"thread\":\"" ID "\",\"text\":5,\"more\":[1]}");
    assert_int_equal(f.kind, AGENT_SEND);
    assert_int_equal(json_object_size(f.json), 5);
    agent_frame_free(&f);
    f = taken("{\"type\":\"change\",\"thread\":\"" ID "\",\"state\":\"closed\"}");
    assert_int_equal(f.kind, AGENT_CHANGE);
    agent_frame_free(&f);
}

static void bad_frames_are_refused(void **state) {
    (void)state;
    refused("", AGENT_UNKNOWN, NULL, "JSON");
    refused("[]", AGENT_UNKNOWN, NULL, "object");
    refused("{}", AGENT_UNKNOWN, NULL, "type");
    refused("{\"type\":5}", AGENT_UNKNOWN, NULL, "type");
    refused("{\"type\":\"dance\",\"id\":\"x\"}", AGENT_UNKNOWN, "x", "unknown type");
    refused("{\"type\":\"ping\",\"type\":\"ping\"}", AGENT_UNKNOWN, NULL, "JSON");
    refused("{\"type\":\"ping\",\"a\":[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]}", AGENT_UNKNOWN, NULL,
        "deeper");
    refused("{\"type\":\"hello\",\"id\":\"x\"}", AGENT_HELLO, NULL, "unknown key \"id\"");
    refused("{\"type\":\"hello\",\"cursor\":5}", AGENT_HELLO, NULL, "cursor must be a string");
    refused("{\"type\":\"hello\",\"token\":null}", AGENT_HELLO, NULL, "token");
    refused("{\"type\":\"ping\",\"id\":5}", AGENT_PING, NULL, "id must be");
    refused("{\"type\":\"ping\",\"id\":\"a b\"}", AGENT_PING, NULL, "id must be");
    refused("{\"type\":\"ping\",\"thread\":\"" ID "\"}", AGENT_PING, NULL, "unknown key");
    refused("{\"type\":\"send\",\"id\":\"x\"}", AGENT_SEND, "x", "thread");
    refused("{\"type\":\"send\",\"id\":\"x\",\"thread\":[]}", AGENT_SEND, "x", "thread");
    refused("{\"type\":\"read\",\"id\":\"x\",\"thread\":\"" ID "\"}", AGENT_READ, "x",
        "seq is missing");
    refused(
        "{\"type\":\"read\",\"thread\":\"" ID "\",\"seq\":-1}", AGENT_READ, NULL, "seq must be");
    refused(
        "{\"type\":\"read\",\"thread\":\"" ID "\",\"seq\":1.0}", AGENT_READ, NULL, "seq must be");
    refused("{\"type\":\"typing\",\"thread\":\"" ID "\",\"on\":\"yes\"}", AGENT_TYPING, NULL,
        "true or false");
    refused("{\"type\":\"typing\",\"thread\":\"" ID "\",\"on\":true,\"x\":1}", AGENT_TYPING, NULL,
        "unknown key \"x\"");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_kind_is_read),
        cmocka_unit_test(bodies_are_left_to_the_core),
        cmocka_unit_test(bad_frames_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
