/* gate.h - the one public port. It accepts, looks at the whole request head without taking it from
 * the kernel, judges it (http_head.h), and hands the socket to the websocket server or to the HTTP
 * server. What does not pass gets a small 4xx answer and a close: no library sees its bytes. */
#ifndef SB_NET_GATE_H
#define SB_NET_GATE_H

#include <stddef.h>

#include "base/err.h"
#include "loop/loop.h"
#include "net/http_server.h"
#include "net/ws_server.h"

struct gate;

/* Accepts on a socket that listens (gate_address_listen). All workers share one, which the master
 * keeps open: who stands in its queue when a worker leaves or dies is served by another, or by the
 * next. The gate owns this process's descriptor from now on. Limits and trusted proxies are the
 * HTTP server's. */
struct gate *gate_create(
    const struct env *env, int listen_fd, struct http_server *http, struct ws_server *ws);

/* No new connections; those that are being judged are finished. */
void gate_stop_accepting(struct gate *g);

/* Connections whose first head is not whole yet. */
size_t gate_waiting(const struct gate *g);

/* Before the two servers. */
void gate_destroy(struct gate **g);

#endif
