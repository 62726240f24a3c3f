/* email_bounce.h - reports about mails of ours (RFC 3464 delivery, RFC 8098 read): told at the very
 * message, when our mark in the returned mail is true, and only of those whom the mail went to. */
#ifndef SB_CONNECTORS_EMAIL_EMAIL_BOUNCE_H
#define SB_CONNECTORS_EMAIL_EMAIL_BOUNCE_H

#include "connectors/email/email_private.h"

/* fn once, not inside. is_whole: it says nothing else that an agent would want to read. */
typedef void (*email_bounce_fn)(void *arg, bool is_whole, const struct err *err);
void email_bounce(struct email *e, const json_t *mail, email_bounce_fn fn, void *arg);

/* "ann@x.org: 550 5.1.1 No such user": what a report says of one recipient, for an agent. The
 * caller frees. Pure. */
char *email_bounce_text(const json_t *recipient);

#endif
