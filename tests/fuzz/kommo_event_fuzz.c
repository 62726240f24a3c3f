/* kommo_event_fuzz.c - any body of a hook: an event with an id and something to say, or none. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "connectors/kommo/kommo_event.h"
#include "net/http_form.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct err err = {0};
    json_t *event, *form = http_form(span_of((const char *)data, size), &err);
    json_t *changes = kommo_changes(form), *one;
    size_t i;
    json_array_foreach(changes, i, one) {
        const char *card = json_string_value(json_object_get(one, "lane"));
        if (!*card || card[strspn(card, "0123456789")])
            abort();
    }
    json_decref(changes);
    json_decref(form);
    err.code = ERR_NONE;
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
