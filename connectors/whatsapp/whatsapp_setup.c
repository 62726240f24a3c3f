/* whatsapp_setup.c - looking after a number: is the token good, what number is it, are its webhooks
 * ours, which templates are there; and now and then whether all is still so.
 * Source: WhatsApp Business Management API, "Phone numbers", "Subscribed apps", "Webhook
 * overrides". */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "connectors/whatsapp/whatsapp_private.h"

#define STORE_MS 100 /* until Redis may be there */
#define AGAIN_MIN_MS 1000
#define AGAIN_MAX_MS 60000
#define REFUSED_MS 300000    /* a wrong token is tried again so often */
#define BLOCKED_MS 60000     /* and nothing is sent meanwhile for so long */
#define HEALTH_MS 5000       /* what other workers saw */
#define AGAIN_ALL_MS 3600000 /* 200 management calls an hour are for all numbers of an account */
#define NEWS_MS 60000        /* between two askings for news of the account */
#define LOST_AFTER 3         /* failures in a row, before the channel is shown as lost */
#define TROUBLE_S 3600
#define COEXISTENCE_RATE 20
#define STANDARD_RATE 80
#define HIGH_RATE 1000

struct step {
    struct whatsapp *w;
    unsigned generation;
};

static void set_up(void *arg);
static void look(void *arg);

static struct step *step_of(struct whatsapp *w) {
    struct step *s = mem_alloc(sizeof *s);
    *s = (struct step){w, w->generation};
    return s;
}

/* NULL: the answer comes too late, somebody else looks after the number now. */
static struct whatsapp *step_end(struct step *s) {
    struct whatsapp *w = s->generation == s->w->generation && s->w->mine ? s->w : NULL;
    free(s);
    return w;
}

static void plan(struct whatsapp *w, uint64_t ms, loop_fn fn) {
    loop_timer_stop(&w->timer);
    if (w->mine && !w->stopping)
        w->timer = loop_timer_start(
            w->base.env->loop, ms + randombytes_uniform((uint32_t)ms / 4 + 100), 0, fn, w);
}

static void ask(
    struct whatsapp *w, const char *method, char *path, const json_t *body, whatsapp_fn fn) {
    struct whatsapp_request rq = {.method = method, .path = path, .body = body};
    whatsapp_request(w, &rq, fn, step_of(w));
    explicit_bzero(path, strlen(path));
    free(path);
}

/* It did not work; shown when it goes on so. */
static void failed(struct whatsapp *w, const struct err *err, uint64_t least_ms) {
    uint64_t ms = (uint64_t)AGAIN_MIN_MS << (w->failures < 6 ? w->failures : 6);
    if (++w->failures >= LOST_AFTER || least_ms)
        connector_lost(&w->base, err);
    ms = ms > AGAIN_MAX_MS ? AGAIN_MAX_MS : ms;
    plan(w, ms > least_ms ? ms : least_ms, set_up);
}

/* True when the answer is good; otherwise it is dealt with. */
static bool is_good(struct whatsapp *w, const struct whatsapp_answer *a, const struct err *err) {
    if (err)
        failed(w, err, 0);
    else if (a->cls != WHATSAPP_OK)
        failed(w, &a->err,
            a->cls == WHATSAPP_WAIT_NUMBER && a->retry_s ? a->retry_s * 1000ull
            : a->cls == WHATSAPP_TRY_AGAIN || a->cls == WHATSAPP_UNKNOWN ||
                    a->cls == WHATSAPP_WAIT_NUMBER
                ? 0
                : REFUSED_MS);
    return !err && a->cls == WHATSAPP_OK;
}

/* --- trouble, seen by any worker ------------------------------------------------------------- */

void whatsapp_refused(struct whatsapp *w, const struct err *err) {
    w->blocked_until_ms = clock_mono_ms() + BLOCKED_MS;
    w->is_refused = true;
    connector_keep(&w->base, "trouble", span_str(err->text), TROUBLE_S);
    connector_lost(&w->base, err);
}

void whatsapp_accepted(struct whatsapp *w) {
    if (!w->is_refused)
        return;
    w->is_refused = false;
    connector_keep(&w->base, "trouble", span_str(""), 1);
    connector_ready(&w->base);
}

void whatsapp_account(struct whatsapp *w, const struct whatsapp_event *e) {
    LOG_WARN(w->base.env->log, "whatsapp.account", LOG_S("channel", w->base.channel),
        LOG_S("level", e->level ? e->level : ""), LOG_S("text", e->text ? e->text : ""));
    if (e->level && strcmp(e->level, "info") != 0 && e->text)
        connector_keep(&w->base, strcmp(e->level, "fail") == 0 ? "trouble" : "warning",
            span_str(e->text), TROUBLE_S * 24);
    /* It may have other limits now; many such news at once are one reason to ask. */
    uint64_t now = clock_mono_ms(), soon = w->set_up_ms + NEWS_MS;
    if (w->mine && now >= soon)
        plan(w, 0, set_up);
    else if (w->mine && soon < w->again_ms)
        w->again_ms = soon;
}

