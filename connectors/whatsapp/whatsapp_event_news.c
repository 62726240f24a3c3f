/* whatsapp_event_news.c - everything that is no message and no status: new numbers and ids, calls,
 * the history and address book of the phone, preferences, and the account. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "connectors/whatsapp/whatsapp_event_private.h"

static void set_id(struct whatsapp_event *e, char *id) {
    free(e->external_id);
    e->external_id = id;
}

static void set_event(struct whatsapp_event *e, const char *what, const char *text) {
    char when[CLOCK_TEXT_SIZE];
    json_decref(e->body);
    e->body = whatsapp_event_body(what, text);
    if (e->at_ms)
        json_object_set_new(e->body, "sent_at", json_string(clock_format(e->at_ms, when)));
}

/* --- who it is now --------------------------------------------------------------------------- */

static void set_moved(struct whatsapp_event *e, const char *text) {
    set_event(e, "moved", text);
    if (e->who.phone[0] && strcmp(e->was.phone, e->who.phone) != 0)
        json_object_set_new(
            json_object_get(e->body, "event"), "phone", json_sprintf("+%s", e->who.phone));
}

void whatsapp_system_read(struct whatsapp_event *e, const json_t *system) {
    json_t *text = whatsapp_text_of(json_object_get(system, "body"), 1000);
    struct whatsapp_person now = {0};
    whatsapp_person_add(&now, json_object_get(system, "wa_id"));
    whatsapp_person_add(&now, json_object_get(system, "new_wa_id"));
    whatsapp_person_add(&now, json_object_get(system, "user_id"));
    whatsapp_person_parent(&now, json_object_get(system, "parent_user_id"));
    if ((now.phone[0] || now.bsuid[0]) &&
        (strcmp(now.phone, e->who.phone) != 0 || strcmp(now.bsuid, e->who.bsuid) != 0)) {
        e->what = WHATSAPP_MOVED;
        e->was = e->who;
        e->who = now;
        json_decref(e->profile);
        e->profile =
            now.phone[0] ? json_pack("{s:o}", "phone", json_sprintf("+%s", now.phone)) : NULL;
        set_moved(e, text ? json_string_value(text) : "The client has another number or id now.");
    } else {
        e->what = WHATSAPP_EVENT;
        set_event(e, "service", text ? json_string_value(text) : "WhatsApp reports a change.");
    }
    json_decref(text);
}

/* "user_id_update": previous and current ids of people. */
void whatsapp_user_id_read(struct whatsapp_reading *r) {
    const json_t *list = json_object_get(r->value, "user_id_update");
    const json_t *other = list ? list : json_object_get(r->value, "user_id_updates");
    size_t n = json_is_array(other) ? json_array_size(other) : 1;
    for (size_t i = 0; i < n; i++) {
        const json_t *u = json_is_array(other) ? json_array_get(other, i)
                          : other              ? other
                                               : r->value;
        const json_t *id = json_object_get(u, "user_id"),
                     *parent = json_object_get(u, "parent_user_id");
        struct whatsapp_event *e;
        if (!json_object_get(id, "current") || !json_object_get(id, "previous") ||
            !(e = whatsapp_event_add(r, WHATSAPP_MOVED)))
            continue;
        whatsapp_person_add(&e->was, json_object_get(id, "previous"));
        whatsapp_person_add(&e->who, json_object_get(id, "current"));
        whatsapp_person_add(&e->who, json_object_get(u, "wa_id"));
        whatsapp_person_parent(&e->was, json_object_get(parent, "previous"));
        whatsapp_person_parent(&e->who, json_object_get(parent, "current"));
        e->at_ms = whatsapp_time(json_object_get(u, "timestamp"));
        set_id(e, mem_printf("moved:%s:%s", e->was.bsuid, e->who.bsuid));
        set_moved(e, "The client has another WhatsApp id now.");
    }
}

