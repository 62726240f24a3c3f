/* loop_mhd.h - libmicrohttpd as a guest on the loop: connected sockets in, whole requests out,
 * answers back. Routes, limits of bodies and everything that has a policy are net/http_*.c.
 *
 * A request's life: on_head, then on_body for each piece, then on_complete, then on_gone. An
 * answer may be given at any time before on_gone, once. */
#ifndef SB_LOOP_LOOP_MHD_H
#define SB_LOOP_LOOP_MHD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/span.h"
#include "loop/loop.h"

#define LOOP_MHD_PEEK 8192u

struct loop_mhd;
struct loop_mhd_request;

struct loop_mhd_events {
    /* The head is there. Answer, or loop_mhd_hold(), or just return to get the body. */
    void (*on_head)(void *arg, struct loop_mhd_request *rq);
    /* A piece of the body; not called any more once there is an answer. */
    void (*on_body)(void *arg, struct loop_mhd_request *rq, struct span data);
    /* The whole request is there; answer now or later. Not called when there is an answer. */
    void (*on_complete)(void *arg, struct loop_mhd_request *rq);
    /* The last call: the answer was sent, or the client went away. */
    void (*on_gone)(void *arg, struct loop_mhd_request *rq);
    /* What has come of the next request on a kept connection, and is still unread; at most
     * LOOP_MHD_PEEK bytes. conn as below. False: not enough to read it yet. */
    bool (*on_waiting)(void *arg, void *conn, struct span bytes);
    /* A request begins. Whatever is written to `refusal` is sent, and then the connection ends: the
     * request is not heard of again. */
    void (*on_begin)(void *arg, void *conn, struct buf *refusal);
    /* A connection has ended; conn is what was given to loop_mhd_adopt(). */
    void (*on_closed)(void *arg, void *conn);
    void (*on_slow)(void *arg); /* a connection was cut by one of the limits below */
    void *arg;
};

struct loop_mhd_limits {
    unsigned connections;
    unsigned idle_ms;   /* no byte moved for so long */
    unsigned head_ms;   /* from one answer to the end of the next request's head */
    unsigned body_ms;   /* the whole body */
    unsigned answer_ms; /* sending the whole answer */
};

struct loop_mhd *loop_mhd_create(const struct env *env, const struct loop_mhd_limits *limits,
    const struct loop_mhd_events *events);

/* Answers what is still open with 503 (on_gone comes), closes all connections, frees. */
void loop_mhd_destroy(struct loop_mhd **m);

/* Takes a connected socket. On -1 it is closed and on_closed is not called. */
struct sockaddr;
int loop_mhd_adopt(
    struct loop_mhd *m, int fd, const struct sockaddr *peer, unsigned len, void *conn);

/* Closes the connections that have waited for a next request for so long; others end with their
 * answer when struct loop_mhd_answer says so. Returns how many are left that wait more shortly or
 * are in a request, to the last byte of its answer. */
unsigned loop_mhd_dismiss(struct loop_mhd *m, unsigned idle_ms);

/* Connections on which something of a next request has come that libmicrohttpd has not read yet. */
unsigned loop_mhd_awaited(const struct loop_mhd *m);

void *loop_mhd_conn(const struct loop_mhd_request *rq);
void loop_mhd_set_user(struct loop_mhd_request *rq, void *user);
void *loop_mhd_user(const struct loop_mhd_request *rq);
const char *loop_mhd_method(const struct loop_mhd_request *rq);
const char *loop_mhd_target(const struct loop_mhd_request *rq); /* as sent, with its query */
int loop_mhd_minor(const struct loop_mhd_request *rq);          /* of HTTP/1.x; -1 for others */
size_t loop_mhd_head_size(const struct loop_mhd_request *rq);   /* from the method to the body */
/* Calls fn for each header; values are as sent, and live until on_gone. */
void loop_mhd_each_header(struct loop_mhd_request *rq,
    void (*fn)(void *arg, struct span name, struct span value), void *arg);

/* Only inside on_head: the body waits (also the 100 Continue) until loop_mhd_go_on() or an
 * answer. */
void loop_mhd_hold(struct loop_mhd_request *rq);
void loop_mhd_go_on(struct loop_mhd_request *rq);

struct loop_mhd_header {
    const char *name, *value;
};

enum loop_mhd_body { LOOP_MHD_COPY, LOOP_MHD_STATIC, LOOP_MHD_FREE, LOOP_MHD_FILE };

struct loop_mhd_answer {
    int status;
    const struct loop_mhd_header *headers;
    size_t n_headers;
    enum loop_mhd_body kind;
    const void *p; /* COPY: copied; STATIC: lives for ever; FREE: taken, malloc'ed */
    size_t n;
    int fd; /* FILE: taken; n bytes from offset */
    uint64_t offset;
    bool close; /* the connection ends after it */
};

/* Everything is copied or taken. When the body is still on its way, what comes of it is thrown
 * away up to a bound, then the connection ends. */
void loop_mhd_reply(struct loop_mhd_request *rq, const struct loop_mhd_answer *answer);

#endif
