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
static json_t *body_of(const json_t *frame) {
    json_t *body = json_copy((json_t *)frame);
    json_object_del(body, "type");
    json_object_del(body, "thread");
    return body;
}

static void run_send(struct screen *s, const json_t *frame, const char *id, const char *thread) {
    json_t *body = body_of(frame);
    core_send(s->hub->core, &s->actor, thread, body, on_sent, begin(s, id));
    json_decref(body);
}

static void run_change(struct screen *s, const json_t *frame, const char *id, const char *thread) {
    json_t *body = body_of(frame);
    core_change(s->hub->core, &s->actor, thread, body, on_changed, begin(s, id));
    json_decref(body);
}

static void run_read(struct screen *s, const json_t *frame, const char *id, const char *thread) {
    const json_t *seq = json_object_get(frame, "seq");
    if (!json_is_integer(seq) || json_integer_value(seq) < 0) {
        screen_error(s, id, "invalid", "seq must be a number, 0 or more");
        return;
    }
    core_read(s->hub->core, &s->actor, thread, json_integer_value(seq), on_read, begin(s, id));
}

static void run_typing(struct screen *s, const json_t *frame, const char *id, const char *thread) {
    core_typing(s->hub->core, &s->actor, thread, json_is_true(json_object_get(frame, "on")));
    answer(begin(s, id), NULL, NULL, NULL);
}

static const struct {
    const char *type;
    bool writes; /* needs the write scope */
    void (*run)(struct screen *s, const json_t *frame, const char *id, const char *thread);
} commands[] = {
    {"send", true, run_send},
    {"change", true, run_change},
    {"read", true, run_read},
    {"typing", true, run_typing},
};

void command_run(struct screen *s, const json_t *frame) {
    const char *type = json_string_value(json_object_get(frame, "type"));
    const char *id = json_string_value(json_object_get(frame, "id"));
    const char *thread = json_string_value(json_object_get(frame, "thread"));
    if (strcmp(type, "ping") == 0) {
        answer(begin(s, id), NULL, NULL, NULL);
        return;
    }
    if (id && (strlen(id) > 100 || !*id)) {
        screen_error(s, NULL, "invalid", "id must be 1 to 100 characters");
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        if (strcmp(type, commands[i].type) != 0)
            continue;
        if (!id_is_valid(thread))
            screen_error(s, id, "invalid", "thread must be a thread's id");
        else if (commands[i].writes && !(s->actor.scopes & SCOPE_WRITE))
            screen_error(s, id, "denied", "this token may only read");
        else if (s->commands >= SCREEN_COMMANDS_MAX)
            screen_error(s, id, "too_many", "wait for the answers to your commands");
        else
            commands[i].run(s, frame, id, thread);
        return;
    }
    screen_error(
        s, id, "invalid", "unknown type; known are hello, send, change, read, typing and ping");
}
