/* store_rules.h - what rules (model/rule.h) need of Redis: which events they have not looked at,
 * what they have begun, who waits too long, whose turn it is. The rules themselves are on the shelf
 * "rules" (store_desk.h). */
#ifndef SB_STORE_STORE_RULES_H
#define SB_STORE_STORE_RULES_H

#include "store/store_feed.h"

/* "{sN}:rules": rev (grows when a rule was changed), place (looked at up to), plan (begun, not
 * done), u:<rule> (of clients who wait: looked at up to). */

struct store_rules_event {
    char place[STORE_CURSOR_SIZE], thread[ID_SIZE];
    int64_t seq;
    char signs[STORE_SIGNS_SIZE]; /* see append.lua; "i" a client's message */
    struct span record;           /* store_record.h; empty when it was not asked for */
};
struct store_rules_read {
    unsigned shard;
    const char *after;     /* "" where rules have come to */
    int64_t not_before_ms; /* no rule wants what was before */
    const char *signs;     /* that are wanted */
    int64_t unwanted; /* what these rules want nothing of (store_append.unwanted) is left out */
    bool texts;       /* clients' messages come with their record */
    unsigned max;
};
struct store_rules_batch {
    int64_t rev; /* of the rules, when all of these had happened; if has_rev */
    bool has_rev;
    const char *plan, *place; /* plan "": nothing is begun, or after was given; place: up to where
                                 this has read */
    bool full;                /* there may be more */
    bool cut;                 /* some events are gone, unseen */
    const struct store_rules_event *events;
    size_t n;
};
typedef void (*store_rules_fn)(void *arg, const struct store_rules_batch *b, const struct err *err);
void store_rules_read(
    struct store *s, const struct store_rules_read *what, store_rules_fn fn, void *arg);

/* How these threads of a shard are now. */
struct store_rules_thread {
    char id[ID_SIZE]; /* asked for */
    char *assignee, *labels, *channel, *connector;
    int64_t episode;
    bool is_there; /* and nobody is blocked or merged */
};
typedef void (*store_rules_threads_fn)(
    void *arg, const struct store_rules_thread *list, size_t n, const struct err *err);
/* Takes the list over, which is of the heap. */
void store_rules_threads(struct store *s, unsigned shard, struct store_rules_thread *list, size_t n,
    store_rules_threads_fn fn, void *arg);

/* Fields and values ("" takes it away), NULL-ended, if the lease is held still: else ERR_CONFLICT.
 */
void store_rules_put(struct store *s, unsigned shard, const char *token, const char *const *pairs,
    store_done_fn fn, void *arg);

/* Who has waited since (from_ms, to_ms], or since what is kept as far as that is later: for each
 * span, by time. */
struct store_rules_span {
    char field[ID_SIZE + 2]; /* "u:<rule>" */
    int64_t from_ms, to_ms;
};
struct store_rules_waiting {
    char thread[ID_SIZE];
    int64_t since_ms;
    size_t span;
};
typedef void (*store_rules_waiting_fn)(
    void *arg, const struct store_rules_waiting *list, size_t n, const struct err *err);
void store_rules_waiting(struct store *s, unsigned shard, const struct store_rules_span *spans,
    size_t n, store_rules_waiting_fn fn, void *arg);

/* All shards' followers are to read the rules anew before they look at another event. */
void store_rules_touch(struct store *s, store_done_fn fn, void *arg);
/* Redis's own clock, by which events are dated. */
typedef void (*store_rules_number_fn)(void *arg, int64_t n, const struct err *err);
void store_rules_now(struct store *s, store_rules_number_fn fn, void *arg);

/* Who is next: see scripts/turn.lua. given: unique for what is given. loads: as they were counted
 * after moment (store_turn_moment). name "": nobody;
 * ERR_TOO_MANY: perhaps nobody, count again. */
struct store_turn {
    const char *whose, *given;
    bool least;
    int64_t moment, most; /* most 0: any number */
    const char *const *names;
    const int64_t *loads;
    size_t n;
};
typedef void (*store_turn_fn)(void *arg, const char *name, const struct err *err);
void store_turn_moment(struct store *s, store_rules_number_fn fn, void *arg);
void store_turn_pick(struct store *s, const struct store_turn *t, store_turn_fn fn, void *arg);
void store_turn_done(struct store *s, const char *given); /* it is among the counts now */

#endif
