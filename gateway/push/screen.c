/* screen.c - one agent's screen: hello, who it is, what it missed, then live. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "push/hub_private.h"

/* --- life ------------------------------------------------------------------------------------ */

void screen_ref(struct screen *s) {
    s->refs++;
}

static void drop_held(struct screen *s) {
    for (size_t i = 0; i < s->nheld; i++)
        ws_frame_release(&s->held[i]);
    free(s->held);
    s->held = NULL;
    s->nheld = 0;
}

void screen_unref(struct screen *s) {
    if (--s->refs)
        return;
    drop_held(s);
    free(s->cookie);
    free(s->token);
    free(s);
}

void screen_open(struct ws_session *ws, void *arg) {
    struct hub *hub = arg;
    struct screen *s = mem_zalloc(sizeof *s);
    const char *bearer = ws_header(ws, "authorization");
    s->hub = hub;
    s->ws = ws;
    s->refs = 1;
    s->opened_ms = clock_mono_ms();
    s->cookie = mem_strdup(ws_cookie(ws, "sb_session"));
    if (bearer && strncasecmp(bearer, "Bearer ", 7) == 0)
        s->token = mem_strdup(bearer + 7);
    s->next = hub->sessions;
    if (s->next)
        s->next->prev = s;
    hub->sessions = s;
    ws_set_user(ws, s);
}

void screen_close(struct ws_session *ws, void *arg) {
    struct hub *hub = arg;
    struct screen *s = ws_user(ws);
    if (!s)
        return;
    ws_set_user(ws, NULL);
    if (s->prev)
        s->prev->next = s->next;
    else
        hub->sessions = s->next;
    if (s->next)
        s->next->prev = s->prev;
    if (s->state == SCREEN_GREETING || s->state == SCREEN_LIVE)
        hub->nsessions--;
    if (s->authenticated)
        core_presence(hub->core, s->actor.name, -1);
    if (s->viewing[0])
        core_view(hub->core, s->viewing, s->actor.name, -1);
    s->viewing[0] = '\0';
    s->state = SCREEN_CLOSED;
    s->ws = NULL;
    screen_unref(s);
}

/* --- writing --------------------------------------------------------------------------------- */

void screen_send(struct screen *s, struct ws_frame *f) {
    if (s->state == SCREEN_CLOSED)
        return;
    if (s->state == SCREEN_LIVE) {
        ws_send(s->ws, f);
        return;
    }
    /* What happens while the past is being replayed waits, or it would come before its past. */
    if (s->nheld == SCREEN_HELD_MAX) {
        ws_close(s->ws, 1013, "too much at once: come back with your cursor");
        return;
    }
    if (!s->held)
        s->held = mem_alloc(SCREEN_HELD_MAX * sizeof *s->held);
    s->held[s->nheld++] = ws_frame_ref(f);
}

static void send_now(struct screen *s, json_t *frame) {
    char *text = json_dumps(frame, JSON_COMPACT);
    if (text && s->state != SCREEN_CLOSED)
        ws_send_text(s->ws, text, strlen(text));
    free(text);
    json_decref(frame);
}

void screen_send_json(struct screen *s, json_t *frame) {
    send_now(s, frame);
}

void screen_error(struct screen *s, const char *id, const char *code, const char *detail) {
    json_t *f = json_pack("{s:s,s:s,s:s}", "type", "error", "code", code, "detail", detail);
    if (id)
        json_object_set_new(f, "id", json_string(id));
    metrics_add(s->hub->env->metrics, M_REFUSED, "bad_frame", 1);
    send_now(s, f);
}

/* --- hello ----------------------------------------------------------------------------------- */

static void go_live(struct screen *s) {
    struct hub *hub = s->hub;
    json_t *online = core_online(hub->core);
    json_t *agent = json_pack("{s:s,s:s,s:s,s:s}", "name", s->actor.name, "display_name",
        s->actor.display_name, "role", role_name(s->actor.role), "lang", s->actor.lang);
    char now[CLOCK_TEXT_SIZE];
    round_send(hub->round); /* of before the cursor that it is told */
    s->state = SCREEN_LIVE;
    for (size_t i = 0; i < s->nheld && s->state == SCREEN_LIVE; i++)
        ws_send(s->ws, s->held[i]);
    drop_held(s);
    send_now(s, json_pack("{s:s,s:s,s:o,s:s,s:o,s:b}", "type", "ready", "cursor",
                    core_cursors(hub->core), "agent", agent, "server_time",
                    clock_format(clock_ms(), now), "online", online, "store", (int)hub->store_up));
}

static void on_replayed_event(void *arg, const struct feed_event *e) {
    struct screen *s = arg;
    if (s->state != SCREEN_GREETING)
        return;
    bool visible = !e->thread || users_may_see(s->hub->users, &s->actor, e->thread);
    char *text = visible ? frame_of_event(e) : frame_of_gone(e);
    if (text)
        ws_send_text(s->ws, text, strlen(text));
    free(text);
}

