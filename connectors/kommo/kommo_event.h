/* kommo_event.h - the hook of Kommo's service of chats: an operator wrote to a client; and the
 * account's web hooks: a contact has changed. Pure. */
#ifndef SB_CONNECTORS_KOMMO_KOMMO_EVENT_H
#define SB_CONNECTORS_KOMMO_KOMMO_EVENT_H

#include <jansson.h>

#include "base/err.h"
#include "base/span.h"

/* What is to be kept of it: {"id","chat","thread","account","sender","author","text","file"?:
 * {"url","name"}}, a new reference in *out; NULL there: nothing that a client would get (somebody
 * types, a reaction, an echo of ours). 0, or -1 with err: it is no such thing. */
int kommo_event(struct span body, json_t **out, struct err *err);

/* The same of a message in a chat's history, when an operator wrote it since_s or later: a new
 * reference; NULL: it is none. */
json_t *kommo_event_told(
    const json_t *message, const char *chat, const char *thread, long long since_s);

/* Web hooks of the account, as a form (net/http_form.h): the contacts whose name or responsible may
 * be another, for crm_events(); [] none. A new reference. */
json_t *kommo_changes(const json_t *form);

#endif
