/* days.c - sums up the days that are over soon after they are, so that nobody who opens a report
 * waits for it. Whoever opens one sums up what is missing (store_report.c): this only comes first.
 */
#include <string.h>

#include "base/clock.h"
#include "base/zone.h"
#include "core/core_private.h"
#include "store/store_report.h"

#define DAYS 30 /* as many as a report has that nobody chose days for */

static void on_summed(void *arg, json_t *result, const struct err *err) {
    struct core *core = arg;
    (void)result;
    if (err)
        core->summed_day[0] = '\0'; /* again at the next tick */
}

void days_tick(struct core *core) {
    char today[ZONE_STAMP_SIZE], from[9], to[9];
    zone_stamp(store_zone(core->store), clock_ms(), today);
    today[8] = '\0';
    if (strcmp(today, core->summed_day) == 0)
        return;
    memcpy(core->summed_day, today, sizeof core->summed_day);
    report_days_before(today, DAYS - 1, from);
    report_days_before(today, 1, to);
    store_report(core->store, from, to, on_summed, core);
}
