/* core_system_test.c - what is wrong with an installation, in words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "core/system.h"

#define NOW 1764331200000LL /* 2025-11-28T12:00:00Z */

static const char *const well =
    "{\"workers\":[{\"pid\":1,\"version\":\"1\",\"lag_ms\":3},{\"pid\":2,\"version\":\"1\","
    "\"lag_ms\":199}],\"redis\":{\"memory_bytes\":84,\"memory_max_bytes\":100,"
    "\"policy\":\"noeviction\",\"role\":\"master\",\"append_only\":true,\"append_fsync\":"
    "\"always\","
    "\"write_ok\":true,\"latency_ms\":1.5},\"shards\":[{\"shard\":0,\"owner\":\"a\"}],"
    "\"queues\":[{\"queue\":\"crm:main\",\"n\":1,\"oldest_at\":\"2025-11-28T11:55:01.000Z\"},"
    "{\"queue\":\"out:site\",\"n\":0,\"oldest_at\":null}],\"dead\":0,"
    "\"disk\":{\"free_bytes\":5,\"total_bytes\":100},\"channels\":[{\"name\":\"site\","
    "\"state\":\"ready\"}]}";

/* The codes found when these keys (of a part, or of the whole) are another. */
static char *codes_of(const char *part, const char *change) {
    json_t *system = json_loads(well, 0, NULL), *patch = json_loads(change, 0, NULL);
    char *out = mem_strdup("");
    size_t i;
    json_t *p;
    assert_non_null(system);
    assert_non_null(patch);
    json_object_update(part ? json_object_get(system, part) : system, patch);
    json_t *problems = system_problems(system, NOW);
    json_array_foreach(problems, i, p) {
        char *more = mem_printf("%s%s%s:%s", out, i ? " " : "",
            json_string_value(json_object_get(p, "level")),
            json_string_value(json_object_get(p, "code")));
        assert_true(json_string_length(json_object_get(p, "text")) > 10);
        free(out);
        out = more;
    }
    json_decref(problems);
    json_decref(system);
    json_decref(patch);
    return out;
}

static void check(const char *part, const char *change, const char *wanted) {
    char *found = codes_of(part, change);
    assert_string_equal(found, wanted);
    free(found);
}

static void nothing_is_wrong(void **state) {
    (void)state;
    check(NULL, "{}", "");
    check("redis", "{\"append_fsync\":null}", "");
    check("redis", "{\"memory_max_bytes\":0,\"policy\":\"allkeys-lru\"}", "");
    check("disk", "{\"total_bytes\":0,\"free_bytes\":0}", "");
}

static void each_thing_that_is_wrong(void **state) {
    (void)state;
    check("redis", "{\"write_ok\":false}", "bad:redis_disk");
    check("redis", "{\"append_only\":false}", "bad:redis_volatile");
    check("redis", "{\"append_fsync\":\"everysec\"}", "warn:redis_fsync");
    check("redis", "{\"role\":\"slave\"}", "bad:redis_replica");
    check("redis", "{\"memory_bytes\":85}", "warn:redis_memory");
    check("redis", "{\"memory_bytes\":95}", "bad:redis_memory");
    check("redis", "{\"policy\":\"allkeys-lru\"}", "bad:redis_evicts");
    check("redis", "{\"latency_ms\":100.5}", "warn:redis_slow");
    check("disk", "{\"free_bytes\":4}", "bad:disk");
    check(NULL, "{\"workers\":[{\"pid\":1,\"version\":\"1\",\"lag_ms\":200}]}", "warn:worker_slow");
    check(NULL,
        "{\"workers\":[{\"pid\":1,\"version\":\"1\",\"lag_ms\":0},{\"pid\":2,\"version\":\"2\","
        "\"lag_ms\":0}]}",
        "warn:versions");
    check(NULL, "{\"shards\":[{\"shard\":0,\"owner\":null}]}", "warn:unowned");
    check(NULL, "{\"channels\":[{\"name\":\"sales\",\"state\":\"lost\"}]}", "bad:channel");
    check(NULL,
        "{\"channels\":[{\"name\":\"sales\",\"state\":\"ready\",\"paused\":{\"by\":\"x\"}}]}",
        "warn:paused");
    check(NULL,
        "{\"queues\":[{\"queue\":\"crm:main\",\"n\":1,"
        "\"oldest_at\":\"2025-11-28T11:55:00.000Z\"}]}",
        "warn:queue_old");
    check(NULL, "{\"dead\":1}", "warn:dead");
}

static void the_worst_stand_first(void **state) {
    (void)state;
    check(NULL,
        "{\"dead\":1,\"shards\":[{\"shard\":0,\"owner\":null}],\"channels\":[{\"name\":\"b\","
        "\"state\":\"lost\"}],\"disk\":{\"free_bytes\":1,\"total_bytes\":100}}",
        "bad:disk bad:channel warn:unowned warn:dead");
    check(NULL, "{\"workers\":null,\"redis\":null,\"queues\":{},\"disk\":[],\"channels\":5}",
        "bad:redis_disk bad:redis_volatile");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_wrong),
        cmocka_unit_test(each_thing_that_is_wrong),
        cmocka_unit_test(the_worst_stand_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
