/* kommo_event.c - {"account_id","message":{"sender","conversation","message"}}, version 2. */
#include "base/json_text.h"
#include "connectors/kommo/kommo_event.h"

#include <string.h>

#include "base/json_strict.h"
#include "core/crm/crm_flow.h"

#define DEPTH_MAX 16
#define ID_MAX 128
#define NAME_MAX 200
#define URL_MAX 4096

/* "" also when it is longer than any of theirs. */
static const char *brief(const json_t *o, const char *key, size_t max) {
    const char *s = json_text(o, key);
    return strlen(s) <= max ? s : "";
}

static bool is_id(const char *s) {
    return *s && !s[strspn(s, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_")];
}

/* What has no text of its own is told in words. */
static json_t *text_of(const json_t *said) {
    const json_t *place = json_object_get(said, "location");
    const json_t *contact = json_object_get(said, "contact");
    const char *text = json_text(said, "text");
    if (!*text && json_is_object(place))
        return json_sprintf("%.6f, %.6f", json_number_value(json_object_get(place, "lat")),
            json_number_value(json_object_get(place, "lon")));
    if (!*text && json_is_object(contact))
        return json_sprintf(
            "%s %s", brief(contact, "name", NAME_MAX), brief(contact, "phone", NAME_MAX));
    return json_string(text);
}

/* Whose, where: NULL there is nothing in it for a client. */
static json_t *event_of(const json_t *said, const json_t *sender, const char *chat,
    const char *thread, const char *account) {
    const char *url = brief(said, "media", URL_MAX);
    json_t *text = text_of(said);
    json_t *event = json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:o}", "id", brief(said, "id", ID_MAX),
        "chat", chat, "thread", thread, "account", account, "sender", brief(sender, "id", ID_MAX),
        "author", brief(sender, "name", NAME_MAX), "text", text);
    if (*url && strcmp(json_text(said, "type"), "text") != 0)
        json_object_set_new(event, "file",
            json_pack("{s:s,s:s}", "url", url, "name", brief(said, "file_name", NAME_MAX)));
    if (!*json_string_value(text) && !json_object_get(event, "file")) {
        json_decref(event);
        return NULL;
    }
    return event;
}

static bool has_id(const json_t *said) {
    return is_id(brief(said, "id", ID_MAX));
}

json_t *kommo_event_told(
    const json_t *message, const char *chat, const char *thread, long long since_s) {
    const json_t *said = json_object_get(message, "message");
    const json_t *sender = json_object_get(message, "sender");
    bool is_ours = *json_text(said, "client_id") || *json_text(sender, "client_id");
    if (is_ours || !has_id(said) ||
        json_integer_value(json_object_get(message, "timestamp")) < since_s)
        return NULL;
    return event_of(said, sender, chat, thread, "");
}

int kommo_event(struct span body, json_t **out, struct err *err) {
    *out = NULL;
    json_t *root = json_strict_parse(body, DEPTH_MAX, err);
    if (!root)
        return -1;
    const json_t *message = json_object_get(root, "message");
    const json_t *said = json_object_get(message, "message");
    const json_t *chat = json_object_get(message, "conversation");
    int rc = 0;
    if (!json_is_object(root))
        rc = err_set(err, ERR_INVALID, "the hook's body is no object");
    else if (!json_is_object(message))
        rc = 0; /* an action: somebody types, a reaction */
    else if (!has_id(said))
        rc = err_set(err, ERR_INVALID, "the hook's message has no id");
    else if (!*json_text(said, "client_id")) /* else it is ours, come back */
        *out = event_of(said, json_object_get(message, "sender"), brief(chat, "id", ID_MAX),
            brief(chat, "client_id", ID_MAX), brief(root, "account_id", ID_MAX));
    json_decref(root);
    return rc;
}

/* --- contacts -------------------------------------------------------------------------------- */

static bool is_number(const char *s) {
    return *s && strlen(s) < 19 && !s[strspn(s, "0123456789")];
}

/* A web hook has the whole contact, whatever has changed; another responsible has the old one, too.
 * Companies come under the same name. */
json_t *kommo_changes(const json_t *form) {
    static const char *const actions[] = {"update", "responsible"};
    const json_t *contacts = json_object_get(form, "contacts");
    json_t *out = json_array(), *one;
    const char *key;
    for (size_t i = 0; i < 2; i++) {
        json_object_foreach(json_object_get(contacts, actions[i]), key, one) {
            const char *id = json_text(one, "id"), *type = json_text(one, "type");
            bool other = i == 1 || *json_text(one, "old_responsible_user_id");
            if (is_number(id) && (!*type || strcmp(type, "contact") == 0))
                json_array_append_new(
                    out, crm_flow_change(id, CRM_MAYBE, other ? CRM_CHANGED : CRM_MAYBE, NULL));
        }
    }
    return out;
}
