/* config_scan.c - comments, braces, variables and includes, before libConfuse reads the text. */
#include "config/config_scan.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define SPACE " \t\r\n"
#define PUNCTUATION "#{}()=+,\"'"

struct scan {
    struct config_text *text;
    unsigned file, depth; /* depth of includes */
    const char *path, *p, *end;
    unsigned line;
    unsigned open[64]; /* lines of the braces that are open */
    size_t nopen;
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

/* Goes over n bytes, which are copied, or left out but for the ends of their lines. */
static void pass(struct scan *s, size_t n, bool copy) {
    for (; n && s->p < s->end; n--, s->p++) {
        if (*s->p == '\n')
            config_text_newline(s->text, s->file, ++s->line);
        else if (copy)
            buf_add(&s->text->out, s->p, 1);
    }
}

static void line_comment(struct scan *s) {
    const char *nl = memchr(s->p, '\n', (size_t)(s->end - s->p));
    pass(s, (size_t)((nl ? nl : s->end) - s->p), false);
}

static void block_comment(struct scan *s) {
    unsigned from = s->line;
    const char *close = memmem(s->p + 2, (size_t)(s->end - s->p) - 2, "*/", 2);
    if (!close)
        complain(s, from, "this comment has no end", "");
    pass(s, (size_t)((close ? close + 2 : s->end) - s->p), false);
    buf_adds(&s->text->out, " ");
}

/* At "${": passes to behind its }. The variable must be set, or have a default. */
static void variable(struct scan *s) {
    const char *name = s->p + 2;
    size_t left = (size_t)(s->end - name), n = 0;
    while (n < left && !strchr("}\n\"", name[n]))
        n++;
    if (n == left || name[n] != '}') {
        complain(s, s->line, "${ without a closing }", "");
        pass(s, 2, true);
        return;
    }
    size_t key_n = strcspn(name, ":}");
    char *key = mem_strndup(name, key_n < n ? key_n : n);
    if (key_n >= n && !getenv(key)) {
        char *more = mem_printf(
            "%s is not set in the environment (use ${%s:-default} to allow that)", key, key);
        complain(s, s->line, "variable ", more);
        free(more);
    }
    free(key);
    pass(s, n + 3, true);
}

static void string(struct scan *s, char quote) {
    unsigned from = s->line;
    pass(s, 1, true);
    while (s->p < s->end) {
        if (*s->p == '\\') {
            pass(s, 2, true);
        } else if (*s->p == quote) {
            pass(s, 1, true);
            return;
        } else if (quote == '"' && looking_at(s, "${")) {
            variable(s);
        } else {
            pass(s, 1, true);
        }
    }
    complain(s, from, "this string has no end", "");
}

static void brace(struct scan *s) {
    if (*s->p == '{') {
        if (s->nopen < ARRAY_LEN(s->open))
            s->open[s->nopen] = s->line;
        s->nopen++;
    } else if (s->nopen == 0) {
        complain(s, s->line, "this } closes nothing", "");
    } else {
        s->nopen--;
    }
    pass(s, 1, true);
}

/* Behind the word "include": ("file"). True when it was one. */
static bool include(struct scan *s, const char *after) {
    const char *p = after + strspn(after, " \t");
    unsigned line = s->line;
    if (*p != '(')
        return false;
    p += 1 + strspn(p + 1, SPACE);
    char quote = *p == '"' || *p == '\'' ? *p : '\0';
    size_t n = quote ? strcspn(++p, quote == '"' ? "\"\n" : "'\n") : 0;
    const char *end = p + n + 1;
    if (!n || p[n] != quote || *(end += strspn(end, SPACE)) != ')') {
        complain(s, line, "expected include(\"file\")", "");
        line_comment(s);
        return true;
    }
    char *name = mem_strndup(p, n);
    if (config_text_include(s->text, name, s->file, line, s->depth + 1, s->problems) < 0)
        s->rc = -1;
    free(name);
    config_text_newline(s->text, s->file, line);
    pass(s, (size_t)(end + 1 - s->p), false);
    return true;
}

/* A word without quotes. In it, only a variable that is all of it is one: it gets quotes. */
static void word(struct scan *s) {
    if (looking_at(s, "${")) {
        buf_adds(&s->text->out, "\"");
        variable(s);
        buf_adds(&s->text->out, "\"");
        if (s->p < s->end && !strchr(SPACE PUNCTUATION, *s->p))
            complain(s, s->line, "put the value with ${...} in quotes", "");
        return;
    }
    size_t n = strcspn(s->p, SPACE PUNCTUATION);
    const char *dollar = memmem(s->p, n, "$", 1);
    if (n == 7 && looking_at(s, "include") && include(s, s->p + n))
        return;
    pass(s, n, true);
    if (dollar && dollar == s->p - 1 && looking_at(s, "{")) {
        complain(s, s->line, "put the value with ${...} in quotes", "");
        s->p--;
        variable(s);
    }
}

int config_scan(
    struct config_text *t, unsigned file, unsigned depth, struct span text, struct buf *problems) {
    char *copy = mem_strndup(text.n ? text.p : "", text.n);
    struct scan s = {.text = t,
        .file = file,
        .depth = depth,
        .path = t->files[file],
        .p = copy,
        .end = copy + text.n,
        .line = 1,
        .problems = problems};
    while (s.p < s.end) {
        if (*s.p == '#' || looking_at(&s, "//"))
            line_comment(&s);
        else if (looking_at(&s, "/*"))
            block_comment(&s);
        else if (*s.p == '"' || *s.p == '\'')
            string(&s, *s.p);
        else if (*s.p == '{' || *s.p == '}')
            brace(&s);
        else if (strchr(SPACE PUNCTUATION, *s.p))
            pass(&s, 1, true);
        else
            word(&s);
    }
    if (s.nopen && s.nopen <= ARRAY_LEN(s.open))
        complain(&s, s.open[s.nopen - 1], "the section that begins here is not closed by }", "");
    else if (s.nopen)
        complain(&s, s.line, "sections are nested too deep", "");
    explicit_bzero(copy, text.n);
    free(copy);
    return s.rc;
}
