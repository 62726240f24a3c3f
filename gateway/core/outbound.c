/* outbound.c - what an agent does to a thread: answers, notes, changes, read marks. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json_text.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "core/core_private.h"
#include "core/mentions.h"
#include "media/media.h"
#include "store/store_back.h"
#include "store/store_media.h"
#include "store/store_users.h"

/* One command of an agent, from its check to its answer. */
struct command {
    struct core *core;
    struct actor actor;
    char thread[ID_SIZE];
    json_t *body; /* send: the request's body, later the message's */
    json_t *thread_json, *client_json;
    char *key;      /* dedupe, NULL none */
    char *alias;    /* send: a second one */
    char *owner;    /* send: whose the attachments are */
    json_t *origin; /* {"target","id"?}: in which CRM it was written, or done; NULL in none */
    char *author;   /* by whom there */
    json_t *rule;   /* send: whose doing it is; NULL a person's */
    char *channel;  /* send: where it goes; NULL for a note */
    const char *media[MESSAGE_ATTACHMENTS_MAX];
    size_t nmedia;
    char *mentions;  /* send: agents whom a note calls, names between spaces */
    int64_t seen;    /* send: up to which seq the writer has seen the thread; -1 does not matter */
    json_t *changes; /* change: events still to append */
    store_json_fn fn;
    store_done_fn done; /* read */
    int64_t seq;
    bool duplicate;
    bool from_crm;      /* send: outbound_post() */
    struct err refusal; /* of what was wrong at once */
    void *arg;
};

static void command_end(struct command *c, json_t *result, const struct err *err) {
    if (c->done)
        c->done(c->arg, err);
    else
        c->fn(c->arg, result, err);
    json_decref(result);
    json_decref(c->body);
    json_decref(c->thread_json);
    json_decref(c->client_json);
    json_decref(c->changes);
    json_decref(c->origin);
    json_decref(c->rule);
    free(c->author);
    free(c->mentions);
    free(c->alias);
    free(c->owner);
    free(c->key);
    free(c->channel);
    free(c);
}

static void command_fail(struct command *c, enum err_code code, const char *text) {
    struct err err;
    err_set(&err, code, "%s", text);
    command_end(c, NULL, &err);
}

static struct command *command_create(
    struct core *core, const struct actor *a, const char *thread, void *arg) {
    struct command *c = mem_zalloc(sizeof *c);
    c->core = core;
    c->actor = *a;
    snprintf(c->thread, sizeof c->thread, "%s", thread ? thread : "");
    c->arg = arg;
    return c;
}

/* Keeps the thread and answers whether the actor may touch it; ends the command otherwise. */
static bool take_thread(struct command *c, json_t *result, const struct err *err) {
    if (err) {
        command_end(c, NULL, err);
        return false;
    }
    c->thread_json = json_incref(json_object_get(result, "thread"));
    c->client_json = json_incref(json_object_get(result, "client"));
    if (!users_may_see(c->core->users, &c->actor, c->thread_json)) {
        command_fail(c, ERR_NOT_FOUND, "there is no such thread");
        return false;
    }
    return true;
}

/* --- send ------------------------------------------------------------------------------------ */

static void on_sent_message(void *arg, json_t *messages, const struct err *err) {
    struct command *c = arg;
    json_t *m = json_array_get(messages, 0);
    if (err) {
        command_end(c, NULL, err);
    } else if (!m && c->from_crm) {
        command_end(c, json_pack("{s:b}", "duplicate", 1), NULL);
    } else if (!m) {
        command_fail(c, ERR_NOT_FOUND, "the message was sent before and is in the archive now");
    } else {
        command_end(c, json_pack("{s:O,s:b}", "message", m, "duplicate", (int)c->duplicate), NULL);
    }
}

static void on_send_stored(void *arg, const struct store_appended *r, const struct err *err) {
    struct command *c = arg;
    if (err) {
        command_end(c, NULL, err);
        return;
    }
    if (c->rule) {
        command_end(c, NULL, NULL);
        return;
    }
    c->duplicate = r->duplicate;
    LOG_DEBUG(c->core->env->log, "message.queued", LOG_S("thread", r->thread),
        LOG_S("message", r->message), LOG_S("by", c->actor.name));
    store_messages(c->core->store, c->thread, -1, r->seq - 1, 1, false, on_sent_message, c);
}

