/* redis_url_fuzz.c - any text as the address of a Redis. */
#include <stdint.h>
#include <stdlib.h>

#include "base/mem.h"
#include "net/redis_url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct redis_url url;
    struct err err;
    char *text = mem_strndup((const char *)data, size);
    if (redis_url_parse(text, &url, &err) == 0) {
        if (!url.path && (!url.host || url.port < 1 || url.port > 65535))
            abort();
        redis_url_free(&url);
    }
    free(text);
    return 0;
}
