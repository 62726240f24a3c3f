/* email_frame.h - what a reading child says to its parent, checked: the child has met a stranger's
 * mail, and may by now be that stranger. Pure.
 *
 * A frame: its type (1 byte), three zero bytes, the length of what follows (4 bytes,
 * little-endian). 'R' ready, once at the beginning; then for each mail 'T' its text (JSON is slow
 * for what is long), 'M' all else as JSON, 'P' a piece (the part's index in 4 bytes, little-endian,
 * then 1 to EMAIL_FRAME_PIECE_MAX bytes) in order and as many as the JSON said, and 'E' the end or
 * 'L' the end of this mail and of the child; or 'F' with a sentence instead: the file could not be
 * read. */
#ifndef SB_CONNECTORS_EMAIL_EMAIL_FRAME_H
#define SB_CONNECTORS_EMAIL_EMAIL_FRAME_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/span.h"
#include "connectors/email/email_read.h"

#define EMAIL_FRAME_HEAD 8
#define EMAIL_FRAME_PIECE_MAX (64u << 10)
#define EMAIL_FRAME_JSON_MAX (2u << 20)
#define EMAIL_FRAME_SENTENCE_MAX 300

enum email_frame_type {
    EMAIL_FRAME_READY = 'R',
    EMAIL_FRAME_TEXT = 'T',
    EMAIL_FRAME_MAIL = 'M',
    EMAIL_FRAME_PIECE = 'P',
    EMAIL_FRAME_END = 'E',
    EMAIL_FRAME_LAST = 'L',
    EMAIL_FRAME_FAILED = 'F'
};

struct email_frames {
    struct buf in;
    size_t used; /* of in */
    bool ready, asked;
    json_t *text;       /* that came before its 'M' */
    json_t *mail;       /* of the mail that is being told; NULL before its 'M' */
    uint64_t bytes_max; /* of all its parts together */
    size_t part;        /* whose bytes come */
    uint64_t missing;   /* of them */
};

struct email_frame {
    enum email_frame_type type;
    const json_t *mail; /* 'M': borrowed until the mail's end */
    size_t index;       /* 'P' */
    struct span bytes;  /* 'P', 'F': until the next call */
};

void email_frames_init(struct email_frames *f);
void email_frames_free(struct email_frames *f);
/* The child was asked for a mail of so many bytes. */
void email_frames_ask(struct email_frames *f, uint64_t mail_size);
/* Adds what came. -1 when it is more than any frame can be. */
int email_frames_add(struct email_frames *f, struct span bytes, struct err *err);
/* 1: a frame; 0: more bytes are needed; -1: nonsense (ERR_PROTOCOL), do not ask on. */
int email_frames_next(struct email_frames *f, struct email_frame *out, struct err *err);

/* The head of a frame, for the child. */
void email_frame_head(char head[EMAIL_FRAME_HEAD], enum email_frame_type type, size_t n);

/* The `mail` object of email_read.h: every key, type and ceiling, UTF-8 without controls, offsets
 * on whole characters, sizes together at most bytes_max. text: what came for it apart and is
 * checked as such, then json has none; NULL: json has it. The caller decrefs; NULL with err. */
json_t *email_mail_check(struct span json, json_t *text, uint64_t bytes_max, struct err *err);

#endif
