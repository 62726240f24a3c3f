/* whatsapp_check.c - examines a number for the admin: token, its permissions and its end, the
 * number itself, webhooks, templates, each with what to do. Uses nothing of the running gateway, so
 * that `doctor` can ask too. Source: WhatsApp Business Management API; Graph API, "Debug token". */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/json_text.h"
#include "base/mem.h"
#include "connectors/whatsapp/whatsapp_private.h"

#define TIMEOUT_MS 15000
#define SOON_S (7 * 24 * 3600)

struct check {
    struct whatsapp *w;
    connector_check_fn fn;
    void *arg;
    json_t *report;
    char app_id[32]; /* of the token; "" not known */
    bool is_ours;    /* webhooks are sent to us, by all that can be asked */
};

/* Takes text. */
static void say(struct check *k, const char *level, char *text, const char *todo) {
    json_t *line = json_pack("{s:s,s:s}", "level", level, "text", text);
    if (line && todo)
        json_object_set_new(line, "todo", json_string(todo));
    json_array_append_new(k->report, line);
    free(text);
}

static void end(struct check *k) {
    json_t *out = json_pack("{s:O}", "report", k->report);
    k->fn(k->arg, out, NULL);
    json_decref(out);
    json_decref(k->report);
    free(k);
}

static void ask(struct check *k, char *path, whatsapp_fn fn) {
    struct whatsapp_request rq = {.method = "GET", .path = path, .timeout_ms = TIMEOUT_MS};
    whatsapp_request(k->w, &rq, fn, k);
    explicit_bzero(path, strlen(path));
    free(path);
}

/* --- templates ------------------------------------------------------------------------------- */

static void on_templates(
    void *arg, const struct whatsapp_answer *a, const struct err *err, bool sent) {
    struct check *k = arg;
    size_t approved = 0, i;
    json_t *t;
    (void)sent;
    if (err || a->cls != WHATSAPP_OK) {
        say(k, "fail", mem_printf("templates cannot be read: %s", err ? err->text : a->err.text),
            "the token needs the permission whatsapp_business_management for this account");
        end(k);
        return;
    }
    const json_t *list = json_object_get(a->result, "data");
    json_array_foreach((json_t *)list, i, t) {
        approved += strcmp(json_text(t, "status"), "APPROVED") == 0;
    }
    if (approved)
        say(k, "ok", mem_printf("templates can be read (%zu approved on the first page)", approved),
            NULL);
    else
        say(k, "warn", mem_strdup("no template is approved"),
            "after 24 hours without a message of his a client can be written to by a template "
            "only: "
            "make one in WhatsApp Manager");
    end(k);
}

/* --- webhooks -------------------------------------------------------------------------------- */

static void say_elsewhere(struct check *k, const char *whose, const char *url) {
    const char *slash = strstr(url, "://") ? strchr(strstr(url, "://") + 3, '/') : NULL;
    int host = (int)(slash ? slash - url : (ptrdiff_t)strlen(url)); /* paths may be secret */
    say(k, "fail", mem_printf("the %s's webhooks go elsewhere: %.*s/...", whose, host, url),
        "another program set them: stop it there; the gateway sets its own again within an hour "
        "while it runs, or when it is restarted");
}

static void judge_app(struct check *k, const json_t *app) {
    const json_t *data = json_object_get(app, "whatsapp_business_api_data");
    const char *there = json_text(app, "override_callback_uri");
    size_t n = strlen(k->w->base.public_url);
    if (k->app_id[0] && *json_text(data, "id") && strcmp(json_text(data, "id"), k->app_id) != 0)
        return; /* another program has its own copy */
    k->is_ours = true;
    if (*there && n && strncmp(there, k->w->base.public_url, n) == 0)
        say(k, "ok", mem_strdup("the account's webhooks come to this gateway"), NULL);
    else if (*there)
        say_elsewhere(k, "account", there);
    else
        say(k, "warn",
            mem_strdup("the app is subscribed; webhooks go to the URL of the app itself"),
            "in the App Dashboard, WhatsApp, Configuration: callback URL "
            "<public_url>/hooks/whatsapp/<channel>, your verify_token, field messages subscribed");
}

