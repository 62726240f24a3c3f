/* kommo.c - settings and life; ends with the one exported table. */
#include "connectors/kommo/kommo.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "connectors/kommo/kommo_private.h"

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
        .secret = true,
        .help = "The long-lived token of a private integration."},
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
    {.key = "responsible",
        .type = SETTING_INT,
        .preset = "0",
        .min = 0,
        .max = INT64_MAX,
        .help = "The user who is responsible for new contacts and leads, by his id; 0: whose token "
                "it is."},
    CRM_FLOW_SETTINGS("false"),
    CRM_CALL_SETTINGS("30s", "4", "7"),
    {0},
};

static int init(struct crm *c, const struct settings *s, const char *data_dir, struct err *err) {
    struct kommo *k = kommo_of(c);
    const char *url = settings_str(s, "url");
    size_t n = strlen(url);
    (void)data_dir;
    while (n && url[n - 1] == '/')
        n--;
    k->url = mem_strndup(url, n);
    k->token = settings_str(s, "token");
    k->contacts.mark_field = settings_str(s, "mark_field");
    k->contacts.responsible = settings_int(s, "responsible");
    k->leads = settings_bool(s, "leads");
    k->pipeline = settings_int(s, "pipeline");
    crm_flow_init(&k->flow, c, &kommo_flow_ops, s);
    k->flow.options.markup = CRM_PLAIN;
    k->flow.options.text_max = NOTE_MAX;
    k->options.answer_max = ANSWER_MAX;
    crm_calls_options_read(&k->options, s);
    if (k->flow.options.files)
        return err_set(err, ERR_INVALID,
            "kommo \"%s\": files cannot be brought there; leave `files` out", c->target);
    if (!*k->contacts.mark_field)
        return err_set(err, ERR_INVALID,
            "kommo \"%s\": mark_field is the id or the code of a text field of contacts",
            c->target);
    return 0;
}

static int start(struct crm *c, struct err *err) {
    struct kommo *k = kommo_of(c);
    (void)err;
    k->calls = crm_calls_create(c, &k->options);
    return 0;
}

static void stop(struct crm *c) {
    kommo_api_stop(kommo_of(c));
}

static void finish(struct crm *c) {
    free(kommo_of(c)->url);
}

static void ensure_card(
    struct crm *c, const json_t *client, const char *known, crm_done_fn fn, void *arg) {
    crm_flow_ensure(&kommo_of(c)->flow, client, known, fn, arg);
}

static void attach(struct crm *c, const struct crm_attach *a, crm_done_fn fn, void *arg) {
    crm_flow_attach(&kommo_of(c)->flow, a, fn, arg);
}

static void entries(struct crm *c, const char *card, crm_result_fn fn, void *arg) {
    crm_flow_entries(&kommo_of(c)->flow, card, fn, arg);
}

static void card(
    struct crm *c, const char *client, const char *card_id, crm_result_fn fn, void *arg) {
    (void)client;
    crm_flow_card(&kommo_of(c)->flow, card_id, fn, arg);
}

const struct crm_ops kommo_crm = {
    .api = CRM_API,
    .name = "kommo",
    .caps = CRM_ENTRIES,
    .size = sizeof(struct kommo),
    .settings = settings,
    .help = "Kommo (amoCRM): clients are contacts, messages are notes on them.",
    .init = init,
    .start = start,
    .ensure_card = ensure_card,
    .attach = attach,
    .entries = entries,
    .card = card,
    .stop = stop,
    .finish = finish,
};
