/* store_desk.h - what agents' desks need besides threads: how many there are of each kind, which
 * labels there are, who is writing, and what is put away by id (drafts, saved views, texts). */
#ifndef SB_STORE_STORE_DESK_H
#define SB_STORE_STORE_DESK_H

#include "store/store.h"

#define STORE_TALLIES_MAX 40

/* How many threads each question would list; view, agent, channel, assignee and label count. Kept
 * by the scripts, so the price is the same at any number of threads. sees_all: others' count, too.
 */
typedef void (*store_tally_fn)(void *arg, const int64_t *n, const struct err *err);
void store_tally(struct store *s, const struct store_query *questions, size_t n, bool sees_all,
    store_tally_fn fn, void *arg);

/* {"labels":[{"label","count"}...]}: with how many threads (in any state) each is, most first; with
 * very many labels the rarest are left out. agent: only of his threads and nobody's; NULL: of all.
 */
void store_labels(struct store *s, const char *agent, store_json_fn fn, void *arg);
/* The same of all labels, by name: so many that it takes its time (10,000 of a shard at most). */
void store_labels_all(struct store *s, store_json_fn fn, void *arg);
/* Puts `to` in a label's place on all threads that have it, or takes it away (NULL), some threads a
 * step; fn gets how many there were, also with err: then asking again goes on. */
typedef void (*store_count_fn)(void *arg, int64_t n, const struct err *err);
void store_relabel(struct store *s, const char *from, const char *to, store_count_fn fn, void *arg);
/* The same in all agents' and tokens' saved views, whose screens are told; with NULL the views of
 * that label go. fn gets how many there were. */
void store_relabel_views(
    struct store *s, const char *from, const char *to, store_count_fn fn, void *arg);

/* The agent begins or goes on to write in a thread (for_ms), or stops (0). fn:
 * {"writer":name|null}: who it is now, which may be somebody else; may be NULL. */
void store_writer(struct store *s, const char *thread, const char *agent, int64_t for_ms,
    store_json_fn fn, void *arg);

/* A shelf is a few things by id, each with a number that grows with each change. */
struct store_shelf_put {
    const char *shelf;   /* "drafts:ann", "views:ann", "canned" */
    const char *id;      /* of the thing */
    const json_t *thing; /* an object; NULL takes it away */
    int64_t expected;    /* the number that the changer has seen, 0 that there is none; -1 any */
    unsigned max;        /* so many are there at most */
    const json_t *told;  /* what is told to all workers ("sb:live") with it; NULL nothing */
};
/* fn: {"rev":n}; ERR_CONFLICT: changed meanwhile, or full; ERR_NOT_FOUND: is not there. */
void store_shelf_put(
    struct store *s, const struct store_shelf_put *put, store_json_fn fn, void *arg);
/* {"things":{id: thing with its "rev"}} */
void store_shelf(struct store *s, const char *shelf, store_json_fn fn, void *arg);

#endif
