/* whatsapp_compose_fuzz.c - any JSON object as a message of ours: the calls keep the platform's
 * limits, and every file has its place. Address and reply are in the body's "address", "reply". */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_strict.h"
#include "base/utf8.h"
#include "connectors/whatsapp/whatsapp_compose.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good) {
    if (!good)
        abort();
}

static const char *string_at(const json_t *o, const char *key, const char *none) {
    const char *s = json_string_value(json_object_get(o, key));
    return s ? s : none;
}

static void check_length(const json_t *o, const char *key, size_t max) {
    const char *s = string_at(o, key, "");
    check(utf8_length(s, strlen(s)) <= max);
}

static void check_interactive(const json_t *in) {
    const json_t *action = json_object_get(in, "action"),
                 *buttons = json_object_get(action, "buttons");
    const json_t *rows =
        json_object_get(json_array_get(json_object_get(action, "sections"), 0), "rows");
    const char *body = string_at(json_object_get(in, "body"), "text", "");
    bool is_list = strcmp(string_at(in, "type", ""), "list") == 0;
    check(*body && utf8_length(body, strlen(body)) <= (is_list ? 4096u : 1024u));
    check(json_array_size(buttons) <= 3 && json_array_size(rows) <= 10);
    for (size_t i = 0; i < json_array_size(buttons); i++)
        check_length(json_object_get(json_array_get(buttons, i), "reply"), "title", 20);
    for (size_t i = 0; i < json_array_size(rows); i++) {
        check_length(json_array_get(rows, i), "title", 24);
        check_length(json_array_get(rows, i), "description", 72);
    }
    check_length(action, "button", 20);
}

static void check_call(struct whatsapp_call *c) {
    const char *type = string_at(c->params, "type", "");
    const json_t *part = json_object_get(c->params, type);
    check(part && (json_object_get(c->params, "to") || json_object_get(c->params, "recipient")));
    check((c->media != NULL) == (c->place != NULL));
    check(!c->media || (c->name && c->mime));
    if (strcmp(type, "text") == 0)
        check(*string_at(part, "body", ""));
    check_length(part, "body", 4096);
    check_length(part, "caption", 1024);
    if (strcmp(type, "interactive") == 0)
        check_interactive(part);
    whatsapp_call_complete(c, c->media ? "1234" : NULL, "sb:x");
    char *text = json_dumps(c->params, JSON_COMPACT);
    check(text && strstr(text, "biz_opaque_callback_data"));
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct whatsapp_call calls[WHATSAPP_CALLS_MAX];
    struct err err = {0};
    json_t *body = json_strict_parse(span_of((const char *)data, size), 20, &err);
    if (!body)
        return 0;
    struct whatsapp_target to = {.address = string_at(body, "address", "4917600000"),
        .reply_to = string_at(body, "reply", NULL),
        .list_button = string_at(body, "button", NULL)};
    err.code = ERR_NONE;
    size_t n = whatsapp_compose(body, &to, calls, &err);
    check(n <= WHATSAPP_CALLS_MAX && (n > 0 || err.code != ERR_NONE));
    for (size_t i = 0; i < n; i++)
        check_call(&calls[i]);
    whatsapp_calls_free(calls, n);
    json_decref(whatsapp_compose_reaction(&to, "wamid.A", string_at(body, "text", NULL)));
    json_decref(whatsapp_compose_read(string_at(body, "text", ""), true));
    json_decref(body);
    return 0;
}
