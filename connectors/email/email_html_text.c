/* email_html_text.c - the writer of text: tags and characters in, lines out. Tokens come from
 * email_html_token.c. */
#include "connectors/email/email_html_text.h"

#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <strings.h>

#include "base/mem.h"
#include "connectors/email/email_html_token.h"

#define QUOTES_MAX 5
#define URL_MAX 2000

/* An element that is left out, or the quote: ends where as many tags of its name were closed. */
struct region {
    struct span name; /* n 0: none */
    size_t depth;
};

struct writer {
    struct buf *out;
    size_t line_from;  /* where the current line's own text begins in out */
    unsigned newlines; /* asked for before the next text */
    bool space;
    unsigned quotes, pre;
    struct region hidden, quote;
    size_t quoted_at; /* 0 none */
    bool quote_closed, below_quote;
    struct span href;
    size_t link_from;
};

/* --- text ------------------------------------------------------------------------------------ */

static void ask_newlines(struct writer *w, unsigned n) {
    if (w->newlines < n)
        w->newlines = n;
    w->space = false;
}

static void begin_line(struct writer *w) {
    for (unsigned i = 0; i < w->quotes && i < QUOTES_MAX; i++)
        buf_adds(w->out, "> ");
    w->line_from = w->out->n;
}

/* What was asked for comes only when text follows: no empty lines at the ends. */
static void settle(struct writer *w) {
    if (w->out->n == 0 || w->newlines) {
        unsigned n = w->out->n ? w->newlines : 0;
        w->newlines = 0;
        for (unsigned i = 0; i < n; i++)
            buf_adds(w->out, "\n");
        begin_line(w);
    } else if (w->space && w->out->n > w->line_from) {
        buf_adds(w->out, " ");
    }
    w->space = false;
    w->below_quote = w->below_quote || w->quote_closed;
}

static void add_point(struct writer *w, const char *p, size_t n) {
    bool is_space = n == 1 && isspace((unsigned char)*p);
    if (w->hidden.name.n)
        return;
    if (n == 1 && ((unsigned char)*p < 0x20 || *p == 0x7f) && !is_space)
        return;
    if (is_space && w->pre && *p == '\n') {
        w->newlines += w->newlines < 2;
        w->space = false;
    } else if (is_space && !w->pre) {
        w->space = true;
    } else {
        settle(w);
        buf_add(w->out, is_space ? " " : p, n);
    }
}

static void add_text(struct writer *w, struct span text) {
    for (size_t i = 0; i < text.n && !w->out->failed;) {
        char point[8];
        size_t n, used = email_html_entity(span_of(text.p + i, text.n - i), point, &n);
        if (used) {
            if (n == 2 && memcmp(point, "\xc2\xa0", 2) == 0)
                add_point(w, " ", 1);
            else if (n)
                add_point(w, point, n);
            i += used;
            continue;
        }
        n = 1;
        while (i + n < text.n && ((unsigned char)text.p[i + n] & 0xc0) == 0x80)
            n++;
        if (n == 2 && memcmp(text.p + i, "\xc2\xa0", 2) == 0)
            add_point(w, " ", 1);
        else if (!(n == 2 && (unsigned char)text.p[i] == 0xc2 &&
                     (unsigned char)text.p[i + 1] < 0xa0)) /* C1 */
            add_point(w, text.p + i, n);
        i += n;
    }
}

/* --- links ----------------------------------------------------------------------------------- */

/* "https://x.org/" as people write it: "x.org". */
static struct span without_scheme(struct span s) {
    const char *found = s.n ? memmem(s.p, s.n < 8 ? s.n : 8, "://", 3) : NULL;
    if (found)
        s = span_of(found + 3, s.n - (size_t)(found + 3 - s.p));
    if (s.n && s.p[s.n - 1] == '/')
        s.n--;
    return s;
}

static bool is_known_scheme(const char *url) {
    static const char *const known[] = {"http://", "https://", "mailto:", "tel:"};
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (strncasecmp(url, known[i], strlen(known[i])) == 0)
            return true;
    return false;
}

