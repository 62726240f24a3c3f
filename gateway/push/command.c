/* command.c - what a screen asks for: send, change, read, typing, ping. Each is answered by "ok" or
 * "error" with the command's own id. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "push/hub_private.h"

struct running {
    struct screen *session;
    char *id; /* NULL none was given */
};

static void answer(struct running *r, const char *key, json_t *result, const struct err *err) {
    struct screen *s = r->session;
    s->commands--;
    if (err) {
        json_t *f = json_pack(
            "{s:s,s:s,s:s}", "type", "error", "code", err_name(err->code), "detail", err->text);
        if (r->id)
            json_object_set_new(f, "id", json_string(r->id));
        if (err->code == ERR_UNAVAILABLE || err->code == ERR_TIMEOUT)
            json_object_set_new(f, "retry_after_ms", json_integer(1000));
        screen_send_json(s, f);
    } else {
        json_t *f = json_pack("{s:s}", "type", "ok");
        if (r->id)
            json_object_set_new(f, "id", json_string(r->id));
        if (key && json_object_get(result, key))
            json_object_set(f, key, json_object_get(result, key));
        screen_send_json(s, f);
    }
    screen_unref(s);
    free(r->id);
    free(r);
}

static void on_sent(void *arg, json_t *result, const struct err *err) {
    answer(arg, "message", result, err);
}

static void on_changed(void *arg, json_t *result, const struct err *err) {
    answer(arg, "thread", result, err);
}

static void on_read(void *arg, const struct err *err) {
    answer(arg, NULL, NULL, err);
}

static struct running *begin(struct screen *s, const char *id) {
    struct running *r = mem_alloc(sizeof *r);
    *r = (struct running){s, mem_strdup(id)};
    s->commands++;
    screen_ref(s);
    return r;
}

/* The frame without the keys that are the socket's own. */
static json_t *body_of(const struct agent_frame *f) {
    json_t *body = json_copy(f->json);
    json_object_del(body, "type");
    json_object_del(body, "thread");
    return body;
}

static void run_send(struct screen *s, const struct agent_frame *f) {
    json_t *body = body_of(f);
    core_send(s->hub->core, &s->actor, f->thread, body, on_sent, begin(s, f->id));
    json_decref(body);
}

static void run_change(struct screen *s, const struct agent_frame *f) {
    json_t *body = body_of(f);
    core_change(s->hub->core, &s->actor, f->thread, body, on_changed, begin(s, f->id));
    json_decref(body);
}

static void run_read(struct screen *s, const struct agent_frame *f) {
    core_read(s->hub->core, &s->actor, f->thread, f->seq, on_read, begin(s, f->id));
}

static void run_typing(struct screen *s, const struct agent_frame *f) {
    core_typing(s->hub->core, &s->actor, f->thread, f->on);
    answer(begin(s, f->id), NULL, NULL, NULL);
}

/* --- what the screen shows ------------------------------------------------------------------- */

struct view {
    struct running *running;
    char thread[ID_SIZE];
    unsigned number;
};

/* One thread at a time; "" none. */
static void show(struct screen *s, const char *thread) {
    char before[ID_SIZE];
    if (s->state == SCREEN_CLOSED || strcmp(s->viewing, thread) == 0)
        return;
    memcpy(before, s->viewing, sizeof before);
    snprintf(s->viewing, sizeof s->viewing, "%s", thread);
    if (before[0])
        core_view(s->hub->core, before, s->actor.name, -1);
    if (thread[0])
        core_view(s->hub->core, thread, s->actor.name, 1);
}

static void show_viewers(struct screen *s, const char *thread) {
    screen_send_json(s, json_pack("{s:s,s:s,s:o}", "type", "viewers", "thread", thread, "agents",
                            core_viewers(s->hub->core, thread)));
}

static void on_view_thread(void *arg, json_t *result, const struct err *err) {
    struct view *v = arg;
    struct screen *s = v->running->session;
    struct err hidden;
    const json_t *thread = json_object_get(result, "thread");
    if (!err && !users_may_see(s->hub->users, &s->actor, thread)) {
        err_set(&hidden, ERR_NOT_FOUND, "there is no such thread");
        err = &hidden;
    }
    if (!err && v->number == s->views) {
        show(s, v->thread);
        show_viewers(s, v->thread);
    }
    answer(v->running, NULL, NULL, err);
    free(v);
}

static void run_view(struct screen *s, const struct agent_frame *f) {
    struct running *r = begin(s, f->id);
    s->views++;
    if (!f->on) {
        if (strcmp(s->viewing, f->thread) == 0)
            show(s, "");
        answer(r, NULL, NULL, NULL);
        return;
    }
    struct view *v = mem_alloc(sizeof *v);
    *v = (struct view){.running = r, .number = s->views};
    memcpy(v->thread, f->thread, ID_SIZE);
    store_thread(core_store(s->hub->core), f->thread, on_view_thread, v);
}

/* Those that need the scope write. */
static const struct {
    enum agent_frame_kind kind;
    void (*run)(struct screen *s, const struct agent_frame *f);
} commands[] = {
    {AGENT_SEND, run_send},
    {AGENT_CHANGE, run_change},
    {AGENT_READ, run_read},
    {AGENT_TYPING, run_typing},
    {AGENT_VIEW, run_view},
};

void command_run(struct screen *s, const struct agent_frame *f) {
    if (f->kind == AGENT_PING) {
        answer(begin(s, f->id), NULL, NULL, NULL);
    } else if (f->kind == AGENT_HELLO) {
        screen_error(s, NULL, "conflict", "hello was said before");
    } else if (!(s->actor.scopes & SCOPE_WRITE)) {
        screen_error(s, f->id, "denied", "this token may only read");
    } else if (s->commands >= SCREEN_COMMANDS_MAX) {
        screen_error(s, f->id, "too_many", "wait for the answers to your commands");
    } else {
        for (size_t i = 0; i < ARRAY_LEN(commands); i++)
            if (commands[i].kind == f->kind)
                commands[i].run(s, f);
    }
}
