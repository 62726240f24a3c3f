/* http_url_fuzz.c - any path and query: what is decoded is text, and a clean path has no way up. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "net/http_url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int good) {
    if (!good)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct span text = span_of((const char *)data, size), value;
    char *decoded = http_url_decode(text, size & 1);
    if (decoded) {
        must(strlen(decoded) <= size && utf8_is_valid(decoded, strlen(decoded)));
        for (const char *p = decoded; *p; p++)
            must((unsigned char)*p >= 0x20 && *p != 0x7f);
    }
    if (http_url_path_is_clean(text)) {
        must(data[0] == '/');
        must(!decoded || (!strstr(decoded, "/../") && !strstr(decoded, "//") &&
                             !strstr(decoded, "/./") && !strchr(decoded, '\\')));
    }
    free(decoded);
    if (http_url_query_find(text, "name", &value))
        must(value.p >= text.p && value.p + value.n <= text.p + text.n);
    return 0;
}
