/* email_report.h - what servers say about mails of ours: delivery status (RFC 3464), read receipts
 * (RFC 8098), and the bounces that follow no standard (qmail, Exim, old Exchange). Pure, linear
 * time. Anybody can send such a report: what it says counts only when it names an id that is ours.
 */
#ifndef SB_CONNECTORS_EMAIL_EMAIL_REPORT_H
#define SB_CONNECTORS_EMAIL_EMAIL_REPORT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/span.h"

#define EMAIL_REPORT_RECIPIENTS_MAX 100
#define EMAIL_REPORT_IDS_MAX 20

/* Adds to recipients (an array) each {"address","action","status","diagnostic","remote_mta"} of a
 * message/delivery-status part; only what is told. action is in lower case: failed, delayed,
 * delivered, relayed, expanded. */
void email_report_delivery(struct span part, json_t *recipients);
/* The same of a message/disposition-notification part, action being the disposition ("displayed");
 * its Original-Message-ID goes to ids. */
void email_report_disposition(struct span part, json_t *recipients, json_t *ids);

/* Adds the ids without <> of Message-ID lines in the text (headers of a returned mail, or a
 * bounce's text that contains them). */
void email_report_ids(struct span text, json_t *ids);

/* Of a bounce in plain words: addresses (failed_recipients: the value of X-Failed-Recipients, ""
 * none; else lines that are an address) with the sentences that follow as diagnostic, and what
 * looks like a status (5.1.1). delayed: it is only a warning. */
void email_report_guess(
    struct span text, const char *failed_recipients, bool delayed, json_t *recipients);

#endif
