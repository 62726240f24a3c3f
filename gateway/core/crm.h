/* crm.h - the contract between the core and a CRM adapter: the same shape as connector.h. An
 * adapter is a folder under connectors/ that exports one `const struct crm_ops`; `cards` is the
 * model.
 *
 * The core calls for one thread one at a time and in order, for many threads at once. Every call is
 * answered exactly once through its done function. Everything may come twice (at least once): the
 * adapter makes it exactly once by the message's id. */
#ifndef SB_CORE_CRM_H
#define SB_CORE_CRM_H

#include <jansson.h>

#include "base/err.h"
#include "base/id.h"
#include "config/setting.h"
#include "core/connector.h"
#include "loop/loop.h"
#include "media/media_link.h"

#define CRM_API 5

struct core;
struct crm;
struct http_client;
struct http_exchange;
struct media;
struct redis;

enum {
    CRM_SEARCH = 1 << 0,    /* full-text search over messages */
    CRM_HISTORY = 1 << 1,   /* can give old messages back */
    CRM_ENTRIES = 1 << 2,   /* tells what of ours is on a card: entries() */
    CRM_REPLIES = 1 << 3,   /* people answer clients inside it: webhook(), take() */
    CRM_POSTS_MANY = 1 << 4 /* webhook() gets many events at once: its body may be a large one */
};

/* Which news of what we sent become an attach() of their own: what became of a message of its own
 * (crm_attach.own) always does. */
enum crm_statuses { CRM_STATUSES_NONE, CRM_STATUSES_FAILED, CRM_STATUSES_ALL };

/* How a call ended; all borrowed. err NULL: done. Otherwise
 * - ERR_UNAVAILABLE, ERR_TIMEOUT, ERR_IO: tried again; after several in a row seldom
 * - ERR_TOO_MANY: tried again, not before retry_ms
 * - ERR_PROTOCOL, it made no sense: the same, but only some times, then a dead letter
 * - ERR_AUTH, the CRM does not know us any more: everything waits until it does; admins are told
 * - ERR_NOT_FOUND, of attach, the card is gone: ensured anew, once
 * - all others: final, a dead letter. */
struct crm_outcome {
    const struct err *err;
    unsigned retry_ms;       /* not before; 0: as the core thinks fit */
    const char *card_id;     /* ensure_card: the card's id in the CRM */
    const char *card_url;    /* ensure_card: where a person sees it, https://...; NULL unknown */
    const char *external_id; /* attach: what the message is called there, without spaces, at most
                                200 bytes; NULL none */
    bool left_out;           /* attach: it is not put there, by the target's settings or because it
                                was written there, and nobody shall miss it among our entries */
};
typedef void (*crm_done_fn)(void *arg, const struct crm_outcome *o);

/* result is borrowed. */
typedef void (*crm_result_fn)(void *arg, const json_t *result, const struct err *err);

/* Does what was asked wait, for the error passes, or until the CRM knows us again? NULL: no error.
 */
static inline bool crm_waits(const struct err *err) {
    return err_passes(err) || (err && err->code == ERR_AUTH);
}

/* One message for a card. All borrowed, during the call only. */
struct crm_attach {
    const char *card_id;
    const json_t *client;  /* openapi "Client" */
    const json_t *message; /* openapi "Message"; its id is the idempotency key */
    const char *known; /* external_id of before: what is there has changed. NULL: not there yet, by
                          what we know. "" it is there, and nobody knows under which name */
    bool again;        /* an earlier try may have reached the CRM: look before you write. With
                          `known`: look whether it is there as it should be */
    bool late;         /* messages of this dialogue that came after it are there already */
    bool own;          /* it was written in this CRM (crm_reply()), which calls it `known`: there is
                          nothing to be put there, but its status may be told */
    const char *taken_by; /* the agent who became responsible by it; NULL */
    bool only_status;     /* nothing but its status has changed since it was attached */
};

struct crm_ops {
    unsigned api;
    const char *name; /* "cards" */
    unsigned caps;
    size_t size;
    const struct setting *settings;
    const char *help;

    int (*init)(struct crm *c, const struct settings *s, const char *data_dir, struct err *err);
    int (*start)(struct crm *c, struct err *err);

    /* Finds the client's card (by our client id, phone, e-mail, identity) or makes it; updates
     * name and identities on it. client: openapi "Client", with "renamed":true when people gave him
     * another name since; known: the card's id so far, "" none: it
     * may be gone, or merged into another, which then is the one. */
    void (*ensure_card)(
        struct crm *c, const json_t *client, const char *known, crm_done_fn fn, void *arg);
    /* Puts one message on the card, or changes what is there of it. */
    void (*attach)(struct crm *c, const struct crm_attach *a, crm_done_fn fn, void *arg);
    /* The card of client `from` is the same person as `into`: one card stays (into's). number:
     * which merge of `from` it is, from 1; 0 not known. NULL: the CRM cannot, or people shall do it
     * there. */
    void (*merge)(struct crm *c, const char *from_client, const char *into_client, int64_t number,
        crm_done_fn fn, void *arg);

