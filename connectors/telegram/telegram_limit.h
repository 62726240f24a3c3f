/* telegram_limit.h - how soon the next message may go, by bot and by chat. Pure: time is given.
 * Source: Bot API FAQ, "My bot is hitting limits": about 30 a second in all, one a second a chat,
 * 20 a minute a group; a 429 is obeyed for exactly the chat (or, when several chats get one, the
 * bot) that it names. */
#ifndef SB_CONNECTORS_TELEGRAM_TELEGRAM_LIMIT_H
#define SB_CONNECTORS_TELEGRAM_TELEGRAM_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

struct telegram_limit;

/* At most max_chats are remembered (oldest forgotten); a fresh one costs nothing. */
struct telegram_limit *telegram_limit_create(unsigned max_chats);
void telegram_limit_destroy(struct telegram_limit **l);

/* This process's share of the bot's rate (0..1], as shards come and go. */
void telegram_limit_share(struct telegram_limit *l, double share);

/* ms until a message may go to this chat (0: now). Takes nothing. */
unsigned telegram_limit_wait(
    struct telegram_limit *l, const char *chat, bool is_group, uint64_t now_ms);
/* A message goes now (n: items of an album). */
void telegram_limit_take(
    struct telegram_limit *l, const char *chat, bool is_group, unsigned n, uint64_t now_ms);
/* Telegram said: not before retry_s for this chat. A second chat that is told so within 3 s makes
 * it the bot's. */
void telegram_limit_blocked(
    struct telegram_limit *l, const char *chat, unsigned retry_s, uint64_t now_ms);
/* ms until the bot as a whole may go on; 0 it may. */
unsigned telegram_limit_bot_wait(const struct telegram_limit *l, uint64_t now_ms);

#endif
