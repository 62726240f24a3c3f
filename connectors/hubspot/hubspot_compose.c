/* hubspot_compose.c - bodies of requests. All values of properties are strings. */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/json_text.h"
#include "base/mem.h"
#include "connectors/hubspot/hubspot_answer.h"
#include "core/crm/crm_fields.h"

#define GROUPS_MAX 5
#define FOUND_MAX 100
#define WORDS_MAX 2000 /* bytes of our own property */
#define NATIONAL 10    /* digits of a number without its country, as HubSpot searches for it */

static json_t *asked_list(const struct hubspot_properties *p) {
    const char *const names[] = {p->mark, p->name, p->phone, p->mobile, p->mail, p->messenger,
        "lastname", "hubspot_owner_id", "lifecyclestage"};
    json_t *out = json_array();
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (*names[i])
            json_array_append_new(out, json_string(names[i]));
    return out;
}

char *hubspot_asked(const struct hubspot_properties *p) {
    struct buf b;
    size_t i;
    json_t *one, *all = asked_list(p);
    buf_init(&b, 4096);
    json_array_foreach(all, i, one) {
        buf_adds(&b, i ? "," : "");
        buf_adds(&b, json_string_value(one));
    }
    json_decref(all);
    return buf_take(&b);
}

/* --- searches -------------------------------------------------------------------------------- */

static void add_group(json_t *groups, const char *property, const char *value) {
    if (*property)
        json_array_append_new(groups, json_pack("{s:[{s:s,s:s,s:s}]}", "filters", "propertyName",
                                          property, "operator", "EQ", "value", value));
}

/* As it was typed in E.164, and as HubSpot keeps all numbers for searching. */
static void add_number(json_t *groups, const char *e164, const struct hubspot_properties *p) {
    size_t n = strlen(e164);
    const char *national = n > NATIONAL ? e164 + n - NATIONAL : e164 + strspn(e164, "+");
    add_group(groups, p->phone, e164);
    add_group(groups, p->mobile, e164);
    if (strcmp(p->phone, "phone") == 0)
        add_group(groups, "hs_searchable_calculated_phone_number", national);
    if (strcmp(p->mobile, "mobilephone") == 0)
        add_group(groups, "hs_searchable_calculated_mobile_number", national);
}

static json_t *search(json_t *groups, const struct hubspot_properties *p) {
    return json_pack("{s:o,s:o,s:i,s:s,s:[]}", "filterGroups", groups, "properties", asked_list(p),
        "limit", FOUND_MAX, "after", "0", "sorts");
}

json_t *hubspot_searches(const json_t *ways, const struct hubspot_properties *p) {
    json_t *groups = json_array(), *out = json_array(), *way;
    size_t i;
    json_array_foreach(ways, i, way) {
        const char *kind = json_text(way, "kind"), *value = json_text(way, "value");
        if (!json_is_true(json_object_get(way, "proven")))
            continue;
        if (strcmp(kind, "phone") == 0)
            add_number(groups, value, p);
        else
            add_group(groups, strcmp(kind, "mail") == 0 ? p->mail : p->messenger, value);
    }
    size_t n = json_array_size(groups);
    for (i = 0; i < n; i += GROUPS_MAX) {
        json_t *some = json_array();
        for (size_t k = i; k < n && k < i + GROUPS_MAX; k++)
            json_array_append(some, json_array_get(groups, k));
        json_array_append_new(out, search(some, p));
    }
    json_decref(groups);
    return out;
}

/* --- a contact ------------------------------------------------------------------------------- */

static void set(json_t *properties, const char *name, const char *value) {
    if (*name && *value)
        json_object_set_new(properties, name, json_string(value));
}

/* Our property is words with spaces between them: what has a space itself is no word. */
static void add_word(json_t *properties, const char *name, const char *word) {
    const char *before = json_text(properties, name);
    if (!*name || !*word || strpbrk(word, " \n\t") || strlen(before) + strlen(word) > WORDS_MAX)
        return;
    char *text = mem_printf("%s%s%s", before, *before ? " " : "", word);
    set(properties, name, text);
    free(text);
}

/* properties has what is there; nothing of it is taken away. */
static void add_way(json_t *properties, const json_t *way, const struct hubspot_properties *p) {
    const char *kind = json_text(way, "kind"), *value = json_text(way, "value");
    bool is_phone = strcmp(kind, "phone") == 0;
    const char *name = is_phone                    ? p->phone
                       : strcmp(kind, "mail") == 0 ? p->mail
                       : strcmp(kind, "mark") == 0 ? p->mark
                                                   : "";
    if (is_phone && *json_text(properties, name))
        name = p->mobile;
    if (strcmp(kind, "messenger") == 0)
        add_word(properties, p->messenger, value);
    else if (!*json_text(properties, name))
        set(properties, name, value);
}

