/* zone.c - time zones are GLib's, which the reader of mails brings along. */
#include "base/zone.h"

#include <glib.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define STEP_MS 900000 /* offsets are whole quarters of an hour, and change on one */

struct zone {
    GTimeZone *tz;
    int64_t step; /* of the stamp */
    char stamp[ZONE_STAMP_SIZE];
};

static GTimeZone *find(const char *name) {
    return *name ? g_time_zone_new_identifier(name) : g_time_zone_new_local();
}

struct zone *zone_create(const char *name) {
    GTimeZone *tz = find(name);
    if (!tz)
        return NULL;
    struct zone *z = mem_zalloc(sizeof *z);
    z->tz = tz;
    z->step = -1;
    return z;
}

void zone_destroy(struct zone **zp) {
    struct zone *z = *zp;
    *zp = NULL;
    if (!z)
        return;
    g_time_zone_unref(z->tz);
    free(z);
}

bool zone_is_known(const char *name) {
    GTimeZone *tz = find(name);
    if (tz)
        g_time_zone_unref(tz);
    return tz != NULL;
}

const char *zone_name(const struct zone *z) {
    return g_time_zone_get_identifier(z->tz);
}

void zone_stamp(struct zone *z, int64_t ms, char out[ZONE_STAMP_SIZE]) {
    int64_t step = ms / STEP_MS;
    if (step != z->step) {
        GDateTime *utc = g_date_time_new_from_unix_utc(ms / 1000);
        GDateTime *there = utc ? g_date_time_to_timezone(utc, z->tz) : NULL;
        char *text = there ? g_date_time_format(there, "%Y%m%d %H") : NULL;
        bool fits = text && strlen(text) == ZONE_STAMP_SIZE - 1; /* the years 1000 to 9999 */
        memcpy(z->stamp, fits ? text : "19700101 00", ZONE_STAMP_SIZE);
        g_free(text);
        z->step = step;
        if (there)
            g_date_time_unref(there);
        if (utc)
            g_date_time_unref(utc);
    }
    memcpy(out, z->stamp, ZONE_STAMP_SIZE);
}
