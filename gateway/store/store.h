/* store.h - all that is said to Redis about clients, threads and messages, in the words of the
 * domain. Keys and scripts are this folder's secret. Everything completes exactly once through its
 * function; err ERR_UNAVAILABLE / ERR_TIMEOUT: Redis cannot serve now.
 *
 * JSON handed to callbacks is borrowed unless said otherwise, in the full forms of the OpenAPI
 * document (Thread, Message, Client). */
#ifndef SB_STORE_STORE_H
#define SB_STORE_STORE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/id.h"
#include "base/span.h"
#include "loop/loop.h"
#include "model/message.h"
#include "net/redis.h"

struct store;

struct store_options {
    const char *url;                  /* see redis.h; the embedded one is a unix:// too */
    unsigned shards;                  /* 1..1024; must be what the data was made with */
    const char *const *targets;       /* CRM targets, NULL-ended: each message is queued for each */
    unsigned keep_messages;           /* per thread, history { keep_messages } */
    int64_t keep_ms;                  /* and at least so long, history { keep_days } */
    unsigned connections, timeout_ms; /* redis.h; 0: its defaults */
    unsigned events_max;              /* length of a shard's event stream, about */
    const char *zone;                 /* whose days reports have; NULL: UTC */
    int64_t report_keep_ms;           /* so long */
    unsigned audit_max;               /* entries of the audit log at most */
    int64_t audit_keep_ms;            /* and so long */
    bool dedupe;                      /* false only in the chaos run that must report doubles */
    /* up: Redis answers, accepts writes and the data is ours. fatal: the data is not ours (another
     * number of shards): the process must end. */
    void (*on_state)(void *arg, bool up, const struct err *fatal);
    void *arg;
};

struct store *store_create(const struct env *env, const struct store_options *o);
/* Ends the connection: every call that waits fails now, later ones fail too. Lanes must be gone. */
void store_close(struct store *s);
void store_destroy(struct store **s);
bool store_is_up(const struct store *s);
unsigned store_shards(const struct store *s);
const char *store_secret(const struct store *s); /* connector.h connector_secret; NULL until up */
const char *store_epoch(const struct store *s);  /* changes when the data was replaced */
struct redis *store_redis(struct store *s);      /* for the other files of this folder */
struct zone *store_zone(struct store *s);        /* store_options.zone */

/* "sb:{s7}:name" or "sb:{s7}:name:id" into out (STORE_KEY_SIZE). */
#define STORE_KEY_SIZE 320
struct span store_key(char *out, unsigned shard, const char *name, const char *id);

typedef void (*store_done_fn)(void *arg, const struct err *err);
typedef void (*store_json_fn)(void *arg, json_t *result, const struct err *err);

/* --- the one append -------------------------------------------------------------------------- */

/* By when something is to be done, and what is told when it is not. */
struct store_term {
    int64_t due_ms;    /* 0 never */
    int64_t remind_ms; /* when it is reminded of; due_ms: it is not */
    char supervisors; /* hear of it: 'l' when it is late, 'a' when it is reminded of, too, 'n' never
                       */
    const char *policy; /* JSON, [^\n]*: whose it is */
};

struct store_append {
    enum direction direction;
    const char *thread;              /* an existing thread, or NULL: then from names it */
    const struct identity *from;     /* client's identity (thread NULL): made when new */
    const json_t *profile;           /* with from: more about the client, or NULL */
    const char *channel, *connector; /* NULL for notes and events */
    const char *dedupe;              /* key of the sender's, unique in the thread */
    const json_t *body;              /* message.h */
    bool deliver;         /* queue it for `channel` (DIRECTION_OUT); not: it was sent elsewhere */
    bool fetch;           /* its attachments wait to be fetched from `channel` */
    bool take_address;    /* an event says where answers go from now on, as a message does */
    const char *route;    /* how an answer gets back ([A-Za-z0-9=_:/.-]*); NULL none */
    const char *reply_to; /* dedupe key of the message that this one answers; NULL none */
    const char *alias;    /* a second dedupe key of this message; NULL none */
    int64_t window_until_ms;         /* answers may go until then; 0 as it was */
    int64_t free_by_ms, free_for_ms; /* an answer by then makes so long free; 0 as it was */
    int64_t past_ms;                 /* it is of that time, and no news; 0 it is */
    const char *agent;               /* who of ours did it, for reports; NULL nobody */
    /* Changes to the thread in the same step; NULL leaves as is. */
    const char *assignee;                 /* "" clears */
    const char *state;                    /* "open" "snoozed" "closed" */
    const char *labels;                   /* JSON array text */
    const char *label_add, *label_remove; /* instead: one of them, whatever the others are */
    const char
        *while_assigned; /* ERR_CONFLICT unless he is responsible ("" nobody); NULL whoever */
    bool by_itself;      /* DIRECTION_OUT: no answer, the client waits still */
    int64_t snooze_until_ms;
    const char *blocked; /* "1": the client is nobody's work any more, "": he is again */
    const char *author;  /* the agent whose answer it is; NULL none */
    int64_t seen_seq;    /* with author: refused when another agent has answered after it, or is
                            writing (ERR_CONFLICT); -1 does not matter. 0 is the thread's start */
    struct store_term first, next; /* if the client begins to wait with it: for the first answer of
                                      a matter, for a later one */
    struct store_term silence;     /* if nobody writes any more until then, the thread is closed */
    const char *mentions; /* agents who are mentioned in it, names between spaces; NULL none */
    int64_t unwanted; /* goes with the event: which rules (store_rules_read) want nothing of what a
                         client writes if his thread bears no labels; 0 none that are known */
    int64_t ask_ms;   /* of an event that closes it: when the client is asked how it was; 0 never */
    /* from writes nothing but a score: if he was asked how a talk was (store_ask()) within three
     * days, and neither he nor a person of ours has written since, this event is stored instead of
     * the message. NULL */
    const json_t *rated;
    int score; /* 1..5, with rated */
};

