/* hub_private.h - what the files of this folder share. */
#ifndef SB_PUSH_HUB_PRIVATE_H
#define SB_PUSH_HUB_PRIVATE_H

#include "core/sink.h"
#include "push/agent_frame.h"
#include "push/hub.h"

#define SCREEN_COMMANDS_MAX 64 /* under way at once */
#define SCREEN_HELD_MAX 2000   /* frames that wait for the end of a replay */

enum screen_state {
    SCREEN_NEW,      /* hello is awaited */
    SCREEN_GREETING, /* hello came: who is it? what did it miss? */
    SCREEN_LIVE,
    SCREEN_CLOSED /* the socket is gone; commands may still be under way */
};

struct hub {
    const struct env *env;
    struct core *core;
    struct users *users;
    struct hub_options options;
    char *own_origin; /* of public_url, or NULL */
    struct sink sink;
    struct screen *sessions; /* all whose socket is open */
    size_t nsessions;        /* GREETING and LIVE: events must be loaded for them */
    struct loop_timer *timer;
    struct round *round; /* events that are about to be written */
    bool store_up;
};

struct screen {
    struct hub *hub;
    struct ws_session *ws;
    struct screen *prev, *next;
    enum screen_state state;
    unsigned refs; /* calls under way that will come back here; plus one for the socket */
    uint64_t opened_ms, checked_ms;
    struct actor actor;
    bool authenticated;
    char *cookie, *token;
    struct ws_frame **held; /* while greeting */
    size_t nheld;
    unsigned commands;
    char viewing[ID_SIZE]; /* the thread that it shows, "" none */
    unsigned views;        /* said so far: only the last one counts */
};

/* screen.c */
void screen_send_json(struct screen *s, json_t *frame); /* takes the reference */
void screen_send(struct screen *s, struct ws_frame *f);
void screen_error(struct screen *s, const char *id, const char *code, const char *detail);
void screen_ref(struct screen *s);
void screen_unref(struct screen *s); /* may free */
void screen_hello(struct screen *s, const struct agent_frame *hello);
void screen_open(struct ws_session *ws, void *hub);
void screen_message(struct ws_session *ws, void *hub, struct span text);
void screen_close(struct ws_session *ws, void *hub);
void screen_check(struct screen *s); /* is its login still good? closes it otherwise */

/* command.c */
void command_run(struct screen *s, const struct agent_frame *f); /* f is not kept */

/* round.c: events that go out together */
struct round *round_create(struct hub *hub);
void round_add(struct round *r, const struct feed_event *e); /* e is not kept */
void round_send(struct round *r);                            /* now, whatever is there */
void round_destroy(struct round **r);

/* frame.c: events as frames, pure */
char *frame_of_event(const struct feed_event *e); /* NULL: nothing for agents; caller frees */
/* "You may not see this thread any more." */
char *frame_of_gone(const struct feed_event *e);

#endif
