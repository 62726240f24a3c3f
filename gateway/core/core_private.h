/* core_private.h - what the files of this folder share. */
#ifndef SB_CORE_CORE_PRIVATE_H
#define SB_CORE_CORE_PRIVATE_H

#include "core/breaker.h"
#include "core/core.h"
#include "core/pace.h"
#include "store/store_feed.h"
#include "store/store_queue.h"

#define CHANNELS_MAX 4096
#define TARGETS_MAX 16
#define PUSHED_BATCH 256

enum channel_state { CHANNEL_STARTING, CHANNEL_READY, CHANNEL_LOST };

/* A part of the last minute. */
#define CHANNEL_PARTS 12
struct channel_part {
    uint64_t number; /* which, since the clock began */
    unsigned in, out;
};

struct channel {
    struct connector *connector;
    enum channel_state state;
    struct err err; /* why it is lost */
    size_t index;   /* in core->channels */
    int64_t queued; /* as last measured */
    bool mine;      /* this worker looks after it (connector_ops.tend) */
    json_t *note;   /* of whoever does; NULL not known yet */
    json_t *pause;  /* {"by","at"} while an admin has paused it, else NULL */
    bool shown[2];  /* in metrics: what is to be sent, to be fetched */
    struct channel_part parts[CHANNEL_PARTS];
};

/* A part of the last minute. */
#define TARGET_PARTS 12
struct target_part {
    uint64_t number; /* which, since the clock began */
    unsigned attached, failed;
};

/* A CRM, and whether it is worth asking. */
struct target {
    struct crm *crm;
    struct breaker breaker;
    struct pace pace;
    struct err why;      /* of the last failure while it is not well; code ERR_NONE: it is */
    unsigned refusals;   /* in a row: it does not know us */
    struct err last;     /* of what failed last */
    enum err_code noted; /* why.code, as others know it */
    struct target_part parts[TARGET_PARTS];
    uint64_t wells;       /* how often it has answered */
    uint64_t answered_ms; /* and when last */
    bool off;             /* it wants nothing more of us: crm_off() */
    int64_t well_ms;      /* when any worker last found that it is well again */
};

struct owner;
struct live;
struct erase;
struct viewers;
struct terms;
struct crm_keeping;
struct rules;

struct core {
    const struct env *env;
    struct store *store;
    struct users *users;
    struct media *media;
    struct core_options options;
    struct channel **channels;
    size_t nchannels;
    struct target targets[TARGETS_MAX];
    size_t ntargets;
    uint64_t next_targets_ms;
    struct system_watch { /* system.c */
        int64_t started_ms;
        uint64_t last_ms, next_ms, noted_ms, cpu_us;
        uint64_t lag_ms, lag_before_ms; /* since the last note, and before it */
    } watch;
    struct sink *sinks;
    struct store_feed *feed;
    bool feed_busy, feed_ended;
    struct owner *owner;        /* deliveries of the shards that we own */
    struct queue *in_company;   /* queues whose outcomes wait to be written with those of others */
    struct loop_timer *company; /* runs while there are some */
    struct live *live;          /* typing and presence */
    struct viewers *viewers;
    struct terms *terms; /* working hours and policies */
    struct rules *rules;
    int64_t notes_version;
    bool pauses_known;           /* deliveries to channels may begin */
    int64_t crm_version;         /* of crm_news.c */
    struct crm_keeping *keeping; /* events of CRMs on their way to the store: crm_back.c */
    bool crm_known;              /* what it has to say was read: deliveries to CRMs may begin */
    uint64_t waited_us; /* by all messages taken from channels on this worker, until stored */
    struct store_trail pushed[PUSHED_BATCH];
    char pushed_threads[PUSHED_BATCH][ID_SIZE];
    size_t npushed;
    struct loop_timer *pushed_timer;
    char summed_day[9];    /* days.c: the days before it are summed up, or being so */
    struct erase *erasing; /* of erase.c */
    bool draining, stopped;
};

/* feed.c */
void feed_start(struct core *core);
void feed_stop(struct core *core);
void feed_publish(struct core *core, const struct feed_event *e); /* to all sinks */

/* live.c */
void live_start(struct core *core);
void live_stop(struct core *core);
void live_client_typing(struct core *core, const char *thread, bool on);
/* An agent has read what the client wrote: the channel may show it to him. */
void live_publish(struct core *core, json_t *what); /* to all workers; takes the reference */
void live_was_read(struct core *core, const char *thread);

/* terms.c: working hours and policies, as this worker knows them */
void terms_start(struct core *core);
void terms_stop(struct core *core);
void terms_free(struct core *core);
void terms_news(struct core *core, const char *what); /* "hours", "sla" were changed; NULL: all */
/* When this question is to be answered; when the dialogue is over if the client does not come back
 * to this answer. */
void terms_of_question(
    const struct core *core, const char *channel, int64_t now, struct store_append *a);
void terms_of_answer(
    const struct core *core, const char *channel, int64_t now, struct store_append *a);

