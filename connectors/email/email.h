/* email.h - the connector for mailboxes: IMAP in, SMTP out. See README.md. */
#ifndef SB_CONNECTORS_EMAIL_EMAIL_H
#define SB_CONNECTORS_EMAIL_EMAIL_H

#include "core/connector.h"

extern const struct connector_ops email_connector;

#endif
