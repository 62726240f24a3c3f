/* config_text.c - files of the configuration, read into one text with a map of its lines. */
#include "config/config_text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "config/config_scan.h"

#define FILE_BYTES_MAX (1u << 20)
#define TEXT_BYTES_MAX (4u << 20)
#define DEPTH_MAX 10

/* One whole file into text; 0 or -1. */
static int read_plain(const char *path, struct buf *text, struct buf *problems) {
    struct stat st;
    char chunk[8192];
    size_t n;
    const char *wrong = NULL;
    FILE *f = fopen(path, "re");
    if (!f)
        wrong = strerror(errno);
    else if (fstat(fileno(f), &st) < 0 || !S_ISREG(st.st_mode))
        wrong = "is not a plain file";
    while (!wrong && !text->failed && (n = fread(chunk, 1, sizeof chunk, f)) > 0)
        buf_add(text, chunk, n);
    if (!wrong && ferror(f))
        wrong = "cannot be read";
    else if (!wrong && text->failed)
        wrong = "is larger than 1 MB";
    else if (!wrong && text->n && memchr(text->p, 0, text->n))
        wrong = "has a NUL byte";
    if (f)
        fclose(f);
    if (wrong)
        buf_addf(problems, "%s: %s\n", path, wrong);
    return wrong ? -1 : 0;
}

void config_text_newline(struct config_text *t, unsigned file, unsigned line) {
    if (t->nlines == t->cap) {
        t->cap = t->cap ? t->cap * 2 : 256;
        t->lines = mem_realloc(t->lines, t->cap * sizeof *t->lines);
    }
    if (t->nlines)
        buf_adds(&t->out, "\n");
    t->lines[t->nlines++] = (struct config_line){file, line};
}

/* Takes ownership of path. */
static int add_file(struct config_text *t, char *path, unsigned depth, struct buf *problems) {
    struct buf text;
    unsigned file = t->nfiles;
    t->files[t->nfiles++] = path;
    buf_init(&text, FILE_BYTES_MAX);
    int rc = read_plain(path, &text, problems);
    if (rc == 0) {
        if (span_starts(buf_span(&text), "\xef\xbb\xbf"))
            buf_drop(&text, 3); /* some editors begin with a mark */
        config_text_newline(t, file, 1);
        rc = config_scan(t, file, depth, buf_span(&text), problems);
    }
    buf_free(&text);
    return rc;
}

int config_text_include(struct config_text *t, const char *name, unsigned from, unsigned line,
    unsigned depth, struct buf *problems) {
    const char *parent = t->files[from], *slash = strrchr(parent, '/');
    if (depth > DEPTH_MAX || t->nfiles == CONFIG_FILES_MAX) {
        buf_addf(problems, "%s:%u: too many includes: does a file include itself?\n", parent, line);
        return -1;
    }
    char *path = name[0] == '/' || !slash
                     ? mem_strdup(name)
                     : mem_printf("%.*s/%s", (int)(slash - parent), parent, name);
    int rc = add_file(t, path, depth, problems);
    if (rc < 0)
        buf_addf(problems, "%s:%u: included from here\n", parent, line);
    return rc;
}

int config_text_read(struct config_text *t, const char *path, struct buf *problems) {
    *t = (struct config_text){.nfiles = 0};
    buf_init(&t->out, TEXT_BYTES_MAX);
    int rc = add_file(t, mem_strdup(path), 0, problems);
    buf_adds(&t->out, "\n");
    if (rc == 0 && t->out.failed) {
        buf_addf(problems, "%s: is larger than 4 MB with what it includes\n", path);
        rc = -1;
    }
    return rc;
}

void config_text_free(struct config_text *t) {
    if (t->out.p)
        explicit_bzero(t->out.p, t->out.n);
    buf_free(&t->out);
    free(t->lines);
    while (t->nfiles)
        free(t->files[--t->nfiles]);
    *t = (struct config_text){.nfiles = 0};
}

const char *config_text_place(const struct config_text *t, int line, unsigned *line_out) {
    size_t i = line > 0 ? (size_t)line - 1 : 0;
    if (!t->nlines) {
        *line_out = 0;
        return "";
    }
    if (i >= t->nlines)
        i = t->nlines - 1;
    *line_out = t->lines[i].line;
    return t->files[t->lines[i].file];
}
