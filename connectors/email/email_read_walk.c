/* email_read_walk.c - through the tree of parts: which are the body, which are files, what a report
 * says. Depth and number are bounded; what lies deeper is in the raw mail. */
#include <stdlib.h>
#include <strings.h>

#include "base/mem.h"
#include "connectors/email/email_charset.h"
#include "connectors/email/email_read_private.h"
#include "connectors/email/email_report.h"

#define REPORT_MAX (256u << 10)

enum place { PLACE_ROOT, PLACE_MIXED, PLACE_ALTERNATIVE, PLACE_RELATED };

static void walk(struct email_mail *m, GMimeObject *o, unsigned depth, enum place place);

/* --- files ----------------------------------------------------------------------------------- */

/* A returned or forwarded mail is named after its subject. */
static char *name_of_mail(struct email_mail *m, GMimePart *part) {
    struct buf head;
    buf_init(&head, 16384);
    email_part_load(part, &head, NULL);
    const char *p = buf_str(&head);
    while (p && strncasecmp(p, "subject:", 8) != 0 && *p != '\n' && *p != '\r') {
        p = strchr(p, '\n');
        p = p ? p + 1 : NULL;
    }
    char *name = NULL;
    if (p && strncasecmp(p, "subject:", 8) == 0) {
        size_t n = 8; /* with the folded lines that follow */
        do
            n += strcspn(p + n, "\n") + 1;
        while (p[n - 1] && (p[n] == ' ' || p[n] == '\t'));
        n = strnlen(p, n);
        char *raw = mem_strndup(p + 8, n - 8), *subject = email_header_text(m, raw);
        email_line_clean(subject, 120);
        name = email_name_make_safe(subject) ? mem_printf("%s.eml", subject) : NULL;
        free(subject);
        free(raw);
    }
    buf_free(&head);
    return name ? name : mem_strdup("message.eml");
}

static char *made_up_name(struct email_mail *m, GMimePart *part, const char *mime) {
    static const struct {
        const char *mime, *name;
    } known[] = {{"text/calendar", "invite.ics"}, {"text/plain", "text.txt"},
        {"text/html", "page.html"}, {"text/rfc822-headers", "headers.txt"},
        {"application/ms-tnef", "winmail.dat"}, {"application/pgp-signature", "signature.asc"},
        {"application/pkcs7-signature", "smime.p7s"}, {"application/pkcs7-mime", "smime.p7m"},
        {"image/jpeg", "image.jpg"}, {"image/png", "image.png"}, {"image/gif", "image.gif"},
        {"application/pdf", "document.pdf"}, {"text/vcard", "contact.vcf"}};
    if (strcmp(mime, "message/rfc822") == 0 || strcmp(mime, "message/global") == 0)
        return name_of_mail(m, part);
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (strcmp(mime, known[i].mime) == 0)
            return mem_strdup(known[i].name);
    return mem_strdup("file");
}

static bool is_archive(const char *mime, const char *name) {
    static const char *const ends[] = {".zip", ".rar", ".7z", ".tar", ".gz", ".tgz", ".bz2", ".xz",
        ".zst", ".cab", ".arj", ".iso"};
    static const char *const mimes[] = {"application/zip", "application/x-zip-compressed",
        "application/vnd.rar", "application/x-rar-compressed", "application/x-7z-compressed",
        "application/x-tar", "application/gzip", "application/x-gzip"};
    size_t n = strlen(name);
    for (size_t i = 0; i < ARRAY_LEN(ends); i++)
        if (n > strlen(ends[i]) && strcasecmp(name + n - strlen(ends[i]), ends[i]) == 0)
            return true;
    for (size_t i = 0; i < ARRAY_LEN(mimes); i++)
        if (strcmp(mime, mimes[i]) == 0)
            return true;
    return false;
}

static void note_kind(struct email_mail *m, GMimePart *part, const char *mime, const char *name) {
    if (is_archive(mime, name))
        email_note(m, "archive");
    if (strcmp(mime, "text/calendar") == 0)
        email_note(m, "calendar");
    else if (strcmp(mime, "application/ms-tnef") == 0 || strcasecmp(name, "winmail.dat") == 0)
        email_note(m, "tnef");
    else if (strcmp(mime, "application/pkcs7-mime") == 0 ||
             strcmp(mime, "application/x-pkcs7-mime") == 0) {
        const char *type =
            g_mime_object_get_content_type_parameter(GMIME_OBJECT(part), "smime-type");
        email_note(m, type && strcasecmp(type, "signed-data") == 0 ? "signed" : "encrypted");
    }
}

static void set_cid(json_t *about, GMimeObject *o) {
    const char *id = g_mime_object_get_content_id(o);
    if (!id)
        return;
    char *cid = mem_strdup(id);
    email_line_clean(cid, EMAIL_ID_MAX);
    size_t n = strlen(cid);
    if (n > 1 && cid[0] == '<' && cid[n - 1] == '>') {
        memmove(cid, cid + 1, n - 2);
        cid[n - 2] = '\0';
    }
    if (*cid)
        json_object_set_new(about, "cid", json_string(cid));
    free(cid);
}

