/* whatsapp_callback.c - our place for a message, as text. Pure. */
#include "connectors/whatsapp/whatsapp_callback.h"

#include <stdio.h>
#include <string.h>

void whatsapp_place_write(const struct whatsapp_place *p, char out[WHATSAPP_CALLBACK_SIZE]) {
    snprintf(out, WHATSAPP_CALLBACK_SIZE, "sb:%s:%lld:%u/%u", p->thread, (long long)p->seq, p->part,
        p->parts);
}

int whatsapp_place_read(const char *text, struct whatsapp_place *out) {
    long long seq = 0;
    int n = -1;
    memset(out, 0, sizeof *out);
    if (!text || strncmp(text, "sb:", 3) != 0 || strlen(text) >= WHATSAPP_CALLBACK_SIZE ||
        sscanf(text + 3, "%26[0-9A-Z]:%15lld:%4u/%4u%n", out->thread, &seq, &out->part, &out->parts,
            &n) != 4 ||
        n < 0 || text[3 + n] != '\0')
        return -1;
    out->seq = seq;
    return id_is_valid(out->thread) && seq > 0 && out->part >= 1 && out->part <= out->parts ? 0
                                                                                            : -1;
}
