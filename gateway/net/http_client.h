/* http_client.h - requests to other servers (curl), with the rules that keep us safe: only the
 * given scheme, no redirects, no proxy or netrc from the environment, private addresses refused
 * after DNS unless allowed, size and time ceilings. Completes exactly once. */
#ifndef SB_NET_HTTP_CLIENT_H
#define SB_NET_HTTP_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/span.h"
#include "loop/loop.h"

struct http_client;
struct http_call;

/* One part of a multipart/form-data body. Either data, or a file: fd is owned by the call from
 * http_call_start() on (also when it fails) and read from its current position. */
struct http_part {
    const char *name;      /* field */
    const char *file_name; /* NULL: a plain field */
    const char *type;      /* content type; NULL or "": none */
    struct span data;      /* copied */
    int fd;                /* -1: data */
    uint64_t size;         /* bytes of the file */
};

/* With parts or a sink the call also fails (ERR_TIMEOUT) when less than 100 bytes a second move for
 * 30 s, waiting for the answer included, so that timeout_ms may be generous. */
struct http_request {
    const char *method;         /* "POST" */
    const char *url;            /* https:// (or http:// when allow_plain) */
    const char *const *headers; /* NULL-ended "Name: value" */
    struct span body;           /* copied */
    unsigned timeout_ms;        /* whole call */
    size_t answer_max;          /* larger answers fail with ERR_TOO_LARGE */
    bool allow_private;         /* loopback and private networks too */
    bool allow_plain;           /* http:// too */

    const struct http_part *parts; /* multipart instead of body; copied */
    size_t nparts;
    /* Takes the answer's body as it comes, when its status is 2xx (else the body goes to
     * answer.body as usual). 0, or -1 with err: the call ends with that error. NULL: collected.
     * May start and cancel calls, its own too. */
    int (*sink)(void *arg, struct span data, struct err *err);
    bool long_poll; /* waits long for its answer: has connections and buffers of its own kind */
    unsigned connect_ms; /* 0: 10 s or the whole timeout if shorter */
};

struct http_answer {
    int status;
    struct span body;
    const char *content_type; /* "" when absent */
    const char *reason; /* X-Status-Reason, in which some say what is wrong; "" or NULL none */
    long retry_after_s; /* -1 when absent */
};

/* answer is NULL exactly when err is not. `sent` tells whether a byte of the request may have
 * reached the peer: false means that a retry is safe, true that the outcome is unknown. Nothing but
 * a GET or HEAD is ever sent a second time by itself. */
typedef void (*http_answer_fn)(
    void *arg, const struct http_answer *answer, const struct err *err, bool sent);

struct http_client *http_client_create(const struct env *env);
struct http_call *http_call_start(
    struct http_client *c, const struct http_request *rq, http_answer_fn fn, void *arg);
void http_call_cancel(struct http_call *call);    /* fn is called with ERR_UNAVAILABLE */
void http_client_destroy(struct http_client **c); /* cancels what runs */

#endif
