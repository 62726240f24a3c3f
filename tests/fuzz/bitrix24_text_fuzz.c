/* bitrix24_text_fuzz.c - any BB-code as plain text, any name, any message as a line is told; and
 * any parameters as a command of a batch. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "connectors/bitrix24/bitrix24_event.h"
#include "connectors/bitrix24/bitrix24_request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(char *s, size_t points) {
    if (!utf8_is_valid(s, strlen(s)) || utf8_length(s, strlen(s)) > points)
        abort();
    free(s);
}

static void as_message(const json_t *m) {
    static const struct bitrix24_saying s = {true, 200};
    json_t *out = bitrix24_say(m, &s), *one;
    size_t i;
    json_array_foreach(out, i, one) if (!json_is_string(one) || json_string_length(one) > 200)
        abort();
    json_decref(out);
    out = bitrix24_files(m, &(struct media_links){.public_url = "https://gw", .secret = "s"});
    json_decref(out);
    json_t *command = bitrix24_command("m", m, "");
    if (!json_is_string(command) || strstr(json_string_value(command), "$result["))
        abort();
    json_decref(command);
    json_t *fm = bitrix24_multifields(m, false);
    json_decref(fm);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *text = mem_strndup((const char *)data, size), *author;
    utf8_repair(text);
    size_t n = strlen(text);
    check(bitrix24_person(text), 25);
    char *plain = bitrix24_plain(text, &author);
    check(author, 100);
    check(plain, n + 1);
    free(text);
    json_t *m = json_loadb((const char *)data, size, 0, NULL);
    if (m)
        as_message(m);
    json_decref(m);
    return 0;
}