static void on_refused(void *arg, struct span value, const struct err *err) {
    struct check *k = arg;
    if (!err && value.n)
        say(k, "warn", mem_strdup(WHATSAPP_WRONG_SIGNATURE),
            "compare app_secret with App settings, Basic; while it is being changed, give the new "
            "and the old one with a space between; where messages arrive all the same, a stranger "
            "calls this URL");
    ask(k, mem_printf("%s/message_templates?fields=name,status&limit=100", k->w->waba_id),
        on_templates);
}

/* Whether the app is Live cannot be asked: one in development gets no message of real clients. */
static void on_heard(void *arg, struct span value, const struct err *err) {
    struct check *k = arg;
    const char *todo = "write to the number from a phone; if nothing comes, the app may still be "
                       "in development: set it Live (App Dashboard), with the field messages "
                       "subscribed";
    if (!err && value.n)
        say(k, "ok", mem_strdup("webhooks have come for this number: the app is Live"), NULL);
    else if (k->is_ours && k->w->base.core)
        say(k, "warn", mem_strdup("no webhook has come for this number yet"), todo);
    else if (k->is_ours)
        say(k, "ok", mem_strdup("whether the app is Live cannot be asked"), todo);
    if (k->w->base.core)
        connector_kept(&k->w->base, "refused", on_refused, k);
    else
        on_refused(k, span_str(""), NULL);
}

static void on_apps(void *arg, const struct whatsapp_answer *a, const struct err *err, bool sent) {
    struct check *k = arg;
    size_t i;
    json_t *app;
    (void)sent;
    if (err || a->cls != WHATSAPP_OK) {
        say(k, "fail",
            mem_printf("the account's webhooks cannot be read: %s", err ? err->text : a->err.text),
            "check waba_id; the token needs whatsapp_business_management, and its system user must "
            "be assigned to this WhatsApp account");
    } else {
        const json_t *list = json_object_get(a->result, "data");
        json_array_foreach((json_t *)list, i, app) {
            judge_app(k, app);
        }
        if (!k->is_ours)
            say(k, "fail", mem_strdup("the app is not subscribed to the account: no message comes"),
                "the gateway subscribes it when it starts with an https public_url: is it "
                "running?");
    }
    char *url = whatsapp_webhook_url(k->w);
    if (!url)
        say(k, "warn", mem_strdup("public_url is not https: webhooks cannot be set by the gateway"),
            "set public_url to the https address by which the world reaches the gateway");
    free(url);
    if (k->w->base.core)
        connector_kept(&k->w->base, "heard", on_heard, k);
    else
        on_heard(k, span_str(""), NULL);
}

/* --- the number ------------------------------------------------------------------------------ */

/* An address of the number's own goes before the account's. */
static void judge_override(struct check *k, const json_t *number) {
    const char *there = json_text(json_object_get(number, "webhook_configuration"), "phone_number");
    size_t n = strlen(k->w->base.public_url);
    if (*there && n && strncmp(there, k->w->base.public_url, n) != 0)
        say_elsewhere(k, "number", there);
}

static void judge_status(struct check *k, const json_t *n) {
    const char *status = json_text(n, "status"), *quality = json_text(n, "quality_rating");
    const char *tier = json_text(n, "whatsapp_business_manager_messaging_limit");
    if (!*status || strcmp(status, "CONNECTED") == 0)
        say(k, "ok", mem_strdup("the number is connected"), NULL);
    else
        say(k, "fail", mem_printf("the number's status is %.40s", status),
            json_is_true(json_object_get(n, "is_on_biz_app"))
                ? "open the WhatsApp Business app on the phone and follow what it asks"
                : "register it (POST /<phone_number_id>/register with its PIN) or see WhatsApp "
                  "Manager for what is missing");
    if (strcmp(quality, "RED") == 0)
        say(k, "warn", mem_strdup("clients rate the number badly (quality RED)"),
            "send fewer templates, and only to clients who want them");
    say(k, "ok",
        mem_printf("%.0f messages a second; quality %.20s; limit of new clients a day: %.30s",
            whatsapp_throughput(n), *quality ? quality : "not told", *tier ? tier : "not told"),
        NULL);
    say(k, "ok",
        mem_strdup(
            "answers may be sent for 24 hours after each message or call of the client; then "
            "templates only"),
        NULL);
}

