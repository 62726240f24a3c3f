/* connector.h - the contract between the core and a channel's connector. A connector is a folder
 * under connectors/ whose only exported symbol is one `const struct connector_ops`; copy
 * connectors/loopback/ to begin a new one.
 *
 * Rules. Everything runs on the loop's thread and nothing blocks. A slot that a connector does not
 * need may be NULL only where it says so. Strings given to you live for the call only. The
 * connector's own struct has `struct connector base` as its first member. */
#ifndef SB_CORE_CONNECTOR_H
#define SB_CORE_CONNECTOR_H

#include <jansson.h>

#include "base/err.h"
#include "config/setting.h"
#include "loop/loop.h"
#include "model/message.h"
#include "net/http_server.h"
#include "net/ws_server.h"

#define CONNECTOR_API 1

struct core;
struct redis;
struct connector;
struct sink;

/* What the channel can do; the inbox shows only these. */
enum {
    CONNECTOR_ATTACHMENTS = 1 << 0,
    CONNECTOR_TYPING = 1 << 1,   /* typing from us to the client */
    CONNECTOR_RECEIPTS = 1 << 2, /* tells delivered and read */
    CONNECTOR_HTML = 1 << 3,
    CONNECTOR_EDIT = 1 << 5,
    CONNECTOR_DELETE = 1 << 6,
    CONNECTOR_REACT = 1 << 7,
    CONNECTOR_REPLY = 1 << 8,            /* to a message, quoting it */
    CONNECTOR_BUTTONS = 1 << 9,          /* choices under a message */
    CONNECTOR_REQUEST_CONTACT = 1 << 10, /* a button that gives us the client's phone number */
    CONNECTOR_NEEDS_ADDRESS = 1 << 11,   /* sends to an identity of its kind only */
    CONNECTOR_LOCATION = 1 << 12,        /* a place of ours */
    CONNECTOR_CONTACT = 1 << 13,         /* a contact card of ours */
    CONNECTOR_MAIL = 1 << 16,            /* messages have subject, cc, bcc, reply_all, no_quote */
    CONNECTOR_TEMPLATES = 1 << 14,       /* has texts that were approved beforehand: template() */
    CONNECTOR_WINDOW = 1 << 15,   /* answers go only while the client's window is open (struct
                                     inbound); templates always */
    CONNECTOR_REPEATABLE = 1 << 4 /* sending one key twice does no harm: a delivery whose outcome a
                                     crash took away is sent again instead of becoming unknown */
};

/* What a delivery is: a new message, or a change of one that the channel has (external ids: body's
 * "sent_ids", or "external_id" of the client's own). Changes may be asked for again after a crash:
 * doing one twice does no harm. */
enum delivery_what {
    DELIVERY_SEND,
    DELIVERY_EDIT,   /* the body is the new one */
    DELIVERY_DELETE, /* all parts of it */
    DELIVERY_REACT, /* body's "reactions" whose "by" is not "client" are ours: none takes it away */
    DELIVERY_REST   /* those of body's "recipients" that are "queued": see connector_recipients().
                       It holds back nothing else of its thread */
};

/* One message on its way out. Owned by the core; the connector holds it from send() that returned
 * 0 until delivery_done(). */
struct delivery {
    enum delivery_what what;
    const char *thread; /* ids: see base/id.h */
    const char *message;
    int64_t seq;
    const char *key;         /* stable over retries: idempotency key towards the peer */
    unsigned attempt;        /* 1, 2, ... */
    int64_t queued_ms;       /* since then it waits */
    const json_t *body;      /* the message (message.h, with its private keys: store_record.h) */
    struct identity to;      /* the client's identity on this channel */
    const char *route;       /* of the last message in (struct inbound), "" none */
    const char *reply_to;    /* external id of the message that this one answers; NULL none */
    int64_t window_until_ms; /* CONNECTOR_WINDOW: as known now; 0 never opened */
    void *user;              /* the connector's own, NULL at send() */
};

