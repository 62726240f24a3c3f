/* telegram_answer.h - what an answer of the Bot API means. Pure.
 * Source: Bot API 10.3, "Making requests", "ResponseParameters"; the texts as the open-source
 * server writes them. */
#ifndef SB_CONNECTORS_TELEGRAM_TELEGRAM_ANSWER_H
#define SB_CONNECTORS_TELEGRAM_TELEGRAM_ANSWER_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/span.h"

enum telegram_class {
    TELEGRAM_OK,
    TELEGRAM_WAIT,        /* 429, 420: nothing before retry_s (also hidden in a 400 of an album) */
    TELEGRAM_TRY_AGAIN,   /* surely not done; try later (500/503 with the API's own error body, ...)
                           */
    TELEGRAM_MIGRATED,    /* the group is moved_to now: once more there */
    TELEGRAM_NO_REPLY,    /* once more without reply_parameters */
    TELEGRAM_NO_QUOTE,    /* once more without the quote */
    TELEGRAM_NO_TOPIC,    /* once more without message_thread_id */
    TELEGRAM_PLAIN,       /* once more without entities */
    TELEGRAM_AS_DOCUMENT, /* a photo that Telegram cannot take: once more as a document */
    TELEGRAM_REFUSED,     /* never: err is for the agent */
    TELEGRAM_BAD_TOKEN,   /* 401, 404: the whole channel must stop; err is for the admin */
    TELEGRAM_CONFLICT,    /* 409: another consumer or a webhook */
    TELEGRAM_UNKNOWN      /* something in between answered (502, 504, HTML, a body that was cut): it
                             may have been done */
};

struct telegram_answer {
    enum telegram_class cls;
    int error_code;
    unsigned retry_s;
    bool partly; /* a part of an album may have been sent */
    char moved_to[32];
    char description[300]; /* Telegram's own words, cleaned */
    struct err err;        /* code and sentence in our words, with Telegram's in brackets */
    json_t *result;        /* OK: new reference (true where there is nothing to tell); else NULL */
    const char *word;      /* see telegram_answer_word() */
    json_t *root;          /* internal */
};

/* status 0 never comes here. Never fails: a body that is none gives UNKNOWN (5xx, or 2xx that is
 * not JSON) or REFUSED (4xx that is not JSON; 413: file too big), but WAIT for a 429 and TRY_AGAIN
 * for a redirection or a 408, whoever said so: nothing was done. */
void telegram_answer_read(int status, struct span body, struct telegram_answer *out);
void telegram_answer_free(struct telegram_answer *a);

/* err.text of everything that is not OK begins with a word for the page to translate, then ": " and
 * the sentence: blocked, deactivated, cannot_begin, kicked, not_member, chat_gone, no_rights,
 * too_big, closed_topic, business_right, voice_forbidden, too_old, other. The word is also given
 * here; "" for OK. */
const char *telegram_answer_word(const struct telegram_answer *a);

#endif
