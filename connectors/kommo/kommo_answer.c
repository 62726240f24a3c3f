/* kommo_answer.c - errors in the server's words; contacts with their fields; notes with our marks.
 */
#include "base/json_text.h"
#include "connectors/kommo/kommo_answer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "core/crm/crm_call.h"
#include "core/crm/crm_fields.h"

#define SAID_MAX 250
#define MARKS_MAX 250 /* bytes of the field with our marks: a short text field takes 256 */
#define ID_LEN 26     /* of a message */
#define DAY_S 86400

/* --- answers --------------------------------------------------------------------------------- */

static void say(char said[SAID_MAX], const char *what) {
    size_t n = strlen(said);
    if (*what && n < SAID_MAX - 1)
        snprintf(said + n, SAID_MAX - n, "%s%s", n ? "; " : "", what);
}

/* {"detail","validation-errors":[{"errors":[{"path","detail"}]}]} of the CRM,
 * {"error_description"} of the chats, {"hint"} of the tokens. */
static void words_of(const json_t *problem, char said[SAID_MAX]) {
    size_t i, k;
    json_t *one, *error;
    said[0] = '\0';
    json_array_foreach(json_object_get(problem, "validation-errors"), i, one)
        json_array_foreach(json_object_get(one, "errors"), k, error) {
        say(said, json_text(error, "detail"));
        if (*json_text(error, "path")) {
            size_t n = strlen(said);
            snprintf(said + n, SAID_MAX - n, " (%.60s)", json_text(error, "path"));
        }
    }
    if (!*said)
        say(said, json_text(problem, "detail"));
    if (!*said)
        say(said, json_text(problem, "error_description"));
    say(said, json_text(problem, "hint"));
    for (char *c = said; *c; c++)
        if ((unsigned char)*c < ' ')
            *c = ' ';
    utf8_repair(said);
}

json_t *kommo_answer(const struct http_answer *a, struct err *err) {
    char said[SAID_MAX];
    if (a->status >= 200 && a->status < 300)
        return crm_answer_json(a, err);
    crm_answer_check_json(a, err);
    json_t *problem = a->body.n ? json_loadb(a->body.p, a->body.n, 0, NULL) : NULL;
    if (json_is_object(problem)) {
        words_of(problem, said);
        if (*said)
            err_set(err, err->code, "Kommo answered %d: %s", a->status, said);
    }
    json_decref(problem);
    if (a->status == 402)
        err_set(err, ERR_AUTH, "Kommo answered 402: the account is not paid for");
    return NULL;
}

int kommo_tokens(const struct http_answer *a, struct crm_tokens *out, struct err *err) {
    json_t *j = kommo_answer(a, err);
    const char *access = json_text(j, "access_token"), *refresh = json_text(j, "refresh_token");
    int64_t expires_s = json_integer_value(json_object_get(j, "expires_in"));
    *out = (struct crm_tokens){0};
    bool is_good = *access && *refresh && !access[strcspn(access, "\r\n")];
    if (is_good)
        *out = (struct crm_tokens){mem_strdup(access), mem_strdup(refresh), expires_s};
    json_decref(j);
    if (j && !is_good)
        return err_set(err, ERR_AUTH, "Kommo gave no tokens for the refresh token");
    return j ? 0 : -1;
}

const json_t *kommo_embedded(const json_t *answer, const char *what) {
    const json_t *all = json_object_get(json_object_get(answer, "_embedded"), what);
    return json_is_array(all) ? all : NULL;
}

long long kommo_first_id(const json_t *answer, const char *what) {
    const json_t *first = json_array_get(kommo_embedded(answer, what), 0);
    return json_integer_value(json_object_get(first, "id"));
}

bool kommo_has_next(const json_t *answer) {
    return json_is_object(json_object_get(json_object_get(answer, "_links"), "next"));
}

int kommo_check_list(const json_t *answer, const char *what, struct err *err) {
    if (json_is_null(answer) || kommo_embedded(answer, what))
        return 0;
    return err_set(err, ERR_PROTOCOL, "Kommo answered with what is no list of %s", what);
}