enum delivery_result {
    DELIVERY_OK,       /* the channel has it: status sent (or higher, said by receipts) */
    DELIVERY_RETRY,    /* it surely has not: try again, not before retry_ms */
    DELIVERY_REJECTED, /* it never will; the sentence is for the agent */
    DELIVERY_UNKNOWN,  /* the answer was lost: never sent again by itself */
    DELIVERY_CANCELLED /* after cancel() */
};

struct delivery_outcome {
    enum delivery_result result;
    unsigned retry_ms;       /* RETRY: 0 lets the core choose (full jitter, 1 s .. 300 s) */
    const char *external_id; /* OK: the channel's id of the message; NULL none */
    const char *held;        /* OK: why the channel keeps it back for now: "quality", "paused";
                                until a receipt says more. NULL it does not */
    struct err err;          /* RETRY, REJECTED, UNKNOWN */
};

/* Files of one message that wait to be fetched from the channel. Held from fetch() until
 * fetch_done(). */
struct fetch {
    const char *thread, *message;
    int64_t seq;
    unsigned attempt;
    const json_t *attachment; /* with its "remote"; borrowed */
    void *user;
};

/* How a channel is to be examined. */
struct check_options {
    bool sends_nothing; /* no message to itself, where a connector would send one */
    unsigned wait_ms;   /* for what has to come back; 0: as the connector thinks fit */
};
/* report is borrowed; NULL with err when the channel could not be examined at all. */
typedef void (*connector_check_fn)(void *arg, const json_t *report, const struct err *err);

struct connector_ops {
    unsigned api;     /* CONNECTOR_API; another is refused at start */
    const char *name; /* "loopback": section name, log tag, URL part */
    unsigned caps;    /* CONNECTOR_... */
    size_t size;      /* of the connector's struct; the core allocates and zeroes it */
    const struct setting *settings;
    const char *help;          /* a paragraph for the sample configuration */
    const char *identity_kind; /* "visitor": kind of identity that its clients have first */

    /* Reads settings, keeps copies. No I/O. After -1, finish() is still called. Also called only to
     * try settings: then finish() follows at once. */
    int (*init)(struct connector *c, const struct settings *s, struct err *err);
    /* Adds routes and endpoints, begins to work; tell connector_ready() when it does. */
    int (*start)(struct connector *c, struct err *err);
    /* 0: the delivery is yours, end it once with delivery_done(), also from inside this call.
     * -1: it stays with the core, which treats it as REJECTED with err. */
    int (*send)(struct connector *c, struct delivery *d, struct err *err);
    /* The worker is about to end: end d soon, with DELIVERY_CANCELLED if nothing of it was sent;
     * what may have been sent is DELIVERY_UNKNOWN as ever. */
    void (*cancel)(struct connector *c, struct delivery *d);
    /* How many ms from now may this delivery be sent? 0: at once. Asked before a delivery begins,
     * and again when that time has come; a delivery that waits costs no attempt and holds back its
     * thread only. NULL: always at once. */
    unsigned (*pace)(struct connector *c, const struct delivery *d);
    /* Gets the file of one attachment into media (connector_media()); end with fetch_done(). NULL
     * where attachments come with their message. */
    void (*fetch)(struct connector *c, struct fetch *f);
    /* From now on this worker is the one of all that looks after the channel (true), or it is no
     * longer (false): polling, checking, setting up. Two may think so for a moment. NULL: no need.
     */
    void (*tend)(struct connector *c, bool mine);
    /* Examines the channel and answers once: {"report":[{"level":"ok|warn|fail","text","todo"?}]}
     * for admins, without secrets, at latest some time after o's wait. Also without a core. NULL:
     * nothing to examine. */
    void (*check)(
        struct connector *c, const struct check_options *o, connector_check_fn fn, void *arg);
    /* {"title","username","link","mode",...} for the channels list; "invite": URL to which an
     * invitation's token is added. A new reference; NULL none. */
    json_t *(*info)(struct connector *c);
    /* An agent types to this client, reached by route (true; said again every few seconds), or
     * stopped. NULL where the connector follows typing by a sink, or cannot show it. */
    void (*typing)(struct connector *c, const struct identity *to, const char *route, bool on);
    /* An agent has read what this client wrote, reached by route. NULL: the channel has no such
     * thing, or the connector follows it by a sink. */
    void (*read)(struct connector *c, const struct identity *to, const char *route);
    /* CONNECTOR_TEMPLATES. One template of connector_templates() with the agent's values
     * ({"<field id>":"text"}) and the type of the message's first file (NULL none): puts what will
     * be sent into *template, which becomes body's "template", and the text that the client will
     * see into *text (the caller frees). -1 with err names the field that is wrong. Pure. */
    int (*fill)(const json_t *found, const json_t *values, const char *file_mime, json_t **template,
        char **text, struct err *err);
    /* A request to /hooks/<name>/<channel>[/...]; answer it once. NULL: 404. */
    void (*webhook)(struct connector *c, struct http_exchange *x);
    /* No new work; open deliveries may still finish (the core waits, bounded). */
    void (*stop)(struct connector *c);
    /* Frees what init and start took, not c itself. */
    void (*finish)(struct connector *c);
};

