/* clock.c - the two clocks and their text form. */
#include "base/clock.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

int64_t clock_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

uint64_t clock_mono_us(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000u;
}

uint64_t clock_mono_ms(void) {
    return clock_mono_us() / 1000u;
}

char *clock_format(int64_t ms, char *out) {
    int64_t sec = ms / 1000;
    int frac = (int)(ms % 1000);
    if (frac < 0) {
        frac += 1000;
        sec -= 1;
    }
    time_t t = (time_t)sec;
    struct tm tm;
    if (!gmtime_r(&t, &tm) || tm.tm_year > 9999 - 1900 || tm.tm_year < -1900)
        memset(&tm, 0, sizeof tm);
    char date[64];
    strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(out, CLOCK_TEXT_SIZE, "%.19s.%03uZ", date, (unsigned)frac % 1000u);
    return out;
}

static int parse_zone(const char *p, int *minutes_out) {
    if ((*p == 'Z' || *p == 'z') && !p[1]) {
        *minutes_out = 0;
        return 0;
    }
    int h, m, used = 0;
    if ((*p != '+' && *p != '-') || sscanf(p + 1, "%2d:%2d%n", &h, &m, &used) != 2 || used != 5 ||
        p[6] || h < 0 || h > 23 || m < 0 || m > 59)
        return -1;
    *minutes_out = (*p == '-' ? -1 : 1) * (h * 60 + m);
    return 0;
}

int clock_parse(const char *text, int64_t *ms_out) {
    struct tm tm = {0};
    int used = 0, frac_ms = 0, zone = 0;
    if (strlen(text) < 20 ||
        sscanf(text, "%4d-%2d-%2d%*1[Tt ]%2d:%2d:%2d%n", &tm.tm_year, &tm.tm_mon, &tm.tm_mday,
            &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &used) != 6 ||
        used != 19)
        return -1;
    const char *p = text + used;
    if (*p == '.') {
        int scale = 100;
        for (p++; *p >= '0' && *p <= '9'; p++, scale /= 10)
            frac_ms += (*p - '0') * scale;
    }
    if (tm.tm_mon < 1 || tm.tm_mon > 12 || tm.tm_mday < 1 || tm.tm_mday > 31 || tm.tm_hour > 23 ||
        tm.tm_hour < 0 || tm.tm_min > 59 || tm.tm_min < 0 || tm.tm_sec > 60 || tm.tm_sec < 0 ||
        parse_zone(p, &zone) < 0)
        return -1;
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    *ms_out = ((int64_t)timegm(&tm) - zone * 60) * 1000 + frac_ms;
    return 0;
}
