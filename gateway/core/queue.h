/* queue.h - deliveries of one queue and shard while we own the shard: a window on the stream, each
 * thread's deliveries one after another, many threads at once. What a delivery does is told by the
 * queue's kind: channel_queue.c or crm_queue.c. When the window is full, what waits for a retry of
 * its lane is left in the store, and only its ids are known (queue_park.c): it keeps no other lane
 * waiting. Private to core/. */
#ifndef SB_CORE_QUEUE_H
#define SB_CORE_QUEUE_H

#include "core/core_private.h"
#include "core/lanes.h"

#define QUEUE_LEFT_MAX (1u << 20) /* ids of entries that are left in the store: 16 MB */
#define FLUSH_MAX 40              /* outcomes of one finishing script */
#define FLUSH_FEW 4               /* where a short script matters more: others wait for its end */
#define COMPANY 7                 /* outcomes of a worker's queues that are written together */
#define COMPANY_MS 20     /* so long one waits: each commit costs Redis more than what is in it */
#define GIVE_WAY_MS 2     /* a message is stored in about one */
#define QUEUE_REST "rest" /* op of a job for the recipients whom a message has not reached */
#define QUEUE_STATUS "status" /* op of a CRM's: nothing but the message's status has changed */

enum item_state {
    ITEM_WAITING, /* for its turn, or its time */
    ITEM_BUSY,    /* started; ends with queue_end() */
    ITEM_ENDED    /* its outcome is on its way to the store */
};

enum item_parks {
    ITEM_STAYS,
    ITEM_PARKS_FIRST, /* its lane waits for its retry */
    ITEM_PARKS_NEXT,  /* behind such a one */
    ITEM_PARKS_TAIL,  /* its lane goes on, but is long */
    ITEM_PARKS_REST   /* a job for recipients, with an earlier one of its message */
};

struct queue;

struct item {
    struct queue *queue;
    struct item *next;
    struct store_entry entry;
    enum item_state state;
    int64_t not_before_ms;
    int64_t queued_ms;
    bool is_rest; /* a job for recipients: op is QUEUE_REST */
    /* Outcome, from queue_end(). */
    const char *word;
    char detail[400];
    char *external_id;
    bool dead, status_event, flushing;
    /* The kind's own. */
    json_t *loaded;           /* store_delivery(), store_card_delivery() */
    struct delivery delivery; /* channel_queue.c */
    bool handed;              /* the connector has it */
    char *reply_to;
    struct fetch fetch; /* fetch_queue.c */
    size_t fetch_index;
    char *card;  /* crm_queue.c */
    bool unsure; /* it may have been begun: by the shard's last owner, whose next one of its lane it
                    was, or by a try that the CRM ended by not knowing us any more */
    bool echo_noted;       /* what the CRM will tell us again: store_echo_note() */
    bool card_lost;        /* the CRM did not know the card: it was looked for anew */
    bool ill;              /* its last attempt failed for what is no fault of its own */
    uint64_t wells;        /* target.wells when it failed last */
    struct lane *lane;     /* which has entries that were left in the store; NULL: none */
    bool picked;           /* it was one of those */
    enum item_parks parks; /* is it to be left there? */
    bool is_again;         /* busy, and not for the first time */
    bool tried;            /* by us */
};

enum queue_health {
    QUEUE_WELL,
    QUEUE_ASKS_NEW, /* one delivery is to find out, which has not failed before if there is one */
    QUEUE_ASKS_ANY, /* there was none */
    QUEUE_DOWN      /* nothing can be delivered to anybody */
};

struct queue_kind {
    unsigned in_flight_max;                       /* at a time */
    unsigned (*in_flight)(const struct queue *q); /* now, where it changes; NULL: in_flight_max */
    unsigned flush_max;                           /* FLUSH_MAX, FLUSH_FEW */
    unsigned company_ms;  /* so long an outcome waits for others, while they are on their way */
    unsigned give_way_ms; /* so long a backlog lets messages be stored first; 0: it does not */
    const char *prefix;   /* of its words in a message's trail: store_outcome.prefix */
    /* May one more begin? If so it does. NULL: always. */
    bool (*may_start)(struct queue *q);
    enum queue_health (*health)(const struct queue *q); /* NULL: nothing is known, as if well */
    void (*start)(struct item *it);                     /* ends it with queue_end(), now or later */
    void (*tick)(struct queue *q);                      /* each 100 ms; NULL: nothing to do */
};

