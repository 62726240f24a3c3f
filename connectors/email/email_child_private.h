/* email_child_private.h - the parts of the child that tests put together in another way. */
#ifndef SB_CONNECTORS_EMAIL_EMAIL_CHILD_PRIVATE_H
#define SB_CONNECTORS_EMAIL_EMAIL_CHILD_PRIVATE_H

#include "connectors/email/email_read.h"

#define EMAIL_CHILD_SOCKET 3

typedef int (*email_read_fn)(int fd, const struct email_sink *sink, struct err *err);

/* Closes and limits everything, then serves mails with `read` until the parent goes or the child
 * has done its share. The exit status. */
int email_child_serve(email_read_fn read);

/* From here on: no files, no network, no processes, bounded memory and time. -1: not possible, and
 * then no mail may be read. Call once everything that needs a file is loaded. */
int email_sandbox_enter(void);

#endif