struct store_appended {
    bool duplicate;
    char client[ID_SIZE], thread[ID_SIZE], message[ID_SIZE];
    int64_t seq, received_ms;
};
typedef void (*store_append_fn)(void *arg, const struct store_appended *r, const struct err *err);
void store_append(struct store *s, const struct store_append *a, store_append_fn fn, void *arg);

/* --- how was the talk? ----------------------------------------------------------------------- */

/* The client of a closed thread is asked, or is not, as wake.lua has said that he may be. */
struct store_ask {
    const char *thread, *episode;    /* of store_on_unfinished() */
    const char *token;               /* of the shard's owner */
    const char *channel, *connector; /* where */
    const json_t *question, *thanks; /* message.h; question NULL: he is not, thanks NULL: nothing is
                                        said to his rating */
    int64_t again_ms;                /* nobody is asked twice within it */
};
/* Once for each episode, and only who was answered by a person and waits for nothing. */
void store_ask(struct store *s, const struct store_ask *a, store_done_fn fn, void *arg);
/* So long after silence has closed a thread its client is asked, by channel: " sales=60000 box=0 ".
 */
void store_ask_after(struct store *s, const char *by_channel);

/* --- reading --------------------------------------------------------------------------------- */

struct store_query {
    const char *view;  /* "open" "all" "mine" "unassigned" "mentions" "snoozed" "closed" */
    const char *agent; /* for mine; and whose view it is */
    const char *channel, *label; /* filters, NULL none */
    const char *assignee;        /* likewise: a name, or names with a space between (a team) */
    const char *cursor;          /* from the answer before, NULL first page */
    unsigned limit;              /* 1..200 */
};
/* Is it one of these names, which have a space between? NULL is none. */
bool store_names_have(const char *names, const char *name);
/* {"threads":[Thread...],"next":"..."|null} newest activity first. O(limit), never O(threads). */
void store_threads(struct store *s, const struct store_query *q, store_json_fn fn, void *arg);
/* {"thread":Thread,"client":Client} ; ERR_NOT_FOUND. */
void store_thread(struct store *s, const char *thread, store_json_fn fn, void *arg);
/* {"client":Client} ; ERR_NOT_FOUND. */
void store_client(struct store *s, const char *client, store_json_fn fn, void *arg);
/* [Message...] ascending. after >= 0: seq > after; else before >= 0: seq < before (newest of
 * those); else the newest. for_client: only in and out. ERR_NOT_FOUND for an unknown thread. */
void store_messages(struct store *s, const char *thread, int64_t before, int64_t after,
    unsigned limit, bool for_client, store_json_fn fn, void *arg);
/* {"message":Message,"trail":[{"at","what","detail"}...],"thread":Thread,"raw"?} by the message's
 * id; private: with what only connectors may see (store_record.h). */
void store_message(struct store *s, const char *message, store_json_fn fn, void *arg);
void store_message_private(struct store *s, const char *message, store_json_fn fn, void *arg);
struct store_lookup {
    char client[ID_SIZE], thread[ID_SIZE]; /* "" when nobody */
    int64_t last_seq, agent_read_seq, client_read_seq;
    bool proven; /* the client has a proven identity of kind "user" */
    bool closed; /* the thread is */
};
typedef void (*store_lookup_fn)(void *arg, const struct store_lookup *r, const struct err *err);
void store_find(struct store *s, const struct identity *who, store_lookup_fn fn, void *arg);

/* --- changing -------------------------------------------------------------------------------- */

/* An agent has read the thread up to seq: unread falls, the client's messages become read. */
void store_read(struct store *s, const char *thread, int64_t seq, const char *agent,
    store_done_fn fn, void *arg);
