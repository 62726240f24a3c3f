/* report.c - counters of days, summed up in rows: of all, of each day, hour, channel, agent, label.
 */
#include "model/report.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"

#define DAY_MS (24LL * 3600 * 1000)
#define HOURS 24
#define NAME_MAX_BYTES 256

enum figure { IN, OUT, CLOSED, LOST, LATE, FIGURES };
enum answer { FIRST, NEXT, RATED, ANSWERS };
enum table { DAYS, CHANNELS, AGENTS, LABELS, TABLES };

static const char *const figures[FIGURES] = {"in", "out", "closed", "lost", "late"};
static const char *const answers[ANSWERS] = {"first", "next", "rated"};

struct row {
    int64_t n[FIGURES];
    int64_t slots[ANSWERS][REPORT_SLOTS];
};

/* Rows by name, in the order in which they came. */
struct rows {
    json_t *index; /* name -> number */
    struct row **v;
    size_t n, room;
};

struct report {
    struct row all, hours[HOURS];
    struct rows tables[TABLES];
    int64_t week[7][HOURS];
    char day[9]; /* of what was added last */
    int weekday; /* of it; -1: it is no day */
};

/* --- days ------------------------------------------------------------------------------------ */

int report_day_read(const char *text, char out[9]) {
    char time[40], back[CLOCK_TEXT_SIZE];
    int64_t ms;
    if (strlen(text) != 10 || text[4] != '-' || text[7] != '-' || strncmp(text, "1970", 4) < 0)
        return -1;
    snprintf(time, sizeof time, "%sT00:00:00Z", text);
    if (clock_parse(time, &ms) < 0 || strncmp(clock_format(ms, back), text, 10) != 0)
        return -1;
    snprintf(out, 9, "%.4s%.2s%.2s", text, text + 5, text + 8);
    return 0;
}

/* ms of its midnight; -1: it is no day. */
static int64_t midnight(const char *day) {
    char text[11], same[9];
    int64_t ms;
    if (strlen(day) != 8)
        return -1;
    snprintf(text, sizeof text, "%.4s-%.2s-%.2s", day, day + 4, day + 6);
    if (report_day_read(text, same) < 0)
        return -1;
    char time[40];
    snprintf(time, sizeof time, "%sT00:00:00Z", text);
    return clock_parse(time, &ms) < 0 ? -1 : ms;
}

int report_weekday(const char *day) {
    int64_t ms = midnight(day);
    return ms < 0 ? -1 : (int)((ms / DAY_MS + 3) % 7); /* 1970-01-01 was a Thursday */
}

static void day_of(int64_t ms, char out[9]) {
    char text[CLOCK_TEXT_SIZE];
    clock_format(ms, text);
    snprintf(out, 9, "%.4s%.2s%.2s", text, text + 5, text + 8);
}

void report_next_day(const char day[9], char out[9]) {
    day_of(midnight(day) + DAY_MS, out);
}

void report_days_before(const char day[9], unsigned days, char out[9]) {
    day_of(midnight(day) - days * DAY_MS, out);
}

/* --- slots ----------------------------------------------------------------------------------- */

double report_slot_seconds(unsigned slot) {
    if (slot < 16)
        return slot + 0.5;
    unsigned e = (slot - 8) / 8, step = 8 + (slot - 8) % 8;
    return (step + 0.5) * ldexp(1, (int)e);
}

/* The slot in which a share of all lies. */
static double quantile(const int64_t slots[REPORT_SLOTS], int64_t n, double share) {
    int64_t seen = 0;
    for (unsigned i = 0; i < REPORT_SLOTS; i++) {
        seen += slots[i];
        if ((double)seen >= share * (double)n && seen)
            return report_slot_seconds(i);
    }
    return 0;
}

/* --- adding ---------------------------------------------------------------------------------- */

