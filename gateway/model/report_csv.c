/* report_csv.c - a report's table as RFC 4180 has it. */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "model/csv.h"
#include "model/report.h"

#define CSV_MAX ((size_t)16 << 20)

static void add_number(struct buf *b, const json_t *v) {
    if (json_is_integer(v))
        buf_addf(b, ",%lld", (long long)json_integer_value(v));
    else if (json_is_real(v))
        buf_addf(b, ",%.1f", json_real_value(v));
    else
        buf_adds(b, ",");
}

static void add_row(struct buf *b, const json_t *row) {
    static const char *const figures[] = {"in", "out", "closed", "lost", "late"};
    static const char *const kinds[] = {"first", "next"};
    static const char *const times[] = {"n", "median_s", "p90_s"};
    for (size_t i = 0; i < 5; i++)
        add_number(b, json_object_get(row, figures[i]));
    for (size_t i = 0; i < 2; i++)
        for (size_t j = 0; j < 3; j++)
            add_number(b, json_object_get(json_object_get(row, kinds[i]), times[j]));
    add_number(b, json_object_get(json_object_get(row, "rated"), "n"));
    add_number(b, json_object_get(json_object_get(row, "rated"), "average"));
    buf_adds(b, "\r\n");
}

char *report_csv(const json_t *report, const char *table) {
    static const char *const names[] = {"days", "hours", "channels", "agents", "labels"};
    static const char *const first[] = {"day", "hour", "channel", "agent", "label"};
    struct buf b;
    size_t t = 0, i;
    json_t *row;
    while (t < 5 && strcmp(names[t], table) != 0)
        t++;
    if (t == 5)
        return NULL;
    buf_init(&b, CSV_MAX);
    buf_addf(&b,
        "%s,in,out,closed,lost,late,first_n,first_median_s,first_p90_s,next_n,next_median_s,"
        "next_p90_s,rated_n,rated_average\r\n",
        first[t]);
    json_array_foreach(json_object_get(report, table), i, row) {
        const char *name = json_string_value(json_object_get(row, "name"));
        if (t == 1)
            buf_addf(&b, "%zu", i);
        else
            csv_text(&b, name ? name : "");
        add_row(&b, row);
    }
    return buf_take(&b);
}
