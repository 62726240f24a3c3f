/* json_quick.h - JSON as Jansson reads and writes it, for long texts: a string is looked at in runs
 * instead of byte by byte. What is unusual (fractions, \u escapes, deep nesting, errors) is left to
 * Jansson itself, so that no answer differs from its own. */
#ifndef SB_BASE_JSON_QUICK_H
#define SB_BASE_JSON_QUICK_H

#include <jansson.h>

#include "base/span.h"

/* As json_loadb(text, 0): a new reference, or NULL when it is no object or list in valid JSON. */
json_t *json_quick_load(struct span text);
/* As json_dumps(o, JSON_COMPACT), but texts are taken for valid UTF-8. The caller frees. NULL when
 * o is no object or list. */
char *json_quick_dump(const json_t *o);

#endif
