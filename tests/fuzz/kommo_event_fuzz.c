/* kommo_event_fuzz.c - any body of a hook: an event with an id and something to say, or none. */
#include <stdint.h>
#include <stdlib.h>

#include "connectors/kommo/kommo_event.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct err err = {0};
    json_t *event;
    if (kommo_event(span_of((const char *)data, size), &event, &err) < 0) {
        if (event || !err.code || !err.text[0])
            abort();
        return 0;
    }
    if (event && (json_string_length(json_object_get(event, "id")) < 1 ||
                     (json_string_length(json_object_get(event, "text")) < 1 &&
                         !json_object_get(event, "file"))))
        abort();
    json_decref(event);
    return 0;
}
