/* email_read.c - the whole of reading a mail: a first look, GMime's parse over the file (never over
 * memory), then headers, parts and body in files of their own; at last the parts' bytes. */
#include "connectors/email/email_read.h"

#include <stdlib.h>

#include "base/mem.h"
#include "connectors/email/email_asan.h"
#include "connectors/email/email_html_text.h"
#include "connectors/email/email_read_private.h"

void email_note(struct email_mail *m, const char *word) {
    for (size_t i = 0; i < json_array_size(m->notes); i++)
        if (strcmp(json_string_value(json_array_get(m->notes, i)), word) == 0)
            return;
    if (json_array_size(m->notes) < EMAIL_NOTES_MAX)
        json_array_append_new(m->notes, json_string(word));
}

#if EMAIL_ASAN
#include <sanitizer/lsan_interface.h>
#endif

void email_read_init(void) {
#if EMAIL_ASAN
    __lsan_disable(); /* GMime forgets the entries that are replaced below */
#endif
    g_mime_init();
#if EMAIL_ASAN
    __lsan_enable();
#endif
    g_mime_object_register_type("message", "rfc822", GMIME_TYPE_PART);
    g_mime_object_register_type("message", "rfc2822", GMIME_TYPE_PART);
    g_mime_object_register_type("message", "global", GMIME_TYPE_PART);
    g_mime_object_register_type("message", "news", GMIME_TYPE_PART);
    g_mime_object_register_type("message", "partial", GMIME_TYPE_PART);
    g_mime_object_register_type("message", "external-body", GMIME_TYPE_PART);
}

/* --- parse ----------------------------------------------------------------------------------- */

static void add_range(GMimeStream *cat, int fd, const struct email_range *r) {
    GMimeStream *s = g_mime_stream_fs_new_with_bounds(fd, (gint64)r->from, (gint64)r->to);
    g_mime_stream_fs_set_owner(GMIME_STREAM_FS(s), FALSE);
    g_mime_stream_cat_add_source(GMIME_STREAM_CAT(cat), s);
    g_object_unref(s);
}

static GMimeStream *open_stream(const struct email_mail *m) {
    const struct email_scan *scan = &m->scan;
    if (scan->n == 1 && !scan->no_gap) {
        GMimeStream *s = g_mime_stream_fs_new_with_bounds(
            m->fd, (gint64)scan->ranges[0].from, (gint64)scan->ranges[0].to);
        g_mime_stream_fs_set_owner(GMIME_STREAM_FS(s), FALSE);
        return s;
    }
    GMimeStream *cat = g_mime_stream_cat_new();
    for (size_t i = 0; i <= scan->n; i++) {
        if (i == scan->headers && scan->no_gap) {
            GMimeStream *gap = g_mime_stream_mem_new_with_buffer("\n", 1);
            g_mime_stream_cat_add_source(GMIME_STREAM_CAT(cat), gap);
            g_object_unref(gap);
        }
        if (i < scan->n)
            add_range(cat, m->fd, &scan->ranges[i]);
    }
    return cat;
}

static void parse(struct email_mail *m) {
    static const char *charsets[] = {"utf-8", "windows-1251", "koi8-r", NULL};
    m->options = g_mime_parser_options_new();
    g_mime_parser_options_set_fallback_charsets(m->options, charsets);
    if (m->scan.n == 0)
        return;
    GMimeStream *stream = open_stream(m);
    GMimeParser *parser = g_mime_parser_new_with_stream(stream);
    g_mime_parser_set_format(parser, GMIME_FORMAT_MESSAGE);
    m->message = g_mime_parser_construct_message(parser, m->options);
    g_object_unref(parser);
    g_object_unref(stream);
}

/* --- parts ----------------------------------------------------------------------------------- */

static int count_piece(void *arg, struct span piece) {
    *(uint64_t *)arg += piece.n;
    return 0;
}

