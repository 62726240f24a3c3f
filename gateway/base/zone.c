/* zone.c - time zones are GLib's, which the reader of mails brings along. */
#include "base/zone.h"

#include <glib.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define STEP_MS 900000 /* offsets are whole quarters of an hour, and change on one */
#define DAY_S 86400

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

int zone_offset(const struct zone *z, int64_t ms) {
    int64_t s = ms >= 0 ? ms / 1000 : (ms - 999) / 1000;
    return g_time_zone_get_offset(
        z->tz, g_time_zone_find_interval(z->tz, G_TIME_TYPE_UNIVERSAL, s));
}

static int64_t offset_at(const struct zone *z, int64_t s) {
    return zone_offset(z, s * 1000);
}

int64_t zone_to_ms(const struct zone *z, int64_t local_s, bool last) {
    /* The offsets of a day before and of a day after: a change is between them, or is none. */
    int64_t before = offset_at(z, local_s - DAY_S), after = offset_at(z, local_s + DAY_S);
    int64_t a = local_s - before, b = local_s - after;
    bool at_a = offset_at(z, a) == before, at_b = offset_at(z, b) == after;
    if (at_a && at_b)
        return (last == (a > b) ? a : b) * 1000;
    if (at_a || at_b)
        return (at_a ? a : b) * 1000;
    int64_t low = a < b ? a : b, high = a < b ? b : a;
    while (low < high) { /* the first second that is not as before */
        int64_t mid = low + (high - low) / 2;
        if (offset_at(z, mid) == before)
            low = mid + 1;
        else
            high = mid;
    }
    return low * 1000;
}
