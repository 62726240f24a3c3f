/* email_read_body.c - the HTML and the text of the body's segments, where the writer's own words
 * end, and what a bounce in plain words says. */
#include <ctype.h>
#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

#include "base/mem.h"
#include "connectors/email/email_charset.h"
#include "connectors/email/email_html_text.h"
#include "connectors/email/email_read_private.h"
#include "connectors/email/email_report.h"
#include "connectors/email/email_trim.h"

#define TEXT_WORK_MAX (1u << 20) /* before it is cut to EMAIL_TEXT_MAX */
#define SHORT_TEXT 200           /* "your program does not show HTML" */
#define META_MAX 2048

struct body {
    struct email_mail *m;
    struct buf html, text;
    size_t from[EMAIL_SEGMENTS_MAX], to[EMAIL_SEGMENTS_MAX]; /* of HTML segments, in html */
    bool text_cut, used_html;
    size_t quote; /* where the last HTML's text quotes, in text; 0 none */
};

/* --- octets to text -------------------------------------------------------------------------- */

/* <meta charset=x> or http-equiv; label has room for 41 bytes. */
static const char *meta_charset(struct span html, char *label) {
    struct span head = span_of(html.p, html.n < META_MAX ? html.n : META_MAX);
    for (size_t i = 0; i + 8 < head.n; i++) {
        if (strncasecmp(head.p + i, "charset=", 8) != 0)
            continue;
        size_t at = i + 8, n = 0;
        at += head.p[at] == '"' || head.p[at] == '\'';
        while (at < head.n && n < 40 &&
               (isalnum((unsigned char)head.p[at]) || (head.p[at] && strchr("-_.", head.p[at]))))
            label[n++] = head.p[at++];
        label[n] = '\0';
        return n ? label : NULL;
    }
    return NULL;
}

/* The part as clean UTF-8; *cut when it is longer than max. The caller frees. */
static char *text_of(
    struct email_mail *m, const struct email_segment *s, size_t max, size_t *n, bool *cut) {
    struct buf octets;
    char meta[48];
    bool repaired = false;
    buf_init(&octets, max);
    email_part_load(s->part, &octets, &repaired);
    const char *label = g_mime_object_get_content_type_parameter(GMIME_OBJECT(s->part), "charset");
    if ((!label || !*label) && s->is_html)
        label = meta_charset(buf_span(&octets), meta);
    *cut = octets.failed;
    char *text = email_charset_text(buf_span(&octets), label, n, &m->guessed);
    if (repaired)
        email_note(m, "base64_repaired");
    buf_free(&octets);
    return text;
}

/* format=flowed (RFC 3676), in place: lines that end in a space go on in the next. */
static size_t unflow(char *p, size_t n, bool delsp) {
    size_t out = 0, before = 0;
    bool flows = false;
    for (size_t i = 0; i < n;) {
        const char *end = memchr(p + i, '\n', n - i);
        size_t len = end ? (size_t)(end - p) - i : n - i, quotes = 0,
               next = i + len + (end != NULL);
        while (quotes < len && p[i + quotes] == '>')
            quotes++;
        size_t skip = quotes + (quotes < len && p[i + quotes] == ' ');
        bool is_signature = len - skip == 3 && memcmp(p + i + skip, "-- ", 3) == 0;
        if (flows && quotes == before && !is_signature) {
            out -= out && p[out - 1] == '\n';
            i += skip;
            len -= skip;
        } else if (quotes == 0 && skip) { /* space-stuffed */
            i++;
            len--;
        }
        memmove(p + out, p + i, len);
        out += len;
        flows = len && p[out - 1] == ' ' && !is_signature;
        out -= flows && delsp;
        before = quotes;
        if (end)
            p[out++] = '\n';
        i = next;
    }
    p[out] = '\0';
    return out;
}

static char *plain_of(struct body *b, const struct email_segment *s, size_t *n) {
    GMimeObject *o = GMIME_OBJECT(s->part);
    bool cut;
    char *text = text_of(b->m, s, EMAIL_PLAIN_MAX, n, &cut);
    const char *format = g_mime_object_get_content_type_parameter(o, "format");
    const char *delsp = g_mime_object_get_content_type_parameter(o, "delsp");
    b->text_cut = b->text_cut || cut;
    if (format && strcasecmp(format, "flowed") == 0)
        *n = unflow(text, *n, delsp && strcasecmp(delsp, "yes") == 0);
    return text;
}

/* --- html ------------------------------------------------------------------------------------ */

static void add_escaped(struct buf *out, struct span text) {
    for (size_t i = 0; i < text.n; i++) {
        const char *e = text.p[i] == '<'   ? "&lt;"
                        : text.p[i] == '>' ? "&gt;"
                        : text.p[i] == '&' ? "&amp;"
                                           : NULL;
        e ? buf_adds(out, e) : buf_add(out, text.p + i, 1);
    }
}

