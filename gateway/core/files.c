/* files.c - files that come with their message: known before it, shown with its thread. */
#include <stdlib.h>

#include "base/mem.h"
#include "core/core_private.h"
#include "store/store_media.h"

struct putting {
    core_done_fn fn;
    void *arg;
    size_t waiting;
    struct err err;
};

static void put_less(struct putting *p) {
    if (--p->waiting)
        return;
    p->fn(p->arg, p->err.code ? &p->err : NULL);
    free(p);
}

static void on_put(void *arg, const struct err *err) {
    struct putting *p = arg;
    if (err)
        p->err = *err;
    put_less(p);
}

static void put_later(void *arg) {
    put_less(arg);
}

void connector_files_put(struct connector *c, const json_t *media, core_done_fn fn, void *arg) {
    struct putting *p = mem_zalloc(sizeof *p);
    size_t i;
    json_t *one;
    *p = (struct putting){.fn = fn, .arg = arg, .waiting = json_array_size(media) + 1};
    json_array_foreach((json_t *)media, i, one) {
        store_media_put(c->core->store, json_string_value(json_object_get(one, "id")), one,
            c->channel, on_put, p);
    }
    loop_defer(c->env->loop, put_later, p);
}

static void on_shown(void *arg, json_t *list, const struct err *err) {
    struct putting *p = arg;
    (void)list;
    p->fn(p->arg, err);
    free(p);
}

void connector_files_show(
    struct connector *c, const char *thread, const json_t *media, core_done_fn fn, void *arg) {
    size_t n = json_array_size(media);
    const char **ids = mem_zalloc((n + 1) * sizeof *ids);
    struct putting *p = mem_zalloc(sizeof *p);
    *p = (struct putting){.fn = fn, .arg = arg};
    for (size_t i = 0; i < n; i++)
        ids[i] = json_string_value(json_object_get(json_array_get(media, i), "id"));
    store_media_claim(c->core->store, ids, n, c->channel, thread, on_shown, p);
    free(ids);
}
