/* tryton_answer.c - errors, and who is who. */
#include "base/json_text.h"
#include "connectors/tryton/tryton_answer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/crm/crm_call.h"

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
    if (!j) { /* its own errors have status 200: nor is another 4xx of a record */
        crm_answer_by_proxy(err);
        if (err->code == ERR_DENIED || err->code == ERR_CONFLICT)
            err->code = ERR_UNAVAILABLE;
        return NULL;
    }
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

/* What is the same number is found by its last ten digits, whatever stands between them: nobody
 * made the numbers of an old database uniform. What was found is compared afterwards. */
static void add_number(json_t *domain, const char *number) {
    size_t n = strlen(number);
    const char *last = n > 10 ? number + n - 10 : number;
    n = strlen(last);
    json_t *like =
        n < 10 ? json_sprintf("%%%s%%", last)
               : json_sprintf("%%%.3s%%%.3s%%%.2s%%%s%%", last, last + 3, last + 6, last + 8);
    json_array_append_new(domain, json_pack("[[s,s,[s,s,s]],[s,s,o]]", "type", "in", "phone",
                                      "mobile", "sip", "value", "ilike", like));
}

json_t *tryton_search_domain(const struct crm_flow_who *who) {
    json_t *others = json_pack("[s]", who->mark), *domain = json_pack("[s]", "OR"), *one;
    size_t i;
    json_array_foreach(who->ways, i, one) {
        const char *kind = json_text(one, "kind"), *value = json_text(one, "value");
        if (!json_is_true(json_object_get(one, "proven")))
            continue;
        if (strcmp(kind, "messenger") == 0)
            json_array_append_new(others, json_string(value));
        else if (strcmp(kind, "phone") == 0)
            add_number(domain, value);
        else
            json_array_append_new(domain,
                json_pack("[[s,s,s],[s,s,s]]", "type", "=", "email", "value", "ilike", value));
    }
    json_array_append_new(
        domain, json_pack("[[s,s,s],[s,s,o]]", "type", "=", "other", "value", "in", others));
    return domain;
}

static const char *kind_of(const char *type, const char *value) {
    if (strcmp(type, "email") == 0)
        return "mail";
    if (strcmp(type, "other") != 0)
        return "phone";
    return strncmp(value, "switchboard:", 12) == 0 ? "mark" : "messenger";
}

json_t *tryton_ways_of(const json_t *mechanisms) {
    json_t *out = json_array(), *one;
    size_t i;
    json_array_foreach(mechanisms, i, one) {
        long long party = json_integer_value(json_object_get(one, "party"));
        const char *value = json_text(one, "value");
        if (party > 0 && *value)
            json_array_append_new(
                out, json_pack("{s:o,s:s,s:s}", "card", json_sprintf("%lld", party), "kind",
                         kind_of(json_text(one, "type"), value), "value", value));
    }
    return out;
}

json_t *tryton_mechanisms(const json_t *ways, bool plain) {
    json_t *out = json_array(), *one;
    size_t i;
    json_array_foreach(ways, i, one) {
        const char *kind = json_text(one, "kind");
        const char *type = plain                        ? "other"
                           : strcmp(kind, "mail") == 0  ? "email"
                           : strcmp(kind, "phone") == 0 ? "mobile"
                                                        : "other";
        json_array_append_new(
            out, json_pack("{s:s,s:s}", "type", type, "value", json_text(one, "value")));
    }
    return out;
}
