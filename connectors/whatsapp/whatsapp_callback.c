/* whatsapp_callback.c - our place for a message, as text. Pure. */
#include "connectors/whatsapp/whatsapp_callback.h"

#include <stdio.h>
#include <string.h>

void whatsapp_place_write(const struct whatsapp_place *p, char out[WHATSAPP_CALLBACK_SIZE]) {
    size_t n;
    if (p->parts) {
        snprintf(out, WHATSAPP_CALLBACK_SIZE, "sb:%s:%lld:%u/%u", p->thread, (long long)p->seq,
            p->part, p->parts);
        return;
    }
    n = (size_t)snprintf(out, WHATSAPP_CALLBACK_SIZE, "sb:%s:%lld:r", p->thread, (long long)p->seq);
    for (const char *e = p->emoji; *e; e++)
        n += (size_t)snprintf(
            out + n, WHATSAPP_CALLBACK_SIZE - n, "%02x", (unsigned)(unsigned char)*e);
}

/* The hex of a reaction's emoji; -1 it is none. */
static int read_emoji(const char *hex, char out[WHATSAPP_EMOJI_SIZE]) {
    static const char digits[] = "0123456789abcdef";
    size_t n = strlen(hex);
    if (n % 2 || n / 2 >= WHATSAPP_EMOJI_SIZE || strspn(hex, digits) != n)
        return -1;
    for (size_t i = 0; i < n / 2; i++)
        out[i] = (char)((strchr(digits, hex[2 * i]) - digits) << 4 |
                        (strchr(digits, hex[2 * i + 1]) - digits));
    out[n / 2] = '\0';
    return strlen(out) == n / 2 ? 0 : -1;
}

int whatsapp_place_read(const char *text, struct whatsapp_place *out) {
    long long seq = 0;
    int n = -1;
    memset(out, 0, sizeof *out);
    if (!text || strncmp(text, "sb:", 3) != 0 || strlen(text) >= WHATSAPP_CALLBACK_SIZE ||
        sscanf(text + 3, "%26[0-9A-Z]:%15lld:%n", out->thread, &seq, &n) != 2 || n < 0 ||
        !id_is_valid(out->thread) || seq <= 0)
        return -1;
    const char *rest = text + 3 + n;
    out->seq = seq;
    if (*rest == 'r')
        return read_emoji(rest + 1, out->emoji);
    n = -1;
    if (sscanf(rest, "%4u/%4u%n", &out->part, &out->parts, &n) != 2 || n < 0 || rest[n] != '\0')
        return -1;
    return out->part >= 1 && out->part <= out->parts ? 0 : -1;
}
