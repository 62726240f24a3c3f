/* espocrm_back.c - the way back: posts of EspoCRM's people that are answers to the client, another
 * responsible; and what became of the answers. */
#include <stdlib.h>
#include <string.h>

#include "base/id.h"
#include "base/log.h"
#include "base/mem.h"
#include "connectors/espocrm/espocrm_private.h"
#include "connectors/espocrm/espocrm_said.h"
#include "net/http_server.h"

static const char *str(const json_t *o, const char *key) {
    const char *s = json_string_value(json_object_get(o, key));
    return s ? s : "";
}

/* --- a webhook ------------------------------------------------------------------------------- */

struct hearing {
    struct espocrm *e;
    struct http_exchange *x;
    json_t *events;
    size_t next;
};

static void hearing_end(struct hearing *h, const struct err *err) {
    if (err)
        http_reply_err(h->x, err);
    else
        http_reply_json(h->x, 200, json_pack("{s:b}", "ok", 1));
    json_decref(h->events);
    free(h);
}

static void keep_next(struct hearing *h);

static void on_kept(void *arg, const struct err *err) {
    struct hearing *h = arg;
    if (err && err->code != ERR_TOO_LARGE)
        hearing_end(h, err);
    else
        keep_next(h);
}

/* A post is kept once, by its id. Of a change only that there was one is kept: what it is now is
 * looked at. */
static void keep_next(struct hearing *h) {
    json_t *event = json_array_get(h->events, h->next++);
    char id[ID_SIZE];
    if (!event) {
        hearing_end(h, NULL);
        return;
    }
    bool is_reply = strcmp(str(event, "type"), "reply") == 0;
    id_make(0, id);
    char *once = mem_printf("%s:%s", str(event, "type"), is_reply ? str(event, "id") : id);
    json_object_set_new(event, "once", json_string(id));
    crm_event(&h->e->flow.base, str(event, "card"), once, event, on_kept, h);
    free(once);
}

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
    struct hearing *h = mem_zalloc(sizeof *h);
    *h = (struct hearing){e, x, events, 0};
    keep_next(h);
}

/* --- acting on it ---------------------------------------------------------------------------- */

struct taking {
    struct espocrm *e;
    json_t *event, *media;
    json_t *agent; /* our agent who wrote it; NULL */
    char *note;    /* to be posted on the card */
    char *mark;    /* by which it is found when it is there */
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
    free(t->mark);
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
    struct err bad;
    const json_t *list = err ? NULL : espocrm_list(result, &bad);
    if (!list || json_array_size(list)) {
        taking_end(t, list ? NULL : err ? err : &bad, retry_ms);
        return;
    }
    espocrm_call(t->e, "POST", "Note",
        json_pack("{s:s,s:s,s:s,s:s}", "type", "Post", "parentType", t->e->fields.entity,
            "parentId", str(t->event, "card"), "post", t->note),
        on_told, t);
}

/* Who wrote it shall know why the client has not got it: once, below it. */
static void refuse(struct taking *t, const struct err *err) {
    bool ru = t->e->flow.options.russian;
    if (crm_waits(err)) {
        taking_end(t, err, 0);
        return;
    }
    char *why = mem_strdup(err->text);
    for (char *p = why; (p = strpbrk(p, "\r\n`"));)
        *p = ' ';
    t->mark = mem_printf("(%s)", str(t->event, "id"));
    t->note = mem_printf(
        "**%s** `%s` %s", ru ? "Клиенту не отправлено:" : "Not sent to the client:", why, t->mark);
    free(why);
    char *path = espocrm_notes_path(&t->e->fields, str(t->event, "card"), t->mark, 0);
    espocrm_call(t->e, "GET", path, NULL, on_told_before, t);
    free(path);
}

static void on_replied(void *arg, const struct inbound_result *r, const struct err *err) {
    (void)r;
    if (err)
        refuse(arg, err);
    else
        taking_end(arg, NULL, 0);
}

static void fetch(struct taking *t);

static void on_fetched(void *arg, const json_t *media, const struct err *err) {
    struct taking *t = arg;
    if (err) {
        refuse(t, err);
        return;
    }
    json_array_append_new(t->media, json_deep_copy(media));
    fetch(t);
}

