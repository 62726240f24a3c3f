/* whatsapp_answer.h - what an answer of the Graph API, or the error of a failed status, means for
 * the message, for the number and for the people. Pure.
 * Source: WhatsApp Business Platform, "Error codes" (2026-09); Graph API, "Handle errors". */
#ifndef SB_CONNECTORS_WHATSAPP_WHATSAPP_ANSWER_H
#define SB_CONNECTORS_WHATSAPP_WHATSAPP_ANSWER_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/span.h"

enum whatsapp_class {
    WHATSAPP_OK,
    WHATSAPP_WAIT_PAIR,   /* 131056: nothing to this client for a while */
    WHATSAPP_WAIT_NUMBER, /* 130429, 4, 80007, 429 ..: nothing from this number before retry_s */
    WHATSAPP_TRY_AGAIN,   /* surely not done; try later (API's own 5xx error body, codes 1, 2 ..) */
    WHATSAPP_UPLOAD_AGAIN, /* the media id is not good (any more): upload once more, then again */
    WHATSAPP_REFUSED,      /* never: err is for the agent */
    WHATSAPP_CHANNEL, /* token, permission, payment, lock, registration: the whole channel waits
                         for the admin; what is queued stays */
    WHATSAPP_UNKNOWN  /* something in between answered, or the body was cut: maybe done */
};

struct whatsapp_answer {
    enum whatsapp_class cls;
    bool late;             /* of a message that was taken before: nobody tries it again */
    int code, subcode;     /* of the error, 0 none */
    unsigned retry_s;      /* WAIT_NUMBER; 0: the usual growing pause */
    char description[300]; /* Meta's own words (message, details), cleaned */
    char trace[64];        /* fbtrace_id */
    struct err err; /* text: "w<code>: " and a sentence that says what is wrong and what to do,
                       then Meta's words in brackets; "w0: .." where there is no code */
    json_t *result; /* OK: new reference, else NULL */
};

/* status 0 never comes here. Never fails: a body that is none gives UNKNOWN (5xx, or 2xx that is
 * not JSON) or REFUSED (4xx that is not JSON), WAIT_NUMBER for a 429 whoever said so, TRY_AGAIN for
 * a redirection or a 408. 2xx with an "error" inside is that error. */
void whatsapp_answer_read(int status, struct span body, struct whatsapp_answer *out);
void whatsapp_answer_free(struct whatsapp_answer *a);

/* The same for an element of "errors" in a webhook ({code,title,message,error_data{details},href}).
 * result stays NULL. */
void whatsapp_error_read(const json_t *error, struct whatsapp_answer *out);
/* The same of a failed status: err says what to do where only trying again helps. */
void whatsapp_failure_read(const json_t *error, struct whatsapp_answer *out);

#endif
