/* store_report.c - reads the counters of days. What is summed up over the shards says how many
 * things it has counted; if the shards know of more since, it is made anew. */
#include "store/store_report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "store/store_private.h"

#define SUM_MAX ((size_t)32 << 20) /* bytes of a day's sum */

struct day {
    char name[9];
    int64_t total, summed; /* things counted: by the shards, in the sum that is kept */
    char *sum;             /* "<total>\n<field>\t<n>\n..."; NULL none */
    size_t sum_n;
    json_t *fields; /* read from the shards for a sum: field -> number */
};

struct reading {
    struct gather g;
    struct store *store;
    struct day *days;
    size_t n, at; /* at: the one that is being read from the shards */
    struct report *report;
    int64_t waiting, since;
    store_json_fn fn;
    void *arg;
};

static void reading_end(struct reading *r, json_t *result, const struct err *err) {
    r->fn(r->arg, result, err);
    json_decref(result);
    for (size_t i = 0; i < r->n; i++) {
        free(r->days[i].sum);
        json_decref(r->days[i].fields);
    }
    report_destroy(&r->report);
    free(r->days);
    free(r);
}

/* --- a day's sum ----------------------------------------------------------------------------- */

/* The lines of a sum, each a field and a number. */
static void add_sum(struct report *report, const struct day *d) {
    const char *p = d->sum, *end = p + d->sum_n;
    for (p = memchr(p, '\n', d->sum_n); p && ++p < end;) {
        const char *nl = memchr(p, '\n', (size_t)(end - p));
        const char *tab = nl ? memchr(p, '\t', (size_t)(nl - p)) : NULL;
        if (tab)
            report_add(report, d->name, span_of(p, (size_t)(tab - p)), strtoll(tab + 1, NULL, 10));
        p = nl;
    }
}

static void on_kept(void *arg, const struct redis_reply *r, const struct err *err) {
    (void)arg;
    (void)r;
    (void)err; /* the next reader sums up again */
}

/* So that the next reader need not ask every shard. As long as the shards keep theirs. */
static void keep_sum(struct store *s, const struct day *d) {
    struct buf b;
    struct args a;
    char key[64];
    const char *field;
    json_t *n;
    buf_init(&b, SUM_MAX);
    int rc = buf_addf(&b, "%lld\n", (long long)d->total);
    json_object_foreach(d->fields, field, n) {
        if (!strpbrk(field, "\t\n"))
            rc |= buf_addf(&b, "%s\t%lld\n", field, (long long)json_integer_value(n));
    }
    snprintf(key, sizeof key, "sb:report:%s", d->name);
    args_init(&a);
    args_add(&a, "SET");
    args_add(&a, key);
    args_span(&a, buf_span(&b));
    args_add(&a, "EX");
    args_add(&a, s->report_keep_s);
    if (rc == 0)
        store_command(s, &a, on_kept, NULL);
    buf_free(&b);
}

/* --- the end --------------------------------------------------------------------------------- */

static json_t *now_json(const struct reading *r) {
    char text[CLOCK_TEXT_SIZE];
    return json_pack("{s:I,s:o}", "waiting", (json_int_t)r->waiting, "waiting_since",
        r->waiting ? json_string(clock_format(r->since, text)) : json_null());
}

static void all_read(struct reading *r) {
    if (r->g.err.code) {
        reading_end(r, NULL, &r->g.err);
        return;
    }
    json_t *out = report_json(r->report);
    json_object_set_new(out, "now", now_json(r));
    reading_end(r, out, NULL);
}

/* --- the counters of the shards -------------------------------------------------------------- */

static void totals_read(struct gather *g);

static void on_fields(struct gather *g, size_t i, const struct redis_reply *reply) {
    struct reading *r = container_of(g, struct reading, g);
    struct day *d = &r->days[i];
    size_t n = redis_reply_count(reply);
    for (size_t f = 0; f + 1 < n; f += 2) {
        struct span field = redis_reply_span(redis_reply_at(reply, f));
        int64_t count = redis_reply_int(redis_reply_at(reply, f + 1));
        report_add(r->report, d->name, field, count);
        if (!d->fields)
            continue;
        const json_t *before = json_object_get(d->fields, field.p);
        json_object_set_new(
            d->fields, field.p, json_integer(before ? json_integer_value(before) + count : count));
    }
}

