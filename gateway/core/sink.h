/* sink.h - who follows what happens: the push hub and connectors with live clients register a sink
 * with the core, so the core never includes upwards. Every worker sees every event. */
#ifndef SB_CORE_SINK_H
#define SB_CORE_SINK_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

enum feed_kind {
    FEED_MESSAGE,  /* a new message; message and thread are set */
    FEED_STATUS,   /* a message changed (status, later edits); message and thread are set */
    FEED_THREAD,   /* state, assignee, labels, unread, read marks; thread is set */
    FEED_CLIENT,   /* name, identities, card; client is set */
    FEED_TYPING,   /* not stored: who types; typing fields are set */
    FEED_PRESENCE, /* not stored: agents on or off; agents is set */
    FEED_VIEWERS,  /* not stored: who looks at thread_id; agents is set */
    FEED_DESK      /* something that is kept changed, or is to be looked at: desk is set */
};

/* Content is what is stored now (not when the event was written), so applying an event twice or
 * late does no harm. All borrowed. */
struct feed_event {
    enum feed_kind kind;
    const char *cursor;     /* "7:1732368000123-0": shard and place; "" for what is not stored */
    const char *thread_id;  /* "" when of no thread */
    int64_t seq;            /* of the message */
    const json_t *message;  /* full form (openapi "Message") */
    const json_t *thread;   /* full form (openapi "Thread") */
    const json_t *client;   /* full form (openapi "Client") */
    const char *typing_who; /* "client" or the agent's name */
    bool typing_on;
    const json_t *agents; /* array of names: that are online, that look */
    /* {"what":"drafts|views|canned|hours|sla|reminder","id","tab"?,"step"?,"seq"?}, and whose
     * screens it is for: "agent" and, besides, who has the "role" supervisor or more; neither: all.
     */
    const json_t *desk;
    uint64_t written_us; /* wall clock of the event, for latency figures; 0 unknown */
};

struct sink {
    /* Is this thread of interest now? Events of threads that no sink wants are not even loaded.
     * NULL: all are. */
    bool (*wants)(struct sink *s, const char *thread_id);
    void (*on_event)(struct sink *s, const struct feed_event *e);
    /* Redis went away or came back: show a banner. May be NULL. */
    void (*on_state)(struct sink *s, bool store_up);
    /* Events were lost (the data was replaced): every screen must reload. May be NULL. */
    void (*on_restart)(struct sink *s);
    struct sink *next; /* the core's */
};

#endif