/* A receipt of the channel: what we sent through it up to seq is delivered or read. */
void store_receipt(struct store *s, const char *thread, const char *channel, int64_t upto_seq,
    enum status status, store_done_fn fn, void *arg);
/* The same for one message, by the channel's own id of it; why for a failure, else NULL. */
void store_receipt_for(struct store *s, const char *thread, const char *channel,
    const char *external_id, enum status status, const struct err *why, store_done_fn fn,
    void *arg);
/* The same for one message by our own place for it, which the channel gave back to us: it surely
 * has it, under this id, also when its answer to us was lost. FAILED: it had it, and gave it up. */
struct store_settlement {
    const char *thread;
    int64_t seq;
    const char *external_id;
    enum status status; /* SENT, DELIVERED, READ, FAILED */
    bool is_part;       /* one of several, and not the last one */
    const struct err *why;
    const char *note; /* READ: what more is told, a step of its own; NULL nothing */
};
void store_settle(struct store *s, const char *channel, const struct store_settlement *st,
    store_done_fn fn, void *arg);
/* {"name","phone","email","note"}: strings; unknown keys are ERR_INVALID. Queued for the CRMs, but
 * for the one that it comes from (NULL none). */
void store_client_update(struct store *s, const char *client, const json_t *fields,
    const char *from_target, store_json_fn fn, void *arg);
/* `from` becomes part of `into` (both client ids): {"client":Client}. Idempotent. */
void store_merge(struct store *s, const char *from, const char *into, const char *agent,
    store_json_fn fn, void *arg);
/* {"suggestions":[{"client":Client,"thread":Thread,"kind","address","noted"}]}: others who have
 * proven the same phone number or e-mail address; noted: who that was, if he goes on as client.
 * Names and what somebody only says suggest nothing. */
void store_suggestions(struct store *s, const char *client, store_json_fn fn, void *arg);
/* A person says that they are two: it is suggested to neither, until both prove something else.
 * noted, other: of a suggestion. Twice does no harm. */
void store_dismiss(struct store *s, const char *client, const char *noted, const char *other,
    store_done_fn fn, void *arg);
/* That is undone: {"client":Client} of the one who stayed. The other has back what was his:
 * identities, thread, lists, who waits; and what was written by, and to, his identities since the
 * merge is in his thread now. Idempotent. ERR_CONFLICT: he is not part of `into`, or `into` of a
 * third one. */
void store_unmerge(struct store *s, const char *from, const char *into, const char *agent,
    store_json_fn fn, void *arg);
/* The client's card in a CRM was found or made. url: where a person sees it, "" unknown. */
void store_client_card(struct store *s, const char *client, const char *target, const char *card_id,
    const char *url, store_done_fn fn, void *arg);
/* Two identities are one person, proven for `into`: what belongs to `from` goes on in its thread,
 * unless `from` belongs to another proven person. Gives into's client and thread ("" when neither
 * exists yet). moved: `from` is another address of the very same; nothing keeps them apart, unless
 * he who has `from` gave it up. */
void store_link(struct store *s, const struct identity *from, const struct identity *into,
    bool moved, store_lookup_fn fn, void *arg);

/* The client has one more identity; when it is verified, a phone number also becomes his, if he has
 * none that is his still, and what another client gave up is taken over. ERR_CONFLICT: somebody
 * else has it; ERR_NOT_FOUND: nobody is `who`. */
void store_identify(struct store *s, const struct identity *who, const struct identity *also,
    store_done_fn fn, void *arg);
/* The client, who is known as `who`, gave `was` up: it is kept as a former identity, leads to him
 * by itself still, but proves nothing any more. Nothing happens when he never had it. */
void store_retire(struct store *s, const struct identity *who, const struct identity *was,
    store_done_fn fn, void *arg);
/* A token by which `who` comes in through another channel, once, within ttl_s. */
void store_invite(struct store *s, const char *token, const struct identity *who, unsigned ttl_s,
    store_done_fn fn, void *arg);
/* Links the inviter into `by` (store_link). ERR_NOT_FOUND: no such token. */
void store_redeem(
    struct store *s, const char *token, const struct identity *by, store_lookup_fn fn, void *arg);

/* Adds one line to a message's trail (core/trail words) and an event when status changes. */
struct store_trail {
    int64_t at_ms;
    const char *thread;
    int64_t seq;
    const char *what;   /* "pushed" "attached" "sending" "sent" ... */
    const char *detail; /* may be NULL */
    bool status_event;  /* screens must hear of it */
};
/* An error as a trail's detail: "<code> <sentence>". */
void store_trail_detail(char *out, size_t size, const struct err *err);
void store_trail_add(
    struct store *s, const struct store_trail *t, size_t n, store_done_fn fn, void *arg);

#endif
