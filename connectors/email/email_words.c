/* email_words.c - "=?koi8-r?B?...?= =?koi8-r?Q?...?=" becomes "=?utf-8?B?...?=". */
#include "connectors/email/email_words.h"

#include <ctype.h>
#include <stdlib.h>
#include <strings.h>

#include "base/buf.h"
#include "base/mem.h"
#include "connectors/email/email_charset.h"
#include "connectors/email/email_decode.h"

#define CHARSET_MAX 40
#define WORD_MAX 8192
#define WORD_BYTES 45 /* of UTF-8 in one word that we write: 60 characters of base64 */

struct word {
    struct span charset, text;
    char encoding; /* 'B' or 'Q' */
    const char *end;
};

/* "=?charset*language?B?text?=" at p. */
static bool read_word(const char *p, struct word *w) {
    if (p[0] != '=' || p[1] != '?')
        return false;
    p += 2;
    size_t n = strcspn(p, "?* \t<>\"");
    w->charset = span_of(p, n);
    p += n;
    if (*p == '*')
        p += strcspn(p, "? \t");
    if (n == 0 || n > CHARSET_MAX || p[0] != '?' || !p[1] || p[2] != '?')
        return false;
    w->encoding = (char)toupper((unsigned char)p[1]);
    p += 3;
    const char *end = memmem(p, strnlen(p, WORD_MAX), "?=", 2);
    if (!end || (w->encoding != 'B' && w->encoding != 'Q'))
        return false;
    w->text = span_of(p, (size_t)(end - p));
    w->end = end + 2;
    return !memchr(p, '<', w->text.n) && !memchr(p, '"', w->text.n);
}

static int hex(char c) {
    return isdigit((unsigned char)c)    ? c - '0'
           : isxdigit((unsigned char)c) ? (c | 0x20) - 'a' + 10
                                        : -1;
}

static void decode_word(const struct word *w, struct buf *out) {
    if (w->encoding == 'B') {
        struct email_base64 b = {0};
        char *bytes = mem_alloc(w->text.n + 8);
        size_t n = email_base64_step(&b, w->text, bytes);
        n += email_base64_end(&b, bytes + n);
        buf_add(out, bytes, n);
        free(bytes);
        return;
    }
    const char *p = w->text.p;
    for (size_t i = 0; i < w->text.n; i++) {
        char c = p[i] == '_' ? ' ' : p[i];
        if (c == '=' && i + 2 < w->text.n && hex(p[i + 1]) >= 0 && hex(p[i + 2]) >= 0) {
            c = (char)(hex(p[i + 1]) * 16 + hex(p[i + 2]));
            i += 2;
        }
        buf_add(out, &c, 1);
    }
}

static void write_base64(struct span s, struct buf *out) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < s.n; i += 3) {
        unsigned b = (unsigned char)s.p[i];
        unsigned c = i + 1 < s.n ? (unsigned char)s.p[i + 1] : 0;
        unsigned d = i + 2 < s.n ? (unsigned char)s.p[i + 2] : 0;
        char four[4] = {digits[b >> 2], digits[(b & 3) << 4 | c >> 4],
            i + 1 < s.n ? digits[(c & 15) << 2 | d >> 6] : '=', i + 2 < s.n ? digits[d & 63] : '='};
        buf_add(out, four, sizeof four);
    }
}

static void write_words(struct span text, struct buf *out) {
    for (size_t at = 0; at < text.n;) {
        size_t n = email_text_prefix(text.p + at, text.n - at, WORD_BYTES);
        n = n ? n : text.n - at;
        buf_adds(out, at ? " =?utf-8?B?" : "=?utf-8?B?");
        write_base64(span_of(text.p + at, n), out);
        buf_adds(out, "?=");
        at += n;
    }
}

char *email_words_encode(const char *text) {
    struct buf out;
    buf_init(&out, 1 << 16);
    write_words(span_str(text), &out);
    buf_str(&out);
    return buf_take(&out);
}

/* The run of words that begins at p; returns where it ends. */
static const char *join_run(const char *p, struct word *w, struct buf *out, bool *guessed) {
    struct buf bytes;
    struct word next = *w;
    char charset[CHARSET_MAX + 1];
    size_t n;
    buf_init(&bytes, 1 << 17);
    memcpy(charset, w->charset.p, w->charset.n);
    charset[w->charset.n] = '\0';
    do {
        decode_word(&next, &bytes);
        p = next.end;
        const char *after = p + strspn(p, " \t");
        if (!read_word(after, &next))
            break;
    } while (span_ieq(next.charset, charset));
    char *text = email_charset_text(buf_span(&bytes), charset, &n, guessed);
    for (size_t i = 0; i < n; i++)
        if (text[i] == '\n' || text[i] == '\t')
            text[i] = ' ';
    write_words(span_of(text, n), out);
    free(text);
    buf_free(&bytes);
    return p;
}

char *email_words_join(const char *s, bool *guessed) {
    struct buf out;
    struct word w;
    buf_init(&out, 1 << 20);
    while (*s) {
        const char *open = strstr(s, "=?");
        size_t n = open ? (size_t)(open - s) : strlen(s);
        buf_add(&out, s, n);
        s += n;
        if (!*s)
            break;
        if (read_word(s, &w)) {
            s = join_run(s, &w, &out, guessed);
        } else {
            buf_add(&out, s, 2);
            s += 2;
        }
    }
    buf_str(&out);
    return buf_take(&out);
}
