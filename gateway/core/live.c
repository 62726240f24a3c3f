/* live.c - what is not stored: who types, which agents are online. Workers tell each other by
 * Redis's PUBLISH; what gets lost is repeated or forgotten within seconds. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "core/core_private.h"
#include "store/store_desk.h"

#define CHANNEL_NAME "sb:live"
#define TELL_MS 10000   /* each worker repeats who is online there */
#define FORGET_MS 25000 /* a worker that was not heard of for so long is gone */
#define CHANGE_MS 500   /* changes of who is online are told together: they may be many */
#define PEERS_MAX 256
#define AGENTS_MAX 4096
#define WRITING_MS                                                                                 \
    15000 /* an agent who was last told to type so long ago does not write any more */

struct peer {
    char id[ID_SIZE];
    uint64_t heard_ms;
    json_t *agents; /* array of names */
};

struct live {
    struct core *core;
    char id[ID_SIZE];
    struct redis_lane *lane;
    struct loop_timer *timer;
    json_t *mine; /* name -> number of open screens here */
    struct peer peers[PEERS_MAX];
    size_t npeers;
    json_t *online; /* union, sorted: what was last told to the sinks */
    bool stale;     /* it has changed since */
    bool untold;    /* and of ours the other workers do not know */
    uint64_t changed_ms;
    struct loop_timer *soon;
};

static void on_published(void *arg, const struct redis_reply *r, const struct err *err) {
    (void)arg;
    (void)r;
    (void)err; /* it is repeated, or it did not matter */
}

static void publish(struct live *l, json_t *what) {
    char *text = json_dumps(what, JSON_COMPACT);
    struct span args[] = {span_str("PUBLISH"), span_str(CHANNEL_NAME), span_str(text)};
    if (store_is_up(l->core->store))
        redis_command(store_redis(l->core->store), args, ARRAY_LEN(args), on_published, NULL);
    free(text);
    json_decref(what);
}

void live_publish(struct core *core, json_t *what) {
    if (core->live)
        publish(core->live, what);
    else
        json_decref(what);
}

static void tell(struct live *l) {
    json_t *names = json_array();
    const char *name;
    json_t *n;
    json_object_foreach(l->mine, name, n) {
        json_array_append_new(names, json_string(name));
    }
    publish(l, json_pack("{s:s,s:s,s:o}", "t", "presence", "w", l->id, "agents", names));
}

