/* whatsapp_callback.h - what goes along with a message of ours and comes back with each of its
 * statuses (biz_opaque_callback_data): our own place for it. Pure. */
#ifndef SB_CONNECTORS_WHATSAPP_WHATSAPP_CALLBACK_H
#define SB_CONNECTORS_WHATSAPP_WHATSAPP_CALLBACK_H

#include <stdint.h>

#include "base/id.h"

#define WHATSAPP_CALLBACK_SIZE 100

struct whatsapp_place {
    char thread[ID_SIZE];
    int64_t seq;
    unsigned part, parts; /* 1..parts */
};

/* "sb:<thread>:<seq>:<part>/<parts>" */
void whatsapp_place_write(const struct whatsapp_place *p, char out[WHATSAPP_CALLBACK_SIZE]);
/* 0, or -1: it is not one of ours. */
int whatsapp_place_read(const char *text, struct whatsapp_place *out);

#endif
