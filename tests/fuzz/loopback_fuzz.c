/* loopback_fuzz.c - any bytes as the model connector's webhook: what passes can be stored. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "connectors/loopback/loopback_parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct loopback_message m;
    struct err err;
    if (loopback_parse(span_of((const char *)data, size), &m, &err) == 0) {
        char *text = json_dumps(m.body, JSON_COMPACT);
        if (!text || !m.id[0] || !m.from.address[0] || strchr(m.from.kind, ':'))
            abort();
        free(text);
    }
    loopback_message_free(&m);
    return 0;
}
