/* email_compose.c - a mail of ours: what may go into it, its headers, its parts, its bytes. The
 * words are made in email_compose_words.c. */
#include "connectors/email/email_compose.h"

#include <gmime/gmime.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "connectors/email/email_compose_private.h"
#include "connectors/email/email_words.h"

#define ID_BYTES_MAX 250u
#define REFERENCES_END 20u /* so many of the first and of the last */
#define NAME_POINTS_MAX 100u
#define SUBJECT_POINTS_MAX 500u
#define FILE_NAME_BYTES_MAX 200u
#define TYPE_MAX 60u
#define PIECE_MAX 56u        /* of a parameter, in a line */
#define LINE_MAX_OCTETS 998u /* RFC 5322 2.1.1 */

static void start_gmime(void) {
    g_mime_init();
}

/* --- values of headers ----------------------------------------------------------------------- */

/* One line of text for a header. The controls and line separators beyond ASCII become spaces: there
 * are programs to which they end a line. NULL with err; the caller frees. */
static char *header_text(const char *what, const char *s, size_t max_points, struct err *err) {
    size_t n = strlen(s);
    for (size_t i = 0; i < n; i++)
        if (((unsigned char)s[i] < ' ' && s[i] != '\t') || s[i] == 0x7f) {
            err_set(err, ERR_INVALID, "the %s has a line break or a control character", what);
            return NULL;
        }
    if (!utf8_is_valid(s, n)) {
        err_set(err, ERR_INVALID, "the %s is no UTF-8", what);
        return NULL;
    }
    n = utf8_prefix(s, n, max_points);
    char *out = mem_strndup(s, n);
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)out[i], next = (unsigned char)out[i + 1];
        bool wide = c == 0xe2 && next == 0x80 && ((unsigned char)out[i + 2] & 0xfe) == 0xa8;
        if (c == '\t')
            out[i] = ' ';
        else if ((c == 0xc2 && next < 0xa0) || wide)
            memset(out + i, ' ', wide ? 3 : 2);
    }
    return out;
}

/* ASCII without spaces and what has a meaning around it. */
static bool is_token(const char *s, size_t max, const char *but_not) {
    size_t n = strlen(s);
    for (size_t i = 0; i < n; i++)
        if (s[i] <= ' ' || s[i] > '~' || strchr(but_not, s[i]))
            return false;
    return n > 0 && n <= max;
}

static bool is_id(const char *s) {
    return is_token(s, ID_BYTES_MAX, "<>");
}

static int check_line(const char *what, const char *s, struct err *err) {
    for (; *s; s++)
        if ((unsigned char)*s < ' ' || *s == 0x7f)
            return err_set(
                err, ERR_INVALID, "the %s has a line break or a control character", what);
    return 0;
}

static int check_text(const char *what, const char *s, struct err *err) {
    if (!utf8_is_text(s, strlen(s)))
        return err_set(err, ERR_INVALID, "the %s is no text in UTF-8", what);
    return 0;
}

/* What is written without encoding. */
static int check(const struct email_draft *d, struct err *err) {
    if (!is_id(d->message_id) || !strchr(d->message_id, '@'))
        return err_set(err, ERR_INVALID, "the Message-ID is malformed");
    if (check_line("In-Reply-To", d->in_reply_to, err) < 0)
        return -1;
    for (const char *const *r = d->references; r && *r; r++)
        if (check_line("References", *r, err) < 0)
            return -1;
    if (!is_token(d->instance, ID_BYTES_MAX, ""))
        return err_set(err, ERR_INVALID, "the name of the installation is malformed");
    if (d->auto_submitted[0] && !is_token(d->auto_submitted, 40, ""))
        return err_set(err, ERR_INVALID, "Auto-Submitted is malformed");
    for (size_t i = 0; i < d->nfiles; i++)
        if (check_line("type of a file", d->files[i].mime, err) < 0 ||
            (d->files[i].cid && !is_id(d->files[i].cid)))
            return err_set(err, ERR_INVALID, "the type or Content-ID of a file is malformed");
    if (check_text("text", d->text, err) < 0 || check_text("HTML", d->html, err) < 0 ||
        check_text("signature", d->signature, err) < 0 ||
        check_text("introduction of the quote", d->quote_intro, err) < 0 ||
        check_text("quote", d->quote_text, err) < 0)
        return -1;
    return 0;
}

