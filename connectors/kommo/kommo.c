/* kommo.c - settings and life; ends with the one exported table. */
#include "connectors/kommo/kommo.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "connectors/kommo/kommo_private.h"
#include "core/crm/crm_fields.h"

#define ANSWER_MAX ((size_t)4 * 1024 * 1024)
#define NOTE_MAX 10000

static const struct setting settings[] = {
    {.key = "url",
        .type = SETTING_STRING,
        .sends_secrets = true,
        .check = crm_check_url,
        .help = "The account: https://shop.kommo.com or https://shop.amocrm.ru"},
    {.key = "token",
        .type = SETTING_STRING,
        .preset = "",
        .secret = true,
        .help = "The long-lived token of a private integration."},
    {.key = "client_id",
        .type = SETTING_STRING,
        .preset = "",
        .help = "Instead of a token, OAuth2: the integration's id, ..."},
    {.key = "client_secret",
        .type = SETTING_STRING,
        .preset = "",
        .secret = true,
        .help = "... its secret key, ..."},
    {.key = "redirect_uri",
        .type = SETTING_STRING,
        .preset = "",
        .help = "... the address that it was made with, ..."},
    {.key = "refresh_token",
        .type = SETTING_STRING,
        .preset = "",
        .secret = true,
        .help = "... and the first refresh token: those that follow are kept by the gateway."},
    {.key = "mark_field",
        .type = SETTING_STRING,
        .help = "The id or the code of a text field of contacts, made for the gateway: by what it "
                "writes there a client's contact is found again."},
    {.key = "leads",
        .type = SETTING_BOOL,
        .preset = "false",
        .help = "A client whose contact has no lead gets one."},
    {.key = "pipeline",
        .type = SETTING_INT,
        .preset = "0",
        .min = 0,
        .max = INT64_MAX,
        .help = "The pipeline of new leads, by its id; 0: the account's main one."},
    {.key = "contact_fields",
        .type = SETTING_LIST,
        .preset = "",
        .check = crm_fields_check,
        .help =
            "What a new contact gets besides: {\"1234=Chat\", \"POSITION={profile.title}\"} by the "
            "fields' ids or codes; a value is text or JSON."},
    {.key = "lead_fields",
        .type = SETTING_LIST,
        .preset = "",
        .check = crm_fields_check,
        .help = "What a new lead gets: as contact_fields."},
    {.key = "responsible",
        .type = SETTING_INT,
        .preset = "0",
        .min = 0,
        .max = INT64_MAX,
        .help = "The user who is responsible for new contacts and leads, by his id; 0: whose token "
                "it is."},
    {.key = "mode",
        .type = SETTING_ENUM,
        .preset = "notes",
        .choices = "notes|chat",
        .help = "How a dialogue is kept: as notes, or as a chat in which the CRM's people answer."},
    {.key = "channel_id",
        .type = SETTING_STRING,
        .preset = "",
        .help = "chat: the channel of the service of chats that the vendor's support has made."},
    {.key = "channel_secret",
        .type = SETTING_STRING,
        .preset = "",
        .secret = true,
        .help = "chat: its secret key."},
    {.key = "channel_title",
        .type = SETTING_STRING,
        .preset = "Switchboard",
        .help = "chat: what the channel is called in the account."},
    {.key = "bot_id",
        .type = SETTING_STRING,
        .preset = "",
        .help = "chat: the channel's bot, in whose name stands what our agents wrote whom the "
                "account does not know."},
    {.key = "chat_users",
        .type = SETTING_LIST,
        .preset = "",
        .help = "chat: {\"anna=76fc2bea-...\"} is our agent anna and the user with this amojo_id."},
    {.key = "chat_url",
        .type = SETTING_STRING,
        .preset = "",
        .sends_secrets = true,
        .help = "chat: the service of chats; empty: that of the account's address."},
    {.key = "hook_secret",
        .type = SETTING_STRING,
        .preset = "",
        .secret = true,
        .check = crm_check_secret,
        .help = "The end of the address that the account's web hooks post to when a contact has "
                "another name or responsible."},
    CRM_FLOW_SETTINGS("true"),
    CRM_CALL_SETTINGS("30s", "4", "7"),
    {0},
};

/* "https://amojo.kommo.com" for an account at kommo.com. NULL: nobody knows. */
static char *chat_url(const char *given, const char *url) {
    static const char *const domains[] = {".kommo.com", ".amocrm.ru", ".amocrm.com"};
    size_t n = strlen(given);
    while (n && given[n - 1] == '/')
        n--;
    if (n)
        return mem_strndup(given, n);
    for (size_t i = 0; i < ARRAY_LEN(domains); i++)
        if (span_ends(span_str(url), domains[i]))
            return mem_printf("https://amojo%s", domains[i]);
    return NULL;
}

