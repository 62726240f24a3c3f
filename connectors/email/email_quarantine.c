/* email_quarantine.c - see email_quarantine.h. */
#include "connectors/email/email_quarantine.h"

#include <string.h>

#include "base/mem.h"

#define ADDRESS_MAX 200

static bool is_plain(char c) {
    return c && (strchr("._+-=@", c) || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
                    (c >= 'a' && c <= 'z'));
}

/* The last run of plain characters with one @ inside. */
static char *address_in(struct span line) {
    struct span best = {NULL, 0};
    for (size_t i = 0; i < line.n;) {
        size_t from = i;
        while (i < line.n && is_plain(line.p[i]))
            i++;
        const char *at = memchr(line.p + from, '@', i - from);
        bool one = at && at > line.p + from && at + 1 < line.p + i &&
                   !memchr(at + 1, '@', (size_t)(line.p + i - at - 1));
        if (one && i - from <= ADDRESS_MAX)
            best = span_of(line.p + from, i - from);
        if (i == from)
            i++;
    }
    return mem_strndup(best.n ? best.p : "", best.n);
}

char *email_quarantine_from(struct span head) {
    while (head.n) {
        const char *end = memchr(head.p, '\n', head.n);
        struct span line = span_of(head.p, end ? (size_t)(end - head.p) : head.n);
        if (line.n == 0 || (line.n == 1 && line.p[0] == '\r'))
            break;
        if (line.n > 5 && strncasecmp(line.p, "from:", 5) == 0)
            return address_in(span_of(line.p + 5, line.n - 5));
        head.p += line.n + (end != NULL);
        head.n -= line.n + (end != NULL);
    }
    return mem_strdup("");
}
