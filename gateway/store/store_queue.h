/* store_queue.h - deliveries that wait: a stream for each queue ("out:site", "crm:main") and shard.
 *
 * What is in a stream is what is not done yet: an entry is deleted in the same script that writes
 * its outcome. There is one owner a shard at a time (a lease with a fencing number that every
 * finishing script checks), so no consumer group is needed to share a stream: a new owner begins at
 * its start and finds all that the old one left, in order. */
#ifndef SB_STORE_STORE_QUEUE_H
#define SB_STORE_STORE_QUEUE_H

#include "store/store.h"

#define STORE_ENTRY_SIZE 48 /* "1732368000123-0" */
#define STORE_TOKEN_SIZE 96
#define STORE_OP_SIZE 12

/* Takes, renews (ttl_ms > 0) or gives up (0) the shard's lease. token: NULL when another has it. */
typedef void (*store_lease_fn)(void *arg, const char *token, const struct err *err);
void store_lease(struct store *s, unsigned shard, const char *owner, unsigned ttl_ms,
    store_lease_fn fn, void *arg);

struct store_entry {
    char id[STORE_ENTRY_SIZE];
    char kind; /* m message, c client changed, g clients merged, u not any more, x client erased,
                  f event from a CRM */
    char subject[ID_SIZE],
        object[ID_SIZE]; /* m: thread; c: client; g, u: from, into; x: client; f: lane */
    int64_t seq; /* m; f: store_event_load(); g, u: which merge of `from` it is, 0 not known */
    char op[STORE_OP_SIZE]; /* of a channel's queue: "" send, "edit" "delete" "react" "rest"; of a
                               CRM's: "" all of it, "status" */
    unsigned attempts;      /* made before, by earlier owners too */
    int64_t not_before_ms;  /* 0: at once */
};
typedef void (*store_entries_fn)(
    void *arg, const struct store_entry *entries, size_t n, const struct err *err);
/* Entries after this id ("" from the start, then with attempts and times of retries), oldest first.
 */
void store_queue_read(struct store *s, unsigned shard, const char *queue, const char *after,
    unsigned max, store_entries_fn fn, void *arg);
/* Those of these ids that are there still, in this order; at most STORE_PICK_MAX. */
#define STORE_PICK_MAX 100
void store_queue_pick(struct store *s, unsigned shard, const char *queue,
    const char (*ids)[STORE_ENTRY_SIZE], size_t n, store_entries_fn fn, void *arg);

/* {"message":Message,"thread":Thread,"client":Client,"to":{"kind","address","route"},"episode":n}:
 * what a delivery needs. message is null when the log no longer has it, and has its private keys
 * (store_record.h). `to` is where the client wrote last, or where the message was meant to go.
 * episode: the seq that opened the thread last, 0 not known. */
void store_delivery(struct store *s, const char *thread, int64_t seq, store_json_fn fn, void *arg);
/* {"message":Message,"client":Client,"attached_seq":n}: what a delivery to a CRM's target needs,
 * which has the thread's messages up to attached_seq, but for gaps. There are as many of these as
 * of messages: nothing else of the thread is asked for. */
void store_card_delivery(struct store *s, const char *thread, int64_t seq, const char *target,
    store_json_fn fn, void *arg);

/* "sending" is on disk when this says "ok"; see scripts/begin.lua for the other answers. */
typedef void (*store_word_fn)(void *arg, const char *word, const struct err *err);
void store_begin(struct store *s, const char *token, const char *thread, int64_t seq,
    unsigned attempt, store_word_fn fn, void *arg);

/* A part of a message is at the channel, under this id. ERR_CONFLICT: the lease is lost. */
void store_part(struct store *s, const char *token, const char *thread, int64_t seq,
    const char *channel, const char *external_id, store_done_fn fn, void *arg);

struct store_outcome {
    const char *entry;
    const char *thread; /* "" for entries without a message */
    int64_t seq;
    const char *word; /* "sent" "failed" "unknown" "attached" "left_out" "done" "retry" "dropped" */
    const char *prefix; /* of the word in the trail: "" "card_" "change_" "rest_" "fetch_" */
    const char *detail, *external_id;
    unsigned attempts;
    int64_t not_before_ms;
    bool dead, status_event;
};
/* Writes the outcomes of one queue and shard, at most 40. word: "fenced" when the lease is lost
 * (nothing was written then), else "ok". */
void store_finish(struct store *s, unsigned shard, const char *token, const char *queue,
    const char *channel, const struct store_outcome *o, size_t n, store_word_fn fn, void *arg);

/* Length and age of the oldest entry, over the given shards. */
typedef void (*store_depth_fn)(void *arg, int64_t n, int64_t oldest_ms, const struct err *err);
void store_queue_depth(struct store *s, const char *queue, store_depth_fn fn, void *arg);

/* The channels' queues of a shard that are not empty ("out:site", "get:sales"). */
struct store_queue_info {
    const char *name;
    int64_t n, oldest_ms;
};
typedef void (*store_queues_fn)(
    void *arg, const struct store_queue_info *queues, size_t n, const struct err *err);
void store_queues(struct store *s, unsigned shard, store_queues_fn fn, void *arg);

/* {"dead":[Dead...],"next"}: newest first, `limit` a page; next is the cursor of the next page or
 * null. Each letter is on one page exactly, however many died in one millisecond; what dies
 * meanwhile is before the first page. queue: "crm:main", NULL of all. ERR_INVALID when the cursor
 * is none. */
void store_dead(struct store *s, const char *queue, const char *cursor, unsigned limit,
    store_json_fn fn, void *arg);
/* Puts one back at the end of its queue; ERR_NOT_FOUND when there is none of this id. */
void store_dead_retry(struct store *s, const char *id, store_done_fn fn, void *arg);
/* The same of all that are in this queue (NULL: in any) now, the oldest of each shard first:
 * {"retried":n}. What dies again meanwhile stays dead. */
void store_dead_retry_all(struct store *s, const char *queue, store_json_fn fn, void *arg);
/* How many are dead of one queue. */
typedef void (*store_count_fn)(void *arg, int64_t n, const struct err *err);
void store_dead_count(struct store *s, const char *queue, store_count_fn fn, void *arg);

/* {"deliveries":[{"target","attached_seq","waiting","waiting_since","refused","refused_seq",
 * "error","refused_at"}..]}: what the CRMs have of a thread's messages, by target; the last four
 * are of its newest message that is dead. ERR_NOT_FOUND when there is no such thread. */
void store_on_card(struct store *s, const char *thread, store_json_fn fn, void *arg);

/* The channel takes no free answers to this thread's client any more, if we thought that it does
 * until some time before before_ms (later ones began after the channel said so). */
void store_window_over(struct store *s, const char *thread, const char *channel, int64_t before_ms);

/* Does what is due in this shard: opens threads whose snooze is over, tells of answers that are due
 * soon or late, closes dialogues in which nobody wrote any more, names clients who are to be asked
 * how a talk was; ends what others have begun and not ended: merges, and their undoing. Each once,
 * and only while token is its owner's. fn: when the next is due, ms; 0 not known. */
typedef void (*store_woken_fn)(void *arg, int64_t next_ms);
void store_wake(struct store *s, unsigned shard, const char *token, store_woken_fn fn, void *arg);
/* What is not the store's to end: "erase" of a client, by an agent; "ask" of a thread, of whose
 * episode (store_ask()). */
void store_on_unfinished(struct store *s,
    void (*fn)(void *arg, const char *verb, const char *id, const char *what), void *arg);

#endif
