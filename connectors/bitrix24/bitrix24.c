/* bitrix24.c - settings and life; ends with the one exported table. */
#include "connectors/bitrix24/bitrix24.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "connectors/bitrix24/bitrix24_private.h"
#include "core/crm/crm_fields.h"

#define ANSWER_MAX ((size_t)8 * 1024 * 1024)
#define TOKEN_MIN 8
#define COMMENT_MAX 10000 /* bytes; its own limit is not published */

static int check_url(const char *value, struct err *err) {
    return *value ? crm_check_url(value, err) : 0;
}

static int check_number(const char *value, struct err *err) {
    return strspn(value, "0123456789") == strlen(value)
               ? 0
               : err_set(err, ERR_INVALID, "a user of Bitrix24 is a number");
}

static int check_token(const char *value, struct err *err) {
    return !*value || strlen(value) >= TOKEN_MIN
               ? 0
               : err_set(
                     err, ERR_INVALID, "a token of the portal's has %d letters or more", TOKEN_MIN);
}

static int check_connector(const char *value, struct err *err) {
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789_";
    return *value && strspn(value, allowed) == strlen(value)
               ? 0
               : err_set(err, ERR_INVALID, "small letters, digits and _");
}

static const struct setting settings[] = {
    {.key = "webhook_url",
        .type = SETTING_STRING,
        .preset = "",
        .secret = true,
        .check = check_url,
        .help = "Signs in by an incoming webhook: https://x.bitrix24.ru/rest/1/its-secret/ . Or as "
                "an application: portal, client_id, client_secret, refresh_token."},
    {.key = "portal",
        .type = SETTING_STRING,
        .preset = "",
        .sends_secrets = true,
        .check = check_url,
        .help = "The portal's address: https://x.bitrix24.ru"},
    {.key = "client_id", .type = SETTING_STRING, .preset = "", .help = "Of the application."},
    {.key = "client_secret",
        .type = SETTING_STRING,
        .preset = "",
        .secret = true,
        .help = "Of the application."},
    {.key = "refresh_token",
        .type = SETTING_STRING,
        .preset = "",
        .secret = true,
        .help = "That the portal gave when the application was installed. The gateway keeps those "
                "that follow."},
    {.key = "token_url",
        .type = SETTING_STRING,
        .preset = "https://oauth.bitrix24.tech/oauth/token/",
        .sends_secrets = true,
        .check = crm_check_url,
        .help = "Bitrix24's token server."},
    {.key = "source",
        .type = SETTING_STRING,
        .preset = "",
        .help = "Of new contacts: an id of the portal's list of sources, as WEB. Nothing: its "
                "first."},
    {.key = "responsible",
        .type = SETTING_STRING,
        .preset = "",
        .check = check_number,
        .help = "For new contacts: a user's number. Nothing: whoever signed in."},
    {.key = "contact_fields",
        .type = SETTING_LIST,
        .preset = "",
        .check = crm_fields_check,
        .help = "What else a new contact gets: {\"ufCrm_17=value\"}; {name} or {profile.locale} in "
                "a value is the client's."},
    {.key = "also",
        .type = SETTING_ENUM,
        .preset = "none",
        .choices = "none|lead|deal",
        .help = "What is made with a new contact, besides."},
    {.key = "stage",
        .type = SETTING_STRING,
        .preset = "",
        .help = "Of that lead or deal, as NEW. Nothing: the first."},
    {.key = "category",
        .type = SETTING_INT,
        .preset = "0",
        .min = 0,
        .max = 1000000,
        .help = "Of that deal: its pipeline's number."},
    {.key = "also_fields",
        .type = SETTING_LIST,
        .preset = "",
        .check = crm_fields_check,
        .help = "What else it gets: as contact_fields."},
    {.key = "history",
        .type = SETTING_ENUM,
        .preset = "notes",
        .choices = "notes|openline",
        .help = "notes: comments of the contact's timeline. openline: a chat of an open line, in "
                "which people answer; only as an application."},
    {.key = "line",
        .type = SETTING_INT,
        .preset = "0",
        .min = 0,
        .max = 1000000000,
        .help = "openline: the open line's number."},
    {.key = "connector",
        .type = SETTING_STRING,
        .preset = "switchboard",
        .check = check_connector,
        .help = "openline: what our channel is called there, in small letters; of each gateway "
                "another."},
    {.key = "connector_name",
        .type = SETTING_STRING,
        .preset = "Switchboard",
        .help = "openline: the same for people."},
    {.key = "application_token",
        .type = SETTING_STRING,
        .preset = "",
        .secret = true,
        .check = check_token,
        .help = "By it what the portal posts to us is known to be its own: of openline; and, with "
                "notes, that a contact has another name or responsible there."},
    CRM_FLOW_SETTINGS("true"),
    {.key = "timeout",
        .type = SETTING_DURATION,
        .preset = "70s",
        .min = 1000,
        .max = 300000,
        .help = "How long an answer may take; Bitrix24 itself gives up after a minute."},
    {.key = "parallel",
        .type = SETTING_INT,
        .preset = "4",
        .min = 1,
        .max = 100,
        .help = "Requests at once, of each worker."},
    {.key = "per_minute",
        .type = SETTING_INT,
        .preset = "90",
        .min = 1,
        .max = 1000000,
        .help = "Requests of all workers; Bitrix24 takes 120 of one address (Enterprise 300), "
                "other integrations on this machine included."},
    {.key = "burst",
        .type = SETTING_INT,
        .preset = "30",
        .min = 1,
        .max = 100000,
        .help = "So many at once after a pause; Bitrix24 takes 50 (Enterprise 250)."},
    {.key = "allow_private",
        .type = SETTING_BOOL,
        .preset = "false",
        .file_only = true,
        .help = "The portal may be in a private network or on this machine, without TLS."},
    {0},
};

