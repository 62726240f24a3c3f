/* gate_address.h - the forms of a listening address, and the socket that listens there. */
#ifndef SB_NET_GATE_ADDRESS_H
#define SB_NET_GATE_ADDRESS_H

#include <sys/socket.h>

#include "base/err.h"

/* "host:port", "[v6]:port", "*:port", ":port". A name is looked up, which may block: for the start
 * only. 0, or -1 with err. */
int gate_address_parse(
    const char *text, struct sockaddr_storage *out, socklen_t *len_out, struct err *err);

/* A listening socket: not blocking, closed on exec, SO_REUSEPORT (a new configuration may name an
 * address that overlaps the old one's, which still serves). Port 0 takes a free one. Returns the
 * descriptor, which is the caller's; or -1 with err. */
int gate_address_listen(const char *text, struct err *err);

#endif
