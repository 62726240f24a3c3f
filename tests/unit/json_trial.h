/* json_trial.h - for tests of connectors: JSON written with ' for ", looked into by
 * paths such as "body.attachments.0.kind". */
#ifndef SB_TESTS_JSON_TRIAL_H
#define SB_TESTS_JSON_TRIAL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* The caller frees. */
static inline char *quoted(const char *text) {
    char *s = mem_strdup(text);
    for (char *p = s; *p; p++)
        if (*p == '\'')
            *p = '"';
    return s;
}

static inline json_t *json_of(const char *text) {
    char *s = quoted(text);
    json_error_t why;
    json_t *o = json_loads(s, 0, &why);
    if (!o)
        fail_msg("%s: %s", s, why.text);
    free(s);
    return o;
}

/* The value at a path of keys and numbers, or NULL. */
static inline const json_t *at(const json_t *v, const char *path) {
    char key[64];
    while (v && *path) {
        size_t n = strcspn(path, ".");
        assert_true(n < sizeof key);
        memcpy(key, path, n);
        key[n] = '\0';
        v = json_is_array(v) ? json_array_get(v, strtoul(key, NULL, 10)) : json_object_get(v, key);
        path += n + (path[n] == '.');
    }
    return v;
}

/* What stands there, as compact JSON, must be this ("-" for nothing). */
static inline void expect_at(const json_t *v, const char *path, const char *want) {
    const json_t *found = at(v, path);
    char *is = found ? json_dumps(found, JSON_COMPACT | JSON_ENCODE_ANY) : mem_strdup("-");
    char *should = quoted(want);
    if (strcmp(is, should) != 0) {
        char *whole = json_dumps(v, JSON_INDENT(1));
        fail_msg("%s is %s, not %s, in %s", path, is, should, whole);
    }
    free(is);
    free(should);
}

#endif
