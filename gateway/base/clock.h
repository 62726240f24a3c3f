/* clock.h - the two clocks and their text form. Timeouts and backoff use clock_mono_ms(); wall
 * time is for display and for what is stored. */
#ifndef SB_BASE_CLOCK_H
#define SB_BASE_CLOCK_H

#include <stdint.h>

#define CLOCK_TEXT_SIZE 25 /* "2026-11-23T12:00:00.000Z" and its NUL */

int64_t clock_ms(void);       /* milliseconds since 1970, UTC */
uint64_t clock_mono_ms(void); /* milliseconds, never jumps */
uint64_t clock_mono_us(void);

/* RFC 3339 in UTC with milliseconds; what is outside of the years 0 to 9999 becomes their end. out
 * holds CLOCK_TEXT_SIZE bytes; returns out. */
char *clock_format(int64_t ms, char *out);

/* Parses RFC 3339 (with zone Z or +hh:mm, fraction optional) to ms. 0, or -1 when it is not one. */
int clock_parse(const char *text, int64_t *ms_out);

#endif
