/* whatsapp_event.c - one webhook body: its entries, changes, messages and statuses, in their order.
 * What a message says is read in whatsapp_event_content.c, everything else in
 * whatsapp_event_news.c. */
#include "connectors/whatsapp/whatsapp_event.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_strict.h"
#include "base/mem.h"
#include "connectors/whatsapp/whatsapp_event_private.h"

#define DEPTH_MAX 40

/* --- events ---------------------------------------------------------------------------------- */

struct whatsapp_event *whatsapp_event_add(struct whatsapp_reading *r, enum whatsapp_what what) {
    struct whatsapp_events *o = r->out;
    if (o->n == WHATSAPP_EVENTS_MAX) {
        o->dropped++;
        return NULL;
    }
    if ((o->n & (o->n - 1)) == 0) /* room for the next power of two */
        o->list = mem_realloc(o->list, (o->n ? o->n * 2 : 1) * sizeof *o->list);
    struct whatsapp_event *e = &o->list[o->n++];
    *e = (struct whatsapp_event){.what = what, .past = r->past, .understood = true};
    snprintf(e->number_id, sizeof e->number_id, "%s", r->number_id);
    snprintf(e->waba_id, sizeof e->waba_id, "%s", r->waba);
    e->name = mem_strdup("");
    e->external_id = mem_strdup("");
    e->reply_to = mem_strdup("");
    e->callback = mem_strdup("");
    e->participant = mem_strdup("");
    e->text = mem_strdup("");
    e->level = "info";
    return e;
}

static void event_free(struct whatsapp_event *e) {
    free(e->name);
    free(e->external_id);
    free(e->reply_to);
    free(e->callback);
    free(e->participant);
    free(e->text);
    json_decref(e->body);
    json_decref(e->profile);
    json_decref(e->raw);
    json_decref(e->error);
}

void whatsapp_events_free(struct whatsapp_events *e) {
    for (size_t i = 0; i < e->n; i++)
        event_free(&e->list[i]);
    free(e->list);
    *e = (struct whatsapp_events){0};
}

/* --- contacts -------------------------------------------------------------------------------- */

static bool is_his(const json_t *contact, const struct whatsapp_person *p) {
    struct whatsapp_person c = {0};
    whatsapp_person_add(&c, json_object_get(contact, "wa_id"));
    whatsapp_person_add(&c, json_object_get(contact, "user_id"));
    return (p->phone[0] && strcmp(c.phone, p->phone) == 0) ||
           (p->bsuid[0] && strcmp(c.bsuid, p->bsuid) == 0);
}

json_t *whatsapp_contact_of(
    const struct whatsapp_reading *r, const struct whatsapp_person *p, bool is_only) {
    json_t *contacts = json_object_get(r->value, "contacts"), *c;
    size_t i;
    json_array_foreach(contacts, i, c) {
        if (is_his(c, p))
            return c;
    }
    /* One contact, one sender: his, if nothing speaks against it. */
    c = json_array_get(contacts, 0);
    bool is_other = (json_object_get(c, "wa_id") && p->phone[0]) ||
                    (json_object_get(c, "user_id") && p->bsuid[0]);
    return is_only && json_array_size(contacts) == 1 && !is_other ? c : NULL;
}

void whatsapp_contact_take(struct whatsapp_event *e, const json_t *contact) {
    const json_t *profile = json_object_get(contact, "profile");
    const char *username = json_string_value(json_object_get(profile, "username"));
    whatsapp_person_add(&e->who, json_object_get(contact, "wa_id"));
    whatsapp_person_add(&e->who, json_object_get(contact, "user_id"));
    if (!e->who.parent[0])
        whatsapp_person_parent(&e->who, json_object_get(contact, "parent_user_id"));
    if (json_is_string(json_object_get(profile, "name"))) {
        free(e->name);
        e->name = whatsapp_name(json_object_get(profile, "name"));
    }
    if (!username && !e->who.phone[0])
        return;
    e->profile = json_object();
    if (username && *username) {
        json_t *t = whatsapp_text_of(json_object_get(profile, "username"), 100);
        const char *clean = json_string_value(t);
        json_object_set_new(e->profile, "username", json_string(clean + (*clean == '@')));
        json_decref(t);
    }
    if (e->who.phone[0])
        json_object_set_new(e->profile, "phone", json_sprintf("+%s", e->who.phone));
}

/* --- statuses -------------------------------------------------------------------------------- */

static bool status_of(const json_t *v, enum whatsapp_status *out) {
    static const char *const words[] = {[WHATSAPP_ACCEPTED] = "accepted",
        [WHATSAPP_SENT] = "sent",
        [WHATSAPP_DELIVERED] = "delivered",
        [WHATSAPP_READ] = "read",
        [WHATSAPP_PLAYED] = "played",
        [WHATSAPP_FAILED] = "failed"};
    const char *s = json_string_value(v);
    for (size_t i = 0; s && i < ARRAY_LEN(words); i++)
        if (strcmp(s, words[i]) == 0) {
            *out = (enum whatsapp_status)i;
            return true;
        }
    return false;
}

