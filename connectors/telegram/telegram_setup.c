/* telegram_setup.c - looking after a bot: is the token good, who is it, does it hear us; then by
 * webhook or by polling, and now and then whether all is still so. */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "connectors/telegram/telegram_private.h"

#define AGAIN_MIN_MS 1000
#define AGAIN_MAX_MS 60000
#define REFUSED_MS 300000     /* a wrong token is tried again so often */
#define BLOCKED_MS 60000      /* and nothing is sent meanwhile for so long */
#define HEALTH_MS 300000      /* webhook's state */
#define AGAIN_ALL_MS 86400000 /* the bot's name may change */
#define LOST_AFTER 3          /* failures in a row, before the channel is shown as lost */

struct step {
    struct telegram *t;
    unsigned generation;
};

static void set_up(void *arg);
static void set_up_webhook(struct telegram *t);

static struct step *step_of(struct telegram *t) {
    struct step *s = mem_alloc(sizeof *s);
    *s = (struct step){t, t->generation};
    return s;
}

/* NULL: the answer comes too late, somebody else looks after the bot now. */
static struct telegram *step_end(struct step *s) {
    struct telegram *t = s->generation == s->t->generation && s->t->mine ? s->t : NULL;
    free(s);
    return t;
}

static void plan(struct telegram *t, uint64_t ms, loop_fn fn) {
    loop_timer_stop(&t->timer);
    if (t->mine && !t->stopping)
        t->timer = loop_timer_start(t->base.env->loop, ms + randombytes_uniform(500), 0, fn, t);
}

/* It did not work; shown when it goes on so. */
static void failed(struct telegram *t, const struct err *err, uint64_t least_ms) {
    uint64_t ms = (uint64_t)AGAIN_MIN_MS << (t->failures < 6 ? t->failures : 6);
    if (++t->failures >= LOST_AFTER || least_ms)
        connector_lost(&t->base, err);
    ms = ms > AGAIN_MAX_MS ? AGAIN_MAX_MS : ms;
    plan(t, ms > least_ms ? ms : least_ms, set_up);
}

void telegram_token_refused(struct telegram *t, const struct err *err) {
    t->blocked_until_ms = clock_mono_ms() + BLOCKED_MS;
    connector_lost(&t->base, err);
}

/* What an answer that is not OK means for the setting up. */
static void refused(struct telegram *t, const struct telegram_answer *a) {
    uint64_t least = a->cls == TELEGRAM_WAIT        ? (uint64_t)a->retry_s * 1000
                     : a->cls == TELEGRAM_BAD_TOKEN ? REFUSED_MS
                     : a->cls == TELEGRAM_REFUSED   ? AGAIN_MAX_MS
                                                    : 0;
    failed(t, &a->err, least);
}

static void all_well(struct telegram *t) {
    t->failures = 0;
    connector_ready(&t->base);
}

/* --- the webhook's health -------------------------------------------------------------------- */

static void replace(char **at, const char *text) {
    free(*at);
    *at = text && *text ? mem_strdup(text) : NULL;
}

static void look_at_webhook(void *arg);

static void on_webhook_info(
    void *arg, const struct telegram_answer *a, const struct err *err, bool sent) {
    struct telegram *t = step_end(arg);
    (void)sent;
    if (!t)
        return;
    plan(t, HEALTH_MS, look_at_webhook);
    if (err || a->cls != TELEGRAM_OK)
        return; /* messages come in by themselves: no reason to call the channel lost */
    if (++t->looks * (uint64_t)HEALTH_MS > AGAIN_ALL_MS) {
        t->looks = 0;
        plan(t, 0, set_up);
    }
    char *url = telegram_webhook_url(t);
    const char *there = json_string_value(json_object_get(a->result, "url"));
    t->pending = json_integer_value(json_object_get(a->result, "pending_update_count"));
    replace(&t->trouble, json_string_value(json_object_get(a->result, "last_error_message")));
    if (url && (!there || strcmp(there, url) != 0)) {
        LOG_WARN(t->base.env->log, "telegram.webhook_changed", LOG_S("channel", t->base.channel));
        set_up_webhook(t);
    } else {
        all_well(t);
    }
    free(url);
}

static void look_at_webhook(void *arg) {
    struct telegram *t = arg;
    struct telegram_request rq = {.method = "getWebhookInfo"};
    telegram_request(t, &rq, on_webhook_info, step_of(t));
}

