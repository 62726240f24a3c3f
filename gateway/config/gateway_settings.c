/* gateway_settings.c - the gateway's own settings: one row a key. */
#include "config/gateway_settings.h"

#include <stdlib.h>
#include <string.h>

#include "base/zone.h"

#define DAY_MS (24LL * 3600 * 1000)

static int check_listen(const char *value, struct err *err) {
    const char *colon = strrchr(value, ':');
    char *end = NULL;
    long port = colon ? strtol(colon + 1, &end, 10) : -1;
    if (!colon || !end || *end || end == colon + 1 || port < 0 || port > 65535)
        return err_set(err, ERR_INVALID,
            "expected address:port like 127.0.0.1:8080 or [::]:8080, found \"%.80s\"", value);
    return 0;
}

static int check_public_url(const char *value, struct err *err) {
    if (*value && strncmp(value, "https://", 8) != 0 && strncmp(value, "http://", 7) != 0)
        return err_set(err, ERR_INVALID,
            "expected a URL like https://chat.example.com, found \"%.80s\"", value);
    return 0;
}

static int check_redis_url(const char *value, struct err *err) {
    if (strcmp(value, "embedded") == 0 || strncmp(value, "unix://", 7) == 0 ||
        strncmp(value, "redis://", 8) == 0)
        return 0;
    return err_set(err, ERR_INVALID,
        "expected \"embedded\", unix:///path or redis://[user:password@]host:port[/db], found "
        "something else (it is not shown, since it may hold a password)");
}

static int check_zone(const char *value, struct err *err) {
    return zone_is_known(value)
               ? 0
               : err_set(err, ERR_INVALID,
                     "there is no time zone \"%.80s\"; they are named like Europe/Moscow", value);
}

static int check_not_empty(const char *value, struct err *err) {
    return *value ? 0 : err_set(err, ERR_INVALID, "must not be empty");
}

const struct setting gateway_settings[] = {
    {.key = "listen",
        .type = SETTING_STRING,
        .preset = "127.0.0.1:8080",
        .check = check_listen,
        .help = "Address and port that everything is served on: pages, API, websockets, webhooks. "
                "TLS is the work of a reverse proxy in front (docker/ has one configured)."},
    {.key = "public_url",
        .type = SETTING_STRING,
        .preset = "",
        .check = check_public_url,
        .help = "How the world reaches this gateway, e.g. https://chat.example.com. Needed for "
                "webhooks of messengers and behind a proxy; empty while you only try it out."},
    {.key = "data_dir",
        .type = SETTING_STRING,
        .preset = "data",
        .check = check_not_empty,
        .help = "Folder for all that is kept on disk: the embedded Redis, attachments, cards."},
    {.key = "workers",
        .type = SETTING_INT,
        .preset = "0",
        .min = 0,
        .max = 64,
        .help = "Worker processes; 0 means one for each processor."},
    {.key = "lease",
        .type = SETTING_DURATION,
        .preset = "5s",
        .min = 1000,
        .max = 60000,
        .help = "A worker that was not heard of for so long loses its deliveries to another."},
    {.key = "look_before_write",
        .type = SETTING_BOOL,
        .preset = "true",
        .help = "Look what a CRM has before a message is written to it again. Switched off only to "
                "show that the chaos test can fail."},
    {.key = "trusted_proxies",
        .type = SETTING_LIST,
        .preset = "",
        .help = "Addresses or networks of proxies whose X-Forwarded-For and X-Forwarded-Proto are "
                "believed, e.g. {\"127.0.0.1\", \"10.0.0.0/8\"}."},
    {.key = "log_level",
        .type = SETTING_ENUM,
        .preset = "info",
        .choices = "error|warn|info|debug",
        .help = "How much is logged. Message texts and secrets never are."},
    {.key = "log_format",
        .type = SETTING_ENUM,
        .preset = "logfmt",
        .choices = "logfmt|json",
        .help = "One line an event: logfmt (key=value) or JSON."},
    {0},
};

const struct setting redis_settings[] = {
    {.key = "url",
        .type = SETTING_STRING,
        .preset = "embedded",
        .secret = true,
        .check = check_redis_url,
        .help = "\"embedded\": the gateway runs its own redis-server in data_dir. Otherwise the "
                "address of yours (Redis 6.2 or newer, or Valkey): unix:///path/to.sock or "
                "redis://[user:password@]host:port[/db]. It must have appendonly yes, appendfsync "
                "always and maxmemory-policy noeviction: `switchboard doctor` checks."},
    {.key = "shards",
        .type = SETTING_INT,
        .preset = "16",
        .min = 1,
        .max = 256,
        .help = "Partitions of the data. Fixed when the data is created."},
    {.key = "durability",
        .type = SETTING_ENUM,
        .preset = "always",
        .choices = "always|everysec",
        .help = "appendfsync of the embedded Redis. \"always\": an accepted message survives any "
                "crash. \"everysec\" is faster and may lose the last second."},
    {.key = "connections",
        .type = SETTING_INT,
        .preset = "4",
        .min = 1,
        .max = 32,
        .help = "Connections of one worker."},
    {.key = "timeout",
        .type = SETTING_DURATION,
        .preset = "2s",
        .min = 100,
        .max = 60000,
        .help = "A command that Redis has not answered within this time has failed."},
    {.key = "dedupe",
        .type = SETTING_BOOL,
        .preset = "true",
        .help = "Recognise a message that is sent twice. Switched off only to show that the chaos "
                "test can fail."},
    {0},
};

