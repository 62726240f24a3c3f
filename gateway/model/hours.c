/* hours.c - working hours. A day's hours are local times; each is turned into a span of ms by its
 * zone, so a day on which the clock is put has the hours that people on the spot have. */
#include "model/hours.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "base/zone.h"

#define DAY_S 86400
#define DAYS_MAX 740 /* that are looked through for the next hours */
#define ZONE_MAX 64
#define NAME_MAX_CHARS 100
#define YEAR_MIN 1970
#define YEAR_MAX 2200

struct span_of_day {
    int from_s, to_s; /* since the day's midnight; to may be of the next day */
};

struct day {
    struct span_of_day spans[HOURS_SPANS_MAX];
    size_t n;
};

struct holiday {
    int64_t first, last; /* days since 1970 */
    struct day day;
};

struct hours {
    struct zone *zone;
    struct day week[7]; /* Monday first */
    struct holiday *holidays;
    size_t nholidays;
    /* For each time since `known` and before `until`: the next hours, or those it is in. */
    int64_t known, until, start, end;
};

static const char *const weekdays[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};

/* --- reading --------------------------------------------------------------------------------- */

/* Two digits at s, or -1. */
static int two_digits(const char *s) {
    if (s[0] < '0' || s[0] > '9' || s[1] < '0' || s[1] > '9')
        return -1;
    return (s[0] - '0') * 10 + s[1] - '0';
}

/* "HH:MM" in minutes, up to 24:00; or -1. */
static int parse_time(const json_t *v) {
    const char *s = json_string_value(v);
    if (!s || json_string_length(v) != 5 || s[2] != ':')
        return -1;
    int h = two_digits(s), m = two_digits(s + 3);
    if (h < 0 || m < 0 || h > 24 || m > 59 || (h == 24 && m > 0))
        return -1;
    return h * 60 + m;
}

