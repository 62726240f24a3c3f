/* email_body.h - from what a mail says (email_read.h) to a message's body, and from a thread's
 * messages to what an answer needs. Pure. */
#ifndef SB_CONNECTORS_EMAIL_EMAIL_BODY_H
#define SB_CONNECTORS_EMAIL_EMAIL_BODY_H

#include <jansson.h>
#include <stdint.h>

/* files: media objects by the mail's parts' places (null: not stored), source: of the raw mail or
 * NULL. authserv: whose Authentication-Results are believed; "" nobody's. A new reference. */
json_t *email_body(
    const json_t *mail, const json_t *files, const json_t *source, const char *authserv);

/* The first address of mail[key], "" none. */
const char *email_first_address(const json_t *mail, const char *key);

/* The message that an answer is to: the one with this external id, else the newest of a person that
 * came in by this channel, else the newest but reports on delivery. messages: connector_history().
 * Borrowed; NULL none. */
const json_t *email_answered(const json_t *messages, const char *channel, const char *external_id);
/* "Re: ..." once; the caller frees. */
char *email_reply_subject(const char *subject);

#endif
