/* elma365_compose.c - contexts of items. */
#include "connectors/elma365/elma365_compose.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"

#define PAGE 100
#define DEPTH_MAX 6
#define VALUE_MAX 20000
#define FIELD_MAX 2000 /* bytes of our own field */
#define CONTACT_REF "$ref/1"

static const char *str(const json_t *o, const char *key) {
    const char *s = json_string_value(json_object_get(o, key));
    return s ? s : "";
}

json_t *elma365_search(const char *field, const char *value) {
    return json_pack("{s:b,s:{s:{s:s}},s:{s:b},s:i,s:i}", "active", 1, "filter", "tf", field, value,
        "fields", "*", 1, "from", 0, "size", PAGE);
}

/* --- what an admin wants besides ------------------------------------------------------------- */

int elma365_extra_check(const char *row, struct err *err) {
    const char *is = row ? strchr(row, '=') : NULL;
    if (row && (!is || is == row))
        return err_set(err, ERR_INVALID, "\"%.60s\": expected code=value", row);
    return 0;
}

/* "{name}", "{profile.locale}": what the client's document has there. */
static json_t *filled(const char *text, const json_t *client) {
    struct buf b;
    buf_init(&b, VALUE_MAX);
    while (*text) {
        const char *end = *text == '{' ? strchr(text, '}') : NULL;
        if (!end) {
            buf_add(&b, text++, 1);
            continue;
        }
        char *where = mem_strndup(text + 1, (size_t)(end - text - 1));
        const char *value = json_string_value(elma365_at(client, where));
        buf_adds(&b, value ? value : "");
        free(where);
        text = end + 1;
    }
    json_t *out = json_string(buf_str(&b));
    buf_free(&b);
    return out ? out : json_string("");
}

static json_t *fill(const json_t *j, const json_t *client, unsigned depth) {
    size_t i;
    const char *key;
    json_t *one, *out;
    if (json_is_string(j))
        return filled(json_string_value(j), client);
    if (depth > DEPTH_MAX || (!json_is_object(j) && !json_is_array(j)))
        return json_deep_copy(j);
    out = json_is_object(j) ? json_object() : json_array();
    json_object_foreach((json_t *)j, key, one)
        json_object_set_new(out, key, fill(one, client, depth + 1));
    json_array_foreach(j, i, one) json_array_append_new(out, fill(one, client, depth + 1));
    return out;
}

static void add_extra(json_t *context, const char *const *rows, const json_t *client) {
    for (; rows && *rows; rows++) {
        const char *is = strchr(*rows, '=');
        if (!is)
            continue;
        char *code = mem_strndup(*rows, (size_t)(is - *rows));
        json_t *value = json_loads(is + 1, JSON_DECODE_ANY, NULL);
        if (!value)
            value = json_string(is + 1);
        if (value)
            json_object_set_new(context, code, fill(value, client, 0));
        json_decref(value);
        free(code);
    }
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
    const char *before = str(context, field);
    if (!*field || !*word || strpbrk(word, " \n\t") || strlen(before) + strlen(word) > FIELD_MAX)
        return;
    char *text = mem_printf("%s%s%s", before, *before ? " " : "", word);
    json_object_set_new(context, field, json_string(text));
    free(text);
}

/* context has what is there. */
static void add_way(json_t *context, const json_t *way, const struct elma365_fields *f) {
    const char *kind = str(way, "kind"), *value = str(way, "value");
    if (strcmp(kind, "phone") == 0 && *f->phone)
        append(context, f->phone, json_pack("{s:s,s:s}", "type", "mobile", "tel", value));
    else if (strcmp(kind, "mail") == 0 && *f->mail)
        append(context, f->mail, json_pack("{s:s,s:s}", "type", "work", "email", value));
    else if (strcmp(kind, "messenger") == 0)
        add_word(context, f->messenger, value);
    else if (strcmp(kind, "mark") == 0 && !*str(context, "__externalId"))
        json_object_set_new(context, "__externalId", json_string(value));
    else if (strcmp(kind, "mark") == 0)
        add_word(context, f->messenger, value);
}

json_t *elma365_contact(
    const struct crm_flow_who *who, const struct elma365_fields *f, const char *const *extra) {
    json_t *context = json_pack("{s:s}", "__externalId", who->mark), *way;
    size_t i;
    add_extra(context, extra, who->client);
    if (strcmp(f->name, "_fullname") == 0)
        json_object_set_new(context, f->name, json_pack("{s:s}", "firstname", who->name));
    else if (*f->name)
        json_object_set_new(context, f->name, json_string(who->name));
    json_array_foreach(who->ways, i, way) {
        bool is_typed = strcmp(str(way, "kind"), "messenger") != 0;
        if (!who->is_plain || !is_typed)
            add_way(context, way, f);
    }
    return context;
}

json_t *elma365_batch(
    json_t *contact, const struct crm_flow_who *who, const struct elma365_deal *d) {
    json_t *deal = json_pack("{s:s}", "__externalId", who->mark);
    add_extra(deal, d->extra, who->client);
    json_object_set_new(deal, d->name_field, json_string(who->name));
    json_object_set_new(deal, d->contact_field, json_pack("[s]", CONTACT_REF));
    json_object_set_new(contact, "__id", json_string(CONTACT_REF));
    return json_pack("{s:[{s:s,s:s,s:o},{s:s,s:s,s:o}],s:b}", "items", "namespace", d->section,
        "code", d->app, "context", contact, "namespace", d->section, "code", d->deal_app, "context",
        deal, "withEventHandlers", 1);
}

const char *elma365_batch_contact(const json_t *answer) {
    return str(json_object_get(answer, "pseudoIDsMap"), CONTACT_REF);
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
