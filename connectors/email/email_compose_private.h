/* email_compose_private.h - the words of a mail of ours; part of email_compose.c. */
#ifndef SB_CONNECTORS_EMAIL_EMAIL_COMPOSE_PRIVATE_H
#define SB_CONNECTORS_EMAIL_EMAIL_COMPOSE_PRIVATE_H

#include "connectors/email/email_compose.h"

/* Text (made of the HTML where there is none), signature and quote, lines ended by LF. The caller
 * frees. */
char *email_compose_plain(const struct email_draft *d);
/* The same as an HTML page. */
char *email_compose_page(const struct email_draft *d);

#endif
