/* frame.c - events as the frames that agents' screens read (api/asyncapi.json). Pure. */
#include <jansson.h>

#include "push/hub_private.h"

static char *dump(json_t *o) {
    char *text = json_dumps(o, JSON_COMPACT);
    json_decref(o);
    return text;
}

/* Something to be asked for again: what, which, and by which of the agent's pages it was changed;
 * or a thread to look at, and why. */
static char *desk_frame(const json_t *desk) {
    static const char *const keys[] = {"what", "id", "tab", "step"};
    json_t *f = json_pack("{s:s}", "type", "desk");
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (json_is_string(json_object_get(desk, keys[i])))
            json_object_set(f, keys[i], json_object_get(desk, keys[i]));
    if (json_is_integer(json_object_get(desk, "seq")))
        json_object_set(f, "seq", json_object_get(desk, "seq"));
    return dump(f);
}

char *frame_of_event(const struct feed_event *e) {
    switch (e->kind) {
    case FEED_MESSAGE:
    case FEED_STATUS:
        return dump(
            json_pack("{s:s,s:s,s:O,s:O}", "type", e->kind == FEED_MESSAGE ? "message" : "status",
                "cursor", e->cursor, "message", e->message, "thread", e->thread));
    case FEED_THREAD:
        return dump(
            json_pack("{s:s,s:s,s:O}", "type", "thread", "cursor", e->cursor, "thread", e->thread));
    case FEED_CLIENT:
        return dump(
            json_pack("{s:s,s:s,s:O}", "type", "client", "cursor", e->cursor, "client", e->client));
    case FEED_TYPING:
        return dump(json_pack("{s:s,s:s,s:s,s:b}", "type", "typing", "thread", e->thread_id, "who",
            e->typing_who, "on", (int)e->typing_on));
    case FEED_PRESENCE:
        return dump(json_pack("{s:s,s:O}", "type", "presence", "online", e->agents));
    case FEED_VIEWERS:
        return dump(json_pack(
            "{s:s,s:s,s:O}", "type", "viewers", "thread", e->thread_id, "agents", e->agents));
    case FEED_DESK:
        return desk_frame(e->desk);
    }
    return NULL;
}

char *frame_of_gone(const struct feed_event *e) {
    return dump(
        json_pack("{s:s,s:s,s:s}", "type", "gone", "cursor", e->cursor, "thread", e->thread_id));
}
