/* espocrm_call.c - requests with the key. */
#include <stdlib.h>

#include "base/mem.h"
#include "connectors/espocrm/espocrm_private.h"

struct call {
    struct espocrm *e;
    crm_step_fn fn;
    void *arg;
};

static void on_answer(
    void *arg, const struct http_answer *a, const struct err *failure, bool sent) {
    struct call *call = arg;
    struct err err;
    json_t *result = NULL;
    unsigned retry_ms = a && a->retry_after_s > 0 ? (unsigned)a->retry_after_s * 1000 : 0;
    (void)sent;
    if (failure)
        err = *failure;
    bool ok = a && espocrm_result(a, &result, &err) == 0;
    if (!ok)
        crm_calls_refused(call->e->calls, &err);
    call->fn(call->arg, result, ok ? NULL : &err, retry_ms);
    json_decref(result);
    free(call);
}

static void start(struct espocrm *e, const char *method, const char *path, json_t *body,
    const char *header, crm_step_fn fn, void *arg) {
    struct call *call = mem_alloc(sizeof *call);
    char *key = mem_printf("X-Api-Key: %s", e->key);
    char *asked = mem_printf("/%s", path), *url = mem_printf("%s/api/v1%s", e->url, asked);
    char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
    const char *const headers[] = {
        key, header, body ? "Content-Type: application/json" : NULL, NULL};
    struct crm_request rq = {
        .method = method, .url = url, .headers = headers, .body = span_str(text), .about = asked};
    *call = (struct call){e, fn, arg};
    crm_calls_start(e->calls, &rq, on_answer, call);
    json_decref(body);
    free(text);
    free(url);
    free(asked);
    free(key);
}

/* Nobody needs how many there are in all: counting is slow where there are many. */
void espocrm_call(struct espocrm *e, const char *method, const char *path, json_t *body,
    crm_step_fn fn, void *arg) {
    start(e, method, path, body, "X-No-Total: true", fn, arg);
}

void espocrm_call_anyway(
    struct espocrm *e, const char *path, json_t *body, crm_step_fn fn, void *arg) {
    start(e, "POST", path, body, "X-Skip-Duplicate-Check: true", fn, arg);
}

/* What is no id (somebody else's card, of another target of this name) is nobody's record. */
void espocrm_call_record(struct espocrm *e, const char *method, const char *entity, const char *id,
    json_t *body, crm_step_fn fn, void *arg) {
    char *path = mem_printf("%s/%s", entity, espocrm_is_id(id) ? id : "0");
    espocrm_call(e, method, path, body, fn, arg);
    free(path);
}
