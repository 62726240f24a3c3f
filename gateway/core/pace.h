/* pace.h - how many deliveries to one target may be under way at once. A target that is back is
 * asked for little at first, and for more with each answer, as a TCP sender does (RFC 5681, slow
 * start): all that has waited for it would else be loaded in one moment, and who writes to us would
 * wait for that. It grows no further than until calls wait for their turn (the target's rate, its
 * connections): more would only wait there. Pure. All zero is a fresh one. */
#ifndef SB_CORE_PACE_H
#define SB_CORE_PACE_H

#include <stdbool.h>
#include <stddef.h>

#define PACE_EACH_MIN 2
#define PACE_EACH_MAX 64

struct pace {
    unsigned size; /* of all queues together */
};

/* So many each of so many queues may have under way. */
unsigned pace_each(const struct pace *p, unsigned queues);
/* A delivery was answered, of a queue that had as many under way as it might (was_full), while so
 * many calls wait for their turn. */
void pace_answered(struct pace *p, unsigned queues, bool was_full, size_t waiting);
/* A queue has had as many under way as it may, for a while: one more for each. */
void pace_stuck(struct pace *p, unsigned queues, size_t waiting);
/* Back to little: the target is not well. */
void pace_restart(struct pace *p);

#endif
