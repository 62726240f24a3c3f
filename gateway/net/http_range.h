/* http_range.h - the Range header (RFC 9110 14), for one range of bytes. Pure. */
#ifndef SB_NET_HTTP_RANGE_H
#define SB_NET_HTTP_RANGE_H

#include <stdint.h>

#include "base/span.h"

enum http_range {
    HTTP_RANGE_WHOLE,        /* no range, several, or not understood: send all, 200 */
    HTTP_RANGE_PART,         /* 206 */
    HTTP_RANGE_UNSATISFIABLE /* 416 */
};

/* For a thing of size bytes. For a part, *from and *n say which. */
enum http_range http_range_parse(struct span header, uint64_t size, uint64_t *from, uint64_t *n);

/* True when an If-None-Match list has this entity tag (weak comparison), or is "*". */
bool http_etag_matches(struct span list, const char *etag);

#endif