int kommo_check_one(const json_t *answer, struct err *err) {
    if (json_is_null(answer) || json_is_true(json_object_get(answer, "is_deleted")))
        return err_set(err, ERR_NOT_FOUND, "it was deleted in Kommo, or merged into another");
    if (json_integer_value(json_object_get(answer, "id")) > 0)
        return 0;
    return err_set(err, ERR_PROTOCOL, "Kommo answered with what is no contact and no note");
}

char *kommo_encode(const char *text) {
    struct buf out;
    buf_init(&out, strlen(text) * 3 + 1);
    buf_adds(&out, "");
    for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
        bool is_plain = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
                        (*c >= '0' && *c <= '9') || strchr("-_.~", *c);
        if (is_plain)
            buf_add(&out, c, 1);
        else
            buf_addf(&out, "%%%02X", *c);
    }
    return buf_take(&out);
}

/* --- what a contact holds -------------------------------------------------------------------- */

static bool is_number(const char *s) {
    return *s && s[strspn(s, "0123456789")] == '\0';
}

static bool is_mark_field(const json_t *field, const char *mark_field) {
    if (is_number(mark_field))
        return json_integer_value(json_object_get(field, "field_id")) ==
               strtoll(mark_field, NULL, 10);
    return strcmp(json_text(field, "field_code"), mark_field) == 0;
}

static void add_way(json_t *ways, const char *kind, const char *value) {
    json_t *way = json_pack("{s:s,s:s%}", "kind", kind, "value", value, strlen(value));
    json_array_append_new(ways, way);
}

/* "switchboard:01J... telegram:4242" */
static void add_marks(json_t *ways, const char *text) {
    static const char gap[] = " \t\r\n,;";
    for (const char *at = text + strspn(text, gap); *at; at += strspn(at, gap)) {
        size_t n = strcspn(at, gap);
        char *one = mem_strndup(at, n);
        if (strchr(one, ':'))
            add_way(ways, strncmp(one, "switchboard:", 12) == 0 ? "mark" : "messenger", one);
        free(one);
        at += n;
    }
}

static json_t *ways_of(const json_t *contact, const char *mark_field) {
    json_t *ways = json_array(), *field, *one;
    size_t i, k;
    json_array_foreach(json_object_get(contact, "custom_fields_values"), i, field) {
        const char *code = json_text(field, "field_code");
        bool is_mark = is_mark_field(field, mark_field);
        json_array_foreach(json_object_get(field, "values"), k, one) {
            const char *value = json_text(one, "value");
            if (!*value)
                continue;
            if (is_mark)
                add_marks(ways, value);
            else if (strcmp(code, "PHONE") == 0 || strcmp(code, "EMAIL") == 0)
                add_way(ways, *code == 'P' ? "phone" : "mail", value);
        }
    }
    return ways;
}

json_t *kommo_card(const json_t *contact, const char *mark_field) {
    long long id = json_integer_value(json_object_get(contact, "id"));
    long long user = json_integer_value(json_object_get(contact, "responsible_user_id"));
    char text[24];
    if (id <= 0 || json_is_true(json_object_get(contact, "is_deleted")))
        return NULL;
    snprintf(text, sizeof text, "%lld", id);
    json_t *card = json_pack("{s:s,s:o}", "id", text, "ways", ways_of(contact, mark_field));
    if (*json_text(contact, "name"))
        json_object_set(card, "name", json_object_get(contact, "name"));
    if (user > 0) {
        json_object_set_new(card, "responsible", json_sprintf("%lld", user));
        json_object_set(card, "user", json_object_get(card, "responsible"));
    }
    return card;
}

void kommo_found(const json_t *answer, const char *mark_field, json_t *found) {
    size_t i, k;
    json_t *contact, *way;
    json_array_foreach(kommo_embedded(answer, "contacts"), i, contact) {
        json_t *card = kommo_card(contact, mark_field);
        json_array_foreach(json_object_get(card, "ways"), k, way) {
            json_t *row = json_copy(way);
            json_object_set(row, "card", json_object_get(card, "id"));
            json_array_append_new(found, row);
        }
        json_decref(card);
    }
}

