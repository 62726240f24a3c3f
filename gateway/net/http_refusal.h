/* http_refusal.h - an answer in bytes, for connections that are refused before any library could
 * make one: the problem document, and the end of the connection. Pure. */
#ifndef SB_NET_HTTP_REFUSAL_H
#define SB_NET_HTTP_REFUSAL_H

#include "base/buf.h"

#define HTTP_REFUSAL_MAX 1536u

/* code and detail are ours: printable, without quotes. out is emptied first. */
void http_refusal_write(struct buf *out, int status, const char *code, const char *detail);

#endif
