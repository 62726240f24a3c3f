/* espocrm_said_fuzz.c - any body of a webhook, and any signature (its first line). */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "base/mem.h"
#include "connectors/espocrm/espocrm_said.h"
#include "connectors/espocrm/espocrm_wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const hooks[] = {"abc:secret-key", "def:another-key", NULL};

static const char *str(const json_t *o, const char *key) {
    const char *s = json_string_value(json_object_get(o, key));
    return s ? s : "";
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const uint8_t *line = size ? memchr(data, '\n', size) : NULL;
    size_t n = line ? (size_t)(line - data) : 0;
    struct span body = span_of((const char *)data + n, size - n);
    struct err err = {0};
    size_t i;
    json_t *one;
    char *signature = mem_strndup(size ? (const char *)data : "", n);
    if (crypto_start() < 0 || espocrm_is_signed(hooks, signature, NULL, body) ||
        espocrm_is_signed(hooks, NULL, signature, body) || espocrm_is_signed(NULL, "", "", body))
        abort();
    if (espocrm_check_hook(signature, &err) < 0 && !err.text[0])
        abort();
    free(signature);
    json_t *events = espocrm_said(body, "Contact", "/r ", &err);
    if (!events && err.code != ERR_INVALID)
        abort();
    json_array_foreach(events, i, one) {
        const json_t *event = json_object_get(one, "event");
        bool is_reply = strcmp(str(event, "type"), "reply") == 0;
        if (!espocrm_is_id(str(event, "card")) || !*str(one, "lane") || !*str(one, "once") ||
            (is_reply && !espocrm_is_id(str(event, "id"))))
            abort();
    }
    json_decref(events);
    return 0;
}
