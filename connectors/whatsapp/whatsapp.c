/* whatsapp.c - the connector for WhatsApp Business numbers: its settings and its place in the
 * gateway. */
#include "connectors/whatsapp/whatsapp.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "connectors/whatsapp/whatsapp_private.h"
#include "connectors/whatsapp/whatsapp_template.h"

#define CLIENTS_REMEMBERED 50000 /* by the limiter */
#define RATE_BEFORE_KNOWN 80
#define RATE_MS 60000

static int check_plain(const char *value, size_t least, size_t most, struct err *err) {
    size_t n = value ? strlen(value) : 0;
    for (size_t i = 0; i < n; i++)
        if (value[i] <= ' ' || value[i] > '~')
            n = 0;
    if (n < least || n > most)
        return err_set(err, ERR_INVALID,
            "expected %zu to %zu characters without spaces: copy it as it is", least, most);
    return 0;
}

static int check_token(const char *value, struct err *err) {
    return check_plain(value, 20, 1000, err);
}

static int check_verify(const char *value, struct err *err) {
    return check_plain(value, 8, 200, err);
}

static int check_id(const char *value, struct err *err) {
    size_t n = value ? strlen(value) : 0;
    if (n < 1 || n > 30 || strspn(value, "0123456789") != n)
        return err_set(err, ERR_INVALID, "expected an id of digits (it is not the phone number)");
    return 0;
}

/* One secret, or several with spaces between them: the first is in use, the others were. */
static int check_secrets(const char *value, struct err *err) {
    size_t words = 0;
    for (const char *p = value ? value : ""; *p;) {
        size_t n = strcspn(p, " ");
        if (n && (n < 16 || n > 200))
            words = WHATSAPP_SECRETS_MAX;
        words += n != 0;
        p += n + (p[n] != '\0');
    }
    if (words < 1 || words > WHATSAPP_SECRETS_MAX)
        return err_set(err, ERR_INVALID,
            "expected the app secret of 16 to 200 characters (while it is being changed, the new "
            "and "
            "the old one with a space between them)");
    return 0;
}

static int check_url(const char *value, struct err *err) {
    if (!value || (strncmp(value, "https://", 8) != 0 && strncmp(value, "http://", 7) != 0) ||
        strpbrk(value, " \t\r\n@?#"))
        return err_set(err, ERR_INVALID, "expected https://host[:port] or http://host[:port]");
    return 0;
}

static int check_version(const char *value, struct err *err) {
    size_t major = value && *value == 'v' ? strspn(value + 1, "0123456789") : 0;
    if (major < 1 || major > 3 || value[1 + major] != '.' ||
        strspn(value + 2 + major, "0123456789") != strlen(value + 2 + major) || !value[2 + major])
        return err_set(err, ERR_INVALID, "expected a version such as v26.0");
    return 0;
}

static int check_label(const char *value, struct err *err) {
    size_t n = value ? strlen(value) : 0;
    if (n < 1 || !utf8_is_text(value, n) || utf8_length(value, n) > 20)
        return err_set(err, ERR_INVALID, "expected a text of 1 to 20 characters");
    return 0;
}

static int check_words(const char *value, struct err *err) {
    size_t n = value ? strlen(value) : 0;
    if (n < 1 || !utf8_is_text(value, n) || utf8_length(value, n) > 1000)
        return err_set(err, ERR_INVALID, "expected a text of 1 to 1000 characters");
    return 0;
}

