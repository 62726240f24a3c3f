/* bitrix24_answer.c - errors by their names, then records. */
#include "base/json_text.h"
#include "connectors/bitrix24/bitrix24_answer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "core/crm/crm_call.h"

#define RATE_MS 2000u  /* the bucket leaks two a second */
#define TIME_MS 60000u /* one of its ten minutes */
#define TIME_MAX_S 660 /* never later than all of them */
#define OVERLOAD_MS 60000u
#define LINE_MS 10000u /* until somebody has switched it on */
#define FOUND_MAX 50   /* a page of crm.item.list */

/* --- errors ---------------------------------------------------------------------------------- */

enum means {
    M_EXPIRED,
    M_AUTH,
    M_DENIED,
    M_RATE,
    M_TIME,
    M_OVERLOAD,
    M_AWAY,
    M_GONE,
    M_NO_LINE,
    M_INVALID
};

static const struct known {
    const char *code;
    enum means means;
    int status; /* 0: any */
} known[] = {
    {"expired_token", M_EXPIRED, 0},
    {"NO_AUTH_FOUND", M_AUTH, 0},
    {"INVALID_CREDENTIALS", M_AUTH, 0},
    {"WRONG_AUTH_TYPE", M_AUTH, 0},
    {"insufficient_scope", M_AUTH, 0},
    {"invalid_scope", M_AUTH, 0},
    {"user_access_error", M_AUTH, 0},
    {"allowed_only_intranet_user", M_AUTH, 0},
    {"invalid_grant", M_AUTH, 0},
    {"invalid_client", M_AUTH, 0},
    {"invalid_request", M_AUTH, 0},
    {"PAYMENT_REQUIRED", M_AUTH, 0},
    {"ERROR_METHOD_NOT_FOUND", M_AUTH, 0}, /* no such module, or the plan has it not */
    {"ACCESS_DENIED", M_AUTH, 403},        /* REST is not in the portal's plan */
    {"ACCESS_DENIED", M_DENIED, 0},        /* this record */
    {"Access denied", M_AUTH, 0},          /* of crm.duplicate.findbycomm: reading the CRM */
    {"QUERY_LIMIT_EXCEEDED", M_RATE, 0},
    {"OPERATION_TIME_LIMIT", M_TIME, 0},
    {"OVERLOAD_LIMIT", M_OVERLOAD, 0},
    {"INTERNAL_SERVER_ERROR", M_AWAY, 0},
    {"ERROR_UNEXPECTED_ANSWER", M_AWAY, 0},
    {"PORTAL_DELETED", M_OVERLOAD, 0}, /* its pages are closed for now */
    {"NOT_FOUND", M_GONE, 0},
    {"OWNER_NOT_FOUND", M_GONE, 0},
    {"NOT_ACTIVE_LINE", M_NO_LINE, 0},
    {"IMCONNECTOR_NO_CORRECT_PROVIDER", M_NO_LINE, 0},
};

static enum means means_of(int status, const char *code) {
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (strcmp(known[i].code, code) == 0 && (!known[i].status || known[i].status == status))
            return known[i].means;
    return status == 401 ? M_AUTH : status == 429 ? M_RATE : status >= 500 ? M_AWAY : M_INVALID;
}

static unsigned until_reset_ms(int64_t reset_at, int64_t now_s) {
    int64_t s = reset_at - now_s;
    return reset_at <= 0 ? TIME_MS : (unsigned)(s < 1 ? 1 : s > TIME_MAX_S ? TIME_MAX_S : s) * 1000;
}

