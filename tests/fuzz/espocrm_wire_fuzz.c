/* espocrm_wire_fuzz.c - any answer of EspoCRM's as a list, a record, a post; and any client's ways
 * in a query. The first byte says which status it had. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "connectors/espocrm/espocrm_wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct espocrm_fields fields = {"Contact", "cGwId", "cGwMessengers"};

static void try_who(const json_t *ways, bool plain) {
    struct crm_flow_who who = {
        .mark = "switchboard:C", .name = "Ann", .ways = ways, .is_plain = plain};
    char *path = espocrm_find_path(&fields, &who);
    json_t *record = espocrm_record(&fields, &who);
    for (const char *p = path; *p; p++)
        if (*p <= ' ' || *p >= 127 || *p == '"' || *p == '#')
            abort();
    if (!json_is_string(json_object_get(record, "lastName")))
        abort();
    json_decref(record);
    free(path);
}

static void try_record(const json_t *record) {
    char message[ESPOCRM_MESSAGE_SIZE];
    const char *post = json_string_value(json_object_get(record, "post"));
    const char *id = espocrm_id(record);
    json_t *ways = espocrm_ways(&fields, record);
    json_t *changes = espocrm_changes(&fields, record, ways, false);
    char *name = espocrm_file_name(record);
    if ((id && strpbrk(id, "/?#%. ,\n")) || !*name || strpbrk(espocrm_file_type(record), ";, \n"))
        abort();
    if (post && espocrm_message_of(post, message) && strlen(message) != ESPOCRM_MESSAGE_SIZE - 1)
        abort();
    free(name);
    json_decref(changes);
    json_decref(ways);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const int statuses[] = {200, 400, 401, 403, 404, 409, 429, 500};
    struct err err = {0};
    json_t *result, *one;
    size_t i;
    if (size < 1)
        return 0;
    struct http_answer a = {.status = statuses[data[0] % 8],
        .body = span_of((const char *)data + 1, size - 1),
        .content_type = "",
        .reason = "",
        .retry_after_s = -1};
    int rc = espocrm_result(&a, &result, &err);
    if ((rc < 0) != (a.status != 200 || !result) || (rc < 0 && (!err.code || !err.text[0])))
        abort();
    const json_t *list = espocrm_list(result, &err);
    json_array_foreach(list ? list : result, i, one) try_record(one);
    try_record(result);
    try_who(list, size % 2);
    try_who(result, size % 2);
    json_decref(result);
    return 0;
}
