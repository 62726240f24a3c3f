/* cards_search_fuzz.c - the first line as what a person typed, the rest as a text: the query is
 * always good for FTS5, and the snippet is the text with marks. */
#include <sqlite3.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "connectors/cards/cards_private.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool good) {
    if (!good)
        abort();
}

/* One table for the whole run: only the query's syntax matters. */
static sqlite3_stmt *find(void) {
    static sqlite3_stmt *st;
    sqlite3 *db;
    if (st)
        return st;
    must(sqlite3_open(":memory:", &db) == SQLITE_OK);
    must(sqlite3_exec(db, "create virtual table t using fts5(w)", NULL, NULL, NULL) == SQLITE_OK);
    must(sqlite3_prepare_v2(db, "select 1 from t where t match ?", -1, &st, NULL) == SQLITE_OK);
    return st;
}

static void check_match(char *match) {
    if (*match) {
        sqlite3_stmt *st = find();
        sqlite3_bind_text(st, 1, match, -1, SQLITE_STATIC);
        must(sqlite3_step(st) == SQLITE_DONE);
        sqlite3_reset(st);
    }
    free(match);
}

static void check_query(const char *typed) {
    char *beginning = cards_query_beginning(typed), *words[] = {beginning, beginning};
    check_match(cards_query_match(typed, NULL, 0));
    if (*beginning)
        check_match(cards_query_match(typed, words, 2));
    free(beginning);
}

/* Brackets in pairs, where the text itself has none. */
static void check_snippet(const char *typed, const char *text) {
    char *snippet = cards_query_snippet(typed, text);
    int open = 0;
    if (!strpbrk(text, "[]"))
        for (const char *p = snippet; *p; p++) {
            open += *p == '[' ? 1 : *p == ']' ? -1 : 0;
            must(open == 0 || open == 1);
        }
    must(open == 0);
    if (utf8_is_text(text, strlen(text)))
        must(utf8_is_text(snippet, strlen(snippet)));
    free(snippet);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const char *nl = memchr(data, '\n', size);
    size_t n = nl ? (size_t)(nl - (const char *)data) : size;
    char *typed = mem_strndup((const char *)data, n);
    char *text = nl ? mem_strndup(nl + 1, size - n - 1) : mem_strdup("");
    check_query(typed);
    check_snippet(typed, text);
    char *stems = cards_stems(text);
    must(!utf8_is_valid(text, strlen(text)) || utf8_is_valid(stems, strlen(stems)));
    free(stems);
    free(typed);
    free(text);
    return 0;
}
