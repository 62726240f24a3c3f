/* http_adopt.h - how the gate gives a connection to the HTTP server. */
#ifndef SB_NET_HTTP_ADOPT_H
#define SB_NET_HTTP_ADOPT_H

#include "net/http_server.h"
#include "net/peers.h"

/* Takes a connected socket whose first head the gate has approved (its bytes are still unread in
 * the kernel: `seen` is what the gate saw of them), and the ticket, which is given back when the
 * connection ends. */
struct sockaddr;
void http_server_adopt(struct http_server *s, int fd, const struct sockaddr *peer, unsigned len,
    const struct peer_ticket *ticket, struct span seen);

/* What the gate must know of the server's limits and proxies. */
const struct http_limits *http_server_limits(const struct http_server *s); /* trusted is NULL */
const struct peer_nets *http_server_trusted(const struct http_server *s);

#endif