/* One file after the other, then the message. */
static void fetch(struct taking *t) {
    const json_t *file =
        json_array_get(json_object_get(t->event, "files"), json_array_size(t->media));
    if (file) {
        char *url = mem_printf("%s/api/v1/Attachment/file/%s", t->e->url, str(file, "id"));
        char *key = mem_printf("X-Api-Key: %s", t->e->key);
        const char *const headers[] = {key, NULL};
        crm_fetch(&t->e->flow.base, str(t->event, "id"), json_array_size(t->media), url, headers,
            str(file, "name"), on_fetched, t);
        free(key);
        free(url);
        return;
    }
    json_t *body = json_pack("{s:O}", "attachments", t->media);
    if (*str(t->event, "text"))
        json_object_set(body, "text", json_object_get(t->event, "text"));
    struct crm_reply r = {.card_id = str(t->event, "card"),
        .external_id = str(t->event, "id"),
        .agent = json_string_value(t->agent),
        .author = str(t->event, "author"),
        .body = body};
    crm_reply(&t->e->flow.base, &r, on_replied, t);
    json_decref(body);
}

static void reply(struct taking *t) {
    struct err err;
    t->agent = crm_flow_agent(&t->e->flow, str(t->event, "user"));
    if (t->e->replies_all || t->agent) {
        fetch(t);
        return;
    }
    err_set(&err, ERR_DENIED, "%.80s is not among the users who may write to clients (users)",
        str(t->event, "author"));
    refuse(t, &err);
}

/* Cards that are nobody's of ours change, too; so do users who are nobody of ours. */
static void on_turned(void *arg, const struct err *err) {
    taking_end(arg, crm_waits(err) ? err : NULL, 0);
}

static void on_card(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    struct taking *t = arg;
    const char *user = str(result, "assignedUserId");
    if (err) {
        bool gone = err->code == ERR_NOT_FOUND || err->code == ERR_DENIED;
        taking_end(t, gone ? NULL : err, retry_ms);
        return;
    }
    t->agent = crm_flow_agent(&t->e->flow, user);
    if (*user && !t->agent) {
        taking_end(t, NULL, 0); /* nobody whom we know: ours stays */
        return;
    }
    crm_assigned(&t->e->flow.base, str(t->event, "card"),
        t->agent ? json_string_value(t->agent) : "", str(t->event, "once"),
        str(result, "modifiedByName"), on_turned, t);
}

void espocrm_take(struct crm *c, const json_t *event, crm_done_fn fn, void *arg) {
    struct taking *t = mem_zalloc(sizeof *t);
    t->e = espocrm_of(c);
    t->event = json_incref((json_t *)event);
    t->media = json_array();
    t->fn = fn;
    t->arg = arg;
    if (strcmp(str(event, "type"), "reply") == 0)
        reply(t);
    else
        espocrm_call_record(t->e, "GET", t->e->fields.entity, str(event, "card"), NULL, on_card, t);
}

/* --- what became of an answer ---------------------------------------------------------------- */

struct telling {
    struct espocrm *e;
    char *card, *text;
    crm_step_fn fn;
    void *arg;
};

static void telling_end(struct telling *t, const struct err *err, unsigned retry_ms) {
    t->fn(t->arg, NULL, err, retry_ms);
    free(t->card);
    free(t->text);
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
    if (err || json_array_size(result)) {
        telling_end(t, err, retry_ms);
        return;
    }
    espocrm_call(t->e, "POST", "Note",
        json_pack("{s:s,s:s,s:s,s:s}", "type", "Post", "parentType", t->e->fields.entity,
            "parentId", t->card, "post", t->text),
        on_status_told, t);
}

static void on_good_news(void *arg) {
    telling_end(arg, NULL, 0);
}

/* Bad news is one post with the message's mark, below the answer; good news is none. */
void espocrm_status(struct crm *c, const struct crm_attach *a, crm_step_fn fn, void *arg) {
    struct telling *t = mem_zalloc(sizeof *t);
    struct espocrm *e = espocrm_of(c);
    const struct crm_flow_options *fo = &e->flow.options;
    char mark[CRM_MARK_SIZE];
    t->e = e;
    t->fn = fn;
    t->arg = arg;
    if (strcmp(str(a->message, "status"), "failed") != 0) {
        loop_defer(c->env->loop, on_good_news, t);
        return;
    }
    struct crm_text_options o = {.markup = fo->markup,
        .russian = fo->russian,
        .utc_offset_min = fo->utc_offset_min,
        .max = fo->text_max};
    json_t *texts = crm_text(a->message, a->client, &o);
    t->card = mem_strdup(a->card_id);
    t->text = mem_strdup(json_string_value(json_array_get(texts, json_array_size(texts) - 1)));
    crm_text_mark(a->message, mark);
    espocrm_entries(c, a->card_id, mark, on_status_there, t);
    json_decref(texts);
}
