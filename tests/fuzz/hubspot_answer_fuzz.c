/* hubspot_answer_fuzz.c - any answer of HubSpot's: as a contact, a search, a page of associations,
 * a batch of entries, a refusal; for any client. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "connectors/hubspot/hubspot_answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct hubspot_properties properties = {
    "gw_id", "firstname", "phone", "mobilephone", "email", "gw_ids"};
static const struct hubspot_history notes = {"notes", "hs_note_body", 202, true};

static void must_be(int good) {
    if (!good)
        abort();
}

static void try_contact(const json_t *answer) {
    struct err err = {0};
    json_t *found = json_array(), *card = hubspot_card(answer, &properties);
    const json_t *first = hubspot_first(answer, &err);
    must_be(first || err.text[0]);
    hubspot_hits(answer, &properties, found);
    json_t *missing =
        json_pack("[{s:s,s:s},{s:s,s:s},{s:s,s:s}]", "kind", "mark", "value", "switchboard:C",
            "kind", "phone", "value", "+79001234567", "kind", "messenger", "value", "telegram:1");
    json_t *more = hubspot_additions(answer, missing, &properties);
    must_be(json_is_object(more));
    json_decref(more);
    json_decref(missing);
    json_decref(card);
    json_decref(found);
}

static void try_entries(const json_t *answer) {
    json_t *ids = json_array(), *entries = json_array();
    hubspot_associated(answer, ids);
    json_t *sorted = hubspot_newest_first(ids);
    json_t *batch = hubspot_batch(sorted, 0, &notes);
    must_be(json_array_size(json_object_get(batch, "inputs")) <= HUBSPOT_BATCH);
    hubspot_entries(answer, &notes, NULL, entries);
    json_t *shown = hubspot_in_order(entries);
    must_be(json_array_size(shown) == json_array_size(entries));
    json_decref(shown);
    json_decref(batch);
    json_decref(sorted);
    json_decref(entries);
    json_decref(ids);
}

static void try_client(const json_t *answer) {
    static const char *const extra[] = {"a=1", "b={name}", NULL};
    const json_t *ways = json_object_get(answer, "ways");
    struct crm_flow_who who = {
        .client = answer, .id = "C", .mark = "switchboard:C", .name = "Ann", .ways = ways};
    struct crm_flow_entry e = {.card = "1",
        .text = "text",
        .mark = "#C",
        .message = answer,
        .client = answer,
        .files = json_object_get(answer, "files")};
    json_t *searches = hubspot_searches(ways, &properties), *entry = hubspot_entry(&e, &notes);
    for (int plain = 0; plain < 2; plain++) {
        who.is_plain = plain;
        json_t *contact = hubspot_contact(&who, &properties, extra);
        must_be(json_is_object(contact));
        json_decref(contact);
    }
    static const struct hubspot_deals deals = {true, "s", "p", "gw_id", extra};
    json_t *deal = hubspot_deal(answer, "1", &deals);
    must_be(json_is_object(entry) && json_is_array(searches) && json_is_object(deal));
    json_decref(deal);
    json_decref(entry);
    json_decref(searches);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const int statuses[] = {200, 201, 207, 400, 403, 409, 429, 500};
    struct err err = {0};
    unsigned retry_ms = 0;
    char id[24];
    struct http_answer a = {.status = size ? statuses[data[0] % 8] : 200,
        .body = span_of((const char *)data + (size > 0), size - (size > 0)),
        .content_type = "",
        .retry_after_s = -1};
    json_t *answer = hubspot_result(&a, &err, &retry_ms);
    if (!answer) {
        must_be(err.code && err.text[0]);
        hubspot_existing(err.text, id);
        return 0;
    }
    try_contact(answer);
    try_entries(answer);
    try_client(answer);
    json_decref(answer);
    return 0;
}
