/* erase.h - all that is here of one client goes, for good, because he asked for it: messages,
 * files, names, identities, drafts, what is on its way. What stays is a tombstone, so that numbers
 * and reports agree, and what was told to which CRM. */
#ifndef SB_CORE_ERASE_H
#define SB_CORE_ERASE_H

#include "core/core.h"

/* fn: {"client":Client} with "erased". Repeating it is harmless; a crash on the way is made good by
 * the shard's owner. ERR_NOT_FOUND; ERR_CONFLICT: he goes on under another client. */
void core_erase(struct core *core, const char *client, const char *agent, const char *reason,
    store_json_fn fn, void *arg);

#endif
