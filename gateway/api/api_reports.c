/* api_reports.c - figures of days, as JSON or as a table for a spreadsheet. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/api_private.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/zone.h"
#include "store/store_report.h"

#define DAYS_PRESET 30
#define DAY_MS (24LL * 3600 * 1000)

/* ?from=, ?to=: days of the company, 2026-11-29. Today and the 29 days before. -1 after answering.
 */
static int read_days(struct call *c, char from[9], char to[9]) {
    const char *first = http_query(c->x, "from"), *last = http_query(c->x, "to");
    char stamp[ZONE_STAMP_SIZE];
    int64_t now = clock_ms();
    struct zone *zone = store_zone(c->api->store);
    zone_stamp(zone, now, stamp);
    snprintf(to, 9, "%.8s", stamp);
    if (last && report_day_read(last, to) < 0) {
        call_fail(c, ERR_INVALID, "to must be a day like 2026-11-29");
        return -1;
    }
    if (first && report_day_read(first, from) < 0) {
        call_fail(c, ERR_INVALID, "from must be a day like 2026-11-29");
        return -1;
    }
    if (!first)
        report_days_before(to, DAYS_PRESET - 1, from);
    if (strcmp(from, to) > 0) {
        call_fail(c, ERR_INVALID, "from must not be after to");
        return -1;
    }
    return 0;
}

static void on_report(void *arg, json_t *result, const struct err *err) {
    struct call *c = arg;
    if (err) {
        call_err(c, err);
        return;
    }
    json_object_set_new(result, "zone", json_string(zone_name(store_zone(c->api->store))));
    call_ok(c, 200, json_incref(result));
}

static void on_table(void *arg, json_t *result, const struct err *err) {
    struct call *c = arg;
    if (err) {
        call_err(c, err);
        return;
    }
    char *csv = report_csv(result, c->text);
    char name[96];
    if (!csv) {
        call_fail(c, ERR_NOT_FOUND,
            "there is no such table; there are days, hours, channels, agents and labels");
        return;
    }
    snprintf(name, sizeof name, "%s.csv", c->text);
    call_file(c, name, "text/csv; charset=utf-8", csv, strlen(csv));
}

static void reports_get(struct call *c) {
    char from[9], to[9];
    if (read_days(c, from, to) == 0)
        store_report(c->api->store, from, to, on_report, c);
}

HANDLER(api_reports_get) {
    api_begin(api, x, SCOPE_READ, ROLE_SUPERVISOR, reports_get);
}

static void reports_table(struct call *c) {
    char from[9], to[9];
    if (read_days(c, from, to) < 0)
        return;
    c->text = mem_strdup(http_path_arg(c->x, "table"));
    call_note(c, "report.exported", c->text, json_pack("{s:s,s:s}", "from", from, "to", to));
    store_report(c->api->store, from, to, on_table, c);
}

HANDLER(api_reports_table) {
    api_begin(api, x, SCOPE_READ, ROLE_SUPERVISOR, reports_table);
}