static const struct setting settings[] = {
    {.key = "token",
        .type = SETTING_STRING,
        .preset = NULL,
        .secret = true,
        .check = check_token,
        .help = "A token of a system user (Business settings) with whatsapp_business_messaging and "
                "whatsapp_business_management, without expiry."},
    {.key = "phone_number_id",
        .type = SETTING_STRING,
        .preset = NULL,
        .check = check_id,
        .help = "The id of the number (App Dashboard, WhatsApp, API Setup)."},
    {.key = "waba_id",
        .type = SETTING_STRING,
        .preset = NULL,
        .check = check_id,
        .help = "The id of the WhatsApp Business Account that the number belongs to."},
    {.key = "app_secret",
        .type = SETTING_STRING,
        .preset = NULL,
        .secret = true,
        .check = check_secrets,
        .help =
            "The app secret (App Dashboard, App settings, Basic), by which webhooks are signed. "
            "While it is being changed: the new and the old one, with a space between them."},
    {.key = "verify_token",
        .type = SETTING_STRING,
        .preset = NULL,
        .secret = true,
        .check = check_verify,
        .help =
            "A word of your own: the platform shows it when it asks whether the webhook's URL is "
            "yours."},
    {.key = "api_url",
        .type = SETTING_STRING,
        .preset = WHATSAPP_CLOUD,
        .check = check_url,
        .sends_secrets = true,
        .help = "The Graph API server."},
    {.key = "api_version",
        .type = SETTING_STRING,
        .preset = "v26.0",
        .check = check_version,
        .help = "The version of the Graph API; each lives for about two years."},
    {.key = "read_receipts",
        .type = SETTING_BOOL,
        .preset = "yes",
        .help = "Clients see when an agent has read their message, and when one types."},
    {.key = "list_button",
        .type = SETTING_STRING,
        .preset = "Choose",
        .check = check_label,
        .help = "What opens a list of more than three choices, in your clients' language."},
    {.key = "contact_text",
        .type = SETTING_STRING,
        .preset = "Please share your phone number with us",
        .check = check_words,
        .help = "The question for a client's phone number, where the agent wrote no own words."},
    {.key = "keep_raw",
        .type = SETTING_ENUM,
        .preset = "unknown",
        .choices = "unknown|all|none",
        .help = "Which messages are kept as they came besides: those not understood whole, all, or "
                "none."},
    CONNECTOR_RATING_SETTINGS,
    {0},
};

static void read_secrets(struct whatsapp *w, const char *text) {
    for (const char *p = text; *p;) {
        size_t n = strcspn(p, " ");
        if (n)
            w->secrets[w->nsecrets++] = mem_strndup(p, n);
        p += n + (p[n] != '\0');
    }
}

static int init(struct connector *c, const struct settings *s, struct err *err) {
    struct whatsapp *w = container_of(c, struct whatsapp, base);
    static const char *const keeps[] = {"unknown", "all", "none"};
    const char *url = settings_str(s, "api_url");
    size_t n = strlen(url);
    (void)err;
    while (n && url[n - 1] == '/')
        n--;
    w->token = mem_strdup(settings_str(s, "token"));
    w->number_id = mem_strdup(settings_str(s, "phone_number_id"));
    w->waba_id = mem_strdup(settings_str(s, "waba_id"));
    w->verify_token = mem_strdup(settings_str(s, "verify_token"));
    w->version = mem_strdup(settings_str(s, "api_version"));
    w->list_button = mem_strdup(settings_str(s, "list_button"));
    w->contact_text = mem_strdup(settings_str(s, "contact_text"));
    w->api_url = mem_strndup(url, n);
    w->is_cloud = strcmp(w->api_url, WHATSAPP_CLOUD) == 0;
    w->read_receipts = settings_bool(s, "read_receipts");
    connector_rates(c, s);
    read_secrets(w, settings_str(s, "app_secret"));
    for (size_t i = 0; i < ARRAY_LEN(keeps); i++)
        if (strcmp(keeps[i], settings_str(s, "keep_raw")) == 0)
            w->keep_raw = (enum whatsapp_keep)i;
    w->limiter = limiter_create(CLIENTS_REMEMBERED);
    w->known = mem_zalloc(WHATSAPP_KNOWN * sizeof *w->known);
    randombytes_buf(w->hash_key, sizeof w->hash_key);
    w->per_second = RATE_BEFORE_KNOWN;
    return 0;
}

static void on_rate_time(void *arg) {
    whatsapp_learn(arg);
}

/* Whoever owns the channel's shard begins with the work: whatsapp_tend(). */
static int start(struct connector *c, struct err *err) {
    struct whatsapp *w = container_of(c, struct whatsapp, base);
    (void)err;
    w->rate_timer = loop_timer_start(c->env->loop, 2000, RATE_MS, on_rate_time, w);
    return 0;
}

static void add_text(json_t *o, const char *key, const json_t *from, const char *name) {
    const char *s = json_string_value(json_object_get(from, name));
    if (s && *s)
        json_object_set_new(o, key, json_string(s));
}

