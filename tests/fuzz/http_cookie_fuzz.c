/* http_cookie_fuzz.c - any Cookie header: a value that is found has only cookie characters. */
#include <stdint.h>
#include <stdlib.h>

#include "net/http_cookie.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct span header = span_of((const char *)data, size), value;
    if (!http_cookie_find(header, "sb_session", &value))
        return 0;
    if (value.p < header.p || value.p + value.n > header.p + header.n)
        abort();
    for (size_t i = 0; i < value.n; i++)
        if ((unsigned char)value.p[i] <= 0x20 || (unsigned char)value.p[i] >= 0x7f ||
            value.p[i] == ';')
            abort();
    return 0;
}