static struct row *row_of(struct rows *rows, struct span name) {
    char key[NAME_MAX_BYTES + 1];
    if (!name.n || name.n > NAME_MAX_BYTES)
        return NULL;
    memcpy(key, name.p, name.n);
    key[name.n] = '\0';
    const json_t *at = json_object_get(rows->index, key);
    if (at)
        return rows->v[json_integer_value(at)];
    if (json_object_set_new(rows->index, key, json_integer((json_int_t)rows->n)) < 0)
        return NULL; /* no text */
    if (rows->n == rows->room) {
        rows->room = rows->room ? 2 * rows->room : 16;
        rows->v = mem_realloc(rows->v, rows->room * sizeof(struct row *));
    }
    return rows->v[rows->n++] = mem_zalloc(sizeof(struct row));
}

static struct span word(struct span *rest) {
    const char *space = rest->n ? memchr(rest->p, ' ', rest->n) : NULL;
    struct span w = span_of(rest->p, space ? (size_t)(space - rest->p) : rest->n);
    size_t used = w.n + (space ? 1 : 0);
    *rest = span_of(rest->p + used, rest->n - used);
    return w;
}

/* A number of at most three digits, below max; max: it is none. */
static unsigned small(struct span s, unsigned max) {
    unsigned n = 0;
    if (!s.n || s.n > 3)
        return max;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return max;
        n = n * 10 + (unsigned)(s.p[i] - '0');
    }
    return n < max ? n : max;
}

static int find(struct span name, const char *const *names, int n) {
    int i = 0;
    while (i < n && (!name.n || *names[i] != *name.p || !span_eq(name, names[i])))
        i++;
    return i;
}

/* "in HH CHANNEL", "in.label LABEL" */
static void add_figure(
    struct report *r, const char *day, enum figure f, int table, struct span rest, int64_t n) {
    if (table < TABLES) {
        struct row *row = row_of(&r->tables[table], rest);
        if (row)
            row->n[f] += n;
        return;
    }
    unsigned hour = small(word(&rest), HOURS);
    if (hour == HOURS || r->weekday < 0)
        return;
    struct row *to[] = {&r->all, &r->hours[hour], row_of(&r->tables[DAYS], span_str(day)),
        row_of(&r->tables[CHANNELS], rest)};
    for (size_t i = 0; i < sizeof to / sizeof *to; i++)
        if (to[i])
            to[i]->n[f] += n;
    if (f == IN)
        r->week[r->weekday][hour] += n;
}

/* "first HH SLOT", "first.agent SLOT AGENT" */
static void add_answer(
    struct report *r, const char *day, enum answer a, int table, struct span rest, int64_t n) {
    struct span one = word(&rest);
    if (table < TABLES) {
        unsigned slot = small(one, REPORT_SLOTS);
        struct row *row = slot < REPORT_SLOTS ? row_of(&r->tables[table], rest) : NULL;
        if (row)
            row->slots[a][slot] += n;
        return;
    }
    unsigned hour = small(one, HOURS), slot = small(rest, REPORT_SLOTS);
    if (hour == HOURS || slot == REPORT_SLOTS || r->weekday < 0)
        return;
    row_of(&r->tables[DAYS], span_str(day))->slots[a][slot] += n;
    r->hours[hour].slots[a][slot] += n;
    r->all.slots[a][slot] += n;
}

void report_add(struct report *r, const char *day, struct span field, int64_t n) {
    static const char *const tables[TABLES] = {
        [DAYS] = "", [CHANNELS] = "channel", [AGENTS] = "agent", [LABELS] = "label"};
    struct span rest = field, kind = word(&rest);
    const char *dot = kind.n ? memchr(kind.p, '.', kind.n) : NULL;
    int table = TABLES;
    if (strcmp(day, r->day) != 0) {
        snprintf(r->day, sizeof r->day, "%s", day);
        r->weekday = report_weekday(day);
    }
    if (dot) {
        size_t at = (size_t)(dot - kind.p) + 1;
        table = find(span_of(kind.p + at, kind.n - at), tables, TABLES);
        if (table == TABLES || table == DAYS)
            return;
        kind.n = at - 1;
    }
    int f = find(kind, figures, FIGURES), a = find(kind, answers, ANSWERS);
    if (f < FIGURES)
        add_figure(r, day, (enum figure)f, table, rest, n);
    else if (a < ANSWERS)
        add_answer(r, day, (enum answer)a, table, rest, n);
}

