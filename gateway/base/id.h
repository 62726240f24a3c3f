/* id.h - the ids of everything we store: ULIDs (26 characters, Crockford base 32, sorted by time)
 * whose last two characters name the shard.
 *
 *   01JDFX3T5K  9-char tag  5 random  2 shard
 *   time (10)   of the thread (client, thread and messages of one client share it)
 *
 * So any client, thread, message or media id says by itself in which shard it lives, and a
 * message's id leads to its thread without an index entry of its own (store.h). */
#ifndef SB_BASE_ID_H
#define SB_BASE_ID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ID_LEN 26
#define ID_SIZE (ID_LEN + 1)
#define ID_TIME_LEN 10
#define ID_TAG_LEN 9
#define ID_SHARD_LEN 2
#define ID_SHARDS_MAX 1024

/* A new id in the given shard, now. out holds ID_SIZE bytes. */
void id_make(unsigned shard, char *out);

/* True for 26 characters of the alphabet (upper case), first one at most '7'. */
bool id_is_valid(const char *id);

/* The shard that a valid id names. */
unsigned id_shard(const char *id);

/* One of ID_BUCKETS, evenly: by the first two characters after the time of a valid id. */
#define ID_BUCKETS 1024
unsigned id_bucket(const char *id);

/* The time part of a valid id in ms since 1970. */
int64_t id_time_ms(const char *id);

/* The shard of a key that is no id (an identity, a user name), for shards partitions. */
unsigned id_hash_shard(const char *key, size_t n, unsigned shards);

#endif
