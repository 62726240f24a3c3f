/* config_scan.h - looks over one file of the configuration before libConfuse reads it. */
#ifndef SB_CONFIG_CONFIG_SCAN_H
#define SB_CONFIG_CONFIG_SCAN_H

#include "config/config_text.h"

/* Copies the text to t->out with comments blanked and includes carried out. Finds braces that do
 * not match, strings and comments without end, and ${NAME} of variables that are not set. 0, or -1
 * after adding a line "path:LINE: ..." to problems for each finding. */
int config_scan(
    struct config_text *t, unsigned file, unsigned depth, struct span text, struct buf *problems);

#endif
