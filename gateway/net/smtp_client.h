/* smtp_client.h - sending one finished message through an SMTP server (RFC 5321). curl connects,
 * makes TLS and logs in; the conversation after is ours, so what comes out is decided by the
 * server's replies, and it is known whether it can have had the end of the data. Completes exactly
 * once. */
#ifndef SB_NET_SMTP_CLIENT_H
#define SB_NET_SMTP_CLIENT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/span.h"
#include "loop/loop.h"
#include "net/mail_server.h"

struct smtp_client; /* keeps connections for reuse: few to each account at a server */
struct smtp_call;

struct smtp_message {
    const char *from;      /* envelope; "" for <> */
    const char *const *to; /* NULL-ended; control characters, spaces, <> are refused */
    struct span bytes;     /* CRLF lines of at most 998 octets, no NUL, ended by CRLF; copied */
    const char *helo;      /* our name */
    unsigned timeout_ms;   /* whole call, waiting for a connection included; 0: 10 minutes */
};

enum smtp_outcome {
    SMTP_ACCEPTED, /* by the server for at least one recipient: see refused */
    SMTP_RETRY,    /* 4xx, or it was surely not taken; also when TLS cannot be had */
    SMTP_REFUSED,  /* 5xx: never for these recipients or this message */
    SMTP_DENIED,   /* 530, 534, 535, 538; 5.7.x to login or sender; an address of the server that
                      may not be connected to: the account is wrong, not the message */
    SMTP_AMBIGUOUS /* the end of data was sent and its answer was lost */
};
struct smtp_refusal {
    const char *address;
    int code;         /* 550 */
    const char *text; /* the server's words, with the enhanced code */
    bool again;       /* a 4xx: may be tried again, for this one alone */
    bool at_once;     /* 452 4.5.3, while others were taken: there were too many */
};
struct smtp_result {
    enum smtp_outcome outcome;
    int code;                           /* of the reply that decided; 0 none */
    const char *text;                   /* the server's words; "" none */
    const struct smtp_refusal *refused; /* recipients that were refused, while others were taken or
                                           not */
    size_t nrefused;
    struct err err; /* a sentence, unless ACCEPTED */
};
typedef void (*smtp_fn)(void *arg, const struct smtp_result *r); /* r is borrowed */

struct smtp_client *smtp_client_create(const struct env *env);
void smtp_client_destroy(struct smtp_client **c); /* cancels what runs */
/* server as in mail_server.h; user "" or NULL: no login. Strings are copied. Never calls fn inside.
 */
struct smtp_call *smtp_call_start(struct smtp_client *c, const struct mail_server *server,
    const struct smtp_message *m, smtp_fn fn, void *arg);
/* fn is called before this returns: RETRY or AMBIGUOUS, as far as it came. Not after fn was called.
 */
void smtp_call_cancel(struct smtp_call *call);
/* Connects, logs in and quits: is the account good? */
struct smtp_call *smtp_check_start(struct smtp_client *c, const struct mail_server *server,
    const char *helo, smtp_fn fn, void *arg);

#endif
