/* email_frame.c - frames in order; email_mail_check.c looks into the JSON. */
#include "connectors/email/email_frame.h"

#include "base/mem.h"
#include "base/utf8.h"

#define SLACK (8u << 20) /* HTML in UTF-8 may be longer than the mail was */

void email_frame_head(char head[EMAIL_FRAME_HEAD], enum email_frame_type type, size_t n) {
    memset(head, 0, EMAIL_FRAME_HEAD);
    head[0] = (char)type;
    for (size_t i = 0; i < 4; i++)
        head[4 + i] = (char)(n >> (8 * i));
}

void email_frames_init(struct email_frames *f) {
    *f = (struct email_frames){0};
    buf_init(&f->in, 2 * EMAIL_FRAME_JSON_MAX);
}

void email_frames_free(struct email_frames *f) {
    buf_free(&f->in);
    json_decref(f->text);
    json_decref(f->mail);
    f->text = f->mail = NULL;
}

void email_frames_ask(struct email_frames *f, uint64_t mail_size) {
    f->asked = true;
    f->bytes_max = 2 * mail_size + SLACK;
}

int email_frames_add(struct email_frames *f, struct span bytes, struct err *err) {
    if (f->used == f->in.n && f->in.cap > 2 * EMAIL_FRAME_PIECE_MAX) {
        buf_free(&f->in); /* after a large JSON */
        buf_init(&f->in, 2 * EMAIL_FRAME_JSON_MAX);
    } else {
        buf_drop(&f->in, f->used);
    }
    f->used = 0;
    if (buf_add(&f->in, bytes.p, bytes.n) < 0)
        return err_set(err, ERR_PROTOCOL, "the mail's reader says too much");
    return 0;
}

static uint32_t number_at(const char *p) {
    const unsigned char *u = (const unsigned char *)p;
    return (uint32_t)u[0] | (uint32_t)u[1] << 8 | (uint32_t)u[2] << 16 | (uint32_t)u[3] << 24;
}

static size_t length_max(char type) {
    switch (type) {
    case EMAIL_FRAME_TEXT:
        return EMAIL_TEXT_MAX;
    case EMAIL_FRAME_MAIL:
        return EMAIL_FRAME_JSON_MAX;
    case EMAIL_FRAME_PIECE:
        return EMAIL_FRAME_PIECE_MAX + 4;
    case EMAIL_FRAME_FAILED:
        return EMAIL_FRAME_SENTENCE_MAX;
    default:
        return 0;
    }
}

/* The first part from f->part on that still has bytes to come. */
static void find_part(struct email_frames *f) {
    const json_t *parts = json_object_get(f->mail, "parts");
    while (f->missing == 0 && f->part < json_array_size(parts)) {
        f->part++;
        const json_t *size = json_object_get(json_array_get(parts, f->part), "size");
        f->missing = (uint64_t)json_integer_value(size);
    }
}

static int on_text(struct email_frames *f, struct span text, struct err *err) {
    if (!f->ready || !f->asked || f->mail || f->text)
        return err_set(err, ERR_PROTOCOL, "the mail's reader tells a text that nobody asked for");
    bool is_text = utf8_is_text(text.p, text.n) && !(text.n && memchr(text.p, '\r', text.n));
    f->text = is_text ? json_stringn_nocheck(text.p, text.n) : NULL;
    return f->text ? 0 : err_set(err, ERR_PROTOCOL, "the mail's reader tells no text");
}

static int on_mail(
    struct email_frames *f, struct span json, struct email_frame *out, struct err *err) {
    if (!f->ready || !f->asked || f->mail || !f->text)
        return err_set(err, ERR_PROTOCOL, "the mail's reader tells a mail that nobody asked for");
    f->mail = email_mail_check(json, f->text, f->bytes_max, err);
    json_decref(f->text);
    f->text = NULL;
    if (!f->mail)
        return -1;
    const json_t *first = json_array_get(json_object_get(f->mail, "parts"), 0);
    f->part = 0;
    f->missing = (uint64_t)json_integer_value(json_object_get(first, "size"));
    find_part(f);
    out->mail = f->mail;
    return 1;
}

static int on_piece(
    struct email_frames *f, struct span s, struct email_frame *out, struct err *err) {
    if (!f->mail || s.n <= 4 || number_at(s.p) != f->part || s.n - 4 > f->missing)
        return err_set(err, ERR_PROTOCOL, "the mail's reader tells bytes of no part");
    out->index = f->part;
    out->bytes = span_of(s.p + 4, s.n - 4);
    f->missing -= s.n - 4;
    find_part(f);
    return 1;
}

static int on_end(struct email_frames *f, struct err *err) {
    if (!f->mail || f->missing)
        return err_set(err, ERR_PROTOCOL, "the mail's reader ends before the mail does");
    json_decref(f->mail);
    f->mail = NULL;
    f->asked = false;
    return 1;
}

static int on_failed(
    struct email_frames *f, struct span s, struct email_frame *out, struct err *err) {
    if (!f->ready || !f->asked || f->mail || f->text)
        return err_set(err, ERR_PROTOCOL, "the mail's reader fails at nothing");
    f->asked = false;
    out->bytes = s;
    return 1;
}

static int on_ready(struct email_frames *f, struct err *err) {
    if (f->ready)
        return err_set(err, ERR_PROTOCOL, "the mail's reader is ready twice");
    f->ready = true;
    return 1;
}

/* One whole frame: 1 tell it, 0 there is nothing to tell, -1. */
static int take(struct email_frames *f, struct span s, struct email_frame *out, struct err *err) {
    switch (out->type) {
    case EMAIL_FRAME_READY:
        return on_ready(f, err);
    case EMAIL_FRAME_TEXT:
        return on_text(f, s, err);
    case EMAIL_FRAME_MAIL:
        return on_mail(f, s, out, err);
    case EMAIL_FRAME_PIECE:
        return on_piece(f, s, out, err);
    case EMAIL_FRAME_END:
    case EMAIL_FRAME_LAST:
        return on_end(f, err);
    case EMAIL_FRAME_FAILED:
        return on_failed(f, s, out, err);
    default:
        return err_set(err, ERR_PROTOCOL, "the mail's reader says nonsense");
    }
}

int email_frames_next(struct email_frames *f, struct email_frame *out, struct err *err) {
    while (f->in.n - f->used >= EMAIL_FRAME_HEAD) {
        const char *p = f->in.p + f->used;
        size_t n = number_at(p + 4);
        if (n > length_max(*p) || p[1] || p[2] || p[3])
            return err_set(err, ERR_PROTOCOL, "the mail's reader says nonsense");
        if (f->in.n - f->used - EMAIL_FRAME_HEAD < n)
            return 0;
        f->used += EMAIL_FRAME_HEAD + n;
        *out = (struct email_frame){.type = (enum email_frame_type) * p};
        int rc = take(f, span_of(p + EMAIL_FRAME_HEAD, n), out, err);
        if (rc != 0)
            return rc;
    }
    return 0;
}
