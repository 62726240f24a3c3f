/* email_imap_parse.h - what an IMAP server says (RFC 9051 section 7 and 9), piece by piece, as
 * events. Pure; takes a stranger's bytes in any chunking. A literal is counted out before any line
 * is looked at: nothing inside a mail can be taken for an answer. Nested lists are flat events. */
#ifndef SB_CONNECTORS_EMAIL_EMAIL_IMAP_PARSE_H
#define SB_CONNECTORS_EMAIL_EMAIL_IMAP_PARSE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/span.h"

#define EMAIL_IMAP_TOKEN_MAX 8192u        /* bytes of an atom or quoted string: else an error */
#define EMAIL_IMAP_TEXT_MAX 8192u         /* bytes of a status line: what is beyond is dropped */
#define EMAIL_IMAP_DEPTH_MAX 100u         /* of lists: else an error */
#define EMAIL_IMAP_ANSWER_MAX (32u << 20) /* bytes of one answer, its literals not counted */

enum email_imap_event_kind {
    /* "* OK [CODE] text", "tag NO text", "* BYE text": name is the status in upper case. */
    EMAIL_IMAP_STATUS,
    /* "+ text" */
    EMAIL_IMAP_GO_ON,
    /* "* 12 FETCH ...", "* SEARCH ...": name in upper case; then tokens until EMAIL_IMAP_END. Of
     * names that are not known here nothing comes but this, their literals' bytes, and the end. */
    EMAIL_IMAP_DATA,
    EMAIL_IMAP_ATOM,    /* text: "BODY[HEADER]<0>", "\Seen", "NIL", "42" */
    EMAIL_IMAP_QUOTED,  /* text: without quotes and escapes */
    EMAIL_IMAP_OPEN,    /* ( */
    EMAIL_IMAP_CLOSE,   /* ) */
    EMAIL_IMAP_LITERAL, /* number: its size; then its bytes, then its end */
    EMAIL_IMAP_BYTES,
    EMAIL_IMAP_LITERAL_END,
    EMAIL_IMAP_END
};

/* Spans are borrowed until the function returns. */
struct email_imap_event {
    enum email_imap_event_kind kind;
    struct span tag;  /* STATUS: "*" or the tag */
    struct span name; /* STATUS, DATA */
    struct span code; /* STATUS: "UIDVALIDITY 7" of [UIDVALIDITY 7]; n 0 when there is none */
    struct span text; /* STATUS, GO_ON, ATOM, QUOTED, BYTES */
    uint64_t number;  /* DATA: before the name, 0 when there is none; LITERAL: bytes */
    unsigned depth;   /* of lists around it; of OPEN and CLOSE inside them */
};

struct email_imap_parse;

/* 0, or -1 to stop: email_imap_parse_feed() returns at once, and must not be called again. */
typedef int (*email_imap_event_fn)(void *arg, const struct email_imap_event *e);

struct email_imap_parse *email_imap_parse_create(email_imap_event_fn fn, void *arg);
void email_imap_parse_free(struct email_imap_parse **p); /* not inside fn */

/* 0, or -1 with ERR_PROTOCOL when this is no IMAP (from then on always), or when fn stopped it
 * (err is not touched). */
int email_imap_parse_feed(struct email_imap_parse *p, struct span bytes, struct err *err);

#endif