/* What no message is kept back for, but an admin should know. */
static void on_warning(void *arg, struct span value, const struct err *err) {
    struct whatsapp *w = step_end(arg);
    if (!w || err)
        return;
    free(w->warning);
    w->warning = value.n ? mem_strndup(value.p, value.n) : NULL;
}

static void on_refused(void *arg, struct span value, const struct err *err) {
    struct whatsapp *w = step_end(arg);
    if (w && !err)
        w->is_refusing = value.n > 0;
}

static void show_trouble(struct whatsapp *w, struct span text) {
    struct err err;
    free(w->trouble);
    w->trouble = text.n ? mem_strndup(text.p, text.n) : NULL;
    w->is_refused = w->is_refused || w->trouble;
    if (!w->trouble) {
        connector_ready(&w->base);
        return;
    }
    err_set(&err, ERR_UNAVAILABLE, "%s", w->trouble);
    connector_lost(&w->base, &err);
}

static bool is_of_token(struct span trouble) {
    return span_starts(trouble, "w190: ") || span_starts(trouble, "w0: ");
}

static void on_trouble(void *arg, struct span value, const struct err *err) {
    struct whatsapp *w = step_end(arg);
    if (!w || err)
        return;
    if (w->is_token_good && is_of_token(value)) { /* of the token before */
        connector_keep(&w->base, "trouble", span_str(""), 1);
        w->is_refused = false;
        value = span_str("");
    }
    w->is_token_good = false;
    show_trouble(w, value);
}

static void look(void *arg) {
    struct whatsapp *w = arg;
    bool all = clock_mono_ms() >= w->again_ms;
    connector_kept(&w->base, "warning", on_warning, step_of(w));
    connector_kept(&w->base, "refused", on_refused, step_of(w));
    connector_kept(&w->base, "trouble", on_trouble, step_of(w));
    plan(w, all ? 0 : HEALTH_MS, all ? set_up : look);
}

static void all_well(struct whatsapp *w) {
    w->failures = 0;
    w->is_token_good = true;
    w->again_ms = clock_mono_ms() + AGAIN_ALL_MS;
    whatsapp_templates(w);
    look(w);
}

/* --- the history of the phone ---------------------------------------------------------------- */

static void on_history_asked(
    void *arg, const struct whatsapp_answer *a, const struct err *err, bool sent) {
    struct whatsapp *w = step_end(arg);
    (void)sent;
    if (!w)
        return;
    /* A refusal is for good, too: not shared, too late, had before. */
    if (!err && (a->cls == WHATSAPP_OK || a->cls == WHATSAPP_REFUSED))
        connector_keep(&w->base, "history", span_str("asked"), 0);
    LOG_INFO(w->base.env->log, "whatsapp.history_asked", LOG_S("channel", w->base.channel),
        LOG_S("answer", err                     ? err->text
                        : a->cls == WHATSAPP_OK ? "it comes"
                                                : a->err.text));
    all_well(w);
}

static void on_history_known(void *arg, struct span value, const struct err *err) {
    struct whatsapp *w = step_end(arg);
    if (!w)
        return;
    if (err || value.n) {
        all_well(w);
        return;
    }
    json_t *body = json_pack("{s:s,s:s}", "messaging_product", "whatsapp", "sync_type", "history");
    ask(w, "POST", mem_printf("%s/smb_app_data", w->number_id), body, on_history_asked);
    json_decref(body);
}

/* A number of the Business app shares what was said before, if it is asked within 24 hours after
 * it was connected, once. */
static void webhooks_ready(struct whatsapp *w) {
    if (json_is_true(json_object_get(w->about, "is_on_biz_app")))
        connector_kept(&w->base, "history", on_history_known, step_of(w));
    else
        all_well(w);
}

/* --- webhooks -------------------------------------------------------------------------------- */

static void on_number_override(
    void *arg, const struct whatsapp_answer *a, const struct err *err, bool sent) {
    struct whatsapp *w = step_end(arg);
    (void)sent;
    if (w && is_good(w, a, err))
        webhooks_ready(w);
}

/* A number that was pointed elsewhere by itself would never be heard of here. */
static void set_number_override(struct whatsapp *w) {
    char *url = whatsapp_webhook_url(w);
    const char *there = json_string_value(
        json_object_get(json_object_get(w->about, "webhook_configuration"), "phone_number"));
    if (!url || !there || !*there || strcmp(there, url) == 0) {
        free(url);
        webhooks_ready(w);
        return;
    }
    LOG_WARN(w->base.env->log, "whatsapp.webhook_changed", LOG_S("channel", w->base.channel));
    json_t *body = json_pack("{s:{s:s,s:s}}", "webhook_configuration", "override_callback_uri", url,
        "verify_token", w->verify_token);
    ask(w, "POST", mem_strdup(w->number_id), body, on_number_override);
    json_decref(body);
    free(url);
}

