/* hub_private.h - what the files of this folder share. */
#ifndef SB_PUSH_HUB_PRIVATE_H
#define SB_PUSH_HUB_PRIVATE_H

#include "core/sink.h"
#include "push/hub.h"

#define SESSION_COMMANDS_MAX 64 /* under way at once */
#define SESSION_HELD_MAX 2000   /* frames that wait for the end of a replay */

enum session_state {
    SESSION_NEW,      /* hello is awaited */
    SESSION_GREETING, /* hello came: who is it? what did it miss? */
    SESSION_LIVE,
    SESSION_CLOSED /* the socket is gone; commands may still be under way */
};

struct hub {
    const struct env *env;
    struct core *core;
    struct users *users;
    struct hub_options options;
    char *own_origin; /* of public_url, or NULL */
    struct sink sink;
    struct session *sessions; /* all whose socket is open */
    size_t nsessions;         /* GREETING and LIVE: events must be loaded for them */
    struct loop_timer *timer;
    bool store_up;
};

struct session {
    struct hub *hub;
    struct ws_session *ws;
    struct session *prev, *next;
    enum session_state state;
    unsigned refs; /* calls under way that will come back here; plus one for the socket */
    uint64_t opened_ms, checked_ms;
    struct actor actor;
    bool authenticated;
    char *cookie, *token;
    struct ws_frame **held; /* while greeting */
    size_t nheld;
    unsigned commands;
};

/* session.c */
void session_send_json(struct session *s, json_t *frame); /* takes the reference */
void session_send(struct session *s, struct ws_frame *f);
void session_error(struct session *s, const char *id, const char *code, const char *detail);
void session_ref(struct session *s);
void session_unref(struct session *s); /* may free */
void session_hello(struct session *s, const json_t *hello);
void session_open(struct ws_session *ws, void *hub);
void session_message(struct ws_session *ws, void *hub, struct span text);
void session_close(struct ws_session *ws, void *hub);
void session_check(struct session *s); /* is its login still good? closes it otherwise */

/* command.c */
void command_run(struct session *s, const json_t *frame);

/* frame.c: events as frames, pure */
char *frame_of_event(const struct feed_event *e); /* NULL: nothing for agents; caller frees */
/* "You may not see this thread any more." */
char *frame_of_gone(const struct feed_event *e);

#endif
