/* media_private.h - what the files of this folder share. */
#ifndef SB_MEDIA_MEDIA_PRIVATE_H
#define SB_MEDIA_MEDIA_PRIVATE_H

#include <stdbool.h>

#include "media/media.h"

/* The last part of a path, without what hides or misleads; never empty. The caller frees. */
char *media_clean_name(const char *name);
/* deny: NULL-ended list of types ("text/html") and name endings (".html"). mime may be NULL. */
bool media_is_denied(const char *const *deny, const char *name, const char *mime);
const char *media_kind(const char *mime);

#endif
