/* http_range_fuzz.c - any Range and If-None-Match header: what is served lies inside the file. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "net/http_range.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    uint64_t file = 0, from = 0, n = 0;
    if (size < 8)
        return 0;
    memcpy(&file, data, 8);
    file >>= data[7] % 64;
    struct span header = span_of((const char *)data + 8, size - 8);
    if (http_range_parse(header, file, &from, &n) == HTTP_RANGE_PART)
        if (n == 0 || from >= file || n > file - from)
            abort();
    http_etag_matches(header, "\"abc\"");
    return 0;
}
