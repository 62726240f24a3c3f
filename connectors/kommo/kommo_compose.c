/* kommo_compose.c - a signed request's headers, and the payloads. */
#include "base/json_text.h"
#include "connectors/kommo/kommo_compose.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "core/crm/crm_person.h"

#define OLD_MS (24LL * 3600 * 1000) /* then it is history, and calls nobody */
#define WHY_MAX 250

/* --- signatures ------------------------------------------------------------------------------ */

/* Not by strftime(), whose words follow the locale. */
static void format_date(int64_t now_ms, char out[KOMMO_DATE_SIZE]) {
    static const char days[][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char months[][4] = {
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    time_t now = (time_t)(now_ms / 1000);
    struct tm t;
    gmtime_r(&now, &t);
    snprintf(out, KOMMO_DATE_SIZE, "%s, %02d %s %04d %02d:%02d:%02d +0000", days[t.tm_wday],
        t.tm_mday, months[t.tm_mon], (t.tm_year + 1900) % 10000, t.tm_hour, t.tm_min, t.tm_sec);
}

void kommo_sign(const char *secret, const char *method, const char *path, struct span body,
    int64_t now_ms, struct kommo_signature *out) {
    format_date(now_ms, out->date);
    crypto_md5_hex(body, out->md5);
    char *text = mem_printf("%s\n%s\napplication/json\n%s\n%s", method, out->md5, out->date, path);
    crypto_hmac_sha1_hex(span_str(secret), span_str(text), out->signature);
    free(text);
}

static bool is_signed(const char *secret, struct span body, const char *signature) {
    char right[CRYPTO_SHA1_SIZE];
    crypto_hmac_sha1_hex(span_str(secret), body, right);
    return crypto_equal(span_str(right), span_str(signature));
}

bool kommo_is_signed(const char *secret, struct span body, const char *signature) {
    struct span bare = body;
    if (!signature || !*secret)
        return false;
    while (bare.n && bare.p[bare.n - 1] == '\n')
        bare.n--;
    return is_signed(secret, body, signature) ||
           (bare.n < body.n && is_signed(secret, bare, signature));
}

/* --- people ---------------------------------------------------------------------------------- */

const char *kommo_user_of(const char *const *users, const char *agent) {
    size_t n = strlen(agent);
    for (; n && users && *users; users++)
        if (strncmp(*users, agent, n) == 0 && (*users)[n] == '=' && (*users)[n + 1])
            return *users + n + 1;
    return NULL;
}

json_t *kommo_agent_of(const char *const *users, const char *user) {
    for (; *user && users && *users; users++) {
        const char *is = strchr(*users, '=');
        if (is && is != *users && strcmp(is + 1, user) == 0)
            return json_stringn(*users, (size_t)(is - *users));
    }
    return NULL;
}

static void add_to_profile(void *arg, const struct crm_way *way) {
    const char *key = way->kind == CRM_PHONE ? "phone" : way->kind == CRM_MAIL ? "email" : NULL;
    if (key && !json_object_get(arg, key))
        json_object_set_new(arg, key, json_string(way->value));
}

json_t *kommo_person(const json_t *client, const char *country) {
    const char *id = json_text(client, "id"), *name = json_text(client, "name");
    json_t *profile = json_object();
    json_t *person = json_pack("{s:s,s:s}", "id", id, "name", *name ? name : id);
    crm_ways(client, country, add_to_profile, profile);
    if (json_object_size(profile))
        json_object_set(person, "profile", profile);
    json_decref(profile);
    return person;
}

static json_t *writer(const json_t *message, const struct kommo_compose_options *o) {
    const json_t *from = json_object_get(message, "from");
    const char *agent = json_text(from, "agent");
    const char *name = *json_text(from, "name") ? json_text(from, "name") : agent;
    const char *user = kommo_user_of(o->users, agent);
    return json_pack("{s:o,s:s,s:s}", "id",
        json_sprintf("agent:%s", *agent ? agent : "switchboard"), "name",
        *name ? name : "Switchboard", "ref_id", user ? user : o->bot);
}

/* --- messages -------------------------------------------------------------------------------- */

static bool is_out(const json_t *message) {
    return strcmp(json_text(message, "direction"), "out") == 0;
}

static int64_t time_of(const json_t *message, const struct kommo_compose_options *o) {
    int64_t at;
    if (clock_parse(json_text(message, "sent_at"), &at) == 0 && at > 0)
        return at;
    return clock_parse(json_text(message, "received_at"), &at) == 0 && at > 0 ? at : o->now_ms;
}

/* The first piece has the message's own id: who knows it, knows them all. */
static json_t *piece_id(const json_t *message, size_t i) {
    return i ? json_sprintf("%s-%zu", json_text(message, "id"), i + 1)
             : json_string(json_text(message, "id"));
}

static json_t *body_of(const json_t *message, json_t *id, bool is_edit, json_t *content,
    const struct kommo_compose_options *o) {
    int64_t at = time_of(message, o);
    json_t *payload = json_pack("{s:I,s:I,s:o,s:s,s:o}", "timestamp", (json_int_t)(at / 1000),
        "msec_timestamp", (json_int_t)at, "msgid", id, "conversation_id",
        json_text(message, "thread"), "message", content);
    return json_pack(
        "{s:s,s:o}", "event_type", is_edit ? "edit_message" : "new_message", "payload", payload);
}

void kommo_set_event(json_t *body, bool is_edit) {
    json_object_set_new(body, "event_type", json_string(is_edit ? "edit_message" : "new_message"));
}

static json_t *place_of(const json_t *message) {
    const json_t *place = json_object_get(message, "location");
    json_t *lat = json_object_get(place, "lat"), *lon = json_object_get(place, "lon");
    if (*json_text(message, "text") || !json_is_number(lat) || !json_is_number(lon))
        return NULL;
    return json_pack("{s:s,s:s,s:{s:O,s:O}}", "type", "location", "text", json_text(place, "name"),
        "location", "lon", lon, "lat", lat);
}

static json_t *contact_of(const json_t *message) {
    const json_t *contact = json_object_get(message, "contact");
    if (*json_text(message, "text") || !*json_text(contact, "name") ||
        !*json_text(contact, "phone"))
        return NULL;
    return json_pack("{s:s,s:s,s:{s:s,s:s}}", "type", "contact", "text", "", "contact", "name",
        json_text(contact, "name"), "phone", json_text(contact, "phone"));
}

/* The file can be fetched: it is a message by itself. */
static bool is_sent(const json_t *file, const struct kommo_compose_options *o) {
    return *json_text(file, "id") && o->text.links.public_url && *o->text.links.public_url;
}

static json_t *files_of(const json_t *message, const struct kommo_compose_options *o, bool sent) {
    json_t *out = json_array(), *file;
    size_t i;
    json_array_foreach(json_object_get(message, "attachments"), i,
        file) if (is_sent(file, o) == sent) json_array_append(out, file);
    return out;
}

static bool says_more(const json_t *message, const json_t *unsent) {
    return *json_text(message, "text") || *json_text(message, "subject") ||
           *json_text(message, "deleted_at") || json_array_size(unsent) ||
           json_object_get(message, "location") || json_object_get(message, "contact");
}

static json_t *text_contents(
    const json_t *message, const json_t *client, const struct kommo_compose_options *o) {
    json_t *out = json_array(), *one, *said = json_copy((json_t *)message);
    json_t *sent = files_of(message, o, true), *unsent = files_of(message, o, false);
    struct crm_text_options to = o->text;
    size_t i;
    to.bare = true;
    to.links = (struct media_links){0}; /* what can be fetched needs none */
    if (says_more(message, unsent))
        json_object_set(said, "attachments", unsent);
    if (says_more(message, unsent) || !json_array_size(sent) || o->had_text) {
        json_t *texts = crm_text(said, client, &to);
        json_array_foreach(texts, i, one)
            json_array_append_new(out, json_pack("{s:s,s:O}", "type", "text", "text", one));
        json_decref(texts);
    }
    json_decref(sent);
    json_decref(unsent);
    json_decref(said);
    return out;
}

/* The pieces' contents. */
static json_t *contents_of(
    const json_t *message, const json_t *client, const struct kommo_compose_options *o) {
    bool has_files = json_array_size(json_object_get(message, "attachments")) > 0;
    json_t *whole = has_files || *json_text(message, "deleted_at") ? NULL : place_of(message);
    if (!whole && !has_files && !*json_text(message, "deleted_at"))
        whole = contact_of(message);
    return whole ? json_pack("[o]", whole) : text_contents(message, client, o);
}

/* Takes the content. */
static json_t *request_of(const json_t *message, const json_t *client, json_t *id, bool is_edit,
    json_t *content, const struct kommo_compose_options *o) {
    bool out_of_house = is_out(message);
    bool calls = !out_of_house && !o->late && o->now_ms - time_of(message, o) < OLD_MS;
    json_t *body = body_of(message, id, is_edit, content, o);
    json_t *payload = json_object_get(body, "payload");
    json_object_set_new(
        payload, "sender", out_of_house ? writer(message, o) : kommo_person(client, o->country));
    if (out_of_house)
        json_object_set_new(payload, "receiver", kommo_person(client, o->country));
    json_object_set_new(payload, "silent", json_boolean(!calls));
    return body;
}

json_t *kommo_messages(const json_t *message, const json_t *client, bool is_edit,
    const struct kommo_compose_options *o) {
    json_t *contents = contents_of(message, client, o), *out = json_array(), *one;
    size_t i;
    json_array_foreach(contents, i, one) json_array_append_new(
        out, request_of(message, client, piece_id(message, i), is_edit, json_incref(one), o));
    json_decref(contents);
    return out;
}

static const char *type_of(const json_t *file) {
    const char *kind = json_text(file, "kind");
    return strcmp(kind, "image") == 0   ? "picture"
           : strcmp(kind, "video") == 0 ? "video"
           : strcmp(kind, "audio") == 0 ? "audio"
                                        : "file";
}

json_t *kommo_files(
    const json_t *message, const json_t *client, const struct kommo_compose_options *o) {
    json_t *files = files_of(message, o, true), *out = json_array(), *file;
    size_t i;
    json_array_foreach(files, i, file) {
        const char *name =
            *json_text(file, "name") ? json_text(file, "name") : json_text(file, "kind");
        char *url = media_link(&o->text.links, json_text(file, "id"));
        json_t *content = json_pack("{s:s,s:s,s:s,s:s,s:I}", "type", type_of(file), "text", "",
            "media", url, "file_name", name, "file_size",
            (json_int_t)json_integer_value(json_object_get(file, "size")));
        json_array_append_new(
            out, request_of(message, client,
                     json_sprintf("%s-f%zu", json_text(message, "id"), i + 1), false, content, o));
        free(url);
    }
    json_decref(files);
    return out;
}

json_t *kommo_emptied(const json_t *message, size_t i, const struct kommo_compose_options *o) {
    return body_of(message, piece_id(message, i), true,
        json_pack("{s:s,s:s}", "type", "text", "text", "…"), o);
}

/* --- statuses -------------------------------------------------------------------------------- */

/* The vendor's page names the field status_code in its table and delivery_status in its example:
 * both are given. */
static json_t *status_of(const char *id, int code) {
    return json_pack("{s:s,s:i,s:i}", "msgid", id, "delivery_status", code, "status_code", code);
}

json_t *kommo_failure(const char *id, int code, const char *why) {
    char text[WHY_MAX];
    json_t *j = status_of(id, -1);
    snprintf(text, sizeof text, "%.*s", (int)sizeof text - 1, *why ? why : "it was not delivered");
    utf8_repair(text);
    json_object_set_new(j, "error_code", json_integer(code));
    json_object_set_new(j, "error", json_string(text));
    return j;
}

json_t *kommo_status(const json_t *message, const char *id) {
    const char *status = json_text(message, "status");
    const json_t *error = json_object_get(message, "error");
    if (strcmp(status, "delivered") == 0)
        return status_of(id, 1);
    if (strcmp(status, "read") == 0)
        return status_of(id, 2);
    if (strcmp(status, "failed") == 0)
        return kommo_failure(id, 905, json_text(error, "text"));
    return NULL;
}