/* rating.c: how was the talk? */
void rating_start(struct core *core);
/* When the client of a thread that is closed now is asked, ms; 0 never. channel: the thread's. */
int64_t rating_due(struct core *core, const char *channel, int64_t now);
/* His time has come (store_on_unfinished()). */
void rating_ask(struct core *core, const char *thread, const char *episode);

/* owner.c: leases, and the queues of the shards that we own */
void owner_start(struct core *core);
const char *owner_token(const struct core *core, unsigned shard); /* "" not ours */
/* Something new may be in the shard's queues; channel_work: in a channel's. */
void owner_poke(struct core *core, unsigned shard, bool channel_work);
void owner_drain(struct core *core, loop_fn fn, void *arg);
void owner_stop(struct core *core);
void owner_free(struct core *core);
/* viewers.c */
void viewers_start(struct core *core);
void viewers_stop(struct core *core);
void viewers_hear(struct core *core, const json_t *what); /* what another worker says */

/* rules.c: by the shard's owner */
void rules_start(struct core *core);
void rules_stop(struct core *core);
void rules_free(struct core *core);
void rules_own(struct core *core, unsigned shard, const char *token);
void rules_lose(struct core *core, unsigned shard);
void rules_poke(struct core *core, unsigned shard); /* there may be new events */
void rules_look(struct core *core, unsigned shard); /* each tick */
bool rules_is_idle(const struct core *core, unsigned shard);
void rules_tick(struct core *core);
void rules_changed(struct core *core); /* somebody has saved one */
/* store_append.unwanted of what a client writes: which rules have looked at it, none of which wants
 * it if its thread bears no labels; 0: some may, or it is not known. */
int64_t rules_unwanted(
    const struct core *core, const char *channel, const char *connector, const json_t *body);

/* How many CRM deliveries may begin before the next tick: few while senders queue for the store,
 * for the CRM can wait a moment and a sender cannot. */
unsigned owner_crm_allowed(const struct core *core);
void owner_crm_began(struct core *core);
unsigned owner_held(const struct core *core); /* shards that are ours */

/* Who is alive: owners' ids, by until when. */
#define WORKERS_KEY "sb:workers"
const char *owner_id(const struct core *core);
/* Does anything wait for this CRM in the shards that we own? As far as it has been read. */
bool owner_has_work(const struct core *core, const struct target *t);

/* channel_rate.c */
void channel_came(struct channel *ch); /* a message, for the first time */
void channel_went(struct channel *ch);
/* What this worker has of the last minute: {channel:{"in","out"}}; the caller decrefs. */
json_t *channels_rates(const struct core *core);
/* fn: {"in","out"}, of the last minute, all workers together, as they noted it: 2 s old at most. */
void channel_rate(struct core *core, const char *channel, store_json_fn fn, void *arg);

/* targets.c */
void target_attached(struct target *t);
void target_failed(struct target *t, const struct err *err);
void days_tick(struct core *core);    /* each second, of the worker that owns shard 0 */
void targets_tick(struct core *core); /* each 100 ms: others hear how the CRMs are to us */
/* system.c */
void system_tick(struct core *core, unsigned tick_ms); /* others hear how this worker is */
/* All that waits for this CRM because it was not well may go now. */
void owner_hurry(struct core *core, const struct target *t);

/* crm_news.c */
struct target *crm_news_target(struct core *core, const char *name); /* NULL: no such CRM */
void crm_news_read(struct core *core);                               /* if anything changed */
void crm_news_well(struct target *t);                                /* the others hear of it */

/* notes.c */
json_t *note_make(const struct channel *ch); /* {"state","error"?,"info"?}; a new reference */
json_t *note_of(const struct channel *ch);   /* the same, of whoever looks after it; may be NULL */
void note_write(struct core *core, struct channel *ch);
void notes_read(struct core *core); /* if anything changed */

/* pauses.c */
#define CHANNELS_VERSION_KEY "sb:channels:version"
void pauses_read(struct core *core);
bool channel_may_send(const struct channel *ch);
/* One of the channel's last events, by whoever looks after it. */
void channel_event(struct channel *ch, const char *what, const char *text);

/* cards.c: may a page link to it? */
bool crm_is_web_address(const char *url);

/* outbound.c: as core_send(), of what a CRM's people wrote. body has "origin", the CRM and what it
 * calls the message; owner: whose its attachments are. fn: {"message"?,"duplicate"}, without the
 * message when it was sent before and is in the archive now. */
void outbound_post(struct core *core, const struct actor *a, const char *thread, const json_t *body,
    const char *owner, store_json_fn fn, void *arg);

/* The same of a rule: mark is what is told of it with the message; key: it is done once. What it
 * sends is no answer to the client, and makes nobody responsible. */
void outbound_by_rule(struct core *core, const char *thread, const json_t *body, const json_t *mark,
    const char *key, store_done_fn fn, void *arg);
/* erase.c: what waits is left to others */
void erase_stop(struct core *core);

/* core.c */
struct target *core_target(struct core *core, const char *name);   /* NULL: no such CRM */
struct channel *core_channel(struct core *core, const char *name); /* NULL: no such channel */

#endif