/* --- headers --------------------------------------------------------------------------------- */

static int add_address(
    InternetAddressList *list, const char *name, const char *address, bool *utf8, struct err *err) {
    char *good = email_address_check(address, err);
    if (!good)
        return -1;
    for (const char *p = good; *p; p++)
        *utf8 = *utf8 || (*p & 0x80);
    if (list) {
        InternetAddress *a = internet_address_mailbox_new(name, good);
        internet_address_set_charset(a, "utf-8");
        internet_address_list_add(list, a);
        g_object_unref(a);
    }
    free(good);
    return 0;
}

static int add_addresses(InternetAddressList *list, const char *const *addresses, size_t *n,
    bool *utf8, struct err *err) {
    for (; addresses && *addresses; addresses++, ++*n)
        if (add_address(list, NULL, *addresses, utf8, err) < 0)
            return -1;
    return 0;
}

static int set_people(GMimeMessage *m, const struct email_draft *d, bool *utf8, struct err *err) {
    size_t n = 0;
    char *name = header_text("sender's name", d->from_name, NAME_POINTS_MAX, err);
    int rc = name ? 0 : -1;
    *utf8 = false;
    if (rc == 0)
        rc = add_address(g_mime_message_get_from(m), name[0] ? name : NULL, d->from, utf8, err);
    free(name);
    if (rc == 0 && d->reply_to[0])
        rc = add_address(g_mime_message_get_reply_to(m), NULL, d->reply_to, utf8, err);
    if (rc == 0)
        rc = add_addresses(g_mime_message_get_to(m), d->to, &n, utf8, err);
    if (rc == 0)
        rc = add_addresses(g_mime_message_get_cc(m), d->cc, &n, utf8, err);
    if (rc == 0)
        rc = add_addresses(NULL, d->bcc, &n, utf8, err);
    if (rc == 0 && n == 0)
        rc = err_set(err, ERR_INVALID, "the mail is to nobody");
    return rc;
}

static void set_references(GMimeMessage *m, const struct email_draft *d) {
    const char *parent = is_id(d->in_reply_to) ? d->in_reply_to : NULL;
    const char *last = NULL;
    GString *out = g_string_new(NULL);
    size_t n = 0, i = 0;
    for (const char *const *r = d->references; r && *r; r++)
        if (is_id(*r)) {
            last = *r;
            n++;
        }
    bool add_parent = parent && !(last && strcmp(last, parent) == 0);
    size_t all = n + add_parent;
    for (const char *const *r = d->references; r && *r; r++) {
        if (!is_id(*r))
            continue;
        if (i < REFERENCES_END || i + REFERENCES_END >= all)
            g_string_append_printf(out, "%s<%s>", out->len ? " " : "", *r);
        i++;
    }
    if (add_parent)
        g_string_append_printf(out, "%s<%s>", out->len ? " " : "", parent);
    if (parent) {
        char *value = mem_printf("<%s>", parent);
        g_mime_object_set_header(GMIME_OBJECT(m), "In-Reply-To", value, NULL);
        free(value);
    }
    if (out->len)
        g_mime_object_set_header(GMIME_OBJECT(m), "References", out->str, NULL);
    g_string_free(out, TRUE);
}

/* GMime encodes what begins like an encoded word, but there are programs that decode one in the
 * middle of a word, too: what an agent wrote would become line ends there. */
static void set_subject(GMimeMessage *m, const char *subject) {
    g_mime_message_set_subject(m, subject, "utf-8");
    if (!strstr(subject, "=?"))
        return;
    char *words = email_words_encode(subject);
    GString *raw = g_string_new(NULL);
    for (const char *p = words; *p; p++)
        g_string_append(raw, *p == ' ' ? "\n " : (char[]){*p, '\0'});
    g_string_prepend_c(raw, ' ');
    g_string_append_c(raw, '\n');
    g_mime_header_set_raw_value(
        g_mime_header_list_get_header(g_mime_object_get_header_list(GMIME_OBJECT(m)), "Subject"),
        raw->str);
    g_string_free(raw, TRUE);
    free(words);
}

