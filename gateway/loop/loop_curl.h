/* loop_curl.h - curl's multi interface as a guest on the loop: HTTP requests with our fixed safety
 * options. Which addresses may be reached and what an error means is net/http_client.c. */
#ifndef SB_LOOP_LOOP_CURL_H
#define SB_LOOP_LOOP_CURL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/span.h"
#include "loop/loop.h"

struct loop_curl;
struct loop_curl_call;
struct sockaddr;

/* What the connections of one loop_curl may be. */
struct loop_curl_limits {
    long connections;   /* in all; calls that find none wait for one */
    long a_host;        /* of these to one host */
    long kept;          /* of these, idle ones kept for later calls */
    long idle_s;        /* a kept one that is idle for longer is not used again */
    long read_buffer;   /* bytes, of a running call */
    long upload_buffer; /* bytes, of a running call that sends a body, or speaks TLS */
};

/* One part of a form. Either data (copied), or the bytes of a file from its current position; the
 * fd is owned by the call from loop_curl_start() on. */
struct loop_curl_part {
    const char *name;      /* no control characters in these three */
    const char *file_name; /* NULL: a plain field */
    const char *type;      /* NULL: none */
    struct span data;
    int fd;        /* -1: data */
    uint64_t size; /* bytes of the file */
};

/* Takes a piece of the answer; may cancel calls, this one too. 0, or -1: the call ends with err. */
typedef int (*loop_curl_sink_fn)(void *arg, struct span data, struct err *err);

struct loop_curl_request {
    const char *method;
    const char *url;
    const char *const *headers; /* NULL-ended "Name: value" */
    struct span body;           /* copied */
    const struct loop_curl_part *parts;
    size_t nparts; /* 0: body */
    unsigned timeout_ms;
    unsigned connect_ms;
    unsigned stall_s; /* less than 100 bytes a second for that long end the call; 0: they do not */
    size_t answer_max;
    loop_curl_sink_fn sink; /* gets the body of a 2xx answer; NULL: collected */
    bool plain;             /* http:// is allowed too */
};

struct loop_curl_answer {
    int status;
    struct span body;
    const char *content_type;
    const char *reason; /* of the header X-Status-Reason, "" when absent */
    long retry_after_s;
};

/* Either answer or err, and whether a byte of the request may have reached the peer. Called from
 * the loop, never inside loop_curl_start(). */
typedef void (*loop_curl_fn)(
    void *arg, const struct loop_curl_answer *answer, const struct err *err, bool sent);

/* Asked with each address before it is connected to. Connections are kept and used again by calls
 * of the same loop_curl only: make one for each answer that address_ok may give. */
typedef bool (*loop_curl_address_fn)(void *arg, const struct sockaddr *address);

struct loop_curl *loop_curl_create(const struct env *env, const struct loop_curl_limits *limits,
    loop_curl_address_fn address_ok, void *arg);
/* Cancels what runs; these calls' functions start no new ones. */
void loop_curl_destroy(struct loop_curl **c);

/* arg is for fn and for the request's sink. */
struct loop_curl_call *loop_curl_start(
    struct loop_curl *c, const struct loop_curl_request *rq, loop_curl_fn fn, void *arg);
/* fn is called with ERR_UNAVAILABLE before this returns. Not after fn was called. */
void loop_curl_cancel(struct loop_curl_call *call);

#endif
