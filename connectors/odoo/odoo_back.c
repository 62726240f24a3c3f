/* odoo_back.c - the way back: notes of Odoo's people that are answers to the client, another
 * salesperson; and what became of the answers. */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/crypto.h"
#include "base/id.h"
#include "base/mem.h"
#include "connectors/odoo/odoo_private.h"
#include "connectors/odoo/odoo_said.h"
#include "net/http_server.h"

#define CONTACT "res.partner"

static const char *str(const json_t *o, const char *key) {
    const char *s = json_string_value(json_object_get(o, key));
    return s ? s : "";
}

/* --- an automation rule ---------------------------------------------------------------------- */

static void on_kept(void *arg, const struct err *err) {
    struct http_exchange *x = arg;
    if (err)
        http_reply_err(x, err);
    else
        http_reply_json(x, 200, json_pack("{s:b}", "ok", 1));
}

/* Odoo signs nothing: who knows the address is believed that there is something to look at, and no
 * more. It waits a second for an answer, and asks once. */
void odoo_webhook(struct crm *c, struct http_exchange *x) {
    struct odoo *o = odoo_of(c);
    const char *rest = http_path_arg(x, "rest");
    char once[ID_SIZE];
    struct err err;
    if (!*o->hook_secret || !crypto_equal(span_str(rest ? rest : ""), span_str(o->hook_secret))) {
        err_set(&err, ERR_NOT_FOUND, "nothing is here");
        http_reply_err(x, &err);
        return;
    }
    if (strcmp(http_method(x), "POST") != 0) {
        http_set_header(x, "Allow", "POST");
        http_reply_problem(x, 405, "invalid", "automation rules post here");
        return;
    }
    json_t *body = http_body_json(x);
    if (!body)
        return;
    json_int_t contact = odoo_told_contact(body);
    json_decref(body);
    if (!contact) {
        on_kept(x, NULL);
        return;
    }
    id_make(0, once);
    char *card = mem_printf("%lld", (long long)contact);
    json_t *event = json_pack("{s:s,s:s,s:s}", "type", "changed", "card", card, "once", once);
    crm_event(c, card, once, event, on_kept, x);
    json_decref(event);
    free(card);
}

/* --- acting on it ---------------------------------------------------------------------------- */

struct taking {
    struct odoo *o;
    json_t *event, *media;
    json_t *agent; /* our agent who wrote it, or who is responsible now; NULL */
    char *note, *name;
    crm_done_fn fn;
    void *arg;
};

/* That the CRM does not know us passes: what came waits for that. */
static void taking_end(struct taking *t, const struct err *err, unsigned retry_ms) {
    struct err waits;
    if (err && err->code == ERR_AUTH)
        err = (err_set(&waits, ERR_UNAVAILABLE, "%s", err->text), &waits);
    struct crm_outcome o = {.err = err, .retry_ms = retry_ms};
    t->fn(t->arg, &o);
    json_decref(t->event);
    json_decref(t->media);
    json_decref(t->agent);
    free(t->note);
    free(t->name);
    free(t);
}

/* A card that is gone needs no word on it. */
static void on_told(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    (void)result;
    taking_end(arg, crm_waits(err) ? err : NULL, retry_ms);
}

static void on_told_before(
    void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    struct taking *t = arg;
    if (err || json_array_size(result))
        taking_end(t, err, retry_ms);
    else
        odoo_post(t->o, strtoll(str(t->event, "card"), NULL, 10), t->note, t->name, json_array(),
            on_told, t);
}

static void add_escaped(struct buf *b, const char *text) {
    for (; *text; text++) {
        if (strchr("<>&\"", *text))
            buf_addf(b, "&#%d;", *text);
        else
            buf_add(b, text, 1);
    }
}

/* Who wrote it shall know why the client has not got it: once, below it. */
static void refuse(struct taking *t, const struct err *err) {
    struct buf b;
    if (crm_waits(err)) {
        taking_end(t, err, 0);
        return;
    }
    buf_init(&b, 4096);
    buf_addf(&b, "<b>%s</b> ",
        t->o->flow.options.russian ? "Клиенту не отправлено:" : "Not sent to the client:");
    add_escaped(&b, err->text);
    t->note = buf_take(&b);
    t->name = mem_printf("<switchboard-refused.%s@gateway>", str(t->event, "id"));
    odoo_search(t->o, "mail.message", json_pack("[[s,s,s]]", "message_id", "=", t->name),
        json_pack("[s]", "message_id"), 0, 1, on_told_before, t);
}

static void on_replied(void *arg, const struct inbound_result *r, const struct err *err) {
    (void)r;
    if (err)
        refuse(arg, err);
    else
        taking_end(arg, NULL, 0);
}

