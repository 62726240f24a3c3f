/* mentions.c - finds the agents' names in a note. Asks nobody who they are. */
#include "core/mentions.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"

#define NAME_CHARS "abcdefghijklmnopqrstuvwxyz0123456789._-"
#define LINE_MAX (MENTIONS_MAX * 66u)

static bool is_name_char(char c) {
    return c && strchr(NAME_CHARS, c) != NULL;
}

static char lower(char c) {
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool is_agent(const json_t *agents, const char *name) {
    size_t i;
    json_t *a;
    json_array_foreach(agents, i, a) {
        const char *one = json_string_value(json_object_get(a, "name"));
        if (one && strcmp(one, name) == 0 && !json_is_true(json_object_get(a, "disabled")))
            return true;
    }
    return false;
}

static bool has(const json_t *names, const char *name) {
    size_t i;
    json_t *one;
    json_array_foreach(names, i, one) {
        if (strcmp(json_string_value(one), name) == 0)
            return true;
    }
    return false;
}

/* A point or a dash at the end may be the sentence's: the longest name that there is. */
static void take(json_t *out, const json_t *agents, char *name, size_t n) {
    for (; n > 0; n--) {
        name[n] = '\0';
        if (is_agent(agents, name)) {
            if (!has(out, name))
                json_array_append_new(out, json_string(name));
            return;
        }
        if (!strchr("._-", name[n - 1]))
            return;
    }
}

json_t *mentions_of(const char *text, const json_t *agents) {
    json_t *out = json_array();
    for (const char *at = strchr(text, '@'); at && json_array_size(out) < MENTIONS_MAX;
         at = strchr(at + 1, '@')) {
        char name[65];
        size_t n = 0;
        bool inside = at > text && (is_name_char(lower(at[-1])) || (unsigned char)at[-1] >= 0x80);
        while (n < sizeof name - 1 && is_name_char(lower(at[1 + n]))) {
            name[n] = lower(at[1 + n]);
            n++;
        }
        if (!inside)
            take(out, agents, name, n);
    }
    return out;
}

char *mentions_line(const json_t *names) {
    struct buf b;
    size_t i;
    json_t *one;
    buf_init(&b, LINE_MAX);
    json_array_foreach(names, i, one) {
        buf_addf(&b, "%s%s", i ? " " : "", json_string_value(one));
    }
    return buf_take(&b);
}
