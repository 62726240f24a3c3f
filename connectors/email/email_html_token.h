/* email_html_token.h - tags, text and character references of HTML, one after the other. Private to
 * email_html_text.c. Pure, linear time. */
#ifndef SB_CONNECTORS_EMAIL_EMAIL_HTML_TOKEN_H
#define SB_CONNECTORS_EMAIL_EMAIL_HTML_TOKEN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/span.h"

struct email_tokens {
    struct span in;
    size_t at;
};

struct email_tag {
    struct span name; /* n 0: no tag */
    struct span attributes;
    bool is_end, is_void; /* void: has no end tag */
};

/* The next run of text (perhaps empty) and the tag that ends it (perhaps none). Comments, and
 * scripts and the like with all that is in them, are passed over. False at the end. */
bool email_html_next(struct email_tokens *t, struct span *text, struct email_tag *tag);

/* The raw value, n 0 when there is none. */
struct span email_tag_attribute(const struct email_tag *t, const char *name);
bool email_tag_has(const struct email_tag *t, const char *name);
/* list: names in lower case with spaces between. */
bool email_tag_is_one_of(const struct email_tag *t, const char *list);

/* A character reference at the beginning of s: how many bytes it takes (0: none is there), and its
 * character in UTF-8 (n_out 0: one that shows nothing). point: at least 8 bytes. */
size_t email_html_entity(struct span s, char *point, size_t *n_out);
void email_html_unescape(struct span s, struct buf *out);

#endif