    /* That one was undone: `from` (openapi "Client") is somebody else than `into` again. card_id:
     * his card, where it is known. NULL: the CRM kept two, and each gets what is his. */
    void (*unmerge)(struct crm *c, const json_t *from_client, const char *into_client,
        int64_t number, crm_done_fn fn, void *arg);

    /* The data of this client are erased here: what the CRM has of him in our name goes, too. NULL:
     * it can only be told, by an entry on the card. */
    void (*erase)(struct crm *c, const char *client, crm_done_fn fn, void *arg);

    /* What follows may be NULL where caps do not say so. */
    /* Full-text search: {"hits":[{"message","thread","client","seq","snippet","at"}]}, newest
     * first; the snippet is plain text with U+2066..U+2069-free marks «[» and «]» around hits. */
    void (*search)(struct crm *c, const char *query, unsigned limit, crm_result_fn fn, void *arg);
    /* Messages of a thread with seq < before (before < 0: newest), at most limit, ascending:
     * {"messages":[...]} */
    void (*history)(struct crm *c, const char *thread, int64_t before, unsigned limit,
        crm_result_fn fn, void *arg);
    /* The client's card as it is now, for the inbox's panel: {"card":{"id","url","name","phone",
     * "email","responsible","stage","fields":{..},"messages":n,"created_at"}}, each but id may be
     * absent; or {"card":null}. card_id: what ensure_card() told, "" nothing yet. */
    void (*card)(
        struct crm *c, const char *client, const char *card_id, crm_result_fn fn, void *arg);
    /* CRM_ENTRIES. What of ours is on a card:
     * {"entries":[{"message":"<id>","external_id":".."},..]}, one for each message, in the order in
     * which the CRM shows them. ERR_NOT_FOUND: no such card.
     */
    void (*entries)(struct crm *c, const char *card_id, crm_result_fn fn, void *arg);
    /* CRM_REPLIES. A request to /hooks/<name>/<target>[/...]: is it the CRM's? Then crm_event(),
     * and the answer when that is on disk; answer it once. */
    void (*webhook)(struct crm *c, struct http_exchange *x);
    /* CRM_REPLIES. What crm_event() kept: one at a time of each lane and in order, again after what
     * waits (crm_waits()); others are final. Ends with crm_reply(), crm_assigned(), crm_renamed(),
     * crm_flow_changed(), or nothing to do. event is borrowed, during the call only. */
    void (*take)(struct crm *c, const json_t *event, crm_done_fn fn, void *arg);
    /* Changes the card's fields {"name","phone","email","note"}: all optional strings. */
    void (*update_card)(
        struct crm *c, const char *client, const json_t *fields, crm_done_fn fn, void *arg);

    /* A call that does no harm, to see whether all is well: {"ok","status":0 no answer,"ms",
     * "answer": the beginning of what it said,"error"?:{"code","text"}}. NULL: there is none. */
    void (*test)(struct crm *c, crm_result_fn fn, void *arg);

    /* The core asks no more (it has waited for what was under way, bounded). Requests that are
     * still waiting or running are ended now. Comes after init(), also without start(). */
    void (*stop)(struct crm *c);
    void (*finish)(struct crm *c); /* frees what init and start took, not c */
};

/* Without a core, in commands, an adapter makes requests at so much of its rate. */
#define CRM_COMMAND_SHARE 0.1

#define CRM_CHANGE_SIZE 48

/* Of which message a call is: all "" and 0: of none. change: which of its changes, or of the
 * client's, is told: the same at each attempt and no other change's, though the content may be what
 * it was before; "" it is told for the first time. */
struct crm_about {
    char message[ID_SIZE], thread[ID_SIZE];
    int64_t seq;
    char change[CRM_CHANGE_SIZE];
};

struct crm {
    const struct crm_ops *ops;
    const char *target; /* the section's title: "main" */
    const struct env *env;
    struct core *core;          /* NULL: in commands */
    struct redis *redis;        /* without a core: crm_keep() and the like */
    const char *public_url;     /* "https://chat.example.org", no slash at its end; "" none */
    struct http_client *client; /* for calls to the CRM */
    enum crm_statuses statuses; /* set by init() */
    const char *const *users;   /* set by init(): its users who are our agents, "anna=17",
                                   NULL-ended; NULL: it knows of none */
    bool allow_private;         /* its files may be in a private network; crm_calls_create() */
    const char *address; /* set by init(): where it is asked; NULL none. crm_off() is over when it
                            is another one. Never shown. */
    size_t waiting;      /* calls that wait for their turn: crm_calls_start() counts them */
    struct crm_about about; /* what is being asked for just now, for the log of calls. The core sets
                               it while it calls; calls that begin meanwhile keep it, and have it
                               set again for what their answers lead to. Whoever lets calls wait by
                               other means keeps it, too: crm_about_swap() */
};

