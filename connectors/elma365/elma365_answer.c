/* elma365_answer.c - errors, ways, feeds. */
#include "base/json_text.h"
#include "connectors/elma365/elma365_answer.h"

#include <stdlib.h>
#include <string.h>

#include "base/id.h"
#include "base/mem.h"
#include "core/crm/crm_call.h"
#include "core/crm/crm_fields.h"
#include "core/crm/crm_person.h"
#include "core/crm/crm_text.h"

#define DEPTH_MAX 12 /* of a scheme */
#define MARK "switchboard:"

/* --- answers --------------------------------------------------------------------------------- */

/* Its own words, if it has any: {"success":false,"error":"..."}. */
static void say(const json_t *j, struct err *err) {
    const char *said = json_text(j, "error");
    struct err old = *err;
    if (*said)
        err_set(err, old.code, "ELMA365: %.250s", said);
}

json_t *elma365_result(const struct http_answer *a, struct err *err) {
    if (crm_answer_check_json(a, err) < 0) {
        json_t *j = a->body.n ? json_loadb(a->body.p, a->body.n, 0, NULL) : NULL;
        say(j, err);
        json_decref(j);
        return NULL;
    }
    json_t *j = crm_answer_json(a, err);
    if (!j)
        return NULL;
    const json_t *success = json_object_get(j, "success");
    if (json_is_true(success))
        return j;
    if (json_is_false(success)) {
        err_set(err, ERR_INVALID, "ELMA365 refused it without a word");
        say(j, err);
    } else {
        err_set(err, ERR_PROTOCOL,
            "the answer does not say whether it succeeded: is url the address of ELMA365?");
    }
    json_decref(j);
    return NULL;
}

/* --- who is who ------------------------------------------------------------------------------ */

static void add_way(json_t *ways, const char *kind, const char *value) {
    if (*value)
        json_array_append_new(ways, json_pack("{s:s,s:s}", "kind", kind, "value", value));
}

/* [{"type","tel"}], [{"type","email"}] */
static void add_list(json_t *ways, const json_t *list, const char *kind, const char *key) {
    size_t i;
    json_t *one;
    json_array_foreach(list, i, one) add_way(ways, kind, json_text(one, key));
}

/* Our field: words with spaces between them. */
static void add_words(json_t *ways, const char *text) {
    while (*text) {
        size_t n = strcspn(text, " \n\t");
        char *word = mem_strndup(text, n);
        bool is_mark = strncmp(word, MARK, strlen(MARK)) == 0;
        add_way(ways, is_mark ? "mark" : "messenger", word);
        free(word);
        text += n + (text[n] != '\0');
    }
}

static bool is_deleted(const json_t *item) {
    const json_t *at = json_object_get(item, "__deletedAt");
    return at && !json_is_null(at) && !(json_is_string(at) && !json_string_length(at));
}

static const char *first_id(const json_t *refs) {
    const char *id = json_string_value(json_is_array(refs) ? json_array_get(refs, 0) : refs);
    return id ? id : "";
}

json_t *elma365_card(const json_t *item, const struct elma365_fields *f) {
    const char *id = json_text(item, "__id");
    if (!*id || strpbrk(id, " ,+\n") || is_deleted(item))
        return json_null();
    json_t *ways = json_array();
    if (strncmp(json_text(item, "__externalId"), MARK, strlen(MARK)) == 0)
        add_way(ways, "mark", json_text(item, "__externalId"));
    if (*f->messenger)
        add_words(ways, json_text(item, f->messenger));
    add_list(ways, json_object_get(item, f->phone), "phone", "tel");
    add_list(ways, json_object_get(item, f->mail), "mail", "email");
    json_t *out = json_pack("{s:s,s:o}", "id", id, "ways", ways);
    if (*json_text(item, "__name"))
        json_object_set(out, "name", json_object_get(item, "__name"));
    if (*f->responsible && *first_id(json_object_get(item, f->responsible)))
        json_object_set_new(
            out, "responsible", json_string(first_id(json_object_get(item, f->responsible))));
    return out;
}

const json_t *elma365_items(const json_t *answer) {
    const json_t *rows = crm_at(answer, "result.result");
    return json_is_array(rows) ? rows : NULL;
}

static bool is_same(const char *kind, const char *value, const char *held, const char *country) {
    struct crm_way way = {strcmp(kind, "phone") == 0  ? CRM_PHONE
                          : strcmp(kind, "mail") == 0 ? CRM_MAIL
                                                      : CRM_MESSENGER,
        value, true};
    return crm_way_is(&way, held, country);
}

