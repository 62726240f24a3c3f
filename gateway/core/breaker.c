/* breaker.c - closed, open, half open. */
#include "core/breaker.h"

#define WINDOW_MS 10000
#define CALLS_MIN 20
#define IN_ROW 5
#define WAIT_MIN_MS 1000u
#define WAIT_MAX_MS 60000u
#define STEPS 6 /* doublings until the longest */

enum breaker_state breaker_state(const struct breaker *b, uint64_t now_ms) {
    if (!b->open_until_ms)
        return BREAKER_CLOSED;
    return now_ms < b->open_until_ms || b->probing ? BREAKER_OPEN : BREAKER_HALF_OPEN;
}

bool breaker_begin(struct breaker *b, uint64_t now_ms) {
    enum breaker_state state = breaker_state(b, now_ms);
    if (state == BREAKER_HALF_OPEN)
        b->probing = true;
    return state != BREAKER_OPEN;
}

static void start_window(struct breaker *b, uint64_t now_ms) {
    b->window_from_ms = now_ms;
    b->calls = b->failures = 0;
}

static void open_for(struct breaker *b, uint64_t now_ms, unsigned wait_ms) {
    b->open_until_ms = now_ms + wait_ms;
    b->probing = false;
    b->in_row = 0;
    start_window(b, now_ms);
}

static void open_again(struct breaker *b, uint64_t now_ms, uint32_t random) {
    unsigned step = b->opened < STEPS ? b->opened : STEPS;
    unsigned most = WAIT_MIN_MS << step < WAIT_MAX_MS ? WAIT_MIN_MS << step : WAIT_MAX_MS;
    b->opened++;
    open_for(b, now_ms, most / 5 + random % (most - most / 5));
}

bool breaker_ended(struct breaker *b, bool ok, uint64_t now_ms, uint32_t random) {
    if (b->open_until_ms) {
        if (!b->probing)
            return false; /* it had begun before */
        if (ok)
            *b = (struct breaker){.window_from_ms = now_ms};
        else
            open_again(b, now_ms, random);
        return ok;
    }
    if (now_ms - b->window_from_ms > WINDOW_MS)
        start_window(b, now_ms);
    b->calls++;
    if (ok) {
        b->in_row = 0;
        return false;
    }
    b->failures++;
    b->in_row++;
    if (b->in_row < IN_ROW && (b->calls < CALLS_MIN || b->failures * 2 < b->calls))
        return false;
    open_again(b, now_ms, random);
    return true;
}

void breaker_cancelled(struct breaker *b) {
    b->probing = false;
}

void breaker_trip(struct breaker *b, uint64_t now_ms, unsigned wait_ms) {
    open_for(b, now_ms, wait_ms ? wait_ms : 1);
}

unsigned breaker_wait(const struct breaker *b, uint64_t now_ms) {
    if (breaker_state(b, now_ms) != BREAKER_OPEN)
        return 0;
    return now_ms < b->open_until_ms ? (unsigned)(b->open_until_ms - now_ms) : 100;
}
