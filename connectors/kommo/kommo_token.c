/* kommo_token.c - signing in with OAuth2: an access token lives a day, a refresh token can be used
 * once. A long-lived token needs none of this. */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "connectors/kommo/kommo_private.h"
#include "core/crm/crm_token.h"

#define TIMEOUT_MS 30000u
#define ANSWER_MAX 65536u

static struct http_call *ask(void *owner, const char *refresh, http_answer_fn fn, void *arg) {
    static const char *const headers[] = {
        "Content-Type: application/json", "Accept: application/json", NULL};
    struct kommo *k = owner;
    json_t *j = json_pack("{s:s,s:s,s:s,s:s,s:s}", "client_id", k->oauth.client_id, "client_secret",
        k->oauth.client_secret, "grant_type", "refresh_token", "refresh_token", refresh,
        "redirect_uri", k->oauth.redirect_uri);
    char *body = j ? json_dumps(j, JSON_COMPACT) : mem_strdup("{}");
    char *url = mem_printf("%s/oauth2/access_token", k->url);
    struct http_request rq = {.method = "POST",
        .url = url,
        .headers = headers,
        .body = span_str(body),
        .timeout_ms = TIMEOUT_MS,
        .answer_max = ANSWER_MAX,
        .allow_private = k->options.allow_private,
        .allow_plain = k->options.allow_private};
    struct http_call *call = http_call_start(k->flow.base.client, &rq, fn, arg);
    sodium_memzero(body, strlen(body));
    free(body);
    free(url);
    json_decref(j);
    return call;
}

void kommo_token_start(struct kommo *k) {
    if (*k->token)
        return;
    char *of = mem_printf("%s\n%s\n%s", k->url, k->oauth.client_id, k->oauth.refresh);
    struct crm_token_options o = {
        .of = of, .refresh = k->oauth.refresh, .owner = k, .ask = ask, .read = kommo_tokens};
    k->oauth.token = crm_token_create(&k->flow.base, &o);
    sodium_memzero(of, strlen(of));
    free(of);
}

void kommo_token_stop(struct kommo *k) {
    crm_token_destroy(&k->oauth.token);
}
