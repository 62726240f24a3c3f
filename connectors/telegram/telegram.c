/* telegram.c - the connector for Telegram bots: its settings and its place in the gateway. */
#include "connectors/telegram/telegram.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "connectors/telegram/telegram_private.h"

#define CHATS_REMEMBERED 20000 /* by the limiter */

/* "123456789:AA...": the bot's id, a colon, 20 to 100 of A-Z a-z 0-9 _ - */
static int check_token(const char *value, struct err *err) {
    size_t id = value ? strspn(value, "0123456789") : 0;
    size_t rest = id && value[id] == ':'
                      ? strspn(value + id + 1,
                            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-")
                      : 0;
    if (id < 1 || id > 16 || rest < 20 || rest > 100 || value[id + 1 + rest])
        return err_set(err, ERR_INVALID,
            "a token looks like 123456789:AAxx...: copy it from @BotFather as it is");
    return 0;
}

static int check_url(const char *value, struct err *err) {
    if (!value || (strncmp(value, "https://", 8) != 0 && strncmp(value, "http://", 7) != 0) ||
        strpbrk(value, " \t\r\n@?#"))
        return err_set(err, ERR_INVALID, "expected https://host[:port] or http://host[:port]");
    return 0;
}

static int check_button(const char *value, struct err *err) {
    size_t n = value ? strlen(value) : 0;
    if (n < 1 || n > 100 || !utf8_is_text(value, n))
        return err_set(err, ERR_INVALID, "expected a text of 1 to 100 bytes");
    return 0;
}

static const struct setting settings[] = {
    {.key = "token",
        .type = SETTING_STRING,
        .preset = NULL,
        .secret = true,
        .check = check_token,
        .help = "The bot's token, from @BotFather."},
    {.key = "mode",
        .type = SETTING_ENUM,
        .preset = "auto",
        .choices = "auto|webhook|polling",
        .help = "How updates come in. auto: by webhook where public_url is https, otherwise by "
                "long polling. Changing it loses nothing."},
    {.key = "api_url",
        .type = SETTING_STRING,
        .preset = TELEGRAM_CLOUD,
        .check = check_url,
        .sends_secrets = true,
        .help = "The Bot API server: Telegram's, or one of your own (telegram-bot-api --local)."},
    {.key = "local_files",
        .type = SETTING_BOOL,
        .preset = "no",
        .file_only = true,
        .help = "api_url is a server of your own, run with --local on this machine: files up to "
                "2000 MB are sent, and read from where it puts them."},
    {.key = "contact_button",
        .type = SETTING_STRING,
        .preset = "Share my phone number",
        .check = check_button,
        .help = "What the button says that asks the client for his number, in your clients' "
                "language."},
    {.key = "keep_raw",
        .type = SETTING_ENUM,
        .preset = "unknown",
        .choices = "unknown|all|none",
        .help = "Which updates are kept with their message as they came: those not understood "
                "whole, all, or none."},
    CONNECTOR_RATING_SETTINGS,
    {0},
};

static int init(struct connector *c, const struct settings *s, struct err *err) {
    struct telegram *t = container_of(c, struct telegram, base);
    static const char *const modes[] = {"auto", "webhook", "polling"};
    static const char *const keeps[] = {"unknown", "all", "none"};
    const char *url = settings_str(s, "api_url");
    size_t n = strlen(url);
    while (n && url[n - 1] == '/')
        n--;
    t->token = mem_strdup(settings_str(s, "token"));
    t->api_url = mem_strndup(url, n);
    t->contact_button = mem_strdup(settings_str(s, "contact_button"));
    t->is_cloud = strcmp(t->api_url, TELEGRAM_CLOUD) == 0;
    t->local_files = settings_bool(s, "local_files");
    t->bot_id = strtoll(t->token, NULL, 10);
    connector_rates(c, s);
    for (size_t i = 0; i < ARRAY_LEN(modes); i++)
        if (strcmp(modes[i], settings_str(s, "mode")) == 0)
            t->mode = (enum telegram_mode)i;
    for (size_t i = 0; i < ARRAY_LEN(keeps); i++)
        if (strcmp(keeps[i], settings_str(s, "keep_raw")) == 0)
            t->keep_raw = (enum telegram_keep)i;
    if (t->mode == TELEGRAM_WEBHOOK && !*c->public_url)
        return err_set(err, ERR_INVALID,
            "telegram \"%s\": mode webhook needs public_url, where Telegram can reach the gateway",
            c->channel);
    if (t->local_files && t->is_cloud)
        return err_set(err, ERR_INVALID,
            "telegram \"%s\": local_files needs api_url, the address of your own server",
            c->channel);
    t->limit = telegram_limit_create(CHATS_REMEMBERED);
    return 0;
}

/* Whoever owns the channel's shard begins with the work: telegram_tend(). */
static int start(struct connector *c, struct err *err) {
    (void)c;
    (void)err;
    return 0;
}

static json_t *info(struct connector *c) {
    const struct telegram *t = container_of(c, struct telegram, base);
    json_t *o = json_pack("{s:s}", "mode", telegram_uses_webhook(t) ? "webhook" : "polling");
    if (t->title)
        json_object_set_new(o, "title", json_string(t->title));
    if (t->username) {
        json_object_set_new(o, "username", json_string(t->username));
        json_object_set_new(o, "link", json_sprintf("https://t.me/%s", t->username));
        json_object_set_new(o, "invite", json_sprintf("https://t.me/%s?start=", t->username));
    }
    if (t->has_picture)
        json_object_set_new(o, "picture", json_true());
    if (t->pending > 0)
        json_object_set_new(o, "pending", json_integer(t->pending));
    if (t->trouble)
        json_object_set_new(o, "trouble", json_string(t->trouble));
    return o;
}

static void stop(struct connector *c) {
    struct telegram *t = container_of(c, struct telegram, base);
    t->stopping = true;
    telegram_setup_stop(t);
}

static void finish(struct connector *c) {
    struct telegram *t = container_of(c, struct telegram, base);
    telegram_setup_stop(t);
    telegram_limit_destroy(&t->limit);
    if (t->token)
        explicit_bzero(t->token, strlen(t->token));
    free(t->token);
    free(t->api_url);
    free(t->contact_button);
    free(t->hook_of);
    free(t->hook_url);
    free(t->hook_secret);
    free(t->username);
    free(t->title);
    free(t->trouble);
}

const struct connector_ops telegram_connector = {
    .api = CONNECTOR_API,
    .name = "telegram",
    .caps = CONNECTOR_ATTACHMENTS | CONNECTOR_TYPING | CONNECTOR_HTML | CONNECTOR_EDIT |
            CONNECTOR_DELETE | CONNECTOR_REACT | CONNECTOR_REPLY | CONNECTOR_BUTTONS |
            CONNECTOR_REQUEST_CONTACT | CONNECTOR_NEEDS_ADDRESS,
    .size = sizeof(struct telegram),
    .settings = settings,
    .help = "A Telegram bot: make one with @BotFather and put its token here. The gateway does "
            "the rest: it checks the token, sets the webhook or polls.",
    .identity_kind = TELEGRAM_KIND,
    .init = init,
    .start = start,
    .send = telegram_send,
    .cancel = telegram_cancel,
    .pace = telegram_pace,
    .fetch = telegram_fetch,
    .tend = telegram_tend,
    .check = telegram_check,
    .info = info,
    .typing = telegram_typing,
    .webhook = telegram_webhook,
    .stop = stop,
    .finish = finish,
};
