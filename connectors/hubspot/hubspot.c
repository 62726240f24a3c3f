/* hubspot.c - settings and life; ends with the one exported table. */
#include "connectors/hubspot/hubspot.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "connectors/hubspot/hubspot_private.h"
#include "core/crm/crm_fields.h"

#define ANSWER_MAX ((size_t)8 * 1024 * 1024)
#define ENTRY_MAX 10000 /* it takes 65,536 characters; nobody reads such a note */

static int check_property(const char *value, struct err *err) {
    if (strspn(value, "abcdefghijklmnopqrstuvwxyz0123456789_") != strlen(value))
        return err_set(err, ERR_INVALID, "a property's internal name is a-z, 0-9 and _");
    return 0;
}

static int check_needed(const char *value, struct err *err) {
    if (!*value)
        return err_set(err, ERR_INVALID, "a property of your own is due");
    return check_property(value, err);
}

static int check_version(const char *value, struct err *err) {
    if (!*value || strspn(value, "0123456789-v") != strlen(value))
        return err_set(err, ERR_INVALID, "a version looks like 2026-03, or v3");
    return 0;
}

static int check_number(const char *value, struct err *err) {
    if (strspn(value, "0123456789") != strlen(value))
        return err_set(err, ERR_INVALID, "an id of HubSpot's is a number");
    return 0;
}

static int check_hook_token(const char *value, struct err *err) {
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
    if (*value && (strlen(value) < 16 || strspn(value, plain) != strlen(value)))
        return err_set(err, ERR_INVALID, "16 or more of a-z, A-Z, 0-9, - and _ are due");
    return 0;
}

static int check_card_url(const char *value, struct err *err) {
    if (*value && (crm_check_url(value, err) < 0 || !strstr(value, "{id}")))
        return err_set(err, ERR_INVALID, "expected https://... with {id} in it");
    return 0;
}

static const struct setting settings[] = {
    {.key = "token",
        .type = SETTING_STRING,
        .preset = "",
        .secret = true,
        .help = "The access token of a private app; or the three that follow."},
    {.key = "client_id", .type = SETTING_STRING, .preset = "", .help = "A public app's client id."},
    {.key = "client_secret",
        .type = SETTING_STRING,
        .preset = "",
        .secret = true,
        .help = "A public app's client secret: for new tokens, and for the signatures of what "
                "comes from HubSpot's inbox."},
    {.key = "refresh_token",
        .type = SETTING_STRING,
        .preset = "",
        .secret = true,
        .help = "What the app got when it was installed in your account."},
    {.key = "url",
        .type = SETTING_STRING,
        .preset = "https://api.hubapi.com",
        .sends_secrets = true,
        .check = crm_check_url,
        .help = "HubSpot's API."},
    {.key = "version",
        .type = SETTING_STRING,
        .preset = "2026-03",
        .check = check_version,
        .help = "Of the API, as it stands in its paths: 2026-03, or v3."},
    {.key = "mark_property",
        .type = SETTING_STRING,
        .preset = "gw_id",
        .check = check_needed,
        .help = "A contact's property that you have added: single-line text, unique values."},
    {.key = "messenger_property",
        .type = SETTING_STRING,
        .preset = "",
        .check = check_property,
        .help = "A contact's text property that you have added, for identities such as "
                "telegram:4242; \"\" none."},
    {.key = "name_property",
        .type = SETTING_STRING,
        .preset = "firstname",
        .check = check_property,
        .help = "Where a new contact's name goes."},
    {.key = "phone_property",
        .type = SETTING_STRING,
        .preset = "phone",
        .check = check_property,
        .help = "Where his telephone number is; a second one goes to mobilephone."},
    {.key = "mail_property",
        .type = SETTING_STRING,
        .preset = "email",
        .check = check_property,
        .help = "Where his e-mail address is."},
    {.key = "contact_properties",
        .type = SETTING_LIST,
        .preset = "",
        .check = crm_fields_check,
        .help = "What else a new contact gets: {\"hs_lead_status=NEW\"}; {name} or "
                "{profile.locale} in a value is the client's."},
    {.key = "deals",
        .type = SETTING_BOOL,
        .preset = "false",
        .help = "A client whose contact has no deal gets one, when he first writes."},
    {.key = "deal_stage",
        .type = SETTING_STRING,
        .preset = "appointmentscheduled",
        .check = check_needed,
        .help = "Its stage, by its internal id."},
    {.key = "deal_pipeline",
        .type = SETTING_STRING,
        .preset = "",
        .help = "Its pipeline, by its internal id; \"\" the account's default."},
    {.key = "deal_mark_property",
        .type = SETTING_STRING,
        .preset = "",
        .check = check_property,
        .help = "A property of deals that you have added: single-line text, unique values; with it "
                "HubSpot itself takes no second deal of a client. \"\" none."},
    {.key = "deal_properties",
        .type = SETTING_LIST,
        .preset = "",
        .check = crm_fields_check,
        .help = "What else it gets: {\"hubspot_owner_id=4711\", "
                "\"utm_source={profile.page.utm.source}\"}; as contact_properties."},
    {.key = "history",
        .type = SETTING_ENUM,
        .preset = "notes",
        .choices = "notes|communications",
        .help = "What messages are on a contact: notes, or communications (WhatsApp's are shown as "
                "such, all others as SMS; without files)."},
    {.key = "folder",
        .type = SETTING_STRING,
        .preset = "/switchboard",
        .help = "Where in HubSpot's files those of the clients are, not public."},
    {.key = "file_max",
        .type = SETTING_SIZE,
        .preset = "20M",
        .min = 1,
        .max = (int64_t)2 << 30,
        .help = "A larger file is a link in the text."},
    {.key = "card_url",
        .type = SETTING_STRING,
        .preset = "",
        .check = check_card_url,
        .help = "Where a person sees a contact, as his browser shows it, with {id} for the id."},
    {.key = "channel",
        .type = SETTING_STRING,
        .preset = "",
        .check = check_number,
        .help =
            "The id of a custom channel: dialogues are in HubSpot's inbox, and operators answer "
            "there; \"\" the history is as above."},
    {.key = "channel_account",
        .type = SETTING_STRING,
        .preset = "",
        .check = check_number,
        .help = "The id of its account."},
    {.key = "channel_address",
        .type = SETTING_STRING,
        .preset = "",
        .help = "The value of that account's delivery identifier."},
    {.key = "hook_token",
        .type = SETTING_STRING,
        .preset = "",
        .secret = true,
        .check = check_hook_token,
        .help = "A secret of yours, the end of the address that HubSpot posts to: "
                "https://.../hooks/hubspot/<name>/<hook_token>."},
    {.key = "signed_only",
        .type = SETTING_BOOL,
        .preset = "false",
        .help = "What comes without HubSpot's signature is refused."},
    {.key = "searches_per_second",
        .type = SETTING_INT,
        .preset = "4",
        .min = 1,
        .max = 100,
        .help = "HubSpot takes few searches; of all workers."},
    CRM_FLOW_SETTINGS("true"),
    CRM_CALL_SETTINGS("30s", "4", "9"),
    {0},
};

