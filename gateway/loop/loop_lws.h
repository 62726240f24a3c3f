/* loop_lws.h - libwebsockets as a guest on the loop: it gets connected sockets whose handshake the
 * gate has judged, speaks RFC 6455 framing on them, and nothing else. Sessions, queues and limits
 * are net/ws_server.c. */
#ifndef SB_LOOP_LOOP_LWS_H
#define SB_LOOP_LOOP_LWS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/span.h"
#include "loop/loop.h"

#define LOOP_LWS_HEAD 10 /* bytes of the longest head of a message */
#define LOOP_LWS_ROOM 32 /* bytes that must be writable before what loop_lws_write() gets */

struct loop_lws;
struct loop_lws_conn; /* libwebsockets's, seen through the functions below */

struct loop_lws_piece {
    struct span data;
    bool first;  /* of a message */
    bool last;   /* the message is complete with this */
    bool binary; /* said with the first piece only */
    size_t more; /* bytes of this frame that are still to come */
};

/* session is what was given to loop_lws_adopt(). Inside on_* nothing may be freed that
 * libwebsockets still knows; returning -1 cuts the connection, without a close frame. */
struct loop_lws_events {
    int (*on_open)(void *session, struct loop_lws_conn *c); /* the handshake is done */
    int (*on_piece)(void *session, const struct loop_lws_piece *piece);
    int (*on_writable)(void *session);   /* once after each loop_lws_want_write() */
    void (*on_alive)(void *session);     /* a pong */
    int (*on_peer_close)(void *session); /* 0: its close frame is answered with the same code */
    void (*on_closed)(void *session);    /* once, at any time after on_open; not without it */
    void (*on_gone)(void *session);      /* the last call, for every adopted socket: free */
};

/* ping_s without a sign of life: a ping; hangup_s: closed. Aborts when libwebsockets or its libuv
 * plugin is not there. */
struct loop_lws *loop_lws_create(const struct env *env, const struct loop_lws_events *events,
    unsigned ping_s, unsigned hangup_s);

/* Closes everything (on_closed and on_gone come, now or in loop_destroy()). */
void loop_lws_destroy(struct loop_lws **l);

/* Takes a connected socket with the whole handshake still unread in the kernel. on_gone comes in
 * any case, from the loop or at once. */
void loop_lws_adopt(struct loop_lws *l, int fd, void *session);

/* What goes before the text of a message of n bytes; returns its length. */
size_t loop_lws_head(char head[LOOP_LWS_HEAD], size_t n);

/* Whole messages, each with its head; in one piece to the kernel. p has LOOP_LWS_ROOM writable
 * bytes before it (only these are changed). -1: the connection is broken and is being closed. Not
 * while loop_lws_is_blocked(). */
int loop_lws_write(struct loop_lws_conn *c, char *p, size_t n);
bool loop_lws_is_blocked(struct loop_lws_conn *c);
void loop_lws_want_write(struct loop_lws_conn *c);

/* Sends the close frame; nothing may be written after it. Not while loop_lws_is_blocked(). */
int loop_lws_write_close(struct loop_lws_conn *c, int code, const char *reason);

/* Cuts the connection after so many seconds (0: soon), never inside this call. */
void loop_lws_cut(struct loop_lws_conn *c, unsigned after_s);

#endif
