/* odoo_call.c - calls by one of the two ways. Before the first, we ask who we are and which fields
 * a contact has; what comes meanwhile waits for that. */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "connectors/odoo/odoo_private.h"

struct asked {
    struct asked *next;
    struct odoo *o;
    struct odoo_call call;
    crm_step_fn fn;
    void *arg;
    struct crm_about about;
};

static void asked_end(
    struct asked *a, const json_t *result, const struct err *err, unsigned retry_ms) {
    a->fn(a->arg, err ? NULL : result, err, retry_ms);
    json_decref(a->call.ids);
    json_decref(a->call.named);
    free(a);
}

static unsigned retry_of(const struct http_answer *a) {
    return a && a->retry_after_s > 0 ? (unsigned)a->retry_after_s * 1000 : 0;
}

/* Who we are, and what he may, may have changed. */
static void forget(struct odoo *o) {
    o->ready = false;
    o->uid = 0;
}

static void on_answer(
    void *arg, const struct http_answer *a, const struct err *failure, bool sent) {
    struct asked *asked = arg;
    struct odoo *o = asked->o;
    struct err err;
    json_t *result = NULL;
    (void)sent;
    if (failure)
        err = *failure;
    bool ok = a && odoo_result(a, o->json2, &result, &err) == 0;
    if (!ok)
        crm_calls_refused(o->calls, &err);
    if (!ok && err.code == ERR_AUTH)
        forget(o);
    asked_end(asked, result, ok ? NULL : &err, retry_of(a));
    json_decref(result);
}

static void send_rpc(struct odoo *o, const char *asked, char *body, http_answer_fn fn, void *arg) {
    static const char *const headers[] = {"Content-Type: application/json", NULL};
    char *url = mem_printf("%s/jsonrpc", o->url);
    struct crm_request rq = {
        .method = "POST", .url = url, .headers = headers, .body = span_str(body), .about = asked};
    crm_calls_start(o->calls, &rq, fn, arg);
    sodium_memzero(body, strlen(body));
    free(body);
    free(url);
}

static void send_json2(
    struct odoo *o, const char *asked, const struct odoo_call *call, http_answer_fn fn, void *arg) {
    char *key = mem_printf("Authorization: bearer %s", o->key);
    char *database = mem_printf("X-Odoo-Database: %s", o->database);
    char *url = mem_printf("%s/json/2/%s/%s", o->url, call->model, call->method);
    char *body = odoo_json2_body(call, o->company);
    const char *const headers[] = {
        "Content-Type: application/json", key, *o->database ? database : NULL, NULL};
    struct crm_request rq = {
        .method = "POST", .url = url, .headers = headers, .body = span_str(body), .about = asked};
    crm_calls_start(o->calls, &rq, fn, arg);
    free(body);
    free(url);
    free(database);
    free(key);
}

static void send_call(struct odoo *o, const struct odoo_call *call, http_answer_fn fn, void *arg) {
    char *asked = mem_printf("%s.%s", call->model, call->method);
    if (o->json2)
        send_json2(o, asked, call, fn, arg);
    else
        send_rpc(o, asked, odoo_rpc_body(o->database, o->uid, o->key, call, o->company), fn, arg);
    free(asked);
}

/* --- getting ready --------------------------------------------------------------------------- */

static void settle(struct odoo *o, const struct err *err, unsigned retry_ms) {
    struct asked *all = o->waiting;
    o->asking = false;
    o->ready = !err;
    o->waiting = NULL;
    o->tail = &o->waiting;
    for (struct asked *a = all, *next; a; a = next) {
        next = a->next;
        struct crm_about was = crm_about_swap(&o->flow.base, a->about);
        if (err || !a->call.model)
            asked_end(a, NULL, err, retry_ms);
        else
            send_call(o, &a->call, on_answer, a);
        crm_about_swap(&o->flow.base, was);
    }
}