/* "https://x.bitrix24.ru" of any address there. */
static char *origin_of(const char *url) {
    const char *host = strstr(url, "//");
    size_t n = host ? (size_t)(host - url) + 2 : 0;
    return mem_strndup(url, n + strcspn(url + n, "/?#"));
}

static int sign_in(struct bitrix24 *b, const struct settings *s, struct err *err) {
    const char *webhook = settings_str(s, "webhook_url"), *portal = settings_str(s, "portal");
    struct bitrix24_app *app = &b->app;
    b->is_app = !*webhook;
    app->token_url = settings_str(s, "token_url");
    app->client_id = settings_str(s, "client_id");
    app->client_secret = settings_str(s, "client_secret");
    app->given = settings_str(s, "refresh_token");
    b->portal = origin_of(*webhook ? webhook : portal);
    if (b->is_app && (!*portal || !*app->client_id || !*app->client_secret || !*app->given))
        return err_set(err, ERR_INVALID,
            "bitrix24 \"%s\": give webhook_url, or portal with client_id, client_secret and "
            "refresh_token",
            b->flow.base.target);
    if (!b->is_app && !strstr(webhook, "/rest/"))
        return err_set(err, ERR_INVALID,
            "bitrix24 \"%s\": webhook_url looks like https://x.bitrix24.ru/rest/1/its-secret/",
            b->flow.base.target);
    size_t n = strlen(webhook);
    b->rest = b->is_app ? mem_printf("%s/rest/", b->portal)
                        : mem_printf("%s%s", webhook, webhook[n - 1] == '/' ? "" : "/");
    return 0;
}

static int open_line(struct bitrix24 *b, const struct settings *s, struct err *err) {
    b->is_line = strcmp(settings_str(s, "history"), "openline") == 0;
    b->line.id = settings_str(s, "connector");
    b->line.name = settings_str(s, "connector_name");
    b->line.number = (int)settings_int(s, "line");
    b->line.application_token = settings_str(s, "application_token");
    b->line.waits_end = &b->line.waits;
    if (!b->is_line)
        return 0;
    b->flow.base.statuses = CRM_STATUSES_NONE; /* but of what was written there */
    if (!b->is_app || b->line.number <= 0 || !*b->line.application_token)
        return err_set(err, ERR_INVALID,
            "bitrix24 \"%s\": openline needs an application (no webhook_url), its "
            "application_token, and line",
            b->flow.base.target);
    return 0;
}

