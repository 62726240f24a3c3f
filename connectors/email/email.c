/* email.c - the connector for mailboxes: its settings and its place in the gateway. */
#include "connectors/email/email.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/crypto.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "connectors/email/email_compose.h"
#include "connectors/email/email_ids.h"
#include "connectors/email/email_private.h"

#define READERS 2u /* children of a worker that read mails */
#define LOCAL_ADDRESS_MAX 200

static int check_imap(const char *value, struct err *err) {
    return mail_server_url_check(value, "imap", err);
}

static int check_smtp(const char *value, struct err *err) {
    return mail_server_url_check(value, "smtp", err);
}

static int check_address(const char *value, struct err *err) {
    char *good = email_address_check(value, err);
    free(good);
    return good ? 0 : -1;
}

/* A keyword (RFC 9051: an atom) or the name of a folder. */
static int check_word(const char *value, struct err *err) {
    if (value &&
        (strlen(value) > 100 || !utf8_is_text(value, strlen(value)) || strpbrk(value, "\r\n\"\\")))
        return err_set(err, ERR_INVALID, "expected a plain name of at most 100 bytes");
    return 0;
}

static int check_text(const char *value, struct err *err) {
    if (value && (strlen(value) > 4000 || !utf8_is_text(value, strlen(value))))
        return err_set(err, ERR_INVALID, "expected a text of at most 4000 bytes");
    return 0;
}

static int check_token_url(const char *value, struct err *err) {
    if (value && *value && strncmp(value, "https://", 8) != 0 &&
        strncmp(value, "http://127.", 11) != 0)
        return err_set(err, ERR_INVALID, "expected https://...");
    return 0;
}

