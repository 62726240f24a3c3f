/* sitechat_limit.h - token buckets for many keys in a table of fixed size. When the table is full
 * the key that was not seen for longest makes room, so a flood of keys costs no memory. Pure. */
#ifndef SB_SITECHAT_LIMIT_H
#define SB_SITECHAT_LIMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct limit;

/* At most `burst` at once, filled again at `amount` per `per_ms`. */
struct limit *limit_create(size_t keys, double amount, uint64_t per_ms, double burst);
void limit_destroy(struct limit **l);

/* Takes cost from the key's bucket. 0 when it was there; else nothing is taken and the answer is
 * how many ms it will take until it is. */
uint64_t limit_take(struct limit *l, const char *key, double cost, uint64_t now_ms);

/* The key under which an address is counted: IPv6 by its /64. out holds LIMIT_PEER_SIZE bytes. */
#define LIMIT_PEER_SIZE 64
const char *limit_peer_key(const char *peer, char *out);

/* True for the machine's own addresses: a proxy or a trial, never one stranger. */
bool limit_peer_is_local(const char *peer);

#endif
