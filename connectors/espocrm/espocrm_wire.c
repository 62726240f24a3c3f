/* espocrm_wire.c - queries, records and answers. */
#include "base/json_text.h"
#include "connectors/espocrm/espocrm_wire.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "core/crm/crm_call.h"

#define ID_MAX 64
#define FOUND_MAX 20
#define NAME_POINTS 100   /* of a first and of a last name */
#define MESSENGER_MAX 255 /* bytes of the messengers' field */
#define QUERY_MAX ((size_t)64 * 1024)

/* --- answers --------------------------------------------------------------------------------- */

int espocrm_result(const struct http_answer *a, json_t **out, struct err *err) {
    *out = NULL;
    if (crm_answer_check(a, err) < 0) {
        if (err->code == ERR_CONFLICT)
            *out = json_loadb(a->body.p, a->body.n, 0, NULL);
        return -1;
    }
    *out = crm_answer_json(a, err);
    return *out ? 0 : -1;
}

bool espocrm_is_id(const char *id) {
    size_t n = 0;
    while (isalnum((unsigned char)id[n]) || id[n] == '-' || id[n] == '_')
        n++;
    return n > 0 && n <= ID_MAX && !id[n];
}

const char *espocrm_id(const json_t *record) {
    const char *id = json_text(record, "id");
    return espocrm_is_id(id) ? id : NULL;
}

const json_t *espocrm_list(const json_t *result, struct err *err) {
    const json_t *list = json_object_get(result, "list");
    if (json_is_array(list))
        return list;
    err_set(err, ERR_PROTOCOL, "EspoCRM answered a search with what is no list of records");
    return NULL;
}

/* --- queries --------------------------------------------------------------------------------- */

static void add_encoded(struct buf *b, const char *s) {
    for (; *s; s++)
        if (isalnum((unsigned char)*s) || strchr("-_.~", *s))
            buf_add(b, s, 1);
        else
            buf_addf(b, "%%%02X", (unsigned char)*s);
}

/* at: "where[0]" or "where[0][value][3]". */
static void add_item(
    struct buf *b, const char *at, const char *type, const char *attribute, const char *value) {
    buf_addf(b, "&%s%%5Btype%%5D=%s&%s%%5Battribute%%5D=", at, type, at);
    add_encoded(b, attribute);
    buf_addf(b, "&%s%%5Bvalue%%5D=", at);
    add_encoded(b, value);
}

struct any {
    struct buf *b;
    unsigned n;
};

static void add_any(struct any *any, const char *type, const char *attribute, const char *value) {
    char at[48];
    snprintf(at, sizeof at, "where%%5B0%%5D%%5Bvalue%%5D%%5B%u%%5D", any->n++);
    add_item(any->b, at, type, attribute, value);
}

/* What is the same number is found by its last ten digits, whatever stands between them; what was
 * found is compared. */
static void add_number(struct any *any, const char *number) {
    size_t n = strlen(number);
    const char *last = n > 10 ? number + n - 10 : number;
    char *like = mem_printf("%%%.3s%%%.3s%%%.2s%%%s%%", last, last + 3, last + 6, last + 8);
    add_any(any, "like", "phoneNumber", like);
    free(like);
}

char *espocrm_find_path(const struct espocrm_fields *f, const struct crm_flow_who *who) {
    struct buf b;
    struct any any = {&b, 0};
    size_t i;
    json_t *way;
    buf_init(&b, QUERY_MAX);
    buf_addf(&b,
        "%s?maxSize=%u&orderBy=createdAt&order=asc&select=id,phoneNumber,emailAddress,%s%s%s",
        f->entity, FOUND_MAX, f->mark, *f->messenger ? "," : "", f->messenger);
    buf_adds(&b, "&where%5B0%5D%5Btype%5D=or");
    add_any(&any, "equals", f->mark, who->mark);
    json_array_foreach(who->ways, i, way) {
        const char *kind = json_text(way, "kind"), *value = json_text(way, "value");
        if (!json_is_true(json_object_get(way, "proven")) || !*value)
            continue;
        if (strcmp(kind, "messenger") == 0 && *f->messenger)
            add_any(&any, "contains", f->messenger, value);
        else if (strcmp(kind, "phone") == 0 && strlen(value) >= 10)
            add_number(&any, value);
        else if (strcmp(kind, "mail") == 0)
            add_any(&any, "equals", "emailAddress", value);
    }
    return buf_take(&b);
}

