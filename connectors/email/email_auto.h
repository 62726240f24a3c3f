/* email_auto.h - did a program write this mail? What must not be answered by another program
 * (RFC 3834 and the headers that are met). Pure. */
#ifndef SB_CONNECTORS_EMAIL_EMAIL_AUTO_H
#define SB_CONNECTORS_EMAIL_EMAIL_AUTO_H

#include <stdbool.h>

#include "base/span.h"

struct email_signs {
    bool bounce, reply, list, bulk, weak, suppress;
    bool has_path, no_answer; /* the topmost Return-Path, which our own server wrote; it is <> */
    bool is_server;           /* the sender's name is one of mail servers */
    bool names_failed;        /* X-Failed-Recipients, which anybody can write */
};

/* Learns from one header (unfolded). */
void email_signs_header(struct email_signs *s, const char *name, struct span value);
/* And from the sender and the subject as they are shown. */
void email_signs_sender(struct email_signs *s, const char *address);
void email_signs_subject(struct email_signs *s, const char *subject);

/* "bounce", "reply", "list", "bulk"; NULL: a person wrote it. report: "delivery", "read" or NULL.
 * Only what comes from <> (RFC 5321 4.5.5), or from a mail server by its name, is a bounce. */
const char *email_auto(const struct email_signs *s, const char *report);

#endif
