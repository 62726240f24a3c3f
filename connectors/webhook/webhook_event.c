/* webhook_event.c - {"type","timestamp","data"}, as Standard Webhooks would have it. */
#include "base/json_text.h"
#include "connectors/webhook/webhook_event.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/id.h"
#include "base/mem.h"

#define CARD_MAX 200
#define URL_MAX 2000
#define VERSION_LEN 16 /* of the hash in an id */

/* Takes data over. */
static char *body_of(const char *type, const char *timestamp, json_t *data) {
    json_t *all = json_pack("{s:s,s:s,s:o}", "type", type, "timestamp", timestamp, "data", data);
    char *body = json_dumps(all, JSON_COMPACT);
    json_decref(all);
    return body;
}

/* What has changed is another event; the same content of the same change is the same one. */
static void versioned_id(
    const char *of, const json_t *content, const char *change, char out[WEBHOOK_ID_SIZE]) {
    char hash[CRYPTO_HEX_SIZE], *json = json_dumps(content, JSON_COMPACT | JSON_SORT_KEYS);
    char *all = mem_printf("%s%s", json, change);
    crypto_sha256_hex(span_str(all), hash);
    free(all);
    free(json);
    snprintf(out, WEBHOOK_ID_SIZE, "%.32s_%.*s", of, VERSION_LEN, hash);
}

void webhook_event_client(
    const json_t *client, const char *change, int64_t now_ms, struct webhook_event *out) {
    char when[CLOCK_TEXT_SIZE];
    json_t *told = json_copy((json_t *)client);
    json_object_del(told, "cards"); /* what other CRMs call him is theirs */
    json_object_del(told, "renamed");
    versioned_id(json_text(client, "id"), told, change, out->id);
    out->type = "client.updated";
    out->body = body_of(out->type, clock_format(now_ms, when), json_pack("{s:o}", "client", told));
}

static json_t *data_of(const struct crm_attach *a, json_t *message) {
    const json_t *c = a->client;
    json_t *data = json_pack("{s:o,s:{s:s,s:s},s:s}", "message", message, "client", "id",
        json_text(c, "id"), "name", json_text(c, "name"), "card", a->card_id);
    if (a->late)
        json_object_set_new(data, "late", json_true());
    return data;
}

void webhook_event_message(
    const struct crm_attach *a, const char *change, size_t max, struct webhook_event *out) {
    const char *type = a->known ? "message.updated" : "message.created";
    const char *at = json_text(a->message, "received_at");
    json_t *message = json_copy((json_t *)a->message);
    out->type = type;
    if (a->known)
        versioned_id(json_text(message, "id"), message, change, out->id);
    else
        snprintf(out->id, sizeof out->id, "%.32s", json_text(message, "id"));
    out->body = body_of(type, at, data_of(a, message));
    if (strlen(out->body) <= max)
        return;
    static const char *const large[] = {"text", "html", "quoted", "email", "edits", "raw"};
    message = json_copy((json_t *)a->message);
    for (size_t i = 0; i < ARRAY_LEN(large); i++)
        json_object_del(message, large[i]);
    json_object_set_new(message, "thin", json_true());
    free(out->body);
    out->body = body_of(type, at, data_of(a, message));
}

void webhook_event_merge(const char *from_client, const char *into_client, int64_t number,
    bool undone, int64_t now_ms, struct webhook_event *out) {
    char when[CLOCK_TEXT_SIZE];
    int n = snprintf(out->id, sizeof out->id, "%.26s_%s_%.26s", from_client,
        undone ? "from" : "into", into_client);
    if (number > 0)
        snprintf(out->id + n, sizeof out->id - (size_t)n, "_%" PRId64, number);
    out->type = undone ? "client.unmerged" : "client.merged";
    out->body = body_of(out->type, clock_format(now_ms, when),
        json_pack("{s:s,s:s}", "from", from_client, "into", into_client));
}

void webhook_event_failed(
    const json_t *reply, const struct err *why, int64_t now_ms, struct webhook_event *out) {
    static const char *const kept[] = {"id", "thread", "client", "card"};
    char when[CLOCK_TEXT_SIZE];
    json_t *data = json_object();
    for (size_t i = 0; i < ARRAY_LEN(kept); i++)
        if (json_object_get(reply, kept[i]))
            json_object_set(data, kept[i], json_object_get(reply, kept[i]));
    json_object_set_new(
        data, "error", json_pack("{s:s,s:s}", "code", err_name(why->code), "text", why->text));
    versioned_id("failed", data, "", out->id);
    out->type = "reply.failed";
    out->body = body_of(out->type, clock_format(now_ms, when), data);
}

void webhook_event_test(int64_t now_ms, struct webhook_event *out) {
    char when[CLOCK_TEXT_SIZE];
    id_make(0, out->id);
    out->type = "test";
    out->body = body_of(out->type, clock_format(now_ms, when),
        json_pack("{s:s}", "text", "This is a trial: nothing has happened."));
}

static char *line_of(const json_t *o, const char *key, size_t max) {
    const char *value = json_text(o, key);
    bool is_good = *value && strlen(value) <= max;
    for (const char *c = value; *c; c++)
        is_good = is_good && (unsigned char)*c >= ' ' && *c != 0x7f;
    return is_good ? mem_strdup(value) : NULL;
}

char *webhook_answer_card(struct span body, char **url_out) {
    json_t *j = body.n ? json_loadb(body.p, body.n, 0, NULL) : NULL;
    const json_t *card = json_object_get(j, "card");
    char *id = line_of(card, "id", CARD_MAX);
    *url_out = line_of(card, "url", URL_MAX);
    json_decref(j);
    return id;
}
