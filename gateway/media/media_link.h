/* media_link.h - addresses of files that open without a sign-in: a ticket in them, good for one
 * file, one purpose and until one moment, is an HMAC under the installation's secret. Whoever has
 * such an address has the file: it is written into no log. Pure. */
#ifndef SB_MEDIA_MEDIA_LINK_H
#define SB_MEDIA_MEDIA_LINK_H

#include <stdbool.h>
#include <stdint.h>

#define MEDIA_TICKET_SIZE 40

/* purpose: a word of the caller's; what is made for one opens nothing of another's. */
void media_ticket(const char *secret, const char *purpose, const char *media, int64_t until_s,
    char out[MEDIA_TICKET_SIZE]);
/* In constant time. life_s: how long the caller's tickets live at most, whatever this one says. */
bool media_ticket_ok(const char *secret, const char *purpose, const char *media, const char *ticket,
    int64_t now_s, int64_t life_s);

/* Links for those who fetch a file, or see one, in another program: a CRM. */
#define MEDIA_LINK "media link"
struct media_links {
    const char *public_url; /* "https://chat.example.org"; NULL or "": there are no links */
    const char *secret;     /* NULL: the links ask for a sign-in */
    int64_t until_s;        /* how long they open without one */
};
/* The address of a file; NULL: there is none. The caller frees. */
char *media_link(const struct media_links *l, const char *media);

/* Makes every ticket of a text useless: for words of others that may repeat what they were told. */
void media_links_hide(char *text);

#endif
