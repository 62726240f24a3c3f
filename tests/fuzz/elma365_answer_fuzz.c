/* elma365_answer_fuzz.c - any answer of ELMA365's: as a list, an item, a feed, a scheme; and any
 * path and field that an admin may have written. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "connectors/elma365/elma365_compose.h"
#include "core/crm/crm_fields.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct elma365_fields fields = {"_phone", "_email", "gw_ids", "_fullname", "_owner"};

static void try_items(const json_t *answer) {
    json_t *found = json_array();
    static const char *const kinds[] = {"mark", "messenger", "phone", "mail"};
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        elma365_hits(answer, &fields, kinds[i], "+79001234567", "RU", found);
    const json_t *item = json_object_get(answer, "item");
    json_t *card = elma365_card(item, &fields);
    json_t *missing =
        json_pack("[{s:s,s:s},{s:s,s:s},{s:s,s:s}]", "kind", "mark", "value", "switchboard:C",
            "kind", "phone", "value", "+79001234567", "kind", "messenger", "value", "telegram:1");
    json_t *context = elma365_additions(item, missing, &fields);
    if (!json_is_object(context) || (!json_is_object(card) && !json_is_null(card)))
        abort();
    elma365_batch_contact(answer);
    elma365_has_field(answer, "_phone");
    json_decref(context);
    json_decref(missing);
    json_decref(card);
    json_decref(found);
}

static void try_feed(const json_t *answer, const struct elma365_names *names) {
    struct err err = {0};
    json_t *entries = json_array();
    if (elma365_entries(answer, names, NULL, entries, &err) < 0 && !err.text[0])
        abort();
    json_t *sorted = elma365_in_order(entries);
    if (json_array_size(sorted) != json_array_size(entries))
        abort();
    elma365_message_with(answer, names, "01JDFX3T5KABCDEFGHJKMNPQRS");
    json_decref(sorted);
    json_decref(entries);
}

/* The first line is what an admin wrote. */
static void try_settings(char *line) {
    struct err err = {0};
    struct elma365_names names;
    const char *const rows[] = {line, NULL};
    struct elma365_place at = {"_clients", "_contacts", line, "a/b"};
    struct crm_flow_who who = {
        .client = NULL, .id = "C", .mark = "switchboard:C", .name = "Ann", .ways = NULL};
    if (elma365_names_check(line, &err) == 0) {
        elma365_names_read(&names, rows);
        char *path = elma365_path("https://x", names.of[NAME_COMMENT], &at);
        if (strstr(path, "{message}"))
            abort();
        free(path);
    }
    if (crm_fields_check(line, &err) == 0)
        json_decref(elma365_contact(&who, &fields, rows));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct err err = {0};
    struct elma365_names names;
    const uint8_t *end = memchr(data, '\n', size);
    size_t n = end ? (size_t)(end - data) : 0;
    char *line = mem_strndup((const char *)data, n);
    struct http_answer a = {.status = size % 7 ? 200 : 400,
        .body = span_of((const char *)data + n, size - n),
        .content_type = "",
        .retry_after_s = -1};
    json_t *answer = elma365_result(&a, &err);
    if (!answer && (!err.code || !err.text[0]))
        abort();
    try_settings(line);
    elma365_names_read(&names, NULL);
    if (answer) {
        try_items(answer);
        try_feed(answer, &names);
    }
    json_decref(answer);
    free(line);
    return 0;
}
