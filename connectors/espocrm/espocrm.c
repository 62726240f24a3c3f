/* espocrm.c - settings and life; ends with the one exported table. */
#include "connectors/espocrm/espocrm.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "connectors/espocrm/espocrm_private.h"
#include "connectors/espocrm/espocrm_said.h"

#define ANSWER_MAX ((size_t)8 * 1024 * 1024) /* a page of 200 posts of 10,000 bytes */
#define POST_MAX 10000

static int check_field(const char *value, struct err *err) {
    size_t n = 0;
    while (isalnum((unsigned char)value[n]))
        n++;
    return value[n] || n > 100
               ? err_set(err, ERR_INVALID, "a field's name has letters and digits only: cGwId")
               : 0;
}

/* Without one, what people say among themselves would be sent. */
static int check_prefix(const char *value, struct err *err) {
    size_t n = strlen(value);
    return n < 2 || n > 32 || value[0] == ' ' || value[0] == '*'
               ? err_set(err, ERR_INVALID,
                     "a prefix has 2 to 32 characters, the first no space and no *")
               : 0;
}

static const struct setting settings[] = {
    {.key = "url",
        .type = SETTING_STRING,
        .sends_secrets = true,
        .check = crm_check_url,
        .help = "The server, without /api/v1: https://crm.example.org"},
    {.key = "api_key",
        .type = SETTING_STRING,
        .secret = true,
        .help = "Of an API user who is there for the gateway alone."},
    {.key = "entity",
        .type = SETTING_ENUM,
        .preset = "Contact",
        .choices = "Contact|Lead",
        .help = "What a client is there."},
    {.key = "mark_field",
        .type = SETTING_STRING,
        .preset = "cGwId",
        .check = check_field,
        .help = "The field that you made for our mark, by which a card is found again."},
    {.key = "messenger_field",
        .type = SETTING_STRING,
        .preset = "",
        .check = check_field,
        .help = "A field for identities in messengers (telegram:4242); empty: none."},
    {.key = "webhooks",
        .type = SETTING_LIST,
        .preset = "",
        .secret = true,
        .help = "Those that tell us of answers and responsibles: {\"id:secret key\"}, as EspoCRM "
                "shows both."},
    {.key = "reply_prefix",
        .type = SETTING_STRING,
        .preset = "/r ",
        .check = check_prefix,
        .help = "With what a post begins that is an answer to the client."},
    {.key = "replies",
        .type = SETTING_ENUM,
        .preset = "users",
        .choices = "users|all",
        .help = "Who there may write to clients: those in users, or all."},
    CRM_FLOW_SETTINGS("true"),
    CRM_CALL_SETTINGS("30s", "4", "50"),
    {0},
};

const struct crm_flow_ops espocrm_flow_ops = {
    .look = espocrm_look,
    .find = espocrm_find,
    .create = espocrm_create,
    .add = espocrm_add,
    .entries = espocrm_entries,
    .write = espocrm_write,
    .rewrite = espocrm_rewrite,
    .upload = espocrm_upload,
    .assign = espocrm_assign,
    .rename = espocrm_rename,
    .status = espocrm_status,
    .rewrite_takes_files = true,
};

static int init(struct crm *c, const struct settings *s, const char *data_dir, struct err *err) {
    struct espocrm *e = espocrm_of(c);
    const char *url = settings_str(s, "url");
    size_t n = strlen(url);
    (void)data_dir;
    while (n && url[n - 1] == '/')
        n--;
    e->key = settings_str(s, "api_key");
    e->fields.entity = settings_str(s, "entity");
    e->fields.mark = settings_str(s, "mark_field");
    e->fields.messenger = settings_str(s, "messenger_field");
    e->hooks = settings_list(s, "webhooks");
    e->reply_prefix = settings_str(s, "reply_prefix");
    e->replies_all = strcmp(settings_str(s, "replies"), "all") == 0;
    for (const char *const *h = e->hooks; h && *h; h++)
        if (espocrm_check_hook(*h, err) < 0)
            return -1;
    if (!*e->fields.mark)
        return err_set(err, ERR_INVALID, "mark_field must name a field");
    e->url = mem_strndup(url, n);
    crm_flow_init(&e->flow, c, &espocrm_flow_ops, s);
    e->flow.options.markup = CRM_MARKDOWN;
    e->flow.options.text_max = POST_MAX;
    e->options.answer_max = ANSWER_MAX;
    crm_calls_options_read(&e->options, s);
    e->options.fixed_secret = true;
    return 0;
}

static int start(struct crm *c, struct err *err) {
    struct espocrm *e = espocrm_of(c);
    (void)err;
    e->calls = crm_calls_create(c, &e->options);
    return 0;
}

static void stop(struct crm *c) {
    crm_calls_destroy(&espocrm_of(c)->calls);
}

static void finish(struct crm *c) {
    free(espocrm_of(c)->url);
}

const struct crm_ops espocrm_crm = {
    .api = CRM_API,
    .name = "espocrm",
    .size = sizeof(struct espocrm),
    .settings = settings,
    .help = "EspoCRM (8.1 and later): clients are contacts or leads, messages are posts in their "
            "stream.",
    .init = init,
    .start = start,
    .caps = CRM_ENTRIES | CRM_REPLIES | CRM_POSTS_MANY,
    .ensure_card = crm_flow_ensure,
    .attach = crm_flow_attach,
    .entries = crm_flow_entries,
    .card = crm_flow_card,
    .webhook = espocrm_webhook,
    .take = espocrm_take,
    .stop = stop,
    .finish = finish,
};
