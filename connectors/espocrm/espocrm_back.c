/* espocrm_back.c - the way back: posts of EspoCRM's people that are answers to the client, other
 * names and responsibles of cards; and what became of the answers. */
#include <stdlib.h>
#include <string.h>

#include "base/id.h"
#include "base/json_text.h"
#include "base/log.h"
#include "base/mem.h"
#include "connectors/espocrm/espocrm_private.h"
#include "connectors/espocrm/espocrm_said.h"
#include "net/http_server.h"

/* --- a webhook ------------------------------------------------------------------------------- */

void espocrm_webhook(struct crm *c, struct http_exchange *x) {
    struct espocrm *e = espocrm_of(c);
    struct err err;
    if (strcmp(http_method(x), "POST") != 0) {
        http_set_header(x, "Allow", "POST");
        http_reply_problem(x, 405, "invalid", "EspoCRM's webhooks are posted here");
        return;
    }
    if (!espocrm_is_signed(
            e->hooks, http_header(x, "signature"), http_header(x, "x-signature"), http_body(x))) {
        err_set(&err, ERR_AUTH, "the signature is of none of the webhooks that the settings name");
        http_reply_err(x, &err);
        return;
    }
    json_t *events = espocrm_said(http_body(x), e->fields.entity, e->reply_prefix, &err);
    if (!events) {
        http_reply_err(x, &err);
        return;
    }
    crm_events(c, events, crm_hook_done, x);
}

/* --- a word on the card, once ---------------------------------------------------------------- */

struct telling {
    struct espocrm *e;
    char *card, *text;
    crm_step_fn fn;
    void *arg;
};

static struct telling *telling_create(
    struct crm *c, const char *card, char *text, crm_step_fn fn, void *arg) {
    struct telling *t = mem_alloc(sizeof *t);
    *t = (struct telling){espocrm_of(c), mem_strdup(card), text, fn, arg};
    return t;
}

static void telling_end(struct telling *t, const struct err *err, unsigned retry_ms) {
    t->fn(t->arg, NULL, err, retry_ms);
    free(t->card);
    free(t->text);
    free(t);
}

static void on_told(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    (void)result;
    telling_end(arg, err, retry_ms);
}

/* posts: those that say so already. */
static void on_there(void *arg, const json_t *posts, const struct err *err, unsigned retry_ms) {
    struct telling *t = arg;
    if (err || json_array_size(posts)) {
        telling_end(t, err, retry_ms);
        return;
    }
    espocrm_call(t->e, "POST", "Note",
        json_pack("{s:s,s:s,s:s,s:s}", "type", "Post", "parentType", t->e->fields.entity,
            "parentId", t->card, "post", t->text),
        on_told, t);
}

static void on_found(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    struct err bad;
    const json_t *list = err ? NULL : espocrm_list(result, &bad);
    on_there(arg, list, list ? NULL : err ? err : &bad, retry_ms);
}

/* --- acting on it ---------------------------------------------------------------------------- */

static void fetch(struct crm *c, const json_t *event, size_t nth, crm_result_fn fn, void *arg) {
    const struct espocrm *e = espocrm_of(c);
    const json_t *file = json_array_get(json_object_get(event, "files"), nth);
    char *url = mem_printf("%s/api/v1/Attachment/file/%s", e->url, json_text(file, "id"));
    char *key = mem_printf("X-Api-Key: %s", e->key);
    const char *const headers[] = {key, NULL};
    crm_fetch(c, json_text(event, "id"), nth, url, headers, json_text(file, "name"), fn, arg);
    free(key);
    free(url);
}

static void refuse(
    struct crm *c, const json_t *event, const char *text, crm_step_fn fn, void *arg) {
    struct espocrm *e = espocrm_of(c);
    bool ru = e->flow.options.russian;
    char *why = mem_strdup(text), *mark = mem_printf("(%s)", json_text(event, "id"));
    for (char *p = why; (p = strpbrk(p, "\r\n`"));)
        *p = ' ';
    char *note = mem_printf(
        "**%s** `%s` %s", ru ? "Клиенту не отправлено:" : "Not sent to the client:", why, mark);
    char *path = espocrm_notes_path(&e->fields, json_text(event, "card"), mark, 0);
    espocrm_call(
        e, "GET", path, NULL, on_found, telling_create(c, json_text(event, "card"), note, fn, arg));
    free(path);
    free(mark);
    free(why);
}

static const struct crm_flow_reply_ops reply_ops = {.fetch = fetch, .refuse = refuse};

void espocrm_take(struct crm *c, const json_t *event, crm_done_fn fn, void *arg) {
    struct espocrm *e = espocrm_of(c);
    if (crm_flow_is_change(event))
        crm_flow_changed(&e->flow, event, fn, arg);
    else
        crm_flow_reply(&e->flow, &reply_ops, e->replies_all, event, fn, arg);
}

/* --- what became of an answer ---------------------------------------------------------------- */

static void on_good_news(void *arg) {
    telling_end(arg, NULL, 0);
}

/* Bad news is one post with the message's mark, below the answer; good news is none. */
void espocrm_status(struct crm *c, const struct crm_attach *a, crm_step_fn fn, void *arg) {
    struct telling *t = telling_create(c, a->card_id, NULL, fn, arg);
    const struct crm_flow_options *fo = &t->e->flow.options;
    char mark[CRM_MARK_SIZE];
    if (strcmp(json_text(a->message, "status"), "failed") != 0) {
        loop_defer(c->env->loop, on_good_news, t);
        return;
    }
    struct crm_text_options o = {.markup = fo->markup,
        .russian = fo->russian,
        .utc_offset_min = fo->utc_offset_min,
        .max = fo->text_max};
    json_t *texts = crm_text(a->message, a->client, &o);
    t->text = mem_strdup(json_string_value(json_array_get(texts, json_array_size(texts) - 1)));
    crm_text_mark(a->message, mark);
    espocrm_entries(c, a->card_id, mark, on_there, t);
    json_decref(texts);
}
