/* crm_fields.c - rows "code=value", filled in. */
#include "core/crm/crm_fields.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"

#define DEPTH_MAX 6
#define VALUE_MAX 20000

const json_t *crm_at(const json_t *o, const char *where) {
    while (o) {
        size_t n = strcspn(where, ".");
        char *key = mem_strndup(where, n);
        o = json_object_get(o, key);
        free(key);
        if (!where[n])
            return o;
        where += n + 1;
    }
    return NULL;
}

int crm_fields_check(const char *row, struct err *err) {
    const char *is = row ? strchr(row, '=') : NULL;
    if (row && (!is || is == row))
        return err_set(err, ERR_INVALID, "\"%.60s\": expected code=value", row);
    return 0;
}

/* "{name}", "{profile.locale}": what the client's document has there. */
static json_t *filled(const char *text, const json_t *client) {
    struct buf b;
    buf_init(&b, VALUE_MAX);
    while (*text) {
        const char *end = *text == '{' ? strchr(text, '}') : NULL;
        if (!end) {
            buf_add(&b, text++, 1);
            continue;
        }
        char *where = mem_strndup(text + 1, (size_t)(end - text - 1));
        const char *value = json_string_value(crm_at(client, where));
        buf_adds(&b, value ? value : "");
        free(where);
        text = end + 1;
    }
    json_t *out = json_string(buf_str(&b));
    buf_free(&b);
    return out ? out : json_string("");
}

static json_t *fill(const json_t *j, const json_t *client, unsigned depth) {
    size_t i;
    const char *key;
    json_t *one, *out;
    if (json_is_string(j))
        return filled(json_string_value(j), client);
    if (depth > DEPTH_MAX || (!json_is_object(j) && !json_is_array(j)))
        return json_deep_copy(j);
    out = json_is_object(j) ? json_object() : json_array();
    json_object_foreach((json_t *)j, key, one)
        json_object_set_new(out, key, fill(one, client, depth + 1));
    json_array_foreach(j, i, one) json_array_append_new(out, fill(one, client, depth + 1));
    return out;
}

void crm_fields_set(json_t *to, const char *const *rows, const json_t *client) {
    for (; rows && *rows; rows++) {
        const char *is = strchr(*rows, '=');
        if (!is)
            continue;
        char *code = mem_strndup(*rows, (size_t)(is - *rows));
        json_t *value = json_loads(is + 1, JSON_DECODE_ANY, NULL);
        if (!value)
            value = json_string(is + 1);
        if (value)
            json_object_set_new(to, code, fill(value, client, 0));
        json_decref(value);
        free(code);
    }
}