/* Whether and how clients are asked, after their talk was closed, what they think of it: a message
 * of ours, whose answer (a button, or a digit alone) becomes an event of the thread and opens
 * nothing. */
struct connector_rating {
    bool can;                  /* the channel has the settings */
    bool on;                   /* and clients are asked */
    int64_t after_ms;          /* the talk's end */
    int64_t again_ms;          /* nobody is asked twice within it */
    const char *text, *thanks; /* "": our own words; thanks "-": nothing is said */
};

/* Rows for the table of settings of a channel that has no way of its own to ask for a rating, and
 * what reads them, from init(). */
#define CONNECTOR_RATING_SETTINGS                                                                  \
    {.key = "rating",                                                                              \
        .type = SETTING_BOOL,                                                                      \
        .preset = "no",                                                                            \
        .help = "Ask the client to rate the talk, 1 to 5, when it was closed after a person "      \
                "had answered him."},                                                              \
        {.key = "rating_after",                                                                    \
            .type = SETTING_DURATION,                                                              \
            .preset = "1m",                                                                        \
            .min = 0,                                                                              \
            .max = 7LL * 24 * 3600 * 1000,                                                         \
            .help = "So long after closing. Who writes before is not asked."},                     \
        {.key = "rating_again",                                                                    \
            .type = SETTING_DURATION,                                                              \
            .preset = "30d",                                                                       \
            .min = 0,                                                                              \
            .max = 366LL * 24 * 3600 * 1000,                                                       \
            .help = "No client is asked twice within this time."},                                 \
        {.key = "rating_text",                                                                     \
            .type = SETTING_STRING,                                                                \
            .preset = "",                                                                          \
            .check = connector_check_rating,                                                       \
            .help = "The question; it should ask for a digit, 1 to 5. Empty: our own words, in "   \
                    "Russian or English as the client speaks."},                                   \
    {                                                                                              \
        .key = "rating_thanks", .type = SETTING_STRING, .preset = "",                              \
        .check = connector_check_rating,                                                           \
        .help = "What is said to a rating. Empty: our own words; \"-\": nothing."                  \
    }
int connector_check_rating(const char *value, struct err *err);
void connector_rates(struct connector *c, const struct settings *s);

struct connector {
    const struct connector_ops *ops;
    const char *channel; /* the section's title: "site" */
    struct connector_rating rating;
    bool is_added; /* by an admin, not in the configuration file */
    const struct env *env;
    struct core *core;      /* NULL: it only examines (doctor) */
    struct redis *redis;    /* without a core: for what is kept; NULL: nothing can be */
    const char *public_url; /* "https://chat.example.org", no slash at its end; "" none */
    const char *data_dir;
    struct http_client *client; /* for calls to the channel's servers */
    struct http_server *http;   /* for routes of its own (start()) */
    struct ws_server *ws;       /* for endpoints of its own (start()) */
};

/* --- up-calls: connector to core ------------------------------------------------------------- */

typedef void (*core_done_fn)(void *arg, const struct err *err);

void connector_ready(struct connector *c);
void connector_lost(struct connector *c, const struct err *err); /* shown; call ready when back */
/* The channel's own picture (JPEG, PNG or WebP), for the admin's page; info() says "picture":true.
 */
void connector_picture(struct connector *c, struct span bytes);