/* Adds where the link leads, unless its text says so already. */
static void end_link(struct writer *w) {
    struct span href = w->href;
    w->href = span_of(NULL, 0);
    if (href.n == 0 || href.n > URL_MAX || w->hidden.name.n || w->out->n <= w->link_from)
        return;
    struct buf url;
    buf_init(&url, 2 * URL_MAX);
    email_html_unescape(href, &url);
    struct span shown = span_str(buf_str(&url));
    bool is_known = is_known_scheme(shown.p);
    if (strncasecmp(shown.p, "mailto:", 7) == 0)
        shown = span_of(shown.p + 7, strcspn(shown.p + 7, "?"));
    struct span text = span_of(w->out->p + w->link_from, w->out->n - w->link_from);
    while (text.n && (isspace((unsigned char)*text.p) || *text.p == '>'))
        text = span_of(text.p + 1, text.n - 1);
    struct span a = without_scheme(text), b = without_scheme(shown);
    bool is_same = a.n == b.n && strncasecmp(a.p, b.p, a.n) == 0;
    if (is_known && !is_same && text.n && !w->newlines) {
        buf_adds(w->out, " (");
        buf_add(w->out, shown.p, shown.n);
        buf_adds(w->out, ")");
    }
    buf_free(&url);
}

static void begin_link(struct writer *w, const struct email_tag *t) {
    if (w->href.n)
        end_link(w);
    w->href = email_tag_attribute(t, "href");
    w->link_from = w->out->n;
}

/* --- elements -------------------------------------------------------------------------------- */

static bool has_style(const struct email_tag *t, const char *what) {
    struct span s = email_tag_attribute(t, "style");
    size_t n = strlen(what), matched = 0, at = 0;
    for (size_t i = 0; i < s.n; i++) { /* white space in the style does not count */
        if (isspace((unsigned char)s.p[i]))
            continue;
        matched = tolower((unsigned char)s.p[i]) == what[matched] ? matched + 1
                  : tolower((unsigned char)s.p[i]) == what[0]     ? 1
                                                                  : 0;
        at = i + 1;
        if (matched < n)
            continue;
        while (at < s.n && isspace((unsigned char)s.p[at]))
            at++;
        if (what[n - 1] != '0' || at == s.n || !strchr("0123456789.", s.p[at]))
            return true; /* "font-size:0" is not "font-size:0.8em" */
        matched = 0;
    }
    return false;
}

static bool is_hidden(const struct email_tag *t) {
    return email_tag_is_one_of(t, "template svg math object select") ||
           email_tag_has(t, "hidden") || has_style(t, "display:none") ||
           has_style(t, "font-size:0") || has_style(t, "visibility:hidden") ||
           has_style(t, "mso-hide:all");
}

static bool has_word(struct span list, const char *word) {
    size_t n = strlen(word);
    for (size_t i = 0; i + n <= list.n; i++)
        if (strncasecmp(list.p + i, word, n) == 0)
            return true;
    return false;
}

/* From here on all is quote, whatever closes. */
static bool is_quote_to_the_end(const struct email_tag *t) {
    struct span id = email_tag_attribute(t, "id");
    return span_eq(id, "appendonsend") || span_ends(id, "divRplyFwdMsg") ||
           has_word(id, "OLK_SRC_BODY_SECTION") || has_style(t, "border-top:solid#") ||
           has_word(email_tag_attribute(t, "data-marker"), "__QUOTED_TEXT__") ||
           has_word(email_tag_attribute(t, "class"), "moz-cite-prefix");
}

static bool is_quote(const struct email_tag *t) {
    struct span class = email_tag_attribute(t, "class");
    return has_word(class, "gmail_quote") || has_word(class, "yahoo_quoted") ||
           has_word(class, "protonmail_quote") || has_word(class, "mailru-blockquote") ||
           (span_ieq(t->name, "blockquote") && span_ieq(email_tag_attribute(t, "type"), "cite"));
}

static void region_open(struct region *r, const struct email_tag *t) {
    *r = (struct region){t->name, 1};
}

/* Counts tags of the region's name; true when it ends here. */
static bool region_sees(struct region *r, const struct email_tag *t) {
    if (r->name.n == 0 || t->is_void || r->name.n != t->name.n ||
        strncasecmp(r->name.p, t->name.p, t->name.n) != 0)
        return false;
    r->depth += t->is_end ? (size_t)-1 : 1;
    if (r->depth)
        return false;
    r->name.n = 0;
    return true;
}

static void look_for_quote(struct writer *w, const struct email_tag *t) {
    if (t->is_end || w->quoted_at || w->out->n == 0)
        return;
    bool to_the_end = is_quote_to_the_end(t);
    if (!to_the_end && (t->is_void || !is_quote(t)))
        return;
    w->quoted_at = w->out->n; /* the end of the writer's own text */
    if (!to_the_end)
        region_open(&w->quote, t);
}

