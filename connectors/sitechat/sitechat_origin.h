/* sitechat_origin.h - which sites may carry the chat: the Origin header against the list of the
 * channel, and the list as a frame-ancestors directive. Pure. */
#ifndef SB_SITECHAT_ORIGIN_H
#define SB_SITECHAT_ORIGIN_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"

/* Checks one entry of the list: "self", "https://shop.example", "http://localhost:3000", or
 * one whose host begins with "*." (any host below example.com, not itself). 0 or -1 with a
 * sentence. */
int origin_rule_check(const char *rule, struct err *err);

/* True when the origin is the gateway's own host (its Host header), by http or https. The port
 * counts, but a default port may be written or left out. */
bool origin_is_own(const char *origin, const char *host);

/* True when a browser's Origin is in the list. rules: NULL-ended, checked before. Scheme, host and
 * port are compared exactly; "null" and whatever is no plain origin is in no list. host is the
 * request's Host header, for "self". */
bool origin_is_allowed(const char *const *rules, const char *origin, const char *host);

/* "frame-ancestors 'self' https://shop.example" into out. */
void origin_frame_ancestors(const char *const *rules, struct buf *out);

#endif
