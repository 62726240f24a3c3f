/* smtp_reply.c - what an SMTP server says and what may be said to it. */
#include "net/smtp_reply.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"

#define LINE_MAX_BYTES 4096u
#define REPLY_MAX_BYTES 16384u
#define ADDRESS_MAX 320u
#define MESSAGE_LINE_MAX 998u

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/* The code of one line, or -1; *more when others follow. */
static int read_code(struct span line, bool *more) {
    if (line.n < 3 || line.p[0] < '1' || line.p[0] > '5' || !is_digit(line.p[1]) ||
        !is_digit(line.p[2]) || (line.n > 3 && line.p[3] != ' ' && line.p[3] != '-'))
        return -1;
    *more = line.n > 3 && line.p[3] == '-';
    return (line.p[0] - '0') * 100 + (line.p[1] - '0') * 10 + (line.p[2] - '0');
}

/* Bytes of the enhanced code at s ("5.7.1"), 0 when there is none. */
static size_t enhanced(const char *s) {
    size_t subject, detail;
    if ((s[0] != '2' && s[0] != '4' && s[0] != '5') || s[1] != '.')
        return 0;
    subject = strspn(s + 2, "0123456789");
    if (subject < 1 || subject > 3 || s[2 + subject] != '.')
        return 0;
    detail = strspn(s + 3 + subject, "0123456789");
    if (detail < 1 || detail > 3)
        return 0;
    size_t n = 3 + subject + detail;
    return s[n] == ' ' || !s[n] ? n : 0;
}

/* Adds a line's words; further lines repeat the enhanced code, which is said once. */
static void add_words(char *text, size_t size, const char *p, size_t n) {
    char line[256];
    size_t at = strlen(text), m = n < sizeof line - 1 ? n : sizeof line - 1;
    memcpy(line, p, m);
    line[m] = '\0';
    for (size_t i = 0; i < m; i++)
        line[i] = (unsigned char)line[i] < ' ' || line[i] == 0x7f ? ' ' : line[i];
    const char *words = line;
    size_t code = at ? enhanced(line) : 0;
    if (code && strncmp(text, line, code) == 0)
        words += code + (words[code] == ' ');
    if (at && *words && at + 1 < size)
        text[at++] = ' ';
    m = strlen(words);
    m = m < size - 1 - at ? m : size - 1 - at;
    memcpy(text + at, words, m);
    text[at + m] = '\0';
}

int smtp_reply_take(struct buf *in, struct smtp_reply *out, struct err *err) {
    struct smtp_reply r = {0};
    size_t at = 0;
    bool more = true;
    while (more) {
        const char *p = in->p + at;
        const char *end = at < in->n ? memchr(p, '\n', in->n - at) : NULL;
        size_t n = end ? (size_t)(end - p) : in->n - at;
        if (n > LINE_MAX_BYTES || at + n > REPLY_MAX_BYTES)
            return err_set(err, ERR_PROTOCOL, "the mail server's reply is too long");
        if (!end)
            return 0;
        at += n + 1;
        n -= n && p[n - 1] == '\r' ? 1 : 0;
        int code = read_code(span_of(p, n), &more);
        if (code < 0 || (r.code && code != r.code))
            return err_set(err, ERR_PROTOCOL, "the mail server's reply is none of SMTP");
        r.code = code;
        if (n > 4)
            add_words(r.text, sizeof r.text, p + 4, n - 4);
    }
    utf8_repair(r.text);
    buf_drop(in, at);
    *out = r;
    return 1;
}

/* 530, 534, 535, 538 at any place before the data, and 5.7.x to login and sender: the account may
 * not send, or not as this sender. */
static bool is_about_account(const struct smtp_reply *r, enum smtp_stage stage) {
    if (stage == SMTP_AT_END || r->code < 500)
        return false;
    if (r->code == 530 || r->code == 534 || r->code == 535 || r->code == 538)
        return true;
    return stage <= SMTP_AT_MAIL && strncmp(r->text, "5.7.", 4) == 0 && enhanced(r->text) > 0;
}

enum smtp_outcome smtp_reply_outcome(const struct smtp_reply *r, enum smtp_stage stage) {
    int class = enhanced(r->text) ? r->text[0] - '0' : r->code / 100;
    if (r->code == 421)
        return SMTP_RETRY;
    if (is_about_account(r, stage))
        return SMTP_DENIED;
    return class == 5 ? SMTP_REFUSED : SMTP_RETRY;
}

void smtp_extensions_line(struct smtp_extensions *x, struct span line) {
    bool more = false;
    while (line.n && (line.p[line.n - 1] == '\n' || line.p[line.n - 1] == '\r'))
        line.n--;
    int code = read_code(line, &more);
    if (code < 0)
        return;
    if (code == 220) /* a greeting, or the beginning of TLS: what was said before counts no more */
        *x = (struct smtp_extensions){0};
    x->code = code;
    x->last[0] = '\0';
    if (line.n > 4)
        add_words(x->last, sizeof x->last, line.p + 4, line.n - 4);
    utf8_repair(x->last);
    if (code != 250 || line.n < 5)
        return;
    struct span word = span_of(line.p + 4, line.n - 4);
    if (span_ieq(word, "SMTPUTF8"))
        x->has_utf8 = true;
    else if (span_ieq(word, "8BITMIME"))
        x->has_8bit = true;
    else if (word.n >= 4 && strncasecmp(word.p, "SIZE", 4) == 0) {
        x->has_size = word.n == 4 || word.p[4] == ' ';
        for (size_t i = 5; x->has_size && i < word.n && is_digit(word.p[i]) && i < 20; i++)
            x->size = x->size * 10 + (uint64_t)(word.p[i] - '0');
    }
}

bool smtp_address_is_safe(const char *address) {
    size_t n = strlen(address);
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)address[i] <= ' ' || address[i] == 0x7f || address[i] == '<' ||
            address[i] == '>')
            return false;
    return n >= 1 && n <= ADDRESS_MAX && utf8_is_valid(address, n);
}

bool smtp_message_is_safe(struct span bytes) {
    size_t line = 0;
    for (size_t i = 0; i < bytes.n; i++) {
        bool ends = bytes.p[i] == '\r' && i + 1 < bytes.n && bytes.p[i + 1] == '\n';
        if (bytes.p[i] == '\0' || bytes.p[i] == '\n' || (bytes.p[i] == '\r' && !ends))
            return false;
        if (!ends && ++line > MESSAGE_LINE_MAX)
            return false;
        if (ends) {
            line = 0;
            i++;
        }
    }
    return bytes.n > 0 && line == 0;
}

char *smtp_message_stuffed(struct span bytes, size_t *n) {
    size_t dots = 0, at = 0;
    for (size_t i = 0; i < bytes.n; i++)
        dots += bytes.p[i] == '.' && (i == 0 || bytes.p[i - 1] == '\n');
    char *out = mem_alloc(bytes.n + dots + 4);
    for (size_t i = 0; i < bytes.n; i++) {
        if (bytes.p[i] == '.' && (i == 0 || bytes.p[i - 1] == '\n'))
            out[at++] = '.';
        out[at++] = bytes.p[i];
    }
    memcpy(out + at, ".\r\n", 4);
    *n = at + 3;
    return out;
}
