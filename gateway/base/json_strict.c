/* json_strict.c - JSON from strangers. The depth is counted before the parser runs, so hostile
 * nesting never makes it recurse. */
#include "base/json_strict.h"

#include <stdbool.h>

/* Deepest nesting of brackets outside strings. */
static size_t depth_of(struct span text) {
    size_t depth = 0, deepest = 0;
    bool in_string = false;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (in_string) {
            if (c == '\\')
                i++;
            else if (c == '"')
                in_string = false;
        } else if (c == '"') {
            in_string = true;
        } else if (c == '{' || c == '[') {
            if (++depth > deepest)
                deepest = depth;
        } else if ((c == '}' || c == ']') && depth) {
            depth--;
        }
    }
    return deepest;
}

json_t *json_strict_parse(struct span text, size_t max_depth, struct err *err) {
    json_error_t why;
    if (depth_of(text) > max_depth) {
        err_set(err, ERR_INVALID, "JSON is nested deeper than %zu levels", max_depth);
        return NULL;
    }
    json_t *o = json_loadb(text.p ? text.p : "", text.n, JSON_REJECT_DUPLICATES, &why);
    if (!o) {
        err_set(err, ERR_INVALID, "not valid JSON: %s (line %d, column %d)", why.text, why.line,
            why.column);
        return NULL;
    }
    if (!json_is_object(o)) {
        json_decref(o);
        err_set(err, ERR_INVALID, "expected a JSON object");
        return NULL;
    }
    return o;
}
