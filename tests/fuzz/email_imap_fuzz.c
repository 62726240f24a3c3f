/* email_imap_fuzz.c - any bytes as what an IMAP server says: no crash, the events keep their order
 * and ceilings, and are the same ones in whatever pieces the bytes come. */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/buf.h"
#include "connectors/email/email_imap_parse.h"
#include "connectors/email/email_imap_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int good) {
    if (!good)
        abort();
}

struct record {
    struct buf events;
    bool in_data, in_literal;
    uint64_t left;
    unsigned depth;
};

static void write_down(struct record *r, const struct email_imap_event *e) {
    if (e->kind == EMAIL_IMAP_BYTES) { /* how they are cut does not count */
        buf_add(&r->events, e->text.p, e->text.n);
        return;
    }
    buf_addf(&r->events, "\n%d %u %llu ", (int)e->kind, e->depth, (unsigned long long)e->number);
    buf_add(&r->events, e->tag.p, e->tag.n);
    buf_add(&r->events, e->name.p, e->name.n);
    buf_add(&r->events, e->code.p, e->code.n);
    buf_add(&r->events, e->text.p, e->text.n);
}

static void check_literal(struct record *r, const struct email_imap_event *e) {
    if (e->kind == EMAIL_IMAP_LITERAL) {
        must(!r->in_literal);
        r->in_literal = true;
        r->left = e->number;
    } else if (e->kind == EMAIL_IMAP_BYTES) {
        must(r->in_literal && e->text.n > 0 && e->text.n <= r->left);
        r->left -= e->text.n;
    } else {
        must(r->in_literal && r->left == 0);
        r->in_literal = false;
    }
}

static int on_event(void *arg, const struct email_imap_event *e) {
    struct record *r = arg;
    write_down(r, e);
    switch (e->kind) {
    case EMAIL_IMAP_STATUS:
        must(!r->in_data && e->tag.n >= 1 && e->name.n >= 2 && e->name.n <= 7);
        must(e->text.n <= EMAIL_IMAP_TEXT_MAX);
        break;
    case EMAIL_IMAP_GO_ON:
        must(!r->in_data && e->text.n <= EMAIL_IMAP_TEXT_MAX);
        break;
    case EMAIL_IMAP_DATA:
        must(!r->in_data && e->name.n >= 1);
        r->in_data = true;
        r->depth = 0;
        break;
    case EMAIL_IMAP_ATOM:
    case EMAIL_IMAP_QUOTED:
        must(r->in_data && !r->in_literal && e->text.n <= EMAIL_IMAP_TOKEN_MAX);
        break;
    case EMAIL_IMAP_OPEN:
        must(r->in_data && e->depth == ++r->depth && e->depth <= EMAIL_IMAP_DEPTH_MAX);
        break;
    case EMAIL_IMAP_CLOSE:
        must(r->in_data && r->depth >= 1 && e->depth == r->depth);
        r->depth--;
        break;
    case EMAIL_IMAP_LITERAL:
    case EMAIL_IMAP_BYTES:
    case EMAIL_IMAP_LITERAL_END:
        must(r->in_data);
        check_literal(r, e);
        break;
    case EMAIL_IMAP_END:
        must(r->in_data && !r->in_literal && r->depth == 0);
        r->in_data = false;
        break;
    }
    return 0;
}

/* In pieces whose sizes the first byte picks; 0: in one. */
static int run(struct record *r, struct span bytes, unsigned seed) {
    struct email_imap_parse *p = email_imap_parse_create(on_event, r);
    struct err err = {0};
    int rc = 0;
    buf_init(&r->events, 1 << 24);
    while (bytes.n && rc == 0) {
        size_t n = seed ? 1 + seed % 7 : bytes.n;
        n = n < bytes.n ? n : bytes.n;
        rc = email_imap_parse_feed(p, span_of(bytes.p, n), &err);
        bytes = span_of(bytes.p + n, bytes.n - n);
        seed = seed ? (seed * 1103515245 + 12345) | 1 : 0;
    }
    must(rc == 0 || err.code == ERR_PROTOCOL);
    email_imap_parse_free(&p);
    return rc;
}

static void check_words(struct span bytes) {
    int64_t ms;
    uint32_t uid;
    char *word = email_imap_raw_folder_word(bytes);
    if (word)
        must(!strpbrk(word, "\r\n"));
    free(word);
    char *name = strndup(bytes.n ? bytes.p : "", bytes.n);
    word = email_imap_folder_word(name);
    for (const char *c = word; c && *c; c++)
        must(*c >= 0x20 && *c < 0x7f);
    free(word);
    free(name);
    email_imap_date_time_read(bytes, &ms);
    email_imap_uid_read(bytes, &uid);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 1)
        return 0;
    struct span bytes = span_of((const char *)data + 1, size - 1);
    struct record whole = {0}, pieces = {0};
    int rc = run(&whole, bytes, 0);
    must(run(&pieces, bytes, data[0] + 1u) == rc);
    must(whole.events.n == pieces.events.n);
    must(whole.events.n == 0 || memcmp(whole.events.p, pieces.events.p, whole.events.n) == 0);
    buf_free(&whole.events);
    buf_free(&pieces.events);
    check_words(bytes);
    return 0;
}
