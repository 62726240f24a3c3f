/* telegram_compose_private.h - what the files about composing share. */
#ifndef SB_CONNECTORS_TELEGRAM_TELEGRAM_COMPOSE_PRIVATE_H
#define SB_CONNECTORS_TELEGRAM_TELEGRAM_COMPOSE_PRIVATE_H

#include "connectors/telegram/telegram_compose.h"
#include "connectors/telegram/telegram_text.h"

#define TELEGRAM_BUSINESS_SIZE 100

/* An external id, taken apart. */
struct telegram_external {
    char business[TELEGRAM_BUSINESS_SIZE]; /* "" none */
    long long chat, message;
};
/* False for ids of what is no message of a chat (a pressed button, ...). */
bool telegram_external_parse(const char *id, struct telegram_external *out);

/* chat_id and what the route asks for: the parameters that every sending call has. New. */
json_t *telegram_compose_params(const struct telegram_target *to);

/* One part of a text into o under these keys; entities only where there are some. */
void telegram_compose_text(json_t *o, const char *key, const char *entities_key, const char *text,
    const struct telegram_part *part);

/* The files of a body as calls, without caption, reply and markup. albums: may they be grouped?
 * Returns their number, or -1 with err. */
int telegram_compose_files(const json_t *body, const struct telegram_target *to, bool albums,
    struct telegram_call *calls, struct err *err);

#endif
