/* whatsapp_answer_fuzz.c - two bytes of status and any bytes as an answer of the Graph API, or as
 * an error in a webhook: always sorted, always a sentence. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "connectors/whatsapp/whatsapp_answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good) {
    if (!good)
        abort();
}

static void check_answer(const struct whatsapp_answer *a) {
    check((a->cls == WHATSAPP_OK) == (a->result != NULL));
    check(utf8_is_text(a->description, strlen(a->description)));
    if (a->cls == WHATSAPP_OK)
        return;
    check(a->err.code != ERR_NONE && a->err.text[0] == 'w' && strstr(a->err.text, ": "));
    check(utf8_is_text(a->err.text, strlen(a->err.text)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct whatsapp_answer a;
    if (size < 2)
        return 0;
    int status = 200 + (data[0] << 8 | data[1]) % 400;
    struct span body = span_of((const char *)data + 2, size - 2);
    whatsapp_answer_read(status, body, &a);
    check_answer(&a);
    whatsapp_answer_free(&a);
    json_t *error = json_loadb(body.p, body.n, 0, NULL);
    whatsapp_error_read(error, &a);
    check(a.cls != WHATSAPP_OK);
    check_answer(&a);
    whatsapp_answer_free(&a);
    json_decref(error);
    return 0;
}
