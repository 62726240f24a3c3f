/* agent_frame.h - what a screen says on /ws/agent: one JSON text with its keys and their types
 * checked. Pure. What a send or a change says beyond its thread is checked by the core, which does
 * the same for REST. The frames are described in api/asyncapi.json. */
#ifndef SB_PUSH_AGENT_FRAME_H
#define SB_PUSH_AGENT_FRAME_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/span.h"

enum agent_frame_kind {
    AGENT_UNKNOWN, /* no frame that we know */
    AGENT_HELLO,
    AGENT_SEND,
    AGENT_CHANGE,
    AGENT_READ,
    AGENT_TYPING,
    AGENT_VIEW,
    AGENT_PING
};

/* Strings live as long as json. What does not belong to the kind is NULL, 0 or false. kind and id
 * are also set when the rest of the frame is wrong, so that the refusal can name the command. */
struct agent_frame {
    enum agent_frame_kind kind;
    json_t *json;
    const char *id;     /* the command's own, 1 to 100 printable characters; NULL none */
    const char *thread; /* a valid id; NULL for hello and ping */
    const char *cursor; /* hello: where the screen was; NULL absent */
    const char *token;  /* hello: an API token; NULL absent */
    int64_t seq;        /* read */
    bool on;            /* typing, view */
};

/* 0, or -1 with a sentence that names the key. out is always to be freed. */
int agent_frame_parse(struct span text, struct agent_frame *out, struct err *err);
void agent_frame_free(struct agent_frame *f);

#endif