static void read_status(struct whatsapp_reading *r, json_t *s) {
    enum whatsapp_status status;
    const char *type = json_string_value(json_object_get(s, "recipient_type"));
    const char *callback = json_string_value(json_object_get(s, "biz_opaque_callback_data"));
    struct whatsapp_event *e;
    if (!status_of(json_object_get(s, "status"), &status) || !json_object_get(s, "id") ||
        !(e = whatsapp_event_add(r, WHATSAPP_STATUS)))
        return;
    e->status = status;
    e->at_ms = whatsapp_time(json_object_get(s, "timestamp"));
    free(e->external_id);
    e->external_id = whatsapp_id(json_object_get(s, "id"));
    if (type && strcmp(type, "group") == 0) {
        whatsapp_word(json_object_get(s, "recipient_id"), e->who.group, sizeof e->who.group);
        free(e->participant);
        json_t *who = json_object_get(s, "recipient_participant_user_id");
        e->participant = whatsapp_id(who ? who : json_object_get(s, "recipient_participant_id"));
    } else {
        whatsapp_person_add(&e->who, json_object_get(s, "recipient_id"));
        whatsapp_person_add(&e->who, json_object_get(s, "recipient_user_id"));
        whatsapp_person_parent(&e->who, json_object_get(s, "recipient_parent_user_id"));
    }
    if (callback && strlen(callback) <= 512) {
        free(e->callback);
        e->callback = mem_strdup(callback);
    }
    if (status == WHATSAPP_FAILED)
        e->error = json_incref(json_array_get(json_object_get(s, "errors"), 0));
}

/* What is wrong with number or account, without a message. */
static void read_errors(struct whatsapp_reading *r) {
    size_t i;
    json_t *error;
    json_array_foreach(json_object_get(r->value, "errors"), i, error) {
        struct whatsapp_event *e = whatsapp_event_add(r, WHATSAPP_ACCOUNT);
        if (!e)
            return;
        json_t *title = whatsapp_text_of(json_object_get(error, "title"), 200);
        char code[16];
        whatsapp_word(json_object_get(error, "code"), code, sizeof code);
        e->level = "warn";
        free(e->text);
        e->text = mem_printf("WhatsApp reports: %s (%s)",
            title ? json_string_value(title) : "an error", *code ? code : "no code");
        json_decref(title);
    }
}

/* --- fields ---------------------------------------------------------------------------------- */

static void read_messages(struct whatsapp_reading *r) {
    size_t i;
    json_t *m;
    json_array_foreach(json_object_get(r->value, "messages"), i, m) {
        whatsapp_message_read(r, m, false, NULL);
    }
    json_array_foreach(json_object_get(r->value, "statuses"), i, m) {
        read_status(r, m);
    }
    read_errors(r);
}

static void read_echoes(struct whatsapp_reading *r) {
    size_t i;
    json_t *m;
    json_array_foreach(json_object_get(r->value, "message_echoes"), i, m) {
        whatsapp_message_read(r, m, true, NULL);
    }
    read_errors(r);
}

static const struct {
    const char *field;
    void (*read)(struct whatsapp_reading *r);
} fields[] = {
    {"messages", read_messages},
    {"smb_message_echoes", read_echoes},
    {"message_echoes", read_echoes},
    {"history", whatsapp_history_read},
    {"smb_app_state_sync", whatsapp_state_sync_read},
    {"calls", whatsapp_calls_read},
    {"user_id_update", whatsapp_user_id_read},
    {"user_preferences", whatsapp_preferences_read},
};

static void read_change(struct whatsapp_reading *r, const json_t *change) {
    const char *field = json_string_value(json_object_get(change, "field"));
    char number_id[32], shown[40];
    size_t n = 0;
    r->value = json_object_get(change, "value");
    if (!field || !json_is_object(r->value))
        return;
    r->metadata = json_object_get(r->value, "metadata");
    whatsapp_word(json_object_get(r->metadata, "phone_number_id"), number_id, sizeof number_id);
    r->number_id = number_id;
    json_t *display = json_object_get(r->metadata, "display_phone_number");
    snprintf(shown, sizeof shown, "%s", json_is_string(display) ? json_string_value(display) : "");
    for (const char *p = shown; *p && n + 1 < sizeof r->business; p++)
        if (*p >= '0' && *p <= '9')
            r->business[n++] = *p;
    r->business[n] = '\0';
    r->past = strcmp(field, "history") == 0;
    for (size_t i = 0; i < ARRAY_LEN(fields); i++)
        if (strcmp(field, fields[i].field) == 0) {
            fields[i].read(r);
            return;
        }
    if (!whatsapp_account_read(r, field))
        whatsapp_word(json_object_get(change, "field"), r->out->unknown, sizeof r->out->unknown);
}

int whatsapp_events_parse(struct span text, struct whatsapp_events *out, struct err *err) {
    *out = (struct whatsapp_events){0};
    json_t *root = json_strict_parse(text, DEPTH_MAX, err), *entry, *change;
    const char *object = json_string_value(json_object_get(root, "object"));
    json_t *entries = json_object_get(root, "entry");
    size_t i, k;
    char waba[32];
    if (!root)
        return -1;
    if (!object || strcmp(object, "whatsapp_business_account") != 0 || !json_is_array(entries)) {
        json_decref(root);
        return err_set(err, ERR_INVALID, "this is no webhook of a WhatsApp Business account");
    }
    json_array_foreach(entries, i, entry) {
        struct whatsapp_reading r = {.out = out, .waba = waba, .number_id = ""};
        whatsapp_word(json_object_get(entry, "id"), waba, sizeof waba);
        json_array_foreach(json_object_get(entry, "changes"), k, change) {
            read_change(&r, change);
        }
    }
    json_decref(root);
    return 0;
}
