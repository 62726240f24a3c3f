/* kommo_history.c - what chats hold: which of our messages; and what operators wrote there while
 * nobody took their hooks. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/id.h"
#include "base/json_text.h"
#include "base/mem.h"
#include "connectors/kommo/kommo_event.h"
#include "connectors/kommo/kommo_private.h"

#define PAGE 50
#define PAGES_MAX 2000
#define CATCH_UP_S 86400 /* what is older surprises the client more than it helps him */

struct reading {
    struct kommo *k;
    crm_step_fn fn;
    void *arg;
    json_t *chats; /* ids */
    json_t *found; /* newest first, as they are told */
    size_t chat, page;
};

/* Oldest first; a message's first file stands for it where nothing else does. */
static json_t *entries_of(const json_t *found) {
    json_t *out = json_array(), *seen = json_object();
    for (size_t i = json_array_size(found); i > 0; i--) {
        json_t *one = json_array_get(found, i - 1), *file = json_object_get(one, "file");
        const json_t *other = json_object_get(seen, json_text(one, "message"));
        if (other && (json_is_true(file) || json_is_true(other)))
            continue;
        json_array_append(out, one);
        json_object_set(seen, json_text(one, "message"), file);
    }
    json_decref(seen);
    return out;
}

static void reading_end(struct reading *r, const struct err *err, unsigned retry_ms) {
    json_t *out = err ? NULL : entries_of(r->found);
    r->fn(r->arg, out, err, retry_ms);
    json_decref(out);
    json_decref(r->chats);
    json_decref(r->found);
    free(r);
}

static void read_next(struct reading *r);

/* A message's pieces are "<id>", "<id>-2", its files "<id>-f1": the first stands for it. Its text
 * is of no interest but that it is the same as that of the same one. */
static void on_page(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    struct reading *r = arg;
    const json_t *messages = json_object_get(result, "messages");
    struct err bad;
    size_t i;
    json_t *one;
    if (!err && !json_is_null(result) && !json_is_array(messages))
        err = (err_set(&bad, ERR_PROTOCOL, "Kommo answered with what is no history"), &bad);
    if (err && err->code == ERR_NOT_FOUND) { /* another channel's: nothing of ours is in it */
        r->page = 0;
        r->chat++;
        read_next(r);
        return;
    }
    if (err) {
        reading_end(r, err, retry_ms);
        return;
    }
    json_array_foreach(messages, i, one) {
        const json_t *said = json_object_get(one, "message");
        const char *ours = json_text(said, "client_id"), *id = json_text(said, "id");
        bool is_file = strlen(ours) == ID_LEN + 3 && strcmp(ours + ID_LEN, "-f1") == 0;
        if (*id && (is_file || strlen(ours) == ID_LEN))
            json_array_append_new(
                r->found, json_pack("{s:s,s:s%,s:s,s:b}", "id", id, "message", ours, (size_t)ID_LEN,
                              "text", ours, "file", is_file));
    }
    r->page++;
    if (json_array_size(messages) < PAGE || r->page >= PAGES_MAX) {
        r->page = 0;
        r->chat++;
    }
    read_next(r);
}

static void read_next(struct reading *r) {
    const char *chat = json_string_value(json_array_get(r->chats, r->chat));
    if (!chat) {
        reading_end(r, NULL, 0);
        return;
    }
    char *text = kommo_encode(chat), *suffix = mem_printf("/chats/%s/history", text);
    char *query = mem_printf("?limit=%d&offset=%zu", PAGE, r->page * PAGE);
    kommo_chat_call(r->k, suffix, "GET", query, NULL, on_page, r);
    free(query);
    free(suffix);
    free(text);
}

static void on_chats(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    struct reading *r = arg;
    struct err what;
    size_t i;
    json_t *one;
    if (!err && kommo_check_list(result, "chats", &what) < 0)
        err = &what;
    if (err) {
        reading_end(r, err, retry_ms);
        return;
    }
    json_array_foreach(kommo_embedded(result, "chats"), i,
        one) if (json_is_string(json_object_get(one, "chat_id")))
        json_array_append(r->chats, json_object_get(one, "chat_id"));
    read_next(r);
}

void kommo_talk_entries(struct kommo *k, const char *card, crm_step_fn fn, void *arg) {
    struct reading *r = mem_zalloc(sizeof *r);
    char *path = mem_printf("/contacts/chats?contact_id=%lld", strtoll(card, NULL, 10));
    r->k = k;
    r->fn = fn;
    r->arg = arg;
    r->chats = json_array();
    r->found = json_array();
    kommo_call(k, "GET", path, NULL, on_chats, r);
    free(path);
}

/* --- what we have missed --------------------------------------------------------------------- */

struct catching {
    struct kommo *k;
    char *chat, *thread;
    json_t *events; /* newest first */
    crm_step_fn fn;
    void *arg;
};

static void catching_end(struct catching *c, const struct err *err, unsigned retry_ms) {
    c->fn(c->arg, NULL, err, retry_ms);
    json_decref(c->events);
    free(c->chat);
    free(c->thread);
    free(c);
}

static void on_event_kept(void *arg, const struct err *err);

static void keep_next(struct catching *c) {
    size_t n = json_array_size(c->events);
    if (!n) {
        catching_end(c, NULL, 0);
        return;
    }
    json_t *event = json_incref(json_array_get(c->events, n - 1));
    json_array_remove(c->events, n - 1);
    crm_event(&c->k->flow.base, c->chat, json_text(event, "id"), event, on_event_kept, c);
    json_decref(event);
}

static void on_event_kept(void *arg, const struct err *err) {
    if (err && err->code != ERR_TOO_LARGE)
        catching_end(arg, err, 0);
    else
        keep_next(arg);
}

static void on_newest(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    struct catching *c = arg;
    size_t i;
    json_t *one;
    if (err) {
        catching_end(c, err, retry_ms);
        return;
    }
    json_array_foreach(json_object_get(result, "messages"), i, one) {
        json_t *event = kommo_event_told(one, c->chat, c->thread, clock_ms() / 1000 - CATCH_UP_S);
        if (event)
            json_array_append_new(c->events, event);
    }
    keep_next(c);
}

void kommo_talk_catch_up(
    struct kommo *k, const char *chat, const char *thread, crm_step_fn fn, void *arg) {
    struct catching *c = mem_zalloc(sizeof *c);
    char *text = kommo_encode(chat), *suffix = mem_printf("/chats/%s/history", text);
    c->k = k;
    c->chat = mem_strdup(chat);
    c->thread = mem_strdup(thread);
    c->events = json_array();
    c->fn = fn;
    c->arg = arg;
    kommo_chat_call(k, suffix, "GET", "?limit=50&offset=0", NULL, on_newest, c);
    free(suffix);
    free(text);
}
