/* tryton_answer.c - errors, and who is who. */
#include "connectors/tryton/tryton_answer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "core/crm_call.h"
#include "core/crm_person.h"
#include "model/phone.h"

static const char *str(const json_t *o, const char *key) {
    const char *s = json_string_value(json_object_get(o, key));
    return s ? s : "";
}

/* --- answers --------------------------------------------------------------------------------- */

static bool has_any(const char *text, const char *const *words) {
    for (; *words; words++)
        if (strcasestr(text, *words))
            return true;
    return false;
}

/* ["UserError", ["message", "description", domain]], or ["str of the exception", "traceback"]. */
static void error_of(const json_t *error, struct err *err) {
    static const char *const passing[] = {"locked", "OperationalError", "serialize", "deadlock",
        "ConcurrencyException", "timeout", "connection", "too many", NULL};
    static const char *const gone[] = {"don't exist anymore", "does not exist", NULL};
    const char *name = json_string_value(json_array_get(error, 0));
    const json_t *args = json_array_get(error, 1);
    const char *said = json_string_value(json_array_get(args, 0));
    bool by_rule = name && (strcmp(name, "UserError") == 0 || strcmp(name, "UserWarning") == 0);
    if (!name)
        name = "";
    if (by_rule && said && has_any(said, gone))
        err_set(err, ERR_NOT_FOUND, "Tryton: %.250s", said);
    else if (by_rule)
        err_set(err, ERR_INVALID, "Tryton: %.250s", said ? said : name);
    else if (has_any(name, passing))
        err_set(err, ERR_UNAVAILABLE, "Tryton: %.250s", name);
    else
        err_set(err, ERR_PROTOCOL, "Tryton: %.250s", name);
}

json_t *tryton_result(const struct http_answer *a, struct err *err) {
    json_t *j = crm_answer_json(a, err);
    if (!j)
        return NULL;
    json_t *result = json_object_get(j, "result"), *error = json_object_get(j, "error");
    if (error)
        error_of(error, err);
    else if (!result)
        err_set(err, ERR_PROTOCOL,
            "Tryton answered without a result: is url the address of its JSON-RPC?");
    result = error ? NULL : json_incref(result);
    json_decref(j);
    return result;
}

/* --- who is who ------------------------------------------------------------------------------ */

struct searching {
    json_t *others, *domain;
};

/* What is the same number is found by its last ten digits, whatever stands between them: nobody
 * made the numbers of an old database uniform. tryton_choose() compares what was found. */
static void add_number(json_t *domain, const char *number) {
    size_t n = strlen(number);
    const char *last = n > 10 ? number + n - 10 : number;
    json_t *like = json_sprintf("%%%.3s%%%.3s%%%.2s%%%s%%", last, last + 3, last + 6, last + 8);
    json_array_append_new(domain, json_pack("[[s,s,[s,s,s]],[s,s,o]]", "type", "in", "phone",
                                      "mobile", "sip", "value", "ilike", like));
}

static void add_way(void *arg, const struct crm_way *way) {
    struct searching *s = arg;
    if (!way->proven)
        return;
    if (way->kind == CRM_MESSENGER)
        json_array_append_new(s->others, json_string(way->value));
    else if (way->kind == CRM_PHONE)
        add_number(s->domain, way->value);
    else
        json_array_append_new(s->domain,
            json_pack("[[s,s,s],[s,s,s]]", "type", "=", "email", "value", "ilike", way->value));
}

json_t *tryton_search_domain(const json_t *client, const char *mark, const char *country) {
    struct searching s = {json_pack("[s]", mark), json_pack("[s]", "OR")};
    crm_ways(client, country, add_way, &s);
    json_array_append_new(
        s.domain, json_pack("[[s,s,s],[s,s,o]]", "type", "=", "other", "value", "in", s.others));
    return s.domain;
}

enum rank { BY_MARK, BY_MESSENGER, BY_PHONE, BY_MAIL, RANKS };

struct choice {
    enum crm_way_kind kind;
    const char *value, *country;
    bool matches;
};

static void match_way(void *arg, const struct crm_way *way) {
    struct choice *c = arg;
    if (way->proven && way->kind == c->kind && crm_way_is(way, c->value, c->country))
        c->matches = true;
}

static int rank_of(const json_t *one, const json_t *client, const char *mark, const char *country) {
    const char *type = str(one, "type"), *value = str(one, "value");
    bool is_other = strcmp(type, "other") == 0;
    struct choice c = {is_other                     ? CRM_MESSENGER
                       : strcmp(type, "email") == 0 ? CRM_MAIL
                                                    : CRM_PHONE,
        value, country, false};
    if (is_other && strcmp(value, mark) == 0)
        return BY_MARK;
    crm_ways(client, country, match_way, &c);
    return !c.matches                ? RANKS
           : c.kind == CRM_MESSENGER ? BY_MESSENGER
           : c.kind == CRM_MAIL      ? BY_MAIL
                                     : BY_PHONE;
}

long long tryton_choose(
    const json_t *found, const json_t *client, const char *mark, const char *country) {
    long long by[RANKS] = {0};
    size_t i;
    json_t *one;
    json_array_foreach(found, i, one) {
        int rank = rank_of(one, client, mark, country);
        long long party = json_integer_value(json_object_get(one, "party"));
        if (rank < RANKS && party > 0)
            by[rank] = !by[rank] || by[rank] == party ? party : -1;
    }
    for (int r = 0; r < RANKS; r++)
        if (by[r])
            return by[r];
    return 0;
}

struct listing {
    json_t *out;
    bool plain;
};

/* Also what is not proven: a person sees it on the card. */
static void list_way(void *arg, const struct crm_way *way) {
    struct listing *l = arg;
    const char *type = l->plain || way->kind == CRM_MESSENGER ? "other"
                       : way->kind == CRM_MAIL                ? "email"
                                                              : "mobile";
    json_array_append_new(l->out, json_pack("{s:s,s:s}", "type", type, "value", way->value));
}

json_t *tryton_mechanisms(const json_t *client, const char *mark, const char *country, bool plain) {
    struct listing l = {json_pack("[{s:s,s:s}]", "type", "other", "value", mark), plain};
    crm_ways(client, country, list_way, &l);
    return l.out;
}
