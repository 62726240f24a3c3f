/* tryton_private.h - what the files of this folder share. */
#ifndef SB_CONNECTORS_TRYTON_TRYTON_PRIVATE_H
#define SB_CONNECTORS_TRYTON_TRYTON_PRIVATE_H

#include "connectors/tryton/tryton_answer.h"
#include "core/crm_call.h"

struct rpc;

struct tryton {
    struct crm base;                       /* first: the core gives us a pointer to it */
    char *url;                             /* "https://erp.example.org/crm/" */
    const char *user, *password, *country; /* the settings' */
    bool notes, russian;
    int utc_offset_min;
    struct crm_calls_options options;
    struct crm_calls *calls;
    char *session; /* of the header; NULL: to be had by logging in */
    bool logging_in, ended;
    struct rpc *waiting, **tail; /* for the session */
};

/* --- tryton_rpc.c ---------------------------------------------------------------------------- */

/* result is borrowed; NULL exactly when err is not. */
typedef void (*tryton_fn)(
    void *arg, const json_t *result, const struct err *err, unsigned retry_ms);
/* One call, with a session: logs in when there is none, and once more when it is over. Takes params
 * (an array); the context is added. Completes exactly once, later. */
void tryton_call(struct tryton *t, const char *method, json_t *params, tryton_fn fn, void *arg);
void tryton_rpc_stop(struct tryton *t);

/* --- tryton_card.c, tryton_note.c ------------------------------------------------------------ */

void tryton_ensure(
    struct crm *c, const json_t *client, const char *known, crm_done_fn fn, void *arg);
void tryton_attach(struct crm *c, const struct crm_attach *a, crm_done_fn fn, void *arg);

/* "switchboard:<client id>": the mechanism by which a party is ours. */
#define TRYTON_MARK_SIZE 48
void tryton_mark(const json_t *client, char out[TRYTON_MARK_SIZE]);

static inline struct tryton *tryton_of(struct crm *c) {
    return (struct tryton *)c;
}

#endif
