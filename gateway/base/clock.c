/* clock.c - the two clocks and their text form. */
#include "base/clock.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

/* What four digits can say: 0000-01-01T00:00:00.000Z and 9999-12-31T23:59:59.999Z. */
#define YEAR_0_MS (-62167219200000)
#define YEAR_9999_MS 253402300799999
#define DAY_MS 86400000

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
    if (ms < YEAR_0_MS)
        ms = YEAR_0_MS;
    if (ms > YEAR_9999_MS)
        ms = YEAR_9999_MS;
    unsigned in_day = (unsigned)((ms % DAY_MS + DAY_MS) % DAY_MS), sec = in_day / 1000;
    time_t t = (time_t)((ms - in_day) / 1000);
    struct tm tm;
    gmtime_r(&t, &tm);
    snprintf(out, CLOCK_TEXT_SIZE, "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ",
        (unsigned)(tm.tm_year + 1900) % 10000, (unsigned)(tm.tm_mon + 1) % 100,
        (unsigned)tm.tm_mday % 100, sec / 3600 % 100, sec / 60 % 60, sec % 60, in_day % 1000);
    return out;
}

/* Two digits at p, as a number up to max; -1 otherwise. */
static int two_digits(const char *p, int max) {
    if (p[0] < '0' || p[0] > '9' || p[1] < '0' || p[1] > '9')
        return -1;
    int n = (p[0] - '0') * 10 + p[1] - '0';
    return n <= max ? n : -1;
}

/* "Z", "+hh:mm" or "-hh:mm", and nothing after it. */
static int parse_zone(const char *p, int *minutes_out) {
    *minutes_out = 0;
    if ((*p == 'Z' || *p == 'z') && !p[1])
        return 0;
    if ((*p != '+' && *p != '-') || strlen(p) != 6 || p[3] != ':')
        return -1;
    int h = two_digits(p + 1, 23), m = two_digits(p + 4, 59);
    *minutes_out = (*p == '-' ? -1 : 1) * (h * 60 + m);
    return h < 0 || m < 0 ? -1 : 0;
}

int clock_parse(const char *text, int64_t *ms_out) {
    static const char shape[] = "dddd-dd-ddTdd:dd:dd";
    int frac_ms = 0, zone = 0;
    for (size_t i = 0; shape[i]; i++) /* a shorter text differs at its NUL */
        if (shape[i] == 'd'   ? text[i] < '0' || text[i] > '9'
            : shape[i] == 'T' ? text[i] != 'T' && text[i] != 't' && text[i] != ' '
                              : text[i] != shape[i])
            return -1;
    struct tm tm = {.tm_year = two_digits(text, 99) * 100 + two_digits(text + 2, 99) - 1900,
        .tm_mon = two_digits(text + 5, 12) - 1,
        .tm_mday = two_digits(text + 8, 31),
        .tm_hour = two_digits(text + 11, 23),
        .tm_min = two_digits(text + 14, 59),
        .tm_sec = two_digits(text + 17, 60)};
    const char *p = text + sizeof shape - 1;
    if (*p == '.') {
        int scale = 100;
        if (p[1] < '0' || p[1] > '9')
            return -1;
        for (p++; *p >= '0' && *p <= '9'; p++, scale /= 10)
            frac_ms += (*p - '0') * scale;
    }
    if (tm.tm_mon < 0 || tm.tm_mday < 1 || tm.tm_hour < 0 || tm.tm_min < 0 || tm.tm_sec < 0 ||
        parse_zone(p, &zone) < 0)
        return -1;
    int day = tm.tm_mday, second = tm.tm_sec;
    int64_t s = timegm(&tm);
    if (tm.tm_mday != day && second < 60) /* the 31st of February */
        return -1;
    *ms_out = (s - zone * 60) * 1000 + frac_ms;
    return 0;
}
