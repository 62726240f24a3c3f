/* kommo_answer_fuzz.c - any answer of Kommo's, of any status, as what it may be taken for. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "connectors/kommo/kommo_answer.h"
#include "connectors/kommo/kommo_compose.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_contact(const json_t *j) {
    static const struct kommo_contact_options o = {.mark_field = "77", .responsible = 1};
    json_t *card = kommo_card(j, "SWITCHBOARD");
    json_t *ways = json_object_get(card, "ways");
    json_t *body = kommo_contact_add(j, ways, false, &o);
    struct crm_flow_who who = {
        .id = "C", .mark = "switchboard:C", .name = "x", .ways = ways, .is_plain = false};
    json_t *new = ways ? kommo_contact_new(&who, &o) : NULL;
    json_t *queries = ways ? kommo_queries(&who) : NULL;
    if (ways && (json_array_size(new) != 1 || json_array_size(queries) < 1))
        abort();
    json_decref(new);
    json_decref(queries);
    json_decref(body);
    json_decref(card);
}

static void read_lists(const json_t *j) {
    json_t *found = json_array(), *entries = json_array(), *one;
    size_t i;
    kommo_found(j, "SWITCHBOARD", found);
    kommo_entries(j, NULL, entries);
    json_array_foreach(
        entries, i, one) if (json_string_length(json_object_get(one, "message")) != 26) abort();
    kommo_first_id(j, "leads");
    kommo_has_next(j);
    json_decref(found);
    json_decref(entries);
}

/* A message of ours is not theirs to make; but whatever it is, it must have a body, or its files.
 */
static void write_message(const json_t *j) {
    struct kommo_compose_options o = {.text = {.max = 4000, .links = {.public_url = "https://x"}},
        .country = "RU",
        .bot = "b",
        .now_ms = 1795953840250};
    json_t *bodies = kommo_messages(j, j, false, &o), *files = kommo_files(j, j, &o);
    if (json_array_size(bodies) + json_array_size(files) < 1)
        abort();
    json_decref(bodies);
    json_decref(files);
    json_decref(kommo_status(j, "x"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const int statuses[] = {200, 204, 400, 402, 403, 404, 429, 504};
    struct err err = {0};
    if (size < 1)
        return 0;
    struct http_answer a = {.status = statuses[data[0] % 8],
        .body = span_of((const char *)data + 1, size - 1),
        .content_type = "",
        .retry_after_s = -1};
    struct crm_tokens tokens;
    if (kommo_tokens(&a, &tokens, &err) == 0) {
        if (!tokens.access[0] || !tokens.refresh[0])
            abort();
        free(tokens.access);
        free(tokens.refresh);
    } else if (!err.code) {
        abort();
    }
    json_t *j = kommo_answer(&a, &err);
    if (!j) {
        if (!err.code || !err.text[0])
            abort();
        return 0;
    }
    read_contact(j);
    read_lists(j);
    if (json_is_object(j))
        write_message(j);
    json_decref(j);
    char *text = mem_strndup((const char *)data, size), *encoded = kommo_encode(text);
    if (strlen(encoded) < strlen(text))
        abort();
    kommo_mark_since(text);
    free(encoded);
    free(text);
    return 0;
}
