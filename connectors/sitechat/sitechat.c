/* sitechat.c - the connector of the chat on a company's site: its settings and its place in the
 * gateway. Deliveries need no sending: what is stored in the thread is what visitors are shown. */
#include "connectors/sitechat/sitechat.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "connectors/sitechat/sitechat_form.h"
#include "connectors/sitechat/sitechat_origin.h"
#include "connectors/sitechat/sitechat_private.h"

#define QUEUE_FRAMES 512
#define QUEUE_BYTES (512u << 10)
#define LIMIT_KEYS 8192
#define EVENTS_A_DAY 500 /* of what a visitor's page tells, by visitor */
#define EVENTS_BURST 30
#define DAY_MS 86400000u
#define HOUR_MS 3600000u

static const struct setting settings[] = {
    {.key = "origins",
        .type = SETTING_LIST,
        .preset = "self",
        .check = origin_rule_check,
        .help = "Sites that may carry the chat: \"https://shop.example\", "
                "\"https://*.example.com\", or \"self\" for pages of this gateway (the demo). "
                "Scheme, host and port are compared exactly."},
    {.key = "identity_secret",
        .type = SETTING_STRING,
        .preset = "",
        .secret = true,
        .help = "Key with which the site's server signs its own users (JWT HS256, or HMAC-SHA256 "
                "of the user's id in hex). Empty: nobody can be proven."},
    {.key = "identity_secret_old",
        .type = SETTING_STRING,
        .preset = "",
        .secret = true,
        .help = "The key before, which is accepted too while it is being replaced."},
    {.key = "identity_required",
        .type = SETTING_BOOL,
        .preset = "no",
        .help = "Refuse a user without a good signature; otherwise he is taken for an anonymous "
                "visitor and what he says of himself for a claim."},
    {.key = "color",
        .type = SETTING_STRING,
        .preset = "#2f5bd7",
        .check = looks_color_check,
        .help = "Colour of the button and of the panel's head, \"#rrggbb\"."},
    {.key = "position",
        .type = SETTING_ENUM,
        .preset = "right",
        .choices = "right|left",
        .help = "Side of the page on which the button is."},
    {.key = "title_en",
        .type = SETTING_STRING,
        .preset = "",
        .check = looks_line_check,
        .help = "Title of the panel, in English. Texts that are empty are the chat's own."},
    {.key = "title_ru",
        .type = SETTING_STRING,
        .preset = "",
        .check = looks_line_check,
        .help = "Title of the panel, in Russian."},
    {.key = "greeting_en",
        .type = SETTING_STRING,
        .preset = "",
        .check = looks_text_check,
        .help = "What is said before the first message, in English."},
    {.key = "greeting_ru",
        .type = SETTING_STRING,
        .preset = "",
        .check = looks_text_check,
        .help = "What is said before the first message, in Russian."},
    {.key = "offline_en",
        .type = SETTING_STRING,
        .preset = "",
        .check = looks_text_check,
        .help = "What is said while no agent is there, in English."},
    {.key = "offline_ru",
        .type = SETTING_STRING,
        .preset = "",
        .check = looks_text_check,
        .help = "What is said while no agent is there, in Russian."},
    {.key = "quick_answers_en",
        .type = SETTING_LIST,
        .preset = "",
        .check = looks_line_check,
        .help = "Buttons under the greeting, in English: a click sends the words. At most 6."},
    {.key = "quick_answers_ru",
        .type = SETTING_LIST,
        .preset = "",
        .check = looks_line_check,
        .help = "Buttons under the greeting, in Russian: a click sends the words. At most 6."},
    {.key = "form",
        .type = SETTING_LIST,
        .preset = "",
        .check = form_field_check,
        .help =
            "What is asked before the first message: \"name\", \"email\", \"phone\"; with \"!\" "
            "(\"email!\") nobody writes without it. Each question costs visitors; empty: none."},
    {.key = "consent",
        .type = SETTING_ENUM,
        .preset = "none",
        .choices = "none|notice|required",
        .help = "Consent to the processing of personal data: not asked, said, or a box without "
                "which nothing can be written."},
    {.key = "consent_text_en",
        .type = SETTING_STRING,
        .preset = "",
        .check = looks_text_check,
        .help = "Words of the consent, in English."},
    {.key = "consent_text_ru",
        .type = SETTING_STRING,
        .preset = "",
        .check = looks_text_check,
        .help = "Words of the consent, in Russian."},
    {.key = "consent_url",
        .type = SETTING_STRING,
        .preset = "",
        .check = looks_url_check,
        .help = "Page with the whole text of the consent."},
    {.key = "consent_version",
        .type = SETTING_STRING,
        .preset = "1",
        .check = looks_version_check,
        .help = "Name of the consent's text, kept with the client; another one asks anew."},
    {.key = "rating",
        .type = SETTING_BOOL,
        .preset = "yes",
        .help = "Ask the visitor to rate the talk when an agent has closed it."},
    {.key = "sound",
        .type = SETTING_BOOL,
        .preset = "yes",
        .help = "A sound for an answer; each visitor can switch it off for himself."},
    {.key = "continue",
        .type = SETTING_BOOL,
        .preset = "yes",
        .help = "Offer the visitor to go on in a messenger (Telegram, WhatsApp), in the same "
                "dialogue."},
    {.key = "text_max",
        .type = SETTING_INT,
        .preset = "4000",
        .min = 100,
        .max = 4000,
        .help = "Characters in a visitor's message."},
    {.key = "messages_per_minute",
        .type = SETTING_INT,
        .preset = "60",
        .min = 1,
        .max = 1000000,
        .help = "Messages of one visitor, in the long run."},
    {.key = "messages_burst",
        .type = SETTING_INT,
        .preset = "10",
        .min = 1,
        .max = 1000000,
        .help = "Messages of one visitor at once."},
    {.key = "messages_per_day",
        .type = SETTING_INT,
        .preset = "500",
        .min = 1,
        .max = 100000000,
        .help = "Messages of one visitor in a day."},
    {.key = "new_visitors_per_hour",
        .type = SETTING_INT,
        .preset = "60",
        .min = 1,
        .max = 1000000,
        .help = "New visitors from one address (IPv6: one /64). The machine's own addresses are "
                "not counted."},
    {.key = "sockets_per_visitor",
        .type = SETTING_INT,
        .preset = "10",
        .min = 1,
        .max = 1000,
        .help = "Open chats (tabs) of one visitor, per worker."},
    {.key = "sockets_per_address",
        .type = SETTING_INT,
        .preset = "200",
        .min = 1,
        .max = 1000000,
        .help = "Open chats from one address, per worker; the first site's number counts for all."},
    {.key = "file_max",
        .type = SETTING_SIZE,
        .preset = "20M",
        .min = 1024,
        .max = 1 << 30,
        .help = "Size of one file that a visitor sends."},
    {.key = "files_per_day",
        .type = SETTING_SIZE,
        .preset = "100M",
        .min = 1024,
        .max = 1LL << 40,
        .help = "Bytes of files that one visitor may send in a day."},
    {0},
};

