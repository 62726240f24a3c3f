/* crm_compare.h - a thread as our ledger has it, against what a CRM says is on the card. Pure. */
#ifndef SB_CORE_CRM_COMPARE_H
#define SB_CORE_CRM_COMPARE_H

#include <jansson.h>

#include "store/store_ledger.h"

struct crm_compared {
    const struct store_ledger_row *rows; /* ascending by seq */
    size_t n;
    const char *thread;
    bool from_start;       /* the log has the thread from its first message on */
    int64_t waits_from_ms; /* when the oldest entry of the target's queue was queued; INT64_MAX */
};

/* entries: as crm_ops.entries gives them, of any threads; those of others are passed over.
 * {"ledger":{"messages","hash"},"target":{"messages","hash"}: how many, and a hash over the ids in
 *  order (the ledger's: of those that should be there),
 *  "missing","lost","double","misplaced","given_up": [{"seq","message"}..],
 *  "unknown":[id..], "waiting": n, "before": n, "differs": bool}
 * missing: never attached by the ledger, nor there, though others after it were. lost: attached,
 * and not there. misplaced: those of a disorder that is neither the thread's order nor the order in
 * which they came there (late ones stand behind). waiting: not there yet. before: stored before the
 * target was there. unknown: ours, by its id of this thread, which does not have it. */
json_t *crm_compare(const struct crm_compared *c, const json_t *entries);

#endif
