/* pace.c - see pace.h. */
#include "core/pace.h"

#define WAIT_FEW 16  /* enough to go on with at once */
#define WAIT_MANY 64 /* what is begun now waits for all these */

unsigned pace_each(const struct pace *p, unsigned queues) {
    unsigned each = queues ? p->size / queues : 0;
    if (each < PACE_EACH_MIN)
        return PACE_EACH_MIN;
    return each < PACE_EACH_MAX ? each : PACE_EACH_MAX;
}

static void resize(struct pace *p, unsigned queues, int by) {
    int min = (int)(PACE_EACH_MIN * queues), max = (int)(PACE_EACH_MAX * queues);
    int size = ((int)p->size > min ? (int)p->size : min) + by;
    size = size < min ? min : size;
    p->size = (unsigned)(size < max ? size : max);
}

void pace_answered(struct pace *p, unsigned queues, bool was_full, size_t waiting) {
    if (waiting > WAIT_MANY)
        resize(p, queues, -1);
    else if (was_full && waiting < WAIT_FEW)
        resize(p, queues, 1);
}

void pace_stuck(struct pace *p, unsigned queues, size_t waiting) {
    if (waiting < WAIT_FEW)
        resize(p, queues, (int)queues);
}

void pace_restart(struct pace *p) {
    p->size = 0;
}
