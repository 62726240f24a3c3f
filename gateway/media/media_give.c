/* media_give.c - the headers of a file. */
#include "media/media_give.h"

#include <stdio.h>
#include <stdlib.h>

int64_t media_give(struct media *m, struct http_exchange *x, const json_t *info,
    const struct media_giving *how, struct err *err) {
    const char *id = json_string_value(json_object_get(info, "id"));
    const char *mime = json_string_value(json_object_get(info, "mime"));
    const char *name = json_string_value(json_object_get(info, "name"));
    const char *sha = json_string_value(json_object_get(info, "sha256"));
    char etag[80], cached[64];
    uint64_t size;
    int fd = media_fd(m, id ? id : "", &size, err);
    if (fd < 0)
        return -1;
    char *disposition =
        media_disposition(name ? name : "file", media_may_inline(mime) && !how->download);
    snprintf(etag, sizeof etag, "\"%.64s\"", sha ? sha : "");
    snprintf(cached, sizeof cached, "private, max-age=%u, immutable", how->cached_s);
    http_set_header(x, "Content-Disposition", disposition);
    http_set_header(x, "Content-Security-Policy", "default-src 'none'; sandbox");
    http_set_header(x, "Cache-Control", cached);
    http_set_header(
        x, "Cross-Origin-Resource-Policy", how->by_link ? "cross-origin" : "same-origin");
    http_reply_file(x, fd, size, mime ? mime : "application/octet-stream", etag);
    free(disposition);
    return (int64_t)size;
}
