/* limiter.c - for the account and for each key one number is kept, the time when its sending would
 * be even again (generic cell rate algorithm): each message moves it on by the interval, and it may
 * run ahead of the clock by a few intervals. Keys stand in a hash table and in a list by last use;
 * the one that was not used for the longest time goes. */
#include "core/limiter.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define KEYS_MAX (1u << 20)

struct entry {
    uint64_t even_us;    /* when its sending is even again */
    uint64_t blocked_ms; /* until then nothing goes */
    struct entry *next;  /* of the same bucket */
    struct entry *newer, *older;
    char key[]; /* at most LIMITER_KEY_MAX bytes */
};

struct limiter {
    uint64_t even_us, blocked_ms; /* the account as a whole */
    unsigned max, n, nbuckets;
    struct entry **buckets;
    struct entry *newest, *oldest;
};

struct limiter *limiter_create(unsigned max_keys) {
    struct limiter *l = mem_zalloc(sizeof *l);
    l->max = max_keys < 1 ? 1 : max_keys > KEYS_MAX ? KEYS_MAX : max_keys;
    for (l->nbuckets = 16; l->nbuckets < l->max; l->nbuckets *= 2)
        ;
    l->buckets = mem_zalloc(l->nbuckets * sizeof(struct entry *));
    return l;
}

void limiter_destroy(struct limiter **l) {
    if (!*l)
        return;
    for (struct entry *e = (*l)->newest, *older; e; e = older) {
        older = e->older;
        free(e);
    }
    free((*l)->buckets);
    free(*l);
    *l = NULL;
}

/* --- keys ------------------------------------------------------------------------------------ */

static struct entry **bucket_of(const struct limiter *l, const char *key) {
    uint32_t hash = 2166136261u;
    for (size_t i = 0; key[i] && i < LIMITER_KEY_MAX; i++)
        hash = (hash ^ (unsigned char)key[i]) * 16777619u;
    return &l->buckets[(hash ^ hash >> 16) & (l->nbuckets - 1)];
}

static struct entry *find(const struct limiter *l, const char *key) {
    struct entry *e = *bucket_of(l, key);
    while (e && strncmp(e->key, key, LIMITER_KEY_MAX) != 0)
        e = e->next;
    return e;
}

static void unlink_use(struct limiter *l, struct entry *e) {
    *(e->newer ? &e->newer->older : &l->newest) = e->older;
    *(e->older ? &e->older->newer : &l->oldest) = e->newer;
}

static void link_newest(struct limiter *l, struct entry *e) {
    e->newer = NULL;
    e->older = l->newest;
    *(l->newest ? &l->newest->newer : &l->oldest) = e;
    l->newest = e;
}

static void forget_oldest(struct limiter *l) {
    struct entry *e = l->oldest, **p = bucket_of(l, e->key);
    while (*p != e)
        p = &(*p)->next;
    *p = e->next;
    unlink_use(l, e);
    free(e);
    l->n--;
}

/* The entry, made where there was none, and the newest now. */
static struct entry *use(struct limiter *l, const char *key) {
    struct entry *e = find(l, key);
    if (e) {
        unlink_use(l, e);
        link_newest(l, e);
        return e;
    }
    if (l->n == l->max)
        forget_oldest(l);
    size_t n = strnlen(key, LIMITER_KEY_MAX);
    e = mem_zalloc(sizeof *e + n + 1);
    memcpy(e->key, key, n);
    struct entry **bucket = bucket_of(l, e->key);
    e->next = *bucket;
    *bucket = e;
    link_newest(l, e);
    l->n++;
    return e;
}

/* --- time ------------------------------------------------------------------------------------ */

/* ms until even_us is no more ahead of the clock than the rate allows. */
static uint64_t ms_until_even(uint64_t even_us, struct limiter_rate r, uint64_t now_ms) {
    double early = (double)even_us - (double)now_ms * 1000.0 - r.interval_us * r.ahead;
    return early > 0 ? (uint64_t)(early / 1000.0 + 0.999999) : 0;
}

static uint64_t move_on(uint64_t even_us, struct limiter_rate r, unsigned n, uint64_t now_ms) {
    uint64_t now_us = now_ms * 1000;
    return (even_us > now_us ? even_us : now_us) + (uint64_t)(r.interval_us * n);
}

static uint64_t ms_until(uint64_t then_ms, uint64_t now_ms) {
    return then_ms > now_ms ? then_ms - now_ms : 0;
}

static uint64_t later(uint64_t a, uint64_t b) {
    return a > b ? a : b;
}

static unsigned as_ms(uint64_t ms) {
    return ms > UINT32_MAX ? UINT32_MAX : (unsigned)ms;
}

unsigned limiter_wait_all(const struct limiter *l, struct limiter_rate all, uint64_t now_ms) {
    return as_ms(later(ms_until(l->blocked_ms, now_ms), ms_until_even(l->even_us, all, now_ms)));
}

unsigned limiter_wait(const struct limiter *l, struct limiter_rate all, const char *key,
    struct limiter_rate rate, uint64_t now_ms) {
    const struct entry *e = find(l, key);
    uint64_t wait = limiter_wait_all(l, all, now_ms);
    if (e)
        wait = later(
            wait, later(ms_until(e->blocked_ms, now_ms), ms_until_even(e->even_us, rate, now_ms)));
    return as_ms(wait);
}

void limiter_take(struct limiter *l, struct limiter_rate all, const char *key,
    struct limiter_rate rate, unsigned n, uint64_t now_ms) {
    struct entry *e = use(l, key);
    e->even_us = move_on(e->even_us, rate, n, now_ms);
    l->even_us = move_on(l->even_us, all, n, now_ms);
}

void limiter_block(struct limiter *l, const char *key, uint64_t until_ms) {
    struct entry *e = use(l, key);
    e->blocked_ms = later(e->blocked_ms, until_ms);
}

void limiter_block_all(struct limiter *l, uint64_t until_ms) {
    l->blocked_ms = later(l->blocked_ms, until_ms);
}
