/* ws_server.h - websockets (libwebsockets) for the paths that the gate hands over. JSON text
 * frames only; no extensions; pings every 25 s, closed after 10 s without any answer. */
#ifndef SB_NET_WS_SERVER_H
#define SB_NET_WS_SERVER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/span.h"
#include "loop/loop.h"

struct ws_server;
struct ws_session;

/* One endpoint a path. Callbacks run on the loop. */
struct ws_endpoint {
    const char *path;    /* "/ws/agent" */
    const char *kind;    /* metrics label: "agent" */
    size_t frame_max;    /* bytes of one whole message; more: closed with 1009 */
    size_t queue_frames; /* frames waiting for a slow reader; more: closed with 1013 */
    size_t queue_bytes;
    unsigned per_ip; /* sessions from one address; more are refused with 429 at the handshake */
    /* May the handshake with this Origin (NULL: none sent) pass? Called by the gate. */
    bool (*origin_ok)(void *arg, const char *origin, const char *host);
    void (*on_open)(struct ws_session *s, void *arg);
    void (*on_message)(struct ws_session *s, void *arg, struct span text); /* valid UTF-8 */
    void (*on_close)(struct ws_session *s, void *arg); /* once for each on_open */
    void *arg;
};

struct ws_server *ws_server_create(const struct env *env);
void ws_server_add(struct ws_server *w, const struct ws_endpoint *endpoint); /* copied */
/* Closes all sessions with this code, spread over spread_ms. */
void ws_server_drain(struct ws_server *w, int code, unsigned spread_ms);
unsigned ws_server_open(const struct ws_server *w);
void ws_server_destroy(struct ws_server **w);

/* From the handshake, kept for the session's life. NULL when absent. */
const char *ws_header(
    const struct ws_session *s, const char *name); /* origin cookie host user-agent authorization */
const char *ws_cookie(struct ws_session *s, const char *name);
const char *ws_peer(const struct ws_session *s);
void ws_set_user(struct ws_session *s, void *user);
void *ws_user(const struct ws_session *s);

/* A frame that many sessions share. ws_send keeps its own reference. */
struct ws_frame;
struct ws_frame *ws_frame_create(const char *text, size_t n); /* one reference, the caller's */
/* Several in one, which are written together; the parts stay the caller's. */
struct ws_frame *ws_frame_join(struct ws_frame *const *parts, size_t n);
struct ws_frame *ws_frame_ref(struct ws_frame *f); /* one more reference: returns f */
void ws_frame_release(struct ws_frame **f);        /* accepts NULL inside */

/* Writes at once when the socket is idle, queues otherwise. When the queue is full the session is
 * closed (1013); -1 then. on_close comes later, never inside this call. */
int ws_send(struct ws_session *s, struct ws_frame *f);
int ws_send_text(struct ws_session *s, const char *text, size_t n);
void ws_close(struct ws_session *s, int code, const char *reason); /* on_close comes later */

#endif
