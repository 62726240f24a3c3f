/* bitrix24_line.c - setting up: events; and a channel of ours in an open line, then each message of
 * a client is one of his chat there, in which operators answer. Bitrix24 finds or makes his card
 * itself. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json_text.h"
#include "base/log.h"
#include "base/mem.h"
#include "connectors/bitrix24/bitrix24_event.h"
#include "connectors/bitrix24/bitrix24_private.h"
#include "core/crm/crm_person.h"

#define PIECE_MAX 4000   /* bytes; its own limit is not published */
#define WAIT_MIN_MS 500u /* before it is set up at the start, when Redis will be there */
#define WAIT_MAX_MS 300000u
#define ICON                                                                                       \
    "data:image/svg+xml,%3Csvg%20xmlns%3D%22http%3A//www.w3.org/2000/svg%22%20viewBox%3D%220%200%" \
    "2070%2070%22%3E%3Cpath%20fill%3D%22%23fff%22%20d%3D%22M15%2018h40v26H33L22%2054V44h-7z%22/%3" \
    "E%3C/svg%3E"

/* --- setting up ------------------------------------------------------------------------------ */

struct line_wait {
    struct line_wait *next;
    void (*fn)(void *arg, const struct err *err, unsigned retry_ms);
    void *arg;
};

static void step(struct bitrix24 *b);

static void set_up_end(struct bitrix24 *b, const struct err *err, unsigned retry_ms) {
    struct line_wait *all = b->line.waits, *next;
    b->line.is_busy = false;
    b->line.is_set_up = err == NULL;
    b->line.waits = NULL;
    b->line.waits_end = &b->line.waits;
    if (err && !b->ended)
        LOG_WARN(b->flow.base.env->log, b->is_line ? "bitrix24.no_line" : "bitrix24.no_events",
            LOG_S("target", b->flow.base.target), LOG_E(err));
    for (struct line_wait *w = all; w; w = next) {
        next = w->next;
        w->fn(w->arg, err, retry_ms);
        free(w);
    }
}

static json_t *handler(const struct bitrix24 *b) {
    return json_sprintf("%s/hooks/bitrix24/%s", b->flow.base.public_url, b->flow.base.target);
}

/* Operators cannot change or take back what they wrote, for channels know it not. */
static json_t *registration(const struct bitrix24 *b) {
    return json_pack("{s:s,s:s,s:{s:s},s:o,s:b,s:b,s:b}", "ID", b->line.id, "NAME", b->line.name,
        "ICON", "DATA_IMAGE", ICON, "PLACEMENT_HANDLER", handler(b), "EDIT_INTERNAL_MESSAGES", 0,
        "DEL_INTERNAL_MESSAGES", 0, "CHAT_GROUP", 0);
}

static json_t *activation(const struct bitrix24 *b) {
    return json_pack(
        "{s:s,s:i,s:s}", "CONNECTOR", b->line.id, "LINE", b->line.number, "ACTIVE", "1");
}

static json_t *channel_data(const struct bitrix24 *b) {
    return json_pack("{s:s,s:i,s:{s:s,s:s,s:s}}", "CONNECTOR", b->line.id, "LINE", b->line.number,
        "DATA", "ID", b->line.id, "URL", b->flow.base.public_url, "NAME", b->line.name);
}

static json_t *binding(const struct bitrix24 *b) {
    return json_pack("{s:s,s:o}", "event",
        b->is_line ? "ONIMCONNECTORMESSAGEADD" : BITRIX24_CONTACT_CHANGED, "handler", handler(b));
}

static const struct {
    const char *method;
    json_t *(*params)(const struct bitrix24 *b);
} steps[] = {{"imconnector.register", registration}, {"imconnector.activate", activation},
    {"imconnector.connector.data.set", channel_data}, {"event.bind", binding}};
#define BINDING 3 /* the only one where the history is notes */

/* true; of the first {"result":true}, or {"result":false,"error":..} with status 200. */
static bool said_yes(const json_t *result) {
    return json_is_true(result) || json_is_true(json_object_get(result, "result"));
}

