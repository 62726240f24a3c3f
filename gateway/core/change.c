/* change.c - a message that was stored before changes: because the channel says so (edited,
 * deleted, reacted to), or because an agent wants it so. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "core/core_private.h"
#include "model/revision.h"
#include "store/store_amend.h"

/* --- the channel says so --------------------------------------------------------------------- */

struct told {
    struct connector *connector;
    enum change_kind kind;
    char *external_id, *once;
    char *who_kind, *address, *name;
    bool verified;
    bool is_event; /* it became an event: a rating */
    json_t *body;
    inbound_fn fn;
    void *arg;
};

static void told_free(struct told *t) {
    json_decref(t->body);
    free(t->external_id);
    free(t->once);
    free(t->who_kind);
    free(t->address);
    free(t->name);
    free(t);
}

static void told_end(struct told *t, const struct store_appended *r, const struct err *err) {
    struct inbound_result out = {0};
    if (!err) {
        out = (struct inbound_result){.duplicate = r->duplicate, .seq = r->seq};
        memcpy(out.thread, r->thread, ID_SIZE);
        memcpy(out.message, r->message, ID_SIZE);
    }
    t->fn(t->arg, err ? NULL : &out, err);
    told_free(t);
}

/* What was a rating says something else now: another rating, or a message. */
static void say_anew(struct told *t) {
    char *id = mem_printf("%s~%s", t->external_id, t->once ? t->once : "");
    struct inbound in = {.kind = INBOUND_MESSAGE,
        .from = {t->who_kind, t->address, t->name, t->verified},
        .external_id = id,
        .body = t->body};
    connector_inbound(t->connector, &in, t->fn, t->arg);
    told_free(t);
    free(id);
}

static void on_told(void *arg, const struct store_appended *r, const struct err *err) {
    struct told *t = arg;
    if (!err && t->is_event && t->kind == CHANGE_EDIT)
        say_anew(t);
    else
        told_end(t, r, err);
}

static int apply(void *arg, json_t *body, struct err *err) {
    struct told *t = arg;
    const char *d = json_string_value(json_object_get(body, "d"));
    (void)err;
    t->is_event = d && strcmp(d, "event") == 0;
    if (t->is_event)
        return 0;
    switch (t->kind) {
    case CHANGE_EDIT:
        return revision_edit(body, t->body, t->external_id, clock_ms());
    case CHANGE_FILL:
        return revision_fill(body, t->body);
    case CHANGE_MOVE:
        return revision_move(body, t->body);
    case CHANGE_DELETE:
        return revision_delete(body, "client", clock_ms());
    case CHANGE_REACT:
        return revision_react(body, t->body);
    }
    return 0;
}

static void on_told_thread(void *arg, const struct store_lookup *r, const struct err *err) {
    static const char *const words[] = {[CHANGE_EDIT] = "edited",
        [CHANGE_FILL] = "filled",
        [CHANGE_MOVE] = "moved",
        [CHANGE_DELETE] = "deleted",
        [CHANGE_REACT] = "reacted"};
    struct told *t = arg;
    struct connector *c = t->connector;
    struct err missing;
    if (!err && !r->thread[0]) {
        err_set(&missing, ERR_NOT_FOUND, "nobody has this identity");
        err = &missing;
    }
    if (err) {
        told_end(t, NULL, err);
        return;
    }
    char *key = mem_printf("c:%s:%s", c->channel, t->external_id);
    char *once = t->once ? mem_printf("x:%s:%s", c->channel, t->once) : NULL;
    struct store_amend a = {.thread = r->thread,
        .key = key,
        .once = once,
        .word = words[t->kind],
        .channel = c->channel,
        .fetch = (t->kind == CHANGE_EDIT || t->kind == CHANGE_FILL) && c->ops->fetch &&
                 revision_waits(t->body),
        .silent = t->kind == CHANGE_MOVE,
        .edit = apply,
        .edit_arg = t};
    store_amend(c->core->store, &a, on_told, t);
    free(key);
    free(once);
}

void connector_change(struct connector *c, const struct change *ch, inbound_fn fn, void *arg) {
    struct told *t = mem_zalloc(sizeof *t);
    *t = (struct told){.connector = c,
        .kind = ch->kind,
        .external_id = mem_strdup(ch->external_id),
        .once = ch->once ? mem_strdup(ch->once) : NULL,
        .who_kind = mem_strdup(ch->from.kind),
        .address = mem_strdup(ch->from.address),
        .name = ch->from.name ? mem_strdup(ch->from.name) : NULL,
        .verified = ch->from.verified,
        .body = json_incref((json_t *)ch->body),
        .fn = fn,
        .arg = arg};
    store_find(c->core->store, &ch->from, on_told_thread, t);
}

