/* hub.h - the agents' live screens: sessions on /ws/agent, what they are sent, what they command.
 */
#ifndef SB_PUSH_HUB_H
#define SB_PUSH_HUB_H

#include "core/core.h"
#include "net/ws_server.h"

struct hub;

struct hub_options {
    const char *public_url;           /* its origin is allowed besides the own host; NULL none */
    size_t frame_max;                 /* bytes of one command */
    size_t queue_frames, queue_bytes; /* of a slow reader, before it is cut */
    unsigned per_ip;
    unsigned replay_max; /* events; a screen that missed more reloads */
};

struct hub *hub_create(const struct env *env, struct core *core, struct users *users,
    struct ws_server *ws, const struct hub_options *o);
void hub_destroy(struct hub **hub); /* after ws_server_destroy: no session is left */

#endif
