/* tryton_answer_fuzz.c - any answer of Tryton's, and any list of found mechanisms for any client.
 */
#include <stdint.h>
#include <stdlib.h>

#include "connectors/tryton/tryton_answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct err err = {0};
    struct http_answer a = {.status = 200,
        .body = span_of((const char *)data, size),
        .content_type = "",
        .retry_after_s = -1};
    json_t *result = tryton_result(&a, &err);
    if (!result) {
        if (!err.code || !err.text[0])
            abort();
        return 0;
    }
    const json_t *client = json_array_get(result, 0);
    json_t *domain = tryton_search_domain(client, "switchboard:C", "RU");
    json_t *ways = tryton_mechanisms(client, "switchboard:C", "RU", size % 2);
    if (!json_is_array(domain) || json_array_size(ways) < 1)
        abort();
    long long party = tryton_choose(json_array_get(result, 1), client, "switchboard:C", "RU");
    if (party < -1)
        abort();
    json_decref(domain);
    json_decref(ways);
    json_decref(result);
    return 0;
}
