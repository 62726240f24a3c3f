/* email_recipients.h - who gets an answer. Pure. */
#ifndef SB_CONNECTORS_EMAIL_EMAIL_RECIPIENTS_H
#define SB_CONNECTORS_EMAIL_EMAIL_RECIPIENTS_H

#include <jansson.h>

#include "base/err.h"

struct email_recipients {
    const char **to, **cc, **bcc; /* NULL-ended; owned, as their strings are */
    const char **all;             /* the envelope: the strings of the three */
};

/* body: "cc", "bcc" (addresses) and "reply_all"; answered: the message that it answers, or NULL:
 * then it goes to the client. To whoever wrote (Reply-To, else From); a client who did not write
 * that himself gets a copy; with reply_all all others too. Nobody twice, we ourselves never.
 * ERR_INVALID: an address is none, or more than 100. */
int email_recipients(struct email_recipients *r, const json_t *body, const json_t *answered,
    const char *client, const char *own, struct err *err);
void email_recipients_free(struct email_recipients *r);

#endif
