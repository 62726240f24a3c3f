/* agent_frame.c - reads an agent's frame: known keys, types, ids. Decides nothing. */
#include "push/agent_frame.h"

#include <string.h>

#include "base/id.h"
#include "base/json_strict.h"
#include "base/mem.h"
#include "model/message.h"

#define DEPTH 16

enum value_type { TEXT, NUMBER, FLAG };

struct key {
    const char *name; /* NULL ends */
    enum value_type type;
    bool required;
};

/* Besides type, id and thread. */
static const struct key hello_keys[] = {{"cursor", TEXT, false}, {"token", TEXT, false}, {0}};
static const struct key read_keys[] = {{"seq", NUMBER, true}, {0}};
static const struct key typing_keys[] = {{"on", FLAG, true}, {0}};
static const struct key ping_keys[] = {{0}};

static const struct {
    const char *name;
    enum agent_frame_kind kind;
    bool has_id, has_thread;
    const struct key *keys; /* NULL: what else may be in it, the core knows */
} kinds[] = {
    {"hello", AGENT_HELLO, false, false, hello_keys},
    {"send", AGENT_SEND, true, true, NULL},
    {"change", AGENT_CHANGE, true, true, NULL},
    {"read", AGENT_READ, true, true, read_keys},
    {"typing", AGENT_TYPING, true, true, typing_keys},
    {"view", AGENT_VIEW, true, true, typing_keys},
    {"ping", AGENT_PING, true, false, ping_keys},
};

static int check_value(const struct key *k, const json_t *v, struct err *err) {
    switch (k->type) {
    case TEXT:
        return json_is_string(v) ? 0 : err_set(err, ERR_INVALID, "%s must be a string", k->name);
    case NUMBER:
        return json_is_integer(v) && json_integer_value(v) >= 0
                   ? 0
                   : err_set(err, ERR_INVALID, "%s must be a whole number, 0 or more", k->name);
    case FLAG:
        return json_is_boolean(v) ? 0
                                  : err_set(err, ERR_INVALID, "%s must be true or false", k->name);
    }
    return 0;
}

static int check_keys(
    const json_t *o, const struct key *keys, bool has_id, bool has_thread, struct err *err) {
    const char *name;
    json_t *v;
    json_object_foreach((json_t *)o, name, v) {
        const struct key *k = keys;
        if (strcmp(name, "type") == 0 || (has_id && strcmp(name, "id") == 0) ||
            (has_thread && strcmp(name, "thread") == 0))
            continue;
        while (k->name && strcmp(k->name, name) != 0)
            k++;
        if (!k->name)
            return err_set(err, ERR_INVALID, "unknown key \"%.40s\"", name);
        if (check_value(k, v, err) < 0)
            return -1;
    }
    for (const struct key *k = keys; k->name; k++)
        if (k->required && !json_object_get(o, k->name))
            return err_set(err, ERR_INVALID, "%s is missing", k->name);
    return 0;
}

static const char *text_of(const json_t *o, const char *key) {
    return json_string_value(json_object_get(o, key));
}

static int read_frame(struct agent_frame *f, size_t i, struct err *err) {
    const json_t *id = json_object_get(f->json, "id");
    f->kind = kinds[i].kind;
    if (id && kinds[i].has_id) {
        if (message_key_check(id, err) < 0)
            return -1;
        f->id = json_string_value(id);
    }
    if (kinds[i].has_thread) {
        f->thread = text_of(f->json, "thread");
        if (!id_is_valid(f->thread))
            return err_set(err, ERR_INVALID, "thread must be a thread's id");
    }
    if (f->kind == AGENT_HELLO)
        f->token = text_of(f->json, "token"); /* also of a wrong hello: who is it that errs? */
    if (kinds[i].keys &&
        check_keys(f->json, kinds[i].keys, kinds[i].has_id, kinds[i].has_thread, err) < 0)
        return -1;
    f->cursor = f->kind == AGENT_HELLO ? text_of(f->json, "cursor") : NULL;
    f->seq = f->kind == AGENT_READ ? json_integer_value(json_object_get(f->json, "seq")) : 0;
    f->on = (f->kind == AGENT_TYPING || f->kind == AGENT_VIEW) &&
            json_is_true(json_object_get(f->json, "on"));
    return 0;
}

int agent_frame_parse(struct span text, struct agent_frame *out, struct err *err) {
    *out = (struct agent_frame){.json = json_strict_parse(text, DEPTH, err)};
    if (!out->json)
        return -1;
    const char *type = text_of(out->json, "type");
    if (!type)
        return err_set(err, ERR_INVALID, "a frame needs a \"type\"");
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (strcmp(type, kinds[i].name) == 0)
            return read_frame(out, i, err);
    const json_t *id = json_object_get(out->json, "id");
    struct err ignored;
    if (id && message_key_check(id, &ignored) == 0)
        out->id = json_string_value(id);
    return err_set(err, ERR_INVALID,
        "unknown type \"%.20s\"; known are hello, send, change, read, typing, view and ping", type);
}

void agent_frame_free(struct agent_frame *f) {
    json_decref(f->json);
    *f = (struct agent_frame){0};
}