/* --- what is written to it ------------------------------------------------------------------- */

static json_t *field_named(const char *name, json_t *values) {
    return is_number(name) ? json_pack("{s:I,s:o}", "field_id", (json_int_t)strtoll(name, NULL, 10),
                                 "values", values)
                           : json_pack("{s:s,s:o}", "field_code", name, "values", values);
}

/* The ways of one kind as values of their field, after those that are there (kept as they are). */
static json_t *values_of(const json_t *held, const json_t *ways, const char *kind, bool *changed) {
    json_t *values = json_array(), *one;
    size_t i;
    json_array_foreach(held, i, one) {
        json_t *kept = json_object(), *code = json_object_get(one, "enum_code");
        json_object_set(kept, "value", json_object_get(one, "value"));
        if (json_is_string(code))
            json_object_set(kept, "enum_code", code);
        json_array_append_new(values, kept);
    }
    json_array_foreach(ways, i, one) {
        if (strcmp(json_text(one, "kind"), kind) != 0)
            continue;
        json_array_append_new(values,
            json_pack("{s:O,s:s}", "value", json_object_get(one, "value"), "enum_code", "WORK"));
        *changed = true;
    }
    return values;
}

static bool has_word(const char *text, const char *word) {
    size_t n = strlen(word);
    for (const char *at = strstr(text, word); at; at = strstr(at + 1, word))
        if ((at == text || strchr(" \t\r\n,;", at[-1])) && strchr(" \t\r\n,;", at[n]))
            return true;
    return false;
}

static bool is_word(const char *value) {
    return *value && !value[strcspn(value, " \t\r\n,;")];
}

/* The text of the field with our marks, after what is there. */
static char *marks_of(const char *held, const json_t *ways, bool is_plain, bool *changed) {
    struct buf out;
    size_t i;
    json_t *one;
    buf_init(&out, strlen(held) + MARKS_MAX + 1);
    buf_adds(&out, held);
    json_array_foreach(ways, i, one) {
        const char *kind = json_text(one, "kind"), *value = json_text(one, "value");
        bool is_ours = strcmp(kind, "mark") == 0 || strcmp(kind, "messenger") == 0 || is_plain;
        if (!is_ours || !is_word(value) || has_word(buf_str(&out), value) ||
            out.n + strlen(value) + 1 > MARKS_MAX)
            continue;
        buf_addf(&out, "%s%s", out.n ? " " : "", value);
        *changed = true;
    }
    return buf_take(&out);
}

static const json_t *held_values(const json_t *contact, const char *field) {
    size_t i;
    json_t *one;
    json_array_foreach(json_object_get(contact, "custom_fields_values"), i,
        one) if (is_mark_field(one, field)) return json_object_get(one, "values");
    return NULL;
}

/* The fields that change: empty when none does. */
static json_t *fields_of(
    const json_t *contact, const json_t *ways, bool is_plain, const char *mark_field) {
    static const char *const kinds[][2] = {{"phone", "PHONE"}, {"mail", "EMAIL"}};
    json_t *fields = json_array();
    bool changed = false;
    char *marks = marks_of(json_text(json_array_get(held_values(contact, mark_field), 0), "value"),
        ways, is_plain, &changed);
    if (changed)
        json_array_append_new(
            fields, field_named(mark_field, json_pack("[{s:s}]", "value", marks)));
    free(marks);
    for (size_t i = 0; i < ARRAY_LEN(kinds) && !is_plain; i++) {
        changed = false;
        json_t *values = values_of(held_values(contact, kinds[i][1]), ways, kinds[i][0], &changed);
        if (changed)
            json_array_append_new(fields, field_named(kinds[i][1], json_incref(values)));
        json_decref(values);
    }
    return fields;
}

