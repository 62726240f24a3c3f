/* crm_flow_reply.c - an entry of the CRM's people that is an answer to the client: may its writer,
 * its files, then the message; or, below it, why the client has not got it. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "core/crm/crm_flow_private.h"

struct replying {
    struct crm_flow *f;
    const struct crm_flow_reply_ops *ops;
    json_t *event, *media;
    json_t *agent; /* our agent who wrote it; NULL */
    crm_done_fn fn;
    void *arg;
};

static void replying_end(struct replying *r, const struct err *err, unsigned retry_ms) {
    r->fn(r->arg, &(struct crm_outcome){.err = err, .retry_ms = retry_ms});
    json_decref(r->event);
    json_decref(r->media);
    json_decref(r->agent);
    free(r);
}

/* A card that is gone needs no word on it. */
static void on_told(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    (void)result;
    replying_end(arg, crm_waits(err) ? err : NULL, retry_ms);
}

static void refuse(struct replying *r, const struct err *err) {
    if (crm_waits(err))
        replying_end(r, err, 0);
    else
        r->ops->refuse(r->f->crm, r->event, err->text, on_told, r);
}

static void on_replied(void *arg, const struct inbound_result *result, const struct err *err) {
    (void)result;
    if (err)
        refuse(arg, err);
    else
        replying_end(arg, NULL, 0);
}

static void bring(struct replying *r);

static void on_brought(void *arg, const json_t *media, const struct err *err) {
    struct replying *r = arg;
    if (err) {
        refuse(r, err);
        return;
    }
    if (json_is_array(media))
        json_array_extend(r->media, (json_t *)media);
    else
        json_array_append_new(r->media, json_deep_copy(media));
    bring(r);
}

/* One file after the other, then the message. */
static void bring(struct replying *r) {
    size_t nth = json_array_size(r->media);
    const json_t *file = json_array_get(json_object_get(r->event, "files"), nth);
    struct err err;
    if (file && !r->ops->fetch) {
        err_set(&err, ERR_UNSUPPORTED, "files go to clients from the gateway's inbox only");
        refuse(r, &err);
        return;
    }
    if (file) {
        r->ops->fetch(r->f->crm, r->event, nth, on_brought, r);
        return;
    }
    json_t *body = json_pack("{s:O}", "attachments", r->media);
    if (*json_text(r->event, "text"))
        json_object_set(body, "text", json_object_get(r->event, "text"));
    struct crm_reply reply = {.card_id = json_text(r->event, "card"),
        .external_id = json_text(r->event, "id"),
        .agent = json_string_value(r->agent),
        .author = json_text(r->event, "author"),
        .body = body};
    crm_reply(r->f->crm, &reply, on_replied, r);
    json_decref(body);
}

void crm_flow_reply(struct crm_flow *f, const struct crm_flow_reply_ops *ops, bool all_may,
    const json_t *event, crm_done_fn fn, void *arg) {
    struct replying *r = mem_zalloc(sizeof *r);
    struct err err;
    *r = (struct replying){.f = f,
        .ops = ops,
        .event = json_deep_copy(event),
        .media = json_array(),
        .agent = crm_flow_agent(f, json_text(event, "user")),
        .fn = fn,
        .arg = arg};
    if (all_may || r->agent) {
        bring(r);
        return;
    }
    err_set(&err, ERR_DENIED, "%.80s is not among the users who may write to clients (users)",
        json_text(event, "author"));
    refuse(r, &err);
}
