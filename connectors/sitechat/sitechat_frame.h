/* sitechat_frame.h - what a visitor's browser says on /ws/visitor: one JSON text, checked whole.
 * Pure. The protocol is described in README.md. */
#ifndef SB_SITECHAT_FRAME_H
#define SB_SITECHAT_FRAME_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/id.h"
#include "base/span.h"

#define VISITOR_FILES_MAX 5
#define VISITOR_CID_MAX 64
#define VISITOR_SCORE_MAX 5
#define VISITOR_FRAME_MAX (32 * 1024)

enum visitor_frame_kind {
    VISITOR_HELLO,
    VISITOR_MSG,
    VISITOR_TYPING,
    VISITOR_DELIVERED,
    VISITOR_READ,
    VISITOR_HISTORY,
    VISITOR_CONTINUE,
    VISITOR_FORM,
    VISITOR_RATE,
    VISITOR_EVENT,
    VISITOR_PING
};

/* A frame's content; strings live as long as json. What does not belong to the kind is NULL or 0.
 */
struct visitor_frame {
    enum visitor_frame_kind kind;
    json_t *json;

    const char *site, *token, *epoch; /* hello; NULL absent */
    int64_t cursor;                   /* hello; -1 absent */
    const json_t *page;               /* hello: object as sent, types checked */
    bool has_user;
    struct {
        const char *id, *name, *email, *phone, *hash, *token; /* NULL absent */
    } user;
    const json_t *form;  /* hello, form: {"name","email","phone"}, types checked; NULL absent */
    const char *consent; /* form; NULL absent */

    const char *cid;  /* msg, rate, event; of msg also set when the rest of it is wrong, so that it
                         can be refused */
    const char *text; /* msg, rate */
    int score;        /* rate: 1 to VISITOR_SCORE_MAX */
    const char *name; /* event */
    const json_t *data; /* event: flat, checked; NULL absent */
    const char *files[VISITOR_FILES_MAX];
    size_t nfiles;

    const char *id, *connector; /* continue */
    bool on;                    /* typing */
    int64_t upto;               /* delivered, read */
    int64_t before;             /* history */
    unsigned limit;
};

/* 0, or -1 with a sentence that names the key. out is always to be freed. */
int visitor_frame_parse(
    struct span text, size_t text_max, struct visitor_frame *out, struct err *err);
void visitor_frame_free(struct visitor_frame *f);

/* The page of a hello as it may be kept: known keys, bounded, addresses without fragment and with
 * the values of parameters like "token" or "password" masked. A new object. */
json_t *visitor_page_clean(const json_t *page);

#endif
