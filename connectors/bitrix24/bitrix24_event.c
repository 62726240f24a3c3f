/* bitrix24_event.c - operators' messages, and contacts that have changed. */
#include "base/json_text.h"
#include "connectors/bitrix24/bitrix24_event.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* --- events ---------------------------------------------------------------------------------- */

static bool is_number(const char *s) {
    return *s && strspn(s, "0123456789") == strlen(s) && strlen(s) < 19;
}

json_t *bitrix24_event(const json_t *form, const char *connector, size_t i) {
    static const char *const names[][2] = {{"ONIMCONNECTORMESSAGEADD", "add"},
        {"ONIMCONNECTORMESSAGEUPDATE", "update"}, {"ONIMCONNECTORMESSAGEDELETE", "delete"}};
    const json_t *data = json_object_get(form, "data");
    char index[16];
    const char *what = NULL;
    snprintf(index, sizeof index, "%zu", i);
    const json_t *one = json_object_get(json_object_get(data, "MESSAGES"), index);
    const json_t *im = json_object_get(one, "im"), *message = json_object_get(one, "message");
    const char *chat = json_text(json_object_get(one, "chat"), "id");
    for (size_t n = 0; n < ARRAY_LEN(names); n++)
        if (strcasecmp(names[n][0], json_text(form, "event")) == 0)
            what = names[n][1];
    if (!what || strcmp(json_text(data, "CONNECTOR"), connector) != 0 || !*chat ||
        strlen(chat) > 64 || !is_number(json_text(im, "chat_id")) ||
        !is_number(json_text(im, "message_id")))
        return NULL;
    char *author, *text = bitrix24_plain(json_text(message, "text"), &author);
    json_t *out = json_pack("{s:s,s:s,s:o,s:s,s:s,s:s}", "what", what, "chat", chat, "im",
        json_sprintf("%s:%s", json_text(im, "chat_id"), json_text(im, "message_id")), "user",
        json_text(message, "user_id"), "author", author, "text", text);
    if (json_object_size(json_object_get(message, "files")))
        json_object_set_new(out, "files", json_true());
    free(author);
    free(text);
    return out;
}

const char *bitrix24_changed(const json_t *form) {
    const json_t *data = json_object_get(form, "data");
    const char *contact = json_text(json_object_get(data, "FIELDS"), "ID");
    bool is_update = strcasecmp(json_text(form, "event"), BITRIX24_CONTACT_CHANGED) == 0;
    return is_update && is_number(contact) ? contact : NULL;
}
