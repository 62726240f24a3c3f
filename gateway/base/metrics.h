/* metrics.h - counters, gauges and histograms of the whole gateway, in memory that the master maps
 * before it forks: each worker writes a slot of its own, so no locks, and any worker can print the
 * sum. No two living processes have the same slot, also not an old generation that drains and the
 * new one. When a process has ended, its gauges are zeroed; its counters stay in the sum, and in
 * the slot for whoever gets it next.
 *
 * A family is one row in metrics_list.h. A family with a label keeps up to METRICS_SERIES values
 * of it ("site|ok"); later ones are counted under "other", so no stranger can grow memory. */
#ifndef SB_BASE_METRICS_H
#define SB_BASE_METRICS_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum metric_kind { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM };

#define METRIC(id, kind, name, labels, help) id,
enum metric_id {
#include "base/metrics_list.h"
    METRIC_COUNT
};
#undef METRIC

#define METRICS_SERIES 64

struct metrics;

/* Maps shared memory for this many processes at once; this one writes the first slot until it takes
 * or uses another. Call in the master, before fork. Aborts on failure. */
struct metrics *metrics_create(unsigned slots);
void metrics_destroy(struct metrics **m);

/* In the master: a slot that nobody has, for a process that will be forked; it stays taken until it
 * is dropped. Aborts when all are taken. */
unsigned metrics_take_slot(struct metrics *m);
/* In the forked process: from here on it writes this slot. */
void metrics_use_slot(struct metrics *m, unsigned slot);
/* This process's loop turns; and when it last did (monotonic ms, by whoever had the slot; 0 never).
 */
void metrics_beat(struct metrics *m);
uint64_t metrics_last_beat_ms(const struct metrics *m, unsigned slot);
/* In the master: the process has ended. */
void metrics_drop_slot(struct metrics *m, unsigned slot);

/* label is NULL for a family without labels, else its label values joined by '|'. */
void metrics_add(struct metrics *m, enum metric_id id, const char *label, int64_t n);
void metrics_set(struct metrics *m, enum metric_id id, const char *label, int64_t value);
void metrics_observe_us(struct metrics *m, enum metric_id id, const char *label, uint64_t us);

/* What this process has in a family of gauges, all labels together. */
int64_t metrics_own(const struct metrics *m, enum metric_id id);
/* What all processes have, this moment, in a gauge without labels. */
int64_t metrics_all(const struct metrics *m, enum metric_id id);

/* Prometheus text format 0.0.4, summed over all slots that were ever taken. */
void metrics_print(const struct metrics *m, struct buf *out);

#endif
