/* assets.h - the pages' files and the API documents, inside the binary (made by assets.sh). */
#ifndef SB_UI_ASSETS_H
#define SB_UI_ASSETS_H

#include <stddef.h>

struct asset {
    const char *path; /* "inbox.js", "widget/panel.html", "openapi.json" */
    const char *type; /* Content-Type */
    const unsigned char *data;
    size_t size;
    const char *etag;        /* quoted, of the content */
    const unsigned char *gz; /* the same in gzip, where that is worth it; else NULL and 0 */
    size_t gz_size;
};

/* NULL when there is no such file. */
const struct asset *asset_find(const char *path);

#endif
