/* email_status.c - see email_status.h. */
#include "connectors/email/email_status.h"

#include <ctype.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"

struct known {
    char class;          /* '4' or '5'; 'x' either */
    int subject, detail; /* detail -1: all others of the subject */
    const char *hint;    /* in the server's words, NULL: whatever they are */
    const char *text;    /* without a bracket: the words follow in some */
};

static const struct known known[] = {
    {'x', 1, 1, NULL, "there is no such mailbox"},
    {'x', 1, 2, NULL, "there is no such domain"},
    {'x', 1, 6, NULL, "the mailbox has moved"},
    {'x', 1, 7, NULL, "our own address is not accepted"},
    {'x', 1, 8, NULL, "our own address is not accepted"},
    {'x', 1, 10, NULL, "the domain takes no mail"},
    {'x', 1, -1, NULL, "the address is wrong"},
    {'x', 2, 1, NULL, "the mailbox is switched off"},
    {'x', 2, 2, NULL, "the mailbox is full"},
    {'x', 2, 3, NULL, "the mail is too large for the receiving server"},
    {'x', 2, -1, NULL, "the mailbox cannot take it"},
    {'x', 3, 1, NULL, "the receiving server has no room"},
    {'x', 3, 4, NULL, "the mail is too large for the receiving server"},
    {'x', 3, -1, NULL, "the receiving server has trouble of its own"},
    {'x', 4, 6, NULL, "it went round in circles between servers"},
    {'x', 4, 7, NULL, "it was tried for too long"},
    {'5', 4, -1, NULL, "the receiving server could not be reached"},
    {'4', 4, -1, NULL, "the receiving server could not be reached in time"},
    {'x', 5, 3, NULL, "too many recipients at a time"},
    {'x', 5, -1, NULL, "the servers do not understand each other"},
    {'x', 6, 7, NULL, "the receiving server knows only addresses in Latin letters"},
    {'x', 6, -1, NULL, "the receiving server does not take such contents"},
    {'x', 7, -1, "greylist", "the receiving server lets everybody wait the first time"},
    {'x', 7, -1, "graylist", "the receiving server lets everybody wait the first time"},
    {'x', 7, -1, "grey list", "the receiving server lets everybody wait the first time"},
    {'x', 7, -1, "virus", "the receiving server found a virus in it"},
    {'x', 7, -1, "spam", "the receiving server takes it for spam"},
    {'x', 7, -1, "junk", "the receiving server takes it for spam"},
    {'x', 7, -1, "blacklist", "our mail server is on a list of senders of spam"},
    {'x', 7, -1, "blocklist", "our mail server is on a list of senders of spam"},
    {'x', 7, 20, NULL, "it was not proven that the mail is ours: DKIM"},
    {'x', 7, 21, NULL, "it was not proven that the mail is ours: DKIM"},
    {'x', 7, 22, NULL, "it was not proven that the mail is ours: DKIM"},
    {'x', 7, 23, NULL, "it was not proven that the mail is ours: SPF"},
    {'x', 7, 24, NULL, "it was not proven that the mail is ours: SPF"},
    {'x', 7, 25, NULL, "our mail server has no good name in DNS"},
    {'x', 7, 26, NULL, "it was not proven that the mail is ours: SPF, DKIM and DMARC"},
    {'4', 7, -1, NULL, "the receiving server puts it off by its rules"},
    {'5', 7, -1, NULL, "the receiving server refuses it by its rules"},
};

/* A number of at most three digits; -1 none. */
static int number(const char **p) {
    int n = 0, digits = 0;
    for (; digits < 4 && isdigit((unsigned char)**p); (*p)++, digits++)
        n = n * 10 + (**p - '0');
    return digits >= 1 && digits <= 3 ? n : -1;
}

const char *email_status_meaning(const char *status, const char *said) {
    const char *p = status + 2;
    if ((status[0] != '4' && status[0] != '5') || status[1] != '.')
        return NULL;
    int subject = number(&p), detail = -1;
    if (*p == '.') {
        p++;
        detail = number(&p);
    }
    if (subject < 0 || detail < 0 || (*p && !isspace((unsigned char)*p)))
        return NULL;
    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        const struct known *k = &known[i];
        if ((k->class == 'x' || k->class == status[0]) && k->subject == subject &&
            (k->detail == -1 || k->detail == detail) && (!k->hint || strcasestr(said, k->hint)))
            return k->text;
    }
    return NULL;
}

char *email_status_text(int code, const char *said) {
    const char *meaning = email_status_meaning(said, said);
    return meaning ? mem_printf("%s (%d %.300s)", meaning, code, said)
                   : mem_printf("%d %.300s", code, said);
}