/* Who wrote it; and first of all where, so that scripts find that without parsing the body. */
static void set_author(struct command *c) {
    json_t *from;
    if (c->rule) {
        from = json_pack("{s:s,s:O}", "kind", "rule", "name", json_object_get(c->rule, "name"));
        json_object_set(c->body, "rule", c->rule);
    } else if (c->origin && c->actor.is_token) {
        from = json_pack("{s:s,s:s}", "kind", "crm", "name",
            c->author ? c->author : json_text(c->origin, "target"));
    } else {
        from = json_pack("{s:s,s:s,s:s}", "kind", "agent", "name", c->actor.display_name, "agent",
            c->actor.name);
    }
    if (c->origin) {
        json_t *body = json_pack("{s:O}", "origin", c->origin);
        json_object_update(body, c->body);
        json_decref(c->body);
        c->body = body;
    }
    json_object_set_new(c->body, "from", from);
}

/* Whose doing it is in reports; NULL: no agent's. */
static const char *agent_of(const struct command *c) {
    return c->actor.is_token ? NULL : c->actor.name;
}

static void send_append(struct command *c) {
    bool is_note = c->channel == NULL;
    struct channel *ch = is_note ? NULL : core_channel(c->core, c->channel);
    const char *state = json_text(c->thread_json, "state");
    bool unassigned = !json_is_string(json_object_get(c->thread_json, "assignee"));
    set_author(c);
    struct store_append a = {.direction = is_note ? DIRECTION_NOTE : DIRECTION_OUT,
        .thread = c->thread,
        .channel = c->channel,
        .connector = ch ? ch->connector->ops->name : NULL,
        .dedupe = c->key,
        .alias = c->alias,
        .body = c->body,
        .agent = agent_of(c),
        .deliver = !is_note,
        .author = is_note || c->actor.is_token || c->from_crm ? NULL : c->actor.name,
        .seen_seq = c->seen,
        .by_itself = c->rule && !is_note,
        .mentions = c->mentions};
    if (!is_note && !c->rule && strcmp(state, "open") != 0)
        a.state = "open";
    if (!is_note && unassigned && !c->actor.is_token) {
        a.assignee = c->actor.name; /* who answers is responsible until told otherwise */
        json_object_set_new(c->body, "took", json_true());
    }
    if (!is_note)
        terms_of_answer(c->core, c->channel, clock_ms(), &a);
    store_append(c->core->store, &a, on_send_stored, c);
}

/* Another channel than the one where the client wrote last: to his identity of its kind. */
static bool address_elsewhere(struct command *c, const struct connector *con) {
    size_t i;
    json_t *id;
    if (!con->ops->identity_kind || strcmp(c->channel, json_text(c->thread_json, "channel")) == 0)
        return true;
    json_array_foreach(json_object_get(c->client_json, "identities"), i, id) {
        if (strcmp(json_text(id, "kind"), con->ops->identity_kind) != 0 ||
            json_is_true(json_object_get(id, "former")))
            continue;
        json_object_set_new(c->body, "to",
            json_pack("{s:O,s:O}", "kind", json_object_get(id, "kind"), "address",
                json_object_get(id, "address")));
        return true;
    }
    return !(con->ops->caps & CONNECTOR_NEEDS_ADDRESS);
}