static void on_image(struct writer *w, const struct email_tag *t) {
    struct span alt = email_tag_attribute(t, "alt");
    if (alt.n == 0 || alt.n > 200 || w->hidden.name.n)
        return;
    add_point(w, "[", 1);
    add_text(w, alt);
    if (!w->out->failed)
        buf_adds(w->out, "]");
}

static void on_block(struct writer *w, const struct email_tag *t) {
    if (span_ieq(t->name, "br"))
        w->newlines += w->newlines < 2, w->space = false;
    else if (email_tag_is_one_of(t, "p h1 h2 h3 h4 h5 h6 ul ol dl table blockquote pre hr"))
        ask_newlines(w, email_tag_is_one_of(t, "table blockquote pre") ? 1 : 2);
    else if (email_tag_is_one_of(t, "div tr li dt dd section article header footer address form "
                                    "center fieldset figure caption body title option"))
        ask_newlines(w, 1);
    else if (email_tag_is_one_of(t, "td th"))
        w->space = true;
}

static void on_visible_tag(struct writer *w, const struct email_tag *t) {
    bool is_quoting = span_ieq(t->name, "blockquote");
    on_block(w, t);
    if (span_ieq(t->name, "a"))
        t->is_end ? end_link(w) : begin_link(w, t);
    else if (span_ieq(t->name, "img") && !t->is_end)
        on_image(w, t);
    else if (span_ieq(t->name, "li") && !t->is_end && !w->out->failed) {
        settle(w);
        buf_adds(w->out, "- ");
        w->line_from = w->out->n;
    } else if (span_ieq(t->name, "pre"))
        w->pre = t->is_end ? w->pre - (w->pre > 0) : w->pre + 1;
    if (is_quoting && t->is_end)
        w->quotes -= w->quotes > 0;
    else if (is_quoting && !has_style(t, "border:none"))
        w->quotes++;
}

static void on_tag(struct writer *w, const struct email_tag *t) {
    if (w->hidden.name.n) {
        bool ends_itself = span_ieq(w->hidden.name, "p") && !span_ieq(t->name, "p") &&
                           email_tag_is_one_of(t, "div table td tr ul ol h1 h2 h3 body");
        if (region_sees(&w->hidden, t) || !ends_itself)
            return;
        w->hidden.name.n = 0;
    }
    if (!t->is_end && !t->is_void && is_hidden(t)) {
        region_open(&w->hidden, t);
        return;
    }
    if (region_sees(&w->quote, t)) {
        on_visible_tag(w, t);
        w->quote_closed = true;
        return;
    }
    look_for_quote(w, t);
    on_visible_tag(w, t);
}

size_t email_html_text(struct span html, struct buf *out) {
    struct writer w = {.out = out, .line_from = out->n};
    struct email_tokens tokens = {html, 0};
    struct email_tag tag;
    struct span text;
    while (!out->failed && email_html_next(&tokens, &text, &tag)) {
        if (text.n)
            add_text(&w, text);
        if (tag.name.n)
            on_tag(&w, &tag);
    }
    if (w.below_quote || w.quoted_at == 0)
        return 0;
    size_t at = w.quoted_at;
    while (at < out->n && out->p[at] == '\n')
        at++;
    return at < out->n ? at : 0;
}

/* --- cid: ------------------------------------------------------------------------------------ */

static int hex(char c) {
    return c >= '0' && c <= '9' ? c - '0' : isxdigit((unsigned char)c) ? (c | 0x20) - 'a' + 10 : -1;
}

/* Does the (perhaps percent-encoded) text begin with this id, and end there? */
static bool is_cid_at(struct span s, const char *cid) {
    size_t i = 0;
    for (; *cid; cid++) {
        char c = i < s.n ? s.p[i++] : '\0';
        if (c == '%' && i + 1 < s.n && hex(s.p[i]) >= 0 && hex(s.p[i + 1]) >= 0) {
            c = (char)(hex(s.p[i]) * 16 + hex(s.p[i + 1]));
            i += 2;
        }
        if (c != *cid)
            return false;
    }
    return i == s.n || strchr("\"' \t\r\n)>;", s.p[i]);
}

bool email_html_uses(struct span html, const char *cid) {
    for (size_t at = 0; at + 4 < html.n;) {
        const char *colon = memchr(html.p + at + 3, ':', html.n - at - 3);
        if (!colon)
            return false;
        at = (size_t)(colon - html.p) - 2;
        if (strncasecmp(colon - 3, "cid", 3) == 0 &&
            is_cid_at(span_of(colon + 1, html.n - at - 3), cid))
            return true;
    }
    return false;
}
