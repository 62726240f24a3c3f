/* tryton_private.h - what the files of this folder share. */
#ifndef SB_CONNECTORS_TRYTON_TRYTON_PRIVATE_H
#define SB_CONNECTORS_TRYTON_TRYTON_PRIVATE_H

#include "connectors/tryton/tryton_answer.h"
#include "core/crm/crm_call.h"
#include "core/crm/crm_flow.h"

struct rpc;

struct tryton {
    struct crm_flow flow;        /* first: the core gives us a pointer to its base */
    char *url;                   /* "https://erp.example.org/crm/" */
    const char *user, *password; /* the settings' */
    struct crm_calls_options options;
    struct crm_calls *calls;
    char *session; /* of the header; NULL: to be had by logging in */
    bool logging_in, ended;
    struct rpc *waiting, **tail; /* for the session */
};

/* --- tryton_rpc.c ---------------------------------------------------------------------------- */

/* One call, with a session: logs in when there is none, and once more when it is over. Takes params
 * (an array); the context is added. Completes exactly once, later. */
void tryton_call(struct tryton *t, const char *method, json_t *params, crm_step_fn fn, void *arg);
void tryton_rpc_stop(struct tryton *t);

/* --- tryton_card.c, tryton_note.c: the single requests ---------------------------------------- */

extern const struct crm_flow_ops tryton_flow_ops;

void tryton_look(struct crm *c, const char *card, crm_step_fn fn, void *arg);
void tryton_ways(struct crm *c, const char *card, crm_step_fn fn, void *arg);
void tryton_find(struct crm *c, const struct crm_flow_who *who, crm_step_fn fn, void *arg);
void tryton_create(struct crm *c, const struct crm_flow_who *who, crm_step_fn fn, void *arg);
void tryton_add(struct crm *c, const char *card, const struct crm_flow_who *who,
    const json_t *missing, crm_step_fn fn, void *arg);
void tryton_rename(struct crm *c, const char *card, const char *name, crm_step_fn fn, void *arg);

static inline struct tryton *tryton_of(struct crm *c) {
    return (struct tryton *)c;
}

#endif
