/* bitrix24_request.c - commands, and the fields of contacts. */
#include "base/json_text.h"
#include "connectors/bitrix24/bitrix24_request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "core/crm/crm_fields.h"

#define COMMAND_MAX ((size_t)256 * 1024)
#define DEPTH_MAX 8
#define VALUES_MAX 20 /* that crm.duplicate.findbycomm takes */
#define MESSENGERS_MAX 5
#define NAME_POINTS 50

/* --- commands -------------------------------------------------------------------------------- */

static void encode(struct buf *out, const char *s) {
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;
        bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                     strchr("-._~@:", c);
        buf_addf(out, plain ? "%c" : "%%%02X", c);
    }
}

/* "$result[" refers to another command: in a text it is nothing but text. */
static void encode_text(struct buf *out, const char *s) {
    for (const char *at; (at = strstr(s, "$result[")) != NULL; s = at + 7) {
        char *before = mem_strndup(s, (size_t)(at - s));
        encode(out, before);
        encode(out, "$result \xe2\x80\x8b");
        free(before);
    }
    encode(out, s);
}

static void add_value(struct buf *out, const char *name, const json_t *v, unsigned depth) {
    const char *key;
    size_t i;
    json_t *one;
    if (depth > DEPTH_MAX)
        return;
    if (json_is_object(v)) {
        json_object_foreach((json_t *)v, key, one) {
            struct buf inner;
            buf_init(&inner, COMMAND_MAX);
            buf_adds(&inner, name);
            buf_adds(&inner, *name ? "[" : "");
            encode(&inner, key);
            buf_adds(&inner, *name ? "]" : "");
            add_value(out, buf_str(&inner), one, depth + 1);
            buf_free(&inner);
        }
    } else if (json_is_array(v)) {
        json_array_foreach(v, i, one) {
            char *inner = mem_printf("%s[%zu]", name, i);
            add_value(out, inner, one, depth + 1);
            free(inner);
        }
    } else {
        buf_addf(out, "%s%s=", out->n ? "&" : "", name);
        if (json_is_string(v))
            encode_text(out, json_string_value(v));
        else if (json_is_integer(v))
            buf_addf(out, "%lld", (long long)json_integer_value(v));
    }
}

json_t *bitrix24_command(const char *method, const json_t *params, const char *tail) {
    struct buf query;
    buf_init(&query, COMMAND_MAX);
    add_value(&query, "", params, 0);
    json_t *out = json_sprintf("%s?%s%s", method, buf_str(&query), tail);
    buf_free(&query);
    return out;
}

/* --- finding --------------------------------------------------------------------------------- */

static void add_text(json_t *list, const char *text) {
    if (json_array_size(list) < VALUES_MAX)
        json_array_append_new(list, json_string(text));
}

/* Nobody made the numbers of an old portal uniform: +7900..., 7900..., 8900..., 900... */
static void add_number(json_t *list, const char *e164) {
    const char *digits = e164 + (*e164 == '+');
    add_text(list, e164);
    add_text(list, digits);
    if (*digits == '7' && strlen(digits) == 11) {
        char *inland = mem_printf("8%s", digits + 1);
        add_text(list, inland);
        add_text(list, digits + 1);
        free(inland);
    }
}

static void add_command(json_t *out, const char *name, const char *method, json_t *params) {
    json_object_set_new(out, name, bitrix24_command(method, params, ""));
    json_decref(params);
}

static json_t *by_messenger(const char *value) {
    return json_pack("{s:{s:s},s:[s]}", "filter", "IM", value, "select", "ID");
}