/* --- telling --------------------------------------------------------------------------------- */

static json_t *times_json(const int64_t slots[REPORT_SLOTS]) {
    int64_t n = 0;
    for (unsigned i = 0; i < REPORT_SLOTS; i++)
        n += slots[i];
    return json_pack("{s:I,s:o,s:o}", "n", (json_int_t)n, "median_s",
        n ? json_real(quantile(slots, n, 0.5)) : json_null(), "p90_s",
        n ? json_real(quantile(slots, n, 0.9)) : json_null());
}

static json_t *scores_json(const int64_t slots[REPORT_SLOTS]) {
    int64_t n = 0, sum = 0;
    for (unsigned i = 1; i <= REPORT_SCORE_MAX; i++) {
        n += slots[i];
        sum += slots[i] * i;
    }
    return json_pack("{s:I,s:o}", "n", (json_int_t)n, "average",
        n ? json_real((double)sum / (double)n) : json_null());
}

static json_t *row_json(const struct row *row) {
    json_t *out = json_object();
    for (int f = 0; f < FIGURES; f++)
        json_object_set_new(out, figures[f], json_integer(row->n[f]));
    for (int a = FIRST; a <= NEXT; a++)
        json_object_set_new(out, answers[a], times_json(row->slots[a]));
    json_object_set_new(out, answers[RATED], scores_json(row->slots[RATED]));
    return out;
}

static int by_name(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Rows in the order of their names. */
static json_t *table_json(const struct rows *rows, bool are_days) {
    const char **names = mem_zalloc((rows->n + 1) * sizeof *names), *name;
    json_t *at, *out = json_array();
    size_t n = 0;
    json_object_foreach(rows->index, name, at) names[n++] = name;
    qsort(names, n, sizeof *names, by_name);
    for (size_t i = 0; i < n; i++) {
        json_t *row = row_json(rows->v[json_integer_value(json_object_get(rows->index, names[i]))]);
        const char *d = names[i];
        json_object_set_new(row, "name",
            are_days ? json_sprintf("%.4s-%.2s-%.2s", d, d + 4, d + 6) : json_string(d));
        json_array_append_new(out, row);
    }
    free(names);
    return out;
}

json_t *report_json(const struct report *r) {
    json_t *week = json_array(), *hours = json_array();
    for (int d = 0; d < 7; d++) {
        json_t *day = json_array();
        for (int h = 0; h < HOURS; h++)
            json_array_append_new(day, json_integer(r->week[d][h]));
        json_array_append_new(week, day);
    }
    for (int h = 0; h < HOURS; h++)
        json_array_append_new(hours, row_json(&r->hours[h]));
    return json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "totals", row_json(&r->all), "days",
        table_json(&r->tables[DAYS], true), "week", week, "hours", hours, "channels",
        table_json(&r->tables[CHANNELS], false), "agents", table_json(&r->tables[AGENTS], false),
        "labels", table_json(&r->tables[LABELS], false));
}

struct report *report_create(void) {
    struct report *r = mem_zalloc(sizeof *r);
    for (int t = 0; t < TABLES; t++)
        r->tables[t].index = json_object();
    return r;
}

void report_destroy(struct report **rp) {
    struct report *r = *rp;
    *rp = NULL;
    for (int t = 0; r && t < TABLES; t++) {
        for (size_t i = 0; i < r->tables[t].n; i++)
            free(r->tables[t].v[i]);
        free(r->tables[t].v);
        json_decref(r->tables[t].index);
    }
    free(r);
}
