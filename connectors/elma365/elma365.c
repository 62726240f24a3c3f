/* elma365.c - settings and life; ends with the one exported table. */
#include "connectors/elma365/elma365.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "connectors/elma365/elma365_private.h"
#include "core/crm/crm_fields.h"

#define ANSWER_MAX ((size_t)4 * 1024 * 1024)
#define ENTRY_MAX 10000
#define API "/pub/v1"

static int check_clients(const char *value, struct err *err) {
    const char *slash = strchr(value, '/');
    if (!slash || slash == value || !slash[1] || strchr(slash + 1, '/') || strpbrk(value, " ?#%"))
        return err_set(err, ERR_INVALID, "expected section/application, like _clients/_contacts");
    return 0;
}

static int check_directory(const char *value, struct err *err) {
    if (strspn(value, "0123456789abcdefABCDEF-") != strlen(value))
        return err_set(err, ERR_INVALID, "the id of a folder is hexadecimal digits and hyphens");
    return 0;
}

static int check_card_url(const char *value, struct err *err) {
    if (*value && (crm_check_url(value, err) < 0 || !strstr(value, "{id}")))
        return err_set(err, ERR_INVALID, "expected https://... with {id} in it");
    return 0;
}

static const struct setting settings[] = {
    {.key = "url",
        .type = SETTING_STRING,
        .sends_secrets = true,
        .check = crm_check_url,
        .help = "The company's ELMA365: https://company.elma365.ru"},
    {.key = "token",
        .type = SETTING_STRING,
        .secret = true,
        .help = "Administration > Tokens: of a user for the gateway alone."},
    {.key = "auth",
        .type = SETTING_ENUM,
        .preset = "bearer",
        .choices = "bearer|x-token",
        .help = "In which header the token goes: Authorization: Bearer, or X-Token."},
    {.key = "clients",
        .type = SETTING_STRING,
        .preset = "_clients/_contacts",
        .check = check_clients,
        .help = "Section and application whose items are our clients."},
    {.key = "name_field",
        .type = SETTING_STRING,
        .preset = "_fullname",
        .help = "Its field for the name; _fullname is a full name, others are text; \"\" none."},
    {.key = "phone_field",
        .type = SETTING_STRING,
        .preset = "_phone",
        .help = "Its field for telephone numbers; \"\" none."},
    {.key = "mail_field",
        .type = SETTING_STRING,
        .preset = "_email",
        .help = "Its field for e-mail addresses; \"\" none."},
    {.key = "messenger_field",
        .type = SETTING_STRING,
        .preset = "",
        .help = "A field of type text that you have added, for identities such as telegram:4242; "
                "\"\" none."},
    {.key = "responsible_field",
        .type = SETTING_STRING,
        .preset = "",
        .help = "Its field for the responsible user, who follows the dialogue's (setting users); "
                "\"\" none."},
    {.key = "contact_fields",
        .type = SETTING_LIST,
        .preset = "",
        .check = crm_fields_check,
        .help = "What else a new client gets: {\"code=value\"}; {name} or {profile.locale} in a "
                "value is the client's."},
    {.key = "opens",
        .type = SETTING_ENUM,
        .preset = "nothing",
        .choices = "nothing|lead|deal",
        .help = "What is made with each new client, in one transaction with him."},
    {.key = "deal_fields",
        .type = SETTING_LIST,
        .preset = "",
        .check = crm_fields_check,
        .help = "What that deal or lead gets: as contact_fields."},
    {.key = "feed",
        .type = SETTING_ENUM,
        .preset = "messages",
        .choices = "messages|comments",
        .help = "Each message is one of the card's feed; or a dialogue is one there, and its "
                "messages are comments on it."},
    {.key = "directory",
        .type = SETTING_STRING,
        .preset = "",
        .check = check_directory,
        .help = "The id of a folder in Files for what clients send; \"\" the file goes to the "
                "entry alone."},
    {.key = "file_max",
        .type = SETTING_SIZE,
        .preset = "100M",
        .min = 1,
        .max = (int64_t)5 << 30,
        .help = "A larger file is a link in the text."},
    {.key = "card_url",
        .type = SETTING_STRING,
        .preset = "",
        .check = check_card_url,
        .help = "Where a person sees a client, as his browser shows it, with {id} for the id."},
    {.key = "names",
        .type = SETTING_LIST,
        .preset = "",
        .check = elma365_names_check,
        .help = "Paths and fields of your version that differ from the README's table: "
                "{\"name=value\"}."},
    CRM_FLOW_SETTINGS("true"),
    CRM_CALL_SETTINGS("30s", "5", "0"),
    {0},
};

