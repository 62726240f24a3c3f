/* worker.h - one worker process: the master forks it, it builds the app, serves, and drains. */
#ifndef SB_WORKER_H
#define SB_WORKER_H

#include <signal.h>
#include <sys/types.h>

#include "base/metrics.h"
#include "config/config.h"

struct worker_context {
    unsigned index;          /* 0, 1, ... */
    unsigned workers;        /* how many there are */
    struct metrics *metrics; /* shared */
    unsigned slot;           /* of the metrics */
    const char *redis_url;   /* of the embedded Redis, or the configured one */
    int listen_fd;           /* shared with the master and the other workers */
    int ready_fd;            /* one byte is written when the worker serves; then closed; -1 none */
    const struct config_source *source;
    pid_t master; /* SIGHUP to it: the configuration is read again */
};

#define WORKER_EXIT_CONFIG                                                                         \
    78 /* the configuration or the data is wrong: starting again is no use                         \
        */

#define WORKER_REPLACED SIGUSR1 /* to a worker: leave, others serve already */

/* Runs until SIGTERM or WORKER_REPLACED (drained) or a fatal error. Returns the exit code. */
int worker_run(const struct config *c, const struct worker_context *ctx);

#endif