/* --- a reaction of ours did not get there ------------------------------------------------------
 */

struct late {
    char *emoji;
    core_done_fn fn;
    void *arg;
};

static void on_late(void *arg, const struct store_appended *r, const struct err *err) {
    struct late *l = arg;
    (void)r;
    l->fn(l->arg, err);
    free(l->emoji);
    free(l);
}

/* Is it still the one that failed? The body stays as it is: what is written is the trail. */
static int is_current(void *arg, json_t *body, struct err *err) {
    struct late *l = arg;
    const char *now = "";
    size_t i;
    json_t *r;
    (void)err;
    json_array_foreach(json_object_get(body, "reactions"), i, r) {
        const char *by = json_string_value(json_object_get(r, "by"));
        if (by && strcmp(by, "client") != 0)
            now = json_string_value(json_object_get(r, "emoji"));
    }
    return now && strcmp(now, l->emoji) == 0;
}

void connector_reaction_failed(struct connector *c, const char *thread, int64_t seq,
    const char *emoji, const char *once, const struct err *why, core_done_fn fn, void *arg) {
    struct late *l = mem_alloc(sizeof *l);
    char detail[400];
    *l = (struct late){mem_strdup(emoji), fn, arg};
    char *key = mem_printf("x:%s:failed:%s", c->channel, once);
    store_trail_detail(detail, sizeof detail, why);
    struct store_amend a = {.thread = thread,
        .seq = seq,
        .once = key,
        .word = "change_failed",
        .detail = detail,
        .silent = true,
        .edit = is_current,
        .edit_arg = l};
    store_amend(c->core->store, &a, on_late, l);
    free(key);
}

/* --- an agent wants it so -------------------------------------------------------------------- */

struct wish {
    struct core *core;
    struct actor actor;
    char message[ID_SIZE];
    const char *job; /* "edit" "delete" "react" */
    json_t *change;  /* edit: {"text"} or {"html"}; react: {"emoji"} */
    json_t *found;   /* of store_message_private() */
    store_json_fn fn;
    void *arg;
    struct err early;
};

static void wish_end(struct wish *w, json_t *result, const struct err *err) {
    w->fn(w->arg, result, err);
    json_decref(result);
    json_decref(w->change);
    json_decref(w->found);
    free(w);
}

static void wish_fail(struct wish *w, enum err_code code, const char *text) {
    struct err err;
    err_set(&err, code, "%s", text);
    wish_end(w, NULL, &err);
}

static void on_wish_message(void *arg, json_t *result, const struct err *err) {
    json_t *m = json_object_get(result, "message");
    wish_end(arg, err ? NULL : json_pack("{s:O}", "message", m), err);
}

static void on_wished(void *arg, const struct store_appended *r, const struct err *err) {
    struct wish *w = arg;
    (void)r;
    if (err)
        wish_end(w, NULL, err);
    else
        store_message(w->core->store, w->message, on_wish_message, w);
}

static int apply_wish(void *arg, json_t *body, struct err *err) {
    struct wish *w = arg;
    if (json_object_get(body, "deleted_at"))
        return err_set(err, ERR_CONFLICT, "this message was deleted before");
    if (strcmp(w->job, "delete") == 0)
        return revision_delete(body, w->actor.name, clock_ms());
    if (strcmp(w->job, "edit") == 0) {
        json_t *change = json_copy(body);
        json_object_del(change, "text");
        json_object_del(change, "html");
        json_object_del(change, "edited_at");
        json_object_update(change, w->change);
        int rc = revision_edit(body, change, NULL, clock_ms());
        json_decref(change);
        return rc;
    }
    const char *emoji = json_string_value(json_object_get(w->change, "emoji"));
    json_t *reaction = json_pack("{s:s,s:[]}", "by", w->actor.name, "emoji");
    if (emoji && *emoji)
        json_array_append(json_object_get(reaction, "emoji"), json_object_get(w->change, "emoji"));
    int rc = revision_react(body, reaction);
    json_decref(reaction);
    return rc;
}