/* What the body asks for, the channel must be able to do. NULL, or what it cannot. */
static const char *missing_cap(const struct command *c, unsigned caps) {
    if (c->nmedia && !(caps & CONNECTOR_ATTACHMENTS))
        return "carry attachments";
    if (json_object_get(c->body, "buttons") && !(caps & CONNECTOR_BUTTONS))
        return "show buttons";
    if (json_object_get(c->body, "template") && !(caps & CONNECTOR_TEMPLATES))
        return "send templates";
    if (json_object_get(c->body, "location") && !(caps & CONNECTOR_LOCATION))
        return "send a place";
    if (json_object_get(c->body, "contact") && !(caps & CONNECTOR_CONTACT))
        return "send a contact";
    if (json_object_get(c->body, "request") && !(caps & CONNECTOR_REQUEST_CONTACT))
        return "ask for a phone number";
    if ((json_object_get(c->body, "cc") || json_object_get(c->body, "bcc") ||
            json_object_get(c->body, "reply_all")) &&
        !(caps & CONNECTOR_MAIL))
        return "write to several";
    if (json_object_get(c->body, "no_quote") && !(caps & CONNECTOR_MAIL))
        return "leave a quote out";
    return NULL;
}

/* May answers go to this client now? A channel with a window takes others only by a template. */
static bool is_window_open(const struct command *c, const struct connector *con) {
    const json_t *window = json_object_get(json_object_get(c->thread_json, "windows"), c->channel);
    int64_t until = 0;
    if (!(con->ops->caps & CONNECTOR_WINDOW) || json_object_get(c->body, "template"))
        return true;
    if (*json_text(window, "until"))
        clock_parse(json_text(window, "until"), &until);
    return clock_ms() < until;
}

/* The template that the body names, among those of the channel: its words become the message's. */
static int fill_template(struct command *c, const json_t *templates, struct err *err) {
    const struct connector *con = core_channel(c->core, c->channel)->connector;
    const json_t *asked = json_object_get(c->body, "template"), *found = NULL;
    const json_t *file = json_array_get(json_object_get(c->body, "attachments"), 0);
    json_t *one, *filled = NULL;
    char *text = NULL;
    size_t i;
    json_array_foreach((json_t *)templates, i, one) {
        if (strcmp(json_text(one, "name"), json_text(asked, "name")) == 0 &&
            strcmp(json_text(one, "language"), json_text(asked, "language")) == 0)
            found = one;
    }
    if (!found)
        return err_set(err, ERR_INVALID,
            "channel \"%.60s\" has no template \"%.100s\" in \"%.20s\"", c->channel,
            json_text(asked, "name"), json_text(asked, "language"));
    if (con->ops->fill(found, json_object_get(asked, "values"),
            file ? json_text(file, "mime") : NULL, &filled, &text, err) < 0)
        return -1;
    json_object_set_new(c->body, "template", filled);
    json_object_set_new(c->body, "text", json_string(text));
    free(text);
    return 0;
}

static void on_templates(void *arg, json_t *result, const struct err *err) {
    struct command *c = arg;
    struct err wrong;
    if (!err && fill_template(c, json_object_get(result, "templates"), &wrong) < 0)
        err = &wrong;
    if (err)
        command_end(c, NULL, err);
    else
        send_append(c);
}

/* All that belongs to the message is there. */
static void send_body(struct command *c) {
    if (json_object_get(c->body, "template"))
        core_templates(c->core, c->channel, on_templates, c);
    else
        send_append(c);
}

static void on_claimed(void *arg, json_t *media, const struct err *err) {
    struct command *c = arg;
    if (err) {
        command_end(c, NULL, err);
        return;
    }
    json_object_set(c->body, "attachments", media);
    send_body(c);
}

/* The channel that the answer takes: the one asked for, else where the client wrote last. */
static bool choose_channel(struct command *c) {
    const char *asked = json_string_value(json_object_get(c->body, "channel"));
    const char *name = asked ? asked : json_text(c->thread_json, "channel");
    struct channel *ch = core_channel(c->core, name);
    char text[200];
    if (!ch) {
        snprintf(text, sizeof text,
            "channel \"%.60s\" is not configured here; GET "
            "/api/v1/channels lists those that are",
            name);
        command_fail(c, ERR_INVALID, text);
        return false;
    }
    const char *cannot = missing_cap(c, ch->connector->ops->caps);
    if (cannot) {
        snprintf(text, sizeof text, "channel \"%.60s\" cannot %s", name, cannot);
        command_fail(c, ERR_UNSUPPORTED, text);
        return false;
    }
    c->channel = mem_strdup(name);
    if (!address_elsewhere(c, ch->connector)) {
        snprintf(text, sizeof text, "the client has never written through channel \"%.60s\"", name);
        command_fail(c, ERR_UNSUPPORTED, text);
        return false;
    }
    return true;
}

