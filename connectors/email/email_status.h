/* email_status.h - what an enhanced status code (RFC 3463) means, in words for an agent: a server's
 * own may be in any language. The inbox has the same sentences in Russian. Pure. */
#ifndef SB_CONNECTORS_EMAIL_EMAIL_STATUS_H
#define SB_CONNECTORS_EMAIL_EMAIL_STATUS_H

/* status: "5.1.1", or a text that begins so; said: the server's words, in which the kind of a
 * policy may be told ("greylisted"). NULL: the code says nothing, or there is none. */
const char *email_status_meaning(const char *status, const char *said);
/* "the mailbox is full (552 5.2.2 Over quota)"; without a meaning the words alone. The caller
 * frees. */
char *email_status_text(int code, const char *said);

#endif