enum inbound_kind {
    INBOUND_MESSAGE, /* from the client */
    INBOUND_OWN,     /* to the client, written by our side elsewhere (the owner's own phone) */
    INBOUND_EVENT    /* something happened: body {"event":{...}} */
};

/* A message of a client's dialogue. All borrowed. external_id is the channel's own id of it, unique
 * in the channel for the client: the same twice is one message. An attachment with
 * "state":"waiting" is handed to fetch() soon. */
struct inbound {
    enum inbound_kind kind;
    struct identity from; /* the client, also of INBOUND_OWN and INBOUND_EVENT */
    const char *external_id;
    const char *album; /* several messages of the channel with the same text here are one of ours:
                          what comes first makes it, the others add their attachments. NULL */
    const char *reply_to; /* external id of the message that this one answers; NULL */
    const char *route; /* how an answer gets there, for delivery.route: [A-Za-z0-9=_:/.-]*; NULL */
    bool take_address; /* INBOUND_EVENT: answers go there from now on */
    const char *same; /* what the channel tells in several ways has the same text here: the first of
                         them is stored, the others only give their address. NULL */
    int64_t window_until_ms;         /* CONNECTOR_WINDOW: answers may go until then; 0 as it was */
    int64_t free_by_ms, free_for_ms; /* an answer by then makes so long free; 0 nothing offered */
    int64_t past_ms; /* it happened then, before our time: no news for anybody; 0 it is news */
    const json_t *body;
    const json_t *profile; /* what else the channel tells of the client: {"phone","email","locale",
                              "page":{...}}; kept with the client instead of what was before, but
                             for "referral" and "marketing", which stay; NULL none */
};

struct inbound_result {
    bool duplicate; /* was stored before; the ids are the first one's */
    char client[ID_SIZE], thread[ID_SIZE], message[ID_SIZE];
    int64_t seq;
    int64_t received_ms;
};

/* Called once: when Redis has it on disk (result) or cannot take it (err; ERR_UNAVAILABLE and
 * ERR_TIMEOUT mean: refuse with 503, the channel shall send it again). */
typedef void (*inbound_fn)(void *arg, const struct inbound_result *result, const struct err *err);
void connector_inbound(struct connector *c, const struct inbound *in, inbound_fn fn, void *arg);
/* A message had to wait for so long in the connector before it could be given to
 * connector_inbound(). While many wait at once, CRM writers give way. */
void connector_waited(struct connector *c, uint64_t us);

/* A message that the channel told us before has changed. */
enum change_kind {
    CHANGE_EDIT,   /* body is its new content; what it was is kept */
    CHANGE_FILL,   /* the files that it named without having them: body's attachments, no edit */
    CHANGE_MOVE,   /* a live location: only body's "location" is taken, nothing is kept */
    CHANGE_DELETE, /* what it was can still be read */
    CHANGE_REACT   /* body {"by","name","emoji":[..]}: all that this person's reaction now is */
};
struct change {
    enum change_kind kind;
    struct identity from; /* the client */
    const char *external_id;
    const char *once; /* unique for this change; NULL: doing it twice does no harm */
    const json_t *body;
};
/* ERR_NOT_FOUND: no such message (any more). */
void connector_change(struct connector *c, const struct change *ch, inbound_fn fn, void *arg);

/* Ends a delivery. d is the core's again. outcome is copied. */
void delivery_done(struct delivery *d, const struct delivery_outcome *outcome);
/* A part of it is at the channel, under this id: after a retry, body's "sent_ids" has it. fn when
 * that is on disk. */
void delivery_part(struct delivery *d, const char *external_id, core_done_fn fn, void *arg);

/* Ends a fetch: media is {"id","kind",...} of the stored file (media_info_json); or err:
 * ERR_UNAVAILABLE, ERR_TIMEOUT, ERR_IO, ERR_TOO_MANY are tried again (not before retry_ms),
 * ERR_TOO_LARGE and others are final. */
void fetch_done(struct fetch *f, const json_t *media, const struct err *err, unsigned retry_ms);
/* Where files go. */
struct media *connector_media(struct connector *c);
/* Files that come with their message, in three steps, each safe to repeat: (1) on disk by
 * media_upload_finish(); (2) connector_files_put(), before the message that names them; (3)
 * connector_files_show(), when its thread is known: whoever may see the thread may see them.
 * media: array of media_info_json(). fn when it is on disk. */
