/* email_charset.h - octets of a text part or header as UTF-8, whatever charset they say they are
 * in. Labels lie: text called us-ascii or utf-8 is often windows-1251. Pure but for loading
 * converters. */
#ifndef SB_CONNECTORS_EMAIL_EMAIL_CHARSET_H
#define SB_CONNECTORS_EMAIL_EMAIL_CHARSET_H

#include <stdbool.h>
#include <stddef.h>

#include "base/span.h"

/* UTF-8 that utf8_is_text() takes: lines end in LF, control characters are left out, what cannot be
 * read is U+FFFD. In this order: valid UTF-8 that is not ASCII; the label (NULL or "" none) when it
 * fits strictly and makes sense; a detector; windows-1251. *guessed (may be NULL) becomes true when
 * the label was missing or wrong, and is left alone else. At most 3 bytes come of each octet. The
 * caller frees; n_out may be NULL. */
char *email_charset_text(struct span octets, const char *label, size_t *n_out, bool *guessed);

/* Loads the converters that mails use and keeps them: after this, no file has to be opened. For the
 * reading child; never undone. */
void email_charset_preload(void);

/* In place: CR LF and CR become LF, control characters go. Returns the new length. p[n] must exist.
 */
size_t email_text_clean(char *p, size_t n);
/* For names and subjects, one line: in place, runs of white space become one space, none at the
 * ends; controls, zero-width and direction-override characters go; cut to max bytes on a whole
 * character. True when such marks were taken out. */
bool email_line_clean(char *s, size_t max);
/* The longest prefix of at most max bytes that ends on a whole character of valid UTF-8. */
size_t email_text_prefix(const char *p, size_t n, size_t max);

#endif
