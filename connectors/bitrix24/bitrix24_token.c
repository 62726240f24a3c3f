/* bitrix24_token.c - signing in as an application: an access token is asked for only when the
 * portal says that the one before is over, and the refresh token that comes with it is good once.
 */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "connectors/bitrix24/bitrix24_private.h"

#define TIMEOUT_MS 30000u
#define ANSWER_MAX 65536u

/* Bitrix24 wants it as a GET: the address is shown nowhere. */
static struct http_call *ask(void *owner, const char *refresh, http_answer_fn fn, void *arg) {
    static const char *const headers[] = {"Accept: application/json", NULL};
    struct bitrix24 *b = owner;
    char *id = crm_escape(b->app.client_id), *secret = crm_escape(b->app.client_secret);
    char *token = crm_escape(refresh);
    char *url =
        mem_printf("%s%cgrant_type=refresh_token&client_id=%s&client_secret=%s&refresh_token=%s",
            b->app.token_url, strchr(b->app.token_url, '?') ? '&' : '?', id, secret, token);
    struct http_request rq = {.method = "GET",
        .url = url,
        .headers = headers,
        .timeout_ms = TIMEOUT_MS,
        .answer_max = ANSWER_MAX,
        .allow_private = b->options.allow_private,
        .allow_plain = b->options.allow_private};
    struct http_call *call = http_call_start(b->flow.base.client, &rq, fn, arg);
    sodium_memzero(url, strlen(url));
    sodium_memzero(secret, strlen(secret));
    sodium_memzero(token, strlen(token));
    free(url);
    free(token);
    free(secret);
    free(id);
    return call;
}

void bitrix24_token_start(struct bitrix24 *b) {
    if (!b->is_app)
        return;
    char *of = mem_printf("%s\n%s\n%s", b->portal, b->app.client_id, b->app.given);
    struct crm_token_options o = {
        .of = of, .refresh = b->app.given, .owner = b, .ask = ask, .read = bitrix24_tokens_read};
    b->app.token = crm_token_create(&b->flow.base, &o);
    sodium_memzero(of, strlen(of));
    free(of);
}
