/* zone.h - a time zone by its name (IANA), as the machine's tzdata knows it. */
#ifndef SB_BASE_ZONE_H
#define SB_BASE_ZONE_H

#include <stdbool.h>
#include <stdint.h>

struct zone;

/* "Europe/Moscow", "UTC", "+03:00"; "": the machine's own. NULL: there is no such zone. */
struct zone *zone_create(const char *name);
void zone_destroy(struct zone **z);
bool zone_is_known(const char *name);
/* "Europe/Moscow": as it was asked for; of the machine's own, its name. */
const char *zone_name(const struct zone *z);

#define ZONE_STAMP_SIZE 12
/* "20261129 14": day and hour there at this time (ms since 1970). Cheap within one hour. */
void zone_stamp(struct zone *z, int64_t ms, char out[ZONE_STAMP_SIZE]);

/* Seconds that a clock there is ahead of UTC at this time. */
int zone_offset(const struct zone *z, int64_t ms);
/* When a clock there shows this: local_s as if it were seconds since 1970 in UTC. What it shows
 * twice (the clock is put back) is the first time, or the last; what it never shows (it is put
 * forward) is the moment when it is put. In ms. */
int64_t zone_to_ms(const struct zone *z, int64_t local_s, bool last);

#endif
