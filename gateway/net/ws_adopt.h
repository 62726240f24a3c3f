/* ws_adopt.h - how the gate gives a websocket handshake to the websocket server. */
#ifndef SB_NET_WS_ADOPT_H
#define SB_NET_WS_ADOPT_H

#include "net/http_head.h"
#include "net/peers.h"
#include "net/ws_server.h"

/* True when the path belongs to an endpoint (then a request that is no handshake gets 426). */
bool ws_server_knows(const struct ws_server *w, struct span path);

/* May this handshake pass? 0, or the HTTP status of the refusal: 404, 403 (Origin), 429, 503. */
int ws_server_judge(
    struct ws_server *w, const struct http_head *head, const struct peer_ip *client);

/* Takes a connected socket after a good judgement, with the handshake still unread in the kernel,
 * and the ticket, which is given back at the end. What is needed of head is copied. */
void ws_server_adopt(struct ws_server *w, int fd, const struct http_head *head,
    const struct peer_ip *client, const struct peer_ticket *ticket);

#endif
