/* hubspot_channel.h - what goes to HubSpot's inbox and comes from it (custom channels), as JSON;
 * and what its webhooks tell.
 * Pure. */
#ifndef SB_CONNECTORS_HUBSPOT_HUBSPOT_CHANNEL_H
#define SB_CONNECTORS_HUBSPOT_HUBSPOT_CHANNEL_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/span.h"

/* A message for the inbox. Borrowed. */
struct hubspot_message {
    const json_t *message, *client;
    const char *text;
    const char *account, *address; /* the channel's account there, and what it is called by */
    const char *card, *key;        /* key: HubSpot takes it once */
    const json_t *files;           /* [{"id","kind"}] */
};
/* The body of its request: a new reference. */
json_t *hubspot_message_body(const struct hubspot_message *m);
/* When it was changed last, "" never: an edit is a message of its own there. */
const char *hubspot_changed(const json_t *message);

/* What of a message is there, as it is remembered: "m17+1", "m17+1-2026-11-29T12:00:00Z" when it
 * was changed since. */
struct hubspot_there {
    char id[160];     /* HubSpot's, of what came last; "" not known */
    size_t files;     /* so many of those that we have, from the first one on */
    char changed[40]; /* hubspot_changed() of it */
};
/* Without a number, as it was once remembered: all. */
void hubspot_there_read(const char *known, struct hubspot_there *out);
/* The caller frees. */
char *hubspot_there_text(const struct hubspot_there *t);
/* "SENT", "READ", "FAILED" of one of our statuses; NULL: it is none of them. */
const char *hubspot_status(const char *status);

/* The events of a request's body (an object, or a list of at most 100) that are answers in this
 * channel: [{"id","thread","text","author","actor","files":[{"url","name"}]}], a new reference;
 * NULL with err. thread "": HubSpot does not say whose dialogue it is; url "": a file is there
 * that cannot be had. A text that is too long, and a file too many, are there to be refused. */
json_t *hubspot_answers(struct span body, const char *channel, struct err *err);

/* What of contacts has changed by the body of the app's webhooks (a list of at most 100): for
 * crm_events(), a new reference; NULL with err. name: the property in which names are. */
json_t *hubspot_changes(struct span body, const char *name, struct err *err);

/* Is it HubSpot that signed this (X-HubSpot-Signature-v3), less than five minutes ago? 0, or -1
 * with ERR_AUTH. In constant time. */
struct hubspot_signed {
    const char *secret, *method, *uri; /* the whole public address */
    struct span body;
    const char *timestamp, *signature;
};
int hubspot_signed_check(const struct hubspot_signed *s, int64_t now_ms, struct err *err);

/* The text of a bit of HTML. The caller frees. */
char *hubspot_plain(const char *html);

#endif
