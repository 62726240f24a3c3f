/* email_compose_words.c - what a mail of ours says: text, signature and quote, plain and as HTML.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/mem.h"
#include "connectors/email/email_compose_private.h"
#include "connectors/email/email_html_text.h"

#define WORDS_MAX ((size_t)64 << 20) /* what is given to us is smaller */

/* --- plain ----------------------------------------------------------------------------------- */

/* One line of text without its end; false: there is none left. */
static bool next_line(const char **at, struct span *line) {
    if (!**at)
        return false;
    line->p = *at;
    line->n = strcspn(*at, "\r\n");
    *at += line->n;
    *at += **at == '\r' && (*at)[1] == '\n' ? 2 : **at ? 1 : 0;
    return true;
}

static void add_lines(struct buf *b, const char *text) {
    struct span line;
    while (next_line(&text, &line)) {
        buf_add(b, line.p, line.n);
        buf_adds(b, "\n");
    }
}

static void add_quote(struct buf *b, const char *text) {
    struct span line;
    while (next_line(&text, &line)) {
        buf_adds(b, line.n == 0 || line.p[0] == '>' ? ">" : "> ");
        buf_add(b, line.p, line.n);
        buf_adds(b, "\n");
    }
}

char *email_compose_plain(const struct email_draft *d) {
    struct buf b, made;
    buf_init(&made, WORDS_MAX);
    buf_init(&b, WORDS_MAX);
    if (!d->text[0])
        email_html_text(span_str(d->html), &made);
    add_lines(&b, d->text[0] ? d->text : buf_str(&made));
    if (d->signature[0]) {
        buf_adds(&b, b.n ? "\n-- \n" : "-- \n");
        add_lines(&b, d->signature);
    }
    if (d->quote_text[0]) {
        buf_adds(&b, b.n ? "\n" : "");
        add_lines(&b, d->quote_intro);
        add_quote(&b, d->quote_text);
    }
    buf_free(&made);
    return buf_take(&b);
}

/* --- HTML ------------------------------------------------------------------------------------ */

static void add_escaped(struct buf *b, const char *text) {
    struct span line;
    while (next_line(&text, &line)) {
        for (size_t i = 0; i < line.n; i++)
            switch (line.p[i]) {
            case '<':
                buf_adds(b, "&lt;");
                break;
            case '>':
                buf_adds(b, "&gt;");
                break;
            case '&':
                buf_adds(b, "&amp;");
                break;
            default:
                buf_add(b, line.p + i, 1);
            }
        buf_adds(b, "<br>\n");
    }
}

static const char *last_body_end(const char *html) {
    const char *found = NULL;
    for (const char *at = html; (at = strcasestr(at, "</body")); at++)
        found = at;
    return found;
}

char *email_compose_page(const struct email_draft *d) {
    struct buf b;
    const char *end = last_body_end(d->html);
    buf_init(&b, WORDS_MAX);
    if (!end)
        buf_adds(&b, "<!DOCTYPE html>\n<html><head><meta charset=\"utf-8\"></head><body>\n");
    char *before = mem_strndup(d->html, end ? (size_t)(end - d->html) : strlen(d->html));
    add_lines(&b, before);
    free(before);
    if (d->signature[0]) {
        buf_adds(&b, "<div><br>-- <br>\n");
        add_escaped(&b, d->signature);
        buf_adds(&b, "</div>\n");
    }
    if (d->quote_text[0]) {
        buf_adds(&b, "<div><br>");
        add_escaped(&b, d->quote_intro);
        buf_adds(&b, "</div>\n<blockquote type=\"cite\">\n");
        add_escaped(&b, d->quote_text);
        buf_adds(&b, "</blockquote>\n");
    }
    add_lines(&b, end ? end : "</body></html>\n");
    return buf_take(&b);
}
