/* telegram_limit.c - Telegram's rates on the common limiter: the bot's, a chat's, a group's. */
#include "connectors/telegram/telegram_limit.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "connectors/telegram/telegram_update.h"
#include "core/limiter.h"

/* No second has more than 30 of the bot (3 ahead and 27), no minute more than 20 of a group (3 at
 * once and 17). */
#define BOT_INTERVAL (1000000.0 / 27)
#define BOT_AHEAD 3
#define SHARE_MIN 0.001
#define SECOND_CHAT_MS 3000
#define RETRY_MAX_S (30u * 86400)
#define ITEMS_MAX 100

static const struct limiter_rate chat_rate = {1000000, 2}, group_rate = {3500000, 2};

struct telegram_limit {
    struct limiter *limiter;
    double share;
    char told[TELEGRAM_ADDRESS_SIZE]; /* the chat that was blocked last */
    uint64_t told_ms;
};

struct telegram_limit *telegram_limit_create(unsigned max_chats) {
    struct telegram_limit *l = mem_zalloc(sizeof *l);
    l->limiter = limiter_create(max_chats);
    l->share = 1;
    return l;
}

void telegram_limit_destroy(struct telegram_limit **l) {
    if (!*l)
        return;
    limiter_destroy(&(*l)->limiter);
    free(*l);
    *l = NULL;
}

void telegram_limit_share(struct telegram_limit *l, double share) {
    l->share = share >= 1 ? 1 : share > SHARE_MIN ? share : SHARE_MIN;
}

static struct limiter_rate bot_rate(const struct telegram_limit *l) {
    return (struct limiter_rate){BOT_INTERVAL / l->share, BOT_AHEAD};
}

unsigned telegram_limit_bot_wait(const struct telegram_limit *l, uint64_t now_ms) {
    return limiter_wait_all(l->limiter, bot_rate(l), now_ms);
}

unsigned telegram_limit_wait(
    struct telegram_limit *l, const char *chat, bool is_group, uint64_t now_ms) {
    return limiter_wait(l->limiter, bot_rate(l), chat, is_group ? group_rate : chat_rate, now_ms);
}

void telegram_limit_take(
    struct telegram_limit *l, const char *chat, bool is_group, unsigned n, uint64_t now_ms) {
    limiter_take(l->limiter, bot_rate(l), chat, is_group ? group_rate : chat_rate,
        n < ITEMS_MAX ? n : ITEMS_MAX, now_ms);
}

void telegram_limit_blocked(
    struct telegram_limit *l, const char *chat, unsigned retry_s, uint64_t now_ms) {
    uint64_t until = now_ms + (retry_s < RETRY_MAX_S ? retry_s : RETRY_MAX_S) * 1000ull;
    bool second = *l->told && strncmp(l->told, chat, sizeof l->told - 1) != 0 &&
                  now_ms - l->told_ms <= SECOND_CHAT_MS;
    limiter_block(l->limiter, chat, until);
    if (second)
        limiter_block_all(l->limiter, until);
    size_t n = strnlen(chat, sizeof l->told - 1);
    memcpy(l->told, chat, n);
    l->told[n] = '\0';
    l->told_ms = now_ms;
}
