/* system.h - how the installation is: its workers, Redis, shards and queues, and what is wrong with
 * them. */
#ifndef SB_CORE_SYSTEM_H
#define SB_CORE_SYSTEM_H

#include "base/span.h"
#include "core/core.h"

#define SYSTEM_KEY_SIZE 64

/* Where a worker leaves its note: in `out`. The note is the worker of core_system(), and
 * "channels": channels_rates(). */
struct span system_note_key(const char *worker, char out[SYSTEM_KEY_SIZE]);

/* {"workers":[{"id","pid","number","version","started_at","rss_bytes","cpu_percent","lag_ms",
 *   "sockets","shards"}],
 *  "redis":{"version","uptime_s","memory_bytes","memory_max_bytes","policy","role","append_only",
 *   "append_fsync":null,"write_ok","loading","saved_at","latency_ms"},
 *  "shards":[{"shard","owner":id|null}], "queues":[{"queue","n","oldest_at":null}], "dead":n}
 * A worker tells of itself every two seconds; lag: how late its loop was at worst in the last four.
 */
void core_system(struct core *core, store_json_fn fn, void *arg);

/* What is wrong with such an answer, the worst first: [{"code","level":"bad|warn","subject","n",
 * "text"}]. It has, besides, "disk":{"free_bytes","total_bytes"} and "channels" (core_channels()).
 * Pure; a new reference. */
json_t *system_problems(const json_t *system, int64_t now_ms);

#endif