void elma365_hits(const json_t *answer, const struct elma365_fields *f, const char *kind,
    const char *value, const char *country, json_t *out) {
    size_t i, k;
    json_t *item, *way;
    json_array_foreach(elma365_items(answer), i, item) {
        json_t *card = elma365_card(item, f);
        json_array_foreach(json_object_get(card, "ways"), k, way) {
            if (strcmp(json_text(way, "kind"), kind) == 0 &&
                is_same(kind, value, json_text(way, "value"), country))
                json_array_append_new(out, json_pack("{s:s,s:s,s:s}", "card", json_text(card, "id"),
                                               "kind", kind, "value", json_text(way, "value")));
        }
        json_decref(card);
    }
}

/* --- feeds ----------------------------------------------------------------------------------- */

static void add_entry(
    const json_t *row, const struct elma365_names *n, const char *message, json_t *out) {
    const char *text = json_text(row, n->of[NAME_ROW_TEXT]),
               *id = json_text(row, n->of[NAME_ROW_ID]);
    const char *mark = crm_text_marked(text);
    if (!mark || (message && strncmp(mark, message, ID_LEN) != 0))
        return;
    json_t *one = json_pack("{s:s,s:s#,s:s}", "text", text, "message", mark, (int)ID_LEN, "at",
        json_text(row, n->of[NAME_ROW_AT]));
    json_object_set_new(
        one, "id", *id && !strpbrk(id, " ,+\n") ? json_string(id) : json_sprintf("#%.26s", mark));
    json_array_append_new(out, one);
}

long elma365_entries(const json_t *answer, const struct elma365_names *n, const char *message,
    json_t *out, struct err *err) {
    const json_t *rows = crm_at(answer, n->of[NAME_ROWS]);
    size_t i, k;
    json_t *row, *comment;
    if (!json_is_array(rows))
        return err_set(err, ERR_PROTOCOL,
            "the feed's list has no messages at %s: correct it in the setting names",
            n->of[NAME_ROWS]);
    json_array_foreach(rows, i, row) {
        add_entry(row, n, message, out);
        json_array_foreach(json_object_get(row, n->of[NAME_ROW_COMMENTS]), k, comment)
            add_entry(comment, n, message, out);
    }
    return (long)json_array_size(rows);
}

struct place {
    json_t *entry;
    size_t at;
};

static int by_time(const void *a, const void *b) {
    const struct place *x = a, *y = b;
    int order = strcmp(json_text(x->entry, "at"), json_text(y->entry, "at"));
    return order ? order : x->at < y->at ? -1 : x->at > y->at;
}

json_t *elma365_in_order(const json_t *entries) {
    size_t n = json_array_size(entries);
    struct place *all = mem_alloc((n + 1) * sizeof *all);
    json_t *out = json_array();
    for (size_t i = 0; i < n; i++)
        all[i] = (struct place){json_array_get(entries, i), i};
    qsort(all, n, sizeof *all, by_time);
    for (size_t i = 0; i < n; i++) {
        json_t *one = json_copy(all[i].entry);
        json_object_del(one, "at");
        json_array_append_new(out, one);
    }
    free(all);
    return out;
}

const char *elma365_message_with(
    const json_t *answer, const struct elma365_names *n, const char *word) {
    size_t i;
    json_t *row;
    json_array_foreach(crm_at(answer, n->of[NAME_ROWS]), i, row) {
        const char *text = json_text(row, n->of[NAME_ROW_TEXT]);
        if (*word && strstr(text, word) && !strchr(text, '#')) /* all others have a mark */
            return json_text(row, n->of[NAME_ROW_ID]);
    }
    return "";
}

/* --- the scheme ------------------------------------------------------------------------------ */

static bool has_code(const json_t *j, const char *code, unsigned depth) {
    size_t i;
    json_t *one;
    const char *key;
    if (depth > DEPTH_MAX)
        return false;
    if (strcmp(json_text(j, "code"), code) == 0)
        return true;
    json_object_foreach((json_t *)j, key, one) if (has_code(one, code, depth + 1)) return true;
    json_array_foreach(j, i, one) if (has_code(one, code, depth + 1)) return true;
    return false;
}

bool elma365_has_field(const json_t *scheme, const char *code) {
    return has_code(scheme, code, 0);
}
