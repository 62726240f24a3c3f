/* email_trim.h - where the writer's own words end: the quoted history and the signature, Russian
 * and English, for folding away in the inbox. Nothing is ever deleted. Pure, linear time. */
#ifndef SB_CONNECTORS_EMAIL_EMAIL_TRIM_H
#define SB_CONNECTORS_EMAIL_EMAIL_TRIM_H

#include <stdbool.h>
#include <stddef.h>

#include "base/span.h"

struct email_trim {
    size_t quoted_at, signature_at; /* byte offsets of lines' beginnings; 0 none */
};

/* text: clean UTF-8 (email_text_clean). hint: where the HTML said the quote begins (0 none).
 * forwarded: the subject says so; then the quoted mail is the message and stays. Replies written
 * inside or below the quote also stay: no quoted_at then. Before each offset something is left to
 * read. */
struct email_trim email_trim(struct span text, size_t hint, bool forwarded);

/* "Fwd: ...", "FW:", "Пересл:", ... */
bool email_subject_is_forward(const char *subject);

#endif
