/* json_strict.h - JSON from strangers: one object, valid UTF-8, no NUL, no key twice, bounded
 * depth. */
#ifndef SB_BASE_JSON_STRICT_H
#define SB_BASE_JSON_STRICT_H

#include <jansson.h>

#include "base/err.h"
#include "base/span.h"

/* The object, which the caller decrefs; or NULL with an ERR_INVALID sentence that says where. */
json_t *json_strict_parse(struct span text, size_t max_depth, struct err *err);

#endif
