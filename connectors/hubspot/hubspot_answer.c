/* hubspot_answer.c - errors, contacts, entries. */
#include "base/json_text.h"
#include "connectors/hubspot/hubspot_answer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/id.h"
#include "base/mem.h"
#include "core/crm/crm_call.h"
#include "core/crm/crm_text.h"

static bool is_number(const char *s) {
    return *s && strlen(s) < 20 && strspn(s, "0123456789") == strlen(s);
}

/* --- errors ---------------------------------------------------------------------------------- */

/* Its limits: of a second, of ten seconds, of a day. */
static unsigned pause_of(const json_t *j) {
    const char *policy = json_text(j, "policyName");
    return strcmp(policy, "DAILY") == 0             ? 15 * 60 * 1000
           : strncmp(policy, "TEN_SECOND", 10) == 0 ? 10 * 1000
                                                    : 1000;
}

static enum err_code code_of(const char *category, enum err_code code) {
    static const struct {
        const char *category;
        enum err_code code;
    } known[] = {{"MISSING_SCOPES", ERR_AUTH}, {"INVALID_AUTHENTICATION", ERR_AUTH},
        {"CONFLICT", ERR_CONFLICT}, {"OBJECT_NOT_FOUND", ERR_NOT_FOUND},
        {"RATE_LIMITS", ERR_TOO_MANY}, {"VALIDATION_ERROR", ERR_INVALID}};
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (strcmp(known[i].category, category) == 0)
            return known[i].code;
    return code;
}

static void say(const json_t *j, struct err *err) {
    enum err_code code = code_of(json_text(j, "category"), err->code);
    if (*json_text(j, "message"))
        err_set(err, code, "HubSpot: %.250s", json_text(j, "message"));
    err->code = code;
}

json_t *hubspot_result(const struct http_answer *a, struct err *err, unsigned *retry_ms) {
    long after = a->retry_after_s;
    *retry_ms = after <= 0 ? 0 : (unsigned)(after < 86400 ? after : 86400) * 1000;
    if (crm_answer_check_json(a, err) < 0) {
        json_t *j = a->body.n ? json_loadb(a->body.p, a->body.n, 0, NULL) : NULL;
        if (json_is_object(j) && a->status < 500)
            say(j, err);
        if (err->code == ERR_TOO_MANY && !*retry_ms)
            *retry_ms = pause_of(j);
        json_decref(j);
        return NULL;
    }
    json_t *j = crm_answer_json(a, err);
    if (j && !json_is_object(j)) {
        json_decref(j);
        err_set(err, ERR_PROTOCOL, "HubSpot answered %d without an object", a->status);
        return NULL;
    }
    return j;
}

int hubspot_existing(const char *text, char out[24]) {
    static const char words[] = "Existing ID: ";
    const char *at = strstr(text, words);
    size_t n = at ? strspn(at + strlen(words), "0123456789") : 0;
    if (!n || n >= 20)
        return -1;
    memcpy(out, at + strlen(words), n);
    out[n] = '\0';
    return 0;
}

const json_t *hubspot_first(const json_t *answer, struct err *err) {
    const json_t *first = json_array_get(json_object_get(answer, "results"), 0);
    if (is_number(json_text(first, "id")))
        return first;
    err_set(err, ERR_PROTOCOL, "HubSpot took a contact and did not say which");
    if (json_array_size(json_object_get(answer, "errors")))
        say(json_array_get(json_object_get(answer, "errors"), 0), err);
    return NULL;
}

/* --- contacts -------------------------------------------------------------------------------- */

static void add_way(json_t *ways, const char *kind, const char *value) {
    if (*value)
        json_array_append_new(ways, json_pack("{s:s,s:s}", "kind", kind, "value", value));
}

static void add_words(json_t *ways, const char *text) {
    while (*text) {
        size_t n = strcspn(text, " \n\t");
        char *word = mem_strndup(text, n);
        add_way(ways, "messenger", word);
        free(word);
        text += n + (text[n] != '\0');
    }
}

static json_t *name_of(const json_t *properties, const struct hubspot_properties *p) {
    const char *first = json_text(properties, p->name), *last = json_text(properties, "lastname");
    return json_sprintf("%s%s%s", first, *first && *last ? " " : "", last);
}

