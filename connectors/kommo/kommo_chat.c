/* kommo_chat.c - requests to the service of chats: signed, in the scope of a connection. A scope
 * that is gone (the integration was installed anew) is asked for once more. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "connectors/kommo/kommo_compose.h"
#include "connectors/kommo/kommo_private.h"

struct chat_call {
    struct chat_call *next;
    struct kommo *k;
    char *suffix, *query, *body, *scope; /* scope: that it was sent with */
    const char *method;
    crm_step_fn fn;
    void *arg;
    struct crm_about about;
    bool again;
};

static void call_end(
    struct chat_call *c, const json_t *result, const struct err *err, unsigned retry_ms) {
    c->fn(c->arg, err ? NULL : result, err, retry_ms);
    free(c->suffix);
    free(c->query);
    free(c->body);
    free(c->scope);
    free(c);
}

/* path: "/v2/origin/custom/..."; what it asks for is not signed. about: of the log. */
static void send(struct kommo *k, const char *method, const char *path, const char *query,
    const char *body, const char *about, http_answer_fn fn, void *arg) {
    struct kommo_signature sign;
    kommo_sign(k->chat.secret, method, path, span_str(body), clock_ms(), &sign);
    char *url = mem_printf("%s%s%s", k->chat.url, path, query);
    char *date = mem_printf("Date: %s", sign.date), *md5 = mem_printf("Content-MD5: %s", sign.md5);
    char *signature = mem_printf("X-Signature: %s", sign.signature);
    const char *const headers[] = {date, "Content-Type: application/json", md5, signature, NULL};
    struct crm_request rq = {
        .method = method, .url = url, .headers = headers, .body = span_str(body), .about = about};
    crm_calls_start(k->chat.calls, &rq, fn, arg);
    free(url);
    free(date);
    free(md5);
    free(signature);
}

/* --- connecting ------------------------------------------------------------------------------ */

static void start(struct chat_call *c);

static void wait_for_scope(struct chat_call *c) {
    c->next = NULL;
    *c->k->chat.tail = c;
    c->k->chat.tail = &c->next;
}

static struct chat_call *take_waiting(struct kommo *k) {
    struct chat_call *all = k->chat.waiting;
    k->chat.waiting = NULL;
    k->chat.tail = &k->chat.waiting;
    return all;
}

static void connected(struct kommo *k, const struct err *err, unsigned retry_ms) {
    k->chat.connecting = false;
    for (struct chat_call *c = take_waiting(k), *next; c; c = next) {
        next = c->next;
        struct crm_about was = crm_about_swap(&k->flow.base, c->about);
        if (err)
            call_end(c, NULL, err, retry_ms);
        else
            start(c);
        crm_about_swap(&k->flow.base, was);
    }
}

/* What is wrong with the channel is wrong for every message. */
static void on_connected(
    void *arg, const struct http_answer *a, const struct err *failure, bool sent) {
    struct kommo *k = arg;
    struct err err = {0};
    unsigned retry_ms = kommo_retry_ms(a);
    json_t *result = a ? kommo_answer(a, &err) : NULL;
    const char *scope = json_string_value(json_object_get(result, "scope_id"));
    (void)sent;
    if (failure)
        err = *failure;
    else if (result && (!scope || !*scope || strchr(scope, '/')))
        err_set(&err, ERR_AUTH, "the service of chats connected the channel and named no scope");
    else if (!result && err.code == ERR_DENIED)
        err_set(&err, ERR_AUTH,
            "the service of chats refuses channel_secret, or this machine's clock is wrong");
    else if (!result && (err.code == ERR_NOT_FOUND || err.code == ERR_INVALID))
        err.code = ERR_AUTH;
    if (!failure && result && scope && *scope && !strchr(scope, '/')) {
        free(k->chat.scope);
        k->chat.scope = mem_strdup(scope);
        LOG_INFO(k->flow.base.env->log, "kommo.connected", LOG_S("target", k->flow.base.target));
        connected(k, NULL, 0);
    } else {
        connected(k, &err, retry_ms);
    }
    json_decref(result);
}

static void ask_for_scope(struct kommo *k) {
    json_t *j = json_pack("{s:s,s:s,s:s}", "account_id", k->chat.account, "title", k->chat.title,
        "hook_api_version", "v2");
    char *body = json_dumps(j, JSON_COMPACT);
    char *path = mem_printf("/v2/origin/custom/%s/connect", k->chat.channel);
    send(k, "POST", path, "", body, "/connect", on_connected, k);
    free(path);
    free(body);
    json_decref(j);
}