static void on_step(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    struct bitrix24 *b = arg;
    struct err bad;
    bool is_bound = err && b->line.step == BINDING &&
                    (strstr(err->text, "BINDING_EXISTS") || strstr(err->text, "already"));
    if (!err && !said_yes(result)) {
        err_set(&bad, ERR_UNAVAILABLE, "Bitrix24 refuses %s: %.100s %.120s",
            steps[b->line.step].method, json_text(result, "error"),
            json_text(result, "error_description"));
        err = &bad;
    } else if (err && (!crm_waits(err) || err->code == ERR_PROTOCOL)) {
        err_set(&bad, ERR_UNAVAILABLE, "%s: %.250s", steps[b->line.step].method, err->text);
        err = &bad; /* no fault of the message that waits for it */
    }
    if (err && !is_bound)
        set_up_end(b, err, retry_ms);
    else if (++b->line.step < ARRAY_LEN(steps))
        step(b);
    else
        set_up_end(b, NULL, 0);
}

static void step(struct bitrix24 *b) {
    bitrix24_call(b, steps[b->line.step].method, steps[b->line.step].params(b), on_step, b);
}

static void set_up(struct bitrix24 *b) {
    b->line.is_busy = true;
    b->line.step = b->is_line ? 0 : BINDING;
    step(b);
}

static void on_ready(void *arg) {
    struct bitrix24 *b = arg;
    if (b->ended)
        return;
    if (b->line.is_set_up)
        set_up_end(b, NULL, 0);
    else
        set_up(b);
}

static void wait_for_line(struct bitrix24 *b,
    void (*fn)(void *arg, const struct err *err, unsigned retry_ms), void *arg) {
    struct line_wait *w = mem_zalloc(sizeof *w);
    w->fn = fn;
    w->arg = arg;
    *b->line.waits_end = w;
    b->line.waits_end = &w->next;
    if (!b->line.is_busy)
        loop_defer(b->flow.base.env->loop, on_ready, b);
    b->line.is_busy = true;
}

static void on_started(void *arg, const struct err *err, unsigned retry_ms) {
    struct bitrix24 *b = arg;
    unsigned wait = b->line.wait_ms;
    b->line.wait_ms = wait < WAIT_MAX_MS / 2 ? 2 * wait : WAIT_MAX_MS;
    if (err && !b->ended)
        loop_timer_again(b->line.timer, retry_ms > wait ? retry_ms : wait, 0);
}

static void on_timer(void *arg) {
    struct bitrix24 *b = arg;
    wait_for_line(b, on_started, b);
}

void bitrix24_line_start(struct bitrix24 *b) {
    b->line.wait_ms = WAIT_MIN_MS;
    b->line.timer = loop_timer_start(b->flow.base.env->loop, WAIT_MIN_MS, 0, on_timer, b);
}

void bitrix24_line_stop(struct bitrix24 *b) {
    struct err err;
    loop_timer_stop(&b->line.timer);
    err_set(&err, ERR_UNAVAILABLE, "the gateway is stopping");
    set_up_end(b, &err, 0);
}

/* --- a message ------------------------------------------------------------------------------- */

struct saying {
    struct bitrix24 *b;
    json_t *user, *message; /* as the line knows him; ours */
    char *id, *chat;        /* what the message is called there */
    json_t *pieces, *files; /* texts; what the portal fetches */
    struct bitrix24_held held;
    json_t *there, *fresh; /* elements: to be changed, to be sent */
    bool again;            /* some of what is fresh may be there: an answer was lost */
    struct err refused;    /* some of it was refused: none of it is to stay */
    const char *method;
    size_t n; /* elements that the request is about */
    bitrix24_said_fn fn;
    void *arg;
};

static void saying_end(struct saying *s, const struct err *err, unsigned retry_ms) {
    char *id = bitrix24_held_write(s->id, &s->held);
    s->fn(s->arg, id, err, retry_ms);
    json_decref(s->user);
    json_decref(s->message);
    json_decref(s->pieces);
    json_decref(s->files);
    json_decref(s->there);
    json_decref(s->fresh);
    free(s->id);
    free(s->chat);
    free(s);
    free(id);
}

static bool is_deleted(const struct saying *s) {
    return *json_text(s->message, "deleted_at") != '\0';
}

static json_t *element(const struct saying *s, json_t *id, const char *text, json_t *files) {
    bool is_ours = strcmp(json_text(s->message, "direction"), "in") != 0;
    int64_t at_ms = 0;
    json_t *m = json_pack("{s:o}", "id", id);
    json_t *user = is_deleted(s) ? json_pack("{s:O}", "id", json_object_get(s->user, "id"))
                                 : json_incref(s->user);
    if (!is_deleted(s)) {
        if (*text)
            json_object_set_new(m, "text", json_string(text));
        if (json_array_size(files))
            json_object_set(m, "files", files);
        if (clock_parse(json_text(s->message, "received_at"), &at_ms) == 0)
            json_object_set_new(m, "date", json_integer(at_ms / 1000));
        if (is_ours)
            json_object_set_new(m, "disable_crm", json_string("Y")); /* no number of the client's */
    }
    json_decref(files);
    return json_pack("{s:o,s:o,s:{s:s}}", "user", user, "message", m, "chat", "id", s->chat);
}

