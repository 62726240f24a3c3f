/* email_frame_fuzz.c - any bytes from a child: frames come in order, pieces within the sizes that
 * the mail told, and the same however the bytes are cut. The first byte is the size of the cuts;
 * after each end a next mail is asked for. */
#include <stdint.h>
#include <stdlib.h>

#include "base/mem.h"
#include "connectors/email/email_frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good) {
    if (!good)
        abort();
}

struct seen {
    size_t frames, bytes, mails, ends;
    bool failed;
};

static void take(struct email_frames *f, const struct email_frame *frame, struct seen *s) {
    s->frames++;
    s->bytes += frame->bytes.n;
    switch (frame->type) {
    case EMAIL_FRAME_MAIL:
        check(json_object_get(frame->mail, "text") && s->mails == s->ends);
        s->mails++;
        break;
    case EMAIL_FRAME_PIECE:
        check(s->mails == s->ends + 1 && frame->bytes.n > 0);
        check(frame->index < json_array_size(json_object_get(f->mail, "parts")));
        break;
    case EMAIL_FRAME_END:
    case EMAIL_FRAME_LAST:
        s->ends++;
        check(s->mails == s->ends);
        email_frames_ask(f, 1000);
        break;
    case EMAIL_FRAME_FAILED:
        check(s->mails == s->ends && frame->bytes.n <= EMAIL_FRAME_SENTENCE_MAX);
        email_frames_ask(f, 1000);
        break;
    case EMAIL_FRAME_TEXT: /* is part of the mail */
        abort();
    case EMAIL_FRAME_READY:
        check(s->frames == 1);
    }
}

static struct seen run(const uint8_t *data, size_t size, size_t cut) {
    struct email_frames f;
    struct email_frame frame;
    struct err err = {0};
    struct seen s = {0};
    email_frames_init(&f);
    email_frames_ask(&f, 1000);
    for (size_t at = 0; at < size && !s.failed; at += cut) {
        size_t n = size - at < cut ? size - at : cut;
        int rc = email_frames_add(&f, span_of((const char *)data + at, n), &err);
        while (rc == 0 && (rc = email_frames_next(&f, &frame, &err)) == 1) {
            take(&f, &frame, &s);
            rc = 0;
        }
        s.failed = rc < 0;
        check(!s.failed || (err.code != ERR_NONE && err.text[0]));
    }
    email_frames_free(&f);
    return s;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 1)
        return 0;
    struct seen a = run(data + 1, size - 1, data[0] ? data[0] : 1);
    struct seen b = run(data + 1, size - 1, 1 << 16);
    check(a.frames == b.frames && a.bytes == b.bytes && a.failed == b.failed);
    json_t *mail = email_mail_check(span_of((const char *)data + 1, size - 1), NULL, 1000, NULL);
    json_decref(mail);
    return 0;
}