static int init(struct crm *c, const struct settings *s, const char *data_dir, struct err *err) {
    struct bitrix24 *b = bitrix24_of(c);
    (void)data_dir;
    b->resets = json_object();
    b->together.last = &b->together.first;
    b->making = (struct bitrix24_making){.source = settings_str(s, "source"),
        .responsible = settings_str(s, "responsible"),
        .also = settings_str(s, "also"),
        .stage = settings_str(s, "stage"),
        .category = (int)settings_int(s, "category"),
        .contact_fields = settings_list(s, "contact_fields"),
        .also_fields = settings_list(s, "also_fields")};
    crm_flow_init(&b->flow, c, &bitrix24_flow_ops, s);
    b->flow.options.markup = CRM_BBCODE;
    b->flow.options.text_max = COMMENT_MAX;
    b->options = (struct crm_calls_options){.parallel = (unsigned)settings_int(s, "parallel"),
        .per_second = (double)settings_int(s, "per_minute") / 60,
        .burst = (unsigned)settings_int(s, "burst"),
        .timeout_ms = (unsigned)settings_int(s, "timeout"),
        .answer_max = ANSWER_MAX,
        .allow_private = settings_bool(s, "allow_private")};
    return sign_in(b, s, err) < 0 ? -1 : open_line(b, s, err);
}

static int start(struct crm *c, struct err *err) {
    struct bitrix24 *b = bitrix24_of(c);
    if (b->is_line && !*c->public_url)
        return err_set(err, ERR_INVALID,
            "bitrix24 \"%s\": openline needs public_url, to which the portal posts", c->target);
    b->calls = crm_calls_create(c, &b->options);
    bitrix24_token_start(b);
    bool hears = b->is_app && *c->public_url && *b->line.application_token;
    if (c->core && (b->is_line || hears)) /* a webhook's events are an admin's to set up */
        bitrix24_line_start(b);
    return 0;
}

static void stop(struct crm *c) {
    struct bitrix24 *b = bitrix24_of(c);
    bitrix24_rest_stop(b);
    if (b->line.waits_end)
        bitrix24_line_stop(b);
}

static void finish(struct crm *c) {
    struct bitrix24 *b = bitrix24_of(c);
    json_decref(b->resets);
    free(b->portal);
    free(b->rest);
}

static void ensure_card(
    struct crm *c, const json_t *client, const char *known, crm_done_fn fn, void *arg) {
    struct bitrix24 *b = bitrix24_of(c);
    if (b->is_line)
        bitrix24_chat_ensure(c, client, known, fn, arg);
    else
        crm_flow_ensure(c, client, known, fn, arg);
}

static void attach(struct crm *c, const struct crm_attach *a, crm_done_fn fn, void *arg) {
    struct bitrix24 *b = bitrix24_of(c);
    if (b->is_line)
        bitrix24_chat_attach(c, a, fn, arg);
    else
        crm_flow_attach(c, a, fn, arg);
}

struct asking {
    crm_result_fn fn;
    void *arg;
};

static void on_no_card(void *arg) {
    struct asking *a = arg;
    json_t *none = json_pack("{s:n}", "card");
    a->fn(a->arg, none, NULL);
    json_decref(none);
    free(a);
}

static struct asking *asking_create(crm_result_fn fn, void *arg) {
    struct asking *a = mem_alloc(sizeof *a);
    *a = (struct asking){fn, arg};
    return a;
}

static void entries(struct crm *c, const char *card, crm_result_fn fn, void *arg) {
    struct bitrix24 *b = bitrix24_of(c);
    if (b->is_line)
        crm_flow_unsupported(
            c, "an open line of Bitrix24 does not tell what is in its chats", fn, arg);
    else
        crm_flow_entries(c, card, fn, arg);
}

static void card(
    struct crm *c, const char *client, const char *card_id, crm_result_fn fn, void *arg) {
    struct bitrix24 *b = bitrix24_of(c);
    if (b->is_line)
        loop_defer(c->env->loop, on_no_card, asking_create(fn, arg));
    else
        crm_flow_card(c, client, card_id, fn, arg);
}

const struct crm_ops bitrix24_crm = {
    .api = CRM_API,
    .name = "bitrix24",
    .caps = CRM_ENTRIES | CRM_REPLIES | CRM_POSTS_MANY,
    .size = sizeof(struct bitrix24),
    .settings = settings,
    .help = "Bitrix24: clients are contacts, messages are comments of their timeline; or chats of "
            "an open line, in which people answer.",
    .init = init,
    .start = start,
    .ensure_card = ensure_card,
    .attach = attach,
    .entries = entries,
    .card = card,
    .webhook = bitrix24_webhook,
    .take = bitrix24_take,
    .stop = stop,
    .finish = finish,
};
