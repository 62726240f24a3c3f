/* hubspot_back.c - what an operator wrote in HubSpot's inbox: kept, then sent to the client; and
 * contacts that have changed. */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json_text.h"
#include "base/log.h"
#include "base/mem.h"
#include "connectors/hubspot/hubspot_channel.h"
#include "connectors/hubspot/hubspot_private.h"
#include "model/message.h"
#include "net/http_server.h"

/* --- a request ------------------------------------------------------------------------------- */

static int check_token(const struct hubspot *h, const struct http_exchange *x, struct err *err) {
    const char *given = http_path_arg(x, "rest");
    size_t n = strlen(h->hook_token);
    if (!given || strlen(given) != n || sodium_memcmp(given, h->hook_token, n) != 0)
        return err_set(err, ERR_AUTH, "the address does not end with the setting hook_token");
    return 0;
}

/* Whether HubSpot signs those of a channel is not documented: one that is there must be right. */
static int check_signature(
    const struct hubspot *h, const struct http_exchange *x, bool must, struct err *err) {
    const char *signature = http_header(x, "x-hubspot-signature-v3");
    const char *timestamp = http_header(x, "x-hubspot-request-timestamp");
    if (!*h->client_secret || !signature)
        return must ? err_set(err, ERR_AUTH, "the request is not signed") : 0;
    char *uri = mem_printf("%s%s", h->flow.base.public_url, http_path(x));
    struct hubspot_signed s = {.secret = h->client_secret,
        .method = http_method(x),
        .uri = uri,
        .body = http_body(x),
        .timestamp = timestamp ? timestamp : "",
        .signature = signature};
    int rc = hubspot_signed_check(&s, clock_ms(), err);
    free(uri);
    return rc;
}

/* Our app's webhooks end with this; they are always signed. */
static bool is_of_app(const struct http_exchange *x) {
    const char *rest = http_path_arg(x, "rest");
    return rest && strcmp(rest, "events") == 0;
}

void hubspot_on_hook(struct crm *c, struct http_exchange *x) {
    struct hubspot *h = hubspot_of(c);
    struct err err;
    bool is_app = is_of_app(x);
    if (is_app ? !*h->client_secret : !*h->channel) {
        http_reply_problem(x, 404, "not_found",
            is_app ? "the setting client_secret is not set" : "the setting channel is not set");
        return;
    }
    if (strcmp(http_method(x), "POST") != 0) {
        http_set_header(x, "Allow", "POST");
        http_reply_problem(x, 405, "invalid", "events are posted here");
        return;
    }
    if ((!is_app && check_token(h, x, &err) < 0) ||
        check_signature(h, x, is_app || h->signed_only, &err) < 0) {
        http_reply_err(x, &err);
        return;
    }
    json_t *events = is_app ? hubspot_changes(http_body(x), h->properties.name, &err)
                            : hubspot_answers(http_body(x), h->channel, &err);
    if (events)
        crm_events(c, events, crm_hook_done, x);
    else
        http_reply_err(x, &err);
}

/* --- acting on it ---------------------------------------------------------------------------- */

struct taking {
    struct hubspot *h;
    json_t *event, *media, *agent;
    size_t fetched;
    crm_done_fn fn;
    void *arg;
};

static void taking_end(struct taking *t, const struct err *err, unsigned retry_ms) {
    t->fn(t->arg, &(struct crm_outcome){.err = err, .retry_ms = retry_ms});
    json_decref(t->event);
    json_decref(t->media);
    json_decref(t->agent);
    free(t);
}

static void on_told(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    (void)result;
    taking_end(arg, err && err->code == ERR_NOT_FOUND ? NULL : err, retry_ms);
}

/* It cannot be sent: who wrote it sees that, and why. */
static void fail(struct taking *t, const struct err *err) {
    if (err_passes(err) || !t->h->calls) {
        taking_end(t, err, 0);
        return;
    }
    LOG_INFO(t->h->flow.base.env->log, "hubspot.reply_refused",
        LOG_S("target", t->h->flow.base.target), LOG_S("reply", json_text(t->event, "id")),
        LOG_E(err));
    hubspot_tell_status(t->h, json_text(t->event, "id"), "FAILED", err->text, on_told, t);
}

static void on_replied(void *arg, const struct inbound_result *r, const struct err *err) {
    (void)r;
    if (err)
        fail(arg, err);
    else
        taking_end(arg, NULL, 0);
}

static void reply(struct taking *t) {
    const char *text = json_text(t->event, "text");
    json_t *body = json_pack("{s:O}", "attachments", t->media);
    if (*text)
        json_object_set(body, "text", json_object_get(t->event, "text"));
    struct crm_reply r = {.thread = json_text(t->event, "thread"),
        .external_id = json_text(t->event, "id"),
        .agent = json_string_value(t->agent),
        .author = *json_text(t->event, "author") ? json_text(t->event, "author") : NULL,
        .body = body};
    crm_reply(&t->h->flow.base, &r, on_replied, t);
    json_decref(body);
}

static void fetch(struct taking *t);

static void on_fetched(void *arg, const json_t *media, const struct err *err) {
    struct taking *t = arg;
    struct err why;
    if (err) {
        err_set(&why, err->code, "file %zu could not be had: %s", t->fetched + 1, err->text);
        fail(t, &why);
        return;
    }
    json_array_append_new(t->media, json_deep_copy(media));
    t->fetched++;
    fetch(t);
}

/* One file after the other, then the message. The token does not go along: the address is whatever
 * the event says. */
static void fetch(struct taking *t) {
    const json_t *files = json_object_get(t->event, "files"),
                 *f = json_array_get(files, t->fetched);
    struct err why;
    if (json_array_size(files) > MESSAGE_ATTACHMENTS_MAX) {
        err_set(&why, ERR_TOO_LARGE, "more than %d files", MESSAGE_ATTACHMENTS_MAX);
        fail(t, &why);
    } else if (f && !*json_text(f, "url")) {
        err_set(
            &why, ERR_UNSUPPORTED, "file %zu has no address where it could be had", t->fetched + 1);
        fail(t, &why);
    } else if (f) {
        crm_fetch(&t->h->flow.base, json_text(t->event, "id"), t->fetched, json_text(f, "url"),
            NULL, json_text(f, "name"), on_fetched, t);
    } else {
        reply(t);
    }
}

void hubspot_take(struct crm *c, const json_t *event, crm_done_fn fn, void *arg) {
    if (crm_flow_is_change(event)) {
        crm_flow_changed(&hubspot_of(c)->flow, event, fn, arg);
        return;
    }
    struct taking *t = mem_zalloc(sizeof *t);
    struct err err;
    t->h = hubspot_of(c);
    t->event = json_incref((json_t *)event);
    t->media = json_array();
    t->agent = crm_flow_agent(&t->h->flow, json_text(event, "actor"));
    t->fn = fn;
    t->arg = arg;
    err_set(&err, ERR_NOT_FOUND,
        "this conversation was not begun by the gateway: it does not know whom to send it to");
    if (*json_text(event, "thread"))
        fetch(t);
    else
        fail(t, &err);
}
