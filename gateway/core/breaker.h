/* breaker.h - whether a server is worth asking: after too many failures nothing is asked for a
 * while, then one call finds out. Pure: time is given. All zero is a fresh one, which is closed. */
#ifndef SB_CORE_BREAKER_H
#define SB_CORE_BREAKER_H

#include <stdbool.h>
#include <stdint.h>

enum breaker_state {
    BREAKER_CLOSED,   /* all go */
    BREAKER_OPEN,     /* none goes */
    BREAKER_HALF_OPEN /* the next one goes, alone, and decides */
};

struct breaker {
    uint64_t window_from_ms;  /* calls of the last ten seconds: */
    unsigned calls, failures; /* that have ended, that have failed */
    unsigned in_row;          /* failures since the last success */
    unsigned opened;          /* times in a row */
    uint64_t open_until_ms;   /* 0: closed */
    bool probing;             /* the one that decides is under way */
};

enum breaker_state breaker_state(const struct breaker *b, uint64_t now_ms);
/* May a call begin? If so, it begins: breaker_ended() follows. */
bool breaker_begin(struct breaker *b, uint64_t now_ms);
/* A call that had begun is over. Opens after five failures in a row, or when half of at least 20
 * calls of ten seconds failed; for a random time of up to 1 s, 2 s, ... 60 s, told by `random`
 * (any number), and at least a fifth of that. What ends while it is open changes nothing, unless it
 * is the probe. True when it opened or closed by this. */
bool breaker_ended(struct breaker *b, bool ok, uint64_t now_ms, uint32_t random);
/* A call that had begun said nothing of the server (it was cancelled). */
void breaker_cancelled(struct breaker *b);
/* Opens it at once for so long: the server said that nothing will go. */
void breaker_trip(struct breaker *b, uint64_t now_ms, unsigned wait_ms);
/* ms until one may begin again (0: now). */
unsigned breaker_wait(const struct breaker *b, uint64_t now_ms);

#endif
