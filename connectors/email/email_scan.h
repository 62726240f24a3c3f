/* email_scan.h - a first look at a raw mail, before GMime sees it: which ranges of the file are
 * worth parsing. Headers beyond any sense, a line without a colon among them (which would make the
 * body vanish), and parts beyond counting are kept from the parser. Pure but for reading the fd. */
#ifndef SB_CONNECTORS_EMAIL_EMAIL_SCAN_H
#define SB_CONNECTORS_EMAIL_EMAIL_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define EMAIL_RANGES_MAX 64

struct email_range {
    uint64_t from, to;
};

struct email_scan {
    struct email_range ranges[EMAIL_RANGES_MAX]; /* ascending, together what is to be parsed */
    size_t n;
    size_t headers; /* so many of them are headers; after them comes an empty line if no_gap */
    bool no_gap;    /* the mail has no empty line there: one must be put in */
    uint64_t size, body_at;
    bool headers_cut, headers_broken, parts_cut, has_nul;
};

/* -1 only when fd cannot be read. */
int email_scan(int fd, struct email_scan *s, struct err *err);

#endif
