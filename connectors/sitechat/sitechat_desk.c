/* sitechat_desk.c - which sessions follow which thread, and what the core tells of it. Every worker
 * has its own desk; a message reaches each through the events in Redis. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "connectors/sitechat/sitechat_private.h"

#define HELLO_MS 5000
#define TICK_MS 1000

static size_t bucket(const char *key) {
    return id_hash_shard(key, strlen(key), SESSION_BUCKETS);
}

/* --- indexes --------------------------------------------------------------------------------- */

static void leave_thread(struct session *s) {
    struct session **at = &s->desk->by_thread[bucket(s->thread)];
    while (*at && *at != s)
        at = &(*at)->thread_next;
    if (*at)
        *at = s->thread_next;
    s->thread_next = NULL;
    s->thread[0] = '\0';
}

void desk_follow_thread(struct session *s, const char *thread) {
    if (s->thread[0])
        leave_thread(s);
    if (!*thread || s->state == SESSION_CLOSED)
        return;
    memcpy(s->thread, thread, ID_SIZE);
    struct session **head = &s->desk->by_thread[bucket(thread)];
    s->thread_next = *head;
    *head = s;
}

void desk_add_visitor(struct session *s) {
    struct session **head = &s->desk->by_visitor[bucket(s->visitor)];
    s->visitor_next = *head;
    *head = s;
}

void desk_forget(struct session *s) {
    struct desk *d = s->desk;
    struct session **at = &d->by_visitor[bucket(s->visitor)];
    if (s->thread[0])
        leave_thread(s);
    while (*at && *at != s)
        at = &(*at)->visitor_next;
    if (*at)
        *at = s->visitor_next;
    *(s->prev ? &s->prev->next : &d->sessions) = s->next;
    if (s->next)
        s->next->prev = s->prev;
}

unsigned desk_sessions_of(const struct desk *d, const char *visitor) {
    unsigned n = 0;
    for (const struct session *s = d->by_visitor[bucket(visitor)]; s; s = s->visitor_next)
        n += strcmp(s->visitor, visitor) == 0;
    return n;
}

void desk_share_thread(struct session *s) {
    for (struct session *o = s->desk->by_visitor[bucket(s->visitor)]; o; o = o->visitor_next) {
        if (o == s || o->thread[0] || o->state != SESSION_LIVE || o->site != s->site ||
            strcmp(o->visitor, s->visitor) != 0 || strcmp(o->who.address, s->who.address) != 0)
            continue;
        desk_follow_thread(o, s->thread);
        session_catch_up(o);
    }
}

struct sitechat *desk_site(const struct desk *d, const char *name) {
    struct connector *c = name ? connector_find(d->first->base.core, "sitechat", name) : NULL;
    return c ? container_of(c, struct sitechat, base) : NULL;
}

/* --- what the core tells --------------------------------------------------------------------- */

static bool on_wants(struct sink *sink, const char *thread_id) {
    const struct desk *d = container_of(sink, struct desk, sink);
    if (!*thread_id)
        return false;
    for (const struct session *s = d->by_thread[bucket(thread_id)]; s; s = s->thread_next)
        if (strcmp(s->thread, thread_id) == 0)
            return true;
    return false;
}

static void on_thread(struct session *s, const json_t *thread) {
    int64_t read = json_integer_value(json_object_get(thread, "agent_read_seq"));
    if (json_is_string(json_object_get(thread, "merged_into"))) {
        s->again = true; /* for one that is being greeted */
        if (s->state == SESSION_LIVE)
            session_refresh(s);
        return;
    }
    if (read <= s->agents_read)
        return;
    s->agents_read = read; /* a ready that is to come says it */
    if (s->state != SESSION_LIVE)
        return;
    session_send(s,
        json_pack("{s:s,s:I,s:s}", "type", "status", "upto", (json_int_t)read, "status", "read"));
}

static void on_one(struct session *s, const struct feed_event *e) {
    const char *state = json_string_value(json_object_get(e->thread, "state"));
    if (state) /* also with the message that opened it, or the event that closed it */
        session_state(s, strcmp(state, "closed") == 0);
    if (e->kind == FEED_TYPING) {
        if (s->state == SESSION_LIVE && strcmp(e->typing_who, "client") != 0)
            session_send(s, json_pack("{s:s,s:b}", "type", "typing", "on", (int)e->typing_on));
    } else if (e->kind == FEED_THREAD) {
        on_thread(s, e->thread);
    } else if (s->state != SESSION_LIVE || s->catching) {
        s->again = true;
    } else if (e->kind == FEED_MESSAGE) {
        int64_t seq = json_integer_value(json_object_get(e->message, "seq"));
        if (seq > s->cursor + 1)
            session_catch_up(s); /* something between was missed, e.g. while Redis was away */
        else
            session_push(s, e->message);
    }
}

static void on_presence(struct desk *d, bool online) {
    if (online == d->online)
        return;
    d->online = online;
    for (struct session *s = d->sessions, *next; s; s = next) {
        next = s->next;
        if (s->state == SESSION_LIVE)
            session_send(s, json_pack("{s:s,s:b}", "type", "online", "on", (int)online));
    }
}

static void on_event(struct sink *sink, const struct feed_event *e) {
    struct desk *d = container_of(sink, struct desk, sink);
    if (e->kind == FEED_PRESENCE) {
        on_presence(d, json_array_size(e->agents) > 0);
        return;
    }
    if (!e->thread_id[0])
        return;
    for (struct session *s = d->by_thread[bucket(e->thread_id)], *next; s; s = next) {
        next = s->thread_next;
        if (strcmp(s->thread, e->thread_id) == 0)
            on_one(s, e);
    }
}

static void refresh_all(struct desk *d) {
    for (struct session *s = d->sessions, *next; s; s = next) {
        next = s->next;
        if (s->state == SESSION_LIVE)
            session_refresh(s);
    }
}

static void on_state(struct sink *sink, bool store_up) {
    if (store_up)
        refresh_all(container_of(sink, struct desk, sink));
}

static void on_restart(struct sink *sink) {
    refresh_all(container_of(sink, struct desk, sink));
}

/* --- life ------------------------------------------------------------------------------------ */

static void on_tick(void *arg) {
    struct desk *d = arg;
    uint64_t now = clock_mono_ms();
    for (struct session *s = d->sessions, *next; s; s = next) {
        next = s->next;
        if (s->state == SESSION_NEW && now - s->opened_ms > HELLO_MS)
            session_end(s, 1008, "timeout", "no hello within 5 seconds");
    }
}

struct desk *desk_create(struct sitechat *first) {
    struct desk *d = mem_zalloc(sizeof *d);
    d->first = first;
    d->env = first->base.env;
    d->sink = (struct sink){
        .wants = on_wants, .on_event = on_event, .on_state = on_state, .on_restart = on_restart};
    d->timer = loop_timer_start(d->env->loop, TICK_MS, TICK_MS, on_tick, d);
    d->online = connector_agents_online(&first->base);
    connector_follow(&first->base, &d->sink);
    return d;
}

void desk_destroy(struct desk **d) {
    if (*d)
        loop_timer_stop(&(*d)->timer);
    free(*d);
    *d = NULL;
}