void connector_files_put(struct connector *c, const json_t *media, core_done_fn fn, void *arg);
void connector_files_show(
    struct connector *c, const char *thread, const json_t *media, core_done_fn fn, void *arg);

/* The channel reports DELIVERED or READ for everything that we sent in the thread up to seq.
 * fn may be NULL. */
void connector_receipt(struct connector *c, const char *thread, int64_t upto_seq,
    enum status status, core_done_fn fn, void *arg);
/* The same for one message known by the channel's id (WhatsApp, Telegram). */
void connector_receipt_for(struct connector *c, const struct identity *who, const char *external_id,
    enum status status, const struct err *why, core_done_fn fn, void *arg);

/* The same for one message of ours that the channel names by what we gave it along (delivery.thread
 * and .seq): it surely has it, under external_id, also when its answer was lost or not there yet.
 * is_part: one of several of this message, and not the last. why for FAILED; note for READ: a word
 * for the trail that says more ("played"), NULL none. */
struct settlement {
    const char *thread;
    int64_t seq;
    const char *external_id;
    enum status status; /* SENT, DELIVERED, READ, FAILED */
    bool is_part;
    const struct err *why;
    const char *note;
};
void connector_settle(struct connector *c, const struct settlement *st, core_done_fn fn, void *arg);

/* A reaction of ours to the message seq, which the channel had taken, failed after all; emoji:
 * which one it was, "" its taking away. Nothing happens when another one came since. once: unique
 * for this failure. */
void connector_reaction_failed(struct connector *c, const char *thread, int64_t seq,
    const char *emoji, const char *once, const struct err *why, core_done_fn fn, void *arg);

/* What became of single recipients of one message of ours: an array of
 * {"address","status","error"?}, status "queued" (we try it again), "sent", "delayed" (another
 * server tries it), "delivered", "failed" or "unknown". It goes into the message's "recipients",
 * where nobody who has it is put back to waiting. When all of them failed, or all are delivered, so
 * is the message. */
struct recipients_news {
    const char *thread;
    int64_t seq;
    const char *external_id; /* of the message */
    const json_t *list;
    bool rest; /* from send(), before delivery_done(): a DELIVERY_REST follows in the same step */
};
/* fn when it is on disk. ERR_NOT_FOUND: no such message (any more). */
void connector_recipients(
    struct connector *c, const struct recipients_news *n, core_done_fn fn, void *arg);

/* CONNECTOR_WINDOW: the channel says that the window of this thread is over, though it would end at
 * some time before before_ms by what we know; one that would end later was opened since. */
void connector_window_over(struct connector *c, const char *thread, int64_t before_ms);

/* The client types (or stopped). Never stored. */
void connector_typing(struct connector *c, const char *thread, bool on);

/* Whose thread: looks an identity up without making anything. found: ids filled, else "". */
struct lookup_result {
    char client[ID_SIZE], thread[ID_SIZE];
    int64_t last_seq, agent_read_seq, client_read_seq;
    bool proven; /* a site has proven who the client is: his dialogue opens to that proof only */
    bool closed; /* the thread is: an agent has ended the talk */
};
typedef void (*lookup_fn)(void *arg, const struct lookup_result *r, const struct err *err);
void connector_lookup(struct connector *c, const struct identity *who, lookup_fn fn, void *arg);

/* Messages of a thread that the client may see (in and out, never notes or events), ascending,
 * seq > after, or the newest when after < 0, at most limit (<= 200). An array of full messages. */
typedef void (*history_fn)(void *arg, json_t *messages, const struct err *err);
void connector_history(struct connector *c, const char *thread, int64_t after, unsigned limit,
    history_fn fn, void *arg);
/* The same for seq < before: older pages. */
void connector_history_before(struct connector *c, const char *thread, int64_t before,
    unsigned limit, history_fn fn, void *arg);

/* The two identities are one person (proven): what belongs to `from` goes on in `into`'s thread. */
void connector_link(struct connector *c, const struct identity *from, const struct identity *into,
    lookup_fn fn, void *arg);
