/* mail_stream.h - a logged-in connection to an IMAP server: curl makes TCP, TLS or STARTTLS
 * (forced, verified) and SASL (PLAIN, LOGIN, XOAUTH2, OAUTHBEARER), then the bytes are ours. The
 * servers that mails are sent through are named the same way (smtp_client.h). */
#ifndef SB_NET_MAIL_STREAM_H
#define SB_NET_MAIL_STREAM_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/span.h"
#include "loop/loop.h"
#include "net/mail_server.h"

#define MAIL_STREAM_UNSENT_MAX (64u << 20) /* bytes */

struct mail_streams; /* all of a worker */
struct mail_stream;

struct mail_stream_fns {
    /* Logged in. What the server says unasked in one breath with its answer to the login may be
     * lost, in curl: ask for what matters. */
    void (*on_open)(void *arg);
    void (*on_bytes)(void *arg, struct span bytes);
    /* Once and last; the stream must still be closed. ERR_DENIED: the login, or every address of
     * the host, was refused; ERR_INVALID: the server's URL; ERR_UNAVAILABLE: not reached, cannot
     * serve now, or ended; ERR_TIMEOUT; ERR_PROTOCOL: no STARTTLS, a certificate that is not good.
     * The sentence has the server's words where it said some. */
    void (*on_closed)(void *arg, const struct err *err);
};

struct mail_streams *mail_streams_create(const struct env *env);
void mail_streams_destroy(struct mail_streams **m); /* all streams must be closed */

/* Strings are copied. connect_ms: until it is logged in. Never calls fns inside. An address that
 * the server is not allowed to have is never connected to. */
struct mail_stream *mail_stream_open(struct mail_streams *m, const struct mail_server *server,
    unsigned connect_ms, const struct mail_stream_fns *fns, void *arg);
/* Copied and sent as the socket takes it, from on_open on; when more than MAIL_STREAM_UNSENT_MAX
 * would wait the stream ends with ERR_TOO_LARGE. */
void mail_stream_send(struct mail_stream *s, struct span bytes);
size_t mail_stream_unsent(const struct mail_stream *s);     /* bytes that wait */
void mail_stream_pause(struct mail_stream *s, bool paused); /* no on_bytes meanwhile */
/* What waits is tried once more; no more calls. Accepts NULL inside. */
void mail_stream_close(struct mail_stream **s);

#endif
