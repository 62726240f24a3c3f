/* viewers.c - which agents look at which thread. Not stored: workers tell each other when it
 * changes, and repeat all of it now and then, so that what got lost is right again within seconds.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "core/core_private.h"

#define TELL_MS 10000
#define FORGET_MS 25000
#define THREADS_MAX 20000 /* looked at, on all workers */
#define AGENTS_MAX 50     /* of one thread, that are told */

struct viewers {
    struct core *core;
    char id[ID_SIZE];
    struct loop_timer *timer;
    json_t *mine; /* thread -> agent -> screens here */
    json_t *all;  /* thread -> agent -> worker -> heard ms */
};

static json_t *inner(json_t *o, const char *key, bool make) {
    json_t *in = json_object_get(o, key);
    if (!in && make) {
        in = json_object();
        json_object_set_new(o, key, in);
    }
    return in;
}

json_t *core_viewers(const struct core *core, const char *thread) {
    json_t *out = json_array(), *v;
    const char *agent;
    json_object_foreach(
        core->viewers ? json_object_get(core->viewers->all, thread) : NULL, agent, v) {
        if (json_array_size(out) < AGENTS_MAX)
            json_array_append_new(out, json_string(agent));
    }
    return out;
}

static void show(struct viewers *v, const char *thread) {
    json_t *agents = core_viewers(v->core, thread);
    struct feed_event e = {
        .kind = FEED_VIEWERS, .cursor = "", .thread_id = thread, .agents = agents};
    feed_publish(v->core, &e);
    json_decref(agents);
}

/* Takes a worker's word about an agent out; true when nobody says any more that he looks. */
static bool forget(struct viewers *v, const char *thread, const char *agent, const char *worker) {
    json_t *agents = json_object_get(v->all, thread), *workers = json_object_get(agents, agent);
    json_object_del(workers, worker);
    if (!workers || json_object_size(workers) > 0)
        return false;
    json_object_del(agents, agent);
    if (json_object_size(agents) == 0)
        json_object_del(v->all, thread);
    return true;
}

static void looks(
    struct viewers *v, const char *thread, const char *agent, const char *worker, bool on) {
    bool changed = false;
    if (!on) {
        changed = forget(v, thread, agent, worker);
    } else if (json_object_get(v->all, thread) || json_object_size(v->all) < THREADS_MAX) {
        json_t *agents = inner(v->all, thread, true);
        changed = !json_object_get(agents, agent);
        json_object_set_new(
            inner(agents, agent, true), worker, json_integer((json_int_t)clock_mono_ms()));
    }
    if (changed)
        show(v, thread);
}

static void tell(struct viewers *v, const char *thread, const char *agent, bool on) {
    live_publish(v->core, json_pack("{s:s,s:s,s:s,s:s,s:b}", "t", "view", "w", v->id, "thread",
                              thread, "agent", agent, "on", (int)on));
}

void viewers_hear(struct core *core, const json_t *what) {
    const char *worker = json_string_value(json_object_get(what, "w"));
    const char *thread = json_string_value(json_object_get(what, "thread"));
    const char *agent = json_string_value(json_object_get(what, "agent"));
    struct viewers *v = core->viewers;
    if (v && worker && agent && id_is_valid(thread) && strcmp(worker, v->id) != 0)
        looks(v, thread, agent, worker, json_is_true(json_object_get(what, "on")));
}

void core_view(struct core *core, const char *thread, const char *agent, int delta) {
    struct viewers *v = core->viewers;
    if (!v)
        return;
    json_t *agents = inner(v->mine, thread, true);
    json_int_t was = json_integer_value(json_object_get(agents, agent)), now = was + delta;
    if (now > 0)
        json_object_set_new(agents, agent, json_integer(now));
    else
        json_object_del(agents, agent);
    if (json_object_size(agents) == 0)
        json_object_del(v->mine, thread);
    if ((was > 0) == (now > 0))
        return;
    looks(v, thread, agent, v->id, now > 0);
    tell(v, thread, agent, now > 0);
}

/* Workers that were not heard of are forgotten: a copy of the names is walked, since each is taken
 * out. */
static void sweep(struct viewers *v, const char *thread, json_t *agents) {
    json_int_t now = (json_int_t)clock_mono_ms();
    json_t *copy = json_deep_copy(agents), *workers, *heard;
    const char *agent, *worker;
    bool gone = false;
    json_object_foreach(copy, agent, workers) {
        json_object_foreach(workers, worker, heard) {
            if (strcmp(worker, v->id) != 0 && now - json_integer_value(heard) > FORGET_MS)
                gone |= forget(v, thread, agent, worker);
        }
    }
    json_decref(copy);
    if (gone)
        show(v, thread);
}

static void on_timer(void *arg) {
    struct viewers *v = arg;
    json_t *copy = json_copy(v->all), *agents, *n;
    const char *thread, *agent;
    json_object_foreach(copy, thread, agents) {
        sweep(v, thread, agents);
    }
    json_decref(copy);
    json_object_foreach(v->mine, thread, agents) {
        json_object_foreach(agents, agent, n) {
            tell(v, thread, agent, true);
        }
    }
}

void viewers_start(struct core *core) {
    struct viewers *v = mem_zalloc(sizeof *v);
    v->core = core;
    v->mine = json_object();
    v->all = json_object();
    id_make(0, v->id);
    core->viewers = v;
    v->timer = loop_timer_start(core->env->loop, TELL_MS, TELL_MS, on_timer, v);
}

void viewers_stop(struct core *core) {
    struct viewers *v = core->viewers;
    const char *thread, *agent;
    json_t *agents, *n;
    if (!v)
        return;
    json_object_foreach(v->mine, thread, agents) {
        json_object_foreach(agents, agent, n) {
            tell(v, thread, agent, false); /* the others need not wait until we are forgotten */
        }
    }
    core->viewers = NULL;
    loop_timer_stop(&v->timer);
    json_decref(v->mine);
    json_decref(v->all);
    free(v);
}