static int by_name(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The union of all workers' agents, sorted. */
static json_t *unite(const struct live *l) {
    json_t *seen = json_object(), *out = json_array();
    const char *names[AGENTS_MAX], *name;
    size_t n = 0, k;
    json_t *v;
    json_object_foreach(l->mine, name, v) {
        json_object_set_new(seen, name, json_true());
    }
    for (size_t i = 0; i < l->npeers; i++) {
        json_array_foreach(l->peers[i].agents, k, v) {
            if (json_is_string(v))
                json_object_set_new(seen, json_string_value(v), json_true());
        }
    }
    json_object_foreach(seen, name, v) {
        if (n < AGENTS_MAX)
            names[n++] = name;
    }
    qsort(names, n, sizeof *names, by_name);
    for (k = 0; k < n; k++)
        json_array_append_new(out, json_string(names[k]));
    json_decref(seen);
    return out;
}

static void refresh(struct live *l) {
    json_t *now = unite(l);
    if (json_equal(now, l->online)) {
        json_decref(now);
        return;
    }
    json_decref(l->online);
    l->online = now;
    struct feed_event e = {
        .kind = FEED_PRESENCE, .cursor = "", .thread_id = "", .agents = l->online};
    feed_publish(l->core, &e);
}

static void catch_up(void *arg) {
    struct live *l = arg;
    loop_timer_stop(&l->soon);
    l->changed_ms = clock_mono_ms();
    l->stale = false;
    refresh(l);
    if (l->untold)
        tell(l);
    l->untold = false;
}

/* At once when it is the first for a while. Each list has all names, so one a change would be a
 * flood when everybody comes back after a restart. */
static void changed(struct live *l) {
    uint64_t since = clock_mono_ms() - l->changed_ms;
    l->stale = true;
    if (since >= CHANGE_MS)
        catch_up(l);
    else if (!l->soon)
        l->soon = loop_timer_start(l->core->env->loop, CHANGE_MS - since, 0, catch_up, l);
}

static void hear_presence(struct live *l, const json_t *what) {
    const char *id = json_string_value(json_object_get(what, "w"));
    struct peer *p = NULL;
    if (!id || !id_is_valid(id) || strcmp(id, l->id) == 0)
        return;
    for (size_t i = 0; i < l->npeers && !p; i++)
        if (strcmp(l->peers[i].id, id) == 0)
            p = &l->peers[i];
    if (!p && l->npeers < PEERS_MAX) {
        p = &l->peers[l->npeers++];
        memset(p, 0, sizeof *p);
        memcpy(p->id, id, ID_SIZE);
    }
    if (!p)
        return;
    json_decref(p->agents);
    p->agents = json_incref(json_object_get(what, "agents"));
    p->heard_ms = clock_mono_ms();
    changed(l);
}

static void hear_typing(struct live *l, const json_t *what) {
    const char *thread = json_string_value(json_object_get(what, "thread"));
    const char *who = json_string_value(json_object_get(what, "who"));
    if (!id_is_valid(thread) || !who)
        return;
    struct feed_event e = {.kind = FEED_TYPING,
        .cursor = "",
        .thread_id = thread,
        .thread = json_object_get(what, "seen_by"),
        .typing_who = who,
        .typing_on = json_is_true(json_object_get(what, "on"))};
    feed_publish(l->core, &e);
}

static void hear_desk(struct live *l, const json_t *what) {
    const char *changed = json_string_value(json_object_get(what, "what"));
    if (changed && strcmp(changed, "rules") == 0)
        rules_changed(l->core);
    struct feed_event e = {.kind = FEED_DESK, .cursor = "", .thread_id = "", .desk = what};
    terms_news(l->core, changed ? changed : "");
    feed_publish(l->core, &e);
}

static void on_live(void *arg, struct span payload) {
    struct live *l = arg;
    json_t *what = json_loadb(payload.p, payload.n, 0, NULL);
    const char *t = json_string_value(json_object_get(what, "t"));
    if (t && strcmp(t, "presence") == 0)
        hear_presence(l, what);
    else if (t && strcmp(t, "typing") == 0)
        hear_typing(l, what);
    else if (t && strcmp(t, "view") == 0)
        viewers_hear(l->core, what);
    else if (t && strcmp(t, "desk") == 0)
        hear_desk(l, what);
    json_decref(what);
}

static void on_timer(void *arg) {
    struct live *l = arg;
    uint64_t now = clock_mono_ms();
    for (size_t i = 0; i < l->npeers;) {
        if (now - l->peers[i].heard_ms < FORGET_MS) {
            i++;
            continue;
        }
        json_decref(l->peers[i].agents);
        l->peers[i] = l->peers[--l->npeers];
    }
    l->untold = true;
    catch_up(l);
}

/* What was told while we did not hear is not repeated: look. */
static void on_lane_up(void *arg) {
    struct live *l = arg;
    tell(l);
    terms_news(l->core, NULL);
}

void live_start(struct core *core) {
    struct live *l = mem_zalloc(sizeof *l);
    l->core = core;
    l->mine = json_object();
    l->online = json_array();
    id_make(0, l->id);
    core->live = l;
    l->lane = redis_lane_create(store_redis(core->store), on_lane_up, l);
    redis_lane_subscribe(l->lane, CHANNEL_NAME, on_live, l);
    l->timer = loop_timer_start(core->env->loop, TELL_MS, TELL_MS, on_timer, l);
}

void live_stop(struct core *core) {
    struct live *l = core->live;
    if (!l)
        return;
    core->live = NULL;
    json_object_clear(l->mine);
    tell(l); /* the others need not wait until we are forgotten */
    redis_lane_destroy(&l->lane);
    loop_timer_stop(&l->timer);
    loop_timer_stop(&l->soon);
    for (size_t i = 0; i < l->npeers; i++)
        json_decref(l->peers[i].agents);
    json_decref(l->mine);
    json_decref(l->online);
    free(l);
}

/* --- typing ---------------------------------------------------------------------------------- */

/* seen_by: as much of the thread as tells who may see it; NULL when all may. */
static void publish_typing(
    struct live *l, const char *thread, const char *who, bool on, json_t *seen_by) {
    json_t *what =
        json_pack("{s:s,s:s,s:s,s:b}", "t", "typing", "thread", thread, "who", who, "on", on);
    if (seen_by)
        json_object_set_new(what, "seen_by", seen_by);
    publish(l, what);
}

/* The first who writes has the floor (append.lua): others are told before they send. */
static void writes(struct core *core, const char *thread, const char *agent, bool on) {
    store_writer(core->store, thread, agent, on ? WRITING_MS : 0, NULL, NULL);
}

struct typing {
    struct core *core;
    struct actor actor; /* name "" for a client */
    char thread[ID_SIZE];
    bool on;
};

static void on_typing_thread(void *arg, json_t *result, const struct err *err) {
    struct typing *t = arg;
    const json_t *thread = json_object_get(result, "thread");
    bool is_agent = t->actor.name[0] != '\0';
    if (!err && t->core->live && (!is_agent || users_may_see(t->core->users, &t->actor, thread))) {
        publish_typing(t->core->live, t->thread, is_agent ? t->actor.name : "client", t->on,
            json_pack("{s:O}", "assignee", json_object_get(thread, "assignee")));
        if (is_agent)
            writes(t->core, t->thread, t->actor.name, t->on);
    }
    free(t);
}

/* Where agents see only what is theirs, whose the thread is has to be known first. */
static void type(struct core *core, const struct actor *actor, const char *thread, bool on) {
    if (!core->live || !id_is_valid(thread))
        return;
    if (users_see_all(core->users)) {
        publish_typing(core->live, thread, actor ? actor->name : "client", on, NULL);
        if (actor)
            writes(core, thread, actor->name, on);
        return;
    }
    struct typing *t = mem_zalloc(sizeof *t);
    t->core = core;
    t->on = on;
    if (actor)
        t->actor = *actor;
    memcpy(t->thread, thread, ID_SIZE);
    store_thread(core->store, thread, on_typing_thread, t);
}

void live_client_typing(struct core *core, const char *thread, bool on) {
    type(core, NULL, thread, on);
}

/* Channels show it to the client in their own way. */
struct shown {
    struct core *core;
    struct actor actor;
    bool on;
};

static void on_typing_to(void *arg, json_t *result, const struct err *err) {
    struct shown *t = arg;
    const json_t *thread = json_object_get(result, "thread"), *to = json_object_get(result, "to");
    const char *name = json_string_value(json_object_get(thread, "channel"));
    struct channel *ch = err || !name ? NULL : core_channel(t->core, name);
    if (ch && ch->connector->ops->typing && !t->core->stopped &&
        users_may_see(t->core->users, &t->actor, thread)) {
        struct identity who = {.kind = json_string_value(json_object_get(to, "kind")),
            .address = json_string_value(json_object_get(to, "address"))};
        ch->connector->ops->typing(
            ch->connector, &who, json_string_value(json_object_get(to, "route")), t->on);
    }
    free(t);
}

void core_typing(struct core *core, const struct actor *a, const char *thread, bool on) {
    bool any = false;
    type(core, a, thread, on);
    for (size_t i = 0; i < core->nchannels && !any; i++)
        any = core->channels[i]->connector->ops->typing != NULL;
    if (!any || !id_is_valid(thread))
        return;
    struct shown *t = mem_alloc(sizeof *t);
    *t = (struct shown){core, *a, on};
    store_delivery(core->store, thread, 0, on_typing_to, t);
}

/* --- reading --------------------------------------------------------------------------------- */

static void on_read_to(void *arg, json_t *result, const struct err *err) {
    struct core *core = arg;
    const json_t *thread = json_object_get(result, "thread"), *to = json_object_get(result, "to");
    const char *name = json_string_value(json_object_get(thread, "channel"));
    struct channel *ch = err || !name ? NULL : core_channel(core, name);
    if (!ch || !ch->connector->ops->read || core->stopped)
        return;
    struct identity who = {.kind = json_string_value(json_object_get(to, "kind")),
        .address = json_string_value(json_object_get(to, "address"))};
    ch->connector->ops->read(ch->connector, &who, json_string_value(json_object_get(to, "route")));
}

void live_was_read(struct core *core, const char *thread) {
    bool any = false;
    for (size_t i = 0; i < core->nchannels && !any; i++)
        any = core->channels[i]->connector->ops->read != NULL;
    if (any)
        store_delivery(core->store, thread, 0, on_read_to, core);
}

/* --- presence -------------------------------------------------------------------------------- */

void core_presence(struct core *core, const char *agent, int delta) {
    struct live *l = core->live;
    if (!l)
        return;
    json_int_t was = json_integer_value(json_object_get(l->mine, agent));
    json_int_t now = was + delta;
    if (now > 0)
        json_object_set_new(l->mine, agent, json_integer(now));
    else
        json_object_del(l->mine, agent);
    if ((was > 0) != (now > 0)) {
        l->untold = true;
        changed(l);
    }
}

json_t *core_online(const struct core *core) {
    if (!core->live)
        return json_array();
    return core->live->stale ? unite(core->live) : json_incref(core->live->online);
}