static void judge(
    struct bitrix24_answer *out, int status, const char *code, const char *text, int64_t now_s) {
    static const enum err_code codes[] = {[M_EXPIRED] = ERR_AUTH,
        [M_AUTH] = ERR_AUTH,
        [M_DENIED] = ERR_DENIED,
        [M_RATE] = ERR_TOO_MANY,
        [M_TIME] = ERR_TOO_MANY,
        [M_OVERLOAD] = ERR_UNAVAILABLE,
        [M_AWAY] = ERR_UNAVAILABLE,
        [M_GONE] = ERR_NOT_FOUND,
        [M_NO_LINE] = ERR_UNAVAILABLE,
        [M_INVALID] = ERR_INVALID};
    enum means m = means_of(status, code);
    out->expired = m == M_EXPIRED;
    out->over_rate = m == M_RATE;
    out->over_time = m == M_TIME;
    out->no_line = m == M_NO_LINE;
    if (m == M_RATE)
        out->retry_ms = RATE_MS;
    else if (m == M_TIME)
        out->retry_ms = until_reset_ms(out->reset_at, now_s);
    else if (m == M_OVERLOAD || m == M_NO_LINE)
        out->retry_ms = m == M_OVERLOAD ? OVERLOAD_MS : LINE_MS;
    err_set(&out->err, codes[m], "Bitrix24: %.60s%s%.200s", code, *code && *text ? ": " : "",
        *text || *code ? text : "an error without a name");
}

/* A code is a word, or a number, as text or not. */
static void error_of(struct bitrix24_answer *out, int status, const json_t *body, int64_t now_s) {
    const json_t *code = json_object_get(body, "error");
    char number[24] = "";
    if (json_is_integer(code))
        snprintf(number, sizeof number, "%lld", (long long)json_integer_value(code));
    judge(out, status, json_is_string(code) ? json_string_value(code) : number,
        json_text(body, "error_description"), now_s);
}

/* No JSON object: it was not the portal's REST that answered. */
static void no_rest(const struct http_answer *a, struct bitrix24_answer *out) {
    if (crm_answer_check(a, &out->err) < 0) {
        if (out->err.code == ERR_NOT_FOUND || out->err.code == ERR_DENIED ||
            out->err.code == ERR_INVALID || (out->err.code == ERR_PROTOCOL && a->status < 400))
            out->err.code = ERR_AUTH; /* another address, or a wall in front of it */
        out->over_rate = out->err.code == ERR_TOO_MANY;
    } else {
        err_set(
            &out->err, ERR_PROTOCOL, "Bitrix24 answered %d with what is no JSON object", a->status);
    }
}

void bitrix24_answer_read(const struct http_answer *a, int64_t now_s, struct bitrix24_answer *out) {
    *out = (struct bitrix24_answer){0};
    json_t *j = a->body.n ? json_loadb(a->body.p, a->body.n, 0, NULL) : NULL;
    const json_t *time = json_object_get(j, "time");
    const json_t *result = json_object_get(j, "result");
    json_int_t reset_at = json_integer_value(json_object_get(time, "operating_reset_at"));
    if (a->retry_after_s > 0)
        out->retry_ms = (unsigned)(a->retry_after_s < 86400 ? a->retry_after_s : 86400) * 1000;
    out->reset_at = reset_at > 0 ? reset_at : 0;
    if (!json_is_object(j) || (a->status >= 300 && !json_object_get(j, "error")))
        no_rest(a, out);
    else if (json_object_get(j, "error"))
        error_of(out, a->status, j, now_s);
    else if (!result)
        err_set(&out->err, ERR_PROTOCOL, "Bitrix24 answered %d without a result", a->status);
    else
        out->result = json_incref((json_t *)result);
    json_decref(j);
}

const json_t *bitrix24_command_result(
    const json_t *batch, const char *name, struct bitrix24_answer *out) {
    const json_t *error = json_object_get(json_object_get(batch, "result_error"), name);
    const json_t *result = json_object_get(json_object_get(batch, "result"), name);
    if (json_is_object(error))
        error_of(out, 400, error, 0);
    else if (!result)
        err_set(&out->err, ERR_PROTOCOL, "Bitrix24 left out the result of a command (%s)", name);
    if (out->expired) /* in the middle of the batch: the next one gets a new token */
        out->err.code = ERR_UNAVAILABLE;
    return out->err.code ? NULL : result;
}

