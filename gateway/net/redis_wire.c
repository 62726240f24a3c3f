/* redis_wire.c - commands in RESP, and what an error reply means. Sends nothing. */
#include "net/redis_wire.h"

#include <stdio.h>

#include "base/mem.h"

/* "$12\r\n". A command has dozens of these, so the digits are made by hand. */
static void length(struct buf *b, char kind, size_t n) {
    char text[32];
    size_t at = sizeof text;
    text[--at] = '\n';
    text[--at] = '\r';
    do
        text[--at] = (char)('0' + n % 10);
    while (n /= 10);
    text[--at] = kind;
    buf_add(b, text + at, sizeof text - at);
}

void redis_wire_begin(struct buf *b, size_t nargs) {
    length(b, '*', nargs);
}

void redis_wire_arg(struct buf *b, struct span arg) {
    length(b, '$', arg.n);
    buf_add(b, arg.p, arg.n);
    buf_add(b, "\r\n", 2);
}

void redis_wire_number(struct buf *b, size_t n) {
    char text[32];
    int len = snprintf(text, sizeof text, "%zu", n);
    redis_wire_arg(b, span_of(text, (size_t)len));
}

/* What passes by itself, or by an operator's hand: worth another try later. */
static const struct {
    const char *word, *label;
} passing[] = {
    {"LOADING", "LOADING"},
    {"OOM", "OOM"},
    {"MISCONF", "MISCONF"},
    {"READONLY", "READONLY"},
    {"BUSY", "other"},
    {"MASTERDOWN", "other"},
    {"NOREPLICAS", "other"},
    {"TRYAGAIN", "other"},
    {"CLUSTERDOWN", "other"},
};

/* The word may also stand behind a script's own "ERR ... :" (Redis 6 wraps errors of calls). */
static bool says(struct span text, const char *word) {
    size_t n = strlen(word);
    const char *at = text.n ? memmem(text.p, text.n, word, n) : NULL;
    if (!at)
        return false;
    bool begins =
        at == text.p || (at[-1] == '-' || (at[-1] == ' ' && at >= text.p + 2 && at[-2] == ':'));
    return begins && (at + n == text.p + text.n || at[n] == ' ');
}

const char *redis_wire_error(struct span text, struct err *err) {
    static const char cut[] = "with args beginning with";
    const char *tail = text.n ? memmem(text.p, text.n, cut, sizeof cut - 1) : NULL;
    size_t n = tail ? (size_t)(tail - text.p) : text.n;
    for (size_t i = 0; i < ARRAY_LEN(passing); i++)
        if (says(text, passing[i].word)) {
            err_set(err, ERR_UNAVAILABLE, "Redis: %.*s", (int)n, text.p);
            return passing[i].label;
        }
    err_set(err, ERR_INTERNAL, "Redis: %.*s", (int)n, n ? text.p : "");
    return "other";
}
