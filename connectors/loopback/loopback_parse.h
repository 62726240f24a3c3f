/* loopback_parse.h - the webhook's JSON, checked. Pure. */
#ifndef SB_CONNECTORS_LOOPBACK_LOOPBACK_PARSE_H
#define SB_CONNECTORS_LOOPBACK_LOOPBACK_PARSE_H

#include <jansson.h>

#include "base/err.h"
#include "base/span.h"
#include "model/message.h"

struct loopback_message {
    json_t *root; /* owns all below */
    struct identity from;
    const char *id;
    json_t *body; /* the message's body; owned */
};

/* 0, or -1 with a sentence that names the key. loopback_message_free() in both cases. */
int loopback_parse(struct span text, struct loopback_message *out, struct err *err);
void loopback_message_free(struct loopback_message *m);

/* What a text tells the double to do: "!fail 2", "!reject", "!delay 500", "!lose", "!twice". */
enum loopback_act { ACT_OK, ACT_FAIL, ACT_REJECT, ACT_DELAY, ACT_LOSE, ACT_TWICE };
enum loopback_act loopback_act_parse(const char *text, unsigned *number_out);

#endif