void whatsapp_preferences_read(struct whatsapp_reading *r) {
    size_t i;
    json_t *list = json_object_get(r->value, "user_preferences"), *p;
    json_array_foreach(list, i, p) {
        const char *value = json_string_value(json_object_get(p, "value"));
        bool stop = value && strcmp(value, "stop") == 0;
        struct whatsapp_event *e = value ? whatsapp_event_add(r, WHATSAPP_EVENT) : NULL;
        if (!e)
            continue;
        whatsapp_person_add(&e->who, json_object_get(p, "wa_id"));
        whatsapp_person_add(&e->who, json_object_get(p, "user_id"));
        whatsapp_contact_take(e, whatsapp_contact_of(r, &e->who, json_array_size(list) == 1));
        e->at_ms = whatsapp_time(json_object_get(p, "timestamp"));
        if (!e->profile)
            e->profile = json_object();
        json_object_set_new(e->profile, "marketing", json_string(stop ? "stop" : "resume"));
        set_id(e, mem_printf("marketing:%s:%lld", stop ? "stop" : "resume", (long long)e->at_ms));
        set_event(e, stop ? "marketing_stop" : "marketing_resume",
            stop ? "The client does not want marketing messages any more."
                 : "The client takes marketing messages again.");
    }
}

/* --- calls ----------------------------------------------------------------------------------- */

static void set_call(struct whatsapp_event *e, const json_t *c, bool ended, bool from_client) {
    double seconds = 0;
    char text[80];
    bool talked =
        whatsapp_number(json_object_get(c, "duration"), &seconds) && seconds > 0 && seconds < 1e6;
    if (!ended) {
        set_event(e, from_client ? "call_in" : "call_out",
            from_client ? "The client calls." : "A call to the client.");
    } else if (talked) {
        snprintf(text, sizeof text, "Call, %d min %02d s.", (int)seconds / 60, (int)seconds % 60);
        set_event(e, "call_ended", text);
        json_object_set_new(
            json_object_get(e->body, "event"), "seconds", json_integer((json_int_t)seconds));
    } else if (from_client) {
        set_event(e, "call_missed", "Missed call.");
    } else {
        set_event(e, "call_unanswered", "Call without an answer.");
    }
}

void whatsapp_calls_read(struct whatsapp_reading *r) {
    size_t i;
    json_t *list = json_object_get(r->value, "calls"), *c;
    json_array_foreach(list, i, c) {
        char event[24];
        whatsapp_word(json_object_get(c, "event"), event, sizeof event);
        const char *direction = json_string_value(json_object_get(c, "direction"));
        bool ended = strcmp(event, "terminate") == 0;
        bool from_client = !direction || strcmp(direction, "BUSINESS_INITIATED") != 0;
        struct whatsapp_event *e = *event ? whatsapp_event_add(r, WHATSAPP_EVENT) : NULL;
        if (!e)
            continue;
        whatsapp_person_add(&e->who, json_object_get(c, from_client ? "from" : "to"));
        whatsapp_person_add(
            &e->who, json_object_get(c, from_client ? "from_user_id" : "to_user_id"));
        whatsapp_contact_take(e, whatsapp_contact_of(r, &e->who, json_array_size(list) == 1));
        e->at_ms = whatsapp_time(json_object_get(c, "timestamp"));
        e->opens_window = from_client && !ended;
        char *id = whatsapp_id(json_object_get(c, "id"));
        set_id(e, mem_printf("%s:%s", id, event));
        free(id);
        set_call(e, c, ended, from_client);
    }
}

/* --- the phone of the business --------------------------------------------------------------- */

static bool is_from_client(
    const struct whatsapp_reading *r, const json_t *m, const json_t *client) {
    struct whatsapp_person from = {0}, him = {0};
    whatsapp_person_add(&from, json_object_get(m, "from"));
    whatsapp_person_add(&him, client);
    if (r->business[0] && strcmp(from.phone, r->business) == 0)
        return false;
    if (!client)
        return true;
    return (from.phone[0] && strcmp(from.phone, him.phone) == 0) ||
           (from.bsuid[0] && strcmp(from.bsuid, him.bsuid) == 0);
}

static void read_refusal(struct whatsapp_reading *r) {
    struct whatsapp_event *e =
        json_object_get(r->value, "errors") ? whatsapp_event_add(r, WHATSAPP_ACCOUNT) : NULL;
    if (!e)
        return;
    free(e->text);
    e->text = mem_strdup("The history of the phone is not shared with us.");
}

