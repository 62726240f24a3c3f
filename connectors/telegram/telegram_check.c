/* telegram_check.c - examines a bot for the admin: token, way in, what waits, and what Telegram
 * complains of, each with what to do. Uses nothing of the running gateway, so that `doctor` can ask
 * too. Source: Bot API 10.3, "getMe", "getWebhookInfo", "setWebhook". */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/mem.h"
#include "connectors/telegram/telegram_private.h"

#define PENDING_MANY 100
#define RECENT_S 3600

struct check {
    struct telegram *t;
    connector_check_fn fn;
    void *arg;
    json_t *report;
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

/* Telegram's words for a webhook that fails, and what helps. */
static const char *advice(const char *trouble) {
    static const struct {
        const char *part, *todo;
    } known[] = {
        {"certificate",
            "the certificate must be valid for the host of public_url and sent with its "
            "whole chain (fullchain.pem)"},
        {"SSL", "the certificate must be valid for the host of public_url and sent with its whole "
                "chain (fullchain.pem); TLS 1.2 or newer"},
        {"Connection refused",
            "nothing listens at public_url from outside: check proxy and firewall; "
            "let 149.154.160.0/20 and 91.108.4.0/22 in"},
        {"timed out", "Telegram cannot reach public_url: check DNS and firewall; let "
                      "149.154.160.0/20 and 91.108.4.0/22 in"},
        {"timeout", "the gateway took longer than a minute: see its log and Redis"},
        {"resolve", "the host of public_url has no DNS entry that Telegram can see"},
        {"401", "the secret is not ours: another gateway uses this bot, or the data was replaced; "
                "it is set again by itself within minutes"},
        {"403", "the proxy in front refuses Telegram: let POST /hooks/ through"},
        {"404", "the proxy in front does not pass /hooks/ on to the gateway"},
        {"502", "the proxy in front cannot reach the gateway"},
        {"503", "the gateway could not store messages then: see its log and Redis"},
        {"500", "see the gateway's log"},
    };
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (strcasestr(trouble, known[i].part))
            return known[i].todo;
    return "see the log of the proxy in front and of the gateway";
}

/* Is its port one that Telegram calls? */
static bool is_good_port(const char *url) {
    const char *host = strstr(url, "://") ? strstr(url, "://") + 3 : url;
    const char *colon = strchr(host, ':'), *slash = strchr(host, '/');
    if (!colon || (slash && colon > slash))
        return true;
    long port = strtol(colon + 1, NULL, 10);
    return port == 443 || port == 80 || port == 88 || port == 8443;
}

static void judge_trouble(struct check *k, const json_t *info) {
    const char *trouble = json_string_value(json_object_get(info, "last_error_message"));
    json_int_t at = json_integer_value(json_object_get(info, "last_error_date"));
    json_int_t ago = (json_int_t)time(NULL) - at;
    json_int_t pending = json_integer_value(json_object_get(info, "pending_update_count"));
    if (trouble && ago < RECENT_S)
        say(k, pending ? "fail" : "warn",
            mem_printf("Telegram could not deliver %lld minutes ago: %.150s",
                (long long)(ago > 0 ? ago / 60 : 0), trouble),
            advice(trouble));
    if (pending > PENDING_MANY)
        say(k, "warn", mem_printf("%lld updates wait at Telegram", (long long)pending),
            "they are kept for 24 hours: mend what is said above before they are gone");
    else
        say(k, "ok", mem_printf("%lld updates wait at Telegram", (long long)pending), NULL);
}

/* May Telegram call us there? A server with --local calls any port, also without TLS. */
static void judge_address(struct check *k) {
    const struct telegram *t = k->t;
    const char *url = t->base.public_url, *level = t->is_cloud ? "fail" : "warn";
    if (t->local_files)
        return;
    if (strncmp(url, "https://", 8) != 0)
        say(k, level,
            mem_printf("public_url %s is not https, and Telegram calls nothing else", url),
            t->is_cloud ? "put TLS in front and say https:// in public_url, or set mode = polling"
                        : "only a Bot API server that runs with --local calls http");
    if (!is_good_port(url))
        say(k, level, mem_printf("public_url %s has a port that Telegram never calls", url),
            t->is_cloud ? "use 443, 80, 88 or 8443"
                        : "use 443, 80, 88 or 8443; only a Bot API server that runs with --local "
                          "calls others");
}

static void judge_webhook(struct check *k, const json_t *info) {
    const struct telegram *t = k->t;
    const char *there = json_string_value(json_object_get(info, "url"));
    char *ours = mem_printf("%s/hooks/telegram/%s/", t->base.public_url, t->base.channel);
    bool is_ours = there && strncmp(there, ours, strlen(ours)) == 0;
    there = there ? there : "";
    const char *slash = strstr(there, "://") ? strchr(strstr(there, "://") + 3, '/') : NULL;
    int host = (int)(slash ? slash - there : (ptrdiff_t)strlen(there)); /* paths may be secret */
    if (telegram_uses_webhook(t)) {
        judge_address(k);
        if (is_ours)
            say(k, "ok", mem_strdup("the webhook is set to this gateway"), NULL);
        else if (*there)
            say(k, "fail", mem_printf("the webhook is set elsewhere: %.*s/...", host, there),
                "another program uses this bot: stop it there; the gateway sets its own again "
                "within minutes while it runs");
        else
            say(k, "warn", mem_strdup("no webhook is set"),
                "the gateway sets it when it starts: is it running?");
        judge_trouble(k, info);
    } else if (*there) {
        say(k, "fail",
            mem_printf("a webhook is set (%.*s/...), so polling is refused (409)", host, there),
            "another program uses this bot: stop it there, then restart the gateway, which removes "
            "the webhook when it starts");
    } else {
        say(k, "ok", mem_strdup("no webhook is set: updates come by long polling"), NULL);
        judge_trouble(k, info);
    }
    free(ours);
}

static void on_info(void *arg, const struct telegram_answer *a, const struct err *err, bool sent) {
    struct check *k = arg;
    (void)sent;
    if (err)
        say(k, "fail", mem_printf("getWebhookInfo: %s", err->text), "try again");
    else if (a->cls != TELEGRAM_OK)
        say(k, "fail", mem_printf("getWebhookInfo: %s", a->description), "try again");
    else
        judge_webhook(k, a->result);
    end(k);
}

static void judge_me(struct check *k, const json_t *me) {
    const char *username = json_string_value(json_object_get(me, "username"));
    const char *name = json_string_value(json_object_get(me, "first_name"));
    bool reads_all = json_is_true(json_object_get(me, "can_read_all_group_messages"));
    bool joins = json_is_true(json_object_get(me, "can_join_groups"));
    say(k, "ok",
        mem_printf("the token is good: %s (@%s)", name ? name : "", username ? username : ""),
        NULL);
    if (joins && !reads_all)
        say(k, "ok", mem_strdup("in groups the bot sees commands and replies to it only"),
            "for all messages of a group: @BotFather, /setprivacy, Disable; then add the bot to "
            "the "
            "group again");
}

static void on_me(void *arg, const struct telegram_answer *a, const struct err *err, bool sent) {
    struct check *k = arg;
    struct telegram_request rq = {.method = "getWebhookInfo"};
    (void)sent;
    if (err) {
        say(k, "fail", mem_printf("%s cannot be reached: %s", k->t->api_url, err->text),
            k->t->is_cloud ? "check DNS, firewall and the machine's clock"
                           : "is the Bot API server running, and api_url right?");
        end(k);
    } else if (a->cls == TELEGRAM_BAD_TOKEN) {
        say(k, "fail", mem_strdup("Telegram does not know this token"),
            "copy it again from @BotFather (/mybots, API Token); a revoked one never comes back");
        end(k);
    } else if (a->cls != TELEGRAM_OK) {
        say(k, "fail", mem_printf("getMe: %s", a->description), "try again");
        end(k);
    } else {
        judge_me(k, a->result);
        telegram_request(k->t, &rq, on_info, k);
    }
}

void telegram_check(
    struct connector *c, const struct check_options *o, connector_check_fn fn, void *arg) {
    struct telegram *t = container_of(c, struct telegram, base);
    struct telegram_request rq = {.method = "getMe", .timeout_ms = 15000};
    struct check *k = mem_zalloc(sizeof *k);
    (void)o; /* it sends no message anyway */
    *k = (struct check){.t = t, .fn = fn, .arg = arg, .report = json_array()};
    telegram_request(t, &rq, on_me, k);
}
