/* audit.h - who did what, from where and when: an entry for each change that somebody may have to
 * answer for. It is written after the change's own step and before the answer to who asked for it,
 * and logged. It never holds a secret, a password or what a client wrote. */
#ifndef SB_CORE_AUDIT_H
#define SB_CORE_AUDIT_H

#include <jansson.h>
#include <stdbool.h>

#include "loop/loop.h"
#include "store/store.h"

struct audit_entry {
    const char *what;     /* "agent.changed": noun.verb */
    const char *by;       /* an agent's, a token's or a system user's name; "" a stranger */
    const char *via;      /* "session", "token" or "command" */
    const char *address;  /* NULL: none */
    const char *session;  /* its id (store_users.h); NULL none */
    const char *subject;  /* whom or what it is about; NULL nothing */
    const json_t *detail; /* an object; NULL nothing more */
    bool refused; /* a sign-in that failed: there may be many, which push nothing else out */
};

/* Completes through fn; an entry that could not be written is in the log, and err says why. */
void audit_write(const struct env *env, struct store *s, const struct audit_entry *e,
    store_done_fn fn, void *arg);

#endif