json_t *hubspot_card(const json_t *contact, const struct hubspot_properties *p) {
    const json_t *has = json_object_get(contact, "properties");
    if (!is_number(json_text(contact, "id")) || json_is_true(json_object_get(contact, "archived")))
        return json_null();
    json_t *ways = json_array(), *name = name_of(has, p);
    add_way(ways, "mark", json_text(has, p->mark));
    add_words(ways, json_text(has, p->messenger));
    add_way(ways, "phone", json_text(has, p->phone));
    add_way(ways, "phone", json_text(has, p->mobile));
    add_way(ways, "mail", json_text(has, p->mail));
    json_t *card = json_pack("{s:s,s:o}", "id", json_text(contact, "id"), "ways", ways);
    if (json_string_length(name))
        json_object_set(card, "name", name);
    if (*json_text(has, "hubspot_owner_id")) {
        json_object_set(card, "responsible", json_object_get(has, "hubspot_owner_id"));
        json_object_set(card, "user", json_object_get(has, "hubspot_owner_id"));
    }
    if (*json_text(has, "lifecyclestage"))
        json_object_set(card, "stage", json_object_get(has, "lifecyclestage"));
    if (strncmp(json_text(contact, "url"), "https://", 8) == 0)
        json_object_set(card, "url", json_object_get(contact, "url"));
    json_decref(name);
    return card;
}

void hubspot_hits(const json_t *answer, const struct hubspot_properties *p, json_t *out) {
    size_t i, k;
    json_t *contact, *way;
    json_array_foreach(json_object_get(answer, "results"), i, contact) {
        json_t *card = hubspot_card(contact, p);
        json_array_foreach(json_object_get(card, "ways"), k, way) json_array_append_new(
            out, json_pack("{s:s,s:s,s:s}", "card", json_text(card, "id"), "kind",
                     json_text(way, "kind"), "value", json_text(way, "value")));
        json_decref(card);
    }
}

/* --- entries --------------------------------------------------------------------------------- */

const char *hubspot_associated(const json_t *page, json_t *ids) {
    size_t i;
    json_t *one;
    json_array_foreach(json_object_get(page, "results"), i, one) {
        json_t *id = json_object_get(one, "toObjectId");
        id = id ? id : json_object_get(one, "id");
        if (json_is_integer(id))
            json_array_append_new(
                ids, json_sprintf("%" JSON_INTEGER_FORMAT, json_integer_value(id)));
        else if (json_is_string(id))
            json_array_append(ids, id);
    }
    const char *after =
        json_text(json_object_get(json_object_get(page, "paging"), "next"), "after");
    return *after && strspn(after, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                   "-_=") == strlen(after)
               ? after
               : NULL;
}

static int by_number(const void *a, const void *b) {
    const char *x = *(const char *const *)a, *y = *(const char *const *)b;
    size_t nx = strlen(x), ny = strlen(y);
    return nx != ny ? (nx < ny ? 1 : -1) : strcmp(y, x);
}

json_t *hubspot_newest_first(const json_t *ids) {
    size_t n = json_array_size(ids), k = 0;
    const char **all = mem_alloc((n + 1) * sizeof *all);
    json_t *out = json_array();
    for (size_t i = 0; i < n; i++) {
        const char *id = json_string_value(json_array_get(ids, i));
        if (id && is_number(id))
            all[k++] = id;
    }
    qsort(all, k, sizeof *all, by_number);
    for (size_t i = 0; i < k; i++)
        if (!i || strcmp(all[i], all[i - 1]) != 0)
            json_array_append_new(out, json_string(all[i]));
    free(all);
    return out;
}

void hubspot_entries(
    const json_t *answer, const struct hubspot_history *h, const char *message, json_t *out) {
    size_t i;
    json_t *one;
    json_array_foreach(json_object_get(answer, "results"), i, one) {
        const json_t *has = json_object_get(one, "properties");
        const char *text = json_text(has, h->body), *mark = crm_text_marked(text);
        if (mark && is_number(json_text(one, "id")) &&
            (!message || strncmp(mark, message, ID_LEN) == 0))
            json_array_append_new(
                out, json_pack("{s:s,s:s,s:s#,s:s}", "id", json_text(one, "id"), "text", text,
                         "message", mark, (int)ID_LEN, "at", json_text(has, "hs_timestamp")));
    }
}

static int by_time(const void *a, const void *b) {
    const json_t *x = *(json_t *const *)a, *y = *(json_t *const *)b;
    int64_t tx = 0, ty = 0;
    const char *ix = json_text(x, "id"), *iy = json_text(y, "id");
    clock_parse(json_text(x, "at"), &tx);
    clock_parse(json_text(y, "at"), &ty);
    return tx != ty ? (tx < ty ? -1 : 1) : by_number(&iy, &ix);
}

json_t *hubspot_in_order(const json_t *entries) {
    size_t n = json_array_size(entries);
    json_t **all = mem_alloc((n + 1) * sizeof *all), *out = json_array();
    for (size_t i = 0; i < n; i++)
        all[i] = json_array_get(entries, i);
    qsort(all, n, sizeof(json_t *), by_time);
    for (size_t i = 0; i < n; i++) {
        json_t *one = json_copy(all[i]);
        json_object_del(one, "at");
        json_array_append_new(out, one);
    }
    free(all);
    return out;
}
