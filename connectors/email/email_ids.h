/* email_ids.h - our own marks in Message-IDs and reply addresses, and what they prove. Pure. A mark
 * names thread and seq and carries an HMAC (secret of the installation, channel, thread, seq) of 80
 * bits: nobody else can make one. Marks are written in lower case and read in any, since servers
 * change the case of addresses. */
#ifndef SB_CONNECTORS_EMAIL_EMAIL_IDS_H
#define SB_CONNECTORS_EMAIL_EMAIL_IDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/id.h"
#include "base/span.h"

struct email_mark {
    char thread[ID_SIZE];
    int64_t seq; /* from 0 on; 0 in a reply address */
};
/* "sb.<thread>.<seq>.<mac>@domain", the same at each try; the caller frees. */
char *email_message_id(
    const char *secret, const char *channel, const struct email_mark *m, const char *domain);
/* Is it one of ours and true? id is without <>; its domain does not count, as an account may move.
 * out is filled only then. */
bool email_message_id_read(
    const char *secret, const char *channel, const char *id, struct email_mark *out);

/* "support+sb-<thread>-<mac>@x.org" of "support@x.org"; the caller frees. NULL when the address is
 * none, or has no room for a mark: a local part is 64 octets (RFC 5321 4.5.3.1.1), of which the
 * mark takes 47. */
char *email_reply_address(
    const char *secret, const char *channel, const char *thread, const char *address);
/* Is address such a one of own_address, and true? */
bool email_reply_address_read(const char *secret, const char *channel, const char *address,
    const char *own_address, struct email_mark *out);

/* The mark of a mail that a check of the mailbox sends to the mailbox itself:
 * "check.<nonce>.<mac>", with "@domain" also its Message-ID. key: email_check_key(); nonce: an id,
 * new each time. The caller frees. */
char *email_check_mark(const char *key, const char *address, const char *nonce);
/* Does the text begin with such a mark, followed by its end or "@"? It may be anybody's. */
bool email_check_mark_may_be(const char *text);
/* Is it one, and true? */
bool email_check_mark_is(const char *key, const char *address, const char *text);

/* The dedupe key of a raw mail, fed as it comes: the first Message-ID and a hash of the body (what
 * comes after the first empty line), so that another Received line or folder makes no other mail of
 * it; without Message-ID a hash of all. CR does not count. */
struct email_key;
struct email_key *email_key_begin(void);
void email_key_add(struct email_key *k, struct span bytes);
/* 32 hex digits into out; frees k. */
void email_key_end(struct email_key *k, char out[33]);

#endif