static void send_here(struct command *c);

static void on_said_before(void *arg, bool said, const struct err *err) {
    struct command *c = arg;
    if (err)
        command_end(c, NULL, err);
    else if (!said)
        send_here(c);
    else if (c->from_crm)
        command_end(c, json_pack("{s:b}", "duplicate", 1), NULL);
    else
        command_fail(c, ERR_CONFLICT,
            "the message was sent before, in a thread that has become part of this one");
}

static void on_send_thread(void *arg, json_t *result, const struct err *err) {
    struct command *c = arg;
    if (!take_thread(c, result, err))
        return;
    const json_t *threads = json_object_get(c->client_json, "threads");
    if (c->origin && json_array_size(threads) > 1)
        store_said_before(c->core->store, threads, c->thread, c->key, on_said_before, c);
    else
        send_here(c);
}

static void send_files(struct command *c) {
    if (c->nmedia == 0) {
        json_object_del(c->body, "attachments");
        send_body(c);
        return;
    }
    store_media_claim(c->core->store, c->media, c->nmedia, c->owner, c->thread, on_claimed, c);
}

/* Whom a note calls: those of its @words that are agents' names. */
static void on_agents(void *arg, json_t *result, const struct err *err) {
    struct command *c = arg;
    json_t *names = NULL;
    if (err) {
        command_end(c, NULL, err);
        return;
    }
    names = mentions_of(json_text(c->body, "text"), json_object_get(result, "agents"));
    if (json_array_size(names) > 0) {
        c->mentions = mentions_line(names);
        json_object_set(c->body, "mentions", names);
    }
    json_decref(names);
    send_files(c);
}

static void window_is_over(struct command *c) {
    command_fail(c, ERR_CONFLICT,
        "the client has not written within 24 hours, so the channel takes templates only: choose "
        "one (GET /api/v1/channels/{name}/templates)");
}

/* Taken while the window was open, and sent once more since the answer was lost: as ever. */
static void on_said_here(void *arg, bool said, const struct err *err) {
    struct command *c = arg;
    if (err)
        command_end(c, NULL, err);
    else if (said)
        send_files(c);
    else
        window_is_over(c);
}

static void send_in_window(struct command *c) {
    if (is_window_open(c, core_channel(c->core, c->channel)->connector)) {
        send_files(c);
    } else if (c->key) {
        json_t *here = json_pack("[s]", c->thread);
        store_said_before(c->core->store, here, "", c->key, on_said_here, c);
        json_decref(here);
    } else {
        window_is_over(c);
    }
}

static void send_here(struct command *c) {
    size_t i;
    json_t *id;
    json_array_foreach(json_object_get(c->body, "attachments"), i, id) {
        if (c->nmedia < MESSAGE_ATTACHMENTS_MAX)
            c->media[c->nmedia++] = json_string_value(id);
    }
    bool is_note = json_is_true(json_object_get(c->body, "note"));
    if (is_note && json_object_get(c->body, "template")) {
        command_fail(c, ERR_INVALID, "a note has no template");
        return;
    }
    if (!is_note && !choose_channel(c))
        return;
    json_object_del(c->body, "id");
    json_object_del(c->body, "note");
    json_object_del(c->body, "channel");
    if (is_note && !c->from_crm && strchr(json_text(c->body, "text"), '@'))
        store_user_list(c->core->store, on_agents, c);
    else if (is_note)
        send_files(c);
    else
        send_in_window(c);
}

/* Found wrong at once, answered later like everything else. */
static void on_refused(void *arg) {
    struct command *c = arg;
    struct err err = c->refusal;
    command_end(c, NULL, &err);
}

static void refuse(struct command *c) {
    loop_defer(c->core->env->loop, on_refused, c);
}

