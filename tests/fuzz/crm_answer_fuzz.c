/* crm_answer_fuzz.c - any status and body as a CRM's answer: JSON or a sentence, and a card's name
 * that we can keep. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "connectors/webhook/webhook_event.h"
#include "core/crm/crm_call.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct err err = {0};
    if (size < 2)
        return 0;
    struct http_answer a = {.status = 100 + data[0] * 2 + data[1] % 2,
        .body = span_of((const char *)data + 2, size - 2),
        .content_type = "",
        .reason = data[0] % 8 ? "" : "a \xff reason\n",
        .retry_after_s = -1};
    json_t *j = crm_answer_json(&a, &err);
    if (!j && (!err.code || !err.text[0]))
        abort();
    if (j && (a.status < 200 || a.status > 299))
        abort();
    json_decref(j);
    char *url = NULL, *card = webhook_answer_card(a.body, &url);
    if (card && (!*card || strlen(card) > 200 || strchr(card, '\n')))
        abort();
    if (url && (!*url || strlen(url) > 2000 || strchr(url, '\n')))
        abort();
    free(card);
    free(url);
    return 0;
}
