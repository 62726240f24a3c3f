/* espocrm_said.h - what EspoCRM's webhooks tell: is it EspoCRM who tells it, and what of it is for
 * us. Pure. */
#ifndef SB_CONNECTORS_ESPOCRM_ESPOCRM_SAID_H
#define SB_CONNECTORS_ESPOCRM_ESPOCRM_SAID_H

#include <jansson.h>
#include <stdbool.h>

#include "base/err.h"
#include "base/span.h"

/* Is the body signed by one of these webhooks ("id:secret key"; NULL-ended)? signature: base64 of
 * "<id>:<HMAC-SHA256 in hex>" (from 9.0 on); older: base64 of "<id>:<HMAC-SHA256 in bytes>". Either
 * may be NULL. */
bool espocrm_is_signed(
    const char *const *hooks, const char *signature, const char *older, struct span body);
/* A setting's check of one such hook. */
int espocrm_check_hook(const char *hook, struct err *err);

/* What is for us in a body, which is an array of records: what crm_events() takes (a new
 * reference), of events
 *   {"type":"reply","card","id","text","user","author","files":[{"id","name"}..]}: a post on a card
 *     of this entity, that begins with the prefix (taken off)
 *   crm_flow_change(): another name or responsible, which a look at the card tells
 * NULL with err: it is no such array. */
json_t *espocrm_said(struct span body, const char *entity, const char *prefix, struct err *err);

#endif