int core_check_origin(
    struct core *core, const struct actor *a, const json_t *origin, struct err *err) {
    const char *target = json_text(origin, "target");
    if (!a->is_token)
        return err_set(err, ERR_INVALID, "origin is for programs, which have a token");
    return core_target(core, target)
               ? 0
               : err_set(err, ERR_INVALID, "origin.target \"%.60s\" is no CRM of ours", target);
}

/* In a CRM's own words, what it calls the message is unique; the poster's key is one more. */
static int take_origin(struct command *c, struct err *err) {
    json_t *origin = json_object_get(c->body, "origin");
    const char *target = json_text(origin, "target");
    if (!json_is_object(origin))
        return 0;
    if (!c->from_crm && core_check_origin(c->core, &c->actor, origin, err) < 0)
        return -1;
    if (json_is_string(json_object_get(origin, "author")))
        c->author = mem_strdup(json_text(origin, "author"));
    c->origin = json_pack("{s:s,s:s}", "target", target, "id", json_text(origin, "id"));
    c->alias = c->key;
    c->key = mem_printf("r:%s:%s", target, json_text(origin, "id"));
    json_object_del(c->body, "origin");
    return 0;
}

/* Takes owner over. */
static void send(struct command *c, const json_t *body, char *owner) {
    c->body = json_copy((json_t *)body);
    c->owner = owner;
    const char *key = json_string_value(json_object_get(body, "id"));
    const json_t *seen = json_object_get(body, "seen");
    if (message_body_check(body, c->core->options.text_max, &c->refusal) < 0) {
        refuse(c);
        return;
    }
    c->seen = json_is_integer(seen) ? json_integer_value(seen) : -1;
    json_object_del(c->body, "seen");
    if (key)
        c->key = mem_printf("a:%s:%s", c->actor.name, key);
    if (take_origin(c, &c->refusal) < 0)
        refuse(c);
    else
        store_thread(c->core->store, c->thread, on_send_thread, c);
}

void core_send(struct core *core, const struct actor *a, const char *thread, const json_t *body,
    store_json_fn fn, void *arg) {
    struct command *c = command_create(core, a, thread, arg);
    c->fn = fn;
    send(c, body, mem_printf("agent:%s", a->name));
}

void outbound_post(struct core *core, const struct actor *a, const char *thread, const json_t *body,
    const char *owner, store_json_fn fn, void *arg) {
    struct command *c = command_create(core, a, thread, arg);
    c->fn = fn;
    c->from_crm = true;
    send(c, body, mem_strdup(owner));
}

void outbound_by_rule(struct core *core, const char *thread, const json_t *body, const json_t *mark,
    const char *key, store_done_fn fn, void *arg) {
    static const struct actor rules = {.role = ROLE_ADMIN, .scopes = SCOPE_ALL, .is_token = true};
    struct command *c = command_create(core, &rules, thread, arg);
    c->done = fn;
    c->rule = json_incref((json_t *)mark);
    send(c, body, mem_strdup(""));
    free(c->key);
    c->key = mem_strdup(key);
}

/* --- change ---------------------------------------------------------------------------------- */

static void append_change(struct command *c);

static void on_change_thread(void *arg, json_t *result, const struct err *err) {
    json_t *thread = json_object_get(result, "thread");
    command_end(arg, err ? NULL : json_pack("{s:O}", "thread", thread), err);
}

static void on_change_stored(void *arg, const struct store_appended *r, const struct err *err) {
    struct command *c = arg;
    (void)r;
    if (err)
        command_end(c, NULL, err);
    else
        append_change(c);
}

