/* loop_curl.h - curl's multi interface as a guest on the loop: HTTP requests with our fixed safety
 * options. Which addresses may be reached and what an error means is net/http_client.c. */
#ifndef SB_LOOP_LOOP_CURL_H
#define SB_LOOP_LOOP_CURL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/span.h"
#include "loop/loop.h"

struct loop_curl;
struct loop_curl_call;
struct sockaddr;

struct loop_curl_request {
    const char *method;
    const char *url;
    const char *const *headers; /* NULL-ended "Name: value" */
    struct span body;           /* copied */
    unsigned timeout_ms;
    size_t answer_max;
    bool plain; /* http:// is allowed too */
};

struct loop_curl_answer {
    int status;
    struct span body;
    const char *content_type;
    long retry_after_s;
};

/* Either answer or err, and whether a byte of the request may have reached the peer. Called from
 * the loop, never inside loop_curl_start(). */
typedef void (*loop_curl_fn)(
    void *arg, const struct loop_curl_answer *answer, const struct err *err, bool sent);

/* Asked with each address before it is connected to. Connections are kept and used again by calls
 * of the same loop_curl only: make one for each answer that address_ok may give. */
typedef bool (*loop_curl_address_fn)(void *arg, const struct sockaddr *address);

struct loop_curl *loop_curl_create(
    const struct env *env, loop_curl_address_fn address_ok, void *arg);
/* Cancels what runs; these calls' functions start no new ones. */
void loop_curl_destroy(struct loop_curl **c);

struct loop_curl_call *loop_curl_start(
    struct loop_curl *c, const struct loop_curl_request *rq, loop_curl_fn fn, void *arg);
/* fn is called with ERR_UNAVAILABLE before this returns. Not after fn was called. */
void loop_curl_cancel(struct loop_curl_call *call);

#endif
