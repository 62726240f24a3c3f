/* media_give.h - a stored file as an answer: typed as it was found to be, inline only where a page
 * may show it, sandboxed. Whether the asker may have it is the caller's to know. */
#ifndef SB_MEDIA_MEDIA_GIVE_H
#define SB_MEDIA_MEDIA_GIVE_H

#include "media/media.h"
#include "net/http_server.h"

struct media_giving {
    bool download;     /* never inline */
    bool by_link;      /* whoever has the address has the file: other sites' pages may show it */
    unsigned cached_s; /* by the asker's browser only */
};
/* info: what store_media_get() tells of it. The file's size: it has answered; -1 with err: it has
 * not. */
int64_t media_give(struct media *m, struct http_exchange *x, const json_t *info,
    const struct media_giving *how, struct err *err);

#endif
