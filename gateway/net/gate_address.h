/* gate_address.h - the forms of a listening address. */
#ifndef SB_NET_GATE_ADDRESS_H
#define SB_NET_GATE_ADDRESS_H

#include <sys/socket.h>

#include "base/err.h"

/* "host:port", "[v6]:port", "*:port", ":port". A name is looked up, which may block: for the start
 * only. 0, or -1 with err. */
int gate_address_parse(
    const char *text, struct sockaddr_storage *out, socklen_t *len_out, struct err *err);

#endif