static const struct setting settings[] = {
    {.key = "address",
        .type = SETTING_STRING,
        .preset = NULL,
        .check = check_address,
        .help = "The mailbox's address: what clients write to, and what answers come from."},
    {.key = "name",
        .type = SETTING_STRING,
        .preset = "",
        .check = check_word,
        .help = "The name that clients see beside the address."},
    {.key = "imap_url",
        .type = SETTING_STRING,
        .sends_secrets = true,
        .preset = NULL,
        .check = check_imap,
        .help = "Where mail comes in: imaps://host[:993], or imap://host[:143], which is made "
                "secure by STARTTLS or given up."},
    {.key = "smtp_url",
        .type = SETTING_STRING,
        .sends_secrets = true,
        .preset = NULL,
        .check = check_smtp,
        .help = "Where mail goes out: smtps://host[:465], or smtp://host[:587], which is made "
                "secure by STARTTLS or given up."},
    {.key = "user",
        .type = SETTING_STRING,
        .preset = "",
        .check = check_word,
        .help = "Name to log in with; by default the address."},
    {.key = "password",
        .type = SETTING_STRING,
        .preset = "",
        .secret = true,
        .help = "Password (of the application, where the provider asks for one). Not needed with "
                "OAuth2."},
    {.key = "token_url",
        .type = SETTING_STRING,
        .sends_secrets = true,
        .preset = "",
        .check = check_token_url,
        .help = "OAuth2 instead of a password: where access tokens come from, e.g. "
                "https://oauth2.googleapis.com/token or "
                "https://login.microsoftonline.com/<tenant>/oauth2/v2.0/token."},
    {.key = "client_id", .type = SETTING_STRING, .preset = "", .help = "OAuth2: the application."},
    {.key = "client_secret",
        .type = SETTING_STRING,
        .preset = "",
        .secret = true,
        .help = "OAuth2: its secret."},
    {.key = "refresh_token",
        .type = SETTING_STRING,
        .preset = "",
        .secret = true,
        .help = "OAuth2: the refresh token that the mailbox's owner gave. Newer ones that the "
                "provider gives are kept in Redis, until another is written here."},
    {.key = "scope",
        .type = SETTING_STRING,
        .preset = "",
        .help = "OAuth2: e.g. https://mail.google.com/ ; \"\": as the refresh token has."},
    {.key = "ca_file",
        .type = SETTING_STRING,
        .file_only = true,
        .preset = "",
        .help = "Certificates to trust instead of the system's (PEM), for servers of your own."},
    {.key = "allow_private",
        .type = SETTING_BOOL,
        .sends_secrets = true,
        .preset = "no",
        .help = "The servers may be in a private network."},
    {.key = "folder",
        .type = SETTING_STRING,
        .preset = "INBOX",
        .check = check_word,
        .help = "The folder that is followed."},
    {.key = "since_days",
        .type = SETTING_INT,
        .preset = "0",
        .min = 0,
        .max = 3650,
        .help = "When the mailbox is first connected: take the mails of so many days too. 0: only "
                "what comes from then on."},
    {.key = "processed",
        .type = SETTING_ENUM,
        .preset = "leave",
        .choices = "leave|seen|keyword|move",
        .help = "What happens to a mail in the mailbox when it is in its thread: nothing, marked "
                "as seen, given a keyword, or moved to a folder. Nothing depends on it."},
    {.key = "processed_name",
        .type = SETTING_STRING,
        .preset = "Switchboard",
        .check = check_word,
        .help = "The keyword, or the folder."},
    {.key = "sent_copy",
        .type = SETTING_ENUM,
        .preset = "auto",
        .choices = "auto|append|none",
        .help = "A copy of what is sent into the mailbox's folder for it. auto: where the provider "
                "does not make one itself (Google and Microsoft do)."},
    {.key = "sent_folder",
        .type = SETTING_STRING,
        .preset = "",
        .check = check_word,
        .help = "That folder; by default the one that the server calls \\Sent."},
    {.key = "plus_address",
        .type = SETTING_BOOL,
        .preset = "no",
        .help = "The server delivers name+anything@domain to this mailbox: answers get a Reply-To "
                "that names their thread."},
    {.key = "signature",
        .type = SETTING_STRING,
        .preset = "",
        .check = check_text,
        .help = "Text under each answer."},
    {.key = "authserv_id",
        .type = SETTING_STRING,
        .preset = "",
        .check = check_word,
        .help = "The name that your provider puts first in Authentication-Results (for Google "
                "mx.google.com): only its verdicts on SPF, DKIM and DMARC are shown."},
    {.key = "max_size",
        .type = SETTING_SIZE,
        .preset = "40M",
        .min = 65536,
        .max = 200LL << 20,
        .help = "Larger mails are cut: the thread says so, and the whole stays in the mailbox."},
    {.key = "retry",
        .type = SETTING_DURATION,
        .preset = "1m",
        .min = 1000,
        .max = 3600000,
        .help =
            "How long an answer waits that a server has put off, the first time; later it is 5, "
            "15, 30, 60, 120 and then 240 times as long."},
    {.key = "give_up",
        .type = SETTING_DURATION,
        .preset = "3d",
        .min = 1000,
        .max = 4 * 86400000LL,
        .help = "How long an answer, or its way to one recipient of several, is tried again."},
    {.key = "idle_renew",
        .type = SETTING_DURATION,
        .preset = "9m",
        .min = 1000,
        .max = 29 * 60000,
        .help = "How often IDLE is begun anew: routers forget silent connections."},
    {.key = "poll",
        .type = SETTING_DURATION,
        .preset = "1m",
        .min = 1000,
        .max = 3600000,
        .help = "How often to look where the server has no IDLE."},
    {.key = "patience",
        .type = SETTING_DURATION,
        .preset = "1m",
        .min = 1000,
        .max = 600000,
        .help = "How long the IMAP server may be silent while it owes an answer: then it is left, "
                "and asked anew."},
    CONNECTOR_RATING_SETTINGS,
    {0},
};

/* --- addresses ------------------------------------------------------------------------------- */

