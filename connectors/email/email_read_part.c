/* email_read_part.c - one MIME part: its bytes, its type, its name. */
#include <ctype.h>
#include <stdlib.h>
#include <strings.h>

#include "base/mem.h"
#include "connectors/email/email_charset.h"
#include "connectors/email/email_decode.h"
#include "connectors/email/email_read_private.h"

#define MIME_MAX 100

/* --- bytes ----------------------------------------------------------------------------------- */

/* One piece through the decoder; out is larger than what EMAIL_PIECE_MAX of octets can become. */
struct decoder {
    GMimeContentEncoding encoding;
    GMimeEncoding state;
    struct email_base64 base64;
};

static struct span decode(struct decoder *d, struct span in, char *out) {
    switch (d->encoding) {
    case GMIME_CONTENT_ENCODING_BASE64:
        return span_of(out, email_base64_step(&d->base64, in, out));
    case GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE:
    case GMIME_CONTENT_ENCODING_UUENCODE:
        return span_of(out, g_mime_encoding_step(&d->state, in.p, in.n, out));
    default:
        return in;
    }
}

static struct span decode_end(struct decoder *d, char *out) {
    if (d->encoding == GMIME_CONTENT_ENCODING_BASE64)
        return span_of(out, email_base64_end(&d->base64, out));
    if (d->encoding == GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE ||
        d->encoding == GMIME_CONTENT_ENCODING_UUENCODE)
        return span_of(out, g_mime_encoding_flush(&d->state, "", 0, out));
    return span_of(out, 0);
}

int email_part_decode(GMimePart *part, email_piece_fn fn, void *arg, bool *repaired) {
    GMimeDataWrapper *content = g_mime_part_get_content(part);
    GMimeStream *stream = content ? g_mime_data_wrapper_get_stream(content) : NULL;
    if (!stream || g_mime_stream_reset(stream) < 0)
        return 0;
    struct decoder d = {.encoding = g_mime_data_wrapper_get_encoding(content)};
    g_mime_encoding_init_decode(&d.state, d.encoding);
    const size_t step =
        EMAIL_PIECE_MAX - 1024; /* uudecode and quoted-printable may add what they held back */
    char *in = mem_alloc(step), *out = mem_alloc(2 * EMAIL_PIECE_MAX);
    ssize_t n = 0;
    int rc = 0;
    while (rc == 0 && (n = g_mime_stream_read(stream, in, step)) > 0) {
        struct span piece = decode(&d, span_of(in, (size_t)n), out);
        rc = piece.n ? fn(arg, piece) : 0;
    }
    struct span rest = rc == 0 ? decode_end(&d, out) : span_of(out, 0);
    if (rest.n)
        rc = fn(arg, rest);
    if (repaired && d.base64.repaired)
        *repaired = true;
    free(in);
    free(out);
    return rc;
}

/* buf_add() takes all or nothing: the last piece is cut to fit. */
static int load(void *arg, struct span piece) {
    struct buf *out = arg;
    size_t room = out->max - out->n;
    bool over = piece.n > room;
    buf_add(out, piece.p, over ? room : piece.n);
    out->failed = out->failed || over;
    return over ? -1 : 0;
}

void email_part_load(GMimePart *part, struct buf *out, bool *repaired) {
    email_part_decode(part, load, out, repaired);
}

/* --- type ------------------------------------------------------------------------------------ */

static bool is_token(const char *s) {
    if (!s || !*s)
        return false;
    for (; *s; s++)
        if (!isalnum((unsigned char)*s) && !strchr("!#$&-^_.+", *s))
            return false;
    return true;
}

char *email_part_mime(GMimeObject *part) {
    GMimeContentType *type = g_mime_object_get_content_type(part);
    const char *a = type ? g_mime_content_type_get_media_type(type) : NULL;
    const char *b = type ? g_mime_content_type_get_media_subtype(type) : NULL;
    if (!is_token(a) || !is_token(b) || strlen(a) + strlen(b) >= MIME_MAX)
        return mem_strdup("application/octet-stream");
    char *mime = mem_printf("%s/%s", a, b);
    for (char *p = mime; *p; p++)
        *p = (char)tolower((unsigned char)*p);
    return mime;
}

bool email_part_is(GMimeObject *part, const char *type, const char *subtype) {
    GMimeContentType *t = g_mime_object_get_content_type(part);
    return t && g_mime_content_type_is_type(t, type, subtype);
}

/* --- name ------------------------------------------------------------------------------------ */

/* A parameter of a part's header, parsed again from what email_header_unfold() makes of it: GMime
 * saw it before its charset was known. NULL: there is none. The caller frees. */
static char *parameter(
    struct email_mail *m, GMimeObject *part, const char *header, const char *name) {
    GMimeHeader *h = g_mime_header_list_get_header(g_mime_object_get_header_list(part), header);
    const char *raw = h ? g_mime_header_get_raw_value(h) : NULL, *value = NULL;
    if (!raw)
        return NULL;
    char *s = email_header_unfold(m, raw), *copy;
    if (strcmp(name, "filename") == 0) {
        GMimeContentDisposition *d = g_mime_content_disposition_parse(m->options, s);
        value = d ? g_mime_content_disposition_get_parameter(d, name) : NULL;
        copy = value && *value ? mem_strdup(value) : NULL;
        g_clear_object(&d);
    } else {
        GMimeContentType *t = g_mime_content_type_parse(m->options, s);
        value = t ? g_mime_content_type_get_parameter(t, name) : NULL;
        copy = value && *value ? mem_strdup(value) : NULL;
        g_clear_object(&t);
    }
    free(s);
    return copy;
}

/* Cuts the stem, not the ending, of a long name. */
static void shorten(char *name) {
    size_t n = strlen(name);
    const char *dot = strrchr(name, '.');
    size_t ending = dot && n - (size_t)(dot - name) <= 20 ? n - (size_t)(dot - name) : 0;
    if (n <= EMAIL_NAME_MAX)
        return;
    size_t stem = email_text_prefix(name, n - ending, EMAIL_NAME_MAX - ending);
    memmove(name + stem, name + n - ending, ending + 1);
}

bool email_name_make_safe(char *name) {
    char *base = name;
    while (*base == '.' || *base == ' ')
        base++;
    memmove(name, base, strlen(base) + 1);
    for (char *p = name; *p; p++)
        if (strchr("/\\:*?\"<>|", *p))
            *p = '_';
    shorten(name);
    return *name != '\0';
}

char *email_part_name(struct email_mail *m, GMimeObject *part) {
    char *raw = parameter(m, part, "Content-Disposition", "filename");
    raw = raw ? raw : parameter(m, part, "Content-Type", "name");
    if (!raw)
        return NULL;
    char *name = email_header_text(m, raw); /* an encoded word in an RFC 2231 name */
    if (email_line_clean(raw, strlen(raw)))
        email_note(m, "name_marks");
    free(raw);
    char *base = name;
    for (char *p = name; *p; p++)
        if (*p == '/' || *p == '\\')
            base = p + 1;
    if (base != name)
        email_note(m, "name_path");
    memmove(name, base, strlen(base) + 1);
    if (email_name_make_safe(name))
        return name;
    free(name);
    return NULL;
}
