/* report.h - figures of days: what is counted, and how it is summed up. Pure.
 *
 * A day's counters are pairs of a field and a number, as scripts write them:
 *   "in HH CHANNEL" "out HH CHANNEL"         messages of clients, answers, by the hour of the day
 *   "in.label LABEL" "out.agent AGENT"
 *   "first HH SLOT" "next HH SLOT"           first answers of a matter and later ones, by how long
 *   "first.channel SLOT CHANNEL" "first.agent SLOT AGENT" "first.label SLOT LABEL", "next...."
 *   "closed HH CHANNEL" "closed.agent AGENT"
 *   "lost HH CHANNEL" "lost.agent AGENT" "lost.label LABEL"   closed while the client waited
 *   "late HH CHANNEL" "late.agent AGENT" "late.label LABEL"   not answered in time
 *   "rated HH SCORE" "rated.channel SCORE CHANNEL" "rated.agent SCORE AGENT" "rated.label ..."
 *                                            what clients thought of it, 1 to 5
 *   "total"                                  how many things were counted
 * SLOT: 0..15 are whole seconds; then eight slots for each doubling, so that a time is known to an
 * eighth or better. */
#ifndef SB_MODEL_REPORT_H
#define SB_MODEL_REPORT_H

#include <jansson.h>
#include <stdint.h>

#include "base/span.h"

#define REPORT_SLOTS 256
#define REPORT_SCORE_MAX 5

/* The middle of a slot in seconds. */
double report_slot_seconds(unsigned slot);

struct report;

/* A day is "20261129". */
struct report *report_create(void);
void report_destroy(struct report **r);
/* One counter of a day. What it does not know is passed over. */
void report_add(struct report *r, const char *day, struct span field, int64_t n);
/* Of all that was added:
 * {"totals":{"in","out","closed","lost","late","first":Times,"next":Times,
 *    "rated":{"n","average"}},
 *  "days":[{"name":"2026-11-29",...as totals}], "week":[[24 numbers of messages in] x 7, Monday
 *  first], "hours":[24 x as totals], "channels":[{"name",...}], "agents":[{"name",...}],
 *  "labels":[{"name",...}]}; Times: {"n","median_s","p90_s"}; without any, medians and averages are
 * null. */
json_t *report_json(const struct report *r);

/* The same as a table (RFC 4180) of "days", "hours", "channels", "agents" or "labels"; a cell that
 * a spreadsheet would take for a formula begins with '. NULL: there is no such table. The caller
 * frees. */
char *report_csv(const json_t *report, const char *table);

/* Monday 0 of a day "20261129". -1: it is none. */
int report_weekday(const char *day);
/* The day after, "20261130". */
void report_next_day(const char day[9], char out[9]);
/* The day so many days before. */
void report_days_before(const char day[9], unsigned days, char out[9]);
/* "2026-11-29" -> "20261129". -1: it is no day between 1970 and 9999. */
int report_day_read(const char *text, char out[9]);

#endif