const struct setting agents_settings[] = {
    {.key = "see",
        .type = SETTING_ENUM,
        .preset = "all",
        .choices = "all|assigned",
        .help = "Which threads an agent sees: all, or only his own and those of nobody. "
                "Supervisors and admins see all."},
    {.key = "session_ttl",
        .type = SETTING_DURATION,
        .preset = "14d",
        .min = 60000,
        .max = 400 * DAY_MS,
        .help = "A sign-in ends after so long without use."},
    {.key = "password_sign_in",
        .type = SETTING_BOOL,
        .preset = "true",
        .help = "Agents may sign in by a password. false: only by a provider (oidc); for an "
                "emergency set it to true and send SIGHUP."},
    {.key = "login_tries",
        .type = SETTING_INT,
        .preset = "10",
        .min = 1,
        .max = 1000,
        .help = "Tries for one account within a minute, and wrong ones in a row before it must "
                "wait: half a minute, then twice as long each time, up to 15 minutes. From one "
                "address three times as many. A browser in which the agent has signed in before "
                "does not wait for the guesses of others."},
    {.key = "text_max",
        .type = SETTING_INT,
        .preset = "16000",
        .min = 100,
        .max = 65536,
        .help = "Characters in one message of an agent."},
    {0},
};

const struct setting media_settings[] = {
    {.key = "max_size",
        .type = SETTING_SIZE,
        .preset = "20M",
        .min = 1024,
        .max = 4LL << 30,
        .help = "Largest attachment."},
    {.key = "deny",
        .type = SETTING_LIST,
        .preset = "text/html,application/xhtml+xml,image/svg+xml,text/xml,application/xml,"
                  "text/javascript,application/javascript,application/x-executable,"
                  "application/x-pie-executable,application/x-sharedlib,application/x-dosexec,"
                  "application/x-msdownload,application/x-ms-shortcut,text/x-shellscript,"
                  ".html,.htm,.svg,.xml,.js,.mjs,.exe,.dll,.bat,.cmd,.ps1,.vbs,.lnk,.scr,.hta",
        .help = "Attachments that are refused: types as found in the content, and name endings."},
    {.key = "link_life",
        .type = SETTING_DURATION,
        .preset = "7d",
        .min = 900000,
        .max = 3650 * DAY_MS,
        .help =
            "CRMs get links to files, if public_url is set, that open without a sign-in for so "
            "long: to fetch them (Bitrix24 takes up to a quarter of an hour), and for who reads "
            "the card. A shorter time counts for the links of before, too."},
    {0},
};

const struct setting history_settings[] = {
    {.key = "keep_messages",
        .type = SETTING_INT,
        .preset = "500",
        .min = 50,
        .max = 1000000,
        .help = "The newest messages of a thread that stay in Redis; older ones are kept by the "
                "CRM store only."},
    {.key = "keep_for",
        .type = SETTING_DURATION,
        .preset = "90d",
        .min = DAY_MS,
        .max = 3650 * DAY_MS,
        .help = "A message stays in Redis at least this long, and until every CRM has it."},
    {.key = "events",
        .type = SETTING_INT,
        .preset = "20000",
        .min = 100,
        .max = 10000000,
        .help = "Events kept in each shard, so that a screen that was away can catch up."},
    {.key = "audit",
        .type = SETTING_INT,
        .preset = "50000",
        .min = 100,
        .max = 1000000,
        .help = "Entries of the audit log (who did what) that are kept; about 250 bytes each."},
    {.key = "audit_for",
        .type = SETTING_DURATION,
        .preset = "400d",
        .min = DAY_MS,
        .max = 3650 * DAY_MS,
        .help = "And for so long."},
    {0},
};

const struct setting reports_settings[] = {
    {.key = "zone",
        .type = SETTING_STRING,
        .preset = "",
        .check = check_zone,
        .help = "The company's time zone, whose days and hours reports have: Europe/Moscow. Empty: "
                "the machine's. What was counted before a change stays in the days of before."},
    {.key = "keep_for",
        .type = SETTING_DURATION,
        .preset = "800d",
        .min = DAY_MS,
        .max = 3650 * DAY_MS,
        .help = "Figures of a day are kept so long."},
    {0},
};

const struct setting limits_settings[] = {
    {.key = "connections",
        .type = SETTING_INT,
        .preset = "20000",
        .min = 10,
        .max = 1000000,
        .help = "Open HTTP connections of one worker."},
    {.key = "connections_per_ip",
        .type = SETTING_INT,
        .preset = "500",
        .min = 1,
        .max = 1000000,
        .help = "Open connections from one address (IPv6: /64); trusted proxies are not counted."},
    {.key = "websockets_per_ip",
        .type = SETTING_INT,
        .preset = "500",
        .min = 1,
        .max = 1000000,
        .help = "Open websockets from one address."},
    {.key = "head_timeout",
        .type = SETTING_DURATION,
        .preset = "10s",
        .min = 100,
        .max = 600000,
        .help = "A request's head must be complete within this time."},
    {.key = "body_idle_timeout",
        .type = SETTING_DURATION,
        .preset = "30s",
        .min = 100,
        .max = 600000,
        .help = "A connection that sends nothing for so long is closed."},
    {.key = "body_timeout",
        .type = SETTING_DURATION,
        .preset = "5m",
        .min = 1000,
        .max = 3600000,
        .help = "A request's body must be complete within this time."},
    {0},
};