static void on_webhook_set(
    void *arg, const struct telegram_answer *a, const struct err *err, bool sent) {
    struct telegram *t = step_end(arg);
    (void)sent;
    if (!t)
        return;
    if (err) {
        failed(t, err, 0);
    } else if (a->cls != TELEGRAM_OK) {
        refused(t, a);
    } else {
        all_well(t);
        plan(t, HEALTH_MS, look_at_webhook);
    }
}

static void set_up_webhook(struct telegram *t) {
    char *url = telegram_webhook_url(t), *secret = telegram_webhook_secret(t);
    json_t *params = json_pack("{s:s*,s:s*,s:o,s:i}", "url", url, "secret_token", secret,
        "allowed_updates", telegram_allowed_updates(), "max_connections", 100);
    struct telegram_request rq = {.method = "setWebhook", .params = params};
    telegram_request(t, &rq, on_webhook_set, step_of(t));
    json_decref(params);
    free(url);
    free(secret);
}

/* --- polling --------------------------------------------------------------------------------- */

/* No update is dropped: what the webhook did not deliver waits for getUpdates. */
static void on_webhook_deleted(
    void *arg, const struct telegram_answer *a, const struct err *err, bool sent) {
    struct telegram *t = step_end(arg);
    (void)sent;
    if (!t)
        return;
    if (err) {
        failed(t, err, 0);
    } else if (a->cls != TELEGRAM_OK) {
        refused(t, a);
    } else {
        all_well(t);
        plan(t, AGAIN_ALL_MS, set_up);
        telegram_poll_start(t);
    }
}

static void set_up_polling(struct telegram *t) {
    struct telegram_request rq = {.method = "deleteWebhook"};
    telegram_request(t, &rq, on_webhook_deleted, step_of(t));
}

static void on_conflict_info(
    void *arg, const struct telegram_answer *a, const struct err *err, bool sent) {
    struct telegram *t = step_end(arg);
    (void)sent;
    if (!t || err || a->cls != TELEGRAM_OK || telegram_uses_webhook(t))
        return;
    if (telegram_is_own_webhook(t, json_string_value(json_object_get(a->result, "url"))))
        plan(t, 0, set_up);
}

void telegram_setup_conflict(struct telegram *t) {
    struct telegram_request rq = {.method = "getWebhookInfo"};
    telegram_request(t, &rq, on_conflict_info, step_of(t));
}

/* --- who is it ------------------------------------------------------------------------------- */

static void on_me(void *arg, const struct telegram_answer *a, const struct err *err, bool sent) {
    struct telegram *t = step_end(arg);
    struct err odd;
    (void)sent;
    if (!t)
        return;
    if (err) {
        failed(t, err, 0);
        return;
    }
    if (a->cls != TELEGRAM_OK) {
        refused(t, a);
        return;
    }
    replace(&t->username, json_string_value(json_object_get(a->result, "username")));
    replace(&t->title, json_string_value(json_object_get(a->result, "first_name")));
    if (json_integer_value(json_object_get(a->result, "id")) != t->bot_id) {
        err_set(&odd, ERR_PROTOCOL, "api_url answers for another bot than the token's");
        failed(t, &odd, REFUSED_MS);
        return;
    }
    telegram_picture(t);
    if (telegram_uses_webhook(t)) {
        set_up_webhook(t);
    } else {
        set_up_polling(t);
    }
}

static void set_up(void *arg) {
    struct telegram *t = arg;
    struct telegram_request rq = {.method = "getMe"};
    telegram_poll_stop(t);
    if (!connector_secret(&t->base)) { /* Redis was not reached yet */
        plan(t, AGAIN_MIN_MS, set_up);
        return;
    }
    telegram_request(t, &rq, on_me, step_of(t));
}

void telegram_tend(struct connector *c, bool mine) {
    struct telegram *t = container_of(c, struct telegram, base);
    telegram_setup_stop(t);
    t->mine = mine && !t->stopping;
    if (!t->mine)
        return;
    t->failures = 0;
    plan(t, 0, set_up);
}

void telegram_setup_stop(struct telegram *t) {
    t->generation++;
    t->mine = false;
    loop_timer_stop(&t->timer);
    telegram_poll_stop(t);
}