char *espocrm_notes_path(
    const struct espocrm_fields *f, const char *card, const char *mark, unsigned offset) {
    struct buf b;
    buf_init(&b, QUERY_MAX);
    buf_addf(&b, "Note?maxSize=%u&offset=%u&orderBy=number&order=asc&select=id,post", ESPOCRM_PAGE,
        offset);
    add_item(&b, "where%5B0%5D", "equals", "parentType", f->entity);
    add_item(&b, "where%5B1%5D", "equals", "parentId", card);
    add_item(&b, "where%5B2%5D", "equals", "type", "Post");
    add_item(&b, "where%5B3%5D", "contains", "post", mark);
    return buf_take(&b);
}

/* "...#01J...", and after it which piece it is and how many files there are: " 2/3 +1". */
bool espocrm_message_of(const char *post, char out[ESPOCRM_MESSAGE_SIZE]) {
    static const char letters[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    const size_t size = ESPOCRM_MESSAGE_SIZE - 1;
    const char *at = strrchr(post, '#');
    if (!at || strspn(at + 1, letters) != size)
        return false;
    const char *rest = at + 1 + size;
    if (rest[strspn(rest, " +/0123456789\r\n")])
        return false;
    memcpy(out, at + 1, size);
    out[size] = '\0';
    return true;
}

/* --- who is who ------------------------------------------------------------------------------ */

static void add_way(json_t *out, const char *kind, const char *value) {
    if (*value)
        json_array_append_new(out, json_pack("{s:s,s:s}", "kind", kind, "value", value));
}

/* A record that is read by itself has all its numbers, one of a list the first only. */
static void add_all(json_t *out, const char *kind, const json_t *record, const char *field) {
    char *data = mem_printf("%sData", field);
    const json_t *all = json_object_get(record, data);
    size_t i;
    json_t *one;
    add_way(out, kind, json_text(record, field));
    json_array_foreach(all, i, one) if (strcmp(json_text(one, field), json_text(record, field)) !=
                                        0) add_way(out, kind, json_text(one, field));
    free(data);
}

json_t *espocrm_ways(const struct espocrm_fields *f, const json_t *record) {
    json_t *out = json_array();
    add_way(out, "mark", json_text(record, f->mark));
    for (const char *p = *f->messenger ? json_text(record, f->messenger) : ""; *p;) {
        size_t n = strcspn(p, " \t\r\n,;");
        char *one = mem_strndup(p, n);
        add_way(out, "messenger", one);
        free(one);
        p += n + (p[n] != '\0');
    }
    add_all(out, "phone", record, "phoneNumber");
    add_all(out, "mail", record, "emailAddress");
    return out;
}

/* --- records --------------------------------------------------------------------------------- */

/* "Ann Mary Smith": the last word is the last name, which must be there. Shown one after the other,
 * they are the name again. */
void espocrm_set_name(json_t *record, const char *name) {
    const char *space = strrchr(name, ' ');
    char *first = mem_strndup(name, space ? (size_t)(space - name) : 0);
    char *given = utf8_clean_name(first, NAME_POINTS);
    char *last = utf8_clean_name(space ? space + 1 : name, NAME_POINTS);
    if (*given && *last)
        json_object_set_new(record, "firstName", json_string(given));
    json_object_set_new(record, "lastName", json_string(*last ? last : *given ? given : "?"));
    free(first);
    free(given);
    free(last);
}

/* Appends a word to the messengers' field of the record, if there is room. */
static void add_messenger(
    const struct espocrm_fields *f, json_t *record, const char *held, const char *value) {
    const char *now = json_text(record, f->messenger);
    now = *now ? now : held;
    char *all = mem_printf("%s%s%s", now, *now ? " " : "", value);
    if (strlen(all) <= MESSENGER_MAX && !strpbrk(value, " \t\r\n,;"))
        json_object_set_new(record, f->messenger, json_string(all));
    free(all);
}

/* The first proven value of this kind, else the first. */
static const char *best(const json_t *ways, const char *kind) {
    const char *first = NULL;
    size_t i;
    json_t *way;
    json_array_foreach(ways, i, way) {
        if (strcmp(json_text(way, "kind"), kind) != 0)
            continue;
        if (json_is_true(json_object_get(way, "proven")))
            return json_text(way, "value");
        first = first ? first : json_text(way, "value");
    }
    return first;
}

json_t *espocrm_record(const struct espocrm_fields *f, const struct crm_flow_who *who) {
    json_t *out = json_object();
    const char *number = who->is_plain ? NULL : best(who->ways, "phone");
    const char *address = who->is_plain ? NULL : best(who->ways, "mail");
    struct buf others;
    size_t i;
    json_t *way;
    buf_init(&others, QUERY_MAX);
    espocrm_set_name(out, who->name);
    json_object_set_new(out, f->mark, json_string(who->mark));
    if (number)
        json_object_set_new(out, "phoneNumber", json_string(number));
    if (address)
        json_object_set_new(out, "emailAddress", json_string(address));
    json_array_foreach(who->ways, i, way) {
        const char *value = json_text(way, "value");
        bool is_messenger = strcmp(json_text(way, "kind"), "messenger") == 0;
        if (is_messenger && *f->messenger)
            add_messenger(f, out, "", value);
        else if ((!number || strcmp(value, number) != 0) &&
                 (!address || strcmp(value, address) != 0))
            buf_addf(&others, "%s%s", others.n ? "\n" : "", value);
    }
    if (others.n)
        json_object_set_new(out, "description", json_string(buf_str(&others)));
    buf_free(&others);
    return out;
}

json_t *espocrm_changes(
    const struct espocrm_fields *f, const json_t *record, const json_t *missing, bool plain) {
    json_t *out = json_object();
    size_t i;
    json_t *way;
    json_array_foreach(missing, i, way) {
        const char *kind = json_text(way, "kind"), *value = json_text(way, "value");
        const char *field = strcmp(kind, "mark") == 0    ? f->mark
                            : plain                      ? NULL
                            : strcmp(kind, "phone") == 0 ? "phoneNumber"
                            : strcmp(kind, "mail") == 0  ? "emailAddress"
                                                         : NULL;
        if (strcmp(kind, "messenger") == 0 && *f->messenger)
            add_messenger(f, out, json_text(record, f->messenger), value);
        else if (field && !*json_text(record, field) && !json_object_get(out, field))
            json_object_set_new(out, field, json_string(value));
    }
    return out;
}

/* --- files ----------------------------------------------------------------------------------- */

char *espocrm_file_name(const json_t *attachment) {
    char *name = utf8_clean_name(json_text(attachment, "name"), NAME_POINTS);
    if (*name)
        return name;
    free(name);
    return mem_strdup(*json_text(attachment, "kind") ? json_text(attachment, "kind") : "file");
}

const char *espocrm_file_type(const json_t *attachment) {
    static const char token[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$&^_.+-";
    const char *mime = json_text(attachment, "mime");
    size_t n = strspn(mime, token);
    size_t m = mime[n] == '/' ? strspn(mime + n + 1, token) : 0;
    return n && m && !mime[n + 1 + m] ? mime : "application/octet-stream";
}
