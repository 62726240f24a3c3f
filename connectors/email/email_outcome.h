/* email_outcome.h - what a server said about the recipients of a mail, as the message tells it, and
 * when to come again. Pure. */
#ifndef SB_CONNECTORS_EMAIL_EMAIL_OUTCOME_H
#define SB_CONNECTORS_EMAIL_EMAIL_OUTCOME_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/smtp_client.h"

/* For connector_recipients(): each of asked (NULL-ended). last: whoever is put off has failed. */
json_t *email_outcome_news(const char *const *asked, const struct smtp_result *r, bool last);
/* Why nobody has it, with what the server's code means. */
void email_outcome_err(const struct smtp_result *r, struct err *out);
/* Of the message's list, or of news: how many are in this status. */
size_t email_outcome_count(const json_t *recipients, const char *status);
/* The addresses that wait: array of the size count + 1, NULL-ended; strings of the list. The caller
 * frees the array. */
const char **email_outcome_waiting(const json_t *recipients);
/* Do they wait only because there were too many at a time? */
bool email_outcome_is_at_once(const json_t *recipients);
/* When the last of those that wait was put off; 0 nobody waits. */
int64_t email_outcome_put_off_ms(const json_t *recipients);

/* The wait of a mail that has waited so long: retry_ms, then 5, 15, 30, 60, 120 and at last 240
 * times as long, a day at most. */
unsigned email_outcome_wait_ms(int64_t retry_ms, int64_t waited_ms);

#endif