/* A piece of the text ("-": what was longer before is emptied); with the last come the files, when
 * all is new. */
static json_t *piece(const struct saying *s, size_t i, bool brings) {
    const char *text = json_string_value(json_array_get(s->pieces, i));
    json_t *id = i ? json_sprintf("%s_%zu", s->id, i + 1) : json_string(s->id);
    bool is_empty = !text && !(brings && json_array_size(s->files));
    return element(s, id, is_empty ? "-" : text ? text : "", brings ? json_incref(s->files) : NULL);
}

/* A file that came later: an update adds none, so it is a message by itself. */
static json_t *lone_file(const struct saying *s, size_t i) {
    json_t *file = json_array_get(s->files, i);
    return element(
        s, json_sprintf("%s_f%zu", s->id, i + 1), "", file ? json_pack("[O]", file) : NULL);
}

static size_t more_of(size_t a, size_t b) {
    return a > b ? a : b;
}

/* What of it is in the line: one that has nothing but files is one element, too. */
static void compose(struct saying *s) {
    struct bitrix24_held *h = &s->held;
    size_t pieces = json_array_size(s->pieces), files = json_array_size(s->files);
    bool known = h->pieces || h->files || is_deleted(s);
    size_t there = known ? more_of(h->pieces, 1) : 0, all = more_of(pieces, h->pieces);
    if (!known || is_deleted(s))
        all = more_of(all, 1);
    s->there = json_array();
    s->fresh = json_array();
    for (size_t i = 0; i < all; i++)
        json_array_append_new(i < there ? s->there : s->fresh, piece(s, i, !known && i + 1 == all));
    for (size_t i = is_deleted(s) ? h->with : h->files; known && i < more_of(files, h->files); i++)
        json_array_append_new(is_deleted(s) ? s->there : s->fresh, lone_file(s, i));
    h->with = known ? h->with : files;
    h->pieces = !known && !pieces && files ? 0 : all;
    h->files = more_of(files, h->files);
}

/* What is there keeps its files. */
static json_t *without_files(const json_t *elements) {
    json_t *out = json_deep_copy(elements), *one;
    size_t i;
    json_array_foreach(out, i, one) {
        json_t *m = json_object_get(one, "message");
        if (json_object_get(m, "text"))
            json_object_del(m, "files");
    }
    return out;
}

/* What is named only, to be deleted. */
static json_t *names_of(const json_t *elements) {
    json_t *out = json_array(), *one;
    size_t i;
    json_array_foreach((json_t *)elements, i, one) {
        json_array_append_new(
            out, json_pack("{s:{s:O},s:{s:O},s:O}", "user", "id",
                     json_object_get(json_object_get(one, "user"), "id"), "message", "id",
                     json_object_get(json_object_get(one, "message"), "id"), "chat",
                     json_object_get(one, "chat")));
    }
    return out;
}

static const char SEND[] = "imconnector.send.messages", UPDATE[] = "imconnector.update.messages",
                  DELETE[] = "imconnector.delete.messages";

static void on_said(void *arg, const json_t *result, const struct err *err, unsigned retry_ms);

/* Takes the elements. */
static void ask(struct saying *s, const char *method, json_t *elements) {
    s->method = method;
    s->n = json_array_size(elements);
    bitrix24_call(s->b, method,
        json_pack("{s:s,s:i,s:o}", "CONNECTOR", s->b->line.id, "LINE", s->b->line.number,
            "MESSAGES", elements),
        on_said, s);
}

/* A line tells nobody what is in it, and says yes to whatever is to be changed or deleted, be it
 * there or not. So what may be there since its answer was lost is deleted before it is sent. */
static void say_fresh(struct saying *s) {
    if (!json_array_size(s->fresh))
        saying_end(s, NULL, 0);
    else if (s->again)
        ask(s, DELETE, names_of(s->fresh));
    else
        ask(s, SEND, json_incref(s->fresh));
}

static void on_deleted(struct saying *s) {
    if (s->refused.code || is_deleted(s)) {
        saying_end(s, s->refused.code ? &s->refused : NULL, 0);
    } else {
        s->again = false;
        say_fresh(s);
    }
}