static double number(const struct settings *s, const char *key) {
    return (double)settings_int(s, key);
}

static int init(struct connector *c, const struct settings *s, struct err *err) {
    struct sitechat *site = container_of(c, struct sitechat, base);
    const char *const *origins = settings_list(s, "origins");
    size_t n = 0;
    while (origins && origins[n])
        n++;
    site->origins = mem_zalloc((n + 1) * sizeof *site->origins);
    for (size_t i = 0; i < n; i++)
        site->origins[i] = mem_strdup(origins[i]);
    site->secret = mem_strdup(settings_str(s, "identity_secret"));
    site->old_secret = mem_strdup(settings_str(s, "identity_secret_old"));
    site->secrets[0] = site->secret;
    site->secrets[1] = site->old_secret;
    site->identity_required = settings_bool(s, "identity_required");
    site->may_continue = settings_bool(s, "continue");
    site->text_max = (unsigned)settings_int(s, "text_max");
    site->sockets_max = (unsigned)settings_int(s, "sockets_per_visitor");
    site->sockets_per_address = (unsigned)settings_int(s, "sockets_per_address");
    site->file_max = settings_int(s, "file_max");
    site->files_a_day = settings_int(s, "files_per_day");
    if (site->identity_required && !*site->secret)
        return err_set(err, ERR_INVALID, "identity_required needs an identity_secret");
    if (looks_read(site, s, err) < 0)
        return -1;
    site->events = limit_create(LIMIT_KEYS, EVENTS_A_DAY, DAY_MS, EVENTS_BURST);
    site->messages = limit_create(
        LIMIT_KEYS, number(s, "messages_per_minute"), 60000, number(s, "messages_burst"));
    site->messages_day = limit_create(
        LIMIT_KEYS, number(s, "messages_per_day"), DAY_MS, number(s, "messages_per_day"));
    site->newcomers = limit_create(LIMIT_KEYS, number(s, "new_visitors_per_hour"), HOUR_MS,
        number(s, "new_visitors_per_hour"));
    site->bytes =
        limit_create(LIMIT_KEYS, number(s, "files_per_day"), DAY_MS, number(s, "files_per_day"));
    return 0;
}

