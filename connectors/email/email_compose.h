/* email_compose.h - a mail of ours, from a message's body to bytes (GMime): multipart/alternative,
 * related and mixed as needed, CRLF, 7-bit safe, lines short (RFC 5322, 2045-2049, 2231). Pure but
 * for reading the files; may run in the thread pool. */
#ifndef SB_CONNECTORS_EMAIL_EMAIL_COMPOSE_H
#define SB_CONNECTORS_EMAIL_EMAIL_COMPOSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/span.h"

struct email_file {
    const char *name, *mime; /* a mime that is none, message/... or multipart/... is not said */
    const char *cid;         /* NULL: an attachment; else inline in the html */
    int fd;                  /* read from its beginning; stays the caller's */
};
struct email_draft {
    const char *from_name, *from; /* ours; name may be "" */
    const char *reply_to;         /* "" none: our plus-address with the thread's token */
    const char *const *to, *const *cc, *const *bcc; /* NULL-ended addresses, or NULL; bcc is
                                                       checked, and never in headers */
    const char *subject;
    const char *message_id;        /* without <> */
    const char *in_reply_to;       /* without <>; "" none */
    const char *const *references; /* without <>, oldest first, NULL-ended or NULL; in_reply_to is
                                      added when it is not the last; first and last 20 are kept */
    const char *text;              /* "" none: made from html */
    const char *html;              /* "" none: then text only. Safe HTML of ours */
    const char *signature;         /* plain text under "-- "; "" none */
    const char *quote_intro;       /* "On ..., Ann wrote:"; "" none */
    const char *quote_text;        /* what is answered, quoted below; "" no quote */
    int64_t date_ms;
    const char *auto_submitted; /* "auto-replied"; "" a person wrote it */
    const char *instance;       /* for X-Switchboard: our loop guard */
    const struct email_file *files;
    size_t nfiles;
    size_t size_max; /* bytes of the whole; ERR_TOO_LARGE above */
};

/* The caller frees *bytes. -1 with a sentence: ERR_INVALID (control characters in any header value
 * are refused; addresses are checked; texts are UTF-8), ERR_TOO_LARGE, ERR_IO. Of foreign ids in
 * in_reply_to and references those that cannot be written (spaces, no ASCII, over 250 bytes) are
 * left out. *needs_utf8: some local part is not ASCII (SMTPUTF8, RFC 6531), and the addresses in
 * the headers are raw UTF-8 then (RFC 6532). */
int email_compose(
    const struct email_draft *d, char **bytes, size_t *n, bool *needs_utf8, struct err *err);

/* One address for an envelope or a header: local part by RFC 5321 (or UTF-8, RFC 6531) without
 * spaces and <>, the domain as A-labels in lower case (UTS 46). The caller frees; NULL with err. */
char *email_address_check(const char *address, struct err *err);

#endif
