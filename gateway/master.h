/* master.h - the first process: starts Redis and the workers, replaces what dies, stops in order.
 */
#ifndef SB_MASTER_H
#define SB_MASTER_H

#include "config/config.h"

/* What is read again on SIGHUP. */
struct master_options {
    const char *config_path;
    const char *const *sets; /* --set, NULL-ended */
    const struct section_type *types;
};

/* Serves until SIGTERM or SIGINT. c is the master's from here on. Returns the exit code. */
int master_run(struct config *c, const struct master_options *o);

#endif
