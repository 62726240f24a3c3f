/* telegram_api.c - calls of the Bot API. The token is in the path: a URL made here goes to the HTTP
 * client and nowhere else. Source: Bot API 10.3, "Making requests". */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/crypto.h"
#include "base/mem.h"
#include "connectors/telegram/telegram_private.h"

#define TIMEOUT_MS 30000
#define UPLOAD_TIMEOUT_MS 600000
#define ANSWER_MAX (16u << 20) /* getUpdates answers with about 4 MB at most */
#define PARAMS_MAX 24

struct request {
    telegram_fn fn;
    void *arg;
};

static void on_answer(
    void *arg, const struct http_answer *answer, const struct err *err, bool sent) {
    struct request *r = arg;
    struct telegram_answer a;
    if (err) {
        r->fn(r->arg, NULL, err, sent);
        free(r);
        return;
    }
    telegram_answer_read(answer->status, answer->body, &a);
    if (a.cls == TELEGRAM_WAIT && a.retry_s == 0)
        a.retry_s = answer->retry_after_s > 0 ? (unsigned)answer->retry_after_s : 1;
    r->fn(r->arg, &a, NULL, sent);
    telegram_answer_free(&a);
    free(r);
}

/* Multipart: what is no string goes as JSON text (Bot API, "Making requests"). */
static size_t add_fields(const json_t *params, struct http_part *parts, char **owned) {
    const char *key;
    json_t *v;
    size_t n = 0;
    json_object_foreach((json_t *)params, key, v) {
        if (n == PARAMS_MAX)
            break;
        owned[n] = json_is_string(v) ? mem_strdup(json_string_value(v))
                                     : json_dumps(v, JSON_COMPACT | JSON_ENCODE_ANY);
        parts[n] =
            (struct http_part){.name = key, .data = span_str(owned[n] ? owned[n] : ""), .fd = -1};
        n++;
    }
    return n;
}

static struct http_call *start_upload(struct telegram *t, struct http_request *h,
    const struct telegram_request *rq, struct request *r) {
    struct http_part *parts = mem_zalloc((PARAMS_MAX + rq->nfiles) * sizeof *parts);
    char *owned[PARAMS_MAX];
    size_t n = add_fields(rq->params, parts, owned);
    memcpy(parts + n, rq->files, rq->nfiles * sizeof *parts);
    h->parts = parts;
    h->nparts = n + rq->nfiles;
    h->timeout_ms = UPLOAD_TIMEOUT_MS;
    struct http_call *call = http_call_start(t->base.client, h, on_answer, r);
    for (size_t i = 0; i < n; i++)
        free(owned[i]);
    free(parts);
    return call;
}

struct http_call *telegram_request(
    struct telegram *t, const struct telegram_request *rq, telegram_fn fn, void *arg) {
    static const char *const json_headers[] = {"Content-Type: application/json", NULL};
    struct request *r = mem_alloc(sizeof *r);
    struct http_call *call;
    char *url = mem_printf("%s/bot%s/%s%s%s", t->api_url, t->token, rq->method,
        rq->query ? "?" : "", rq->query ? rq->query : "");
    char *body = NULL;
    *r = (struct request){fn, arg};
    struct http_request h = {.method = rq->query ? "GET" : "POST",
        .url = url,
        .timeout_ms = rq->timeout_ms ? rq->timeout_ms : TIMEOUT_MS,
        .answer_max = ANSWER_MAX,
        .allow_private = !t->is_cloud, /* the admin named the server */
        .allow_plain = !t->is_cloud,
        .long_poll = rq->long_poll};
    if (rq->nfiles) {
        call = start_upload(t, &h, rq, r);
    } else {
        if (!rq->query) {
            body = rq->params ? json_dumps(rq->params, JSON_COMPACT) : mem_strdup("{}");
            h.body = span_str(body);
            h.headers = json_headers;
        }
        call = http_call_start(t->base.client, &h, on_answer, r);
    }
    free(body);
    explicit_bzero(url, strlen(url));
    free(url);
    return call;
}

char *telegram_file_url(const struct telegram *t, const char *path) {
    return mem_printf("%s/file/bot%s/%s", t->api_url, t->token, path);
}

/* --- the webhook ----------------------------------------------------------------------------- */

bool telegram_uses_webhook(const struct telegram *t) {
    if (t->mode == TELEGRAM_AUTO)
        return strncmp(t->base.public_url, "https://", 8) == 0;
    return t->mode == TELEGRAM_WEBHOOK;
}

/* 64 hex digits that only this installation can make. */
static char *derive(const struct telegram *t, const char *what) {
    const char *secret = connector_secret(&t->base);
    char hex[CRYPTO_HEX_SIZE];
    if (!secret)
        return NULL;
    char *text = mem_printf("telegram %s %s %lld", what, t->base.channel, (long long)t->bot_id);
    crypto_hmac_sha256_hex(span_str(secret), span_str(text), hex);
    free(text);
    return mem_strdup(hex);
}

char *telegram_webhook_secret(const struct telegram *t) {
    return derive(t, "secret");
}

char *telegram_webhook_url(const struct telegram *t) {
    char *path = derive(t, "path"), *url = NULL;
    if (path && *t->base.public_url)
        url = mem_printf("%s/hooks/telegram/%s/%.32s", t->base.public_url, t->base.channel, path);
    free(path);
    return url;
}

bool telegram_is_own_webhook(const struct telegram *t, const char *url) {
    const char *last = url ? strrchr(url, '/') : NULL;
    char *path = derive(t, "path");
    bool own = path && last && strlen(last + 1) == 32 && strncmp(last + 1, path, 32) == 0;
    free(path);
    return own;
}

json_t *telegram_allowed_updates(void) {
    static const char *const wanted[] = {"message", "edited_message", "channel_post",
        "edited_channel_post", "business_connection", "business_message", "edited_business_message",
        "deleted_business_messages", "guest_message", "message_reaction", "callback_query",
        "my_chat_member"};
    json_t *list = json_array();
    for (size_t i = 0; i < ARRAY_LEN(wanted); i++)
        json_array_append_new(list, json_string(wanted[i]));
    return list;
}
