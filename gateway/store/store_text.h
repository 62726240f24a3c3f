/* store_text.h - the small texts that stand in Redis or come back from screens: stream ids,
 * cursors, events, entries of queues. Pure. */
#ifndef SB_STORE_STORE_TEXT_H
#define SB_STORE_STORE_TEXT_H

#include <stdint.h>

#include "base/span.h"
#include "store/store_feed.h"
#include "store/store_queue.h"

/* "1732368000123-0": when, and which of that millisecond. */
struct stream_id {
    uint64_t ms, n;
};
int stream_id_parse(struct span text, struct stream_id *out);                /* 0 or -1 */
int stream_id_compare(const struct stream_id *a, const struct stream_id *b); /* <0 0 >0: age */

/* "<shard>:<stream id>", the id of a dead letter; shard < shards. 0 or -1. */
int store_place_parse(
    const char *text, unsigned shards, unsigned *shard_out, struct stream_id *out);

/* An event as scripts write it: "m <thread> <seq> <dir>[ <signs>[x<rules>]][ w]", "s <thread>
 * <seq>[ w]", "t <thread>", "c <client>", "w <lane>"; w: there is new work in a queue that is
 * looked for. 0, or -1 when it is none. */
int store_event_parse(struct store_event *e, const char *text);

/* An entry as scripts write it: "<thread> <seq>[ <op>]" in a channel's queue, "m <thread> <seq>",
 * "m <thread> <seq> status", "c <client> 0", "g <from> <into> <merge>", "u <from> <into>
 * <merge>" (older ones without its number), "x <client> <client>" in a CRM's, "f <lane> <number>"
 * in that of what comes from it. Its id, attempts and time are left alone. kind is
 * '?' when it is none. */
void store_entry_parse(struct store_entry *e, const char *text);

/* "epoch;0:id,1:id,...": the ids by shard into out, which is zeroed before. 0, or -1 when the text
 * is none, is of another epoch, or does not name each shard. */
int store_cursors_parse(
    const char *text, const char *epoch, unsigned shards, char (*out)[STORE_CURSOR_SIZE]);

#endif