static void build_html(struct body *b) {
    struct email_mail *m = b->m;
    bool has_html = false, cut = false;
    for (size_t i = 0; i < m->nsegments; i++)
        has_html = has_html || (m->segments[i].is_html && m->segments[i].for_html);
    for (size_t i = 0; has_html && i < m->nsegments; i++) {
        const struct email_segment *s = &m->segments[i];
        size_t n, room = b->html.max - b->html.n;
        if (!s->for_html)
            continue;
        char *text = s->is_html ? text_of(m, s, room, &n, &cut) : plain_of(b, s, &n);
        b->from[i] = b->html.n;
        if (!s->is_html) {
            buf_adds(&b->html, "<pre>");
            add_escaped(&b->html, span_of(text, n));
            buf_adds(&b->html, "</pre>\n");
        } else {
            cut = cut || n > room;
            buf_add(&b->html, text, email_text_prefix(text, n, room));
        }
        b->to[i] = b->html.n;
        free(text);
    }
    if (cut || b->html.failed)
        email_note(m, "html_cut");
}

/* --- text ------------------------------------------------------------------------------------ */

static bool is_visible(char c) {
    return (unsigned char)c > 0x20 && c != '>';
}

static size_t visible(struct span s) {
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++)
        n += is_visible(s.p[i]);
    return n;
}

static bool says_something(struct span s) {
    size_t i = 0;
    while (i < s.n && !is_visible(s.p[i]))
        i++;
    return i < s.n;
}

static void begin_segment(struct buf *text) {
    while (text->n && isspace((unsigned char)text->p[text->n - 1]))
        text->n--;
    if (text->n)
        buf_adds(text, "\n\n");
}

/* As much as there is room for. */
static void add_cut(struct body *b, struct buf *out, struct span text) {
    size_t n = email_text_prefix(text.p, text.n, out->max - out->n);
    b->text_cut = b->text_cut || n < text.n;
    buf_add(out, text.p, n);
}

static void add_html_text(struct body *b, size_t i, struct buf *out) {
    struct buf one;
    buf_init(&one, TEXT_WORK_MAX / 2);
    size_t quote = email_html_text(span_of(b->html.p + b->from[i], b->to[i] - b->from[i]), &one);
    begin_segment(out);
    b->quote = quote && !one.failed ? out->n + quote : 0;
    b->text_cut = b->text_cut || one.failed;
    add_cut(b, out, buf_span(&one));
    buf_free(&one);
}

static void add_plain_text(struct body *b, const struct email_segment *s, struct buf *out) {
    size_t n;
    char *text = plain_of(b, s, &n), *p = text;
    while (n && (*p == '\n' || *p == ' ') && strchr(p, '\n')) { /* empty lines at the top */
        size_t blank = strspn(p, " \t\n");
        while (blank && p[blank - 1] != '\n')
            blank--;
        if (blank == 0)
            break;
        p += blank;
        n -= blank;
    }
    begin_segment(out);
    add_cut(b, out, span_of(p, n));
    b->quote = 0;
    free(text);
}

/* all: every segment that the HTML is made of. */
static void build_text(struct body *b, bool all, struct buf *out) {
    const struct email_mail *m = b->m;
    for (size_t i = 0; i < m->nsegments; i++) {
        const struct email_segment *s = &m->segments[i];
        if (!(all ? s->for_html : s->for_text))
            continue;
        if (s->is_html)
            add_html_text(b, i, out);
        else
            add_plain_text(b, s, out);
        b->used_html = b->used_html || s->is_html;
    }
    b->text_cut = b->text_cut || out->failed;
}

/* Plain text that says nothing beside an HTML that does is no text. */
static void prefer_html_text(struct body *b) {
    size_t quote = b->quote;
    bool cut = b->text_cut, used = b->used_html;
    if (b->html.n == 0 || used)
        return;
    size_t plain = visible(buf_span(&b->text));
    if (plain > SHORT_TEXT)
        return;
    struct buf text;
    buf_init(&text, TEXT_WORK_MAX);
    b->text_cut = false;
    build_text(b, true, &text);
    size_t rich = visible(buf_span(&text));
    if ((plain == 0 && rich) || rich > 5 * plain) {
        buf_free(&b->text);
        b->text = text;
        return;
    }
    b->text_cut = cut;
    b->used_html = used;
    b->quote = quote;
    buf_free(&text);
}

/* The raw mail from `from` on, where nothing else can be shown. */
static void use_raw_text(struct body *b, uint64_t from) {
    char *raw = mem_alloc(EMAIL_TEXT_MAX);
    ssize_t got = pread(b->m->fd, raw, EMAIL_TEXT_MAX, (off_t)from);
    size_t n = 0;
    char *text =
        email_charset_text(span_of(raw, got > 0 ? (size_t)got : 0), NULL, &n, &b->m->guessed);
    if (says_something(span_of(text, n))) {
        buf_reset(&b->text);
        buf_add(&b->text, text, n);
        email_note(b->m, "raw_text");
        b->text_cut = from + EMAIL_TEXT_MAX < b->m->scan.size;
    }
    free(text);
    free(raw);
}

