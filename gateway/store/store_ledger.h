/* store_ledger.h - for commands that look at everything that is stored: all threads in turn, what
 * of each a CRM's target has by our own trail, and putting messages into the target's queue once
 * more. */
#ifndef SB_STORE_STORE_LEDGER_H
#define SB_STORE_STORE_LEDGER_H

#include "store/store.h"
#include "store/store_record.h"

/* All threads, those of merged clients too, but none that was erased, some at a time and in no
 * order:
 * {"threads":[{"id","client","first","last_seq","active_ms","created_ms"}...],"next":".."|null}.
 * first: the oldest seq that the log still has; active_ms: when its newest message came. Each
 * thread that is there from the first page to the last is on one of them, or on several. cursor:
 * "" the first page, then the answer's "next", also after days. ERR_INVALID when it is none. */
void store_walk(struct store *s, const char *cursor, store_json_fn fn, void *arg);
/* The same of one thread: {"threads":[one],"next":null}; ERR_NOT_FOUND. */
void store_walk_one(struct store *s, const char *thread, store_json_fn fn, void *arg);

/* What the ledger has of a thread's messages from seq `from` on, at most max, ascending; those that
 * the log has no more are left out. */
struct store_ledger_row {
    int64_t seq;
    char channel[64]; /* "" notes and events */
    struct record_ledger is;
};
#define STORE_LEDGER_PAGE 200
typedef void (*store_ledger_fn)(
    void *arg, const struct store_ledger_row *rows, size_t n, const struct err *err);
void store_ledger(struct store *s, const char *thread, const char *target, int64_t from,
    unsigned max, store_ledger_fn fn, void *arg);

/* Queues messages (at most STORE_REQUEUE_MAX) of a thread for a target once more, in this order.
 * missing: it was looked for there and is not there. only_new: not what was there ever, was given
 * up, or was queued by hand before. n: how many were queued. */
#define STORE_REQUEUE_MAX 200
struct store_requeue {
    const char *thread, *target;
    bool missing, only_new;
    const int64_t *seqs;
    size_t n;
};
typedef void (*store_count_fn)(void *arg, int64_t n, const struct err *err);
void store_requeue(struct store *s, const struct store_requeue *q, store_count_fn fn, void *arg);

/* When the oldest entry of a queue was queued in this shard; INT64_MAX: nothing waits there. */
void store_queue_oldest(
    struct store *s, unsigned shard, const char *queue, store_count_fn fn, void *arg);

/* How far a long work came, kept under a name until it is over (place NULL). The place is "" when
 * there is none. */
typedef void (*store_place_fn)(void *arg, const char *place, const struct err *err);
void store_place_get(struct store *s, const char *name, store_place_fn fn, void *arg);
void store_place_set(
    struct store *s, const char *name, const char *place, store_done_fn fn, void *arg);

#endif
