/* json_text.h - a member of an object that ought to be a string; a value in an array. */
#ifndef SB_BASE_JSON_TEXT_H
#define SB_BASE_JSON_TEXT_H

#include <jansson.h>
#include <stdbool.h>

/* The string, which belongs to the object; "" when there is no such member, when it is no string,
 * or when `object` is NULL or no object. */
const char *json_text(const json_t *object, const char *key);

/* Is an equal value in the array? */
bool json_list_has(const json_t *list, const json_t *value);

#endif