static bool has_note(const struct email_mail *m, const char *word) {
    for (size_t i = 0; i < json_array_size(m->notes); i++)
        if (strcmp(json_string_value(json_array_get(m->notes, i)), word) == 0)
            return true;
    return false;
}

static void look_for_raw_text(struct body *b) {
    struct email_mail *m = b->m;
    bool is_cut = has_note(m, "depth_cut") || has_note(m, "parts_cut");
    bool is_leaf = m->nsegments == 1 && m->message &&
                   (GMimeObject *)m->segments[0].part == g_mime_message_get_mime_part(m->message);
    if (says_something(buf_span(&b->text)) || m->nfiles || b->html.n)
        return;
    if (m->nsegments == 0 || is_leaf || is_cut)
        use_raw_text(b, m->scan.body_at < m->scan.size ? m->scan.body_at
                        : m->scan.headers_broken       ? 0
                                                       : m->scan.size);
}

/* --- a bounce in plain words ----------------------------------------------------------------- */

static bool says_delay(const char *subject) {
    return subject && (strcasestr(subject, "delay") || strcasestr(subject, "warning") ||
                          strstr(subject, "задерж") || strstr(subject, "Задерж"));
}

static void guess_report(struct email_mail *m, struct span text) {
    const char *sign = email_auto(&m->signs, m->report);
    const char *failed =
        m->message ? g_mime_object_get_header(GMIME_OBJECT(m->message), "X-Failed-Recipients")
                   : NULL;
    if (m->report || !sign || strcmp(sign, "bounce") != 0)
        return;
    const char *subject = json_string_value(json_object_get(m->mail, "subject"));
    json_t *ids = json_array(), *recipients = json_array();
    email_report_guess(text, failed ? failed : "", says_delay(subject), recipients);
    email_report_ids(text, ids);
    for (size_t i = 0; i < m->nfiles; i++) {
        GMimeObject *o = GMIME_OBJECT(m->files[i].part);
        struct buf head;
        if (!email_part_is(o, "message", "rfc822") && !email_part_is(o, "text", "rfc822-headers"))
            continue;
        buf_init(&head, 65536);
        email_part_load(m->files[i].part, &head, NULL);
        const char *end = head.n ? memmem(head.p, head.n, "\n\n", 2) : NULL;
        email_report_ids(span_of(head.p, end ? (size_t)(end - head.p) : head.n), ids);
        buf_free(&head);
    }
    if (json_array_size(ids) || json_array_size(recipients)) {
        m->report = "delivery";
        json_object_set_new(
            m->mail, "report", json_pack("{s:O,s:O}", "original", ids, "recipients", recipients));
    }
    json_decref(ids);
    json_decref(recipients);
}

/* --- all together ---------------------------------------------------------------------------- */

static void set_text(struct body *b) {
    struct email_mail *m = b->m;
    size_t n = email_text_prefix(b->text.p, b->text.n, EMAIL_TEXT_MAX);
    b->text_cut = b->text_cut || n < b->text.n;
    while (n && isspace((unsigned char)b->text.p[n - 1]))
        n--;
    json_object_set_new(m->mail, "text", json_stringn_nocheck(n ? b->text.p : "", n));
    if (b->text_cut)
        json_object_set_new(m->mail, "text_cut", json_true());
    const char *subject = json_string_value(json_object_get(m->mail, "subject"));
    bool forwarded = subject && email_subject_is_forward(subject);
    struct email_trim trim =
        email_trim(span_of(b->text.p, n), b->quote < n ? b->quote : 0, forwarded);
    if (trim.quoted_at)
        json_object_set_new(m->mail, "quoted_at", json_integer((json_int_t)trim.quoted_at));
    if (trim.signature_at)
        json_object_set_new(m->mail, "signature_at", json_integer((json_int_t)trim.signature_at));
}

void email_read_body(struct email_mail *m) {
    struct body *b = mem_zalloc(sizeof *b);
    b->m = m;
    buf_init(&b->html, EMAIL_HTML_MAX);
    buf_init(&b->text, TEXT_WORK_MAX);
    build_html(b);
    build_text(b, false, &b->text);
    prefer_html_text(b);
    if (b->used_html)
        email_note(m, "text_from_html");
    look_for_raw_text(b);
    guess_report(m, buf_span(&b->text));
    set_text(b);
    m->html_n = b->html.n;
    m->html = b->html.n ? buf_take(&b->html) : NULL;
    buf_free(&b->html);
    buf_free(&b->text);
    free(b);
}
