/* tryton_answer_fuzz.c - any answer of Tryton's, any list of found mechanisms, any ways of a
 * client.
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
    const struct crm_flow_who who = {.mark = "switchboard:C", .ways = json_array_get(result, 0)};
    json_t *domain = tryton_search_domain(&who);
    json_t *mechanisms = tryton_mechanisms(who.ways, size % 2);
    json_t *ways = tryton_ways_of(json_array_get(result, 1));
    if (!json_is_array(domain) || json_array_size(mechanisms) != json_array_size(who.ways) ||
        !json_is_array(ways))
        abort();
    json_decref(domain);
    json_decref(mechanisms);
    json_decref(ways);
    json_decref(result);
    return 0;
}
