/* hubspot_channel_fuzz.c - any body that is posted to us as HubSpot's, any bit of HTML, and any
 * message as a message for its inbox. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "connectors/hubspot/hubspot_channel.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must_be(int good) {
    if (!good)
        abort();
}

static void try_answers(const json_t *answers) {
    size_t i;
    json_t *row;
    json_array_foreach(answers, i, row) {
        const json_t *one = json_object_get(row, "event");
        must_be(json_string_length(json_object_get(row, "lane")) > 0);
        must_be(json_string_length(json_object_get(one, "id")) > 0);
        must_be(json_is_string(json_object_get(one, "thread")));
        must_be(json_is_string(json_object_get(one, "text")));
        must_be(json_is_array(json_object_get(one, "files")));
    }
}

static void try_message(const uint8_t *data, size_t size) {
    json_t *j = json_loadb((const char *)data, size, 0, NULL);
    struct hubspot_message m = {.message = j,
        .client = json_object_get(j, "client"),
        .text = "text",
        .account = "1",
        .address = "us",
        .card = "17",
        .key = "key",
        .files = json_object_get(j, "files")};
    json_t *body = json_is_object(j) ? hubspot_message_body(&m) : json_object();
    must_be(json_is_object(body));
    json_decref(body);
    json_decref(j);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct err err = {0};
    struct span body = span_of((const char *)data, size);
    json_t *answers = hubspot_answers(body, "77", &err);
    must_be(answers || err.text[0]);
    try_answers(answers);
    json_decref(answers);
    json_t *changes = hubspot_changes(body, "firstname", &err), *one;
    size_t i;
    must_be(changes || err.text[0]);
    json_array_foreach(changes, i, one)
        must_be(json_string_length(json_object_get(one, "lane")) > 0);
    json_decref(changes);
    try_message(data, size);
    char *text = mem_strndup((const char *)data, size), *plain = hubspot_plain(text);
    must_be(strlen(plain) <= strlen(text));
    struct hubspot_there there;
    hubspot_there_read(text, &there);
    char *again = hubspot_there_text(&there);
    must_be(strlen(again) < sizeof there.id + sizeof there.changed + 25);
    free(again);
    struct hubspot_signed s = {.secret = "s",
        .method = "POST",
        .uri = "https://x",
        .body = body,
        .timestamp = text,
        .signature = text};
    must_be(hubspot_signed_check(&s, 1764417600000, &err) < 0);
    free(plain);
    free(text);
    return 0;
}
