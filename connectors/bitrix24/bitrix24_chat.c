/* bitrix24_chat.c - the history as a chat of an open line: crm_ops of that mode, and operators'
 * answers. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_text.h"
#include "base/log.h"
#include "base/mem.h"
#include "connectors/bitrix24/bitrix24_private.h"

/* --- there ----------------------------------------------------------------------------------- */

struct telling {
    struct bitrix24 *b;
    char *known;
    bool left_out;
    crm_done_fn fn;
    void *arg;
};

static struct telling *telling_create(
    struct bitrix24 *b, const char *known, crm_done_fn fn, void *arg) {
    struct telling *t = mem_zalloc(sizeof *t);
    *t = (struct telling){.b = b, .known = known ? mem_strdup(known) : NULL, .fn = fn, .arg = arg};
    return t;
}

static void telling_end(
    struct telling *t, const char *external_id, const struct err *err, unsigned retry_ms) {
    t->fn(t->arg, &(struct crm_outcome){.err = err,
                      .retry_ms = retry_ms,
                      .external_id = err ? NULL : external_id,
                      .left_out = t->left_out});
    free(t->known);
    free(t);
}

static void on_said(void *arg, const char *id, const struct err *err, unsigned retry_ms) {
    telling_end(arg, id, err, retry_ms);
}

static void on_nothing_to_do(void *arg) {
    struct telling *t = arg;
    telling_end(t, t->known, NULL, 0);
}

/* What becomes of an operator's own message keeps its name. */
static void on_complained(void *arg, const char *id, const struct err *err, unsigned retry_ms) {
    struct telling *t = arg;
    (void)id;
    telling_end(t, t->known, err, retry_ms);
}

static void on_delivered(
    void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    struct telling *t = arg;
    bool is_final = err && (err->code == ERR_INVALID || err->code == ERR_DENIED);
    (void)result;
    if (is_final) /* the client has it all the same */
        LOG_WARN(t->b->flow.base.env->log, "bitrix24.status_refused",
            LOG_S("target", t->b->flow.base.target), LOG_S("im", t->known), LOG_E(err));
    telling_end(t, t->known, is_final ? NULL : err, retry_ms);
}

/* How his own message fared with the client. */
static void tell_status(struct telling *t, const struct crm_attach *in) {
    const char *status = json_text(in->message, "status"), *chat = json_text(in->client, "id");
    const char *im = t->known ? t->known : "";
    const char *reason = json_text(json_object_get(in->message, "error"), "text");
    if (*im && strcmp(status, "failed") == 0)
        bitrix24_line_complain(t->b, chat, "failed", im, reason, on_complained, t);
    else if (*im && (strcmp(status, "sent") == 0 || strcmp(status, "delivered") == 0 ||
                        strcmp(status, "read") == 0))
        bitrix24_line_delivered(t->b, chat, im, json_text(in->message, "id"), on_delivered, t);
    else
        loop_defer(t->b->flow.base.env->loop, on_nothing_to_do, t);
}

void bitrix24_chat_attach(struct crm *c, const struct crm_attach *in, crm_done_fn fn, void *arg) {
    struct bitrix24 *b = bitrix24_of(c);
    struct telling *t = telling_create(b, in->known, fn, arg);
    const char *direction = json_text(in->message, "direction");
    bool is_talk = strcmp(direction, "in") == 0 || strcmp(direction, "out") == 0 ||
                   (strcmp(direction, "note") == 0 && b->flow.options.notes);
    t->left_out = !in->own && !is_talk;
    if (in->own)
        tell_status(t, in);
    else if (!is_talk || in->only_status)
        loop_defer(c->env->loop, on_nothing_to_do, t);
    else
        bitrix24_line_say(b, in, on_said, t);
}

static void on_ensured(void *arg) {
    struct telling *t = arg;
    t->fn(t->arg, &(struct crm_outcome){.card_id = t->known});
    free(t->known);
    free(t);
}

/* The open line finds or makes the card itself: his chat is called as he is here. */
void bitrix24_chat_ensure(
    struct crm *c, const json_t *client, const char *known, crm_done_fn fn, void *arg) {
    const char *id = json_text(client, "id");
    loop_defer(
        c->env->loop, on_ensured, telling_create(bitrix24_of(c), *known ? known : id, fn, arg));
}

/* --- an operator's message goes out ---------------------------------------------------------- */

struct taking {
    struct bitrix24 *b;
    char *chat, *im;
    bool has_files; /* besides its text */
    crm_done_fn fn;
    void *arg;
};

static void taking_end(struct taking *t, const struct err *err, unsigned retry_ms) {
    t->fn(t->arg, &(struct crm_outcome){.err = err, .retry_ms = retry_ms});
    free(t->chat);
    free(t->im);
    free(t);
}

static void on_told(void *arg, const char *id, const struct err *err, unsigned retry_ms) {
    (void)id;
    taking_end(arg, err, retry_ms);
}

/* It cannot be sent: who wrote it shall see so. */
static void refuse(struct taking *t, const struct err *err) {
    LOG_WARN(t->b->flow.base.env->log, "bitrix24.reply_refused",
        LOG_S("target", t->b->flow.base.target), LOG_S("chat", t->chat), LOG_E(err));
    bitrix24_line_complain(t->b, t->chat, "failed", t->im, err->text, on_told, t);
}

/* What of it could be sent is: who wrote it shall see what is not. */
static void tell_of_files(struct taking *t) {
    const char *why = t->b->flow.options.russian
                          ? "файлы отсюда не передаются, отправлен только текст"
                          : "files are not taken from here, only the text is sent";
    bitrix24_line_complain(t->b, t->chat, "files", t->im, why, on_told, t);
}

static void on_replied(void *arg, const struct inbound_result *r, const struct err *err) {
    struct taking *t = arg;
    (void)r;
    if (err && !err_passes(err))
        refuse(t, err);
    else if (!err && t->has_files)
        tell_of_files(t);
    else
        taking_end(t, err, 0);
}

static void on_nothing_said(void *arg) {
    struct taking *t = arg;
    struct err err;
    err_set(&err, ERR_UNSUPPORTED, "%s",
        t->b->flow.options.russian ? "сообщения без текста и файлы отсюда не передаются"
                                   : "messages without text, and files, are not taken from here");
    refuse(t, &err);
}

static void on_done(void *arg) {
    taking_end(arg, NULL, 0);
}

void bitrix24_chat_take(struct crm *c, const json_t *event, crm_done_fn fn, void *arg) {
    struct bitrix24 *b = bitrix24_of(c);
    struct taking *t = mem_zalloc(sizeof *t);
    const char *text = json_text(event, "text");
    *t = (struct taking){.b = b,
        .chat = mem_strdup(json_text(event, "chat")),
        .im = mem_strdup(json_text(event, "im")),
        .has_files = json_is_true(json_object_get(event, "files")),
        .fn = fn,
        .arg = arg};
    if (strcmp(json_text(event, "what"), "add") != 0) {
        loop_defer(c->env->loop, on_done, t); /* operators cannot (see registration()) */
    } else if (!*text) {
        loop_defer(c->env->loop, on_nothing_said, t);
    } else {
        json_t *agent = crm_flow_agent(&b->flow, json_text(event, "user"));
        json_t *body = json_pack("{s:s}", "text", text);
        struct crm_reply r = {.client = t->chat,
            .external_id = t->im,
            .agent = json_string_value(agent),
            .author = *json_text(event, "author") ? json_text(event, "author") : NULL,
            .body = body};
        crm_reply(c, &r, on_replied, t);
        json_decref(body);
        json_decref(agent);
    }
}
