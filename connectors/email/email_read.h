/* email_read.h - what a mail says: from its raw bytes (RFC 5322, MIME) to one JSON object and the
 * decoded bytes of its parts. Pure but for reading the fd. Runs in a child process of its own
 * (email_child.h): whatever a stranger's mail does to the parser, it does it there. */
#ifndef SB_CONNECTORS_EMAIL_EMAIL_READ_H
#define SB_CONNECTORS_EMAIL_EMAIL_READ_H

#include <jansson.h>
#include <stddef.h>

#include "base/err.h"
#include "base/span.h"

#define EMAIL_TEXT_MAX 65536 /* bytes of text */
#define EMAIL_PARTS_MAX 200  /* kept; MIME entities looked at: 500 */
#define EMAIL_ENTITIES_MAX 500
#define EMAIL_DEPTH_MAX 32
#define EMAIL_HEADERS_MAX (256u << 10)
#define EMAIL_HTML_MAX (4u << 20)   /* bytes of the HTML body as UTF-8; what is over is cut */
#define EMAIL_PIECE_MAX (32u << 10) /* of one call of on_part */
#define EMAIL_PEOPLE_MAX 20         /* in from, sender, reply_to, delivered_to */
#define EMAIL_RECIPIENTS_MAX 200    /* in to, cc */
#define EMAIL_REFERENCES_MAX 100    /* the newest are kept */
#define EMAIL_REPLIES_MAX 20        /* ids of in_reply_to */
#define EMAIL_SUBJECT_MAX 998
#define EMAIL_NAME_MAX 255 /* of a person or a file, bytes */
#define EMAIL_ADDRESS_MAX 320
#define EMAIL_ID_MAX 320 /* a Message-ID without <> */
#define EMAIL_AUTH_MAX 10
#define EMAIL_NOTES_MAX 32

/* The object `mail` (fields that do not apply are absent):
 *   message_id, in_reply_to[], references[]: ids without <>, printable ASCII without spaces.
 *   from[], sender[], reply_to[], to[], cc[]: {"name","address"}; the address as it was written,
 * with one "@", no spaces or controls; name may be "". Of several From headers the first counts.
 *   delivered_to[]: addresses of Delivered-To, X-Original-To, Envelope-To, topmost first.
 *   return_path: the address, "" for <>.
 *   subject; date_ms (1990 to 2100; it may lie in the future: the sender wrote it).
 *   text, text_cut, quoted_at, signature_at: see email_trim.h; text is "" when there is none.
 *   auto, report: see email_auto.h, email_report.h. ours: X-Switchboard. hops: Received headers.
 *   auth[]: see email_authres.h.
 *   notes[]: stable words, each once:
 *     headers_cut (over 256 KB), headers_broken (a line without colon among them), parts_cut,
 *     depth_cut, no_from, bad_from (no address in it), several_from, no_date, bad_date,
 *     base64_repaired (cut, or several joined), charset_guessed, encrypted, signed, calendar, tnef,
 *     html_cut, text_from_html, raw_text (nothing could be read: the text is the raw mail),
 *     name_marks (a file name with invisible or direction marks, which were taken out),
 *     name_path (a file name with folders, which were taken off), header_marks (the same marks in
 *     the subject or in somebody's name), subject_markup, nul_bytes, archive (one is attached:
 *     nobody looked into it).
 *   parts[]: {"what":"html|attachment|inline","name","mime","size"} and "cid" where there is one;
 *     "html" at most once and first, its bytes are UTF-8 and not safe to show; inline: the html
 * uses its cid. mime is what the sender says, in lower case. Names are base names without controls.
 */

struct email_sink {
    /* Once, first. mail is borrowed. 0, or -1: reading ends. */
    int (*on_mail)(void *arg, const json_t *mail);
    /* The bytes of part `index` (of mail's "parts"), in order and in pieces, together its "size". A
     * part of size 0 has no pieces. */
    int (*on_part)(void *arg, size_t index, struct span piece);
    void *arg;
};

/* Once in a process, before email_read(): GMime's own tables. message/rfc822 becomes a leaf: a mail
 * within a mail is kept as its raw bytes. */
void email_read_init(void);

/* Reads the whole mail from fd (a regular file or memfd, from its beginning; it stays the
 * caller's). Every mail can be read: what is broken is said in "notes". -1 only when the sink said
 * so or fd cannot be read. */
int email_read(int fd, const struct email_sink *sink, struct err *err);

#endif
