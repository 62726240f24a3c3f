/* store_audit.h - the audit log: who did what (core/audit.h writes it). It is capped by number and
 * age (store_options); sign-ins that failed are at most AUDIT_REFUSED_MAX of it. */
#ifndef SB_STORE_STORE_AUDIT_H
#define SB_STORE_STORE_AUDIT_H

#include "store/store.h"

#define AUDIT_REFUSED_MAX 10000

/* entry: {"what","by","via","address","session","subject","detail"}; what is empty may be absent.
 */
void store_audit_add(
    struct store *s, const json_t *entry, bool refused, store_done_fn fn, void *arg);

struct store_audit_query {
    const char *what;                   /* "agent.changed", or all of "agent"; NULL any */
    const char *by, *subject, *address; /* NULL any */
    int64_t from_ms, to_ms;             /* both inclusive; -1: no bound */
    const char *cursor;                 /* from the answer before; NULL the newest */
    unsigned limit;
};

/* {"entries":[{"id","at",...as above, all of them}],"next":cursor|null}, the newest first. So many
 * are looked at for one answer that it takes a bounded time: a page may have fewer than limit
 * entries, or none, and a next. */
void store_audit_list(
    struct store *s, const struct store_audit_query *q, store_json_fn fn, void *arg);
/* Is it of the form of a cursor? */
bool store_audit_is_cursor(const char *text);

#endif
