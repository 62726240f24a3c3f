/* email_html_text.h - what a reader of an HTML mail would see, as text. Our own small tokenizer:
 * one pass, no tree, no recursion, made for mails (Outlook, Gmail, newsletters), never for showing
 * HTML. Pure, linear time. */
#ifndef SB_CONNECTORS_EMAIL_EMAIL_HTML_TEXT_H
#define SB_CONNECTORS_EMAIL_EMAIL_HTML_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/span.h"

/* Adds the text of html (valid UTF-8) to out until its ceiling; what is over is left out and out's
 * `failed` is set. Lines end in LF, links read "text (url)", quotes begin with "> ". Scripts,
 * styles, comments and what is hidden are dropped. The offset in out where the quoted history
 * begins, as mail programs mark it; 0: nothing says so, or the writer goes on below it. */
size_t email_html_text(struct span html, struct buf *out);

/* Does the HTML use the part with this Content-ID (without <>)? */
bool email_html_uses(struct span html, const char *cid);

#endif