static int set_headers(GMimeMessage *m, const struct email_draft *d, struct err *err) {
    GMimeObject *o = GMIME_OBJECT(m);
    GDateTime *date = d->date_ms < 0 ? NULL : g_date_time_new_from_unix_utc(d->date_ms / 1000);
    char *subject = header_text("subject", d->subject, SUBJECT_POINTS_MAX, err);
    if (!subject) {
        g_clear_pointer(&date, g_date_time_unref);
        return -1;
    }
    set_subject(m, subject);
    free(subject);
    if (!date)
        return err_set(err, ERR_INVALID, "the mail's date is none");
    g_mime_message_set_date(m, date);
    g_date_time_unref(date);
    g_mime_message_set_message_id(m, d->message_id);
    set_references(m, d);
    if (d->auto_submitted[0]) {
        g_mime_object_set_header(o, "Auto-Submitted", d->auto_submitted, NULL);
        g_mime_object_set_header(o, "X-Auto-Response-Suppress", "All", NULL);
        g_mime_object_set_header(o, "Precedence", "auto_reply", NULL);
    }
    g_mime_object_set_header(o, "X-Switchboard", d->instance, NULL);
    return 0;
}

/* --- parts ----------------------------------------------------------------------------------- */

/* Lines ended by CRLF. The caller frees. */
static char *with_crlf(const char *words) {
    GString *out = g_string_sized_new(strlen(words) + 100);
    for (; *words; words++)
        if (*words == '\n')
            g_string_append(out, "\r\n");
        else
            g_string_append_c(out, *words);
    return g_string_free(out, FALSE);
}

/* Owns words (LF lines). Quoted-printable where most of it is ASCII, else base64, in which text has
 * CRLF (RFC 2045 6.8). */
static GMimeObject *text_part(const char *subtype, char *words) {
    GMimeTextPart *part = g_mime_text_part_new_with_subtype(subtype);
    size_t n = strlen(words), wide = 0;
    for (size_t i = 0; i < n; i++)
        wide += (words[i] & 0x80) != 0;
    bool base64 = wide > n / 6;
    char *crlf = base64 ? with_crlf(words) : NULL;
    GMimeStream *stream =
        g_mime_stream_mem_new_with_buffer(crlf ? crlf : words, crlf ? strlen(crlf) : n);
    GMimeDataWrapper *content =
        g_mime_data_wrapper_new_with_stream(stream, GMIME_CONTENT_ENCODING_DEFAULT);
    g_mime_text_part_set_charset(part, "utf-8");
    g_mime_part_set_content(GMIME_PART(part), content);
    g_mime_part_set_content_encoding(GMIME_PART(part),
        base64 ? GMIME_CONTENT_ENCODING_BASE64 : GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE);
    g_object_unref(content);
    g_object_unref(stream);
    free(crlf);
    free(words);
    return GMIME_OBJECT(part);
}

/* "type/subtype" that may stand over base64 (RFC 2046 5.1, 5.2), else bytes. The caller frees. */
static char *file_type(const char *mime) {
    const char *slash = strchr(mime, '/');
    bool good = is_token(mime, TYPE_MAX, "()<>@,;:\\\"[]?=") && slash && slash > mime && slash[1] &&
                !strchr(slash + 1, '/') && strncasecmp(mime, "multipart/", 10) != 0 &&
                strncasecmp(mime, "message/", 8) != 0;
    return mem_strdup(good ? mime : "application/octet-stream");
}

/* A name too long to be encoded well, cut before its ending. The caller frees. */
static char *short_name(char *name) {
    size_t n = strlen(name), ending = 0;
    const char *dot = strrchr(name, '.');
    if (n <= FILE_NAME_BYTES_MAX)
        return name;
    ending = dot && n - (size_t)(dot - name) <= 20 ? n - (size_t)(dot - name) : 0;
    size_t keep = FILE_NAME_BYTES_MAX - ending;
    while (keep && ((unsigned char)name[keep] & 0xc0) == 0x80)
        keep--;
    char *out = mem_printf("%.*s%s", (int)keep, name, ending ? dot : "");
    free(name);
    return out;
}

/* ";\n\tfilename=..." (RFC 2231 3, 4). GMime would cut the pieces in the middle of characters,
 * which not every reader puts together, and an endless loop waits in it for long names. */
