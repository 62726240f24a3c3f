/* http_asset.h - gives out a file of the pages (ui/assets.h): compressed for whoever takes that,
 * not at all to whoever has it. */
#ifndef SB_NET_HTTP_ASSET_H
#define SB_NET_HTTP_ASSET_H

#include <stdbool.h>

#include "base/span.h"
#include "net/http_server.h"

/* Answers x with the file, or 404. cache: Cache-Control. */
void http_reply_asset(struct http_exchange *x, const char *path, const char *cache);

/* Does an Accept-Encoding (NULL: none was sent) take gzip? Pure. */
bool http_takes_gzip(const char *accept);

#endif
