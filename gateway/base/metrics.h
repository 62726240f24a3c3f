/* metrics.h - counters, gauges and histograms of the whole gateway, in memory that the master maps
 * before it forks: each worker writes its own slot, so no locks, and any worker can print the sum.
 * A worker that is replaced takes over its predecessor's slot; gauges are zeroed then.
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

/* Maps shared memory for this many workers. Call in the master, before fork. Aborts on failure. */
struct metrics *metrics_create(unsigned workers);
void metrics_destroy(struct metrics **m);

/* Chooses the slot that this process writes (worker index), and zeroes its gauges. */
void metrics_take_slot(struct metrics *m, unsigned worker);

/* label is NULL for a family without labels, else its label values joined by '|'. */
void metrics_add(struct metrics *m, enum metric_id id, const char *label, int64_t n);
void metrics_set(struct metrics *m, enum metric_id id, const char *label, int64_t value);
void metrics_observe_us(struct metrics *m, enum metric_id id, const char *label, uint64_t us);

/* Prometheus text format 0.0.4, summed over the workers. */
void metrics_print(const struct metrics *m, struct buf *out);

#endif