static const struct crm_flow_ops note_ops = {
    .look = hubspot_look,
    .find = hubspot_find,
    .create = hubspot_create,
    .add = hubspot_add,
    .entries = hubspot_list_entries,
    .write = hubspot_write,
    .rewrite = hubspot_rewrite,
    .upload = hubspot_upload,
    .assign = hubspot_assign,
    .rename = hubspot_rename,
    .looks_before = true,
    .rewrite_takes_files = true,
};

static const struct crm_flow_ops communication_ops = {
    .look = hubspot_look,
    .find = hubspot_find,
    .create = hubspot_create,
    .add = hubspot_add,
    .entries = hubspot_list_entries,
    .write = hubspot_write,
    .rewrite = hubspot_rewrite,
    .assign = hubspot_assign,
    .rename = hubspot_rename,
    .looks_before = true,
};

static void read_addresses(struct hubspot *h, const struct settings *s) {
    const char *url = settings_str(s, "url"), *version = settings_str(s, "version");
    size_t n = strlen(url);
    while (n && url[n - 1] == '/')
        n--;
    h->objects = mem_printf(
        *version == 'v' ? "%.*s/crm/%s/objects" : "%.*s/crm/objects/%s", (int)n, url, version);
    h->uploads = mem_printf("%.*s/files/%s/files", (int)n, url, version);
    h->messages = mem_printf(*version == 'v' ? "%.*s/conversations/%s/custom-channels/%s/messages"
                                             : "%.*s/conversations/custom-channels/%s/%s/messages",
        (int)n, url, version, h->channel);
    h->renewals = mem_printf("%.*s/oauth/v1/token", (int)n, url);
    if (*settings_str(s, "token"))
        h->auth = mem_printf("Authorization: Bearer %s", settings_str(s, "token"));
}

