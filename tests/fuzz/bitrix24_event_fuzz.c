/* bitrix24_event_fuzz.c - any body posted to us as an event. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "connectors/bitrix24/bitrix24_event.h"
#include "net/http_form.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const json_t *event) {
    const char *key;
    json_t *v;
    json_object_foreach((json_t *)event, key, v) {
        const char *s = json_string_value(v);
        if (!s || !utf8_is_valid(s, strlen(s)))
            abort();
    }
    const char *im = json_string_value(json_object_get(event, "im"));
    if (strspn(im, "0123456789:") != strlen(im) || !strchr(im, ':'))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct err err = {0};
    json_t *form = http_form(span_of((const char *)data, size), &err);
    if (!form != (err.code != ERR_NONE))
        abort();
    for (size_t i = 0; form && i < 3; i++) {
        json_t *event = bitrix24_event(form, "gw", i);
        if (event)
            check(event);
        json_decref(event);
    }
    const char *contact = bitrix24_changed(form);
    if (contact && strspn(contact, "0123456789") != strlen(contact))
        abort();
    json_decref(form);
    return 0;
}
