/* redis_wire.h - commands in RESP, and what an error reply means. Pure. */
#ifndef SB_NET_REDIS_WIRE_H
#define SB_NET_REDIS_WIRE_H

#include "base/buf.h"
#include "base/err.h"

#define REDIS_COMMAND_MAX (64u << 20)

void redis_wire_begin(struct buf *b, size_t nargs);  /* "*N" */
void redis_wire_arg(struct buf *b, struct span arg); /* "$len", bytes */
void redis_wire_number(struct buf *b, size_t n);

/* Fills err from the text of an error reply, by its first word (redis.h); returns the metrics
 * label. Arguments that Redis repeats in the text are cut off. */
const char *redis_wire_error(struct span text, struct err *err);

#endif