/* Days since 1970 of a date (Gregorian). */
static int64_t days_of(int y, int m, int d) {
    int64_t years = y - (m <= 2);
    int64_t era = years / 400, of_era = years - era * 400;
    int64_t of_year = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

/* "YYYY-MM-DD", or -1. */
static int64_t parse_date(const json_t *v) {
    static const int lengths[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const char *s = json_string_value(v);
    if (!s || json_string_length(v) != 10 || s[4] != '-' || s[7] != '-' || two_digits(s) < 0 ||
        two_digits(s + 2) < 0)
        return -1;
    int y = two_digits(s) * 100 + two_digits(s + 2), m = two_digits(s + 5), d = two_digits(s + 8);
    bool leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
    if (y < YEAR_MIN || y > YEAR_MAX || m < 1 || m > 12 || d < 1 || d > lengths[m - 1] ||
        (m == 2 && d == 29 && !leap))
        return -1;
    return days_of(y, m, d);
}

/* Is there any other key in it? */
static int check_keys(
    const json_t *o, const char *const *known, const char *where, struct err *err) {
    const char *key;
    json_t *v;
    json_object_foreach((json_t *)o, key, v) {
        size_t i = 0;
        while (known[i] && strcmp(known[i], key) != 0)
            i++;
        if (!known[i])
            return err_set(err, ERR_INVALID, "%s: unknown key \"%.*s\"", where,
                (int)utf8_prefix(key, strlen(key), 40), key);
    }
    return 0;
}

static int by_from(const void *a, const void *b) {
    return ((const struct span_of_day *)a)->from_s - ((const struct span_of_day *)b)->from_s;
}

static int parse_span(
    const json_t *v, const char *where, struct span_of_day *out, struct err *err) {
    static const char *const known[] = {"from", "to", NULL};
    if (!json_is_object(v))
        return err_set(err, ERR_INVALID, "%s: hours must be {\"from\",\"to\"}", where);
    if (check_keys(v, known, where, err) < 0)
        return -1;
    int from = parse_time(json_object_get(v, "from")), to = parse_time(json_object_get(v, "to"));
    if (from < 0 || to < 0 || from == 24 * 60)
        return err_set(err, ERR_INVALID,
            "%s: from and to must be times like \"09:00\", to at most \"24:00\"", where);
    if (from == to)
        return err_set(err, ERR_INVALID,
            "%s: hours of no length; all day is from \"00:00\" to \"24:00\"", where);
    out->from_s = from * 60;
    out->to_s = (to > from ? to : to + 24 * 60) * 60;
    return 0;
}

/* A list of hours; where: "mon" or "holidays[2]". */
static int parse_day(const json_t *list, const char *where, struct day *out, struct err *err) {
    size_t n = json_array_size(list);
    if (!json_is_array(list))
        return err_set(err, ERR_INVALID, "%s: hours must be a list", where);
    if (n > HOURS_SPANS_MAX)
        return err_set(err, ERR_INVALID, "%s: at most %d hours a day", where, HOURS_SPANS_MAX);
    for (size_t i = 0; i < n; i++)
        if (parse_span(json_array_get(list, i), where, &out->spans[i], err) < 0)
            return -1;
    qsort(out->spans, n, sizeof *out->spans, by_from);
    for (size_t i = 1; i < n; i++)
        if (out->spans[i].from_s < out->spans[i - 1].to_s)
            return err_set(err, ERR_INVALID,
                "%s: the hours from %02d:%02d and from %02d:%02d overlap", where,
                out->spans[i - 1].from_s / 3600, out->spans[i - 1].from_s / 60 % 60,
                out->spans[i].from_s / 3600, out->spans[i].from_s / 60 % 60);
    out->n = n;
    return 0;
}

static int parse_week(const json_t *week, struct hours *h, struct err *err) {
    const char *key;
    json_t *v;
    if (!json_is_object(week))
        return err_set(
            err, ERR_INVALID, "week must have the hours of mon, tue, wed, thu, fri, sat, sun");
    json_object_foreach((json_t *)week, key, v) {
        size_t i = 0;
        while (i < ARRAY_LEN(weekdays) && strcmp(weekdays[i], key) != 0)
            i++;
        if (i == ARRAY_LEN(weekdays))
            return err_set(err, ERR_INVALID,
                "week: \"%.*s\" is no day; known are mon, tue, wed, thu, fri, sat, sun",
                (int)utf8_prefix(key, strlen(key), 40), key);
        if (parse_day(v, key, &h->week[i], err) < 0)
            return -1;
    }
    return 0;
}

static int parse_holiday(const json_t *v, const char *where, struct holiday *out, struct err *err) {
    static const char *const known[] = {"from", "to", "name", "hours", NULL};
    const json_t *to = json_object_get(v, "to"), *hours = json_object_get(v, "hours"),
                 *name = json_object_get(v, "name");
    if (!json_is_object(v))
        return err_set(err, ERR_INVALID, "%s: must be {\"from\",\"to\",\"name\",\"hours\"}", where);
    if (check_keys(v, known, where, err) < 0)
        return -1;
    out->first = parse_date(json_object_get(v, "from"));
    out->last = to ? parse_date(to) : out->first;
    if (out->first < 0 || out->last < 0)
        return err_set(err, ERR_INVALID, "%s: from and to must be days like \"2027-01-08\"", where);
    if (out->last < out->first)
        return err_set(err, ERR_INVALID, "%s: ends before it begins", where);
    if (out->last - out->first >= HOURS_RANGE_MAX)
        return err_set(err, ERR_INVALID, "%s: is longer than %d days", where, HOURS_RANGE_MAX);
    if (name &&
        (!json_is_string(name) ||
            !utf8_is_text(json_string_value(name), json_string_length(name)) ||
            utf8_length(json_string_value(name), json_string_length(name)) > NAME_MAX_CHARS))
        return err_set(err, ERR_INVALID, "%s: name must be text of at most %d characters", where,
            NAME_MAX_CHARS);
    return hours ? parse_day(hours, where, &out->day, err) : 0;
}

static int by_first(const void *a, const void *b) {
    int64_t x = ((const struct holiday *)a)->first, y = ((const struct holiday *)b)->first;
    return (x > y) - (x < y);
}

static int parse_holidays(const json_t *list, struct hours *h, struct err *err) {
    size_t n = json_array_size(list);
    if (!list)
        return 0;
    if (!json_is_array(list))
        return err_set(err, ERR_INVALID, "holidays must be a list");
    if (n > HOURS_HOLIDAYS_MAX)
        return err_set(err, ERR_INVALID, "at most %d holidays", HOURS_HOLIDAYS_MAX);
    h->holidays = mem_zalloc((n + 1) * sizeof *h->holidays);
    for (size_t i = 0; i < n; i++) {
        char where[32];
        snprintf(where, sizeof where, "holidays[%zu]", i);
        if (parse_holiday(json_array_get(list, i), where, &h->holidays[i], err) < 0)
            return -1;
    }
    qsort(h->holidays, n, sizeof *h->holidays, by_first);
    for (size_t i = 1; i < n; i++)
        if (h->holidays[i].first <= h->holidays[i - 1].last)
            return err_set(err, ERR_INVALID, "two holidays have the same day");
    h->nholidays = n;
    return 0;
}

/* The name goes to the machine's tzdata as a file's: only what zones are called. */
static struct zone *parse_zone(const json_t *v, struct err *err) {
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+-/:";
    const char *s = json_string_value(v);
    bool is_name = s && *s && strlen(s) == json_string_length(v) && strlen(s) <= ZONE_MAX &&
                   s[strspn(s, allowed)] == '\0' && *s != '/' && *s != ':';
    struct zone *zone = is_name ? zone_create(s) : NULL;
    if (!zone)
        err_set(err, ERR_INVALID,
            "zone must be the name of a time zone, like Europe/Moscow, UTC or +03:00");
    return zone;
}

struct hours *hours_parse(const json_t *schedule, struct err *err) {
    struct hours *h = mem_zalloc(sizeof *h);
    h->known = INT64_MAX;
    h->zone = parse_zone(json_object_get(schedule, "zone"), err);
    if (!h->zone || parse_week(json_object_get(schedule, "week"), h, err) < 0 ||
        parse_holidays(json_object_get(schedule, "holidays"), h, err) < 0)
        hours_destroy(&h);
    return h;
}

void hours_destroy(struct hours **hp) {
    struct hours *h = *hp;
    *hp = NULL;
    if (!h)
        return;
    zone_destroy(&h->zone);
    free(h->holidays);
    free(h);
}

/* --- asking ---------------------------------------------------------------------------------- */

static const struct day *day_at(const struct hours *h, int64_t day) {
    size_t low = 0, high = h->nholidays;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (h->holidays[mid].last < day)
            low = mid + 1;
        else
            high = mid;
    }
    if (low < h->nholidays && h->holidays[low].first <= day)
        return &h->holidays[low].day;
    return &h->week[((day + 3) % 7 + 7) % 7]; /* 1 January 1970 was a Thursday */
}

/* Finds the hours that end after ms: those it is in, or the next ones. Hours of one day may reach
 * into the next one's; who comes to them from there gets what is left. */
static void find(struct hours *h, int64_t ms) {
    if (ms >= h->known && ms < h->until)
        return;
    int64_t local = ms / 1000 - (ms < 0) + zone_offset(h->zone, ms);
    int64_t today = local / DAY_S - (local % DAY_S < 0);
    h->known = ms;
    h->until = ms + DAY_S * 1000;
    h->start = h->end = HOURS_NEVER;
    for (int64_t day = today - 1; day < today + DAYS_MAX; day++) {
        const struct day *d = day_at(h, day);
        for (size_t i = 0; i < d->n; i++) {
            int64_t from = zone_to_ms(h->zone, day * DAY_S + d->spans[i].from_s, false);
            int64_t to = zone_to_ms(h->zone, day * DAY_S + d->spans[i].to_s, true);
            if (to > ms && from < to) {
                h->start = from;
                h->end = h->until = to;
                return;
            }
        }
    }
}

bool hours_open_at(struct hours *h, int64_t ms) {
    find(h, ms);
    return h->start <= ms;
}

int64_t hours_next(struct hours *h, int64_t ms, bool open) {
    find(h, ms);
    if (open)
        return h->start > ms ? h->start : ms;
    int64_t at = ms;
    for (int i = 0; i < DAYS_MAX * HOURS_SPANS_MAX; i++) {
        find(h, at);
        if (h->start > at)
            return at;
        at = h->end;
    }
    return HOURS_NEVER;
}

int64_t hours_add(struct hours *h, int64_t ms, int64_t working_ms) {
    int64_t at = ms, left = working_ms;
    for (int i = 0; i < DAYS_MAX * HOURS_SPANS_MAX; i++) {
        find(h, at);
        if (h->start == HOURS_NEVER)
            return HOURS_NEVER;
        if (h->start > at)
            at = h->start;
        if (left <= h->end - at)
            return at + left;
        left -= h->end - at;
        at = h->end;
    }
    return HOURS_NEVER;
}