static int init_chat(struct kommo *k, const struct settings *s, struct err *err) {
    struct kommo_chat *chat = &k->chat;
    chat->on = strcmp(settings_str(s, "mode"), "chat") == 0;
    chat->channel = settings_str(s, "channel_id");
    chat->secret = settings_str(s, "channel_secret");
    chat->title = settings_str(s, "channel_title");
    chat->bot = settings_str(s, "bot_id");
    chat->users = settings_list(s, "chat_users");
    chat->url = chat_url(settings_str(s, "chat_url"), k->url);
    chat->tail = &chat->waiting;
    if (!chat->on)
        return 0;
    k->flow.base.statuses = CRM_STATUSES_ALL;
    if (!*chat->channel || !*chat->secret || !*chat->bot)
        return err_set(err, ERR_INVALID,
            "kommo \"%s\": mode \"chat\" needs channel_id, channel_secret and bot_id",
            k->flow.base.target);
    if (chat->channel[strcspn(chat->channel, "/?# ")])
        return err_set(err, ERR_INVALID, "kommo \"%s\": channel_id is no id", k->flow.base.target);
    return chat->url ? crm_check_url(chat->url, err)
                     : err_set(err, ERR_INVALID,
                           "kommo \"%s\": where is the service of chats? set chat_url",
                           k->flow.base.target);
}

static int init(struct crm *c, const struct settings *s, const char *data_dir, struct err *err) {
    struct kommo *k = kommo_of(c);
    const char *url = settings_str(s, "url");
    size_t n = strlen(url);
    (void)data_dir;
    while (n && url[n - 1] == '/')
        n--;
    k->url = mem_strndup(url, n);
    k->token = settings_str(s, "token");
    k->oauth.client_id = settings_str(s, "client_id");
    k->oauth.client_secret = settings_str(s, "client_secret");
    k->oauth.redirect_uri = settings_str(s, "redirect_uri");
    k->oauth.refresh = settings_str(s, "refresh_token");
    k->contacts.mark_field = settings_str(s, "mark_field");
    k->contacts.responsible = settings_int(s, "responsible");
    k->leads = settings_bool(s, "leads");
    k->contacts.extra = settings_list(s, "contact_fields");
    k->lead_fields = settings_list(s, "lead_fields");
    k->pipeline = settings_int(s, "pipeline");
    k->hook_secret = settings_str(s, "hook_secret");
    crm_flow_init(&k->flow, c, &kommo_flow_ops, s);
    k->flow.options.markup = CRM_PLAIN;
    k->flow.options.text_max = NOTE_MAX;
    k->panel = (struct crm_flow){.crm = c, .ops = &kommo_panel_ops, .options = k->flow.options};
    k->options.answer_max = ANSWER_MAX;
    crm_calls_options_read(&k->options, s);
    if (!*k->token && (!*k->oauth.client_id || !*k->oauth.client_secret ||
                          !*k->oauth.redirect_uri || !*k->oauth.refresh))
        return err_set(err, ERR_INVALID,
            "kommo \"%s\": a token, or client_id, client_secret, redirect_uri and refresh_token",
            c->target);
    if (!*k->contacts.mark_field)
        return err_set(err, ERR_INVALID,
            "kommo \"%s\": mark_field is the id or the code of a text field of contacts",
            c->target);
    return init_chat(k, s, err);
}

static int start(struct crm *c, struct err *err) {
    struct kommo *k = kommo_of(c);
    (void)err;
    k->calls = crm_calls_create(c, &k->options);
    kommo_token_start(k);
    kommo_chat_start(k);
    return 0;
}

static void stop(struct crm *c) {
    kommo_api_stop(kommo_of(c));
    kommo_chat_stop(kommo_of(c));
}

static void finish(struct crm *c) {
    kommo_chat_finish(kommo_of(c));
    free(kommo_of(c)->url);
    free(kommo_of(c)->drive);
}

/* What is for agents only stays a note, as what happened does. */
static bool is_talk(const json_t *message) {
    const char *direction = json_string_value(json_object_get(message, "direction"));
    return direction && (strcmp(direction, "in") == 0 || strcmp(direction, "out") == 0);
}

static void attach(struct crm *c, const struct crm_attach *a, crm_done_fn fn, void *arg) {
    struct kommo *k = kommo_of(c);
    if (k->chat.on && is_talk(a->message))
        kommo_talk_attach(k, a, fn, arg);
    else
        crm_flow_attach(c, a, fn, arg);
}

static void card(
    struct crm *c, const char *client, const char *card_id, crm_result_fn fn, void *arg) {
    crm_flow_card(&kommo_of(c)->panel.base, client, card_id, fn, arg); /* who looks makes no lead */
}

const struct crm_ops kommo_crm = {
    .api = CRM_API,
    .name = "kommo",
    .caps = CRM_ENTRIES | CRM_REPLIES,
    .size = sizeof(struct kommo),
    .settings = settings,
    .help = "Kommo (amoCRM): clients are contacts, messages are notes on them or a chat.",
    .init = init,
    .start = start,
    .ensure_card = crm_flow_ensure,
    .attach = attach,
    .entries = crm_flow_entries,
    .card = card,
    .webhook = kommo_webhook,
    .take = kommo_take,
    .stop = stop,
    .finish = finish,
};