/* What is wrong here is wrong for all messages: they wait until an admin has mended it. */
static void refuse(struct odoo *o, const struct http_answer *a, struct err *err) {
    crm_calls_refused(o->calls, err);
    bool is_elsewhere = a && a->status == 404, passes = err_passes(err) && !is_elsewhere;
    forget(o);
    if (is_elsewhere)
        err_set(err, ERR_AUTH, "there is no %s at this url: another api, or another url?",
            o->json2 ? "JSON-2 API (Odoo 19 and later)" : "JSON-RPC (until Odoo 21)");
    else if (!passes)
        err->code = ERR_AUTH;
    settle(o, err, retry_of(a));
}

static void on_schema(
    void *arg, const struct http_answer *a, const struct err *failure, bool sent) {
    struct odoo *o = arg;
    struct err err;
    json_t *result = NULL;
    (void)sent;
    if (failure)
        err = *failure;
    bool ok = a && odoo_result(a, o->json2, &result, &err) == 0 &&
              odoo_take_schema(result, &o->fields, &err) == 0;
    if (ok)
        settle(o, NULL, 0);
    else
        refuse(o, a, &err);
    json_decref(result);
}

static void ask_schema(struct odoo *o) {
    struct odoo_call call = {"res.partner", "fields_get", NULL,
        json_pack("{s:o,s:[s]}", "allfields", odoo_asked_fields(&o->fields), "attributes", "type")};
    send_call(o, &call, on_schema, o);
    json_decref(call.named);
}

static void on_login(void *arg, const struct http_answer *a, const struct err *failure, bool sent) {
    struct odoo *o = arg;
    struct err err;
    json_t *result = NULL;
    (void)sent;
    if (failure)
        err = *failure;
    bool ok = a && odoo_result(a, false, &result, &err) == 0;
    o->uid = ok ? odoo_id(result) : 0;
    if (ok && !o->uid)
        err_set(&err, ERR_AUTH,
            "Odoo does not let the user %s in: check user, api_key and database", o->user);
    json_decref(result);
    if (o->uid)
        ask_schema(o);
    else
        refuse(o, a, &err);
}

static void get_ready(struct odoo *o) {
    if (o->asking)
        return;
    o->asking = true;
    if (o->json2 || o->uid)
        ask_schema(o);
    else
        send_rpc(o, "common.login", odoo_login_body(o->database, o->user, o->key), on_login, o);
}

/* --- calls ----------------------------------------------------------------------------------- */

void odoo_ask(struct odoo *o, const char *model, const char *method, json_t *ids, json_t *named,
    crm_step_fn fn, void *arg) {
    struct asked *a = mem_alloc(sizeof *a);
    *a = (struct asked){.o = o,
        .call = {model, method, ids, named},
        .fn = fn,
        .arg = arg,
        .about = o->flow.base.about};
    if (o->ready) {
        send_call(o, &a->call, on_answer, a);
        return;
    }
    *o->tail = a;
    o->tail = &a->next;
    get_ready(o);
}

void odoo_ready(struct odoo *o, crm_step_fn fn, void *arg) {
    if (o->ready)
        fn(arg, NULL, NULL, 0);
    else
        odoo_ask(o, NULL, NULL, NULL, NULL, fn, arg);
}

void odoo_search(struct odoo *o, const char *model, json_t *domain, json_t *fields, unsigned offset,
    unsigned limit, crm_step_fn fn, void *arg) {
    odoo_ask(o, model, "search_read", NULL,
        json_pack("{s:o,s:o,s:i,s:i,s:s}", "domain", domain, "fields", fields, "offset",
            (int)offset, "limit", (int)limit, "order", "id asc"),
        fn, arg);
}

void odoo_call_stop(struct odoo *o) {
    struct err err;
    o->ended = true;
    crm_calls_destroy(&o->calls);
    err_set(&err, ERR_UNAVAILABLE, "the gateway is stopping");
    settle(o, &err, 0);
}
