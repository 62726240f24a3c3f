/* telegram_json.c - strings in JSON that no parser takes, made such that one does. */
#include "connectors/telegram/telegram_json.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"

/* "\uXXXX" at p: its value, or -1. */
static long escape_at(const char *p) {
    if (p[0] != '\\' || p[1] != 'u' || strspn(p + 2, "0123456789abcdefABCDEF") < 4)
        return -1;
    char digits[5] = {p[2], p[3], p[4], p[5], '\0'};
    return strtol(digits, NULL, 16);
}

/* Mends the escape at p. Returns how long it is. */
static size_t mend_escape(char *p) {
    long c = escape_at(p), next;
    if (c < 0)
        return p[1] ? 2 : 1;
    if (c >= 0xd800 && c <= 0xdbff) {
        next = escape_at(p + 6);
        if (next >= 0xdc00 && next <= 0xdfff)
            return 12;
    }
    if (c == 0 || (c >= 0xd800 && c <= 0xdfff))
        memcpy(p + 2, "fffd", 4);
    return 6;
}

json_t *telegram_json_mended(struct span text) {
    char *copy = mem_alloc(text.n + 1);
    bool in_string = false;
    if (text.n)
        memcpy(copy, text.p, text.n);
    copy[text.n] = '\0';
    for (size_t i = 0; i < text.n; i++)
        if (!copy[i])
            copy[i] = ' ';
    utf8_repair(copy);
    for (char *p = copy; *p;) {
        if (in_string && *p == '\\') {
            p += mend_escape(p);
            continue;
        }
        if (*p == '"')
            in_string = !in_string;
        else if (in_string && (unsigned char)*p < 0x20)
            *p = ' ';
        p++;
    }
    json_t *v = json_loads(copy, 0, NULL);
    free(copy);
    return v;
}
