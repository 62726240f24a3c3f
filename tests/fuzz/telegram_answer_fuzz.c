/* telegram_answer_fuzz.c - two bytes of status and any bytes as an answer: always a class, a
 * sentence that can be shown, and a result only when it was done. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "connectors/telegram/telegram_answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct telegram_answer a;
    if (size < 2)
        return 0;
    int status = 100 + (data[0] << 8 | data[1]) % 500;
    telegram_answer_read(status, span_of((const char *)data + 2, size - 2), &a);
    bool done = a.cls == TELEGRAM_OK;
    const char *word = telegram_answer_word(&a);
    if (done != (a.result != NULL) || done != (a.err.text[0] == '\0') || !word || done != !*word)
        abort();
    if (strncmp(a.err.text, word, strlen(word)) != 0 ||
        !utf8_is_text(a.err.text, strlen(a.err.text)) ||
        !utf8_is_text(a.description, strlen(a.description)))
        abort();
    if ((a.cls == TELEGRAM_WAIT) != (a.retry_s > 0) ||
        (a.cls == TELEGRAM_MIGRATED) != (a.moved_to[0] != '\0'))
        abort();
    telegram_answer_free(&a);
    return 0;
}
