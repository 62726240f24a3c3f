/* smtp_reply.h - the pure half of sending mails: replies of a server (RFC 5321 4.2, 3463), what
 * they mean, its extensions, and what may stand in an envelope. */
#ifndef SB_NET_SMTP_REPLY_H
#define SB_NET_SMTP_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/span.h"
#include "net/smtp_client.h"

struct smtp_reply {
    int code;       /* 100 to 599 */
    char text[256]; /* without the codes' column; lines joined by spaces; clean UTF-8 */
};

/* Takes a whole reply off the front of in. 1: out is filled; 0: it is not all there; -1 with
 * ERR_PROTOCOL: it is none, or over its ceiling (4 kB a line, 16 kB in all). */
int smtp_reply_take(struct buf *in, struct smtp_reply *out, struct err *err);

/* Where in the conversation a reply came. */
enum smtp_stage { SMTP_AT_LOGIN, SMTP_AT_MAIL, SMTP_AT_RCPT, SMTP_AT_DATA, SMTP_AT_END };

/* What a reply that is no success means for the message. The class of the enhanced code counts
 * where it disagrees with the basic one; 421 is always SMTP_RETRY. */
enum smtp_outcome smtp_reply_outcome(const struct smtp_reply *r, enum smtp_stage stage);

/* What the server said it can, from the lines that it sent while curl logged in. */
struct smtp_extensions {
    uint64_t size; /* of a message; 0 not said */
    bool has_size, has_utf8, has_8bit;
    char last[256]; /* its last words */
    int code;
};
void smtp_extensions_line(struct smtp_extensions *x, struct span line);

/* Nothing that could end the command it is put into: no control characters, spaces, <>; UTF-8 of 1
 * to 320 bytes. */
bool smtp_address_is_safe(const char *address);
/* CRLF lines of at most 998 octets, no NUL, no stray CR or LF, ended by CRLF. */
bool smtp_message_is_safe(struct span bytes);
/* The message with its dots doubled at lines' beginnings, and the end of data (RFC 5321 4.5.2). The
 * caller frees. */
char *smtp_message_stuffed(struct span bytes, size_t *n);

#endif