void whatsapp_history_read(struct whatsapp_reading *r) {
    size_t i, k, n;
    json_t *part, *thread, *m;
    json_array_foreach(json_object_get(r->value, "history"), i, part) {
        json_array_foreach(json_object_get(part, "threads"), k, thread) {
            const json_t *client = json_object_get(thread, "id");
            json_array_foreach(json_object_get(thread, "messages"), n, m) {
                whatsapp_message_read(r, m, !is_from_client(r, m, client), client);
            }
        }
    }
    /* Files of the last days, after the messages that named them. */
    json_array_foreach(json_object_get(r->value, "messages"), i, m) {
        whatsapp_message_read(r, m, !is_from_client(r, m, NULL), NULL);
    }
    read_refusal(r);
}

void whatsapp_state_sync_read(struct whatsapp_reading *r) {
    size_t i;
    json_t *s;
    json_array_foreach(json_object_get(r->value, "state_sync"), i, s) {
        const json_t *c = json_object_get(s, "contact");
        const char *action = json_string_value(json_object_get(s, "action"));
        if (!action || strcmp(action, "add") != 0 || !json_is_object(c))
            continue;
        struct whatsapp_event *e = whatsapp_event_add(r, WHATSAPP_CONTACT);
        if (!e)
            return;
        whatsapp_person_add(&e->who, json_object_get(c, "phone_number"));
        whatsapp_person_add(&e->who, json_object_get(c, "user_id"));
        free(e->name);
        e->name = whatsapp_name(json_object_get(c, "full_name"));
    }
}

/* --- the account ----------------------------------------------------------------------------- */

/* A sentence of a field's words: "event: DISABLED_UPDATE ...". */
static char *words_of(const json_t *value) {
    static const char *const keys[] = {"event", "message_template_name",
        "message_template_language", "new_quality_score", "previous_category", "new_category",
        "reason", "current_limit", "max_daily_conversations_per_business", "display_phone_number",
        "requested_verified_name", "decision", "title", "description", "alert_type",
        "alert_description"};
    char text[600] = "";
    size_t used = 0;
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        json_t *t = whatsapp_text_of(json_object_get(value, keys[i]), 100);
        if (json_string_length(t) && used + 120 < sizeof text)
            used += (size_t)snprintf(
                text + used, sizeof text - used, "%s%s", used ? ", " : "", json_string_value(t));
        json_decref(t);
    }
    for (char *p = text; *p; p++)
        if (*p == '\n' || *p == '\t')
            *p = ' ';
    return mem_strdup(text);
}

/* After these nothing can be sent any more; matched leniently, for the list is not complete. */
static bool is_end(const char *event) {
    static const char *const parts[] = {"DISABLED", "DELETED", "OFFBOARDED", "REMOVED", "BANNED"};
    for (size_t i = 0; event && i < ARRAY_LEN(parts); i++)
        if (strstr(event, parts[i]))
            return true;
    return false;
}

static bool is_warning(const char *field, const char *event) {
    return strcmp(field, "account_alerts") == 0 ||
           (event && (strstr(event, "RESTRICT") || strstr(event, "VIOLATION") ||
                         strstr(event, "FLAGGED") || strstr(event, "DOWNGRADE")));
}

bool whatsapp_account_read(struct whatsapp_reading *r, const char *field) {
    static const char *const account[] = {"account_update", "account_review_update",
        "account_alerts", "business_capability_update", "phone_number_quality_update",
        "phone_number_name_update", "security", "account_settings_update"};
    const char *event = json_string_value(json_object_get(r->value, "event"));
    bool is_template = strncmp(field, "message_template", 16) == 0 ||
                       strcmp(field, "template_category_update") == 0;
    bool known = is_template;
    for (size_t i = 0; i < ARRAY_LEN(account); i++)
        known = known || strcmp(field, account[i]) == 0;
    struct whatsapp_event *e =
        known ? whatsapp_event_add(r, is_template ? WHATSAPP_TEMPLATES : WHATSAPP_ACCOUNT) : NULL;
    if (!e)
        return known;
    char *words = words_of(r->value), shown[60];
    json_t *name = json_string(field);
    whatsapp_word(name, shown, sizeof shown);
    json_decref(name);
    free(e->text);
    e->text = mem_printf("WhatsApp reports %s: %s", shown, *words ? words : "no details");
    e->level = strcmp(field, "account_update") == 0 && is_end(event) ? "fail"
               : is_warning(field, event)                            ? "warn"
                                                                     : "info";
    free(words);
    return true;
}
