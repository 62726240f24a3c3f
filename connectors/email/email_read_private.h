/* email_read_private.h - one mail while it is read; shared by the files email_read*.c. */
#ifndef SB_CONNECTORS_EMAIL_EMAIL_READ_PRIVATE_H
#define SB_CONNECTORS_EMAIL_EMAIL_READ_PRIVATE_H

#include <gmime/gmime.h>
#include <jansson.h>

#include "base/buf.h"
#include "connectors/email/email_auto.h"
#include "connectors/email/email_read.h"
#include "connectors/email/email_scan.h"

#define EMAIL_SEGMENTS_MAX 64
#define EMAIL_PLAIN_MAX (512u << 10) /* octets of a text part that are looked at */

/* A piece of the body. Of an alternative, one side is for the text and the other for the HTML. */
struct email_segment {
    GMimePart *part; /* borrowed */
    bool is_html;
    bool for_text, for_html;
};

struct email_file {
    GMimePart *part; /* borrowed; NULL: the bytes are in `html` of the mail */
    json_t *about;   /* its entry in "parts", borrowed */
};

struct email_mail {
    int fd;
    struct email_scan scan;
    GMimeParserOptions *options;
    GMimeMessage *message; /* NULL: GMime saw no mail in it */
    json_t *mail, *notes, *parts;
    struct email_signs signs;
    const char *report; /* "delivery", "read" or NULL */
    struct email_segment segments[EMAIL_SEGMENTS_MAX];
    size_t nsegments;
    struct email_file files[EMAIL_PARTS_MAX];
    size_t nfiles;
    unsigned entities;
    char *html; /* malloc'ed; NULL none */
    size_t html_n;
    size_t html_quote; /* where the text made of it begins to quote; 0 unknown */
    bool guessed;      /* a charset */
};

/* email_read.c */
void email_note(struct email_mail *m, const char *word);

/* email_read_headers.c */
void email_read_headers(struct email_mail *m);
/* A header's raw value as one line of UTF-8 that GMime can decode: encoded words are still encoded.
 * The caller frees. */
char *email_header_unfold(struct email_mail *m, const char *raw);
/* The same decoded. The caller frees. */
char *email_header_text(struct email_mail *m, const char *raw);

/* email_read_part.c */
typedef int (*email_piece_fn)(void *arg, struct span piece);
/* The decoded octets in pieces of EMAIL_PIECE_MAX at most. -1 when fn said so. *repaired (may be
 * NULL) becomes true when the encoding was broken. */
int email_part_decode(GMimePart *part, email_piece_fn fn, void *arg, bool *repaired);
/* Adds at most out's ceiling; what is over sets `failed`. */
void email_part_load(GMimePart *part, struct buf *out, bool *repaired);
/* The type in lower case, "application/octet-stream" when it makes no sense; the caller frees. */
char *email_part_mime(GMimeObject *part);
bool email_part_is(GMimeObject *part, const char *type, const char *subtype); /* subtype "*": any */
/* In place: no leading dots, none of the characters that mean something in paths, at most
 * EMAIL_NAME_MAX bytes with the ending kept. False when nothing is left. */
bool email_name_make_safe(char *name);
/* A clean base name; NULL when it has none. The caller frees. */
char *email_part_name(struct email_mail *m, GMimeObject *part);

/* email_read_walk.c: segments, files and the report. */
void email_read_walk(struct email_mail *m);

/* email_read_body.c: text and html of the segments. */
void email_read_body(struct email_mail *m);

#endif