/* The client has another address now (a group became a supergroup): one client, one thread. */
void connector_move(struct connector *c, const struct identity *from, const struct identity *to,
    lookup_fn fn, void *arg);

/* The client has one more identity: kept with him when nobody else has it, or, verified (a phone
 * number that the channel vouches for), when he who had it gave it up. By his word only (verified
 * false: an address that he typed) it leads to him, and proves nothing. ERR_CONFLICT: somebody else
 * has it. */
void connector_identify(struct connector *c, const struct identity *who,
    const struct identity *also, core_done_fn fn, void *arg);

/* The client, who is `who` now, gave this up (his old number): kept as a former identity of his. */
void connector_retire(struct connector *c, const struct identity *who, const struct identity *was,
    core_done_fn fn, void *arg);

/* A secret of one use (within ttl_s) that lets `who` come in through another channel. Give it to
 * nobody but him. 32 characters of [A-Za-z0-9_-]. */
typedef void (*connector_invite_fn)(void *arg, const char *token, const struct err *err);
void connector_invite(struct connector *c, const struct identity *who, unsigned ttl_s,
    connector_invite_fn fn, void *arg);
/* Whoever comes with the token is `by` here: what the inviter's identity said goes on in by's
 * thread. ERR_NOT_FOUND: no such token, or used. */
void connector_redeem(
    struct connector *c, const char *token, const struct identity *by, lookup_fn fn, void *arg);

/* Channels that a client of another one may enter by an invitation: [{"connector","channel",
 * "title","invite"}], a new reference; a token after "invite" is the way in. They are those whose
 * info() has "invite". */
json_t *connector_doors(const struct connector *c);

/* What a connector wants to find again, on any worker and after a restart, by a name of its own:
 * replaced by the next, gone after ttl_s (0: never). */
void connector_keep(struct connector *c, const char *name, struct span value, unsigned ttl_s);
/* The same, and fn when it is on disk. */
void connector_keep_sure(struct connector *c, const char *name, struct span value, unsigned ttl_s,
    core_done_fn fn, void *arg);
/* value: "" when there is none; borrowed. */
typedef void (*connector_kept_fn)(void *arg, struct span value, const struct err *err);
void connector_kept(struct connector *c, const char *name, connector_kept_fn fn, void *arg);
bool connector_can_keep(const struct connector *c);
/* For one thing that one worker, or doctor, may do at a time: got, unless another has claimed the
 * name within its ttl_ms and not let go of it. A claim stands where a kept value of its name would:
 * no value is called so. */
typedef void (*connector_claimed_fn)(void *arg, bool got, const struct err *err);
void connector_claim(
    struct connector *c, const char *name, unsigned ttl_ms, connector_claimed_fn fn, void *arg);
void connector_let_go(struct connector *c, const char *name); /* of what was claimed, in time */
/* The templates that agents may choose from ([{"name","language","usable",...}]; list is taken
 * over): for the inbox, and for fill(). */
void connector_templates(struct connector *c, json_t *list);

/* How much of the deliveries this worker makes, 0..1: of all workers together it is 1. */
double connector_share(const struct connector *c);

/* Another channel of this gateway, by connector and name (NULL: the first of the connector). NULL
 * when there is none. Instances of one connector find each other so, and share what may exist once.
 */
struct connector *connector_find(struct core *core, const char *connector, const char *channel);
/* The next channel of the same connector, in a ring: c itself when it is the only one. */
struct connector *connector_next(const struct connector *c);

/* Follow what happens in threads on this worker (sink.h); sink lives until connector finish. */
void connector_follow(struct connector *c, struct sink *sink);

/* Are agents online now, on any worker? */
bool connector_agents_online(const struct connector *c);

/* Are these the channel's working hours? Otherwise opens_ms_out: when they begin, 0 never. A
 * channel for which none are kept is always open. */
bool connector_is_open(const struct connector *c, int64_t *opens_ms_out);

/* A secret of this installation for signing, 32 bytes of hex text, the same on all workers and
 * after restarts; NULL until Redis was reached once. */
const char *connector_secret(const struct connector *c);

#endif