static void add_parameter(GString *out, const char *key, const char *value) {
    static const char hex[] = "0123456789ABCDEF";
    size_t n = strlen(value), pieces = 0, piece = PIECE_MAX + 1;
    bool plain = n <= PIECE_MAX;
    for (const char *p = value; *p; p++)
        plain = plain && !(*p & 0x80) && !strchr("\"\\", *p);
    if (plain) {
        g_string_append_printf(out, ";\n\t%s=\"%s\"", key, value);
        return;
    }
    for (const char *p = value; *p; p++) {
        bool begins = ((unsigned char)*p & 0xc0) != 0x80;
        if (begins && piece > PIECE_MAX - 12) { /* no room for a whole character */
            g_string_append_printf(
                out, ";\n\t%s*%zu*=%s", key, pieces, pieces == 0 ? "UTF-8''" : "");
            pieces++;
            piece = 0;
        }
        size_t before = out->len;
        if (g_ascii_isalnum(*p) || strchr("-._", *p))
            g_string_append_c(out, *p);
        else
            g_string_append_printf(
                out, "%%%c%c", hex[(unsigned char)*p >> 4], hex[(unsigned char)*p & 15]);
        piece += out->len - before;
    }
}

static void set_raw(
    GMimePart *part, const char *header, const char *value, const char *key, const char *name) {
    GString *raw = g_string_new(NULL);
    g_string_append_printf(raw, " %s", value);
    if (name[0])
        add_parameter(raw, key, name);
    g_string_append_c(raw, '\n');
    g_mime_header_set_raw_value(
        g_mime_header_list_get_header(g_mime_object_get_header_list(GMIME_OBJECT(part)), header),
        raw->str);
    g_string_free(raw, TRUE);
}

static GMimeObject *file_part(const struct email_file *f, bool is_inline, struct err *err) {
    char *name = header_text("name of a file", f->name, SIZE_MAX, err);
    if (!name)
        return NULL;
    name = short_name(name);
    GMimePart *part = g_mime_part_new();
    char *type = file_type(f->mime);
    GMimeStream *stream = g_mime_stream_fs_new_with_bounds(f->fd, 0, -1);
    g_mime_stream_fs_set_owner(GMIME_STREAM_FS(stream), FALSE);
    GMimeDataWrapper *content =
        g_mime_data_wrapper_new_with_stream(stream, GMIME_CONTENT_ENCODING_DEFAULT);
    g_mime_object_set_disposition(GMIME_OBJECT(part), is_inline ? "inline" : "attachment");
    if (is_inline)
        g_mime_part_set_content_id(part, f->cid);
    g_mime_part_set_content(part, content);
    g_mime_part_set_content_encoding(part, GMIME_CONTENT_ENCODING_BASE64);
    g_object_unref(content);
    g_object_unref(stream);
    set_raw(part, "Content-Type", type, "name", name);
    set_raw(part, "Content-Disposition", is_inline ? "inline" : "attachment", "filename", name);
    free(type);
    free(name);
    return GMIME_OBJECT(part);
}

/* Takes first over, and adds the files that are inline, or those that are not. first when there are
 * none; NULL with err. */
static GMimeObject *with_files(GMimeObject *first, const struct email_draft *d, bool inlines,
    const char *subtype, struct err *err) {
    GMimeMultipart *all = NULL;
    for (size_t i = 0; i < d->nfiles; i++) {
        const struct email_file *f = &d->files[i];
        bool is_inline = f->cid && d->html[0];
        if (is_inline != inlines)
            continue;
        GMimeObject *part = file_part(f, is_inline, err);
        if (!all) {
            all = g_mime_multipart_new_with_subtype(subtype);
            g_mime_multipart_add(all, first);
            g_object_unref(first);
        }
        if (!part) {
            g_object_unref(all);
            return NULL;
        }
        g_mime_multipart_add(all, part);
        g_object_unref(part);
    }
    return all ? GMIME_OBJECT(all) : first;
}

