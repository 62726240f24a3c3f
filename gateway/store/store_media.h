/* store_media.h - what is known of attachments: name, type, size, who put it, which thread shows
 * it. */
#ifndef SB_STORE_STORE_MEDIA_H
#define SB_STORE_STORE_MEDIA_H

#include "store/store.h"

/* info as media_info_json(); owner "agent:ann" or "visitor:01J..". */
void store_media_put(struct store *s, const char *id, const json_t *info, const char *owner,
    store_done_fn fn, void *arg);
/* {"media":{...},"owner","thread":id|null} ; ERR_NOT_FOUND. */
void store_media_get(struct store *s, const char *id, store_json_fn fn, void *arg);
/* Before a message that shows them is appended: each id must exist and be the owner's own, or of
 * this thread already; then it belongs to the thread (thread NULL: it
 * is only checked). Gives the media objects in the given order:
 * [{"id","kind","name","mime","size","sha256"}...]. ERR_INVALID names the bad id. */
void store_media_claim(struct store *s, const char *const *ids, size_t n, const char *owner,
    const char *thread, store_json_fn fn, void *arg);
/* Another thread shows it from now on. */
void store_media_move(struct store *s, const char *id, const char *thread);

#endif
