/* hub.c - the push hub: a sink of the core that writes each event to every screen that may see it.
 */
#include "push/hub.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "push/hub_private.h"

#define TIMER_MS 1000
#define HELLO_MS 5000
#define RECHECK_MS 60000 /* logins that ran out by time; ended ones are told at once */

static bool wants(struct sink *sink, const char *thread) {
    (void)thread;
    return container_of(sink, struct hub, sink)->nsessions > 0;
}

static void on_event(struct sink *sink, const struct feed_event *e) {
    struct hub *hub = container_of(sink, struct hub, sink);
    if (hub->nsessions > 0)
        round_add(hub->round, e);
}

static void send_all(struct hub *hub, json_t *what) {
    round_send(hub->round); /* what came before goes before */
    char *text = json_dumps(what, JSON_COMPACT);
    struct ws_frame *f = ws_frame_create(text, strlen(text));
    for (struct screen *s = hub->sessions, *next; s; s = next) {
        next = s->next;
        if (s->authenticated)
            screen_send(s, f);
    }
    ws_frame_release(&f);
    free(text);
    json_decref(what);
}

static void on_state(struct sink *sink, bool up) {
    struct hub *hub = container_of(sink, struct hub, sink);
    hub->store_up = up;
    send_all(hub, json_pack("{s:s,s:b}", "type", "store", "up", (int)up));
}

static void on_restart(struct sink *sink) {
    struct hub *hub = container_of(sink, struct hub, sink);
    send_all(hub, json_pack("{s:s,s:s}", "type", "reset", "cursor", core_cursors(hub->core)));
}

/* A login ended: on password change, disabling, logout, on any worker. */
static void on_ended(void *arg, const char *user) {
    struct hub *hub = arg;
    for (struct screen *s = hub->sessions, *next; s; s = next) {
        next = s->next;
        if (s->authenticated && strcmp(s->actor.name, user) == 0)
            screen_check(s);
    }
}

static void on_timer(void *arg) {
    struct hub *hub = arg;
    uint64_t now = clock_mono_ms();
    for (struct screen *s = hub->sessions, *next; s; s = next) {
        next = s->next;
        if (s->state == SCREEN_NEW && now - s->opened_ms > HELLO_MS) {
            metrics_add(hub->env->metrics, M_REFUSED, "slow", 1);
            ws_close(s->ws, 1008, "hello is due within 5 seconds");
        } else if (s->authenticated && now - s->checked_ms > RECHECK_MS) {
            screen_check(s);
        }
    }
}

/* Exactly our own host, or the public URL's origin. A client that is no browser sends none. */
static bool origin_ok(void *arg, const char *origin, const char *host) {
    const struct hub *hub = arg;
    if (!origin)
        return true;
    if (hub->own_origin && strcmp(origin, hub->own_origin) == 0)
        return true;
    const char *rest = strstr(origin, "://");
    size_t scheme = rest ? (size_t)(rest - origin) : 0;
    if (!host || !rest ||
        !((scheme == 4 && memcmp(origin, "http", 4) == 0) ||
            (scheme == 5 && memcmp(origin, "https", 5) == 0)))
        return false;
    return strcmp(rest + 3, host) == 0;
}

static char *origin_of(const char *url) {
    const char *host = url ? strstr(url, "://") : NULL;
    if (!host)
        return NULL;
    return mem_strndup(url, (size_t)(host + 3 - url) + strcspn(host + 3, "/?#"));
}

struct hub *hub_create(const struct env *env, struct core *core, struct users *users,
    struct ws_server *ws, const struct hub_options *o) {
    struct hub *hub = mem_zalloc(sizeof *hub);
    hub->env = env;
    hub->core = core;
    hub->users = users;
    hub->options = *o;
    hub->options.public_url = NULL;
    hub->own_origin = origin_of(o->public_url);
    hub->store_up = store_is_up(core_store(core));
    hub->round = round_create(hub);
    hub->sink = (struct sink){
        .wants = wants, .on_event = on_event, .on_state = on_state, .on_restart = on_restart};
    core_follow(core, &hub->sink);
    users_on_ended(users, on_ended, hub);
    hub->timer = loop_timer_start(env->loop, TIMER_MS, TIMER_MS, on_timer, hub);
    ws_server_add(ws, &(struct ws_endpoint){.path = "/ws/agent",
                          .kind = "agent",
                          .frame_max = o->frame_max,
                          .queue_frames = o->queue_frames,
                          .queue_bytes = o->queue_bytes,
                          .per_ip = o->per_ip,
                          .origin_ok = origin_ok,
                          .on_open = screen_open,
                          .on_message = screen_message,
                          .on_close = screen_close,
                          .arg = hub});
    return hub;
}

void hub_destroy(struct hub **hubp) {
    struct hub *hub = *hubp;
    if (!hub)
        return;
    core_unfollow(hub->core, &hub->sink);
    loop_timer_stop(&hub->timer);
    round_destroy(&hub->round);
    free(hub->own_origin);
    free(hub);
    *hubp = NULL;
}
