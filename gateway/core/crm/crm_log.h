/* crm_log.h - the last calls to a CRM, for people who ask what it was told and what it said. Each
 * worker collects its own and brings the newest to Redis once a second: so many are kept there, of
 * all workers together. */
#ifndef SB_CORE_CRM_LOG_H
#define SB_CORE_CRM_LOG_H

#include "core/crm.h"

#define CRM_LOG_KEPT 200
#define CRM_LOG_ASKED 100 /* bytes */

struct crm_log;

/* Of an adapter that runs without a core (commands): nothing is kept. */
struct crm_log *crm_log_create(struct crm *c);
void crm_log_destroy(struct crm_log **l);

struct crm_log_call {
    const char *asked; /* for what, without secrets */
    struct crm_about about;
    int status; /* 0: there was no answer */
    unsigned ms;
    const struct err *error; /* a sentence; NULL none */
};
/* One call is over. All is copied. */
void crm_log_add(struct crm_log *l, const struct crm_log_call *call);

#endif