/* May this be done to this message? A sentence if not. */
static const char *objection(
    const struct wish *w, const json_t *m, const struct connector *c, enum err_code *code) {
    const char *direction = json_string_value(json_object_get(m, "direction"));
    const char *status = json_string_value(json_object_get(m, "status"));
    bool is_out = direction && strcmp(direction, "out") == 0;
    unsigned cap = strcmp(w->job, "edit") == 0     ? CONNECTOR_EDIT
                   : strcmp(w->job, "delete") == 0 ? CONNECTOR_DELETE
                                                   : CONNECTOR_REACT;
    enum status s = STATUS_RECEIVED;
    *code = ERR_CONFLICT;
    if (!c) {
        *code = ERR_UNSUPPORTED;
        return "the channel of this message is not configured any more";
    }
    if (!(c->ops->caps & cap)) {
        *code = ERR_UNSUPPORTED;
        return "this channel cannot do that";
    }
    if (cap != CONNECTOR_REACT && !is_out)
        return "only a message of your side can be changed";
    if (is_out && status && status_parse(status, &s) == 0 && s < STATUS_SENT)
        return "the message is not at the channel (yet)";
    if (!json_object_get(m, "external_id"))
        return "the channel gave no id for this message";
    return NULL;
}

static void on_wish_found(void *arg, json_t *result, const struct err *err) {
    struct wish *w = arg;
    if (err) {
        wish_end(w, NULL, err);
        return;
    }
    w->found = json_incref(result);
    const json_t *m = json_object_get(result, "message");
    const char *name = json_string_value(json_object_get(m, "channel"));
    struct channel *ch = name ? core_channel(w->core, name) : NULL;
    enum err_code code;
    if (!users_may_see(w->core->users, &w->actor, json_object_get(result, "thread"))) {
        wish_fail(w, ERR_NOT_FOUND, "there is no such message");
        return;
    }
    const char *why = objection(w, m, ch ? ch->connector : NULL, &code);
    if (why) {
        wish_fail(w, code, why);
        return;
    }
    const char *words[] = {"edited", "deleted", "reacted"};
    struct store_amend a = {.thread = json_string_value(json_object_get(m, "thread")),
        .seq = json_integer_value(json_object_get(m, "seq")),
        .word = words[strcmp(w->job, "edit") == 0     ? 0
                      : strcmp(w->job, "delete") == 0 ? 1
                                                      : 2],
        .detail = w->actor.name,
        .channel = name,
        .job = w->job,
        .edit = apply_wish,
        .edit_arg = w};
    store_amend(w->core->store, &a, on_wished, w);
}

static void on_wish_early(void *arg) {
    struct wish *w = arg;
    struct err err = w->early;
    wish_end(w, NULL, &err);
}

static void wish(struct core *core, const struct actor *a, const char *message, const char *job,
    const json_t *change, const struct err *early, store_json_fn fn, void *arg) {
    struct wish *w = mem_zalloc(sizeof *w);
    *w = (struct wish){.core = core,
        .actor = *a,
        .job = job,
        .change = json_incref((json_t *)change),
        .fn = fn,
        .arg = arg};
    if (early->code || !id_is_valid(message)) {
        w->early = *early;
        if (!early->code)
            err_set(&w->early, ERR_NOT_FOUND, "there is no such message");
        loop_defer(core->env->loop, on_wish_early, w);
        return;
    }
    memcpy(w->message, message, ID_SIZE);
    store_message_private(core->store, message, on_wish_found, w);
}

/* {"text"} or {"html"}: as in a new message, and nothing else. */
void core_edit(struct core *core, const struct actor *a, const char *message, const json_t *change,
    store_json_fn fn, void *arg) {
    struct err err = {0};
    const char *key;
    json_t *v;
    json_object_foreach((json_t *)change, key, v) {
        if (strcmp(key, "text") != 0 && strcmp(key, "html") != 0)
            err_set(&err, ERR_INVALID, "unknown key \"%.40s\"; known are text and html", key);
    }
    if (!err.code)
        message_body_check(change, core->options.text_max, &err);
    wish(core, a, message, "edit", change, &err, fn, arg);
}

void core_delete(
    struct core *core, const struct actor *a, const char *message, store_json_fn fn, void *arg) {
    struct err err = {0};
    wish(core, a, message, "delete", NULL, &err, fn, arg);
}

void core_react(struct core *core, const struct actor *a, const char *message,
    const json_t *reaction, store_json_fn fn, void *arg) {
    struct err err = {0};
    const json_t *emoji = json_object_get(reaction, "emoji");
    const char *s = json_string_value(emoji);
    if (!s || json_object_size(reaction) != 1 || json_string_length(emoji) > 40 ||
        !utf8_is_text(s, json_string_length(emoji)))
        err_set(&err, ERR_INVALID, "expected {\"emoji\": one emoji, or \"\" to take it away}");
    wish(core, a, message, "react", reaction, &err, fn, arg);
}