char *email_identity(const char *address) {
    struct err err;
    char *good = email_address_check(address, &err);
    if (!good)
        return NULL;
    for (char *c = good; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    if (strlen(good) > LOCAL_ADDRESS_MAX) {
        free(good);
        return NULL;
    }
    return good;
}

/* name@domain or name+anything@domain */
static bool is_address_of(const struct email *e, const char *address) {
    size_t local = (size_t)(e->domain - 1 - e->address);
    const char *at = strrchr(address, '@');
    return at && strcasecmp(at + 1, e->domain) == 0 &&
           strncasecmp(address, e->address, local) == 0 &&
           (address[local] == '@' || (e->plus_address && address[local] == '+'));
}

struct email *email_of_address(struct email *e, const char *address) {
    struct email *at = e, *found = NULL;
    char *same = email_identity(address); /* however its domain is written */
    while (same && !found) {
        if (is_address_of(at, same))
            found = at;
        at = e->base.core ? container_of(connector_next(&at->base), struct email, base) : e;
        if (at == e)
            break;
    }
    free(same);
    return found;
}

char *email_instance(const struct email *e) {
    static const char what[] = "email instance";
    char hex[CRYPTO_HEX_SIZE];
    const char *secret = connector_secret(&e->base);
    if (!secret)
        return NULL;
    crypto_hmac_sha256_hex(span_str(secret), span_str(what), hex);
    return mem_strndup(hex, 16);
}

const char *email_kept_name(char kind, const char *what, char out[EMAIL_NAME_SIZE]) {
    char hex[CRYPTO_HEX_SIZE];
    crypto_sha256_hex(span_str(what), hex);
    out[0] = kind;
    out[1] = ':';
    memcpy(out + 2, hex, 32);
    out[34] = '\0';
    return out;
}

/* --- what all mailboxes of a worker share ---------------------------------------------------- */

struct email_shared *email_shared_get(struct email *e) {
    static const struct email_readers_options readers = {.children = READERS};
    struct email *at = e;
    if (e->shared)
        return e->shared;
    while (e->base.core && !e->shared) {
        at = container_of(connector_next(&at->base), struct email, base);
        if (at == e)
            break;
        e->shared = at->shared;
    }
    if (!e->shared) {
        e->shared = mem_zalloc(sizeof *e->shared);
        e->shared->readers = email_readers_create(e->base.env, &readers);
        e->shared->streams = mail_streams_create(e->base.env);
        e->shared->smtp = smtp_client_create(e->base.env);
    }
    e->shared->refs++;
    return e->shared;
}

static void shared_put(struct email *e) {
    struct email_shared *s = e->shared;
    e->shared = NULL;
    if (!s || --s->refs)
        return;
    email_readers_destroy(&s->readers);
    mail_streams_destroy(&s->streams);
    smtp_client_destroy(&s->smtp);
    free(s);
}

/* --- life ------------------------------------------------------------------------------------ */

static int choice(const struct settings *s, const char *key, const char *const *names, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (strcmp(names[i], settings_str(s, key)) == 0)
            return (int)i;
    return 0;
}

/* For email_check_key(). */
static void init_check_seed(struct email *e, const struct settings *s) {
    char *all = mem_printf("email check\n%s\n%s\n%s\n%s", e->address, e->password,
        settings_str(s, "client_secret"), settings_str(s, "refresh_token"));
    crypto_sha256_hex(span_str(all), e->check_seed);
    explicit_bzero(all, strlen(all));
    free(all);
}

static int init_login(struct email *e, const struct settings *s, struct err *err) {
    e->user = mem_strdup(*settings_str(s, "user") ? settings_str(s, "user") : e->address);
    e->password = mem_strdup(settings_str(s, "password"));
    init_check_seed(e, s);
    if (!*settings_str(s, "token_url")) {
        if (!*e->password)
            return err_set(err, ERR_INVALID,
                "email \"%s\": password is missing (or token_url, client_id and refresh_token)",
                e->base.channel);
        return 0;
    }
    struct email_oauth_account o = {.token_url = settings_str(s, "token_url"),
        .client_id = settings_str(s, "client_id"),
        .client_secret = settings_str(s, "client_secret"),
        .refresh_token = settings_str(s, "refresh_token"),
        .scope = settings_str(s, "scope"),
        .allow_private = e->allow_private,
        .allow_plain = strncmp(settings_str(s, "token_url"), "http://", 7) == 0};
    if (!*o.client_id || !*o.refresh_token)
        return err_set(err, ERR_INVALID, "email \"%s\": OAuth2 needs client_id and refresh_token",
            e->base.channel);
    const struct email_oauth_keeper keeper = email_login_keeper(e);
    e->oauth = email_oauth_create(e->base.env, e->base.client, &o, &keeper);
    return 0;
}

static int init(struct connector *c, const struct settings *s, struct err *err) {
    struct email *e = container_of(c, struct email, base);
    static const char *const processed[] = {"leave", "seen", "keyword", "move"};
    static const char *const copies[] = {"auto", "append", "none"};
    e->address = email_identity(settings_str(s, "address"));
    if (!e->address)
        return err_set(err, ERR_INVALID, "email \"%s\": address is too long", c->channel);
    e->domain = strrchr(e->address, '@') + 1;
    e->name = mem_strdup(settings_str(s, "name"));
    e->signature = mem_strdup(settings_str(s, "signature"));
    e->imap_url = mem_strdup(settings_str(s, "imap_url"));
    e->smtp_url = mem_strdup(settings_str(s, "smtp_url"));
    e->ca_file = mem_strdup(settings_str(s, "ca_file"));
    e->folder = mem_strdup(settings_str(s, "folder"));
    e->authserv = mem_strdup(settings_str(s, "authserv_id"));
    e->done_name = mem_strdup(settings_str(s, "processed_name"));
    e->sent_folder = mem_strdup(settings_str(s, "sent_folder"));
    e->plus_address = settings_bool(s, "plus_address");
    e->allow_private = settings_bool(s, "allow_private");
    e->processed = (enum email_processed)choice(s, "processed", processed, ARRAY_LEN(processed));
    e->sent_copy = (enum email_sent_copy)choice(s, "sent_copy", copies, ARRAY_LEN(copies));
    e->since_ms = settings_int(s, "since_days") * 24 * 3600 * 1000;
    e->max_size = settings_int(s, "max_size");
    e->renew_ms = settings_int(s, "idle_renew");
    e->poll_ms = settings_int(s, "poll");
    e->patience_ms = settings_int(s, "patience");
    e->retry_ms = settings_int(s, "retry");
    e->give_up_ms = settings_int(s, "give_up");
    connector_rates(c, s);
    return init_login(e, s, err);
}

/* Whoever owns the channel's shard follows the mailbox: email_tend(). */
static int start(struct connector *c, struct err *err) {
    (void)err;
    email_shared_get(container_of(c, struct email, base));
    return 0;
}

static json_t *info(struct connector *c) {
    const struct email *e = container_of(c, struct email, base);
    json_t *o = json_pack("{s:s,s:s,s:s}", "mode", "imap", "title", *e->name ? e->name : e->address,
        "username", e->address);
    if (e->trouble)
        json_object_set_new(o, "trouble", json_string(e->trouble));
    return o;
}

static void stop(struct connector *c) {
    struct email *e = container_of(c, struct email, base);
    e->stopping = true;
    email_sendings_stop(e);
    email_checks_stop(e);
    email_box_stop(e);
}

static void free_secret(char **s) {
    if (*s)
        explicit_bzero(*s, strlen(*s));
    free(*s);
    *s = NULL;
}

static void finish(struct connector *c) {
    struct email *e = container_of(c, struct email, base);
    email_checks_stop(e);
    email_box_stop(e);
    email_copies_stop(e);
    email_oauth_destroy(&e->oauth);
    shared_put(e);
    free_secret(&e->password);
    explicit_bzero(e->check_seed, sizeof e->check_seed);
    explicit_bzero(e->check_key, sizeof e->check_key);
    char **all[] = {&e->address, &e->name, &e->signature, &e->imap_url, &e->smtp_url, &e->user,
        &e->ca_file, &e->folder, &e->authserv, &e->done_name, &e->sent_folder, &e->trouble};
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        free(*all[i]);
}

const struct connector_ops email_connector = {
    .api = CONNECTOR_API,
    .name = "email",
    .caps = CONNECTOR_ATTACHMENTS | CONNECTOR_HTML | CONNECTOR_REPLY | CONNECTOR_NEEDS_ADDRESS |
            CONNECTOR_MAIL | CONNECTOR_REPEATABLE,
    .size = sizeof(struct email),
    .settings = settings,
    .help = "A mailbox: mail comes in by IMAP and answers go out by SMTP. What waits in the "
            "mailbox when the gateway was away is taken then.",
    .identity_kind = EMAIL_KIND,
    .init = init,
    .start = start,
    .send = email_send,
    .cancel = email_cancel,
    .pace = email_pace,
    .tend = email_tend,
    .check = email_check,
    .info = info,
    .stop = stop,
    .finish = finish,
};