static void insert_html(struct email_mail *m) {
    json_t *about = json_pack("{s:s,s:s,s:s,s:I}", "what", "html", "name", "message.html", "mime",
        "text/html", "size", (json_int_t)m->html_n);
    memmove(m->files + 1, m->files, m->nfiles * sizeof m->files[0]);
    m->files[0] = (struct email_file){NULL, about};
    m->nfiles++;
    json_array_insert_new(m->parts, 0, about);
}

static void finish_parts(struct email_mail *m) {
    for (size_t i = 0; i < m->nfiles; i++) {
        const char *cid = json_string_value(json_object_get(m->files[i].about, "cid"));
        bool repaired = false;
        uint64_t size = 0;
        email_part_decode(m->files[i].part, count_piece, &size, &repaired);
        json_object_set_new(m->files[i].about, "size", json_integer((json_int_t)size));
        if (repaired)
            email_note(m, "base64_repaired");
        if (cid && m->html && email_html_uses(span_of(m->html, m->html_n), cid))
            json_object_set_new(m->files[i].about, "what", json_string("inline"));
    }
    if (m->html)
        insert_html(m);
}

struct sending {
    const struct email_sink *sink;
    size_t index;
};

static int send_piece(void *arg, struct span piece) {
    const struct sending *s = arg;
    return s->sink->on_part(s->sink->arg, s->index, piece);
}

static int send_parts(struct email_mail *m, const struct email_sink *sink) {
    int rc = 0;
    for (size_t i = 0; i < m->nfiles && rc == 0; i++) {
        struct sending s = {sink, i};
        if (m->files[i].part)
            rc = email_part_decode(m->files[i].part, send_piece, &s, NULL);
        for (size_t at = 0; !m->files[i].part && at < m->html_n && rc == 0;) {
            size_t n = m->html_n - at < EMAIL_PIECE_MAX ? m->html_n - at : EMAIL_PIECE_MAX;
            rc = send_piece(&s, span_of(m->html + at, n));
            at += n;
        }
    }
    return rc;
}

/* --- all ------------------------------------------------------------------------------------- */

static void set_notes(struct email_mail *m) {
    const struct {
        bool is;
        const char *word;
    } list[] = {{m->scan.headers_cut, "headers_cut"}, {m->scan.headers_broken, "headers_broken"},
        {m->scan.parts_cut, "parts_cut"}, {m->scan.has_nul, "nul_bytes"}};
    for (size_t i = 0; i < ARRAY_LEN(list); i++)
        if (list[i].is)
            email_note(m, list[i].word);
}

static void finish_mail(struct email_mail *m) {
    const char *sign = email_auto(&m->signs, m->report);
    if (sign)
        json_object_set_new(m->mail, "auto", json_string(sign));
    if (m->report)
        json_object_set_new(json_object_get(m->mail, "report"), "kind", json_string(m->report));
    if (m->guessed)
        email_note(m, "charset_guessed");
}

int email_read(int fd, const struct email_sink *sink, struct err *err) {
    struct email_mail *m = mem_zalloc(sizeof *m);
    m->fd = fd;
    m->mail = json_object();
    json_object_set_new(m->mail, "notes", m->notes = json_array());
    json_object_set_new(m->mail, "parts", m->parts = json_array());
    int rc = email_scan(fd, &m->scan, err);
    if (rc == 0) {
        set_notes(m);
        parse(m);
        email_read_headers(m);
        email_read_walk(m);
        email_read_body(m);
        finish_parts(m);
        finish_mail(m);
        rc = sink->on_mail(sink->arg, m->mail);
        rc = rc == 0 ? send_parts(m, sink) : rc;
        if (rc < 0)
            err_set(err, ERR_IO, "whoever asked for the mail does not take it");
        if (m->message)
            g_object_unref(m->message);
        g_mime_parser_options_free(m->options);
    }
    json_decref(m->mail);
    free(m->html);
    free(m);
    return rc;
}
