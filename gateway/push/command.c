/* command.c - what a screen asks for: send, change, read, typing, ping. Each is answered by "ok" or
 * "error" with the command's own id. */
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

/* Those that need the scope write. */
static const struct {
    enum agent_frame_kind kind;
    void (*run)(struct screen *s, const struct agent_frame *f);
} commands[] = {
    {AGENT_SEND, run_send},
    {AGENT_CHANGE, run_change},
    {AGENT_READ, run_read},
    {AGENT_TYPING, run_typing},
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
