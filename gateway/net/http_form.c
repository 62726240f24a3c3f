/* http_form.c - "data%5BLINE%5D=1&..." as a tree. */
#include "net/http_form.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"

#define FIELDS_MAX 4000
#define DEPTH_MAX 8
#define BODY_MAX ((size_t)1024 * 1024)

static int hex(char c) {
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* What is no character of UTF-8, or none at all, is '?'. */
static char *decode(const char *p, size_t n) {
    char *out = mem_alloc(n + 1);
    size_t len = 0;
    for (size_t i = 0; i < n; i++) {
        char c = p[i] == '+' ? ' ' : p[i];
        if (c == '%' && i + 2 < n && hex(p[i + 1]) >= 0 && hex(p[i + 2]) >= 0) {
            c = (char)(hex(p[i + 1]) * 16 + hex(p[i + 2]));
            i += 2;
        }
        out[len++] = c ? c : '?';
    }
    out[len] = '\0';
    utf8_repair(out);
    return out;
}

/* Sets root[data][MESSAGES][0]... = value. -1: too deep, or a value where a branch is. */
static int put(json_t *root, char *name, const char *value) {
    json_t *at = root;
    char *key = name, *rest = name + strcspn(name, "["), number[24];
    for (unsigned depth = 0; depth < DEPTH_MAX; depth++) {
        bool has_more = *rest == '[';
        if (has_more)
            *rest = '\0'; /* ends the first key; the others end at their bracket */
        if (!*key && depth) {
            snprintf(number, sizeof number, "%zu", json_object_size(at));
            key = number;
        }
        if (!has_more)
            return json_object_set_new(at, key, json_string(value));
        json_t *branch = json_object_get(at, key);
        if (!branch) {
            branch = json_object();
            json_object_set_new(at, key, branch);
        }
        char *end = strchr(rest + 1, ']');
        if (!json_is_object(branch) || !end)
            return -1;
        at = branch;
        key = rest + 1;
        *end = '\0';
        rest = end + 1;
    }
    return -1;
}

json_t *http_form(struct span body, struct err *err) {
    json_t *out = json_object();
    size_t fields = 0, at = 0;
    int rc = body.n <= BODY_MAX ? 0 : -1;
    while (rc == 0 && at < body.n) {
        const char *p = body.p + at, *amp = memchr(p, '&', body.n - at);
        size_t n = amp ? (size_t)(amp - p) : body.n - at;
        const char *is = memchr(p, '=', n);
        size_t name_n = is ? (size_t)(is - p) : n;
        at += n + 1;
        if (n == 0)
            continue;
        char *name = decode(p, name_n);
        char *value = is ? decode(is + 1, n - name_n - 1) : mem_strdup("");
        rc = ++fields <= FIELDS_MAX ? put(out, name, value) : -1;
        free(name);
        free(value);
    }
    if (rc < 0 || fields == 0) {
        json_decref(out);
        err_set(err, ERR_INVALID, "the body is no form, or too much of one");
        return NULL;
    }
    return out;
}