/* From now on it is about this; what it was about before. */
static inline struct crm_about crm_about_swap(struct crm *c, struct crm_about now) {
    struct crm_about was = c->about;
    c->about = now;
    return was;
}

/* --- up-calls: adapter to core --------------------------------------------------------------- */

/* A CRM by its adapter and target; NULL: there is none. */
struct crm *crm_find(struct core *core, const char *adapter, const char *target);

/* The CRM has said that it wants nothing more of us: nothing is asked of it by any worker, also
 * after a restart, until an admin switches it on again or c->address is another one. All waits.
 * why: a sentence. */
void crm_off(struct crm *c, const char *why);
bool crm_is_off(const struct crm *c);

/* How much of the deliveries this worker makes, 0..1: of all workers together it is 1. In a
 * command: CRM_COMMAND_SHARE. */
double crm_share(const struct crm *c);

/* Where the files of messages are. NULL: adapters that run without a core (commands). */
struct media *crm_media(const struct crm *c);
/* How addresses of files are made that the CRM, or who reads a card, opens without a sign-in, for
 * so long as the installation says (media.link_life): media_link(). Used at once. */
struct media_links crm_links(const struct crm *c);

/* What an adapter wants to find again, on any worker and after a restart (tokens of OAuth2), by a
 * name of its own: replaced by the next, gone after ttl_s (0: never); fn when it is on disk. As
 * connector_keep_sure(), connector_kept(), connector_claim() and connector_let_go(): claims and
 * what is kept share their names, so one is never called as the other. */
void crm_keep(
    struct crm *c, const char *name, struct span value, unsigned ttl_s, core_done_fn fn, void *arg);
void crm_kept(struct crm *c, const char *name, connector_kept_fn fn, void *arg);
void crm_claim(
    struct crm *c, const char *name, unsigned ttl_ms, connector_claimed_fn fn, void *arg);
void crm_let_go(struct crm *c, const char *name);

/* Something happened in the CRM that we shall act on: kept, then given to take(). lane: what it is
 * about (a card's or a dialogue's id): of one lane in order, as this was called, also when several
 * are kept at once; when one cannot be kept, those of its lane that wait behind it are not, either.
 * once: unique for what happened: the same twice, within eight days, is one. At most CRM_EVENT_MAX
 * bytes of JSON. fn when it is on disk. */
#define CRM_EVENT_MAX ((size_t)256 * 1024)
void crm_event(struct crm *c, const char *lane, const char *once, const json_t *event,
    core_done_fn fn, void *arg);
/* The same of all that one request told: an array of {"lane","once","event"}, taken. fn when all
 * are on disk, or with the first error: what is sent again then is kept once. One that is too large
 * is left out, and the log says so, for it would be that again. */
void crm_events(struct crm *c, json_t *events, core_done_fn fn, void *arg);

/* fn of both for the request that told of it, arg: answers it with 200, or so that it comes again.
 */
void crm_hook_done(void *exchange, const struct err *err);

/* Somebody answered a client inside the CRM: a message of ours goes out, as an agent's does. All
 * borrowed. Who is meant is told by one of client, thread and card_id. */
struct crm_reply {
    const char *client, *thread; /* ours; NULL */
    const char *card_id;         /* what ensure_card() told; NULL */
    const char *external_id;     /* what the CRM calls it: the same twice is one message */
    const char *agent;           /* the name of one of our agents; NULL: nobody of ours */
    const char *author;          /* as the CRM calls him, shown to agents; NULL */
    bool is_note;                /* for agents only */
    const json_t *body;          /* message.h: {"text"|"html", "attachments": [media]} */
};
/* ERR_NOT_FOUND: no such client. ERR_UNSUPPORTED, ERR_CONFLICT, ERR_INVALID: it cannot be sent, for
 * the reason in the sentence, which the adapter tells the CRM's people. */
void crm_reply(struct crm *c, const struct crm_reply *r, inbound_fn fn, void *arg);

/* Files that come with a reply, as message.h wants them in "attachments": fetched by a GET of url
 * with these headers (NULL-ended; NULL none) into media, at most the gateway's limit. once: the
 * reply's external_id, nth: which of its files; when it is tried again, what was fetched is taken.
 * result: {"id","kind","name","mime","size"}. */
void crm_fetch(struct crm *c, const char *once, size_t nth, const char *url,
    const char *const *headers, const char *name, crm_result_fn fn, void *arg);

/* The same for the bytes of a file that the CRM has given in an answer. */
void crm_file_put(struct crm *c, const char *name, struct span bytes, crm_result_fn fn, void *arg);

/* The card's responsible is now our agent of this name ("" nobody): so is the thread's. once:
 * unique for this change. by: who did it there. */
void crm_assigned(struct crm *c, const char *card_id, const char *agent, const char *once,
    const char *by, core_done_fn fn, void *arg);
/* The card has another name now. */
void crm_renamed(struct crm *c, const char *card_id, const char *name, core_done_fn fn, void *arg);

#endif