static void on_replayed(void *arg, const char *cursors, bool too_old, const struct err *err) {
    struct screen *s = arg;
    if (s->state == SCREEN_GREETING && err) {
        screen_error(s, NULL, err_name(err->code), err->text);
        ws_close(s->ws, 1013, "the store cannot serve now");
    } else if (s->state == SCREEN_GREETING) {
        metrics_add(s->hub->env->metrics, M_WS_RESUMED, too_old ? "reset" : "replayed", 1);
        if (too_old)
            send_now(s, json_pack("{s:s,s:s}", "type", "reset", "cursor", cursors));
        go_live(s);
    }
    screen_unref(s);
}

struct greeting {
    struct screen *session;
    char *cursor;
};

static void on_actor(void *arg, const struct actor *actor, const struct err *err) {
    struct greeting *g = arg;
    struct screen *s = g->session;
    struct hub *hub = s->hub;
    char *cursor = g->cursor;
    free(g);
    if (s->state == SCREEN_GREETING && (err || actor->must_change_password)) {
        bool later = err && (err->code == ERR_UNAVAILABLE || err->code == ERR_TIMEOUT);
        screen_error(s, NULL, err ? err_name(err->code) : "denied",
            err ? err->text : "change the one-time password first");
        ws_close(s->ws, later ? 1013 : 4401, later ? "the store cannot serve now" : "sign in");
    } else if (s->state == SCREEN_GREETING && !*core_cursors(hub->core)) {
        /* This worker does not follow the streams yet: what came meanwhile would be missed. */
        screen_error(s, NULL, "unavailable", "the store cannot serve now");
        ws_close(s->ws, 1013, "the store cannot serve now");
    } else if (s->state == SCREEN_GREETING) {
        s->actor = *actor;
        s->authenticated = true;
        s->checked_ms = clock_mono_ms();
        core_presence(hub->core, s->actor.name, 1);
        if (cursor) {
            screen_ref(s);
            core_replay(
                hub->core, cursor, hub->options.replay_max, on_replayed_event, on_replayed, s);
        } else {
            go_live(s);
        }
    }
    free(cursor);
    screen_unref(s);
}

void screen_hello(struct screen *s, const struct agent_frame *hello) {
    if (hello->token) {
        free(s->token);
        s->token = mem_strdup(hello->token);
    }
    struct greeting *g = mem_alloc(sizeof *g);
    *g = (struct greeting){s, hello->cursor && *hello->cursor ? mem_strdup(hello->cursor) : NULL};
    s->state = SCREEN_GREETING;
    s->hub->nsessions++;
    screen_ref(s);
    if (s->token)
        users_by_token(s->hub->users, s->token, on_actor, g);
    else
        users_by_session(s->hub->users, s->cookie, on_actor, g);
}

/* --- is the login still good? ---------------------------------------------------------------- */

static void on_checked(void *arg, const struct actor *actor, const struct err *err) {
    struct screen *s = arg;
    if (s->state != SCREEN_CLOSED && err && (err->code == ERR_AUTH || err->code == ERR_DENIED))
        ws_close(s->ws, 4401, "your session has ended");
    else if (s->state != SCREEN_CLOSED && actor)
        s->actor = *actor;
    screen_unref(s);
}

void screen_check(struct screen *s) {
    s->checked_ms = clock_mono_ms();
    screen_ref(s);
    if (s->token)
        users_by_token(s->hub->users, s->token, on_checked, s);
    else
        users_by_session(s->hub->users, s->cookie, on_checked, s);
}

/* --- reading --------------------------------------------------------------------------------- */

/* Before hello there is nobody that we know: one wrong frame ends it. wrong: NULL for a good one.
 */
static void on_first(struct screen *s, const struct agent_frame *f, const struct err *wrong) {
    if (f->kind == AGENT_HELLO && !s->token && !s->cookie && !f->token) {
        screen_error(s, NULL, "auth", "sign in first: there is no session cookie and no token");
        ws_close(s->ws, 4401, "sign in");
    } else if (wrong) {
        screen_error(s, NULL, err_name(wrong->code), wrong->text);
        ws_close(s->ws, 1008, "the first frame was not understood");
    } else if (f->kind != AGENT_HELLO) {
        screen_error(s, NULL, "auth", "hello comes first");
        ws_close(s->ws, 1008, "hello comes first");
    } else {
        screen_hello(s, f);
    }
}

void screen_message(struct ws_session *ws, void *arg, struct span text) {
    struct screen *s = ws_user(ws);
    struct agent_frame f;
    struct err err;
    (void)arg;
    if (!s)
        return;
    bool good = agent_frame_parse(text, &f, &err) == 0;
    if (s->state == SCREEN_NEW)
        on_first(s, &f, good ? NULL : &err);
    else if (!good)
        screen_error(s, f.id, err_name(err.code), err.text);
    else if (!s->authenticated)
        screen_error(s, f.id, "auth", "wait for ready");
    else
        command_run(s, &f);
    agent_frame_free(&f);
}
