/* telegram_update_fuzz.c - any bytes as an Update: what passes has an address and an id, and a body
 * that can be stored and shown. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/utf8.h"
#include "connectors/telegram/telegram_update.h"
#include "model/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good) {
    if (!good)
        abort();
}

/* Every string of a body is text: no control characters but those of lines. */
static void check_strings(json_t *v) {
    const char *key;
    json_t *one;
    size_t i;
    if (json_is_string(v))
        check(utf8_is_text(json_string_value(v), json_string_length(v)) &&
              json_string_length(v) <= MESSAGE_TEXT_MAX && !strchr(json_string_value(v), '\r'));
    json_array_foreach(v, i, one) {
        check_strings(one);
    }
    json_object_foreach(v, key, one) {
        check_strings(one);
    }
}

static void check_times(const json_t *body) {
    static const char *const keys[] = {"sent_at", "edited_at"};
    for (size_t i = 0; i < 2; i++) {
        const json_t *v = json_object_get(body, keys[i]);
        int64_t ms;
        check(!v || clock_parse(json_string_value(v), &ms) == 0);
    }
}

static void check_attachments(const json_t *list) {
    check(json_array_size(list) <= MESSAGE_ATTACHMENTS_MAX);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *a = json_array_get(list, i);
        const char *name = json_string_value(json_object_get(a, "name"));
        check(name && *name && !strpbrk(name, "/\\") && strlen(name) <= 200);
        check(json_object_get(a, "kind") && json_object_get(a, "state"));
        check(json_object_get(a, "remote") ||
              strcmp(json_string_value(json_object_get(a, "state")), "unavailable") == 0);
    }
}

static void check_update(const struct telegram_update *u) {
    check(u->name && utf8_is_text(u->name, strlen(u->name)) && strlen(u->name) <= 200);
    if (u->what == TELEGRAM_NOTHING) {
        check(!*u->address && !*u->external_id && !u->body);
        return;
    }
    if (u->what == TELEGRAM_CONNECTION) {
        check(u->body && u->business);
        return;
    }
    check(*u->address && u->address[strspn(u->address, "-0123456789")] == '\0');
    if (u->what == TELEGRAM_DELETE) {
        check(u->ndeleted >= 1 && u->ndeleted <= TELEGRAM_DELETED_MAX);
        return;
    }
    check(*u->external_id && u->body);
    check_strings(u->body);
    check_times(u->body);
    check_attachments(json_object_get(u->body, "attachments"));
    check(u->what != TELEGRAM_MESSAGE || json_object_size(u->body) > 0);
    if (u->profile)
        check_strings(u->profile);
    if (u->own_phone)
        check(u->own_phone[0] == '+' && strspn(u->own_phone + 1, "0123456789") >= 5);
    if (u->start_payload)
        check(*u->start_payload && strlen(u->start_payload) <= 64);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct telegram_update u;
    struct err err = {0};
    if (telegram_update_parse(span_of((const char *)data, size), 999, &u, &err) == 0)
        check_update(&u);
    else
        check(err.code == ERR_INVALID && err.text[0]);
    telegram_update_free(&u);
    return 0;
}
