/* whatsapp_template_fuzz.c - any JSON object as a template of the API, filled with its own "values"
 * and with what its fields ask for: what is filled has no variable left that was asked for. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_strict.h"
#include "connectors/whatsapp/whatsapp_template.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good) {
    if (!good)
        abort();
}

static const char *file_for(const json_t *t) {
    const json_t *h = json_object_get(t, "header");
    const char *kind = h ? json_string_value(json_object_get(h, "kind")) : NULL;
    return !kind || strcmp(kind, "text") == 0 ? NULL
           : strcmp(kind, "image") == 0       ? "image/jpeg"
           : strcmp(kind, "video") == 0       ? "video/mp4"
                                              : "application/pdf";
}

static int fill(const json_t *t, const json_t *values, const char *mime) {
    json_t *components = NULL;
    char *text = NULL;
    struct err err = {0};
    int rc = whatsapp_template_fill(t, values, mime, &components, &text, &err);
    check(rc == 0 ? components && text : err.code != ERR_NONE && err.text[0]);
    json_decref(components);
    free(text);
    return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct err err = {0};
    json_t *entry = json_strict_parse(span_of((const char *)data, size), 20, &err), *f;
    json_t *t = entry ? whatsapp_template_read(entry) : NULL, *values = json_object();
    size_t i;
    if (t) {
        check(json_object_get(t, "name") && json_object_get(t, "body") &&
              json_is_boolean(json_object_get(t, "usable")));
        json_array_foreach(json_object_get(t, "fields"), i, f) {
            check(json_object_get(f, "id") && json_object_get(f, "label"));
            json_object_set_new(
                values, json_string_value(json_object_get(f, "id")), json_string("v"));
        }
        fill(t, json_object_get(entry, "values"), NULL);
        int rc = fill(t, values, file_for(t));
        check(rc == 0 || !json_is_true(json_object_get(t, "usable")) ||
              size > 1000 /* too long with its values */);
    }
    json_decref(values);
    json_decref(t);
    json_decref(entry);
    return 0;
}
