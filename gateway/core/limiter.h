/* limiter.h - how soon the next message may go, by account and by the one it goes to. Pure: time is
 * given. Only one number is kept for each, so a rate may be another with every call. */
#ifndef SB_CORE_LIMITER_H
#define SB_CORE_LIMITER_H

#include <stdbool.h>
#include <stdint.h>

#define LIMITER_KEY_MAX 199 /* bytes; of longer keys only so many count */

/* One each interval_us on average; `ahead` more may go at once after a pause. */
struct limiter_rate {
    double interval_us;
    unsigned ahead;
};

struct limiter;

/* At most max_keys are remembered (oldest forgotten); a fresh one costs nothing. */
struct limiter *limiter_create(unsigned max_keys);
void limiter_destroy(struct limiter **l);

/* ms until the account as a whole may go on (0: now). Takes nothing. */
unsigned limiter_wait_all(const struct limiter *l, struct limiter_rate all, uint64_t now_ms);
/* ms until one may go to `key`, by both rates and what is blocked. */
unsigned limiter_wait(const struct limiter *l, struct limiter_rate all, const char *key,
    struct limiter_rate rate, uint64_t now_ms);
/* n go now. */
void limiter_take(struct limiter *l, struct limiter_rate all, const char *key,
    struct limiter_rate rate, unsigned n, uint64_t now_ms);
/* Nothing to `key`, or nothing at all, before until_ms; a block is never made shorter. */
void limiter_block(struct limiter *l, const char *key, uint64_t until_ms);
void limiter_block_all(struct limiter *l, uint64_t until_ms);

#endif