static json_t *info(struct connector *c) {
    const struct whatsapp *w = container_of(c, struct whatsapp, base);
    const char *number = json_string_value(json_object_get(w->about, "display_phone_number"));
    char when[CLOCK_TEXT_SIZE], digits[24];
    size_t n = 0;
    json_t *o = json_pack("{s:s}", "mode", "webhook");
    add_text(o, "title", w->about, "verified_name");
    add_text(o, "username", w->about, "display_phone_number");
    add_text(o, "quality", w->about, "quality_rating");
    add_text(o, "status", w->about, "status");
    add_text(o, "tier", w->about, "whatsapp_business_manager_messaging_limit");
    for (const char *p = number; p && *p && n + 1 < sizeof digits; p++)
        if (*p >= '0' && *p <= '9')
            digits[n++] = *p;
    digits[n] = '\0';
    if (n) {
        json_object_set_new(o, "link", json_sprintf("https://wa.me/%s", digits));
        json_object_set_new(
            o, "invite", json_sprintf("https://wa.me/%s?text=Chat%%20%%23", digits));
    }
    if (w->about)
        json_object_set_new(o, "throughput", json_integer((json_int_t)w->per_second));
    if (w->expires_ms)
        json_object_set_new(o, "token_expires", json_string(clock_format(w->expires_ms, when)));
    if (w->trouble)
        json_object_set_new(o, "trouble", json_string(w->trouble));
    if (w->warning || w->is_refusing)
        json_object_set_new(
            o, "warning", json_string(w->warning ? w->warning : WHATSAPP_WRONG_SIGNATURE));
    return o;
}

static void stop(struct connector *c) {
    struct whatsapp *w = container_of(c, struct whatsapp, base);
    w->stopping = true;
    loop_timer_stop(&w->rate_timer);
    loop_timer_stop(&w->list_timer);
    whatsapp_setup_stop(w);
}

static void forget(char **secret) {
    if (*secret)
        explicit_bzero(*secret, strlen(*secret));
    free(*secret);
    *secret = NULL;
}

static void finish(struct connector *c) {
    struct whatsapp *w = container_of(c, struct whatsapp, base);
    loop_timer_stop(&w->rate_timer);
    loop_timer_stop(&w->list_timer);
    whatsapp_setup_stop(w);
    limiter_destroy(&w->limiter);
    forget(&w->token);
    forget(&w->verify_token);
    for (size_t i = 0; i < w->nsecrets; i++)
        forget(&w->secrets[i]);
    free(w->number_id);
    free(w->waba_id);
    free(w->version);
    free(w->api_url);
    free(w->list_button);
    free(w->contact_text);
    free(w->trouble);
    free(w->warning);
    free(w->known);
    json_decref(w->about);
}

static int fill(const json_t *found, const json_t *values, const char *file_mime, json_t **template,
    char **text, struct err *err) {
    json_t *components = NULL;
    if (whatsapp_template_fill(found, values, file_mime, &components, text, err) < 0)
        return -1;
    *template = json_pack("{s:O,s:O,s:O*,s:O*,s:o}", "name", json_object_get(found, "name"),
        "language", json_object_get(found, "language"), "category",
        json_object_get(found, "category"), "values", values, "components", components);
    return 0;
}

const struct connector_ops whatsapp_connector = {
    .api = CONNECTOR_API,
    .name = "whatsapp",
    .caps = CONNECTOR_ATTACHMENTS | CONNECTOR_TYPING | CONNECTOR_RECEIPTS | CONNECTOR_REACT |
            CONNECTOR_REPLY | CONNECTOR_BUTTONS | CONNECTOR_REQUEST_CONTACT | CONNECTOR_LOCATION |
            CONNECTOR_CONTACT | CONNECTOR_TEMPLATES | CONNECTOR_WINDOW | CONNECTOR_NEEDS_ADDRESS,
    .size = sizeof(struct whatsapp),
    .settings = settings,
    .help =
        "A WhatsApp Business number (Cloud API). The gateway checks token and number, subscribes "
        "the webhook where public_url is https, and says in `doctor` what is missing.",
    .identity_kind = WHATSAPP_KIND,
    .init = init,
    .start = start,
    .send = whatsapp_send,
    .cancel = whatsapp_cancel,
    .pace = whatsapp_pace,
    .fetch = whatsapp_fetch,
    .tend = whatsapp_tend,
    .check = whatsapp_check,
    .info = info,
    .typing = whatsapp_typing,
    .read = whatsapp_read,
    .fill = fill,
    .webhook = whatsapp_webhook,
    .stop = stop,
    .finish = finish,
};
