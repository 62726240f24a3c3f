/* odoo_wire.c - calls, errors, contacts. */
#include "base/json_text.h"
#include "connectors/odoo/odoo_wire.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "core/crm/crm_call.h"

#define NAME_POINTS 200
#define MESSENGER_MAX 1000 /* bytes of the messengers' field */
#define COMMENT_MAX ((size_t)64 * 1024)

/* --- bodies ---------------------------------------------------------------------------------- */

/* Archived contacts count; texts of errors are in English; the gateway's user follows nobody. */
static json_t *context_of(json_int_t company) {
    json_t *out =
        json_pack("{s:s,s:b,s:b}", "lang", "en_US", "active_test", 0, "mail_create_nosubscribe", 1);
    if (company > 0)
        json_object_set_new(out, "allowed_company_ids", json_pack("[I]", company));
    return out;
}

static char *rpc_of(const char *service, const char *method, json_t *args) {
    json_t *j = json_pack("{s:s,s:s,s:i,s:{s:s,s:s,s:o}}", "jsonrpc", "2.0", "method", "call", "id",
        1, "params", "service", service, "method", method, "args", args);
    char *out = json_dumps(j, JSON_COMPACT);
    json_decref(j);
    return out;
}

char *odoo_login_body(const char *database, const char *user, const char *key) {
    return rpc_of("common", "authenticate", json_pack("[s,s,s,{}]", database, user, key));
}

char *odoo_rpc_body(const char *database, json_int_t uid, const char *key,
    const struct odoo_call *call, json_int_t company) {
    json_t *named = json_copy(call->named), *args = json_array();
    json_t *values = json_incref(json_object_get(named, "vals_list"));
    if (values) { /* create() has its values by place only */
        json_object_del(named, "vals_list");
        json_array_append_new(args, values);
    } else if (call->ids) {
        json_array_append(args, call->ids);
    }
    json_object_set_new(named, "context", context_of(company));
    return rpc_of("object", "execute_kw",
        json_pack("[s,I,s,s,s,o,o]", database, uid, key, call->model, call->method, args, named));
}

char *odoo_json2_body(const struct odoo_call *call, json_int_t company) {
    json_t *body = json_copy(call->named);
    if (call->ids)
        json_object_set(body, "ids", call->ids);
    json_object_set_new(body, "context", context_of(company));
    char *out = json_dumps(body, JSON_COMPACT);
    json_decref(body);
    return out;
}

/* --- answers --------------------------------------------------------------------------------- */

static enum err_code code_of(const char *name) {
    static const struct {
        const char *name;
        enum err_code code;
    } known[] = {{"odoo.exceptions.AccessDenied", ERR_AUTH},
        {"werkzeug.exceptions.Unauthorized", ERR_AUTH},
        {"odoo.http.SessionExpiredException", ERR_AUTH},
        {"odoo.exceptions.AccessError", ERR_DENIED},
        {"odoo.exceptions.MissingError", ERR_NOT_FOUND},
        {"odoo.exceptions.ValidationError", ERR_INVALID},
        {"odoo.exceptions.UserError", ERR_INVALID},
        {"odoo.exceptions.RedirectWarning", ERR_INVALID}, {"psycopg2.IntegrityError", ERR_INVALID},
        {"psycopg2.errors.UniqueViolation", ERR_INVALID},
        {"psycopg2.errors.NotNullViolation", ERR_INVALID}};
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (strcmp(known[i].name, name) == 0)
            return known[i].code;
    return strncmp(name, "psycopg2.", 9) == 0 ? ERR_UNAVAILABLE : ERR_PROTOCOL;
}

/* {"name","message",..} as both ways have it. */
static void error_of(const json_t *error, struct err *err) {
    char *line = mem_strdup(json_text(error, "message"));
    for (char *p = line; (p = strpbrk(p, "\r\n\t"));)
        *p = ' ';
    char *said = utf8_clean_name(line, 200);
    err_set(err, code_of(json_text(error, "name")), "Odoo: %s (%.80s)", *said ? said : "an error",
        json_text(error, "name"));
    free(line);
    free(said);
}

static int json2_result(const struct http_answer *a, json_t **out, struct err *err) {
    json_t *j = json_loadb(a->body.p ? a->body.p : "", a->body.n, JSON_DECODE_ANY, NULL);
    int rc = -1;
    if (a->status >= 200 && a->status < 300) {
        *out = json_incref(j);
        rc = j ? 0 : err_set(err, ERR_PROTOCOL, "Odoo answered %d with what is no JSON", a->status);
    } else if (a->status >= 400 && *json_text(j, "name") && a->status != 429) {
        error_of(j, err);
    } else {
        crm_answer_check(a, err);
        crm_answer_by_proxy(err); /* its own errors name themselves */
    }
    json_decref(j);
    return rc;
}

