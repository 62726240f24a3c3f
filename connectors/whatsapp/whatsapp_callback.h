/* whatsapp_callback.h - what goes along with a message of ours and comes back with each of its
 * statuses (biz_opaque_callback_data): our own place for it. Pure. */
#ifndef SB_CONNECTORS_WHATSAPP_WHATSAPP_CALLBACK_H
#define SB_CONNECTORS_WHATSAPP_WHATSAPP_CALLBACK_H

#include <stdint.h>

#include "base/id.h"

#define WHATSAPP_CALLBACK_SIZE 160
#define WHATSAPP_EMOJI_SIZE 41

struct whatsapp_place {
    char thread[ID_SIZE];
    int64_t seq;
    unsigned part, parts;            /* 1..parts; 0/0: of a reaction to that message */
    char emoji[WHATSAPP_EMOJI_SIZE]; /* of the reaction; "" it was taken away */
};

/* "sb:<thread>:<seq>:<part>/<parts>", "sb:<thread>:<seq>:r<emoji in hex>" */
void whatsapp_place_write(const struct whatsapp_place *p, char out[WHATSAPP_CALLBACK_SIZE]);
/* 0, or -1: it is not one of ours. */
int whatsapp_place_read(const char *text, struct whatsapp_place *out);

#endif
