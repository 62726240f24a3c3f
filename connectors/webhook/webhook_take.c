/* webhook_take.c - the way back: a signed POST of the other system is kept, then acted on. What
 * cannot be sent to the client is told back as an event. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "connectors/webhook/webhook_private.h"
#include "connectors/webhook/webhook_said.h"
#include "net/http_server.h"
#include "net/std_webhook.h"

static struct webhook *hook_of(struct crm *c) {
    return container_of(c, struct webhook, base);
}

static const char *text(const json_t *o, const char *key) {
    return json_string_value(json_object_get(o, key));
}

/* --- a POST ---------------------------------------------------------------------------------- */

static struct span header(const struct http_exchange *x, const char *name) {
    const char *s = http_header(x, name);
    return span_str(s ? s : "");
}

void webhook_on_hook(struct crm *c, struct http_exchange *x) {
    struct webhook *h = hook_of(c);
    struct err err;
    if (strcmp(http_method(x), "POST") != 0) {
        http_set_header(x, "Allow", "POST");
        http_reply_problem(x, 405, "invalid", "events are posted here");
        return;
    }
    if (std_webhook_check(h->secrets, header(x, "webhook-id"), header(x, "webhook-timestamp"),
            header(x, "webhook-signature"), http_body(x), clock_ms() / 1000, &err) < 0) {
        http_reply_err(x, &err);
        return;
    }
    json_t *event = http_body_json(x);
    if (!event)
        return;
    if (webhook_said_check(event, &err) < 0) {
        http_reply_err(x, &err);
    } else {
        const char *id = http_header(x, "webhook-id");
        json_object_set_new(event, "id", json_string(id));
        crm_event(c, webhook_said_lane(event), id, event, crm_hook_done, x);
    }
    json_decref(event);
}

/* --- acting on it ---------------------------------------------------------------------------- */

struct taking {
    struct webhook *hook;
    json_t *event, *data, *media;
    size_t fetched;
    crm_done_fn fn;
    void *arg;
};

static void taking_end(struct taking *t, const struct err *err, unsigned retry_ms) {
    struct crm_outcome o = {.err = err, .retry_ms = retry_ms};
    t->fn(t->arg, &o);
    json_decref(t->event);
    json_decref(t->media);
    free(t);
}

static void on_told(void *arg, const struct crm_outcome *o) {
    taking_end(arg, o->err, o->retry_ms);
}

/* It cannot be sent: who wrote it shall know. */
static void fail(struct taking *t, const struct err *err) {
    struct webhook_event e;
    if (err_passes(err) || crm_is_off(&t->hook->base) || !t->hook->calls) {
        taking_end(t, err, 0);
        return;
    }
    webhook_event_failed(t->data, err, clock_ms(), &e);
    webhook_tell(t->hook, &e, on_told, t);
}

static void on_replied(void *arg, const struct inbound_result *r, const struct err *err) {
    struct taking *t = arg;
    (void)r;
    if (err)
        fail(t, err);
    else
        taking_end(t, NULL, 0);
}

static void reply(struct taking *t) {
    const char *said = text(t->data, "text");
    json_t *body = json_pack("{s:O}", "attachments", t->media);
    if (said && *said)
        json_object_set(body, "text", json_object_get(t->data, "text"));
    struct crm_reply r = {.thread = text(t->data, "thread"),
        .client = text(t->data, "client"),
        .card_id = text(t->data, "card"),
        .external_id = text(t->data, "id"),
        .agent = text(t->data, "agent"),
        .author = text(t->data, "author"),
        .is_note = json_is_true(json_object_get(t->data, "note")),
        .body = body};
    crm_reply(&t->hook->base, &r, on_replied, t);
    json_decref(body);
}

static void fetch(struct taking *t);

static void on_fetched(void *arg, const json_t *media, const struct err *err) {
    struct taking *t = arg;
    if (err) {
        struct err why;
        err_set(&why, err->code, "file %zu could not be had: %s", t->fetched + 1, err->text);
        fail(t, &why);
        return;
    }
    json_array_append_new(t->media, json_deep_copy(media));
    t->fetched++;
    fetch(t);
}

/* One file after the other, then the message. */
static void fetch(struct taking *t) {
    const json_t *f = json_array_get(json_object_get(t->data, "attachments"), t->fetched);
    const char *name = text(f, "name");
    if (!f) {
        reply(t);
        return;
    }
    crm_fetch(&t->hook->base, text(t->data, "id"), t->fetched, text(f, "url"), NULL,
        name ? name : "file", on_fetched, t);
}

static void on_turned(void *arg, const struct err *err) {
    taking_end(arg, err, 0);
}

void webhook_take(struct crm *c, const json_t *event, crm_done_fn fn, void *arg) {
    struct taking *t = mem_zalloc(sizeof *t);
    const char *type = text(event, "type");
    *t = (struct taking){.hook = hook_of(c),
        .event = json_incref((json_t *)event),
        .data = json_object_get(event, "data"),
        .media = json_array(),
        .fn = fn,
        .arg = arg};
    if (strcmp(type, "message.reply") == 0) {
        fetch(t);
    } else if (strcmp(type, "thread.assigned") == 0) {
        crm_assigned(c, text(t->data, "card"), text(t->data, "agent"), text(event, "id"),
            text(t->data, "by"), on_turned, t);
    } else {
        crm_renamed(c, text(t->data, "card"), text(t->data, "name"), on_turned, t);
    }
}
