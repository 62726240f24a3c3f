/* telegram_private.h - what the files of this folder share: the bot, calls to its Bot API server,
 * and who does what. */
#ifndef SB_CONNECTORS_TELEGRAM_TELEGRAM_PRIVATE_H
#define SB_CONNECTORS_TELEGRAM_TELEGRAM_PRIVATE_H

#include "connectors/telegram/telegram_answer.h"
#include "connectors/telegram/telegram_limit.h"
#include "connectors/telegram/telegram_update.h"
#include "core/connector.h"
#include "net/http_client.h"

#define TELEGRAM_CLOUD "https://api.telegram.org"
#define TELEGRAM_KIND "telegram" /* of identities */
#define TELEGRAM_FETCH_CLOUD (20LL * 1024 * 1024)
#define TELEGRAM_FETCH_LOCAL (2000LL * 1024 * 1024)

enum telegram_mode { TELEGRAM_AUTO, TELEGRAM_WEBHOOK, TELEGRAM_POLLING };
enum telegram_keep { TELEGRAM_KEEP_UNKNOWN, TELEGRAM_KEEP_ALL, TELEGRAM_KEEP_NONE };

struct telegram_sending;
struct telegram_fetching;
struct telegram_poll;

struct telegram {
    struct connector base; /* first: the core gives us a pointer to it */
    char *contact_button;
    char *token, *api_url; /* api_url without a slash at its end */
    enum telegram_mode mode;
    enum telegram_keep keep_raw;
    bool local_files; /* a server of our own: larger limits, files by path */
    bool is_cloud;
    int64_t bot_id;                         /* the number in the token */
    char *hook_of, *hook_url, *hook_secret; /* made from this secret of the data: webhook.c */

    /* While this worker looks after the bot. */
    bool mine, stopping, has_picture;
    char *username, *title, *trouble; /* of getMe, getWebhookInfo; NULL not known */
    int64_t pending;                  /* updates that wait at Telegram, as last told */
    struct loop_timer *timer;         /* the next step: set up again, look at its health */
    unsigned failures, looks;
    unsigned generation; /* answers to calls of an earlier tending are of no interest */
    struct telegram_poll *poll;

    struct telegram_limit *limit;
    uint64_t blocked_until_ms; /* the token is wrong: nothing is sent before */
    struct telegram_sending *sendings;
    struct telegram_typing {
        char chat[TELEGRAM_ADDRESS_SIZE];
        uint64_t until_ms;
    } typing[16];
    unsigned typing_next;
};

/* telegram_api.c */

/* a is NULL exactly when err is not; sent: the request may have reached Telegram. */
typedef void (*telegram_fn)(
    void *arg, const struct telegram_answer *a, const struct err *err, bool sent);
struct telegram_request {
    const char *method;
    const json_t *params;          /* object, borrowed; NULL none */
    const struct http_part *files; /* multipart: params go as fields before these */
    size_t nfiles;
    unsigned timeout_ms; /* 0: 30 s */
    bool long_poll;
    const char *query; /* GET with this query instead of params; NULL: POST */
};
struct http_call *telegram_request(
    struct telegram *t, const struct telegram_request *rq, telegram_fn fn, void *arg);
/* The URL of a file on the server, with the token: for the HTTP client only. The caller frees. */
char *telegram_file_url(const struct telegram *t, const char *path);
/* Is the webhook's way in ours to use? */
bool telegram_uses_webhook(const struct telegram *t);
/* "https://.../hooks/telegram/sales/<32 hex>", and the secret token of the header; NULL without
 * public_url, or before Redis was reached. The caller frees. */
char *telegram_webhook_url(const struct telegram *t);
char *telegram_webhook_secret(const struct telegram *t);
/* Is it this installation's webhook of this channel, by whatever public_url? url may be NULL. */
bool telegram_is_own_webhook(const struct telegram *t, const char *url);
json_t *telegram_allowed_updates(void); /* a new reference */

/* telegram_setup.c: getMe, webhook or polling, and whether all is still well */
void telegram_tend(struct connector *c, bool mine);
void telegram_setup_stop(struct telegram *t);
/* Polling was refused because a webhook is set: one of ours, left by a worker that was slow to let
 * go, is taken away; somebody else's is for the admin to judge. */
void telegram_setup_conflict(struct telegram *t);
/* The token was refused: nothing is sent for a while, the channel is lost. */
void telegram_token_refused(struct telegram *t, const struct err *err);

/* telegram_poll.c */
void telegram_poll_start(struct telegram *t);
void telegram_poll_stop(struct telegram *t);

/* telegram_take.c: one update into the gateway. u is taken over. fn once: NULL when it is stored
 * (or can never be), else what is wrong now: try again later. */
typedef void (*telegram_taken_fn)(void *arg, const struct err *err);
void telegram_take(struct telegram *t, struct telegram_update *u, telegram_taken_fn fn, void *arg);

/* telegram_webhook.c */
void telegram_webhook(struct connector *c, struct http_exchange *x);

/* telegram_send.c */
int telegram_send(struct connector *c, struct delivery *d, struct err *err);
void telegram_cancel(struct connector *c, struct delivery *d);
unsigned telegram_pace(struct connector *c, const struct delivery *d);
void telegram_typing(struct connector *c, const struct identity *to, const char *route, bool on);

/* telegram_picture.c: fetched once the bot is known */
void telegram_picture(struct telegram *t);

/* telegram_fetch.c */
/* A path of the server that may stand in a URL as it is. */
bool telegram_is_plain_path(const char *p);
void telegram_fetch(struct connector *c, struct fetch *f);

/* telegram_check.c */
void telegram_check(
    struct connector *c, const struct check_options *o, connector_check_fn fn, void *arg);

#endif
