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

/* Listens (SO_REUSEPORT: each worker has its own gate on the same address). listen is "host:port",
 * "1.2.3.4:80", "[::]:80" or "*:80" (all addresses); port 0 takes a free one. Limits and trusted
 * proxies are the HTTP server's. NULL with err when it cannot. */
struct gate *gate_create(const struct env *env, const char *listen, struct http_server *http,
    struct ws_server *ws, struct err *err);

unsigned gate_port(const struct gate *g);

/* No new connections; those that are being judged are finished. */
void gate_stop_accepting(struct gate *g);

/* Connections whose first head is not whole yet. */
size_t gate_waiting(const struct gate *g);

/* Before the two servers. */
void gate_destroy(struct gate **g);

#endif
