/* whatsapp_event_fuzz.c - any bytes as a webhook body: whatever passes is bounded, and can be
 * stored and shown. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/utf8.h"
#include "connectors/whatsapp/whatsapp_event.h"

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

static void check_attachments(const json_t *list) {
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *a = json_array_get(list, i);
        const char *name = json_string_value(json_object_get(a, "name"));
        const char *state = json_string_value(json_object_get(a, "state"));
        check(name && *name && strlen(name) <= 200 && json_object_get(a, "kind") && state);
        check((strcmp(state, "waiting") == 0) == (json_object_get(a, "remote") != NULL));
    }
}

static void check_id(const char *id) {
    check(id && strlen(id) <= WHATSAPP_ID_MAX + 30 && utf8_is_valid(id, strlen(id)));
    for (; *id; id++)
        check((unsigned char)*id > 0x20 && *id != 0x7f);
}

static void check_person(const struct whatsapp_person *p) {
    check(p->phone[strspn(p->phone, "0123456789")] == '\0');
    check(utf8_is_valid(p->bsuid, strlen(p->bsuid)) && utf8_is_valid(p->group, strlen(p->group)));
}

static void check_event(const struct whatsapp_event *e) {
    const json_t *at = json_object_get(e->body, "sent_at");
    int64_t ms;
    check(e->name && utf8_is_text(e->name, strlen(e->name)) && strlen(e->name) <= 400);
    check_id(e->external_id);
    check_id(e->reply_to);
    check_person(&e->who);
    check_person(&e->was);
    check_strings(e->body);
    check_strings(e->profile);
    check_attachments(json_object_get(e->body, "attachments"));
    check(!at || clock_parse(json_string_value(at), &ms) == 0);
    check(!e->past || !e->opens_window);
    switch (e->what) {
    case WHATSAPP_MESSAGE:
    case WHATSAPP_OWN:
        check(e->body && *e->external_id);
        check(json_object_size(e->body) > 0);
        break;
    case WHATSAPP_EVENT:
    case WHATSAPP_MOVED:
        check(json_object_get(e->body, "event") != NULL && *e->external_id);
        break;
    case WHATSAPP_EDIT:
    case WHATSAPP_REACTION:
        check(e->body != NULL);
        break;
    case WHATSAPP_ACCOUNT:
    case WHATSAPP_TEMPLATES:
        check(*e->text && e->level && utf8_is_text(e->text, strlen(e->text)));
        break;
    default:
        check(!e->body);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct whatsapp_events events;
    struct err err = {0};
    if (whatsapp_events_parse(span_of((const char *)data, size), &events, &err) < 0)
        check(err.code == ERR_INVALID && err.text[0]);
    check(events.n <= WHATSAPP_EVENTS_MAX);
    for (size_t i = 0; i < events.n; i++)
        check_event(&events.list[i]);
    whatsapp_events_free(&events);
    return 0;
}
