/* store_report.h - figures of days, as scripts/append.lua counts them. */
#ifndef SB_STORE_STORE_REPORT_H
#define SB_STORE_STORE_REPORT_H

#include "model/report.h"
#include "store/store.h"

#define STORE_REPORT_DAYS 366

/* What was counted from day `from` to day `to` ("20261129", both counted, at most
 * STORE_REPORT_DAYS; ERR_INVALID): report_json() and "now": {"waiting": threads whose client waits
 * for an answer, "waiting_since": when the first of them began, RFC 3339 or null}. A day that is
 * over is summed up over the shards once (sb:report:<day>), so that the next reader has one key a
 * day to read. */
void store_report(struct store *s, const char *from, const char *to, store_json_fn fn, void *arg);

#endif
