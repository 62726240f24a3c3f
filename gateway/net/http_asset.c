/* http_asset.c - the pages' files with their validators. The compressed form was made at build
 * time; it is another representation, so it has an ETag of its own. */
#include "net/http_asset.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "net/http_range.h"
#include "ui/assets.h"

static bool is_end(char c) {
    return c == '\0' || strchr(" \t,;", c) != NULL;
}

bool http_takes_gzip(const char *accept) {
    for (const char *p = accept ? accept : ""; *p;) {
        p += strspn(p, " \t,");
        size_t n = strcspn(p, ",");
        if (strncasecmp(p, "gzip", 4) == 0 && is_end(p[4])) {
            const char *q = memmem(p, n, "q=", 2);
            return !q || strtod(q + 2, NULL) > 0;
        }
        p += n;
    }
    return false;
}

void http_reply_asset(struct http_exchange *x, const char *path, const char *cache) {
    const struct asset *a = asset_find(path);
    const char *known = http_header(x, "If-None-Match");
    if (!a) {
        http_reply_problem(x, 404, "not_found", "there is no such file");
        return;
    }
    bool gz = a->gz_size && http_takes_gzip(http_header(x, "Accept-Encoding"));
    char *etag = mem_printf("%.*s%s\"", (int)strlen(a->etag) - 1, a->etag, gz ? "-gz" : "");
    http_set_header(x, "Cache-Control", cache);
    http_set_header(x, "ETag", etag);
    if (a->gz_size)
        http_set_header(x, "Vary", "Accept-Encoding");
    if (known && http_etag_matches(span_str(known), etag)) {
        http_reply_empty(x, 304);
    } else if (gz) {
        http_set_header(x, "Content-Encoding", "gzip");
        http_reply_static(x, 200, a->type, a->gz, a->gz_size);
    } else {
        http_reply_static(x, 200, a->type, a->data, a->size);
    }
    free(etag);
}
