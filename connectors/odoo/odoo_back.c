/* odoo_back.c - the way back: notes of Odoo's people that are answers to the client, other
 * names and salespersons of contacts; and what became of the answers. */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/crypto.h"
#include "base/json_text.h"
#include "base/mem.h"
#include "connectors/odoo/odoo_private.h"
#include "connectors/odoo/odoo_said.h"
#include "net/http_server.h"

/* --- an automation rule ---------------------------------------------------------------------- */

/* Odoo signs nothing: who knows the address is believed that there is something to look at, and no
 * more. It waits a second for an answer, and asks once. */
void odoo_webhook(struct crm *c, struct http_exchange *x) {
    struct odoo *o = odoo_of(c);
    const char *rest = http_path_arg(x, "rest");
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
    crm_events(c, odoo_told_changes(body), crm_hook_done, x);
    json_decref(body);
}

/* --- a word on the card, once ---------------------------------------------------------------- */

struct telling {
    struct odoo *o;
    json_int_t card;
    char *text, *name; /* the note, and its message_id */
    crm_step_fn fn;
    void *arg;
};

static struct telling *telling_create(struct crm *c, const char *card, crm_step_fn fn, void *arg) {
    struct telling *t = mem_zalloc(sizeof *t);
    *t = (struct telling){.o = odoo_of(c), .card = strtoll(card, NULL, 10), .fn = fn, .arg = arg};
    return t;
}

static void telling_end(struct telling *t, const struct err *err, unsigned retry_ms) {
    t->fn(t->arg, NULL, err, retry_ms);
    free(t->text);
    free(t->name);
    free(t);
}

static void on_told(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    (void)result;
    telling_end(arg, err, retry_ms);
}

/* notes: those that say so already. */
static void on_there(void *arg, const json_t *notes, const struct err *err, unsigned retry_ms) {
    struct telling *t = arg;
    if (err || json_array_size(notes))
        telling_end(t, err, retry_ms);
    else
        odoo_post(t->o, t->card, t->text, t->name, json_array(), on_told, t);
}

/* --- acting on it ---------------------------------------------------------------------------- */

static void add_escaped(struct buf *b, const char *text) {
    for (; *text; text++) {
        if (strchr("<>&\"", *text))
            buf_addf(b, "&#%d;", *text);
        else
            buf_add(b, text, 1);
    }
}

static void refuse(struct crm *c, const json_t *event, const char *why, crm_step_fn fn, void *arg) {
    struct telling *t = telling_create(c, json_text(event, "card"), fn, arg);
    struct buf b;
    buf_init(&b, 4096);
    buf_addf(&b, "<b>%s</b> ",
        t->o->flow.options.russian ? "Клиенту не отправлено:" : "Not sent to the client:");
    add_escaped(&b, why);
    t->text = buf_take(&b);
    t->name = mem_printf("<switchboard-refused.%s@gateway>", json_text(event, "id"));
    odoo_search(t->o, "mail.message", json_pack("[[s,s,s]]", "message_id", "=", t->name),
        json_pack("[s]", "message_id"), 0, 1, on_there, t);
}

/* One of the note's attachments. */
static void fetch(struct crm *c, const json_t *event, size_t nth, crm_result_fn fn, void *arg) {
    json_t *one = json_pack("[O]", json_array_get(json_object_get(event, "files"), nth));
    odoo_fetch(odoo_of(c), one, fn, arg);
    json_decref(one);
}

static const struct crm_flow_reply_ops reply_ops = {.fetch = fetch, .refuse = refuse};

void odoo_take(struct crm *c, const json_t *event, crm_done_fn fn, void *arg) {
    struct odoo *o = odoo_of(c);
    if (crm_flow_is_change(event))
        crm_flow_changed(&o->flow, event, fn, arg);
    else
        crm_flow_reply(&o->flow, &reply_ops, o->replies_all, event, fn, arg);
}

/* --- what became of an answer ---------------------------------------------------------------- */

static void on_good_news(void *arg) {
    telling_end(arg, NULL, 0);
}

/* Bad news is one note with the message's name, below the answer; good news is none. */
void odoo_status(struct crm *c, const struct crm_attach *a, crm_step_fn fn, void *arg) {
    struct telling *t = telling_create(c, a->card_id, fn, arg);
    char mark[CRM_MARK_SIZE];
    if (strcmp(json_text(a->message, "status"), "failed") != 0) {
        loop_defer(c->env->loop, on_good_news, t);
        return;
    }
    const struct crm_flow_options *fo = &t->o->flow.options;
    struct crm_text_options o = {.markup = fo->markup,
        .russian = fo->russian,
        .utc_offset_min = fo->utc_offset_min,
        .max = fo->text_max};
    json_t *texts = crm_text(a->message, a->client, &o);
    t->text = mem_strdup(json_string_value(json_array_get(texts, json_array_size(texts) - 1)));
    json_decref(texts);
    crm_text_mark(a->message, mark);
    t->name = mem_printf("<switchboard.%s.0@gateway>", mark + 1);
    odoo_entries(c, a->card_id, mark, on_there, t);
}