static void on_subscribed(
    void *arg, const struct whatsapp_answer *a, const struct err *err, bool sent) {
    struct whatsapp *w = step_end(arg);
    (void)sent;
    if (w && is_good(w, a, err))
        set_number_override(w);
}

/* Is the account's webhook one of this gateway? Its other numbers' channels serve as well. */
static bool is_ours(const struct whatsapp *w, const json_t *app) {
    const char *there = json_string_value(json_object_get(app, "override_callback_uri"));
    size_t n = strlen(w->base.public_url);
    return there && n && strncmp(there, w->base.public_url, n) == 0 &&
           strncmp(there + n, "/hooks/whatsapp/", 16) == 0;
}

static void on_apps(void *arg, const struct whatsapp_answer *a, const struct err *err, bool sent) {
    struct whatsapp *w = step_end(arg);
    size_t i;
    json_t *app;
    bool there = false;
    (void)sent;
    if (!w || !is_good(w, a, err))
        return;
    char *url = whatsapp_webhook_url(w);
    const json_t *apps = json_object_get(a->result, "data");
    json_array_foreach((json_t *)apps, i, app) {
        there = there || !url || is_ours(w, app); /* without a URL the app's own is believed */
    }
    if (there) {
        free(url);
        set_number_override(w);
        return;
    }
    json_t *body =
        url ? json_pack("{s:s,s:s}", "override_callback_uri", url, "verify_token", w->verify_token)
            : json_object();
    ask(w, "POST", mem_printf("%s/subscribed_apps", w->waba_id), body, on_subscribed);
    json_decref(body);
    free(url);
}

/* --- token and number ------------------------------------------------------------------------ */

static void on_token(void *arg, const struct whatsapp_answer *a, const struct err *err, bool sent) {
    struct whatsapp *w = step_end(arg);
    (void)sent;
    if (!w)
        return;
    if (!err && a->cls == WHATSAPP_OK) /* some tokens may not ask: then it is not known */
        w->expires_ms =
            json_integer_value(json_object_get(json_object_get(a->result, "data"), "expires_at")) *
            1000;
    ask(w, "GET", mem_printf("%s/subscribed_apps", w->waba_id), NULL, on_apps);
}

double whatsapp_throughput(const json_t *number) {
    const json_t *t = json_object_get(number, "throughput");
    const char *level = json_string_value(json_object_get(t, "level"));
    if (json_is_true(json_object_get(number, "is_on_biz_app")))
        return COEXISTENCE_RATE;
    return level && strcmp(level, "HIGH") == 0 ? HIGH_RATE : STANDARD_RATE;
}

static void on_number(
    void *arg, const struct whatsapp_answer *a, const struct err *err, bool sent) {
    struct whatsapp *w = step_end(arg);
    (void)sent;
    if (!w || !is_good(w, a, err))
        return;
    json_decref(w->about);
    w->about = json_incref(a->result);
    w->per_second = whatsapp_throughput(w->about);
    char rate[16];
    snprintf(rate, sizeof rate, "%d", (int)w->per_second);
    connector_keep(&w->base, "rate", span_str(rate), 0);
    ask(w, "GET", mem_printf("debug_token?input_token=%s", w->token), NULL, on_token);
}

static void set_up(void *arg) {
    struct whatsapp *w = arg;
    w->set_up_ms = clock_mono_ms();
    if (!connector_secret(&w->base)) { /* Redis was not reached yet */
        plan(w, STORE_MS, set_up);
        return;
    }
    ask(w, "GET", mem_printf("%s?fields=%s", w->number_id, WHATSAPP_NUMBER_FIELDS), NULL,
        on_number);
}

/* The next message that is taken ends it, whoever sends it. */
static void on_others_trouble(void *arg, struct span value, const struct err *err) {
    struct whatsapp *w = arg;
    w->is_refused = w->is_refused || (!err && value.n);
}

/* The rate is read by the one who tends; the others learn it here. */
static void on_rate(void *arg, struct span value, const struct err *err) {
    struct whatsapp *w = arg;
    char text[16];
    if (err || value.n == 0 || value.n >= sizeof text)
        return;
    memcpy(text, value.p, value.n);
    text[value.n] = '\0';
    double rate = strtod(text, NULL);
    if (rate >= 1 && rate <= HIGH_RATE)
        w->per_second = rate;
}

void whatsapp_learn(struct whatsapp *w) {
    connector_kept(&w->base, "rate", on_rate, w);
    connector_kept(&w->base, "trouble", on_others_trouble, w);
}

void whatsapp_tend(struct connector *c, bool mine) {
    struct whatsapp *w = container_of(c, struct whatsapp, base);
    whatsapp_setup_stop(w);
    w->mine = mine && !w->stopping;
    if (!w->mine)
        return;
    w->failures = 0;
    plan(w, 0, set_up);
}

void whatsapp_setup_stop(struct whatsapp *w) {
    w->generation++;
    w->mine = false;
    loop_timer_stop(&w->timer);
}