/* The next of c->changes: one event, with what it does to the thread. */
static void append_change(struct command *c) {
    if (json_array_size(c->changes) == 0) {
        store_thread(c->core->store, c->thread, on_change_thread, c);
        return;
    }
    json_t *event = json_incref(json_array_get(c->changes, 0));
    json_array_remove(c->changes, 0);
    const char *type = json_text(event, "type");
    char *key = c->key ? mem_printf("%s:%s", c->key, type) : NULL;
    char *labels = NULL;
    struct store_append a = {
        .direction = DIRECTION_EVENT, .thread = c->thread, .dedupe = key, .agent = agent_of(c)};
    if (strcmp(type, "assigned") == 0) {
        a.assignee = json_text(event, "to");
    } else if (strcmp(type, "state") == 0) {
        a.state = json_text(event, "to");
        if (json_is_string(json_object_get(event, "until")))
            clock_parse(json_text(event, "until"), &a.snooze_until_ms);
        if (strcmp(a.state, "closed") == 0)
            a.ask_ms = rating_due(c->core, json_text(c->thread_json, "channel"), clock_ms());
    } else if (strcmp(type, "blocked") == 0) {
        a.blocked = json_is_true(json_object_get(event, "on")) ? "1" : "";
        if (a.blocked[0])
            a.state = "closed";
    } else {
        labels = json_dumps(json_object_get(event, "labels"), JSON_COMPACT);
        a.labels = labels;
    }
    json_t *body = json_pack("{s:O}", "event", event);
    if (c->origin)
        json_object_set(body, "origin", c->origin);
    a.body = body;
    store_append(c->core->store, &a, on_change_stored, c);
    json_decref(body);
    json_decref(event);
    free(labels);
    free(key);
}

static bool same_text(const json_t *a, const json_t *b) {
    if (json_is_string(a) && json_is_string(b))
        return json_equal(a, b);
    return !json_is_string(a) && !json_is_string(b);
}

/* What differs from the thread now, as events. */
static void collect_changes(struct command *c) {
    json_t *to = json_object_get(c->body, "assignee");
    json_t *state = json_object_get(c->body, "state");
    json_t *labels = json_object_get(c->body, "labels");
    json_t *until = json_object_get(c->body, "snooze_until");
    json_t *blocked = json_object_get(c->body, "blocked");
    c->changes = json_array();
    if (blocked && !json_equal(blocked, json_object_get(c->thread_json, "blocked")))
        json_array_append_new(c->changes,
            json_pack("{s:s,s:O,s:s}", "type", "blocked", "on", blocked, "by", c->actor.name));
    if (to && !same_text(to, json_object_get(c->thread_json, "assignee")))
        json_array_append_new(c->changes,
            json_pack("{s:s,s:O,s:s}", "type", "assigned", "to", to, "by", c->actor.name));
    if (state && (until || !same_text(state, json_object_get(c->thread_json, "state")))) {
        json_t *e = json_pack("{s:s,s:O,s:s}", "type", "state", "to", state, "by", c->actor.name);
        if (json_is_string(until))
            json_object_set(e, "until", until);
        json_array_append_new(c->changes, e);
    }
    if (labels && !json_equal(labels, json_object_get(c->thread_json, "labels")))
        json_array_append_new(c->changes,
            json_pack("{s:s,s:O,s:s}", "type", "labels", "labels", labels, "by", c->actor.name));
}

static void on_assignee(void *arg, json_t *result, const struct err *err) {
    struct command *c = arg;
    if (err && err->code == ERR_NOT_FOUND) {
        command_fail(c, ERR_INVALID, "assignee is not the name of an agent");
        return;
    }
    if (err) {
        command_end(c, NULL, err);
        return;
    }
    const json_t *user = json_object_get(result, "user") ? json_object_get(result, "user") : result;
    if (json_is_true(json_object_get(user, "disabled"))) {
        command_fail(c, ERR_INVALID, "assignee is a disabled agent");
        return;
    }
    append_change(c);
}

static void on_change_begin(void *arg, json_t *result, const struct err *err) {
    struct command *c = arg;
    if (!take_thread(c, result, err))
        return;
    collect_changes(c);
    const char *to = json_string_value(json_object_get(c->body, "assignee"));
    if (to && *to)
        store_user_get(c->core->store, to, on_assignee, c);
    else
        append_change(c);
}

static int check_labels(const json_t *labels, struct err *err) {
    size_t i;
    json_t *l;
    if (!json_is_array(labels) || json_array_size(labels) > 20)
        return err_set(err, ERR_INVALID, "labels must be an array of at most 20 strings");
    json_array_foreach(labels, i, l) {
        if (!json_is_string(l) || json_string_length(l) == 0 || json_string_length(l) > 64 ||
            !utf8_is_text(json_string_value(l), json_string_length(l)))
            return err_set(err, ERR_INVALID, "labels[%zu] must be text of 1 to 64 bytes", i);
    }
    return 0;
}

