/* api_system.c - how the installation is, and what is wrong with it. */
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include "api/api_private.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/version.h"
#include "core/system.h"
#include "loop/loop_versions.h"

struct looking {
    struct call *call;
    char *data_dir;
    int64_t free_bytes, total_bytes; /* 0, 0: not known */
};

/* In the thread pool: a disk may take its time. */
static void look_at_disk(void *arg) {
    struct looking *l = arg;
    struct statvfs v;
    if (statvfs(l->data_dir, &v) < 0)
        return;
    l->free_bytes = (int64_t)v.f_bavail * (int64_t)v.f_frsize;
    l->total_bytes = (int64_t)v.f_blocks * (int64_t)v.f_frsize;
}

static json_t *libraries(void) {
    struct buf text;
    json_t *list = json_array();
    buf_init(&text, 4096);
    loop_versions(&text);
    for (const char *at = buf_str(&text); *at;) {
        size_t n = strcspn(at, ",");
        json_array_append_new(list, json_stringn(at, n));
        at += n;
        at += strspn(at, ", ");
    }
    buf_free(&text);
    return list;
}

static void on_system(void *arg, json_t *result, const struct err *err) {
    struct looking *l = arg;
    struct call *c = l->call;
    if (err) {
        call_err(c, err);
    } else {
        json_t *out = json_copy(result), *channels = core_channels(c->api->core);
        json_object_set_new(out, "version", json_string(SB_VERSION));
        json_object_set_new(out, "libraries", libraries());
        json_object_set_new(out, "disk",
            json_pack("{s:I,s:I}", "free_bytes", (json_int_t)l->free_bytes, "total_bytes",
                (json_int_t)l->total_bytes));
        json_object_set(out, "channels", json_object_get(channels, "channels"));
        json_object_set_new(out, "problems", system_problems(out, clock_ms()));
        json_object_del(out, "channels"); /* they are asked for elsewhere */
        json_decref(channels);
        call_ok(c, 200, out);
    }
    free(l->data_dir);
    free(l);
}

static void on_disk(void *arg) {
    struct looking *l = arg;
    core_system(l->call->api->core, on_system, l);
}

static void system_get(struct call *c) {
    struct looking *l = mem_zalloc(sizeof *l);
    l->call = c;
    l->data_dir = mem_strdup(c->api->options.data_dir);
    loop_work(c->api->env.loop, look_at_disk, on_disk, l);
}

HANDLER(api_system) {
    api_begin(api, x, SCOPE_ADMIN, ROLE_ADMIN, system_get);
}
