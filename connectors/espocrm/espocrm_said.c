/* espocrm_said.c - signatures, and what is for us. */
#include "base/json_text.h"
#include "connectors/espocrm/espocrm_said.h"

#include <ctype.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "base/mem.h"
#include "connectors/espocrm/espocrm_wire.h"
#include "core/crm/crm_flow.h"
#include "model/message.h"

#define SIGNATURE_MAX 512
#define RECORDS_MAX 1000

/* --- signatures ------------------------------------------------------------------------------ */

int espocrm_check_hook(const char *hook, struct err *err) {
    size_t n = strcspn(hook, ":");
    for (size_t i = 0; i < n; i++)
        if (!isalnum((unsigned char)hook[i]))
            n = 0;
    return n && hook[n] == ':' && strlen(hook + n + 1) >= 8
               ? 0
               : err_set(err, ERR_INVALID,
                     "a webhook is written as \"id:secret key\", as EspoCRM shows both");
}

/* text: "<id>:" and the MAC. */
static bool is_of_hook(const char *hook, struct span text, bool hex, struct span body) {
    char mac_hex[CRYPTO_HEX_SIZE];
    unsigned char mac[32];
    size_t n = strcspn(hook, ":") + 1;
    struct span key = span_str(hook + n);
    if (text.n < n || memcmp(text.p, hook, n) != 0)
        return false;
    crypto_hmac_sha256_hex(key, body, mac_hex);
    crypto_hmac_sha256(key, body, mac);
    return crypto_equal(span_of(text.p + n, text.n - n),
        hex ? span_str(mac_hex) : span_of((const char *)mac, sizeof mac));
}

static bool is_of_any(const char *const *hooks, const char *signature, bool hex, struct span body) {
    unsigned char text[SIGNATURE_MAX];
    size_t n = 0;
    bool found = false;
    if (!signature || sodium_base642bin(text, sizeof text, signature, strlen(signature), NULL, &n,
                          NULL, sodium_base64_VARIANT_ORIGINAL) != 0)
        return false;
    for (; hooks && *hooks; hooks++)
        found = is_of_hook(*hooks, span_of((const char *)text, n), hex, body) || found;
    return found;
}

bool espocrm_is_signed(
    const char *const *hooks, const char *signature, const char *older, struct span body) {
    return signature ? is_of_any(hooks, signature, true, body)
                     : is_of_any(hooks, older, false, body);
}

/* --- what is for us -------------------------------------------------------------------------- */

static json_t *files_of(const json_t *note) {
    const json_t *names = json_object_get(note, "attachmentsNames");
    json_t *out = json_array(), *one;
    size_t i;
    json_array_foreach(json_object_get(note, "attachmentsIds"), i, one) {
        const char *id = json_string_value(one);
        if (!id || !espocrm_is_id(id) || json_array_size(out) >= MESSAGE_ATTACHMENTS_MAX)
            continue;
        const char *name = json_text(names, id);
        json_array_append_new(out, json_pack("{s:s,s:s}", "id", id, "name", *name ? name : "file"));
    }
    return out;
}

/* Our own posts never begin so; one that ends with our mark is ours, whatever it begins with. */
static json_t *reply_of(const json_t *note, const char *entity, const char *prefix) {
    const char *post = json_text(note, "post"), *card = json_text(note, "parentId"),
               *id = espocrm_id(note);
    char message[ESPOCRM_MESSAGE_SIZE];
    size_t n = strlen(prefix);
    if (!id || strcmp(json_text(note, "type"), "Post") != 0 ||
        strcmp(json_text(note, "parentType"), entity) != 0 || !espocrm_is_id(card) ||
        strncasecmp(post, prefix, n) != 0 || espocrm_message_of(post, message))
        return NULL;
    return json_pack("{s:s,s:o,s:{s:s,s:s,s:s,s:s,s:s,s:s,s:o}}", "lane", card, "once",
        json_sprintf("reply:%s", id), "event", "type", "reply", "card", card, "id", id, "text",
        post + n + strspn(post + n, " \t\r\n"), "user", json_text(note, "createdById"), "author",
        json_text(note, "createdByName"), "files", files_of(note));
}

/* A record of people has what has changed, and no more. */
static json_t *change_of(const json_t *record) {
    const char *id = espocrm_id(record);
    bool user = json_object_get(record, "assignedUserId") != NULL;
    bool name = json_object_get(record, "name") || json_object_get(record, "firstName") ||
                json_object_get(record, "lastName");
    return id && (user || name) ? crm_flow_change(id, name ? CRM_CHANGED : CRM_SAME,
                                      user ? CRM_CHANGED : CRM_SAME, NULL)
                                : NULL;
}

static json_t *event_of(const json_t *record, const char *entity, const char *prefix) {
    return json_object_get(record, "post") || json_object_get(record, "parentType")
               ? reply_of(record, entity, prefix)
               : change_of(record);
}

json_t *espocrm_said(struct span body, const char *entity, const char *prefix, struct err *err) {
    json_t *records = json_loadb(body.p ? body.p : "", body.n, JSON_REJECT_DUPLICATES, NULL);
    json_t *out = json_array(), *one;
    size_t i;
    if (!json_is_array(records) || json_array_size(records) > RECORDS_MAX) {
        err_set(err, ERR_INVALID, "a webhook's body is an array of records");
        json_decref(records);
        json_decref(out);
        return NULL;
    }
    json_array_foreach(records, i, one) {
        json_t *event = event_of(one, entity, prefix);
        if (event)
            json_array_append_new(out, event);
    }
    json_decref(records);
    return out;
}
