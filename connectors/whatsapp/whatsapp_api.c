/* whatsapp_api.c - calls of the Graph API: version in the path, token in the header.
 * Source: Graph API v26, "Overview"; WhatsApp Business Platform, "Cloud API". */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "connectors/whatsapp/whatsapp_private.h"

#define TIMEOUT_MS 30000
#define UPLOAD_TIMEOUT_MS 600000
#define ANSWER_MAX (8u << 20)

struct request {
    whatsapp_fn fn;
    void *arg;
};

static void on_answer(
    void *arg, const struct http_answer *answer, const struct err *err, bool sent) {
    struct request *r = arg;
    struct whatsapp_answer a;
    if (err) {
        r->fn(r->arg, NULL, err, sent);
        free(r);
        return;
    }
    whatsapp_answer_read(answer->status, answer->body, &a);
    if (a.cls == WHATSAPP_WAIT_NUMBER && a.retry_s == 0 && answer->retry_after_s > 0)
        a.retry_s = (unsigned)answer->retry_after_s;
    r->fn(r->arg, &a, NULL, sent);
    whatsapp_answer_free(&a);
    free(r);
}

struct http_call *whatsapp_request(
    struct whatsapp *w, const struct whatsapp_request *rq, whatsapp_fn fn, void *arg) {
    struct request *r = mem_alloc(sizeof *r);
    char *url = mem_printf("%s/%s/%s", w->api_url, w->version, rq->path);
    char *bearer = mem_printf("Authorization: Bearer %s", w->token);
    char *body = rq->body ? json_dumps(rq->body, JSON_COMPACT) : NULL;
    const char *headers[] = {bearer, body ? "Content-Type: application/json" : NULL, NULL};
    *r = (struct request){fn, arg};
    struct http_request h = {.method = rq->method,
        .url = url,
        .headers = headers,
        .body = span_str(body),
        .timeout_ms = rq->timeout_ms ? rq->timeout_ms
                      : rq->nparts   ? UPLOAD_TIMEOUT_MS
                                     : TIMEOUT_MS,
        .answer_max = ANSWER_MAX,
        .allow_private = !w->is_cloud, /* the admin named the server */
        .allow_plain = !w->is_cloud,
        .parts = rq->parts,
        .nparts = rq->nparts};
    struct http_call *call = http_call_start(w->base.client, &h, on_answer, r);
    explicit_bzero(bearer, strlen(bearer));
    explicit_bzero(url, strlen(url)); /* debug_token has the token in its query */
    free(bearer);
    free(url);
    free(body);
    return call;
}

char *whatsapp_webhook_url(const struct whatsapp *w) {
    if (strncmp(w->base.public_url, "https://", 8) != 0 && w->is_cloud)
        return NULL;
    return *w->base.public_url
               ? mem_printf("%s/hooks/whatsapp/%s", w->base.public_url, w->base.channel)
               : NULL;
}
