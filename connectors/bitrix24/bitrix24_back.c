/* bitrix24_back.c - what the portal posts to us: operators' messages of the open line, and that a
 * contact has changed, of which only the number comes. */
#include <string.h>

#include "base/crypto.h"
#include "base/json_text.h"
#include "base/mem.h"
#include "connectors/bitrix24/bitrix24_event.h"
#include "connectors/bitrix24/bitrix24_private.h"
#include "net/http_form.h"
#include "net/http_server.h"

#define EVENTS_MAX 50 /* messages of one POST */

/* Operators' messages, each once. */
static json_t *messages_of(const struct bitrix24 *b, const json_t *form) {
    json_t *out = json_array(), *event;
    for (size_t i = 0; i < EVENTS_MAX && (event = bitrix24_event(form, b->line.id, i)); i++)
        json_array_append_new(
            out, json_pack("{s:O,s:o,s:o}", "lane", json_object_get(event, "chat"), "once",
                     json_sprintf("%s:%s", json_text(event, "what"), json_text(event, "im")),
                     "event", event));
    return out;
}

/* The portal tells of any change, ours too, and not which. */
static json_t *changes_of(const json_t *form) {
    json_t *out = json_array();
    const char *contact = bitrix24_changed(form);
    if (contact)
        json_array_append_new(out, crm_flow_change(contact, CRM_MAYBE, CRM_MAYBE, NULL));
    return out;
}

/* The slider that the portal opens for the channel's settings shows this. */
static void reply_page(struct http_exchange *x) {
    static const char page[] = "Switchboard: this channel is set up in the gateway's "
                               "configuration.\nЭтот канал настраивается в самом шлюзе.\n";
    http_reply_static(x, 200, "text/plain; charset=utf-8", page, sizeof page - 1);
}

void bitrix24_webhook(struct crm *c, struct http_exchange *x) {
    struct bitrix24 *b = bitrix24_of(c);
    struct err err;
    if (!*b->line.application_token || strcmp(http_method(x), "POST") != 0) {
        http_reply_problem(
            x, 404, "not_found", "the portal posts here, where application_token is set");
        return;
    }
    json_t *form = http_form(http_body(x), &err);
    const char *token = json_text(json_object_get(form, "auth"), "application_token");
    if (!form)
        http_reply_err(x, &err);
    else if (b->is_line && *json_text(form, "PLACEMENT"))
        reply_page(x);
    else if (!crypto_equal(span_str(token), span_str(b->line.application_token)))
        http_reply_problem(x, 401, "auth", "the application's token is another one");
    else
        crm_events(c, b->is_line ? messages_of(b, form) : changes_of(form), crm_hook_done, x);
    json_decref(form);
}

void bitrix24_take(struct crm *c, const json_t *event, crm_done_fn fn, void *arg) {
    if (crm_flow_is_change(event))
        crm_flow_changed(&bitrix24_of(c)->flow, event, fn, arg);
    else
        bitrix24_chat_take(c, event, fn, arg);
}
