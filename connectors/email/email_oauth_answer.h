/* email_oauth_answer.h - what a token endpoint answered (RFC 6749 5). Pure. */
#ifndef SB_CONNECTORS_EMAIL_EMAIL_OAUTH_ANSWER_H
#define SB_CONNECTORS_EMAIL_EMAIL_OAUTH_ANSWER_H

#include <stdint.h>

#include "base/err.h"
#include "base/span.h"

struct email_oauth_answer {
    char *access_token;
    char *refresh_token; /* NULL: the old one stays */
    int64_t expires_s;   /* 3600 where it is not said */
};

/* 0, and the caller frees both tokens; or -1 with an error as in email_oauth.h. */
int email_oauth_answer_read(
    int status, struct span body, struct email_oauth_answer *out, struct err *err);

#endif
