/* elma365_compose.c - contexts of items. */
#include "base/json_text.h"
#include "connectors/elma365/elma365_compose.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "core/crm/crm_fields.h"

#define PAGE 100
#define FIELD_MAX 2000 /* bytes of our own field */
#define CONTACT_REF "$ref/1"

json_t *elma365_search(const char *field, const char *value) {
    return json_pack("{s:b,s:{s:{s:s}},s:{s:b},s:i,s:i}", "active", 1, "filter", "tf", field, value,
        "fields", "*", 1, "from", 0, "size", PAGE);
}

/* --- a contact ------------------------------------------------------------------------------- */

static void append(json_t *context, const char *field, json_t *value) {
    json_t *list = json_object_get(context, field);
    if (!json_is_array(list)) {
        list = json_array();
        json_object_set_new(context, field, list);
    }
    json_array_append_new(list, value);
}

/* Our field is words with spaces between them: what has a space itself is no word. */
static void add_word(json_t *context, const char *field, const char *word) {
    const char *before = json_text(context, field);
    if (!*field || !*word || strpbrk(word, " \n\t") || strlen(before) + strlen(word) > FIELD_MAX)
        return;
    char *text = mem_printf("%s%s%s", before, *before ? " " : "", word);
    json_object_set_new(context, field, json_string(text));
    free(text);
}

/* context has what is there. */
static void add_way(json_t *context, const json_t *way, const struct elma365_fields *f) {
    const char *kind = json_text(way, "kind"), *value = json_text(way, "value");
    if (strcmp(kind, "phone") == 0 && *f->phone)
        append(context, f->phone, json_pack("{s:s,s:s}", "type", "mobile", "tel", value));
    else if (strcmp(kind, "mail") == 0 && *f->mail)
        append(context, f->mail, json_pack("{s:s,s:s}", "type", "work", "email", value));
    else if (strcmp(kind, "messenger") == 0)
        add_word(context, f->messenger, value);
    else if (strcmp(kind, "mark") == 0 && !*json_text(context, "__externalId"))
        json_object_set_new(context, "__externalId", json_string(value));
    else if (strcmp(kind, "mark") == 0)
        add_word(context, f->messenger, value);
}

void elma365_set_name(json_t *context, const struct elma365_fields *f, const char *name) {
    if (strcmp(f->name, "_fullname") == 0)
        json_object_set_new(context, f->name, json_pack("{s:s}", "firstname", name));
    else if (*f->name)
        json_object_set_new(context, f->name, json_string(name));
}

json_t *elma365_contact(
    const struct crm_flow_who *who, const struct elma365_fields *f, const char *const *extra) {
    json_t *context = json_pack("{s:s}", "__externalId", who->mark), *way;
    size_t i;
    crm_fields_set(context, extra, who->client);
    elma365_set_name(context, f, who->name);
    json_array_foreach(who->ways, i, way) {
        bool is_typed = strcmp(json_text(way, "kind"), "messenger") != 0;
        if (!who->is_plain || !is_typed)
            add_way(context, way, f);
    }
    return context;
}

json_t *elma365_batch(
    json_t *contact, const struct crm_flow_who *who, const struct elma365_deal *d) {
    json_t *deal = json_pack("{s:s}", "__externalId", who->mark);
    crm_fields_set(deal, d->extra, who->client);
    json_object_set_new(deal, d->name_field, json_string(who->name));
    json_object_set_new(deal, d->contact_field, json_pack("[s]", CONTACT_REF));
    json_object_set_new(contact, "__id", json_string(CONTACT_REF));
    return json_pack("{s:[{s:s,s:s,s:o},{s:s,s:s,s:o}],s:b}", "items", "namespace", d->section,
        "code", d->app, "context", contact, "namespace", d->section, "code", d->deal_app, "context",
        deal, "withEventHandlers", 1);
}

const char *elma365_batch_contact(const json_t *answer) {
    return json_text(json_object_get(answer, "pseudoIDsMap"), CONTACT_REF);
}

/* --- what is missing on it ------------------------------------------------------------------- */

json_t *elma365_additions(
    const json_t *item, const json_t *missing, const struct elma365_fields *f) {
    const char *const touched[] = {f->phone, f->mail, f->messenger, "__externalId"};
    json_t *context = json_object(), *way;
    size_t i;
    for (i = 0; i < ARRAY_LEN(touched); i++) {
        const json_t *held = *touched[i] ? json_object_get(item, touched[i]) : NULL;
        if (held && !json_is_null(held))
            json_object_set_new(context, touched[i], json_deep_copy(held));
    }
    json_array_foreach(missing, i, way) add_way(context, way, f);
    for (i = 0; i < ARRAY_LEN(touched); i++)
        if (*touched[i] && json_equal(json_object_get(context, touched[i]),
                               json_object_get((json_t *)item, touched[i])))
            json_object_del(context, touched[i]);
    return context;
}
