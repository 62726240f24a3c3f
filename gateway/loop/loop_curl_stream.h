/* loop_curl_stream.h - connections that curl makes and logs in, and whose bytes are then ours
 * (CURLOPT_CONNECT_ONLY), on the loop. Which servers may be reached, and what their words mean, is
 * net/mail_stream.c. */
#ifndef SB_LOOP_LOOP_CURL_STREAM_H
#define SB_LOOP_LOOP_CURL_STREAM_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/span.h"
#include "loop/loop.h"

struct loop_curl_streams; /* all of a loop: they share the authorities that are trusted */
struct loop_curl_stream;
struct sockaddr;

struct loop_curl_stream_request {
    const char *url;     /* imap, imaps; smtp, smtps with our name for EHLO as the path */
    const char *user;    /* NULL: no login */
    const char *secret;  /* the password, or with bearer the access token */
    const char *login;   /* curl's login options: "AUTH=PLAIN;AUTH=LOGIN" */
    const char *ca_file; /* NULL: the system's */
    bool bearer;
    bool plain; /* no STARTTLS on imap:// and smtp://; else the connection fails without it */
    unsigned connect_ms; /* until it is logged in */
};

/* None is called inside the functions below. */
struct loop_curl_stream_fns {
    /* Asked with each address before it is connected to. Inside curl: touch no stream. */
    bool (*address_ok)(void *arg, const struct sockaddr *address);
    /* A line of the server's until on_open, without its end. Inside curl: touch no stream. */
    void (*on_line)(void *arg, struct span line);
    void (*on_open)(void *arg);
    void (*on_bytes)(void *arg, struct span bytes);
    /* Once and last; the stream must still be closed. ERR_DENIED: the login, or every address, was
     * refused. */
    void (*on_closed)(void *arg, const struct err *err);
};

struct loop_curl_streams *loop_curl_streams_create(const struct env *env);
void loop_curl_streams_destroy(struct loop_curl_streams **c); /* all streams must be closed */

/* Strings are copied. */
struct loop_curl_stream *loop_curl_stream_open(struct loop_curl_streams *c,
    const struct loop_curl_stream_request *rq, const struct loop_curl_stream_fns *fns, void *arg);
/* Copied. False: over `most` bytes would wait to be sent, nothing was added. */
bool loop_curl_stream_send(struct loop_curl_stream *s, struct span bytes, size_t most);
size_t loop_curl_stream_unsent(const struct loop_curl_stream *s);
void loop_curl_stream_pause(struct loop_curl_stream *s, bool paused);
/* What waits is tried once, nothing is called any more; accepts NULL inside. */
void loop_curl_stream_close(struct loop_curl_stream **s);
/* The same, but of what waits nothing is sent any more. */
void loop_curl_stream_abort(struct loop_curl_stream **s);

#endif