static void on_number(
    void *arg, const struct whatsapp_answer *a, const struct err *err, bool sent) {
    struct check *k = arg;
    (void)sent;
    if (err || a->cls != WHATSAPP_OK) {
        say(k, "fail", mem_printf("the number cannot be read: %s", err ? err->text : a->err.text),
            "check phone_number_id (it is not the phone number), and that the token's system user "
            "is "
            "assigned to its account");
        end(k);
        return;
    }
    say(k, "ok",
        mem_printf("%.60s, %.100s", json_text(a->result, "display_phone_number"),
            json_text(a->result, "verified_name")),
        NULL);
    judge_status(k, a->result);
    judge_override(k, a->result);
    ask(k, mem_printf("%s/subscribed_apps", k->w->waba_id), on_apps);
}

/* --- the token ------------------------------------------------------------------------------- */

static bool has_scope(const json_t *data, const char *scope) {
    size_t i;
    json_t *s;
    json_array_foreach(json_object_get(data, "scopes"), i, s) {
        if (json_is_string(s) && strcmp(json_string_value(s), scope) == 0)
            return true;
    }
    return false;
}

static void judge_token(struct check *k, const json_t *data) {
    static const char *const scopes[] = {
        "whatsapp_business_messaging", "whatsapp_business_management"};
    json_int_t ends = json_integer_value(json_object_get(data, "expires_at"));
    json_int_t left = ends - (json_int_t)time(NULL);
    snprintf(k->app_id, sizeof k->app_id, "%.31s", json_text(data, "app_id"));
    if (json_is_false(json_object_get(data, "is_valid")))
        say(k, "fail", mem_strdup("the token is not valid any more"),
            "make a new one for the system user (Business settings), with no expiry");
    else if (ends && left < SOON_S)
        say(k, "fail", mem_printf("the token ends in %lld hours", (long long)left / 3600),
            "make a new one for the system user (Business settings), with no expiry, and reload");
    else if (ends)
        say(k, "warn", mem_printf("the token ends in %lld days", (long long)left / 86400),
            "a system user's token can be made without an end");
    else
        say(k, "ok", mem_strdup("the token is good and has no end"), NULL);
    for (size_t i = 0; i < ARRAY_LEN(scopes); i++)
        if (!has_scope(data, scopes[i]))
            say(k, "fail", mem_printf("the token lacks the permission %s", scopes[i]),
                "make it anew with whatsapp_business_messaging and whatsapp_business_management");
}

static void on_token(void *arg, const struct whatsapp_answer *a, const struct err *err, bool sent) {
    struct check *k = arg;
    (void)sent;
    if (err) {
        say(k, "fail", mem_printf("%s cannot be reached: %s", k->w->api_url, err->text),
            "check DNS, firewall and api_url");
        end(k);
        return;
    }
    if (a->cls == WHATSAPP_OK) {
        judge_token(k, json_object_get(a->result, "data"));
    } else if (a->code == 190) {
        say(k, "fail", mem_printf("WhatsApp does not take the token: %s", a->description),
            "make a new one for the system user (Business settings)");
        end(k);
        return;
    } else {
        say(k, "warn", mem_printf("what the token may do cannot be read: %s", a->description),
            NULL);
    }
    ask(k, mem_printf("%s?fields=%s", k->w->number_id, WHATSAPP_NUMBER_FIELDS), on_number);
}

void whatsapp_check(
    struct connector *c, const struct check_options *o, connector_check_fn fn, void *arg) {
    struct whatsapp *w = container_of(c, struct whatsapp, base);
    struct check *k = mem_zalloc(sizeof *k);
    (void)o; /* it sends no message anyway */
    *k = (struct check){.w = w, .fn = fn, .arg = arg, .report = json_array()};
    ask(k, mem_printf("debug_token?input_token=%s", w->token), on_token);
}
