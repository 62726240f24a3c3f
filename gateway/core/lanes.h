/* lanes.h - which entries of a queue were read and left in the store, by the lane that they belong
 * to: an entry is 16 bytes here, so tens of thousands may wait for one dialogue's retry. Pure. */
#ifndef SB_CORE_LANES_H
#define SB_CORE_LANES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/id.h"

struct lane_key {
    char tag[ID_TAG_LEN];
    int64_t seq; /* of a job for recipients: its message; else 0 */
};

struct entry_id {
    uint64_t ms, n; /* "<ms>-<n>" */
};

struct lane {
    struct lane *next; /* of its bucket */
    size_t at;         /* in lanes.all */
    struct lane_key key;
    struct entry_id *ids; /* those that were left, oldest first: n from `from` on */
    size_t from, n, room;
    size_t asked;   /* so many of the first are being fetched */
    size_t in_hand; /* of its entries, those that are items; all come before the ids */
    size_t batch;   /* so many are fetched at once */
    bool active;    /* its first entry does not wait for a retry */
    int64_t not_before_ms;
    /* Of its first entry, what the item knew. */
    bool unsure, echo_noted, ill;
    uint64_t wells;
    unsigned round; /* of parking, in which `inserted` of its items were left */
    size_t inserted;
};

struct lanes {
    struct lane **buckets, **all;
    size_t nbuckets, n, room; /* of all */
    size_t nids, nactive;
};

struct lane *lanes_find(const struct lanes *l, const struct lane_key *key); /* NULL none */
struct lane *lanes_add(struct lanes *l, const struct lane_key *key); /* it must not be there */
void lanes_drop(struct lanes *l, struct lane *lane);
void lanes_clear(struct lanes *l);
void lane_set_active(struct lanes *l, struct lane *lane, bool active);

/* Puts the id of an entry at this place, counted from the first; lane->n is the end. */
void lane_insert(struct lanes *l, struct lane *lane, size_t place, const char *id);
/* Takes the first n away. */
void lane_take(struct lanes *l, struct lane *lane, size_t n);
/* The text of the id at this place; out has 48 bytes. */
void lane_id(const struct lane *lane, size_t place, char out[48]);

#endif
