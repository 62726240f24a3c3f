/* media_link.c - "1a2b3c.<22 characters>": the moment in hex, and half of the HMAC in base64url. */
#include "media/media_link.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "base/mem.h"

#define MAC_BYTES 16
#define MAC_TEXT 22
#define TIME_TEXT_MIN 8 /* hex digits: since 1978 */
#define TIME_TEXT_MAX 12

static const char hex[] = "0123456789abcdef";

void media_ticket(const char *secret, const char *purpose, const char *media, int64_t until_s,
    char out[MEDIA_TICKET_SIZE]) {
    unsigned char mac[32];
    char *what = mem_printf("%s %lld", media, (long long)until_s);
    crypto_hmac_for(secret, purpose, span_str(what), mac);
    char *tail = crypto_base64url(mac, MAC_BYTES);
    snprintf(out, MEDIA_TICKET_SIZE, "%llx.%s", (unsigned long long)until_s, tail);
    free(tail);
    free(what);
}

bool media_ticket_ok(const char *secret, const char *purpose, const char *media, const char *ticket,
    int64_t now_s, int64_t life_s) {
    char right[MEDIA_TICKET_SIZE];
    size_t n = strspn(ticket, hex);
    if (n < TIME_TEXT_MIN || n > TIME_TEXT_MAX || ticket[n] != '.')
        return false;
    int64_t until_s = strtoll(ticket, NULL, 16);
    if (until_s < now_s || until_s - now_s > life_s)
        return false;
    media_ticket(secret, purpose, media, until_s, right);
    return crypto_equal(span_str(right), span_str(ticket));
}

char *media_link(const struct media_links *l, const char *media) {
    char ticket[MEDIA_TICKET_SIZE];
    if (!l->public_url || !*l->public_url || !*media)
        return NULL;
    if (!l->secret)
        return mem_printf("%s/api/v1/media/%s", l->public_url, media);
    media_ticket(l->secret, MEDIA_LINK, media, l->until_s, ticket);
    return mem_printf("%s/api/v1/media/%s?t=%s", l->public_url, media, ticket);
}

/* An HMAC that is cut short is not left either, for the rest could be guessed. */
void media_links_hide(char *text) {
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    for (char *at = text; *at;) {
        size_t n = strspn(at, hex);
        at += n ? n : 1;
        if (n < TIME_TEXT_MIN || *at != '.')
            continue;
        for (size_t i = 0; i < MAC_TEXT && at[1] && strchr(letters, at[1]); i++)
            *++at = '*';
    }
}
