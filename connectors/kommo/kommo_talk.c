/* kommo_talk.c - messages in a chat of Kommo's. The chat is made and linked to the client's contact
 * before its first message, so that it makes no second contact. A message is called by our id
 * there, and is the same one however often it is told. What it is called by them is remembered with
 * the numbers of its pieces and of its files: "8f11...*3+1". */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json_text.h"
#include "base/mem.h"
#include "connectors/kommo/kommo_compose.h"
#include "connectors/kommo/kommo_private.h"

#define ID_MAX 128
#define OPENED_MS 600000u

struct talk {
    struct kommo *k;
    crm_done_fn fn;
    void *arg;
    char *card, *chat;
    json_t *message, *client;
    json_t *bodies;          /* of the requests */
    size_t next;             /* body */
    size_t held, held_files; /* pieces and files that are there by what we know */
    size_t pieces, files;    /* that are there in the end */
    bool is_edit, late, own;
    char id[ID_MAX + 1]; /* by their name */
};

static void talk_end(struct talk *t, const struct err *err, unsigned retry_ms) {
    char id[ID_MAX + 48] = "";
    if (!err && *t->id && t->files)
        snprintf(id, sizeof id, "%s*%zu+%zu", t->id, t->pieces, t->files);
    else if (!err && *t->id)
        snprintf(id, sizeof id, t->pieces > 1 ? "%s*%zu" : "%s", t->id, t->pieces);
    t->fn(t->arg, &(struct crm_outcome){.err = err,
                      .retry_ms = retry_ms,
                      .external_id = *id ? id : NULL,
                      .left_out = !err && t->own});
    free(t->card);
    free(t->chat);
    json_decref(t->message);
    json_decref(t->client);
    json_decref(t->bodies);
    free(t);
}

/* --- a chat of the contact ------------------------------------------------------------------- */

static struct kommo_opened *opened_slot(const struct talk *t, char key[KOMMO_OPENED_SIZE]) {
    uint32_t h = 2166136261u;
    snprintf(key, KOMMO_OPENED_SIZE, "%.26s/%s", json_text(t->message, "thread"), t->card);
    for (const char *c = key; *c; c++)
        h = (h ^ (unsigned char)*c) * 16777619u;
    return &t->k->chat.opened[h % KOMMO_OPENED];
}

static bool is_opened(const struct talk *t) {
    char key[KOMMO_OPENED_SIZE];
    const struct kommo_opened *slot = opened_slot(t, key);
    return strcmp(slot->key, key) == 0 && clock_mono_ms() < slot->until;
}

static void send_next(struct talk *t);

static void on_caught_up(void *arg, const json_t *result, const struct err *err, unsigned ms) {
    struct talk *t = arg;
    char key[KOMMO_OPENED_SIZE];
    struct kommo_opened *slot = opened_slot(t, key);
    bool passes = err && err->code != ERR_INVALID && err->code != ERR_NOT_FOUND &&
                  err->code != ERR_PROTOCOL && err->code != ERR_TOO_LARGE;
    (void)result;
    if (passes) {
        talk_end(t, err, ms);
        return;
    }
    memcpy(slot->key, key, sizeof key);
    slot->until = clock_mono_ms() + OPENED_MS;
    send_next(t);
}

static void opened(struct talk *t) {
    kommo_talk_catch_up(t->k, t->chat, json_text(t->message, "thread"), on_caught_up, t);
}

static void on_doubted(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    (void)result;
    talk_end(arg, err, retry_ms);
}

static void on_linked(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    struct talk *t = arg;
    (void)result;
    if (err && (err->code == ERR_INVALID || err->code == ERR_NOT_FOUND)) {
        char *path = mem_printf("/contacts/%s", t->card);
        kommo_is_it_gone(t->k, path, err, on_doubted, t);
        free(path);
    } else if (err) {
        talk_end(t, err, retry_ms);
    } else {
        opened(t);
    }
}

static bool is_linked(const json_t *links, const char *chat, const char *card) {
    size_t i;
    json_t *one;
    json_array_foreach(links, i, one) if (strcmp(json_text(one, "chat_id"), chat) == 0 &&
                                          json_integer_value(json_object_get(one, "contact_id")) ==
                                              strtoll(card, NULL, 10)) return true;
    return false;
}

static void on_links(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    struct talk *t = arg;
    struct err what;
    if (!err && kommo_check_list(result, "chats", &what) < 0)
        err = &what;
    if (err) {
        talk_end(t, err, retry_ms);
    } else if (is_linked(kommo_embedded(result, "chats"), t->chat, t->card)) {
        opened(t);
    } else {
        kommo_call(t->k, "POST", "/contacts/chats",
            json_pack("[{s:s,s:I}]", "chat_id", t->chat, "contact_id",
                (json_int_t)strtoll(t->card, NULL, 10)),
            on_linked, t);
    }
}

static void on_chat(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    struct talk *t = arg;
    const char *id = json_text(result, "id");
    struct err bad;
    if (!err && (!*id || strlen(id) > ID_MAX))
        err = (err_set(&bad, ERR_PROTOCOL, "Kommo made a chat and did not say which"), &bad);
    if (err) {
        talk_end(t, err, retry_ms);
        return;
    }
    t->chat = mem_strdup(id);
    char *text = kommo_encode(id), *path = mem_printf("/contacts/chats?chat_id=%s", text);
    kommo_call(t->k, "GET", path, NULL, on_links, t);
    free(path);
    free(text);
}

static void open_chat(struct talk *t) {
    json_t *body = json_pack("{s:s,s:o}", "conversation_id", json_text(t->message, "thread"),
        "user", kommo_person(t->client, t->k->flow.options.country));
    kommo_chat_call(t->k, "/chats", "POST", "", body, on_chat, t);
}

