/* email_imap_text.h - the small forms that IMAP commands are made of, and dates of answers. Pure.
 */
#ifndef SB_CONNECTORS_EMAIL_EMAIL_IMAP_TEXT_H
#define SB_CONNECTORS_EMAIL_EMAIL_IMAP_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/span.h"

/* The name of a folder, UTF-8, as a quoted string in modified UTF-7 (RFC 3501 5.1.3). NULL for what
 * is empty, over 1000 bytes, no UTF-8 or has control characters. The caller frees. */
char *email_imap_folder_word(const char *name);

/* The same of a name that the server said, which has its form already. NULL: over 4000 bytes, or
 * with a NUL or a line break. */
char *email_imap_raw_folder_word(struct span name);

/* True for what may be a keyword: 1 to 100 characters of an atom ("$Handled"). */
bool email_imap_is_keyword(const char *name);

/* "3,4,7:12" of ascending uids (repeats and disorder are written as they are). The caller frees. */
char *email_imap_uid_set(const uint32_t *uids, size_t n);

/* "5-Nov-2026", UTC, for SEARCH SINCE. out holds 16 bytes; returns out. */
char *email_imap_date(int64_t ms, char out[16]);

/* An INTERNALDATE: " 5-Nov-2026 08:01:02 +0300". 0, or -1. */
int email_imap_date_time_read(struct span text, int64_t *ms_out);

/* Decimal, at most 10 digits, 1 to 2^32-1. */
bool email_imap_uid_read(struct span text, uint32_t *out);

#endif
