/* csv.h - text as a cell of a table for a spreadsheet (RFC 4180). Pure. */
#ifndef SB_MODEL_CSV_H
#define SB_MODEL_CSV_H

#include "base/buf.h"

/* In quotes; what a spreadsheet would run begins with an apostrophe: OWASP, CSV Injection. */
void csv_text(struct buf *b, const char *s);

#endif
