/* smtp_reply_fuzz.c - any bytes as a server's replies, as the lines of its login, as an address and
 * as a message: what is taken keeps its ceilings, and what was stuffed has one end of data. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "net/smtp_reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good) {
    if (!good)
        abort();
}

static void replies(const char *p, size_t n) {
    struct buf in;
    struct smtp_reply r;
    struct err err = {0};
    int rc;
    buf_init(&in, 65536);
    buf_add(&in, p, n);
    while ((rc = smtp_reply_take(&in, &r, &err)) > 0) {
        check(r.code >= 100 && r.code <= 599 && utf8_is_text(r.text, strlen(r.text)));
        for (int stage = SMTP_AT_LOGIN; stage <= SMTP_AT_END; stage++) {
            enum smtp_outcome o = smtp_reply_outcome(&r, (enum smtp_stage)stage);
            check(o == SMTP_RETRY || o == SMTP_REFUSED || o == SMTP_DENIED);
        }
    }
    check(rc == 0 || err.code == ERR_PROTOCOL);
    buf_free(&in);
}

static void message(const char *p, size_t n) {
    size_t out_n = 0, ends = 0;
    if (!smtp_message_is_safe(span_of(p, n)))
        return;
    char *out = smtp_message_stuffed(span_of(p, n), &out_n);
    check(out_n >= n + 3);
    for (size_t i = 0; i + 5 <= out_n; i++)
        ends += memcmp(out + i, "\r\n.\r\n", 5) == 0;
    check(ends == 1 && memcmp(out + out_n - 5, "\r\n.\r\n", 5) == 0);
    free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct smtp_extensions x = {0};
    const char *p = (const char *)data;
    replies(p, size);
    message(p, size);
    for (size_t at = 0; at < size;) {
        const char *end = memchr(p + at, '\n', size - at);
        size_t n = end ? (size_t)(end - p) + 1 - at : size - at;
        smtp_extensions_line(&x, span_of(p + at, n));
        check(utf8_is_text(x.last, strlen(x.last)));
        at += n;
    }
    char *text = mem_strndup(p, size);
    if (smtp_address_is_safe(text))
        check(strlen(text) <= 320 && !strpbrk(text, "<> \r\n\t") &&
              utf8_is_valid(text, strlen(text)));
    free(text);
    return 0;
}
