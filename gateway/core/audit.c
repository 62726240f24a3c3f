/* audit.c - one entry: into the log of the process, and into the store. */
#include "core/audit.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "store/store_audit.h"

struct writing {
    const struct env *env;
    const char *what;
    store_done_fn fn;
    void *arg;
};

static void on_added(void *arg, const struct err *err) {
    struct writing *w = arg;
    if (err)
        LOG_ERROR(w->env->log, "audit.lost", LOG_S("what", w->what), LOG_E(err));
    w->fn(w->arg, err);
    free(w);
}

/* What is empty is left out: it is read as such. */
static void set(json_t *entry, const char *key, const char *value) {
    if (value && *value)
        json_object_set_new(entry, key, json_string(value));
}

void audit_write(const struct env *env, struct store *s, const struct audit_entry *e,
    store_done_fn fn, void *arg) {
    struct writing *w = mem_alloc(sizeof *w);
    json_t *entry = json_object();
    *w = (struct writing){env, e->what, fn, arg};
    set(entry, "what", e->what);
    set(entry, "by", e->by);
    set(entry, "via", e->via);
    set(entry, "address", e->address);
    set(entry, "session", e->session);
    set(entry, "subject", e->subject);
    if (json_object_size(e->detail))
        json_object_set(entry, "detail", (json_t *)e->detail);
    LOG_INFO(env->log, e->what, LOG_S("by", e->by), LOG_S("via", e->via),
        LOG_S("subject", e->subject), LOG_S("peer", e->address));
    store_audit_add(s, entry, e->refused, on_added, w);
    json_decref(entry);
}
