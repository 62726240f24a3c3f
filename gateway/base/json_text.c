/* json_text.c - see json_text.h. */
#include "base/json_text.h"

const char *json_text(const json_t *object, const char *key) {
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

bool json_list_has(const json_t *list, const json_t *value) {
    size_t i;
    json_t *one;
    json_array_foreach((json_t *)list, i, one) {
        if (json_equal(one, value))
            return true;
    }
    return false;
}
