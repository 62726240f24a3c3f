/* telegram_webhook.c - an update that Telegram posts to us: from Telegram? an update? stored? then
 * 200. Whatever is no update gets 200 too: it would only come again. */
#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "connectors/telegram/telegram_private.h"

static void on_taken(void *arg, const struct err *err) {
    if (err)
        http_reply_err(arg, err);
    else
        http_reply_empty(arg, 200);
}

/* What Telegram has to show, made once; again when the data was replaced, and its secret with it.
 */
static bool know_secrets(struct telegram *t) {
    const char *secret = connector_secret(&t->base);
    if (!secret)
        return false;
    if (t->hook_of && strcmp(t->hook_of, secret) == 0)
        return t->hook_url != NULL;
    free(t->hook_of);
    free(t->hook_url);
    free(t->hook_secret);
    t->hook_of = mem_strdup(secret);
    t->hook_url = telegram_webhook_url(t);
    t->hook_secret = telegram_webhook_secret(t);
    return t->hook_url != NULL;
}

/* The path is only Telegram's and ours, and so is the header; both in constant time. */
static bool is_telegram(struct telegram *t, struct http_exchange *x) {
    const char *rest = http_path_arg(x, "rest");
    const char *header = http_header(x, "X-Telegram-Bot-Api-Secret-Token");
    if (!rest || !header || !know_secrets(t))
        return false;
    bool path = crypto_equal(span_str(rest), span_str(strrchr(t->hook_url, '/') + 1));
    bool secret = crypto_equal(span_str(header), span_str(t->hook_secret));
    return path && secret;
}

void telegram_webhook(struct connector *c, struct http_exchange *x) {
    struct telegram *t = container_of(c, struct telegram, base);
    struct telegram_update u;
    struct err err;
    if (strcmp(http_method(x), "POST") != 0) {
        http_set_header(x, "Allow", "POST");
        http_reply_problem(x, 405, "unsupported", "Telegram posts updates here");
        return;
    }
    if (!connector_secret(c)) {
        err_set(&err, ERR_UNAVAILABLE, "the gateway is starting");
        http_reply_err(x, &err);
        return;
    }
    if (!is_telegram(t, x)) {
        metrics_add(c->env->metrics, M_REFUSED, "auth", 1);
        http_reply_problem(x, 401, "auth", "the secret token is missing or wrong");
        return;
    }
    if (telegram_update_parse(http_body(x), t->bot_id, &u, &err) < 0) {
        LOG_WARN(c->env->log, "telegram.no_update", LOG_S("channel", c->channel), LOG_E(&err));
        metrics_add(c->env->metrics, M_REFUSED, "bad_request", 1);
        telegram_update_free(&u);
        http_reply_empty(x, 200);
        return;
    }
    telegram_take(t, &u, on_taken, x);
}
