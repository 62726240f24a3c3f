/* webhook_event.h - what is sent: the event as a body, and its id. Pure. */
#ifndef SB_CONNECTORS_WEBHOOK_WEBHOOK_EVENT_H
#define SB_CONNECTORS_WEBHOOK_WEBHOOK_EVENT_H

#include <jansson.h>
#include <stddef.h>

#include "base/span.h"
#include "core/crm.h"

#define WEBHOOK_ID_SIZE 80

struct webhook_event {
    char id[WEBHOOK_ID_SIZE]; /* the same whenever the same is told again */
    const char *type;         /* "message.created" */
    char *body;               /* JSON; the caller frees */
};

/* A client: "client.updated". change: crm_about.change, so that who is called again what he was
 * called before is news. */
void webhook_event_client(
    const json_t *client, const char *change, int64_t now_ms, struct webhook_event *out);
/* A message, "message.created" or, when it is there already, "message.updated"; change as above. A
 * body of more than max bytes leaves the texts out, and says so ("thin":true). */
void webhook_event_message(
    const struct crm_attach *a, const char *change, size_t max, struct webhook_event *out);
/* Two clients are one: "client.merged"; or are not any more: "client.unmerged". number: which merge
 * of the first one it is, 0 not known; the same two may be merged again. */
void webhook_event_merge(const char *from_client, const char *into_client, int64_t number,
    bool undone, int64_t now_ms, struct webhook_event *out);

/* What the other system wanted to be said ("message.reply"'s data) cannot be: "reply.failed". */
void webhook_event_failed(
    const json_t *reply, const struct err *why, int64_t now_ms, struct webhook_event *out);

/* The card that the receiver names in its answer, {"card":{"id":"...","url":"..."}}, and where a
 * person sees it: the caller frees both; NULL what it does not name, or we cannot keep (over 200
 * and 2000 bytes, control characters). */
char *webhook_answer_card(struct span body, char **url_out);
/* An event that says nothing: "test". */
void webhook_event_test(int64_t now_ms, struct webhook_event *out);

#endif
