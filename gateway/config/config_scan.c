/* config_scan.c - braces and variables, before libConfuse reads the file. */
#include "config/config_scan.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct scan {
    const char *path, *p, *end;
    unsigned line;
    unsigned open[64]; /* lines of the braces that are open */
    size_t depth;
    struct buf *problems;
    int rc;
};

static void complain(struct scan *s, unsigned line, const char *what, const char *more) {
    buf_addf(s->problems, "%s:%u: %s%s\n", s->path, line, what, more);
    s->rc = -1;
}

static bool looking_at(const struct scan *s, const char *text) {
    size_t n = strlen(text);
    return (size_t)(s->end - s->p) >= n && memcmp(s->p, text, n) == 0;
}

static void skip_line(struct scan *s) {
    while (s->p < s->end && *s->p != '\n')
        s->p++;
}

static void skip_block_comment(struct scan *s) {
    unsigned from = s->line;
    for (s->p += 2; s->p < s->end; s->p++) {
        if (looking_at(s, "*/")) {
            s->p += 2;
            return;
        }
        s->line += *s->p == '\n';
    }
    complain(s, from, "this comment has no end", "");
}

/* At "${": the variable must be set, or have a default. */
static void variable(struct scan *s) {
    const char *name = s->p + 2, *p = name;
    while (p < s->end && *p != '}' && *p != ':' && *p != '\n' && *p != '"')
        p++;
    if (p == s->end || *p == '\n' || *p == '"') {
        complain(s, s->line, "${ without a closing }", "");
    } else if (*p == '}') {
        char *key = mem_strndup(name, (size_t)(p - name));
        if (!getenv(key)) {
            char *more = mem_printf("%s is not set in the environment (use ${%s:-default} to allow "
                                    "that)",
                key, key);
            complain(s, s->line, "variable ", more);
            free(more);
        }
        free(key);
    }
    while (p < s->end && *p != '}' && *p != '\n')
        p++;
    s->p = p;
}

static void string(struct scan *s, char quote) {
    unsigned from = s->line;
    for (s->p++; s->p < s->end; s->p++) {
        if (*s->p == '\\' && s->p + 1 < s->end) {
            s->p++;
        } else if (*s->p == quote) {
            s->p++;
            return;
        } else if (quote == '"' && looking_at(s, "${")) {
            variable(s);
            if (s->p == s->end)
                break;
        }
        s->line += *s->p == '\n';
    }
    complain(s, from, "this string has no end", "");
}

static void brace(struct scan *s) {
    if (*s->p == '{') {
        if (s->depth < ARRAY_LEN(s->open))
            s->open[s->depth] = s->line;
        s->depth++;
    } else if (s->depth == 0) {
        complain(s, s->line, "this } closes nothing", "");
    } else {
        s->depth--;
    }
    s->p++;
}

int config_scan(const char *path, struct span text, struct buf *problems) {
    if (!text.n)
        return 0;
    struct scan s = {
        .path = path, .p = text.p, .end = text.p + text.n, .line = 1, .problems = problems};
    while (s.p < s.end) {
        if (*s.p == '#' || looking_at(&s, "//")) {
            skip_line(&s);
        } else if (looking_at(&s, "/*")) {
            skip_block_comment(&s);
        } else if (*s.p == '"' || *s.p == '\'') {
            string(&s, *s.p);
        } else if (looking_at(&s, "${")) {
            variable(&s);
        } else if (*s.p == '{' || *s.p == '}') {
            brace(&s);
        } else {
            s.line += *s.p == '\n';
            s.p++;
        }
    }
    if (s.depth && s.depth <= ARRAY_LEN(s.open))
        complain(&s, s.open[s.depth - 1], "the section that begins here is not closed by }", "");
    else if (s.depth)
        complain(&s, s.line, "sections are nested too deep", "");
    return s.rc;
}
