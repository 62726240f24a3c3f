/* round.c - events on their way to the screens. One that comes alone goes out at once. While many
 * come, the worker rests twice as long as its last round of writes took, and what came meanwhile
 * goes out together: each screen gets all that it may see of it in one write. So a quiet desk hears
 * everything at once, and a busy worker spends a third of its time on writing, however many screens
 * there are. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "push/hub_private.h"

#define EVENTS_MAX 64         /* of a round: more do not wait */
#define BYTES_MAX (64 * 1024) /* the same */
#define REST_MAX_MS 50
#define REST_MIN_US 1000 /* what takes less is not worth waiting for */
#define SIGHTS_MAX 8

enum sight { UNSEEN = '0', SEEN = '1', GONE = '2' };

struct round_event {
    struct feed_event e; /* what is borrowed in it is of this struct */
    char *cursor;
    char thread_id[ID_SIZE];
    json_t *thread, *desk;
    struct ws_frame *frame, *gone;
    size_t sent;
};

/* What screens that see the same of a round get, in one frame. */
struct sight_frame {
    char sights[EVENTS_MAX];
    struct ws_frame *frame;
};

struct round {
    struct hub *hub;
    struct round_event events[EVENTS_MAX];
    size_t n, bytes;
    struct sight_frame same[SIGHTS_MAX];
    size_t nsame;
    struct loop_timer *timer;
    uint64_t rest_until_us;
};

static bool may_see(const struct hub *hub, const struct screen *s, const struct feed_event *e) {
    const char *agent = json_string_value(json_object_get(e->desk, "agent"));
    if (e->kind == FEED_VIEWERS)
        return strcmp(s->viewing, e->thread_id) == 0;
    const char *role = json_string_value(json_object_get(e->desk, "role"));
    if (e->kind == FEED_DESK && (agent || role))
        return (agent && strcmp(s->actor.name, agent) == 0) ||
               (role && s->actor.role >= ROLE_SUPERVISOR);
    return !e->thread || users_may_see(hub->users, &s->actor, e->thread);
}

static enum sight sight_of(
    const struct hub *hub, const struct screen *s, const struct feed_event *e) {
    if (s->authenticated && may_see(hub, s, e))
        return SEEN;
    return s->authenticated && e->thread && e->kind != FEED_TYPING ? GONE : UNSEEN;
}

static struct ws_frame *frame_for(struct round_event *re, enum sight sight) {
    if (sight == GONE && !re->gone) {
        char *text = frame_of_gone(&re->e);
        re->gone = ws_frame_create(text, strlen(text));
        free(text);
    }
    return sight == GONE ? re->gone : re->frame;
}

/* All that is not unseen in one frame; NULL when too many screens see different things. */
static struct ws_frame *frame_of_sights(struct round *r, const char *sights) {
    struct ws_frame *parts[EVENTS_MAX];
    size_t n = 0;
    for (size_t i = 0; i < r->nsame; i++)
        if (memcmp(r->same[i].sights, sights, r->n) == 0)
            return r->same[i].frame;
    if (r->nsame == SIGHTS_MAX)
        return NULL;
    for (size_t i = 0; i < r->n; i++)
        if (sights[i] != UNSEEN)
            parts[n++] = frame_for(&r->events[i], (enum sight)sights[i]);
    struct sight_frame *same = &r->same[r->nsame++];
    memcpy(same->sights, sights, r->n);
    same->frame = ws_frame_join(parts, n);
    return same->frame;
}

static void send_to(struct round *r, struct screen *s) {
    char sights[EVENTS_MAX];
    size_t n = 0;
    for (size_t i = 0; i < r->n; i++) {
        sights[i] = (char)sight_of(r->hub, s, &r->events[i].e);
        n += sights[i] != UNSEEN;
        r->events[i].sent += sights[i] == SEEN;
    }
    struct ws_frame *joined = n > 1 && s->state == SCREEN_LIVE ? frame_of_sights(r, sights) : NULL;
    if (joined) {
        screen_send(s, joined);
        return;
    }
    for (size_t i = 0; n && i < r->n; i++)
        if (sights[i] != UNSEEN)
            screen_send(s, frame_for(&r->events[i], (enum sight)sights[i]));
}

static const char *kind_name(enum feed_kind kind) {
    static const char *const names[] = {
        "message", "status", "thread", "client", "typing", "presence", "viewers", "desk"};
    return names[kind];
}

static void was_sent(struct hub *hub, const struct round_event *re) {
    metrics_add(hub->env->metrics, M_PUSHED, kind_name(re->e.kind), (int64_t)re->sent);
    if (!re->sent || re->e.kind != FEED_MESSAGE)
        return;
    uint64_t now = (uint64_t)clock_ms() * 1000, written = re->e.written_us;
    metrics_observe_us(hub->env->metrics, M_PUSH_SECONDS, NULL, now > written ? now - written : 0);
    core_pushed(hub->core, re->thread_id, re->e.seq);
}

static void empty(struct round *r) {
    for (size_t i = 0; i < r->n; i++) {
        struct round_event *re = &r->events[i];
        ws_frame_release(&re->frame);
        ws_frame_release(&re->gone);
        json_decref(re->thread);
        json_decref(re->desk);
        free(re->cursor);
    }
    for (size_t i = 0; i < r->nsame; i++)
        ws_frame_release(&r->same[i].frame);
    r->n = r->nsame = r->bytes = 0;
}

void round_send(struct round *r) {
    struct hub *hub = r->hub;
    uint64_t began = clock_mono_us();
    if (!r->n)
        return;
    loop_timer_stop(&r->timer);
    for (struct screen *s = hub->sessions, *next; s; s = next) {
        next = s->next;
        if (s->state == SCREEN_GREETING || s->state == SCREEN_LIVE)
            send_to(r, s);
    }
    for (size_t i = 0; i < r->n; i++)
        was_sent(hub, &r->events[i]);
    empty(r);
    uint64_t now = clock_mono_us(), rest = 2 * (now - began);
    r->rest_until_us = rest < REST_MIN_US ? 0 : now + rest;
}

static void on_rested(void *arg) {
    round_send(arg);
}

void round_add(struct round *r, const struct feed_event *e) {
    struct round_event *re = &r->events[r->n++];
    char *text = frame_of_event(e);
    *re = (struct round_event){.e = *e,
        .cursor = mem_strdup(e->cursor),
        .thread = json_incref((json_t *)e->thread),
        .desk = json_incref((json_t *)e->desk),
        .frame = ws_frame_create(text, strlen(text))};
    r->bytes += strlen(text);
    free(text);
    snprintf(re->thread_id, sizeof re->thread_id, "%s", e->thread_id);
    /* The rest of it is in the frame. */
    re->e.cursor = re->cursor;
    re->e.thread_id = re->thread_id;
    re->e.message = re->e.client = re->e.agents = NULL;
    uint64_t now = clock_mono_us();
    if (now >= r->rest_until_us || r->n == EVENTS_MAX || r->bytes >= BYTES_MAX) {
        round_send(r);
    } else if (!r->timer) {
        uint64_t rest = (r->rest_until_us - now) / 1000 + 1;
        r->timer = loop_timer_start(
            r->hub->env->loop, rest > REST_MAX_MS ? REST_MAX_MS : rest, 0, on_rested, r);
    }
}

struct round *round_create(struct hub *hub) {
    struct round *r = mem_zalloc(sizeof *r);
    r->hub = hub;
    return r;
}

void round_destroy(struct round **rp) {
    struct round *r = *rp;
    if (!r)
        return;
    loop_timer_stop(&r->timer);
    empty(r);
    free(r);
    *rp = NULL;
}