static GMimeObject *make_body(const struct email_draft *d, struct err *err) {
    GMimeObject *body = text_part("plain", email_compose_plain(d));
    if (d->html[0]) {
        GMimeObject *page =
            with_files(text_part("html", email_compose_page(d)), d, true, "related", err);
        GMimeMultipart *both = g_mime_multipart_new_with_subtype("alternative");
        g_mime_multipart_add(both, body);
        g_object_unref(body);
        body = GMIME_OBJECT(both);
        if (!page) {
            g_object_unref(body);
            return NULL;
        }
        if (GMIME_IS_MULTIPART(page))
            g_mime_object_set_content_type_parameter(page, "type", "text/html");
        g_mime_multipart_add(both, page);
        g_object_unref(page);
    }
    return with_files(body, d, false, "mixed", err);
}

/* --- bytes ----------------------------------------------------------------------------------- */

/* Before anything is read: base64 makes 57 bytes 78. */
static int check_sizes(const struct email_draft *d, struct err *err) {
    size_t sum = 0;
    for (size_t i = 0; i < d->nfiles; i++) {
        struct stat st;
        if (fstat(d->files[i].fd, &st) < 0 || !S_ISREG(st.st_mode))
            return err_set(err, ERR_IO, "a file of the mail cannot be read");
        sum += (size_t)st.st_size > d->size_max ? d->size_max : (size_t)st.st_size;
    }
    if (sum / 57 * 78 > d->size_max)
        return err_set(
            err, ERR_TOO_LARGE, "the files are too large for a mail of %zu kB", d->size_max / 1024);
    return 0;
}

/* What curl and the servers rely on, whatever the library made of what it was given. */
static int check_bytes(const char *p, size_t n, bool utf8, struct err *err) {
    size_t line = 0;
    for (size_t i = 0; i < n; i++) {
        bool ends = p[i] == '\r' && i + 1 < n && p[i + 1] == '\n';
        bool stray = p[i] == '\0' || p[i] == '\n' || (p[i] == '\r' && !ends);
        if (stray || (!utf8 && (p[i] & 0x80)) || ++line > LINE_MAX_OCTETS + 1)
            return err_set(err, ERR_INTERNAL, "the mail could not be written as RFC 5322 wants");
        if (ends) {
            line = 0;
            i++;
        }
    }
    return line ? err_set(err, ERR_INTERNAL, "the mail's last line has no end") : 0;
}

static int write_out(GMimeMessage *m, const struct email_draft *d, bool utf8, char **bytes,
    size_t *n, struct err *err) {
    GMimeFormatOptions *options = g_mime_format_options_new();
    GByteArray *array = g_byte_array_new();
    GMimeStream *stream = g_mime_stream_mem_new_with_byte_array(array);
    g_mime_stream_mem_set_owner(GMIME_STREAM_MEM(stream), FALSE);
    g_mime_format_options_set_newline_format(options, GMIME_NEWLINE_FORMAT_DOS);
    ssize_t put = g_mime_object_write_to_stream(GMIME_OBJECT(m), options, stream);
    g_object_unref(stream);
    g_mime_format_options_free(options);
    if (array->len < 2 || array->data[array->len - 1] != '\n')
        g_byte_array_append(array, (const guint8 *)"\r\n", 2);
    int rc = 0;
    if (put < 0)
        rc = err_set(err, ERR_IO, "a file of the mail cannot be read");
    else if (array->len > d->size_max)
        rc = err_set(err, ERR_TOO_LARGE, "the mail is %u kB, more than %zu", array->len / 1024,
            d->size_max / 1024);
    else
        rc = check_bytes((const char *)array->data, array->len, utf8, err);
    *n = rc == 0 ? array->len : 0;
    *bytes = (char *)g_byte_array_free(array, rc != 0);
    return rc;
}

int email_compose(
    const struct email_draft *d, char **bytes, size_t *n, bool *needs_utf8, struct err *err) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    GMimeObject *body = NULL;
    bool utf8 = false;
    int rc = -1;
    *bytes = NULL;
    *n = 0;
    if (check(d, err) < 0 || check_sizes(d, err) < 0)
        return -1;
    pthread_once(&once, start_gmime);
    GMimeMessage *m = g_mime_message_new(TRUE);
    if (set_people(m, d, &utf8, err) == 0 && set_headers(m, d, err) == 0)
        body = make_body(d, err);
    if (body) {
        g_mime_message_set_mime_part(m, body);
        g_object_unref(body);
        rc = write_out(m, d, utf8, bytes, n, err);
    }
    g_object_unref(m);
    *needs_utf8 = utf8;
    return rc;
}
