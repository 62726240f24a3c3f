/* telegram_limit.c - how soon the next message may go. For the bot and for each chat one number is
 * kept, the time when its sending would be even again (generic cell rate algorithm): each message
 * moves it on by the interval, and it may run ahead of the clock by a few intervals. Chats stand in
 * a hash table and in a list by last use; the one that was not used for the longest time goes. */
#include "connectors/telegram/telegram_limit.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "connectors/telegram/telegram_update.h"

/* In microseconds. No second has more than 30 of the bot (3 ahead and 27), no minute more than 20
 * of a group (3 at once and 17). */
#define BOT_INTERVAL (1000000.0 / 27)
#define BOT_AHEAD 3 /* intervals: what may go at once besides the first one */
#define CHAT_INTERVAL 1000000
#define CHAT_AHEAD 2
#define GROUP_INTERVAL 3500000
#define GROUP_AHEAD 2
#define SHARE_MIN 0.001
#define SECOND_CHAT_MS 3000
#define CHATS_MAX (1u << 20)
#define RETRY_MAX_S (30u * 86400)

struct chat {
    char name[TELEGRAM_ADDRESS_SIZE];
    uint64_t even_us;    /* when its sending is even again */
    uint64_t blocked_ms; /* until then nothing goes */
    struct chat *next;   /* of the same bucket */
    struct chat *newer, *older;
};

struct telegram_limit {
    double share;
    uint64_t even_us;
    uint64_t blocked_ms;              /* the bot as a whole */
    char told[TELEGRAM_ADDRESS_SIZE]; /* the chat that was blocked last */
    uint64_t told_ms;
    unsigned max, n, nbuckets;
    struct chat **buckets;
    struct chat *newest, *oldest;
};

struct telegram_limit *telegram_limit_create(unsigned max_chats) {
    struct telegram_limit *l = mem_zalloc(sizeof *l);
    l->max = max_chats < 1 ? 1 : max_chats > CHATS_MAX ? CHATS_MAX : max_chats;
    for (l->nbuckets = 16; l->nbuckets < l->max; l->nbuckets *= 2)
        ;
    l->buckets = mem_zalloc(l->nbuckets * sizeof(struct chat *));
    l->share = 1;
    return l;
}

void telegram_limit_destroy(struct telegram_limit **l) {
    if (!*l)
        return;
    for (struct chat *c = (*l)->newest, *older; c; c = older) {
        older = c->older;
        free(c);
    }
    free((*l)->buckets);
    free(*l);
    *l = NULL;
}

void telegram_limit_share(struct telegram_limit *l, double share) {
    l->share = share >= 1 ? 1 : share > SHARE_MIN ? share : SHARE_MIN;
}

/* --- chats
 * ------------------------------------------------------------------------------------------ */

static struct chat **bucket_of(const struct telegram_limit *l, const char *name) {
    uint32_t hash = 2166136261u;
    for (size_t i = 0; name[i] && i < TELEGRAM_ADDRESS_SIZE - 1; i++)
        hash = (hash ^ (unsigned char)name[i]) * 16777619u;
    return &l->buckets[(hash ^ hash >> 16) & (l->nbuckets - 1)];
}

static struct chat *find_chat(const struct telegram_limit *l, const char *name) {
    struct chat *c = *bucket_of(l, name);
    while (c && strncmp(c->name, name, sizeof c->name - 1) != 0)
        c = c->next;
    return c;
}

static void unlink_use(struct telegram_limit *l, struct chat *c) {
    *(c->newer ? &c->newer->older : &l->newest) = c->older;
    *(c->older ? &c->older->newer : &l->oldest) = c->newer;
}

static void link_newest(struct telegram_limit *l, struct chat *c) {
    c->newer = NULL;
    c->older = l->newest;
    *(l->newest ? &l->newest->newer : &l->oldest) = c;
    l->newest = c;
}

static void forget_oldest(struct telegram_limit *l) {
    struct chat *c = l->oldest, **p = bucket_of(l, c->name);
    while (*p != c)
        p = &(*p)->next;
    *p = c->next;
    unlink_use(l, c);
    free(c);
    l->n--;
}

/* The chat, made where there was none, and the newest now. */
static struct chat *use_chat(struct telegram_limit *l, const char *name) {
    struct chat *c = find_chat(l, name);
    if (c) {
        unlink_use(l, c);
        link_newest(l, c);
        return c;
    }
    if (l->n == l->max)
        forget_oldest(l);
    c = mem_zalloc(sizeof *c);
    size_t n = strnlen(name, sizeof c->name - 1);
    memcpy(c->name, name, n);
    struct chat **bucket = bucket_of(l, c->name);
    c->next = *bucket;
    *bucket = c;
    link_newest(l, c);
    l->n++;
    return c;
}

/* --- time
 * ------------------------------------------------------------------------------------------- */

/* ms until even_us is at most `ahead` microseconds away. */
static uint64_t ms_until_even(uint64_t even_us, double ahead, uint64_t now_ms) {
    double early = (double)even_us - (double)now_ms * 1000.0 - ahead;
    return early > 0 ? (uint64_t)(early / 1000.0 + 0.999999) : 0;
}

static uint64_t move_on(uint64_t even_us, double interval, unsigned n, uint64_t now_ms) {
    uint64_t now_us = now_ms * 1000;
    return (even_us > now_us ? even_us : now_us) + (uint64_t)(interval * n);
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

unsigned telegram_limit_bot_wait(const struct telegram_limit *l, uint64_t now_ms) {
    double interval = BOT_INTERVAL / l->share;
    return as_ms(later(
        ms_until(l->blocked_ms, now_ms), ms_until_even(l->even_us, interval * BOT_AHEAD, now_ms)));
}

unsigned telegram_limit_wait(
    struct telegram_limit *l, const char *chat, bool is_group, uint64_t now_ms) {
    const struct chat *c = find_chat(l, chat);
    uint64_t wait = telegram_limit_bot_wait(l, now_ms);
    double ahead =
        is_group ? (double)GROUP_INTERVAL * GROUP_AHEAD : (double)CHAT_INTERVAL * CHAT_AHEAD;
    if (c)
        wait = later(
            wait, later(ms_until(c->blocked_ms, now_ms), ms_until_even(c->even_us, ahead, now_ms)));
    return as_ms(wait);
}

void telegram_limit_take(
    struct telegram_limit *l, const char *chat, bool is_group, unsigned n, uint64_t now_ms) {
    struct chat *c = use_chat(l, chat);
    if (n > 100)
        n = 100;
    c->even_us = move_on(c->even_us, is_group ? GROUP_INTERVAL : CHAT_INTERVAL, n, now_ms);
    l->even_us = move_on(l->even_us, BOT_INTERVAL / l->share, n, now_ms);
}

void telegram_limit_blocked(
    struct telegram_limit *l, const char *chat, unsigned retry_s, uint64_t now_ms) {
    struct chat *c = use_chat(l, chat);
    uint64_t until = now_ms + (retry_s < RETRY_MAX_S ? retry_s : RETRY_MAX_S) * 1000ull;
    bool second = *l->told && strncmp(l->told, c->name, sizeof l->told) != 0 &&
                  now_ms - l->told_ms <= SECOND_CHAT_MS;
    c->blocked_ms = later(c->blocked_ms, until);
    if (second)
        l->blocked_ms = later(l->blocked_ms, until);
    memcpy(l->told, c->name, sizeof l->told);
    l->told_ms = now_ms;
}
