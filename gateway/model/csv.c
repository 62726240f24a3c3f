/* csv.c - text as a cell of a table for a spreadsheet. */
#include "model/csv.h"

#include <string.h>

void csv_text(struct buf *b, const char *s) {
    buf_adds(b, "\"");
    if (*s && strchr("=+-@\t\r", *s))
        buf_adds(b, "'");
    for (; *s; s++) {
        if (*s == '"')
            buf_adds(b, "\"");
        buf_add(b, s, 1);
    }
    buf_adds(b, "\"");
}
