/* email_quarantine.h - the sender of a mail that could not be read: a look at its first bytes.
 * Pure. */
#ifndef SB_CONNECTORS_EMAIL_EMAIL_QUARANTINE_H
#define SB_CONNECTORS_EMAIL_EMAIL_QUARANTINE_H

#include "base/span.h"

/* The address in the first From line of the head ("a@b" or "... <a@b>"), of plain ASCII letters,
 * digits and ._+-=@ only; "" when there is none such. The caller frees. */
char *email_quarantine_from(struct span head);

#endif
