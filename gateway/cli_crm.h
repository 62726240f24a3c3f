/* cli_crm.h - what the commands about CRMs and the export share: an adapter without a core, all
 * threads in turn, times on the command line, a target's queue that is never made long. */
#ifndef SB_CLI_CRM_H
#define SB_CLI_CRM_H

#include "cli_session.h"
#include "core/crm.h"
#include "store/store_ledger.h"

/* --- cli_crm.c ------------------------------------------------------------------------------- */

/* An adapter that only answers questions: it has no core. */
struct cli_crm {
    struct cli_session *s;
    struct http_client *client;
    struct crm *crm;
};
/* target NULL: the first that has these caps. not: a target that is not meant; NULL none. 0; -1
 * with err: ERR_NOT_FOUND when there is none, or what its adapter says. */
int cli_crm_open(struct cli_crm *c, struct cli_session *s, const char *target, const char * not,
    unsigned caps, struct err *err);
void cli_crm_close(struct cli_crm *c);
/* Is there a target with these caps other than `not`? */
bool cli_crm_exists(const struct config *config, unsigned caps, const char * not );
/* Of the configuration's targets, or says on stderr which there are. */
bool cli_crm_is_target(const struct cli *cli, const struct config *config, const char *target);

/* For crm.h's questions, with the session as arg; then cli_wait_quiet(). */
void cli_on_result(void *session, const json_t *result, const struct err *err);

/* --- cli_walk.c ------------------------------------------------------------------------------ */

/* All threads, or one; a page at a time. */
struct cli_walk {
    struct cli_session *s;
    const char *one; /* its id; NULL all */
    json_t *page;
    size_t next;
    char place[40]; /* of the page at hand; "" the first */
    bool began, new_page;
};
void cli_walk_begin(struct cli_walk *w, struct cli_session *s, const char *one, const char *place);
/* The next thread (store_walk), borrowed until the next call. NULL: there are no more, or -1 in
 * *rc_out after having said why. new_page: it is the first of its page. */
const json_t *cli_walk_next(struct cli_walk *w, int *rc_out);
void cli_walk_end(struct cli_walk *w);

/* An option that says when: RFC 3339, a day ("2026-11-29", UTC), or how long ago ("24h"). Leaves
 * *ms as it is when it was not given; -1 after having said what is wrong. */
int cli_time(const struct cli *cli, const char *option, int64_t *ms);
/* A thread's id, or NULL when it was not given; -1 as above. */
int cli_thread(const struct cli *cli, const char **thread_out);

/* A page of a thread's ledger, from seq `from` on; rows holds STORE_LEDGER_PAGE. -1 after having
 * said why. */
int cli_ledger(struct cli_session *s, const char *thread, const char *target, int64_t from,
    struct store_ledger_row *rows, size_t *n_out);

/* Queues them (any number, in this order) when the target's queue is short: waits while it is not.
 * -1 after having said why. */
struct cli_requeue {
    const char *thread, *target;
    bool missing, only_new;
};
int cli_requeue(struct cli_session *s, const struct cli_requeue *q, const int64_t *seqs, size_t n,
    size_t *queued);

void cli_sleep(struct cli_session *s, unsigned ms);

/* --- the commands ---------------------------------------------------------------------------- */

int cli_crm_verify(struct cli *cli, struct cli_session *s, const char *target);
int cli_crm_replay(struct cli *cli, struct cli_session *s, const char *target);
int cli_crm_backfill(struct cli *cli, struct cli_session *s, const char *target);

#endif