int odoo_result(const struct http_answer *a, bool json2, json_t **out, struct err *err) {
    *out = NULL;
    if (json2)
        return json2_result(a, out, err);
    json_t *j = crm_answer_json(a, err);
    if (!j) {
        crm_answer_by_proxy(err); /* its own errors have status 200 */
        return -1;
    }
    json_t *error = json_object_get(j, "error"), *result = json_object_get(j, "result");
    if (error)
        error_of(json_object_get(error, "data"), err);
    else if (!result)
        err_set(err, ERR_PROTOCOL, "Odoo answered without a result: is url its address?");
    else
        *out = json_incref(result);
    json_decref(j);
    return *out ? 0 : -1;
}

int odoo_take_schema(const json_t *result, struct odoo_fields *f, struct err *err) {
    const char *needed[] = {
        f->mark, f->messenger, strcmp(f->lead, "none") ? "opportunity_ids" : ""};
    if (!json_is_object(result) || !json_object_get(result, "phone"))
        return err_set(err, ERR_PROTOCOL, "Odoo did not say which fields a contact has");
    for (size_t i = 0; i < ARRAY_LEN(needed); i++)
        if (*needed[i] && !json_object_get(result, needed[i]))
            return err_set(err, ERR_INVALID,
                "a contact (res.partner) of this Odoo has no field %s: make it, or install what "
                "has it",
                needed[i]);
    f->has_search = json_object_get(result, "phone_mobile_search") != NULL;
    f->has_mobile = json_object_get(result, "mobile") != NULL;
    return 0;
}

json_int_t odoo_id(const json_t *result) {
    if (json_is_array(result) && json_array_size(result) == 1)
        result = json_array_get(result, 0);
    json_int_t id = json_integer_value(result);
    return id > 0 ? id : 0;
}