static void add_file(struct email_mail *m, GMimePart *part) {
    if (m->nfiles == EMAIL_PARTS_MAX - 1) { /* one is for the html */
        email_note(m, "parts_cut");
        return;
    }
    char *mime = email_part_mime(GMIME_OBJECT(part));
    char *name = email_part_name(m, GMIME_OBJECT(part));
    if (!name)
        name = made_up_name(m, part, mime);
    note_kind(m, part, mime, name);
    json_t *about = json_pack("{s:s,s:s,s:s}", "what", "attachment", "name", name, "mime", mime);
    set_cid(about, GMIME_OBJECT(part));
    m->files[m->nfiles++] = (struct email_file){part, about};
    json_array_append_new(m->parts, about);
    free(mime);
    free(name);
}

/* --- the body's segments --------------------------------------------------------------------- */

static bool is_attachment(GMimeObject *o) {
    const char *how = g_mime_object_get_disposition(o);
    return how && strcasecmp(how, "attachment") == 0;
}

static bool has_name(GMimeObject *o) {
    const char *a = g_mime_object_get_content_disposition_parameter(o, "filename");
    const char *b = g_mime_object_get_content_type_parameter(o, "name");
    return (a && *a) || (b && *b);
}

/* "Content-Type: text" and no type at all are plain text. */
static bool is_plain(GMimeObject *o) {
    GMimeContentType *type = g_mime_object_get_content_type(o);
    const char *b = type ? g_mime_content_type_get_media_subtype(type) : NULL;
    return email_part_is(o, "text", "plain") || (email_part_is(o, "text", "*") && (!b || !*b));
}

static void take_leaf(struct email_mail *m, GMimePart *part, enum place place) {
    GMimeObject *o = GMIME_OBJECT(part);
    bool is_html = email_part_is(o, "text", "html");
    bool may_be_body = (is_html || is_plain(o)) && !is_attachment(o) &&
                       (!has_name(o) || place == PLACE_ROOT || place == PLACE_ALTERNATIVE);
    if (may_be_body && m->nsegments < EMAIL_SEGMENTS_MAX)
        m->segments[m->nsegments++] = (struct email_segment){part, is_html, true, true};
    else if (place == PLACE_ALTERNATIVE && !may_be_body && !is_attachment(o) && !has_name(o) &&
             email_part_is(o, "text", "*") && !email_part_is(o, "text", "calendar"))
        return; /* text/x-amp-html, text/enriched: the same once more */
    else
        add_file(m, part);
}

struct side {
    size_t from, to;
    bool has_html;
};

static void use_only(struct email_mail *m, const struct side *side, bool for_text, bool for_html) {
    for (size_t i = side->from; i < side->to; i++) {
        m->segments[i].for_text = m->segments[i].for_text && for_text;
        m->segments[i].for_html = m->segments[i].for_html && for_html;
    }
}

/* The first side without HTML is the text, the last with HTML the HTML. */
static void walk_alternative(struct email_mail *m, GMimeMultipart *multi, unsigned depth) {
    struct side sides[EMAIL_SEGMENTS_MAX];
    size_t n = 0, text = SIZE_MAX, html = SIZE_MAX;
    int count = g_mime_multipart_get_count(multi);
    for (int i = 0; i < count; i++) {
        struct side side = {m->nsegments, 0, false};
        walk(m, g_mime_multipart_get_part(multi, i), depth + 1, PLACE_ALTERNATIVE);
        side.to = m->nsegments;
        for (size_t j = side.from; j < side.to; j++)
            side.has_html = side.has_html || m->segments[j].is_html;
        if (side.to == side.from || n == EMAIL_SEGMENTS_MAX)
            continue;
        if (side.has_html)
            html = n;
        else if (text == SIZE_MAX)
            text = n;
        sides[n++] = side;
    }
    for (size_t i = 0; i < n; i++) {
        bool for_text = i == text || (i == html && text == SIZE_MAX);
        bool for_html = i == html || (i == text && html == SIZE_MAX);
        /* The text of the HTML is wanted where the plain side says nothing: see email_read_body.c.
         */
        use_only(m, &sides[i], for_text, for_html);
    }
}

static void walk_related(struct email_mail *m, GMimeMultipart *multi, unsigned depth) {
    const char *start = g_mime_object_get_content_type_parameter(GMIME_OBJECT(multi), "start");
    int count = g_mime_multipart_get_count(multi), root = 0;
    for (int i = 0; i < count && start && i < EMAIL_ENTITIES_MAX; i++) {
        const char *id = g_mime_object_get_content_id(g_mime_multipart_get_part(multi, i));
        size_t n = id ? strlen(id) : 0;
        if (n && strstr(start, id) && strlen(start) <= n + 2)
            root = i;
    }
    if (root < count)
        walk(m, g_mime_multipart_get_part(multi, root), depth + 1, PLACE_ALTERNATIVE);
    for (int i = 0; i < count; i++)
        if (i != root)
            walk(m, g_mime_multipart_get_part(multi, i), depth + 1, PLACE_RELATED);
}