/* --- the pieces ------------------------------------------------------------------------------ */

static void on_sent(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    struct talk *t = arg;
    json_t *body = json_array_get(t->bodies, t->next);
    bool is_edit = strcmp(json_text(body, "event_type"), "edit_message") == 0;
    const json_t *told = json_object_get(result, "new_message");
    struct err bad;
    if (err && is_edit && (err->code == ERR_INVALID || err->code == ERR_NOT_FOUND)) {
        kommo_set_event(body, false); /* it never was there: then it comes now */
        send_next(t);
        return;
    }
    if (!err && !is_edit && !*json_text(told, "msgid"))
        err = (err_set(&bad, ERR_PROTOCOL, "Kommo took a message and did not say which"), &bad);
    if (err) {
        talk_end(t, err, retry_ms);
        return;
    }
    if (t->next == 0 && *json_text(told, "msgid") && (t->pieces || !*t->id))
        snprintf(t->id, sizeof t->id, "%s", json_text(told, "msgid"));
    t->next++;
    send_next(t);
}

static void send_next(struct talk *t) {
    json_t *body = json_array_get(t->bodies, t->next);
    if (body)
        kommo_chat_call(t->k, "", "POST", "", json_incref(body), on_sent, t);
    else
        talk_end(t, NULL, 0);
}

/* --- beginning ------------------------------------------------------------------------------- */

/* What is there of them stays as it is. */
static void add_files(struct talk *t, const struct kommo_compose_options *o) {
    json_t *files = kommo_files(t->message, t->client, o);
    size_t n = json_array_size(files);
    for (size_t i = t->is_edit ? t->held_files : 0; i < n; i++)
        json_array_append(t->bodies, json_array_get(files, i));
    t->files = n > t->held_files ? n : t->held_files;
    json_decref(files);
}

static void on_nothing_to_do(void *arg) {
    talk_end(arg, NULL, 0);
}

static void begin(struct talk *t) {
    const struct crm_flow_options *f = &t->k->flow.options;
    struct kommo_compose_options o = {
        .text = {.markup = CRM_PLAIN,
            .russian = f->russian,
            .utc_offset_min = f->utc_offset_min,
            .max = f->text_max,
            .links = crm_links(&t->k->flow.base)},
        .country = f->country,
        .bot = t->k->chat.bot,
        .users = t->k->chat.users,
        .late = t->late,
        .had_text = t->held > 0,
        .now_ms = clock_ms(),
    };
    t->bodies = kommo_messages(t->message, t->client, t->is_edit, &o);
    for (size_t i = json_array_size(t->bodies); i < t->held; i++)
        json_array_append_new(t->bodies, kommo_emptied(t->message, i, &o));
    for (size_t i = t->held; t->is_edit && i < json_array_size(t->bodies); i++)
        kommo_set_event(json_array_get(t->bodies, i), false);
    t->pieces = json_array_size(t->bodies);
    add_files(t, &o);
    if (!json_array_size(t->bodies))
        loop_defer(t->k->flow.base.env->loop, on_nothing_to_do, t);
    else if (is_opened(t))
        send_next(t);
    else
        open_chat(t);
}

/* "8f11...*3+1": a name of theirs, how many pieces and how many files. */
static void take_known(struct talk *t, const char *known) {
    size_t n = strcspn(known, "*");
    const char *plus = strchr(known + n, '+');
    unsigned long pieces = known[n] ? strtoul(known + n + 1, NULL, 10) : 1;
    unsigned long files = plus ? strtoul(plus + 1, NULL, 10) : 0;
    snprintf(t->id, sizeof t->id, "%.*s", (int)(n < ID_MAX ? n : ID_MAX), known);
    t->held_files = files < 10000 ? files : 0;
    t->held = (pieces > 0 || t->held_files) && pieces < 10000 ? pieces : 1;
}

static void on_status(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    (void)result;
    /* It may be gone there, or be no message that has a status. */
    bool is_final = err && (err->code == ERR_NOT_FOUND || err->code == ERR_INVALID);
    talk_end(arg, is_final ? NULL : err, retry_ms);
}

void kommo_talk_status(struct kommo *k, const char *id, json_t *body, crm_step_fn fn, void *arg) {
    char *text = kommo_encode(id), *suffix = mem_printf("/%s/delivery_status", text);
    kommo_chat_call(k, suffix, "POST", "", body, fn, arg);
    free(suffix);
    free(text);
}

void kommo_talk_attach(struct kommo *k, const struct crm_attach *a, crm_done_fn fn, void *arg) {
    struct talk *t = mem_zalloc(sizeof *t);
    bool only_status = a->own || a->only_status;
    t->k = k;
    t->fn = fn;
    t->arg = arg;
    t->card = mem_printf("%lld", strtoll(a->card_id, NULL, 10));
    t->message = json_deep_copy(a->message);
    t->client = json_deep_copy(a->client);
    t->late = a->late;
    t->own = a->own;
    /* Is it there as it should be? Told anew, it is the same one, or comes back. */
    bool has_changed = *json_text(a->message, "edited_at") || *json_text(a->message, "deleted_at");
    t->is_edit = a->known && (!a->again || has_changed);
    if (a->known)
        take_known(t, a->known);
    if (!only_status) {
        begin(t);
        return;
    }
    json_t *status = *t->id ? kommo_status(a->message, t->id) : NULL;
    t->pieces = t->held; /* it is called as before */
    t->files = t->held_files;
    if (status)
        kommo_talk_status(k, t->id, status, on_status, t);
    else
        loop_defer(k->flow.base.env->loop, on_nothing_to_do, t);
}
