/* media.h - attachments: streamed to disk under data_dir/media, named by random ids, typed by
 * their content. What the store knows of them (who may see them) is in store/store_media.h. */
#ifndef SB_MEDIA_MEDIA_H
#define SB_MEDIA_MEDIA_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/id.h"
#include "base/span.h"
#include "config/setting.h"
#include "loop/loop.h"

struct media;        /* the store of files of one gateway */
struct media_upload; /* one file that is being written */

struct media_info {
    char id[ID_SIZE];
    char *name;       /* cleaned for display; never used as a path */
    char mime[100];   /* sniffed, e.g. "image/png" */
    const char *kind; /* "image" "video" "audio" "document" */
    uint64_t size;
    char sha256[65];
};

struct media *media_open(
    const struct env *env, const char *data_dir, const struct settings *s, struct err *err);
void media_close(struct media **m);

/* Begins a file in the given shard; declared_size 0 when not known. Refuses (ERR_TOO_LARGE,
 * ERR_INVALID) what can be seen at once. */
struct media_upload *media_upload_begin(
    struct media *m, unsigned shard, const char *name, uint64_t declared_size, struct err *err);
/* The same for what a connector keeps for itself (a mail as it came): of the type that it says, at
 * most max_size bytes, whatever the settings refuse. It is served as a download like all else. */
struct media_upload *media_upload_begin_own(
    struct media *m, unsigned shard, const char *name, const char *mime, uint64_t max_size);
int media_upload_write(struct media_upload *u, struct span data, struct err *err);
/* Syncs, sniffs and moves the file into place off the loop; then fn once. The upload is gone
 * after. info is borrowed; NULL with err when the type is not allowed or the disk failed. */
typedef void (*media_fn)(void *arg, const struct media_info *info, const struct err *err);
void media_upload_finish(struct media_upload *u, media_fn fn, void *arg);
void media_upload_abort(struct media_upload *u);

/* Opens a stored file for reading: an fd that the caller closes, or -1 (ERR_NOT_FOUND). */
int media_fd(struct media *m, const char *id, uint64_t *size_out, struct err *err);
int media_delete(struct media *m, const char *id, struct err *err);

/* {"id","kind","name","mime","size","sha256"}: as it stands in messages and in the store. */
json_t *media_info_json(const struct media_info *info);

/* True when this type may be shown in a page (raster images, audio, video); everything else is
 * served with Content-Disposition: attachment. */
bool media_may_inline(const char *mime);

/* A Content-Disposition value (RFC 6266, RFC 8187 for the name). The caller frees. */
char *media_disposition(const char *name, bool is_inline);

#endif
