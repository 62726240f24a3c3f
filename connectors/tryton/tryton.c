/* tryton.c - settings and life; ends with the one exported table. */
#include "connectors/tryton/tryton.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "connectors/tryton/tryton_private.h"

#define ANSWER_MAX ((size_t)4 * 1024 * 1024)

/* Minutes of "+03:00"; 24 hours and more: it is no such thing. */
static int offset_of(const char *value) {
    static const char digits[] = "0123456789";
    if (strlen(value) != 6 || !strchr("+-", value[0]) || value[3] != ':' ||
        strspn(value + 1, digits) != 2 || strspn(value + 4, digits) != 2)
        return 24 * 60;
    int minutes = (int)(strtol(value + 1, NULL, 10) * 60 + strtol(value + 4, NULL, 10));
    return value[0] == '-' ? -minutes : minutes;
}

static int check_offset(const char *value, struct err *err) {
    int minutes = offset_of(value);
    return minutes >= -14 * 60 && minutes <= 14 * 60
               ? 0
               : err_set(err, ERR_INVALID, "an offset from UTC looks like \"+03:00\"");
}

static const struct setting settings[] = {
    {.key = "url",
        .type = SETTING_STRING,
        .sends_secrets = true,
        .check = crm_check_url,
        .help = "The server: https://erp.example.org"},
    {.key = "database", .type = SETTING_STRING, .help = "The name of its database."},
    {.key = "user", .type = SETTING_STRING, .help = "A user of Tryton's for the gateway alone."},
    {.key = "password", .type = SETTING_STRING, .secret = true, .help = "His password."},
    {.key = "notes",
        .type = SETTING_BOOL,
        .preset = "false",
        .help = "Agents' notes are written, too."},
    {.key = "country",
        .type = SETTING_STRING,
        .preset = "RU",
        .help =
            "Whose way of writing telephone numbers without a country is meant: RU, or nothing."},
    {.key = "language",
        .type = SETTING_ENUM,
        .preset = "ru",
        .choices = "ru|en",
        .help = "Of the words that we write around a message."},
    {.key = "utc_offset",
        .type = SETTING_STRING,
        .preset = "+03:00",
        .check = check_offset,
        .help = "In which time of day the notes' hours are written."},
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
    t->country = settings_str(s, "country");
    t->notes = settings_bool(s, "notes");
    t->russian = strcmp(settings_str(s, "language"), "ru") == 0;
    t->utc_offset_min = offset_of(settings_str(s, "utc_offset"));
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
    .ensure_card = tryton_ensure,
    .attach = tryton_attach,
    .stop = stop,
    .finish = finish,
};
