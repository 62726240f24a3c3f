/* webhook_said.h - what the other system tells us: an answer to a client, another responsible,
 * another name. Pure. */
#ifndef SB_CONNECTORS_WEBHOOK_WEBHOOK_SAID_H
#define SB_CONNECTORS_WEBHOOK_WEBHOOK_SAID_H

#include <jansson.h>

#include "base/err.h"

/* Checks {"type","timestamp"?,"data":{..}}. 0, or -1 with a sentence that names what is wrong. */
int webhook_said_check(const json_t *event, struct err *err);

/* Of what passed: what it is about (the text of thread, client or card), never NULL. */
const char *webhook_said_lane(const json_t *event);

#endif