/* "<switchboard.01J....0@gateway>" */
bool odoo_message_of(const char *message_id, char out[ODOO_MESSAGE_SIZE]) {
    static const char begin[] = "<switchboard.";
    static const char letters[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    const size_t size = ODOO_MESSAGE_SIZE - 1;
    if (strncmp(message_id, begin, sizeof begin - 1) != 0)
        return false;
    const char *id = message_id + sizeof begin - 1;
    if (strspn(id, letters) != size || id[size] != '.')
        return false;
    memcpy(out, id, size);
    out[size] = '\0';
    return true;
}

/* --- contacts -------------------------------------------------------------------------------- */

static void add_name(json_t *names, const char *name) {
    if (*name)
        json_array_append_new(names, json_string(name));
}

json_t *odoo_asked_fields(const struct odoo_fields *f) {
    json_t *out = json_pack("[s,s,s]", "phone", "mobile", "phone_mobile_search");
    add_name(out, f->mark);
    add_name(out, f->messenger);
    add_name(out, strcmp(f->lead, "none") ? "opportunity_ids" : "");
    return out;
}

json_t *odoo_card_fields(const struct odoo_fields *f) {
    json_t *out = json_pack("[s,s,s,s,s]", "name", "phone", "email", "user_id", "write_uid");
    add_name(out, f->mark);
    add_name(out, f->messenger);
    add_name(out, f->has_mobile ? "mobile" : "");
    return out;
}

static void add_term(json_t *terms, const char *field, const char *op, const char *value) {
    json_array_append_new(terms, json_pack("[s,s,s]", field, op, value));
}

/* By the last ten digits, whatever stands between them; what was found is compared. */
static void add_number(const struct odoo_fields *f, json_t *terms, const char *number) {
    size_t n = strlen(number);
    const char *last = n > 10 ? number + n - 10 : number;
    if (f->has_search) {
        add_term(terms, "phone_mobile_search", "ilike", last);
        return;
    }
    char *like = mem_printf("%%%.3s%%%.3s%%%.2s%%%s%%", last, last + 3, last + 6, last + 8);
    add_term(terms, "phone", "=ilike", like);
    if (f->has_mobile)
        add_term(terms, "mobile", "=ilike", like);
    free(like);
}

json_t *odoo_mark_domain(const struct odoo_fields *f, const struct crm_flow_who *who) {
    return json_pack("[[s,s,s]]", f->mark, "=", who->mark);
}

json_t *odoo_find_domain(const struct odoo_fields *f, const struct crm_flow_who *who) {
    json_t *terms = json_array(), *out = json_array(), *way;
    size_t i;
    json_array_foreach(who->ways, i, way) {
        const char *kind = json_text(way, "kind"), *value = json_text(way, "value");
        if (!json_is_true(json_object_get(way, "proven")) || !*value)
            continue;
        if (strcmp(kind, "messenger") == 0 && *f->messenger)
            add_term(terms, f->messenger, "ilike", value);
        else if (strcmp(kind, "phone") == 0 && strlen(value) >= 10)
            add_number(f, terms, value);
        else if (strcmp(kind, "mail") == 0)
            add_term(terms, "email", "=ilike", value);
    }
    for (i = 1; i < json_array_size(terms); i++)
        json_array_append_new(out, json_string("|"));
    json_array_extend(out, terms);
    json_decref(terms);
    if (json_array_size(out))
        return out;
    json_decref(out);
    return NULL;
}

static void add_way(json_t *out, const char *kind, const char *value) {
    if (*value)
        json_array_append_new(out, json_pack("{s:s,s:s}", "kind", kind, "value", value));
}

json_t *odoo_ways(const struct odoo_fields *f, const json_t *record) {
    json_t *out = json_array();
    add_way(out, "mark", json_text(record, f->mark));
    for (const char *p = *f->messenger ? json_text(record, f->messenger) : ""; *p;) {
        size_t n = strcspn(p, " \t\r\n,;");
        char *one = mem_strndup(p, n);
        add_way(out, "messenger", one);
        free(one);
        p += n + (p[n] != '\0');
    }
    add_way(out, "phone", json_text(record, "phone"));
    add_way(out, "phone", json_text(record, "mobile"));
    add_way(out, "mail", json_text(record, "email"));
    return out;
}

static void set_text(json_t *o, const char *key, const char *text) {
    if (text && *text)
        json_object_set_new(o, key, json_string(text));
}

/* Appends a word to the messengers' field, if there is room. */
static void add_messenger(
    const struct odoo_fields *f, json_t *values, const char *held, const char *value) {
    const char *now = json_text(values, f->messenger);
    now = *now ? now : held;
    char *all = mem_printf("%s%s%s", now, *now ? " " : "", value);
    if (strlen(all) <= MESSENGER_MAX && !strpbrk(value, " \t\r\n,;"))
        json_object_set_new(values, f->messenger, json_string(all));
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

/* A lead is made with its contact, in one transaction: it is there exactly once. */
static json_t *lead_of(const struct odoo_fields *f, const char *name, const char *number,
    const char *address, const json_t *utm) {
    json_t *lead = json_pack("{s:s,s:s,s:s}", "name", name, "type", f->lead, "contact_name", name);
    set_text(lead, "phone", number);
    set_text(lead, "email_from", address);
    if (utm)
        json_object_update(lead, (json_t *)utm);
    return json_pack("[[i,i,o]]", 0, 0, lead);
}

/* The comment of a contact is HTML. */
static void add_line(struct buf *b, const char *text) {
    buf_adds(b, b->n ? "<br>" : "");
    for (; *text; text++) {
        if (strchr("<>&\"", *text))
            buf_addf(b, "&#%d;", *text);
        else
            buf_add(b, text, 1);
    }
}

json_t *odoo_contact(
    const struct odoo_fields *f, const struct crm_flow_who *who, const json_t *utm) {
    const char *number = who->is_plain ? NULL : best(who->ways, "phone");
    const char *address = who->is_plain ? NULL : best(who->ways, "mail");
    char *name = utf8_clean_name(who->name, NAME_POINTS);
    json_t *out = json_pack(
        "{s:s,s:s,s:s}", "name", *name ? name : "?", "company_type", "person", f->mark, who->mark);
    struct buf others;
    size_t i;
    json_t *way;
    buf_init(&others, COMMENT_MAX);
    set_text(out, "phone", number);
    set_text(out, "email", address);
    json_array_foreach(who->ways, i, way) {
        const char *value = json_text(way, "value");
        if (strcmp(json_text(way, "kind"), "messenger") == 0 && *f->messenger)
            add_messenger(f, out, "", value);
        else if ((!number || strcmp(value, number) != 0) &&
                 (!address || strcmp(value, address) != 0))
            add_line(&others, value);
    }
    set_text(out, "comment", buf_str(&others));
    if (strcmp(f->lead, "none") != 0)
        json_object_set_new(
            out, "opportunity_ids", lead_of(f, *name ? name : "?", number, address, utm));
    buf_free(&others);
    free(name);
    return out;
}

json_t *odoo_changes(
    const struct odoo_fields *f, const json_t *record, const json_t *missing, bool plain) {
    json_t *out = json_object();
    size_t i;
    json_t *way;
    json_array_foreach(missing, i, way) {
        const char *kind = json_text(way, "kind"), *value = json_text(way, "value");
        const char *field = strcmp(kind, "mark") == 0    ? f->mark
                            : plain                      ? NULL
                            : strcmp(kind, "phone") == 0 ? "phone"
                            : strcmp(kind, "mail") == 0  ? "email"
                                                         : NULL;
        if (field && strcmp(field, "phone") == 0 && f->has_mobile &&
            (*json_text(record, "phone") || json_object_get(out, "phone")))
            field = "mobile";
        if (strcmp(kind, "messenger") == 0 && *f->messenger)
            add_messenger(f, out, json_text(record, f->messenger), value);
        else if (field && !*json_text(record, field) && !json_object_get(out, field))
            json_object_set_new(out, field, json_string(value));
    }
    return out;
}

const char *odoo_utm(const json_t *client, unsigned which) {
    static const char *const names[] = {"source", "medium", "campaign"};
    const json_t *profile = json_object_get(client, "profile");
    const json_t *utm = json_object_get(json_object_get(profile, "page"), "utm");
    utm = utm ? utm : json_object_get(profile, "utm");
    const char *value = which < ARRAY_LEN(names) ? json_text(utm, names[which]) : "";
    return *value ? value : NULL;
}
