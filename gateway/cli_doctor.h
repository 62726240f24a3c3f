/* cli_doctor.h - what the doctor's files share: one line a finding. */
#ifndef SB_CLI_DOCTOR_H
#define SB_CLI_DOCTOR_H

#include <stdbool.h>

#include "config/config.h"

struct doctor {
    const struct config *config;
    const char *data_dir; /* as configured */
    long running;         /* the master's pid; 0: not running */
    bool sends_nothing;   /* no messages to itself */
    unsigned wait_s;      /* for them; 0: as each connector thinks fit */
    unsigned warnings, failures;
};

/* Prints "ok   what", or "warn what - do". `what` is made by mem_printf and freed here. */
void doctor_ok(struct doctor *d, char *what);
void doctor_warn(struct doctor *d, char *what, const char *todo);
void doctor_fail(struct doctor *d, char *what, const char *todo);

/* cli_doctor_redis.c: the Redis of the configuration; for an embedded one that does not run, the
 * program that would. */
void doctor_redis(struct doctor *d);
/* cli_doctor_channels.c */
void doctor_channels(struct doctor *d);
/* cli_doctor_oidc.c */
void doctor_oidc(struct doctor *d);

#endif
