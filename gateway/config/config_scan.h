/* config_scan.h - what libConfuse lets pass and we do not: braces that do not match, and ${NAME} of
 * a variable that is not set. Pure but for reading the environment. */
#ifndef SB_CONFIG_CONFIG_SCAN_H
#define SB_CONFIG_CONFIG_SCAN_H

#include "base/buf.h"
#include "base/span.h"

/* Adds a line "path:LINE: ..." for each finding. 0, or -1 when there was one. */
int config_scan(const char *path, struct span text, struct buf *problems);

#endif
