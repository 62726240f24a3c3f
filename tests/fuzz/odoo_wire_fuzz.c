/* odoo_wire_fuzz.c - any answer of Odoo's by either API, as a result, an error, contacts, notes;
 * and any client's ways in a search and on a contact. The first byte says which status it had. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "connectors/odoo/odoo_wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_who(const struct odoo_fields *f, const json_t *ways, const json_t *client) {
    struct crm_flow_who who = {
        .client = client, .mark = "switchboard:C", .name = "Ann", .ways = ways};
    json_t *domain = odoo_find_domain(f, &who), *contact = odoo_contact(f, &who, client);
    size_t n = json_array_size(domain);
    if (domain && (n % 2 == 0 || !json_is_array(json_array_get(domain, n - 1))))
        abort();
    for (size_t i = 0; i < n; i++)
        if (json_is_string(json_array_get(domain, i)) != (i < n / 2))
            abort();
    const char *comment = json_string_value(json_object_get(contact, "comment"));
    for (const char *p = comment ? strchr(comment, '<') : NULL; p; p = strchr(p + 1, '<'))
        if (strncmp(p, "<br>", 4) != 0)
            abort();
    for (unsigned i = 0; i < 4; i++)
        odoo_utm(client, i);
    json_decref(contact);
    json_decref(domain);
}

static void try_record(const struct odoo_fields *f, const json_t *record) {
    char message[ODOO_MESSAGE_SIZE];
    const char *id = json_string_value(json_object_get(record, "message_id"));
    json_t *ways = odoo_ways(f, record);
    json_t *changes = odoo_changes(f, record, ways, false);
    if (odoo_id(json_object_get(record, "id")) < 0)
        abort();
    if (id && odoo_message_of(id, message) && strlen(message) != ODOO_MESSAGE_SIZE - 1)
        abort();
    json_decref(changes);
    json_decref(ways);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const int statuses[] = {200, 401, 403, 404, 422, 429, 500, 302};
    struct odoo_fields f = {"x_mark", size % 3 ? "x_msgr" : "", size % 2 ? "lead" : "none", 0, 0};
    struct err err = {0};
    json_t *result, *one;
    size_t i;
    if (size < 1)
        return 0;
    bool json2 = data[0] & 8;
    struct http_answer a = {.status = statuses[data[0] % 8],
        .body = span_of((const char *)data + 1, size - 1),
        .content_type = "",
        .retry_after_s = -1};
    int rc = odoo_result(&a, json2, &result, &err);
    if ((rc < 0) != (result == NULL) || (rc < 0 && (!err.code || !err.text[0])) ||
        (rc == 0 && a.status != 200))
        abort();
    if (!result)
        return 0;
    if (odoo_take_schema(result, &f, &err) < 0 && !err.code)
        abort();
    json_array_foreach(result, i, one) try_record(&f, one);
    try_record(&f, result);
    try_who(&f, result, json_array_get(result, 0));
    json_decref(result);
    return 0;
}
