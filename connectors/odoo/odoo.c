/* odoo.c - settings and life; ends with the one exported table. */
#include "connectors/odoo/odoo.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "connectors/odoo/odoo_private.h"

#define ANSWER_MAX (ODOO_FILE_MAX / 3 * 4 + (1u << 20)) /* a file in base64 */
#define NOTE_MAX 10000

static int check_field(const char *value, struct err *err) {
    size_t n = 0;
    while (islower((unsigned char)value[n]) || isdigit((unsigned char)value[n]) || value[n] == '_')
        n++;
    return value[n] || n > 63
               ? err_set(err, ERR_INVALID,
                     "a field's name has small letters, digits and _ only: x_switchboard")
               : 0;
}

/* Without one, what people say among themselves would be sent. */
static int check_prefix(const char *value, struct err *err) {
    size_t n = strlen(value);
    return n < 2 || n > 32 || value[0] == ' ' || strpbrk(value, "<>&")
               ? err_set(err, ERR_INVALID,
                     "a prefix has 2 to 32 characters, the first no space, none of < > &")
               : 0;
}

static const struct setting settings[] = {
    {.key = "url",
        .type = SETTING_STRING,
        .sends_secrets = true,
        .check = crm_check_url,
        .help = "The server: https://company.odoo.com"},
    {.key = "database",
        .type = SETTING_STRING,
        .preset = "",
        .help = "The name of its database; with json2 needed only where a server has several."},
    {.key = "api",
        .type = SETTING_ENUM,
        .preset = "rpc",
        .choices = "rpc|json2",
        .help = "json2: Odoo 19 and later; rpc: Odoo 17 to 21."},
    {.key = "user",
        .type = SETTING_STRING,
        .preset = "",
        .help = "The login of the user whose key it is (rpc)."},
    {.key = "api_key",
        .type = SETTING_STRING,
        .secret = true,
        .help = "Of a user who is there for the gateway alone."},
    {.key = "company",
        .type = SETTING_INT,
        .preset = "0",
        .min = 0,
        .max = 1000000000,
        .help = "The id of the company in which he works, where there are several; 0: his own."},
    {.key = "mark_field",
        .type = SETTING_STRING,
        .preset = "x_switchboard",
        .check = check_field,
        .help = "The field that you made for our mark, by which a contact is found again."},
    {.key = "messenger_field",
        .type = SETTING_STRING,
        .preset = "",
        .check = check_field,
        .help = "A field for identities in messengers (telegram:4242); empty: none."},
    {.key = "lead",
        .type = SETTING_ENUM,
        .preset = "none",
        .choices = "none|lead|opportunity",
        .help = "What is made with a new contact, with the source of the client's visit."},
    {.key = "poll",
        .type = SETTING_DURATION,
        .preset = "0s",
        .min = 0,
        .max = 3600000,
        .help = "How often we look for notes that are answers to clients; 0: never."},
    {.key = "reply_prefix",
        .type = SETTING_STRING,
        .preset = "/r ",
        .check = check_prefix,
        .help = "With what a note begins that is an answer to the client."},
    {.key = "replies",
        .type = SETTING_ENUM,
        .preset = "users",
        .choices = "users|all",
        .help = "Who there may write to clients: those in users, or all."},
    {.key = "hook_secret",
        .type = SETTING_STRING,
        .preset = "",
        .secret = true,
        .check = crm_check_secret,
        .help =
            "The end of the address that automation rules post to when a contact has another name "
            "or salesperson."},
    CRM_FLOW_SETTINGS("true"),
    CRM_CALL_SETTINGS("60s", "4", "50"),
    {0},
};

const struct crm_flow_ops odoo_flow_ops = {
    .look = odoo_look,
    .find = odoo_find,
    .create = odoo_create,
    .add = odoo_add,
    .entries = odoo_entries,
    .write = odoo_write,
    .rewrite = odoo_rewrite,
    .upload = odoo_upload,
    .assign = odoo_assign,
    .rename = odoo_rename,
    .status = odoo_status,
    .rewrite_takes_files = true,
};

/* Odoo's users are numbers. */
static int check_users(const char *const *users, struct err *err) {
    for (; users && *users; users++) {
        const char *is = strchr(*users, '=');
        if (!is || !is[1] || is[1 + strspn(is + 1, "0123456789")])
            return err_set(
                err, ERR_INVALID, "users are written as \"anna=17\", with Odoo's number");
    }
    return 0;
}

static int init(struct crm *c, const struct settings *s, const char *data_dir, struct err *err) {
    struct odoo *o = odoo_of(c);
    const char *url = settings_str(s, "url");
    size_t n = strlen(url);
    (void)data_dir;
    while (n && url[n - 1] == '/')
        n--;
    o->database = settings_str(s, "database");
    o->user = settings_str(s, "user");
    o->key = settings_str(s, "api_key");
    o->json2 = strcmp(settings_str(s, "api"), "json2") == 0;
    o->company = settings_int(s, "company");
    o->fields.mark = settings_str(s, "mark_field");
    o->fields.messenger = settings_str(s, "messenger_field");
    o->fields.lead = settings_str(s, "lead");
    o->hook_secret = settings_str(s, "hook_secret");
    o->reply_prefix = settings_str(s, "reply_prefix");
    o->replies_all = strcmp(settings_str(s, "replies"), "all") == 0;
    o->poll_ms = (unsigned)settings_int(s, "poll");
    if (!*o->fields.mark)
        return err_set(err, ERR_INVALID, "mark_field must name a field");
    if (!o->json2 && (!*o->user || !*o->database))
        return err_set(err, ERR_INVALID, "api rpc needs user and database");
    if (check_users(settings_list(s, "users"), err) < 0)
        return -1;
    o->url = mem_strndup(url, n);
    crm_flow_init(&o->flow, c, &odoo_flow_ops, s);
    o->flow.options.markup = CRM_HTML;
    o->flow.options.text_max = NOTE_MAX;
    o->options.answer_max = ANSWER_MAX;
    crm_calls_options_read(&o->options, s);
    o->tail = &o->waiting;
    return 0;
}

static int start(struct crm *c, struct err *err) {
    struct odoo *o = odoo_of(c);
    (void)err;
    o->calls = crm_calls_create(c, &o->options);
    odoo_poll_start(o);
    return 0;
}

static void stop(struct crm *c) {
    loop_timer_stop(&odoo_of(c)->poll_timer);
    odoo_call_stop(odoo_of(c));
}

static void finish(struct crm *c) {
    free(odoo_of(c)->url);
}

const struct crm_ops odoo_crm = {
    .api = CRM_API,
    .name = "odoo",
    .size = sizeof(struct odoo),
    .settings = settings,
    .help = "Odoo (17 and later): clients are contacts, messages are notes in their chatter.",
    .init = init,
    .start = start,
    .caps = CRM_ENTRIES | CRM_REPLIES,
    .ensure_card = crm_flow_ensure,
    .attach = crm_flow_attach,
    .entries = crm_flow_entries,
    .card = crm_flow_card,
    .webhook = odoo_webhook,
    .take = odoo_take,
    .stop = stop,
    .finish = finish,
};
