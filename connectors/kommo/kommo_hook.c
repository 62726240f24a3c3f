/* kommo_hook.c - what the CRM's people write to clients, and change of their contacts. Their
 * service sends a hook once and never again: it is answered when it is on disk, and worked on
 * later. What cannot be delivered is told to whoever wrote it. */
#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "base/json_text.h"
#include "base/log.h"
#include "base/mem.h"
#include "connectors/kommo/kommo_compose.h"
#include "connectors/kommo/kommo_event.h"
#include "connectors/kommo/kommo_private.h"
#include "net/http_form.h"
#include "net/http_server.h"

#define THREAD_LEN 26
#define NO_DIALOGUE 904
#define OTHER 905

/* --- the hook -------------------------------------------------------------------------------- */

/* The account's web hooks are signed by nobody: who knows the address is believed that there is
 * something to look at, and no more. */
static void on_account_hook(struct kommo *k, struct http_exchange *x) {
    struct err err;
    json_t *form = http_form(http_body(x), &err);
    if (form)
        crm_events(&k->flow.base, kommo_changes(form), crm_hook_done, x);
    else
        http_reply_err(x, &err);
    json_decref(form);
}

void kommo_webhook(struct crm *c, struct http_exchange *x) {
    struct kommo *k = kommo_of(c);
    struct err err;
    json_t *event;
    const char *rest = http_path_arg(x, "rest") ? http_path_arg(x, "rest") : "";
    bool is_post = strcmp(http_method(x), "POST") == 0;
    if (is_post && *k->hook_secret && crypto_equal(span_str(rest), span_str(k->hook_secret))) {
        on_account_hook(k, x);
        return;
    }
    if (!k->chat.on || !is_post || *rest) {
        http_reply_problem(
            x, 404, "not_found", "hooks are POSTed to /hooks/kommo/<target>, in mode \"chat\"");
        return;
    }
    if (!kommo_is_signed(k->chat.secret, http_body(x), http_header(x, "X-Signature"))) {
        LOG_WARN(c->env->log, "kommo.hook_refused", LOG_S("target", c->target),
            LOG_S("peer", http_peer(x)));
        http_reply_problem(
            x, 401, "auth", "the signature is missing, or not made with channel_secret");
        return;
    }
    if (kommo_event(http_body(x), &event, &err) < 0) {
        LOG_WARN(c->env->log, "kommo.no_hook", LOG_S("target", c->target), LOG_E(&err));
        http_reply_err(x, &err);
        return;
    }
    if (!event)
        http_reply_empty(x, 200);
    else
        crm_event(c, json_text(event, "chat"), json_text(event, "id"), event, crm_hook_done, x);
    json_decref(event);
}

/* --- later ----------------------------------------------------------------------------------- */

struct taking {
    struct kommo *k;
    json_t *event, *body;
    crm_done_fn fn;
    void *arg;
};

static void taking_end(struct taking *t, const struct err *err, unsigned retry_ms) {
    t->fn(t->arg, &(struct crm_outcome){.err = err, .retry_ms = retry_ms});
    json_decref(t->event);
    json_decref(t->body);
    free(t);
}

static void on_told(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    (void)result;
    taking_end(arg, crm_waits(err) ? err : NULL, retry_ms);
}

/* It will never be delivered: whoever wrote it sees why. */
static void refuse(struct taking *t, int code, const char *why) {
    const char *id = json_text(t->event, "id");
    LOG_WARN(t->k->flow.base.env->log, "kommo.not_sent", LOG_S("target", t->k->flow.base.target),
        LOG_S("id", id), LOG_S("what", why));
    kommo_talk_status(t->k, id, kommo_failure(id, code, why), on_told, t);
}

static void on_replied(void *arg, const struct inbound_result *result, const struct err *err) {
    struct taking *t = arg;
    (void)result;
    if (!err)
        taking_end(t, NULL, 0);
    else if (err_passes(err))
        taking_end(t, err, 0);
    else
        refuse(t, err->code == ERR_NOT_FOUND ? NO_DIALOGUE : OTHER, err->text);
}

static void reply(struct taking *t) {
    json_t *agent = kommo_agent_of(t->k->chat.users, json_text(t->event, "sender"));
    const char *author = json_text(t->event, "author");
    struct crm_reply r = {.thread = json_text(t->event, "thread"),
        .external_id = json_text(t->event, "id"),
        .agent = json_string_value(agent),
        .author = *author ? author : NULL,
        .body = t->body};
    crm_reply(&t->k->flow.base, &r, on_replied, t);
    json_decref(agent);
}

static void on_file(void *arg, const json_t *result, const struct err *err) {
    struct taking *t = arg;
    if (err_passes(err)) {
        taking_end(t, err, 0);
    } else if (err) {
        char *why = mem_printf("the file could not be had: %s", err->text);
        refuse(t, OTHER, why);
        free(why);
    } else {
        json_object_set_new(t->body, "attachments", json_pack("[O]", result));
        reply(t);
    }
}

static void begin(struct taking *t) {
    const json_t *file = json_object_get(t->event, "file");
    if (strlen(json_text(t->event, "thread")) != THREAD_LEN)
        refuse(
            t, NO_DIALOGUE, "this chat is no dialogue of the gateway's: the client writes first");
    else if (file)
        crm_fetch(&t->k->flow.base, json_text(t->event, "id"), 0, json_text(file, "url"), NULL,
            json_text(file, "name"), on_file, t);
    else
        reply(t);
}

/* One channel may be connected to other accounts, too. */
static void on_account(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    struct taking *t = arg;
    const char *theirs = json_text(t->event, "account");
    (void)result;
    if (err)
        taking_end(t, err, retry_ms);
    else if (*theirs && strcmp(theirs, t->k->chat.account) != 0)
        taking_end(t, NULL, 0);
    else
        begin(t);
}

static void on_account_known(void *arg) {
    on_account(arg, NULL, NULL, 0);
}

void kommo_take(struct crm *c, const json_t *event, crm_done_fn fn, void *arg) {
    if (crm_flow_is_change(event)) {
        crm_flow_changed(&kommo_of(c)->panel, event, fn, arg); /* a look that makes no lead */
        return;
    }
    struct taking *t = mem_zalloc(sizeof *t);
    t->k = kommo_of(c);
    t->event = json_deep_copy(event);
    t->body = json_object();
    t->fn = fn;
    t->arg = arg;
    if (*json_text(event, "text"))
        json_object_set(t->body, "text", json_object_get(event, "text"));
    if (t->k->chat.account)
        loop_defer(c->env->loop, on_account_known, t);
    else
        kommo_chat_account(t->k, on_account, t);
}