static int read_access(struct hubspot *h, const struct settings *s, struct err *err) {
    h->client_id = settings_str(s, "client_id");
    h->client_secret = settings_str(s, "client_secret");
    h->refresh_token = settings_str(s, "refresh_token");
    h->channel = settings_str(s, "channel");
    h->account = settings_str(s, "channel_account");
    h->address = settings_str(s, "channel_address");
    h->hook_token = settings_str(s, "hook_token");
    h->signed_only = settings_bool(s, "signed_only");
    if (!*settings_str(s, "token") && (!*h->client_id || !*h->client_secret || !*h->refresh_token))
        return err_set(
            err, ERR_INVALID, "token is due, or client_id, client_secret and refresh_token");
    if (*h->channel && (!*h->account || !*h->address || !*h->hook_token))
        return err_set(err, ERR_INVALID,
            "with channel, channel_account, channel_address and hook_token are due");
    if (h->signed_only && !*h->client_secret)
        return err_set(err, ERR_INVALID, "signed_only needs client_secret");
    return 0;
}

static int init(struct crm *c, const struct settings *s, const char *data_dir, struct err *err) {
    struct hubspot *h = hubspot_of(c);
    (void)data_dir;
    if (read_access(h, s, err) < 0)
        return -1;
    read_addresses(h, s);
    h->properties = (struct hubspot_properties){.mark = settings_str(s, "mark_property"),
        .name = settings_str(s, "name_property"),
        .phone = settings_str(s, "phone_property"),
        .mobile = "mobilephone",
        .mail = settings_str(s, "mail_property"),
        .messenger = settings_str(s, "messenger_property")};
    h->asked = hubspot_asked(&h->properties);
    h->history =
        strcmp(settings_str(s, "history"), "notes") == 0
            ? (struct hubspot_history){"notes", "hs_note_body", 202, true}
            : (struct hubspot_history){"communications", "hs_communication_body", 81, false};
    h->extra = settings_list(s, "contact_properties");
    h->deals = (struct hubspot_deals){.on = settings_bool(s, "deals"),
        .stage = settings_str(s, "deal_stage"),
        .pipeline = settings_str(s, "deal_pipeline"),
        .mark = settings_str(s, "deal_mark_property"),
        .extra = settings_list(s, "deal_properties")};
    h->folder = settings_str(s, "folder");
    h->card_url = settings_str(s, "card_url");
    h->file_max = (uint64_t)settings_int(s, "file_max");
    h->searches_per_second = (unsigned)settings_int(s, "searches_per_second");
    crm_flow_init(&h->flow, c, h->history.is_note ? &note_ops : &communication_ops, s);
    h->flow.options.markup = CRM_HTML;
    h->flow.options.text_max = ENTRY_MAX;
    h->options.answer_max = ANSWER_MAX;
    crm_calls_options_read(&h->options, s);
    h->options.fixed_secret = !*h->refresh_token;
    return 0;
}

static int start(struct crm *c, struct err *err) {
    struct hubspot *h = hubspot_of(c);
    struct crm_calls_options o = h->options;
    (void)err;
    h->calls = crm_calls_create(c, &o);
    o.per_second = h->searches_per_second;
    o.burst = 1;
    h->searches = crm_calls_create(c, &o);
    return 0;
}

static void stop(struct crm *c) {
    hubspot_calls_stop(hubspot_of(c));
}

static void finish(struct crm *c) {
    struct hubspot *h = hubspot_of(c);
    if (h->auth)
        sodium_memzero(h->auth, strlen(h->auth));
    free(h->auth);
    free(h->objects);
    free(h->messages);
    free(h->renewals);
    free(h->uploads);
    free(h->asked);
}

static void attach(struct crm *c, const struct crm_attach *a, crm_done_fn fn, void *arg) {
    if (hubspot_goes_to_inbox(hubspot_of(c), a))
        hubspot_inbox_attach(hubspot_of(c), a, fn, arg);
    else
        crm_flow_attach(c, a, fn, arg);
}

static void entries(struct crm *c, const char *card, crm_result_fn fn, void *arg) {
    struct hubspot *h = hubspot_of(c);
    if (*h->channel)
        crm_flow_unsupported(c, "what is in HubSpot's inbox cannot be listed", fn, arg);
    else
        crm_flow_entries(c, card, fn, arg);
}

const struct crm_ops hubspot_crm = {
    .api = CRM_API,
    .name = "hubspot",
    .caps = CRM_ENTRIES | CRM_REPLIES,
    .size = sizeof(struct hubspot),
    .settings = settings,
    .help = "HubSpot: clients are contacts, messages are notes (or communications) on them.",
    .init = init,
    .start = start,
    .ensure_card = hubspot_ensure,
    .attach = attach,
    .entries = entries,
    .card = crm_flow_card,
    .webhook = hubspot_on_hook,
    .take = hubspot_take,
    .stop = stop,
    .finish = finish,
};
