/* email_html_text_fuzz.c - any UTF-8 as HTML: the text is clean and bounded, the quote's offset
 * lies in it; and any bytes as base64. */
#include <sanitizer/lsan_interface.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "connectors/email/email_charset.h"
#include "connectors/email/email_decode.h"
#include "connectors/email/email_html_text.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good) {
    if (!good)
        abort();
}

static void check_base64(struct span in) {
    struct email_base64 whole = {0}, parts = {0};
    char *a = mem_alloc(in.n + 8), *b = mem_alloc(in.n + 8);
    size_t n = email_base64_step(&whole, in, a), m = 0;
    n += email_base64_end(&whole, a + n);
    for (size_t i = 0; i < in.n; i += 5)
        m += email_base64_step(&parts, span_of(in.p + i, in.n - i < 5 ? in.n - i : 5), b + m);
    m += email_base64_end(&parts, b + m);
    check(n == m && n <= in.n && (n == 0 || memcmp(a, b, n) == 0));
    check(whole.repaired == parts.repaired);
    free(a);
    free(b);
}

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    (void)argc;
    (void)argv;
    __lsan_disable(); /* converters are kept, as in the child: else each run loads them */
    email_charset_preload();
    __lsan_enable();
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct buf out;
    size_t n;
    char *html = email_charset_text(span_of((const char *)data, size), "utf-8", &n, NULL);
    buf_init(&out, size % 2 ? 100 : 1 << 20);
    size_t quote = email_html_text(span_of(html, n), &out);
    check(out.n <= out.max && (quote == 0 || quote < out.n));
    if (!out.failed)
        check(out.n == 0 || (utf8_is_text(out.p, out.n) && !memchr(out.p, '\r', out.n)));
    email_html_uses(span_of(html, n), "a@b");
    check_base64(span_of((const char *)data, size));
    buf_free(&out);
    free(html);
    return 0;
}
