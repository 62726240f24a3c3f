/* http_cookie.h - the Cookie header (RFC 6265 4.2). Pure. */
#ifndef SB_NET_HTTP_COOKIE_H
#define SB_NET_HTTP_COOKIE_H

#include "base/span.h"

/* The value of the first cookie of this name (case matters). False when there is none, or its value
 * has characters that no cookie may have. Quotes around it are taken off. */
bool http_cookie_find(struct span header, const char *name, struct span *value_out);

#endif