static void on_said(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    struct saying *s = arg;
    struct err bad = {0};
    if (!err && bitrix24_elements_check(result, s->n, &bad) < 0)
        err = &bad;
    if (s->method == DELETE && (!err || err->code == ERR_INVALID)) {
        on_deleted(s); /* or it was not there */
    } else if (s->method == SEND && s->n > 1 && err && err->code == ERR_INVALID) {
        s->refused = *err;
        ask(s, DELETE, names_of(s->fresh));
    } else if (s->method == UPDATE && !err) {
        say_fresh(s);
    } else {
        saying_end(s, err, retry_ms);
    }
}

static void on_line(void *arg, const struct err *err, unsigned retry_ms) {
    struct saying *s = arg;
    if (err) {
        saying_end(s, err, retry_ms);
        return;
    }
    compose(s);
    if (is_deleted(s)) {
        json_array_extend(s->there, s->fresh);
        ask(s, DELETE, json_incref(s->there));
    } else if (json_array_size(s->there)) {
        ask(s, UPDATE, without_files(s->there));
    } else {
        say_fresh(s);
    }
}

/* --- who says it ----------------------------------------------------------------------------- */

static void add_way(void *arg, const struct crm_way *way) {
    json_t *user = arg;
    const char *key = way->kind == CRM_PHONE ? "phone" : way->kind == CRM_MAIL ? "email" : NULL;
    if (key && way->proven && !json_object_get(user, key))
        json_object_set_new(user, key, json_string(way->value));
}

static json_t *user_of(const struct bitrix24 *b, const json_t *client) {
    char *name = bitrix24_person(json_text(client, "name"));
    json_t *user = json_pack("{s:s}", "id", json_text(client, "id"));
    if (*name)
        json_object_set_new(user, "name", json_string(name));
    crm_ways(client, b->flow.options.country, add_way, user);
    free(name);
    return user;
}

static struct saying *saying_create(struct bitrix24 *b, const json_t *client, const json_t *message,
    const char *id, bitrix24_said_fn fn, void *arg) {
    struct saying *s = mem_zalloc(sizeof *s);
    s->b = b;
    s->user = user_of(b, client);
    s->message = json_deep_copy(message);
    s->id = mem_strdup(id);
    s->chat = mem_strdup(json_text(client, "id"));
    s->fn = fn;
    s->arg = arg;
    return s;
}

void bitrix24_line_say(
    struct bitrix24 *b, const struct crm_attach *in, bitrix24_said_fn fn, void *arg) {
    struct bitrix24_saying how = {b->flow.options.russian, PIECE_MAX};
    struct media_links links = crm_links(&b->flow.base);
    struct saying *s =
        saying_create(b, in->client, in->message, json_text(in->message, "id"), fn, arg);
    bitrix24_held_read(in->known, &s->held);
    s->pieces = bitrix24_say(in->message, &how);
    s->files = bitrix24_files(in->message, &links);
    s->again = in->again || (in->known && !s->held.pieces && !s->held.files);
    wait_for_line(b, on_line, s);
}

void bitrix24_line_complain(struct bitrix24 *b, const char *chat, const char *what, const char *im,
    const char *reason, bitrix24_said_fn fn, void *arg) {
    json_t *client = json_pack("{s:s}", "id", chat), *none = json_object();
    char *id = mem_printf("%s_%s", what, im);
    struct saying *s = saying_create(b, client, none, id, fn, arg);
    s->pieces = json_pack("[o]",
        json_sprintf("[b]%s[/b] %.250s",
            b->flow.options.russian ? "Не доставлено клиенту:" : "Not delivered to the client:",
            reason));
    s->again = true; /* said once */
    json_decref(client);
    json_decref(none);
    free(id);
    wait_for_line(b, on_line, s);
}

void bitrix24_line_delivered(struct bitrix24 *b, const char *chat, const char *im,
    const char *message, crm_step_fn fn, void *arg) {
    const char *colon = strchr(im, ':');
    json_t *one = json_pack("{s:{s:I,s:I},s:{s:[s],s:I},s:{s:s}}", "im", "chat_id",
        (json_int_t)strtoll(im, NULL, 10), "message_id",
        (json_int_t)(colon ? strtoll(colon + 1, NULL, 10) : 0), "message", "id", message, "date",
        (json_int_t)(clock_ms() / 1000), "chat", "id", chat);
    bitrix24_call(b, "imconnector.send.status.delivery",
        json_pack(
            "{s:s,s:i,s:[o]}", "CONNECTOR", b->line.id, "LINE", b->line.number, "MESSAGES", one),
        fn, arg);
}