static int check_change(const json_t *change, struct err *err) {
    static const char *const known[] = {
        "id", "assignee", "state", "labels", "snooze_until", "blocked", "origin", "type", "thread"};
    const char *key;
    json_t *v;
    int64_t ms = 0;
    json_object_foreach((json_t *)change, key, v) {
        size_t i = 0;
        while (i < ARRAY_LEN(known) && strcmp(key, known[i]) != 0)
            i++;
        if (i == ARRAY_LEN(known))
            return err_set(err, ERR_INVALID,
                "unknown key \"%.40s\"; known are assignee, state, labels, snooze_until, blocked "
                "and "
                "origin",
                key);
        if (strcmp(key, "blocked") == 0 && !json_is_boolean(v))
            return err_set(err, ERR_INVALID, "blocked must be true or false");
        if (strcmp(key, "blocked") != 0 && strcmp(key, "labels") != 0 &&
            strcmp(key, "origin") != 0 && !json_is_string(v) && !json_is_null(v))
            return err_set(err, ERR_INVALID, "%s must be a string or null", key);
    }
    const char *state = json_string_value(json_object_get(change, "state"));
    const json_t *until = json_object_get(change, "snooze_until");
    const json_t *id = json_object_get(change, "id");
    if (json_is_string(id) && message_key_check(id, err) < 0)
        return -1;
    if (json_object_get(change, "state") &&
        (!state || (strcmp(state, "open") && strcmp(state, "snoozed") && strcmp(state, "closed"))))
        return err_set(err, ERR_INVALID, "state must be open, snoozed or closed");
    bool snoozes = state && strcmp(state, "snoozed") == 0;
    if (snoozes && (!json_is_string(until) || clock_parse(json_string_value(until), &ms) < 0 ||
                       ms <= clock_ms()))
        return err_set(err, ERR_INVALID,
            "snooze_until must be a time in the future (RFC 3339) when state is snoozed");
    if (!snoozes && json_is_string(until))
        return err_set(err, ERR_INVALID, "snooze_until goes with state snoozed");
    const json_t *labels = json_object_get(change, "labels");
    return labels ? check_labels(labels, err) : 0;
}

void core_change(struct core *core, const struct actor *a, const char *thread, const json_t *change,
    store_json_fn fn, void *arg) {
    struct command *c = command_create(core, a, thread, arg);
    c->fn = fn;
    c->body = json_copy((json_t *)change);
    const json_t *origin = json_object_get(change, "origin");
    if (check_change(change, &c->refusal) < 0 ||
        (origin && core_check_origin(core, a, origin, &c->refusal) < 0)) {
        refuse(c);
        return;
    }
    if (origin)
        c->origin = json_pack("{s:O}", "target", json_object_get(origin, "target"));
    const char *key = json_string_value(json_object_get(change, "id"));
    if (key)
        c->key = mem_printf("a:%s:%s", a->name, key);
    store_thread(core->store, c->thread, on_change_begin, c);
}

/* --- read ------------------------------------------------------------------------------------ */

static void on_read(void *arg, const struct err *err) {
    struct command *c = arg;
    if (!err && json_integer_value(json_object_get(c->thread_json, "unread")) > 0)
        live_was_read(c->core, c->thread);
    command_end(c, NULL, err);
}

static void on_read_thread(void *arg, json_t *result, const struct err *err) {
    struct command *c = arg;
    if (take_thread(c, result, err))
        store_read(c->core->store, c->thread, c->seq, c->actor.name, on_read, c);
}

void core_read(struct core *core, const struct actor *a, const char *thread, int64_t seq,
    store_done_fn fn, void *arg) {
    struct command *c = command_create(core, a, thread, arg);
    c->done = fn;
    c->seq = seq;
    store_thread(core->store, c->thread, on_read_thread, c);
}
