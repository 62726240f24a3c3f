/* cards_private.h - what the files of this folder share. */
#ifndef SB_CONNECTORS_CARDS_CARDS_PRIVATE_H
#define SB_CONNECTORS_CARDS_CARDS_PRIVATE_H

#include <sqlite3.h>
#include <stdbool.h>

#include "base/buf.h"
#include "base/id.h"
#include "base/log.h"
#include "core/crm.h"

/* --- cards_db.c: the file. Called in the thread pool (open: at the start) -------------------- */

/* To write, the file is made, or brought to today's schema, which log is told of if it takes long.
 */
sqlite3 *cards_db_open(const char *path, bool write, const struct log *log, struct err *err);
int cards_db_exec(sqlite3 *db, const char *sql, struct err *err);
/* The statement for this sql, made once a connection; reset and without bindings. NULL with err. */
struct cards_statements;
struct cards_statements *cards_statements_create(sqlite3 *db);
void cards_statements_destroy(struct cards_statements **s);
sqlite3_stmt *cards_prepare(struct cards_statements *s, const char *sql, struct err *err);
/* An error of SQLite in our words: busy, full and I/O errors can be tried again. Returns -1. */
int cards_db_error(sqlite3 *db, const char *what, struct err *err);
void cards_bind(sqlite3_stmt *st, int at, const char *text); /* NULL binds NULL */
const char *cards_column(sqlite3_stmt *st, int at);          /* "" for NULL */

/* --- cards_queue.c: calls wait here and run in the thread pool, many in one transaction ------ */

enum cards_kind {
    CARDS_ENSURE,
    CARDS_ATTACH,
    CARDS_MERGE,
    CARDS_UNMERGE,
    CARDS_ERASE,
    CARDS_UPDATE, /* up to here: writes */
    CARDS_SEARCH,
    CARDS_HISTORY,
    CARDS_CARD,
    CARDS_ENTRIES
};

struct cards_call {
    struct cards_call *next;
    const struct crm *crm;
    enum cards_kind kind;
    /* What it is about: strings of its own, freed with it. */
    char *client, *card, *message, *thread, *direction, *text, *json, *query;
    int64_t seq, at;
    unsigned limit;
    bool again;     /* ATTACH: what is there may stand at the wrong place, or twice */
    json_t *fields; /* ENSURE: the client; UPDATE: the fields. Used by one thread at a time */
    /* How it ended. */
    char card_id[ID_SIZE];
    bool several; /* ENSURE: more than one card could be his */
    char *result; /* JSON text, of reads */
    struct err err;
    crm_done_fn done;
    crm_result_fn answer;
    void *arg;
};

struct cards_lane;
/* run is called in the pool for each call; for a writing lane inside one transaction. */
struct cards_lane *cards_lane_create(struct loop *loop, sqlite3 *db, bool write,
    void (*run)(struct cards_statements *s, struct cards_call *c));
void cards_lane_add(struct cards_lane *lane, struct cards_call *c); /* takes c */
/* Ends what waits with ERR_UNAVAILABLE; what runs ends as it does. Frees when that is over. */
void cards_lane_destroy(struct cards_lane **lane);

/* --- cards_write.c, cards_read.c: in the pool ------------------------------------------------ */

void cards_write(struct cards_statements *s, struct cards_call *c);
void cards_read(struct cards_statements *s, struct cards_call *c);

/* --- cards_stem.c: words of a text, folded and without their endings. Pure ------------------- */

/* Calls each(arg, stem, start, end) for every word; start and end are byte offsets in the text. */
void cards_words(const char *text, size_t n,
    void (*each)(void *arg, const char *stem, size_t start, size_t end), void *arg);
/* The stems of a text, separated by spaces: what is indexed. The caller frees. */
char *cards_stems(const char *text);

/* --- cards_query.c: what a person typed, as a query of FTS5. Pure ---------------------------- */

/* Words are ANDed, "quoted words" are a phrase, the last word matches as a beginning too: as any of
 * these n words (which is quick), or with NULL as whatever begins with it. "" when there is no word
 * in it. Nothing that was typed can be FTS5 syntax. The caller frees. */
char *cards_query_match(const char *typed, char *const *endings, size_t n);
/* The beginning that the last word is, if it is worth looking for the words that begin so: it has
 * more letters than the index knows, and all of them are as the index keeps them. "" otherwise. The
 * caller frees. */
char *cards_query_beginning(const char *typed);
/* A piece of the text around the first hit, hits between "[" and "]". The caller frees. */
char *cards_query_snippet(const char *typed, const char *text);

#endif
