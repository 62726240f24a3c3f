/* email_address_fuzz.c - any bytes as an address: what is taken stands in an envelope without harm,
 * and is taken again as it is. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "connectors/email/email_compose.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good) {
    if (!good)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct err err = {0};
    char *address = mem_strndup((const char *)data, size);
    char *good = email_address_check(address, &err);
    check(good || err.code == ERR_INVALID);
    if (good) {
        const char *at = strrchr(good, '@');
        size_t n = strlen(good);
        check(at && at > good && n <= 254 && utf8_is_valid(good, n));
        for (size_t i = 0; i < n; i++)
            check((unsigned char)good[i] > ' ' && good[i] != 0x7f && !strchr("<>", good[i]));
        check(strspn(at + 1, "abcdefghijklmnopqrstuvwxyz0123456789-_.") == strlen(at + 1));
        char *again = email_address_check(good, &err);
        check(again && strcmp(again, good) == 0);
        free(again);
    }
    free(good);
    free(address);
    return 0;
}
