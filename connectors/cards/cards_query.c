/* cards_query.c - what a person typed, as a query of FTS5, and the piece of text that shows the
 * hit. Pure. Only stems of words reach FTS5, each in quotes, so nothing typed is syntax. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "connectors/cards/cards_private.h"

#define TERMS_MAX 16
#define AROUND 60 /* code points before and after the first hit */
#define INDEXED 4 /* letters of a beginning for which there is an index: cards_db.c */

struct terms {
    char *stem[TERMS_MAX];
    bool glued[TERMS_MAX]; /* goes on the phrase of the one before */
    size_t n;
    const char *typed;
    size_t quoted_until, quote_first; /* inside quotes: up to which byte; index of its first word */
};

/* Is the byte at `at` inside a pair of double quotes? Then *from is where they open. */
static bool is_quoted(const char *typed, size_t at, size_t *from) {
    bool open = false;
    for (size_t i = 0; i < at; i++)
        if (typed[i] == '"') {
            open = !open;
            *from = i;
        }
    return open && strchr(typed + at, '"');
}

static void add_term(void *arg, const char *stem, size_t start, size_t end) {
    struct terms *t = arg;
    size_t from = 0;
    (void)end;
    if (t->n == TERMS_MAX)
        return;
    bool quoted = is_quoted(t->typed, start, &from);
    t->glued[t->n] = quoted && t->n && t->quote_first == from + 1;
    t->quote_first = quoted ? from + 1 : 0;
    t->stem[t->n++] = mem_strdup(stem);
}

static void terms_of(const char *typed, struct terms *t) {
    *t = (struct terms){.typed = typed};
    cards_words(typed, strlen(typed), add_term, t);
}

/* The tokenizer folds other letters further than we do. */
static bool is_plain(const char *s) {
    unsigned char c = (unsigned char)s[0], d = (unsigned char)s[1];
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c == 0xd0 && d >= 0xb0) ||
           (c == 0xd1 && d <= 0x8f);
}

static void terms_free(struct terms *t) {
    for (size_t i = 0; i < t->n; i++)
        free(t->stem[i]);
}

char *cards_query_match(const char *typed, char *const *endings, size_t n) {
    struct terms t;
    struct buf b;
    buf_init(&b, 65536);
    terms_of(typed, &t);
    for (size_t i = 0; i < t.n; i++) {
        bool last = i + 1 == t.n && !t.glued[i];
        if (t.glued[i]) {
            buf_addf(&b, " %s", t.stem[i]);
        } else {
            buf_adds(&b, i ? "\" AND " : "");
            if (last && endings)
                break;
            buf_addf(&b, "\"%s", t.stem[i]);
        }
        if (i + 1 == t.n)
            buf_adds(&b, last ? "\"*" : "\"");
    }
    for (size_t i = 0; endings && i < n; i++)
        buf_addf(&b, "%s\"%s\"%s", i ? " OR " : "(", endings[i], i + 1 == n ? ")" : "");
    terms_free(&t);
    return buf_take(&b);
}

char *cards_query_beginning(const char *typed) {
    struct terms t;
    char *out = NULL;
    terms_of(typed, &t);
    if (t.n && !t.glued[t.n - 1]) {
        const char *s = t.stem[t.n - 1];
        size_t letters = 0, n = strlen(s);
        while (*s && is_plain(s)) {
            s += (unsigned char)*s < 0x80 ? 1 : 2;
            letters++;
        }
        if (!*s && letters > INDEXED)
            out = mem_strndup(t.stem[t.n - 1], n);
    }
    terms_free(&t);
    return out ? out : mem_strdup("");
}

struct marks {
    const struct terms *terms;
    size_t start[64], end[64];
    size_t n;
};

static void mark(void *arg, const char *stem, size_t start, size_t end) {
    struct marks *m = arg;
    for (size_t i = 0; i < m->terms->n && m->n < 64; i++) {
        size_t len = strlen(m->terms->stem[i]);
        bool last = i + 1 == m->terms->n;
        if (last ? strncmp(stem, m->terms->stem[i], len) == 0
                 : strcmp(stem, m->terms->stem[i]) == 0) {
            m->start[m->n] = start;
            m->end[m->n++] = end;
            return;
        }
    }
}

char *cards_query_snippet(const char *typed, const char *text) {
    struct terms t;
    struct buf b;
    size_t n = strlen(text), from = 0;
    terms_of(typed, &t);
    struct marks m = {.terms = &t};
    cards_words(text, n, mark, &m);
    if (m.n && m.start[0] > AROUND) {
        from = m.start[0] - AROUND;
        while (from < n && ((unsigned char)text[from] & 0xc0) == 0x80)
            from++;
    }
    size_t until = from + utf8_prefix(text + from, n - from, AROUND * 3);
    buf_init(&b, 65536);
    if (from)
        buf_adds(&b, "…");
    for (size_t i = from, k = 0; i < until; i++) {
        while (k < m.n && m.end[k] <= i) {
            if (m.end[k] == i && m.start[k] >= from)
                buf_adds(&b, "]");
            k++;
        }
        if (k < m.n && m.start[k] == i)
            buf_adds(&b, "[");
        buf_add(&b, (unsigned char)text[i] < 0x20 ? " " : text + i, 1);
    }
    for (size_t k = 0; k < m.n; k++)
        if (m.start[k] < until && m.start[k] >= from && m.end[k] >= until)
            buf_adds(&b, "]");
    if (until < n)
        buf_adds(&b, "…");
    terms_free(&t);
    return buf_take(&b);
}