/* Numbers and so on of the settings as text. */
static void make_strings(json_t *properties) {
    const char *key;
    void *next;
    json_t *one;
    json_object_foreach_safe(properties, next, key, one) {
        char *text = json_is_string(one) ? NULL : json_dumps(one, JSON_ENCODE_ANY | JSON_COMPACT);
        if (text)
            json_object_set_new(properties, key, json_string(text));
        free(text);
    }
}

json_t *hubspot_contact(
    const struct crm_flow_who *who, const struct hubspot_properties *p, const char *const *extra) {
    json_t *properties = json_object(), *way;
    size_t i;
    crm_fields_set(properties, extra, who->client);
    make_strings(properties);
    set(properties, p->name, who->name);
    json_array_foreach(who->ways, i, way) {
        if (strcmp(json_text(way, "kind"), "messenger") == 0)
            add_way(properties, way, p);
        else if (who->is_plain)
            add_word(properties, p->messenger, json_text(way, "value"));
        else
            add_way(properties, way, p);
    }
    return json_pack("{s:[{s:s,s:s,s:o}]}", "inputs", "idProperty", p->mark, "id", who->mark,
        "properties", properties);
}

json_t *hubspot_additions(
    const json_t *contact, const json_t *missing, const struct hubspot_properties *p) {
    const json_t *has = json_object_get(contact, "properties");
    const char *const touched[] = {p->mark, p->phone, p->mobile, p->mail, p->messenger};
    json_t *properties = json_object(), *way;
    size_t i;
    for (i = 0; i < ARRAY_LEN(touched); i++)
        set(properties, touched[i], *touched[i] ? json_text(has, touched[i]) : "");
    json_array_foreach(missing, i, way) add_way(properties, way, p);
    for (i = 0; i < ARRAY_LEN(touched); i++)
        if (*touched[i] &&
            strcmp(json_text(properties, touched[i]), json_text(has, touched[i])) == 0)
            json_object_del(properties, touched[i]);
    return properties;
}

/* --- a deal ---------------------------------------------------------------------------------- */

#define DEAL_TO_CONTACT 3 /* HubSpot's type of association */

static void drop_empty(json_t *properties) {
    const char *key;
    void *next;
    json_t *one;
    json_object_foreach_safe(properties, next, key, one) {
        if (!*json_text(properties, key))
            json_object_del(properties, key);
    }
}

json_t *hubspot_deal(const json_t *client, const char *card, const struct hubspot_deals *d) {
    static const char *const names[] = {"name", "phone", "email", "id"};
    json_t *properties = json_object();
    crm_fields_set(properties, d->extra, client);
    make_strings(properties);
    drop_empty(properties);
    for (size_t i = 0; i < ARRAY_LEN(names) && !*json_text(properties, "dealname"); i++)
        set(properties, "dealname", json_text(client, names[i]));
    set(properties, "dealstage", d->stage);
    set(properties, "pipeline", d->pipeline);
    if (*d->mark)
        json_object_set_new(
            properties, d->mark, json_sprintf("switchboard:%s", json_text(client, "id")));
    return json_pack("{s:o,s:[{s:{s:s},s:[{s:s,s:i}]}]}", "properties", properties, "associations",
        "to", "id", card, "types", "associationCategory", "HUBSPOT_DEFINED", "associationTypeId",
        DEAL_TO_CONTACT);
}

/* --- entries --------------------------------------------------------------------------------- */

static void add_files(json_t *properties, const json_t *files) {
    struct buf b;
    size_t i;
    json_t *one;
    buf_init(&b, 8192);
    json_array_foreach(files, i, one) {
        buf_adds(&b, i ? ";" : "");
        buf_adds(&b, json_string_value(one) ? json_string_value(one) : "");
    }
    json_object_set_new(properties, "hs_attachment_ids", json_string(buf_str(&b)));
    buf_free(&b);
}

json_t *hubspot_entry(const struct crm_flow_entry *e, const struct hubspot_history *h) {
    const char *at = json_text(e->message, "received_at"),
               *connector = json_text(e->message, "connector");
    json_t *properties = json_pack("{s:s}", h->body, e->text);
    set(properties, "hs_timestamp", *at ? at : json_text(e->message, "sent_at"));
    if (h->is_note && e->files)
        add_files(properties, e->files);
    if (!h->is_note) {
        set(properties, "hs_communication_logged_from", "CRM");
        set(properties, "hs_communication_channel_type",
            strcmp(connector, "whatsapp") == 0 ? "WHATS_APP" : "SMS");
    }
    return properties;
}

json_t *hubspot_batch(const json_t *ids, size_t from, const struct hubspot_history *h) {
    json_t *inputs = json_array();
    for (size_t i = from; i < json_array_size(ids) && i < from + HUBSPOT_BATCH; i++)
        json_array_append_new(inputs, json_pack("{s:O}", "id", json_array_get(ids, i)));
    return json_pack("{s:o,s:[s,s],s:[]}", "inputs", inputs, "properties", h->body, "hs_timestamp",
        "propertiesWithHistory");
}