struct queue {
    struct queue *next; /* of the same shard */
    struct core *core;
    const struct queue_kind *kind;
    struct channel *channel; /* of a channel's queue, else NULL */
    struct target *target;   /* of a CRM's queue, else NULL */
    unsigned shard;
    char name[96];                 /* "out:site" */
    const char *label;             /* metrics: channel or target */
    const char *token;             /* the shard's lease; NULL: not ours, begin nothing */
    char cursor[STORE_ENTRY_SIZE]; /* last entry read */
    struct item *items, **tail;
    size_t nitems, busy, busy_again, nended;
    size_t nflushing;       /* of those that ended */
    size_t npicked, nrests; /* of items: picked ones; others that are for recipients who wait */
    size_t nunsure;         /* so many of the next lanes may have been begun by the last owner */
    struct lanes seen;      /* while nunsure: which lanes had an entry, since the shard is ours */
    struct lanes lanes;     /* what was left in the store */
    size_t hand;            /* of lanes: the next one to be looked at */
    unsigned round;         /* of parking */
    bool stirred;           /* since then something was read, put off, or left */
    int64_t parked_ms;      /* when it was looked at for that */
    int64_t went_ms;        /* when a delivery ended last that is not to be tried again */
    bool reading, picking, more, flushing, flush_planned, flush_due;
    struct loop_timer *way; /* runs while others go first */
    bool gave_way;          /* it has run */
    bool in_company;        /* its outcomes wait for others: core.in_company */
    struct queue *next_in_company;
    unsigned flush_failures;
    /* Which of our times as the owner: older answers are not for this one. */
    unsigned read_era, flush_era, era;
};

void queue_init(struct queue *q, struct core *core, const struct queue_kind *kind, unsigned shard);
/* The shard is ours: from the beginning. token lives until queue_lose(). */
void queue_own(struct queue *q, const char *token);
/* Not ours any more: begins nothing, forgets what waits; what is busy ends without effect. */
void queue_lose(struct queue *q);
/* Something new may be there: reads on and starts what can start. */
void queue_poke(struct queue *q);
void queue_run(struct queue *q);
/* Each 100 ms: starts what has become due, writes again what could not be written. */
void queue_tick(struct queue *q);
/* The CRM is well again: what waits for nothing else may begin. */
void queue_hurry(struct queue *q);
/* The worker is about to end: what its connector has in hand ends now, as far as it can. */
void queue_cancel(struct queue *q);
/* Room in the window for more of what is read? */
bool queue_is_full(const struct queue *q);
/* Takes an entry in, behind all others. */
struct item *queue_take(struct queue *q, const struct store_entry *e, bool picked);
void queue_remove(struct queue *q, struct item **at);
bool queue_is_idle(const struct queue *q); /* nothing busy, nothing being written */
void queue_free(struct queue *q);

/* Ends an item's attempt. word: "sent" "failed" "unknown" "attached" "left_out" "done" "dropped"
 * or "retry".
 */
void queue_end(struct item *it, const char *word, const char *detail);
/* Puts it off: full jitter between 1 s and 300 s, or at least retry_ms, of which a day counts at
 * most. After the horizon (5 days) it is given up as "failed" and dead. */
void queue_retry(struct item *it, unsigned retry_ms, const struct err *err);
/* Ends it for good with the error; a message or a CRM's job as a dead letter. */
void queue_reject(struct item *it, const struct err *err);
/* It was started, but its time has not come: nothing happened. Asked again in ms. */
void queue_put_off(struct item *it, unsigned ms);

/* queue_park.c */
bool queue_same_lane(const struct item *a, const struct item *b);
struct lane_key queue_key(const struct store_entry *e);
/* Must this entry stay in the store, for earlier ones of its lane do? Then it is noted. */
bool queue_left(struct queue *q, const struct store_entry *e);
/* An entry of this lane is done, or forgotten; the lane may be, too. */
void queue_lane_less(struct queue *q, struct lane *lane);
/* Leaves in the store what can do nothing but wait, when it is in the way. */
void queue_park(struct queue *q);
/* Fetches what was left and may begin. */
void queue_pick(struct queue *q);

/* channel_queue.c, fetch_queue.c, crm_queue.c, crm_back.c */
extern const struct queue_kind channel_queue_kind;
extern const struct queue_kind fetch_queue_kind;
extern const struct queue_kind crm_queue_kind;
extern const struct queue_kind crm_back_kind;

#endif