bool site_origin_ok(const struct sitechat *site, const char *origin, const char *host) {
    /* Without an Origin it is no browser's page: a program, which could forge any. */
    return !origin || origin_is_own(origin, host) ||
           origin_is_allowed((const char *const *)site->origins, origin, host);
}

/* At the handshake the site is not named yet: one of them must allow the origin. */
static bool any_origin_ok(void *arg, const char *origin, const char *host) {
    const struct desk *d = arg;
    for (struct sitechat *site = d->sites; site; site = site->next_site)
        if (site_origin_ok(site, origin, host))
            return true;
    return false;
}

/* Routes and the endpoint may exist once: the first channel of this kind makes them for all. */
static int start(struct connector *c, struct err *err) {
    struct sitechat *site = container_of(c, struct sitechat, base);
    struct connector *first = connector_find(c->core, c->ops->name, NULL);
    struct sitechat *owner = container_of(first, struct sitechat, base);
    (void)err;
    if (owner == site) {
        site->owns_desk = true;
        site->desk = desk_create(site);
        struct ws_endpoint endpoint = {.path = "/ws/visitor",
            .kind = "visitor",
            .frame_max = VISITOR_FRAME_MAX,
            .queue_frames = QUEUE_FRAMES,
            .queue_bytes = QUEUE_BYTES,
            .per_ip = site->sockets_per_address,
            .origin_ok = any_origin_ok,
            .on_open = session_open,
            .on_message = session_message,
            .on_close = session_close,
            .arg = site->desk};
        ws_server_add(c->ws, &endpoint);
        http_server_add_routes(c->http, sitechat_media_routes, site->desk);
        http_server_add_routes(c->http, sitechat_page_routes, site->desk);
    }
    site->desk = owner->desk;
    site->next_site = site->desk->sites;
    site->desk->sites = site;
    connector_ready(c);
    return 0;
}

/* The thread is the visitor's: what is stored there is available to him now, and is pushed to his
 * open pages by what follows the events (sitechat_desk.c). His page reports delivered and read. */
static int send(struct connector *c, struct delivery *d, struct err *err) {
    struct delivery_outcome done = {.result = DELIVERY_OK};
    (void)c;
    (void)err;
    delivery_done(d, &done);
    return 0;
}

static void cancel(struct connector *c, struct delivery *d) {
    struct delivery_outcome done = {.result = DELIVERY_CANCELLED};
    (void)c;
    delivery_done(d, &done);
}

static void stop(struct connector *c) {
    (void)c; /* sockets are closed by their server, with the advice to come back */
}

static void finish(struct connector *c) {
    struct sitechat *site = container_of(c, struct sitechat, base);
    if (site->owns_desk)
        desk_destroy(&site->desk);
    for (size_t i = 0; site->origins && site->origins[i]; i++)
        free(site->origins[i]);
    free(site->origins);
    if (site->secret)
        explicit_bzero(site->secret, strlen(site->secret));
    if (site->old_secret)
        explicit_bzero(site->old_secret, strlen(site->old_secret));
    free(site->secret);
    free(site->old_secret);
    limit_destroy(&site->messages);
    limit_destroy(&site->messages_day);
    limit_destroy(&site->newcomers);
    limit_destroy(&site->bytes);
    limit_destroy(&site->events);
    looks_free(site);
}

const struct connector_ops sitechat_connector = {
    .api = CONNECTOR_API,
    .name = "sitechat",
    .caps = CONNECTOR_ATTACHMENTS | CONNECTOR_TYPING | CONNECTOR_RECEIPTS | CONNECTOR_REPEATABLE,
    .size = sizeof(struct sitechat),
    .settings = settings,
    .help = "The chat on your site: put <script async "
            "src=\"https://GATEWAY/widget.js?site=site\"></script> into its pages. Files and "
            "typing go both ways; /demo is a "
            "page to try it.",
    .identity_kind = "visitor",
    .init = init,
    .start = start,
    .send = send,
    .cancel = cancel,
    .stop = stop,
    .finish = finish,
};
