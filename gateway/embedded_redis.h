/* embedded_redis.h - our own redis-server as a child of the master. */
#ifndef SB_EMBEDDED_REDIS_H
#define SB_EMBEDDED_REDIS_H

#include <sys/types.h>

#include "base/err.h"
#include "base/log.h"

struct embedded_redis {
    char *dir;    /* data_dir/redis, absolute */
    char *socket; /* path of the unix socket, short enough for one */
    char *url;    /* unix://socket */
    char *fsync;  /* "always" or "everysec" */
    pid_t pid;    /* 0 not running */
};

/* Chooses paths and makes the folders (mode 700). 0 or -1. */
int embedded_redis_init(
    struct embedded_redis *r, const char *data_dir, const char *fsync, struct err *err);
void embedded_redis_finish(struct embedded_redis *r);

/* Forks and execs it; it dies with us (crash-only: what it has acknowledged is on disk). A server
 * of a master that died before, if one still runs on this data, is stopped first. */
int embedded_redis_start(struct embedded_redis *r, const struct log *log, struct err *err);

/* SIGTERM, then SIGKILL after timeout_ms. Returns when it is gone. */
void embedded_redis_stop(struct embedded_redis *r, unsigned timeout_ms);

#endif
