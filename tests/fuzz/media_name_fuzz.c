/* media_name_fuzz.c - any bytes as a file's name: what is shown is no path, hides nothing and can
 * stand in a header. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "media/media_private.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool good) {
    if (!good)
        abort();
}

static void check_header(const char *name, bool is_inline) {
    char *value = media_disposition(name, is_inline);
    for (const char *p = value; *p; p++)
        must(*p >= 0x20 && *p < 0x7f);
    /* The quoted form has its own two quotes and no other. */
    const char *first = strchr(value, '"'), *second = first ? strchr(first + 1, '"') : NULL;
    must(second && !strchr(second + 1, '"') && strncmp(second, "\"; filename*=UTF-8''", 20) == 0);
    free(value);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *name = mem_strndup((const char *)data, size);
    char *clean = media_clean_name(name);
    size_t n = strlen(clean);
    must(n > 0 && utf8_is_text(clean, n) && utf8_length(clean, n) <= 120);
    must(!strpbrk(clean, "/\\\r\n\t") && clean[0] != '.' && clean[n - 1] != '.');
    char *again = media_clean_name(clean);
    must(strcmp(again, clean) == 0);
    check_header(clean, true);
    utf8_repair(name);
    must(utf8_is_valid(name, strlen(name)));
    free(again);
    free(clean);
    free(name);
    return 0;
}