int bitrix24_elements_check(const json_t *result, size_t n, struct err *err) {
    const json_t *list = json_object_get(json_object_get(result, "DATA"), "RESULT"), *one;
    size_t i;
    json_array_foreach((json_t *)list, i, one) {
        if (json_is_true(json_object_get(one, "SUCCESS")))
            continue;
        const json_t *said = json_array_get(json_object_get(one, "ERRORS"), 0);
        const char *text =
            json_is_string(said) ? json_string_value(said) : json_text(said, "message");
        return err_set(err, ERR_INVALID, "Bitrix24's open line refuses the message: %.200s", text);
    }
    if (!json_is_true(json_object_get(result, "SUCCESS")) || json_array_size(list) != n)
        return err_set(
            err, ERR_PROTOCOL, "Bitrix24's open line does not say what became of the message");
    return 0;
}

int bitrix24_tokens_read(const struct http_answer *a, struct crm_tokens *out, struct err *err) {
    struct bitrix24_answer said = {0};
    json_t *j = a->body.n ? json_loadb(a->body.p, a->body.n, 0, NULL) : NULL;
    const char *access = json_text(j, "access_token"), *refresh = json_text(j, "refresh_token");
    *out = (struct crm_tokens){0};
    if (a->status >= 200 && a->status < 300 && *access && *refresh) {
        out->access = mem_strdup(access);
        out->refresh = mem_strdup(refresh);
    } else if (json_object_get(j, "error")) {
        error_of(&said, a->status, j, 0);
        err_set(err, said.err.code == ERR_INVALID ? ERR_AUTH : said.err.code,
            "no access to Bitrix24: %.250s", said.err.text);
    } else if (a->status >= 500 || a->status == 429) {
        err_set(err, ERR_UNAVAILABLE, "Bitrix24's token server answered %d", a->status);
    } else {
        err_set(
            err, ERR_AUTH, "token_url answered %d without tokens: is it Bitrix24's?", a->status);
    }
    json_decref(j);
    return out->access ? 0 : -1;
}

/* --- records --------------------------------------------------------------------------------- */

json_t *bitrix24_id(const json_t *id) {
    const char *s = json_string_value(id);
    if (json_is_integer(id) && json_integer_value(id) > 0)
        return json_sprintf("%" JSON_INTEGER_FORMAT, json_integer_value(id));
    if (s && *s >= '1' && *s <= '9' && strspn(s, "0123456789") == strlen(s) && strlen(s) < 19)
        return json_string(s);
    return NULL;
}

/* Calls each for what a contact holds: our marks, and its numbers, addresses and messengers. */
static void each_way(
    const json_t *item, void (*each)(void *arg, const char *kind, const char *value), void *arg) {
    size_t i;
    json_t *one;
    if (strcmp(json_text(item, "originatorId"), "switchboard") == 0 &&
        *json_text(item, "originId")) {
        char *mark = mem_printf("switchboard:%s", json_text(item, "originId"));
        each(arg, "mark", mark);
        free(mark);
    }
    json_array_foreach(json_object_get(item, "fm"), i, one) {
        const char *type = json_text(one, "typeId"), *value = json_text(one, "value");
        if (*value && strcmp(type, "PHONE") == 0)
            each(arg, "phone", value);
        else if (*value && strcmp(type, "EMAIL") == 0)
            each(arg, "mail", value);
        else if (*value && strcmp(type, "IM") == 0)
            each(arg, strncmp(value, "switchboard:", 12) == 0 ? "mark" : "messenger", value);
    }
}

static void add_held(void *arg, const char *kind, const char *value) {
    json_array_append_new(arg, json_pack("{s:s,s:s}", "kind", kind, "value", value));
}

json_t *bitrix24_card(const json_t *result, const char *portal) {
    const json_t *item = json_object_get(result, "item");
    json_t *id = bitrix24_id(json_object_get(item, "id"));
    const char *first = json_text(item, "name"), *last = json_text(item, "lastName");
    if (!id)
        return NULL;
    json_t *ways = json_array(), *out = json_pack("{s:o,s:o}", "id", id, "ways", ways);
    json_object_set_new(
        out, "url", json_sprintf("%s/crm/contact/details/%s/", portal, json_string_value(id)));
    if (*first || *last)
        json_object_set_new(
            out, "name", json_sprintf("%s%s%s", first, *first && *last ? " " : "", last));
    json_t *responsible = bitrix24_id(json_object_get(item, "assignedById"));
    if (responsible) {
        json_object_set(out, "user", responsible);
        json_object_set_new(out, "responsible", responsible);
    }
    each_way(item, add_held, ways);
    return out;
}

