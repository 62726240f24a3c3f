/* hours.h - working hours: a time zone, the hours of each weekday, and days that are different.
 * Pure: no clock of its own, no I/O but the machine's time zones.
 *
 * In JSON: {"zone":"Europe/Moscow","week":{"mon":[{"from":"09:00","to":"18:00"},...],...},
 * "holidays":[{"from":"2026-12-31","to":"2027-01-08","name":"...","hours":[...]},...]}. A weekday
 * that is not named is closed, and so is a holiday without hours; "to" is the last day of several.
 * Hours may end after midnight ("22:00" to "06:00"): they belong to the day on which they begin. */
#ifndef SB_MODEL_HOURS_H
#define SB_MODEL_HOURS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

#define HOURS_SPANS_MAX 8      /* a day's */
#define HOURS_HOLIDAYS_MAX 200 /* days or ranges of them */
#define HOURS_RANGE_MAX 366    /* days of one range */
#define HOURS_NEVER INT64_MAX

struct hours;

/* schedule: an object as above; other keys are the caller's. NULL with an ERR_INVALID sentence that
 * says where. */
struct hours *hours_parse(const json_t *schedule, struct err *err);
void hours_destroy(struct hours **h);

/* Times are ms since 1970. What follows remembers the hours it found last, so that asking again
 * about the same time is cheap. */
bool hours_open_at(struct hours *h, int64_t ms);
/* The first time, not before ms, when it is open (or is not): HOURS_NEVER within two years. */
int64_t hours_next(struct hours *h, int64_t ms, bool open);
/* When so much working time is over, counted from ms; 0: when the next begins. HOURS_NEVER: it
 * never is, within about two years. */
int64_t hours_add(struct hours *h, int64_t ms, int64_t working_ms);

#endif