static const struct crm_flow_ops flow_ops = {
    .look = elma365_look,
    .find = elma365_find,
    .create = elma365_create,
    .add = elma365_add,
    .entries = elma365_list_entries,
    .write = elma365_write,
    .upload = elma365_upload,
    .assign = elma365_assign,
    .rename = elma365_rename,
    .status = elma365_status,
    .looks_before = true,
};

static char *api_url(const char *url) {
    size_t n = strlen(url), api = strlen(API);
    while (n && url[n - 1] == '/')
        n--;
    if (n > api && strncmp(url + n - api, API, api) == 0)
        n -= api;
    return mem_printf("%.*s" API, (int)n, url);
}

static int init(struct crm *c, const struct settings *s, const char *data_dir, struct err *err) {
    struct elma365 *e = elma365_of(c);
    const char *clients = settings_str(s, "clients"), *opens = settings_str(s, "opens");
    const char *slash = strchr(clients, '/');
    (void)data_dir;
    (void)err;
    e->url = api_url(settings_str(s, "url"));
    e->auth = mem_printf(
        strcmp(settings_str(s, "auth"), "bearer") == 0 ? "Authorization: Bearer %s" : "X-Token: %s",
        settings_str(s, "token"));
    e->section_text = mem_strndup(clients, (size_t)(slash - clients));
    e->section = e->section_text;
    e->app = slash + 1;
    e->fields = (struct elma365_fields){.phone = settings_str(s, "phone_field"),
        .mail = settings_str(s, "mail_field"),
        .messenger = settings_str(s, "messenger_field"),
        .name = settings_str(s, "name_field"),
        .responsible = settings_str(s, "responsible_field")};
    e->extra = settings_list(s, "contact_fields");
    elma365_names_read(&e->names, settings_list(s, "names"));
    e->deal = (struct elma365_deal){.section = e->section,
        .app = e->app,
        .deal_app = strcmp(opens, "lead") == 0   ? "_leads"
                    : strcmp(opens, "deal") == 0 ? "_deals"
                                                 : "",
        .name_field = e->names.of[NAME_DEAL_NAME],
        .contact_field = e->names.of[NAME_DEAL_CONTACT],
        .extra = settings_list(s, "deal_fields")};
    e->comments = strcmp(settings_str(s, "feed"), "comments") == 0;
    e->directory = settings_str(s, "directory");
    e->file_max = (uint64_t)settings_int(s, "file_max");
    e->card_url = settings_str(s, "card_url");
    e->heads = json_object();
    crm_flow_init(&e->flow, c, &flow_ops, s);
    e->flow.options.markup = CRM_PLAIN;
    e->flow.options.text_max = ENTRY_MAX;
    e->options.answer_max = ANSWER_MAX;
    crm_calls_options_read(&e->options, s);
    e->options.fixed_secret = true;
    return 0;
}

/* --- at the start ---------------------------------------------------------------------------- */

static void on_scheme(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    struct elma365 *e = arg;
    const char *const codes[] = {e->fields.name, e->fields.phone, e->fields.mail,
        e->fields.messenger, e->fields.responsible};
    (void)retry_ms;
    if (!e->calls) /* it is stopping */
        return;
    if (err) {
        LOG_INFO(e->flow.base.env->log, "elma365.scheme_not_read",
            LOG_S("target", e->flow.base.target), LOG_E(err));
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(codes); i++)
        if (*codes[i] && !elma365_has_field(result, codes[i]))
            LOG_WARN(e->flow.base.env->log, "elma365.no_such_field",
                LOG_S("target", e->flow.base.target), LOG_S("app", e->app),
                LOG_S("field", codes[i]),
                LOG_S("what", "the application's scheme has no such field: see the settings "
                              "..._field"));
}

static int start(struct crm *c, struct err *err) {
    static const struct elma365_place nothing = {0};
    struct elma365 *e = elma365_of(c);
    (void)err;
    e->calls = crm_calls_create(c, &e->options);
    elma365_call(e, e->names.of[NAME_SCHEME], &nothing, NULL, on_scheme, e);
    return 0;
}

static void stop(struct crm *c) {
    crm_calls_destroy(&elma365_of(c)->calls);
}

static void finish(struct crm *c) {
    struct elma365 *e = elma365_of(c);
    if (e->auth)
        sodium_memzero(e->auth, strlen(e->auth));
    free(e->auth);
    free(e->url);
    free(e->section_text);
    json_decref(e->heads);
}

const struct crm_ops elma365_crm = {
    .api = CRM_API,
    .name = "elma365",
    .caps = CRM_ENTRIES,
    .size = sizeof(struct elma365),
    .settings = settings,
    .help = "ELMA365: clients are items of an application (CRM contacts), messages stand in their "
            "feed.",
    .init = init,
    .start = start,
    .ensure_card = crm_flow_ensure,
    .attach = crm_flow_attach,
    .entries = crm_flow_entries,
    .card = crm_flow_card,
    .stop = stop,
    .finish = finish,
};
