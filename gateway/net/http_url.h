/* http_url.h - request targets and query strings: percent-decoding and the normal form of a path.
 * Pure; everything here takes a stranger's bytes. */
#ifndef SB_NET_HTTP_URL_H
#define SB_NET_HTTP_URL_H

#include <stdbool.h>

#include "base/span.h"

/* Percent-decodes; plus: '+' is a space, as in a query. NULL when an escape is malformed, or the
 * result is no UTF-8 or has a NUL or another control character. The caller frees. */
char *http_url_decode(struct span text, bool plus);

/* True for a path that begins with '/', has no empty, "." or ".." segment (also when written with
 * escapes) but perhaps an empty last one, no escaped slash, backslash or control character, and
 * only characters that RFC 3986 allows. */
bool http_url_path_is_clean(struct span path);

/* The value of the first `name=` in a query, still encoded. False when it is not there. */
bool http_url_query_find(struct span query, const char *name, struct span *value_out);

#endif
