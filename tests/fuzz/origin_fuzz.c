/* origin_fuzz.c - any text as an Origin and as a rule: what a rule allows has its scheme, and a
 * rule that is taken can stand in a header. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "connectors/sitechat/sitechat_origin.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char *const rules[] = {
        "self", "https://shop.example", "https://*.example.com", NULL};
    struct err err;
    char *text = mem_strndup((const char *)data, size);
    char *host = strchr(text, ' ');
    if (host)
        *host++ = '\0';
    if (origin_is_allowed(rules, text, host) && strncmp(text, "https://", 8) != 0 &&
        !(host && origin_is_own(text, host)))
        abort();
    if (origin_rule_check(text, &err) == 0 && strpbrk(text, ";, '\"\r\n\t"))
        abort();
    free(text);
    return 0;
}