static void on_account(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    struct kommo *k = arg;
    struct err ended;
    (void)result;
    if (!err && k->ended)
        err = (err_set(&ended, ERR_UNAVAILABLE, "the gateway is stopping"), &ended);
    if (err)
        connected(k, err, retry_ms);
    else
        ask_for_scope(k);
}

static void connect_channel(struct kommo *k) {
    if (k->chat.connecting)
        return;
    k->chat.connecting = true;
    kommo_chat_account(k, on_account, k);
}

/* --- the account ----------------------------------------------------------------------------- */

struct account {
    struct kommo *k;
    crm_step_fn fn;
    void *arg;
};

static void on_told(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    struct account *a = arg;
    const char *id = json_string_value(json_object_get(result, "amojo_id"));
    struct err bad;
    if (!err && (!id || !*id))
        err = (err_set(&bad, ERR_AUTH, "Kommo did not say the account's amojo_id"), &bad);
    if (!err) {
        free(a->k->chat.account);
        a->k->chat.account = mem_strdup(id);
    }
    a->fn(a->arg, NULL, err, retry_ms);
    free(a);
}

void kommo_chat_account(struct kommo *k, crm_step_fn fn, void *arg) {
    struct account *a = mem_alloc(sizeof *a);
    *a = (struct account){k, fn, arg};
    kommo_call(k, "GET", "/account?with=amojo_id", NULL, on_told, a);
}

/* --- calls ----------------------------------------------------------------------------------- */

static void on_answer(
    void *arg, const struct http_answer *a, const struct err *failure, bool sent) {
    struct chat_call *c = arg;
    struct kommo *k = c->k;
    struct err err = {0};
    unsigned retry_ms = kommo_retry_ms(a);
    json_t *result = a ? kommo_answer(a, &err) : NULL;
    (void)sent;
    if (failure)
        err = *failure;
    if (!result)
        crm_calls_refused(k->chat.calls, &err);
    bool scope_gone = !failure && !result && !c->again && !k->ended &&
                      (err.code == ERR_DENIED || err.code == ERR_NOT_FOUND);
    if (scope_gone) {
        c->again = true;
        if (k->chat.scope && strcmp(k->chat.scope, c->scope) == 0) {
            free(k->chat.scope);
            k->chat.scope = NULL;
        }
        start(c);
        return;
    }
    if (!result && err.code == ERR_DENIED)
        err.code = ERR_AUTH;
    if (!result && err.code == ERR_TOO_MANY && !retry_ms)
        crm_calls_pause(k->chat.calls, retry_ms = 1000);
    call_end(c, result, result ? NULL : &err, retry_ms);
    json_decref(result);
}

static void on_ended(void *arg) {
    struct err err;
    err_set(&err, ERR_UNAVAILABLE, "the gateway is stopping");
    call_end(arg, NULL, &err, 0);
}

static void start(struct chat_call *c) {
    struct kommo *k = c->k;
    if (k->ended) {
        loop_defer(k->flow.base.env->loop, on_ended, c);
        return;
    }
    if (!k->chat.scope) {
        wait_for_scope(c);
        connect_channel(k);
        return;
    }
    free(c->scope);
    c->scope = mem_strdup(k->chat.scope);
    char *path = mem_printf("/v2/origin/custom/%s%s", c->scope, c->suffix);
    send(k, c->method, path, c->query, c->body, *c->suffix ? c->suffix : "/messages", on_answer, c);
    free(path);
}

void kommo_chat_call(struct kommo *k, const char *suffix, const char *method, const char *query,
    json_t *body, crm_step_fn fn, void *arg) {
    struct chat_call *c = mem_zalloc(sizeof *c);
    c->k = k;
    c->suffix = mem_strdup(suffix);
    c->query = mem_strdup(query);
    c->method = method;
    c->body = body ? json_dumps(body, JSON_COMPACT) : mem_strdup("");
    c->fn = fn;
    c->arg = arg;
    c->about = k->flow.base.about;
    json_decref(body);
    start(c);
}

/* --- life ------------------------------------------------------------------------------------ */

void kommo_chat_start(struct kommo *k) {
    if (!k->chat.on)
        return;
    k->chat.calls = crm_calls_create(&k->flow.base, &k->options);
    k->chat.opened = mem_zalloc(KOMMO_OPENED * sizeof *k->chat.opened);
}

/* After kommo_api_stop(): whoever waits for the account has been told. */
void kommo_chat_stop(struct kommo *k) {
    struct err err;
    crm_calls_destroy(&k->chat.calls);
    err_set(&err, ERR_UNAVAILABLE, "the gateway is stopping");
    connected(k, &err, 0);
}

void kommo_chat_finish(struct kommo *k) {
    free(k->chat.url);
    free(k->chat.account);
    free(k->chat.scope);
    free(k->chat.opened);
}