/* A value that came out empty is none. */
void kommo_extra_fields(json_t *fields, const char *const *rows, const json_t *client) {
    json_t *all = json_object(), *value;
    const char *code;
    crm_fields_set(all, rows, client);
    json_object_foreach(all, code, value) {
        bool is_empty =
            json_is_null(value) || (json_is_string(value) && !json_string_length(value));
        if (!is_empty)
            json_array_append_new(fields, field_named(code, json_pack("[{s:O}]", "value", value)));
    }
    json_decref(all);
}

json_t *kommo_contact_new(const struct crm_flow_who *who, const struct kommo_contact_options *o) {
    json_t *ways = json_pack("[{s:s,s:s}]", "kind", "mark", "value", who->mark);
    json_array_extend(ways, (json_t *)who->ways);
    json_t *fields = fields_of(NULL, ways, who->is_plain, o->mark_field);
    kommo_extra_fields(fields, o->extra, who->client);
    json_t *one = json_pack(
        "{s:s,s:o,s:s}", "name", who->name, "custom_fields_values", fields, "request_id", who->id);
    if (one && o->responsible)
        json_object_set_new(one, "responsible_user_id", json_integer(o->responsible));
    json_decref(ways);
    return json_pack("[o]", one);
}

json_t *kommo_contact_add(const json_t *contact, const json_t *missing, bool is_plain,
    const struct kommo_contact_options *o) {
    json_t *fields = fields_of(contact, missing, is_plain, o->mark_field);
    if (json_array_size(fields))
        return json_pack("{s:o}", "custom_fields_values", fields);
    json_decref(fields);
    return NULL;
}

/* --- what is looked for ---------------------------------------------------------------------- */

/* The last seven digits as people write them: a query finds what stands in a field so, and not
 * otherwise. */
static void add_number(json_t *queries, const char *number) {
    size_t n = strlen(number);
    if (n < 8)
        return;
    const char *p = number + n - 7;
    json_array_append_new(queries, json_string(p));
    json_array_append_new(queries, json_sprintf("%.3s-%.2s-%s", p, p + 3, p + 5));
    json_array_append_new(queries, json_sprintf("%.3s %.2s %s", p, p + 3, p + 5));
}

json_t *kommo_queries(const struct crm_flow_who *who) {
    json_t *queries = json_pack("[s]", who->mark), *one;
    size_t i;
    json_array_foreach(who->ways, i, one) {
        const char *value = json_text(one, "value");
        if (!json_is_true(json_object_get(one, "proven")) || !*value)
            continue;
        if (strcmp(json_text(one, "kind"), "phone") == 0)
            add_number(queries, value);
        else if (is_word(value))
            json_array_append_new(queries, json_string(value));
    }
    return queries;
}

/* --- notes ----------------------------------------------------------------------------------- */

void kommo_entries(const json_t *answer, const char *mark, json_t *entries) {
    size_t i;
    json_t *note;
    json_array_foreach(kommo_embedded(answer, "notes"), i, note) {
        const char *text = json_text(json_object_get(note, "params"), "text"),
                   *at = crm_text_marked(text);
        long long id = json_integer_value(json_object_get(note, "id"));
        if (!at || id <= 0 || (mark && strncmp(at, mark + 1, ID_LEN) != 0))
            continue;
        json_t *one = json_pack("{s:o,s:s,s:s%}", "id", json_sprintf("%lld", id), "text", text,
            "message", at, (size_t)ID_LEN);
        if (one)
            json_array_append_new(entries, one);
    }
}

long long kommo_mark_since(const char *mark) {
    static const char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    long long ms = 0;
    if (*mark++ != '#' || strlen(mark) < ID_LEN)
        return 0;
    for (size_t i = 0; i < 10; i++) { /* the time of an ULID */
        const char *d = mark[i] ? strchr(digits, mark[i]) : NULL;
        if (!d || (i == 0 && d - digits > 7))
            return 0;
        ms = ms * 32 + (d - digits);
    }
    return ms / 1000 > DAY_S ? ms / 1000 - DAY_S : 0; /* their clock may be another */
}