/* --- reports --------------------------------------------------------------------------------- */

static json_t *report_of(struct email_mail *m) {
    json_t *report = json_object_get(m->mail, "report");
    if (!report) {
        report = json_pack("{s:[],s:[]}", "original", "recipients");
        json_object_set_new(m->mail, "report", report);
    }
    return report;
}

/* True when the part is told by "report" and is no file. */
static bool take_report(struct email_mail *m, GMimePart *part) {
    GMimeObject *o = GMIME_OBJECT(part);
    bool is_delivery = email_part_is(o, "message", "delivery-status") ||
                       email_part_is(o, "message", "global-delivery-status");
    bool is_read = email_part_is(o, "message", "disposition-notification");
    bool is_returned =
        email_part_is(o, "message", "rfc822") || email_part_is(o, "text", "rfc822-headers") ||
        email_part_is(o, "message", "global") || email_part_is(o, "message", "global-headers");
    if (!is_delivery && !is_read && !is_returned)
        return false;
    json_t *report = report_of(m), *recipients = json_object_get(report, "recipients");
    json_t *ids = json_object_get(report, "original");
    struct buf text;
    buf_init(&text, REPORT_MAX);
    email_part_load(part, &text, NULL);
    if (is_delivery) {
        m->report = "delivery";
        email_report_delivery(buf_span(&text), recipients);
    } else if (is_read) {
        m->report = m->report ? m->report : "read";
        email_report_disposition(buf_span(&text), recipients, ids);
    } else {
        /* Only the returned mail's own headers. */
        const char *crlf = text.n ? memmem(text.p, text.n, "\r\n\r\n", 4) : NULL;
        const char *lf = text.n ? memmem(text.p, text.n, "\n\n", 2) : NULL;
        const char *end = crlf && (!lf || crlf < lf) ? crlf : lf;
        email_report_ids(span_of(text.p, end ? (size_t)(end - text.p) : text.n), ids);
    }
    buf_free(&text);
    return !is_returned;
}

static void walk_report(struct email_mail *m, GMimeMultipart *multi, unsigned depth) {
    int count = g_mime_multipart_get_count(multi);
    for (int i = 0; i < count; i++) {
        GMimeObject *o = g_mime_multipart_get_part(multi, i);
        if (i > 0 && GMIME_IS_PART(o) && take_report(m, GMIME_PART(o)))
            continue;
        walk(m, o, depth + 1, PLACE_MIXED);
    }
}

/* --- the walk -------------------------------------------------------------------------------- */

static void walk_multipart(
    struct email_mail *m, GMimeMultipart *multi, unsigned depth, enum place place) {
    GMimeObject *o = GMIME_OBJECT(multi);
    int count = g_mime_multipart_get_count(multi);
    if (email_part_is(o, "multipart", "alternative")) {
        walk_alternative(m, multi, depth);
        return;
    }
    if (email_part_is(o, "multipart", "related")) {
        walk_related(m, multi, depth);
        return;
    }
    if (email_part_is(o, "multipart", "report")) {
        walk_report(m, multi, depth);
        return;
    }
    if (email_part_is(o, "multipart", "signed"))
        email_note(m, "signed");
    if (email_part_is(o, "multipart", "encrypted"))
        email_note(m, "encrypted");
    for (int i = 0; i < count; i++)
        walk(m, g_mime_multipart_get_part(multi, i), depth + 1,
            place == PLACE_RELATED ? PLACE_RELATED : PLACE_MIXED);
}

static void walk(struct email_mail *m, GMimeObject *o, unsigned depth, enum place place) {
    if (++m->entities > EMAIL_ENTITIES_MAX) {
        email_note(m, "parts_cut");
    } else if (depth > EMAIL_DEPTH_MAX) {
        email_note(m, "depth_cut");
    } else if (GMIME_IS_MULTIPART(o)) {
        walk_multipart(m, GMIME_MULTIPART(o), depth, place);
    } else if (GMIME_IS_PART(o)) {
        if (place == PLACE_RELATED)
            add_file(m, GMIME_PART(o));
        else
            take_leaf(m, GMIME_PART(o), place);
    }
}

void email_read_walk(struct email_mail *m) {
    GMimeObject *root = m->message ? g_mime_message_get_mime_part(m->message) : NULL;
    if (root)
        walk(m, root, 0, PLACE_ROOT);
    if (json_object_get(m->mail, "report") && !m->report) /* only a returned mail */
        json_object_del(m->mail, "report");
}
