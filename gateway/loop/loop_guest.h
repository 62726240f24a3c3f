/* loop_guest.h - what the guests in this folder need of the loop beyond loop.h. Nobody outside
 * loop/ includes it. */
#ifndef SB_LOOP_LOOP_GUEST_H
#define SB_LOOP_LOOP_GUEST_H

#include "loop/loop.h"

/* Calls fn(arg) inside loop_destroy(), when everything that was being closed is closed: for
 * libraries whose last step must come after their handles have gone from the loop. */
void loop_at_end(struct loop *loop, loop_fn fn, void *arg);

#endif