static void send(struct taking *t) {
    json_t *body = json_object();
    if (*str(t->event, "text") || !json_array_size(t->media))
        json_object_set(body, "text", json_object_get(t->event, "text"));
    if (json_array_size(t->media))
        json_object_set(body, "attachments", t->media);
    struct crm_reply r = {.card_id = str(t->event, "card"),
        .external_id = str(t->event, "id"),
        .agent = json_string_value(t->agent),
        .author = str(t->event, "author"),
        .body = body};
    crm_reply(&t->o->flow.base, &r, on_replied, t);
    json_decref(body);
}

static void on_fetched(void *arg, const json_t *media, const struct err *err) {
    struct taking *t = arg;
    if (err) {
        refuse(t, err);
        return;
    }
    t->media = json_incref((json_t *)media);
    send(t);
}

static void reply(struct taking *t) {
    const json_t *files = json_object_get(t->event, "files");
    struct err err;
    t->agent = crm_flow_agent(&t->o->flow, str(t->event, "user"));
    if (!t->o->replies_all && !t->agent) {
        err_set(&err, ERR_DENIED, "%.80s is not among the users who may write to clients (users)",
            str(t->event, "author"));
        refuse(t, &err);
        return;
    }
    if (json_array_size(files))
        odoo_fetch(t->o, files, on_fetched, t);
    else
        send(t);
}

/* Contacts that are nobody's of ours change, too; so do users who are nobody of ours. */
static void on_turned(void *arg, const struct err *err) {
    taking_end(arg, crm_waits(err) ? err : NULL, 0);
}

static void on_contact(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    struct taking *t = arg;
    const json_t *record = json_array_get(result, 0);
    json_int_t user = odoo_id(json_array_get(json_object_get(record, "user_id"), 0));
    const char *by = json_string_value(json_array_get(json_object_get(record, "write_uid"), 1));
    char *text = mem_printf("%lld", (long long)user);
    t->agent = user ? crm_flow_agent(&t->o->flow, text) : NULL;
    free(text);
    if (err || !record || (user && !t->agent))
        taking_end(t, err && err->code != ERR_DENIED ? err : NULL, retry_ms);
    else
        crm_assigned(&t->o->flow.base, str(t->event, "card"),
            t->agent ? json_string_value(t->agent) : "", str(t->event, "once"), by, on_turned, t);
}

void odoo_take(struct crm *c, const json_t *event, crm_done_fn fn, void *arg) {
    struct taking *t = mem_zalloc(sizeof *t);
    t->o = odoo_of(c);
    t->event = json_incref((json_t *)event);
    t->fn = fn;
    t->arg = arg;
    if (strcmp(str(event, "type"), "reply") == 0)
        reply(t);
    else
        odoo_search(t->o, CONTACT,
            json_pack("[[s,s,I]]", "id", "=", (json_int_t)strtoll(str(event, "card"), NULL, 10)),
            json_pack("[s,s]", "user_id", "write_uid"), 0, 1, on_contact, t);
}

/* --- what became of an answer ---------------------------------------------------------------- */

struct telling {
    struct odoo *o;
    json_int_t card;
    char *text, *name;
    crm_step_fn fn;
    void *arg;
};

static void telling_end(struct telling *t, const struct err *err, unsigned retry_ms) {
    t->fn(t->arg, NULL, err, retry_ms);
    free(t->text);
    free(t->name);
    free(t);
}

static void on_status_told(
    void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    (void)result;
    telling_end(arg, err, retry_ms);
}

static void on_status_there(
    void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    struct telling *t = arg;
    if (err || json_array_size(result))
        telling_end(t, err, retry_ms);
    else
        odoo_post(t->o, t->card, t->text, t->name, json_array(), on_status_told, t);
}

static void on_good_news(void *arg) {
    telling_end(arg, NULL, 0);
}

/* Bad news is one note with the message's name, below the answer; good news is none. */
void odoo_status(struct crm *c, const struct crm_attach *a, crm_step_fn fn, void *arg) {
    struct telling *t = mem_zalloc(sizeof *t);
    char mark[CRM_MARK_SIZE];
    t->o = odoo_of(c);
    t->fn = fn;
    t->arg = arg;
    if (strcmp(str(a->message, "status"), "failed") != 0) {
        loop_defer(c->env->loop, on_good_news, t);
        return;
    }
    const struct crm_flow_options *fo = &t->o->flow.options;
    struct crm_text_options o = {.markup = fo->markup,
        .russian = fo->russian,
        .utc_offset_min = fo->utc_offset_min,
        .max = fo->text_max};
    json_t *texts = crm_text(a->message, a->client, &o);
    t->card = strtoll(a->card_id, NULL, 10);
    t->text = mem_strdup(json_string_value(json_array_get(texts, json_array_size(texts) - 1)));
    json_decref(texts);
    crm_text_mark(a->message, mark);
    t->name = mem_printf("<switchboard.%s.0@gateway>", mark + 1);
    odoo_entries(c, a->card_id, mark, on_status_there, t);
}
