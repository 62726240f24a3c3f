/* email_trim_fuzz.c - any text: offsets are at lines' beginnings, and something is left before
 * them. The first two bytes are the HTML's hint and whether it is a forward. */
#include <stdint.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "connectors/email/email_charset.h"
#include "connectors/email/email_trim.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_offset(const char *text, size_t n, size_t at) {
    if (at == 0)
        return;
    if (at >= n || text[at - 1] != '\n')
        abort();
    size_t i = 0;
    while (i < at && (unsigned char)text[i] <= 0x20)
        i++;
    if (i == at)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 2)
        return 0;
    char *text = mem_strndup((const char *)data + 2, size - 2);
    utf8_repair(text);
    size_t n = email_text_clean(text, strlen(text));
    struct email_trim t = email_trim(span_of(text, n), data[0] < n ? data[0] : 0, data[1] & 1);
    check_offset(text, n, t.quoted_at);
    check_offset(text, n, t.signature_at);
    if (t.quoted_at && t.signature_at >= t.quoted_at)
        abort();
    if (t.quoted_at && (data[1] & 1))
        abort();
    email_subject_is_forward(text);
    free(text);
    return 0;
}