static void day_read(struct gather *g) {
    struct reading *r = container_of(g, struct reading, g);
    struct day *d = &r->days[r->at];
    if (!g->err.code && d->fields)
        keep_sum(r->store, d);
    json_decref(d->fields);
    d->fields = NULL;
    r->at++;
    totals_read(g);
}

/* Each day by its sum, or, where that is not good, from the shards: one after another, for all at
 * once would keep everybody else waiting. A sum is kept of days that are over. */
static void totals_read(struct gather *g) {
    struct reading *r = container_of(g, struct reading, g);
    char key[STORE_KEY_SIZE], today[ZONE_STAMP_SIZE];
    struct args a;
    for (; !g->err.code && r->at < r->n; r->at++) {
        const struct day *d = &r->days[r->at];
        if (d->total != d->summed)
            break;
        if (d->sum)
            add_sum(r->report, d);
    }
    if (g->err.code || r->at == r->n) {
        all_read(r);
        return;
    }
    struct day *d = &r->days[r->at];
    zone_stamp(r->store->zone, clock_ms(), today);
    d->fields = strncmp(d->name, today, 8) < 0 ? json_object() : NULL;
    gather_begin(g, r->store, on_fields, day_read);
    for (unsigned shard = 0; shard < r->store->shards; shard++) {
        args_init(&a);
        args_add(&a, "HGETALL");
        args_span(&a, store_key(key, shard, "report", d->name));
        gather_command(g, r->at, &a);
    }
    gather_end(g);
}

/* i: a day's sum, or of a shard its totals. */
static void on_totals(struct gather *g, size_t i, const struct redis_reply *reply) {
    struct reading *r = container_of(g, struct reading, g);
    if (i < r->n) {
        struct span sum = redis_reply_span(reply);
        struct day *d = &r->days[i];
        d->summed = redis_reply_int(reply);
        if (sum.n) {
            d->sum = mem_strndup(sum.p, sum.n);
            d->sum_n = sum.n;
            d->summed = strtoll(d->sum, NULL, 10);
        }
        return;
    }
    int64_t since = redis_reply_int(redis_reply_at(reply, 1));
    r->waiting += redis_reply_int(redis_reply_at(reply, 0));
    if (since && (!r->since || since < r->since))
        r->since = since;
    for (size_t d = 0; d < r->n; d++)
        r->days[d].total += redis_reply_int(redis_reply_at(reply, d + 2));
}

static void ask_totals(struct reading *r) {
    struct args a;
    char key[64];
    gather_begin(&r->g, r->store, on_totals, totals_read);
    for (size_t i = 0; i < r->n; i++) {
        snprintf(key, sizeof key, "sb:report:%s", r->days[i].name);
        args_init(&a);
        args_add(&a, "GET");
        args_add(&a, key);
        gather_command(&r->g, i, &a);
    }
    args_init(&a);
    for (size_t i = 0; i < r->n; i++)
        args_add(&a, r->days[i].name);
    for (unsigned shard = 0; shard < r->store->shards; shard++)
        gather_eval(&r->g, r->n + shard, SCRIPT_REPORT, shard, &a);
    gather_end(&r->g);
}

void store_report(struct store *s, const char *from, const char *to, store_json_fn fn, void *arg) {
    struct err err;
    char day[9];
    size_t n = 0;
    snprintf(day, sizeof day, "%s", from);
    while (n <= STORE_REPORT_DAYS && strcmp(day, to) <= 0) {
        report_next_day(day, day);
        n++;
    }
    if (n == 0 || n > STORE_REPORT_DAYS) {
        err_set(&err, ERR_INVALID, "a report is of 1 to %d days", STORE_REPORT_DAYS);
        store_fail_json(s, &err, fn, arg);
        return;
    }
    struct reading *r = mem_zalloc(sizeof *r);
    *r = (struct reading){.store = s, .n = n, .report = report_create(), .fn = fn, .arg = arg};
    r->days = mem_zalloc(n * sizeof *r->days);
    snprintf(day, sizeof day, "%s", from);
    for (size_t i = 0; i < n; i++) {
        memcpy(r->days[i].name, day, sizeof day);
        report_next_day(day, day);
    }
    ask_totals(r);
}
