/* bitrix24_answer_fuzz.c - any answer of Bitrix24's, as each that we ask for: an error, a batch,
 * elements, tokens, contacts, comments. */
#include <stdint.h>
#include <stdlib.h>

#include "connectors/bitrix24/bitrix24_answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_ids(json_t *list, const char *key) {
    size_t i;
    json_t *one;
    json_array_foreach(list, i, one) {
        const json_t *id = key ? json_object_get(one, key) : one;
        if (strtoll(json_string_value(id), NULL, 10) <= 0)
            abort();
    }
    json_decref(list);
}

static void as_records(const json_t *result) {
    struct bitrix24_answer said = {0};
    struct err err = {0};
    json_t *ours = json_array();
    json_t *ids = bitrix24_found_ids(result, &said);
    if (!ids != (said.err.code != ERR_NONE) || json_array_size(ids) > 50)
        abort();
    check_ids(ids, NULL);
    check_ids(bitrix24_found(result), "card");
    int64_t oldest = INT64_MAX;
    if (bitrix24_comments(result, NULL, ours, &oldest) > (int)json_array_size(result))
        abort();
    check_ids(ours, "id");
    json_decref(bitrix24_card(result, "https://x"));
    json_decref(bitrix24_id(result));
    if (bitrix24_elements_check(result, 1, &err) < 0 && !*err.text)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const int statuses[] = {200, 204, 302, 400, 401, 403, 404, 429, 500, 503};
    if (size == 0)
        return 0;
    struct http_answer a = {.status = statuses[data[0] % 10],
        .body = span_of((const char *)data + 1, size - 1),
        .content_type = "",
        .retry_after_s = data[0] > 200 ? data[0] * 1000L : -1};
    struct bitrix24_answer out;
    struct crm_tokens tokens;
    struct err err = {0};
    bitrix24_answer_read(&a, 1760000000, &out);
    if (!out.result != (out.err.code != ERR_NONE) || (out.err.code && !*out.err.text))
        abort();
    if (out.result)
        as_records(out.result);
    json_decref(out.result);
    if ((bitrix24_tokens_read(&a, &tokens, &err) == 0) != (tokens.access && tokens.refresh))
        abort();
    free(tokens.access);
    free(tokens.refresh);
    return 0;
}
