/* tryton.c - settings and life; ends with the one exported table. */
#include "connectors/tryton/tryton.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "connectors/tryton/tryton_private.h"

#define ANSWER_MAX ((size_t)4 * 1024 * 1024)
#define NOTE_MAX 10000

static const struct setting settings[] = {
    {.key = "url",
        .type = SETTING_STRING,
        .sends_secrets = true,
        .check = crm_check_url,
        .help = "The server: https://erp.example.org"},
    {.key = "database", .type = SETTING_STRING, .help = "The name of its database."},
    {.key = "user", .type = SETTING_STRING, .help = "A user of Tryton's for the gateway alone."},
    {.key = "password", .type = SETTING_STRING, .secret = true, .help = "His password."},
    CRM_FLOW_SETTINGS("true"),
    CRM_CALL_SETTINGS("30s", "4", "50"),
    {0},
};

static int init(struct crm *c, const struct settings *s, const char *data_dir, struct err *err) {
    struct tryton *t = tryton_of(c);
    const char *url = settings_str(s, "url");
    size_t n = strlen(url);
    (void)data_dir;
    (void)err;
    while (n && url[n - 1] == '/')
        n--;
    t->url = mem_printf("%.*s/%s/", (int)n, url, settings_str(s, "database"));
    t->user = settings_str(s, "user");
    t->password = settings_str(s, "password");
    crm_flow_init(&t->flow, c, &tryton_flow_ops, s);
    t->flow.options.markup = CRM_PLAIN;
    t->flow.options.text_max = NOTE_MAX;
    t->options.answer_max = ANSWER_MAX;
    crm_calls_options_read(&t->options, s);
    t->tail = &t->waiting;
    return 0;
}

static int start(struct crm *c, struct err *err) {
    struct tryton *t = tryton_of(c);
    (void)err;
    t->calls = crm_calls_create(c, &t->options);
    return 0;
}

static void stop(struct crm *c) {
    tryton_rpc_stop(tryton_of(c));
}

static void finish(struct crm *c) {
    free(tryton_of(c)->url);
}

const struct crm_ops tryton_crm = {
    .api = CRM_API,
    .name = "tryton",
    .size = sizeof(struct tryton),
    .settings = settings,
    .help = "Tryton (6.0 and later): clients are parties, messages are notes on them.",
    .init = init,
    .start = start,
    .caps = CRM_ENTRIES,
    .ensure_card = crm_flow_ensure,
    .attach = crm_flow_attach,
    .entries = crm_flow_entries,
    .card = crm_flow_card,
    .stop = stop,
    .finish = finish,
};
