/* lanes.c - a hash of lanes, each with the ids of its entries in order. */
#include "core/lanes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define BUCKETS_MIN 64

static size_t hash_of(const struct lane_key *key) {
    uint64_t hash = 1469598103934665603u ^ (uint64_t)key->seq * 0x9e3779b97f4a7c15u;
    for (size_t i = 0; i < ID_TAG_LEN; i++)
        hash = (hash ^ (unsigned char)key->tag[i]) * 1099511628211u;
    return (size_t)(hash ^ hash >> 32);
}

static bool is_same(const struct lane_key *a, const struct lane_key *b) {
    return a->seq == b->seq && memcmp(a->tag, b->tag, ID_TAG_LEN) == 0;
}

struct lane *lanes_find(const struct lanes *l, const struct lane_key *key) {
    struct lane *lane = l->nbuckets ? l->buckets[hash_of(key) & (l->nbuckets - 1)] : NULL;
    while (lane && !is_same(&lane->key, key))
        lane = lane->next;
    return lane;
}

static void put(struct lanes *l, struct lane *lane) {
    struct lane **bucket = &l->buckets[hash_of(&lane->key) & (l->nbuckets - 1)];
    lane->next = *bucket;
    *bucket = lane;
}

/* Buckets are as many as lanes, at least. */
static void grow(struct lanes *l) {
    if (l->n < l->nbuckets)
        return;
    free(l->buckets);
    l->nbuckets = l->nbuckets ? l->nbuckets * 2 : BUCKETS_MIN;
    l->buckets = mem_zalloc(l->nbuckets * sizeof(struct lane *));
    for (size_t i = 0; i < l->n; i++)
        put(l, l->all[i]);
}

struct lane *lanes_add(struct lanes *l, const struct lane_key *key) {
    struct lane *lane = mem_zalloc(sizeof *lane);
    grow(l);
    if (l->n == l->room) {
        l->room = l->room ? l->room * 2 : BUCKETS_MIN;
        l->all = mem_realloc(l->all, l->room * sizeof(struct lane *));
    }
    lane->key = *key;
    lane->at = l->n;
    l->all[l->n++] = lane;
    put(l, lane);
    return lane;
}

void lane_set_active(struct lanes *l, struct lane *lane, bool active) {
    l->nactive += active;
    l->nactive -= lane->active;
    lane->active = active;
}

void lanes_drop(struct lanes *l, struct lane *lane) {
    struct lane **at = &l->buckets[hash_of(&lane->key) & (l->nbuckets - 1)];
    while (*at != lane)
        at = &(*at)->next;
    *at = lane->next;
    l->all[lane->at] = l->all[--l->n];
    l->all[lane->at]->at = lane->at;
    l->nids -= lane->n;
    lane_set_active(l, lane, false);
    free(lane->ids);
    free(lane);
}

void lanes_clear(struct lanes *l) {
    for (size_t i = 0; i < l->n; i++) {
        free(l->all[i]->ids);
        free(l->all[i]);
    }
    free(l->all);
    free(l->buckets);
    *l = (struct lanes){0};
}

void lane_insert(struct lanes *l, struct lane *lane, size_t place, const char *id) {
    char *end;
    struct entry_id e = {.ms = strtoull(id, &end, 10)};
    e.n = *end == '-' ? strtoull(end + 1, NULL, 10) : 0;
    if (lane->n == 0)
        lane->from = 0;
    if (lane->from + lane->n == lane->room) {
        if (lane->from > lane->n) {
            memcpy(lane->ids, lane->ids + lane->from, lane->n * sizeof *lane->ids);
            lane->from = 0;
        } else {
            lane->room = lane->room ? lane->room * 2 : 4;
            lane->ids = mem_realloc(lane->ids, lane->room * sizeof *lane->ids);
        }
    }
    struct entry_id *at = lane->ids + lane->from + place;
    memmove(at + 1, at, (lane->n - place) * sizeof *at);
    *at = e;
    lane->n++;
    l->nids++;
}

void lane_take(struct lanes *l, struct lane *lane, size_t n) {
    lane->from += n;
    lane->n -= n;
    l->nids -= n;
}

void lane_id(const struct lane *lane, size_t place, char out[48]) {
    const struct entry_id *e = &lane->ids[lane->from + place];
    snprintf(out, 48, "%llu-%llu", (unsigned long long)e->ms, (unsigned long long)e->n);
}
