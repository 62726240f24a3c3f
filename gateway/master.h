/* master.h - the first process: starts Redis and the workers, replaces what dies, stops in order.
 */
#ifndef SB_MASTER_H
#define SB_MASTER_H

#include "config/config.h"

/* Serves until SIGTERM or SIGINT; on SIGHUP reads the configuration again. c is the master's from
 * here on. Returns the exit code. */
int master_run(struct config *c, const struct config_source *source);

#endif
