/* config_text.h - the text of the configuration as libConfuse gets it: comments blanked and
 * included files in their places, with a map back to the lines that people know. (libConfuse counts
 * a comment's line three times, lets a missing } pass, and forgets what it included.) */
#ifndef SB_CONFIG_CONFIG_TEXT_H
#define SB_CONFIG_CONFIG_TEXT_H

#include "base/buf.h"
#include "base/span.h"

#define CONFIG_FILES_MAX 64

struct config_line {
    unsigned file, line;
};

struct config_text {
    struct buf out;
    struct config_line *lines; /* where each line of out came from */
    size_t nlines, cap;
    char *files[CONFIG_FILES_MAX]; /* paths, as opened */
    unsigned nfiles;
};

/* Reads the file and what it includes. 0, or -1 after adding a line "path:LINE: ..." to problems
 * for each finding. t must be freed in either case. */
int config_text_read(struct config_text *t, const char *path, struct buf *problems);
void config_text_free(struct config_text *t);

/* The file and line that line `line` (from 1) of out came from. */
const char *config_text_place(const struct config_text *t, int line, unsigned *line_out);

/* --- for config_scan.c --- */

/* Begins a new line of out, which comes from there. */
void config_text_newline(struct config_text *t, unsigned file, unsigned line);
/* Reads a file that was named at files[from]:line into its place. 0 or -1. */
int config_text_include(struct config_text *t, const char *name, unsigned from, unsigned line,
    unsigned depth, struct buf *problems);

#endif