static void add_id(json_t *ids, const json_t *id) {
    json_t *text = bitrix24_id(id), *there;
    size_t i;
    json_array_foreach(ids, i, there) if (json_equal(there, text)) {
        json_decref(text);
        return;
    }
    if (text && json_array_size(ids) < FOUND_MAX)
        json_array_append_new(ids, text);
    else
        json_decref(text);
}

json_t *bitrix24_found_ids(const json_t *batch, struct bitrix24_answer *out) {
    static const char *const names[] = {
        "mark", "mark_im", "im0", "im1", "im2", "im3", "im4", "phone", "mail"};
    const json_t *asked = json_object_get(batch, "result");
    const json_t *errors = json_object_get(batch, "result_error");
    json_t *ids = json_array(), *one;
    size_t i;
    *out = (struct bitrix24_answer){0};
    for (size_t n = 0; n < ARRAY_LEN(names); n++) {
        bool must = n == 0;
        if (!must && !json_object_get(asked, names[n]) && !json_object_get(errors, names[n]))
            continue;
        const json_t *r = bitrix24_command_result(batch, names[n], out);
        if (!r) {
            json_decref(ids);
            return NULL;
        }
        json_array_foreach(json_object_get(r, "items"), i, one)
            add_id(ids, json_object_get(one, "id"));
        json_array_foreach(json_object_get(r, "CONTACT"), i, one) add_id(ids, one);
        json_array_foreach(r, i, one) add_id(ids, json_object_get(one, "ID"));
    }
    return ids;
}

struct finding {
    json_t *out;
    const char *card;
};

static void add_found(void *arg, const char *kind, const char *value) {
    struct finding *f = arg;
    json_array_append_new(
        f->out, json_pack("{s:s,s:s,s:s}", "card", f->card, "kind", kind, "value", value));
}

json_t *bitrix24_found(const json_t *result) {
    json_t *out = json_array(), *item;
    size_t i;
    json_array_foreach(json_object_get(result, "items"), i, item) {
        json_t *id = bitrix24_id(json_object_get(item, "id"));
        struct finding f = {out, json_string_value(id)};
        if (id)
            each_way(item, add_found, &f);
        json_decref(id);
    }
    return out;
}

/* The id of the last mark in a text, or "". */
static void marked(const char *text, char id[27]) {
    const char *at = NULL;
    for (const char *p = strchr(text, '#'); p; p = strchr(p + 1, '#'))
        at = p;
    size_t n = at ? strspn(at + 1, "0123456789ABCDEFGHJKMNPQRSTVWXYZ") : 0;
    snprintf(id, 27, "%.*s", n == 26 ? 26 : 0, at ? at + 1 : "");
}

static long long number_of(const json_t *id) {
    const char *s = json_string_value(id);
    return s ? strtoll(s, NULL, 10) : 0;
}

int bitrix24_comments(const json_t *result, const char *mark, json_t *out, int64_t *oldest_ms_out) {
    size_t i;
    json_t *one;
    if (!json_is_array(result))
        return -1;
    json_array_foreach(result, i, one) {
        const char *text = json_text(one, "COMMENT");
        const json_t *newer = json_object_get(json_array_get(out, 0), "id");
        char message[27];
        json_t *id = bitrix24_id(json_object_get(one, "ID"));
        int64_t at_ms;
        marked(text, message);
        bool is_wanted = *message && (!mark || strcmp(mark + (*mark == '#'), message) == 0);
        if (id && is_wanted && (!newer || number_of(id) < number_of(newer)))
            json_array_insert_new(
                out, 0, json_pack("{s:O,s:s,s:s}", "id", id, "text", text, "message", message));
        if (clock_parse(json_text(one, "CREATED"), &at_ms) == 0 && at_ms < *oldest_ms_out)
            *oldest_ms_out = at_ms;
        json_decref(id);
    }
    return (int)json_array_size(result);
}