json_t *bitrix24_find_commands(const struct crm_flow_who *who) {
    json_t *out = json_object(), *numbers = json_array(), *addresses = json_array(), *one;
    size_t i, messengers = 0;
    add_command(out, "mark", "crm.item.list",
        json_pack("{s:i,s:{s:s,s:s},s:[s]}", "entityTypeId", BITRIX24_CONTACT, "filter",
            "originatorId", "switchboard", "originId", who->id, "select", "id"));
    add_command(out, "mark_im", "crm.contact.list", by_messenger(who->mark));
    json_array_foreach(who->ways, i, one) {
        const char *kind = json_text(one, "kind"), *value = json_text(one, "value");
        if (!json_is_true(json_object_get(one, "proven")) || !*value)
            continue;
        if (strcmp(kind, "phone") == 0) {
            add_number(numbers, value);
        } else if (strcmp(kind, "mail") == 0) {
            add_text(addresses, value);
        } else if (messengers < MESSENGERS_MAX) {
            char name[8];
            snprintf(name, sizeof name, "im%zu", messengers++);
            add_command(out, name, "crm.contact.list", by_messenger(value));
        }
    }
    if (json_array_size(numbers))
        add_command(out, "phone", "crm.duplicate.findbycomm",
            json_pack(
                "{s:s,s:s,s:O}", "entity_type", "CONTACT", "type", "PHONE", "values", numbers));
    if (json_array_size(addresses))
        add_command(out, "mail", "crm.duplicate.findbycomm",
            json_pack(
                "{s:s,s:s,s:O}", "entity_type", "CONTACT", "type", "EMAIL", "values", addresses));
    json_decref(numbers);
    json_decref(addresses);
    return out;
}

/* --- contacts -------------------------------------------------------------------------------- */

json_t *bitrix24_multifields(const json_t *ways, bool plain) {
    json_t *out = json_array(), *one;
    size_t i;
    json_array_foreach(ways, i, one) {
        const char *kind = json_text(one, "kind");
        bool is_phone = !plain && strcmp(kind, "phone") == 0;
        bool is_mail = !plain && strcmp(kind, "mail") == 0;
        json_array_append_new(out, json_pack("{s:s,s:s,s:s}", "typeId",
                                       is_phone  ? "PHONE"
                                       : is_mail ? "EMAIL"
                                                 : "IM",
                                       "valueType", is_phone || is_mail ? "WORK" : "OTHER", "value",
                                       json_text(one, "value")));
    }
    return out;
}

/* What the page told when the client came (site chat): utm_source=... */
static void set_utm(json_t *fields, const json_t *client) {
    static const char *const names[][2] = {{"source", "utmSource"}, {"medium", "utmMedium"},
        {"campaign", "utmCampaign"}, {"content", "utmContent"}, {"term", "utmTerm"}};
    const json_t *profile = json_object_get(client, "profile");
    const json_t *utm = json_object_get(profile, "utm");
    if (!utm)
        utm = json_object_get(json_object_get(profile, "page"), "utm");
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        char *with = mem_printf("utm_%s", names[i][0]);
        const char *value =
            *json_text(utm, names[i][0]) ? json_text(utm, names[i][0]) : json_text(utm, with);
        if (*value)
            json_object_set_new(fields, names[i][1], json_string(value));
        free(with);
    }
}

static json_t *common_fields(
    const struct crm_flow_who *who, const struct bitrix24_making *m, const char *const *more) {
    json_t *f = json_object();
    crm_fields_set(f, more, who->client);
    json_object_set_new(f, "originatorId", json_string("switchboard"));
    json_object_set_new(f, "originId", json_string(who->id));
    if (*m->source)
        json_object_set_new(f, "sourceId", json_string(m->source));
    if (*m->responsible)
        json_object_set_new(f, "assignedById", json_integer(strtol(m->responsible, NULL, 10)));
    set_utm(f, who->client);
    return f;
}

json_t *bitrix24_name(const char *name) {
    return json_stringn(name, utf8_prefix(name, strlen(name), NAME_POINTS));
}

json_t *bitrix24_contact_fields(const struct crm_flow_who *who, const struct bitrix24_making *m) {
    json_t *f = common_fields(who, m, m->contact_fields);
    json_object_set_new(f, "name", bitrix24_name(who->name));
    json_object_set_new(f, "fm", bitrix24_multifields(who->ways, who->is_plain));
    return f;
}

json_t *bitrix24_also_fields(const struct crm_flow_who *who, const struct bitrix24_making *m) {
    json_t *f = common_fields(who, m, m->also_fields);
    json_object_set_new(f, "title", bitrix24_name(who->name));
    if (*m->stage)
        json_object_set_new(f, "stageId", json_string(m->stage));
    if (m->category > 0 && strcmp(m->also, "deal") == 0)
        json_object_set_new(f, "categoryId", json_integer(m->category));
    return f;
}
