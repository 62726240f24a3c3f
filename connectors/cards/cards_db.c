/* cards_db.c - the SQLite file: opening, schema, statements. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "connectors/cards/cards_private.h"

#define BUSY_MS 5000
#define MIGRATE_MS (3600 * 1000)
#define STATEMENTS_MAX 64

/* A beginning of up to four letters is one look-up; of a longer one cards_read.c finds the words.
 */
#define WORDS                                                                                      \
    "CREATE VIRTUAL TABLE words USING fts5(stems, tokenize = \"unicode61 remove_diacritics 2\","   \
    " prefix = '1 2 3 4');"                                                                        \
    "CREATE VIRTUAL TABLE terms USING fts5vocab(words, instance);"                                 \
    "PRAGMA user_version = 2;"
#define VERSION 2

static const char schema[] =
    "CREATE TABLE cards(id TEXT PRIMARY KEY, name TEXT NOT NULL DEFAULT '', phone TEXT, email TEXT,"
    " note TEXT, created INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE INDEX cards_phone ON cards(phone) WHERE phone IS NOT NULL;"
    "CREATE INDEX cards_email ON cards(email) WHERE email IS NOT NULL;"
    "CREATE TABLE clients(client TEXT PRIMARY KEY, card TEXT NOT NULL) WITHOUT ROWID;"
    "CREATE INDEX clients_card ON clients(card);"
    "CREATE TABLE identities(kind TEXT, address TEXT, card TEXT NOT NULL,"
    " PRIMARY KEY(kind, address)) WITHOUT ROWID;"
    "CREATE INDEX identities_card ON identities(card);"
    "CREATE TABLE messages(n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, card TEXT NOT NULL,"
    " thread TEXT NOT NULL, seq INTEGER NOT NULL, client TEXT NOT NULL, at INTEGER NOT NULL,"
    " json TEXT NOT NULL);"
    "CREATE UNIQUE INDEX messages_thread ON messages(thread, seq);"
    "CREATE INDEX messages_card ON messages(card);" WORDS;

static const char from_1[] = "ALTER TABLE words RENAME TO words_1;" WORDS
                             "INSERT INTO words(rowid, stems) SELECT rowid, stems FROM words_1;"
                             "DROP TABLE words_1;";

int cards_db_error(sqlite3 *db, const char *what, struct err *err) {
    int rc = sqlite3_errcode(db) & 0xff;
    bool later = rc == SQLITE_BUSY || rc == SQLITE_LOCKED || rc == SQLITE_FULL ||
                 rc == SQLITE_IOERR || rc == SQLITE_NOMEM || rc == SQLITE_CANTOPEN ||
                 rc == SQLITE_READONLY;
    return err_set(
        err, later ? ERR_UNAVAILABLE : ERR_INTERNAL, "cards.db: %s: %s", what, sqlite3_errmsg(db));
}

int cards_db_exec(sqlite3 *db, const char *sql, struct err *err) {
    return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0
                                                                : cards_db_error(db, "change", err);
}

static int user_version(sqlite3 *db) {
    sqlite3_stmt *st = NULL;
    int version = -1;
    if (sqlite3_prepare_v2(db, "PRAGMA user_version", -1, &st, NULL) == SQLITE_OK &&
        sqlite3_step(st) == SQLITE_ROW)
        version = sqlite3_column_int(st, 0);
    sqlite3_finalize(st);
    return version;
}

/* One process makes the schema; another that comes at the same time waits and finds it made. */
static int migrate(sqlite3 *db, const struct log *log, struct err *err) {
    if (user_version(db) == VERSION)
        return 0;
    if (user_version(db) > VERSION)
        return err_set(err, ERR_INVALID,
            "cards.db was written by a newer version of this program (schema %d)",
            user_version(db));
    sqlite3_busy_timeout(db, MIGRATE_MS);
    int rc = cards_db_exec(db, "BEGIN IMMEDIATE", err);
    if (rc == 0) {
        int was = user_version(db);
        if (was == 1)
            LOG_WARN(log, "cards.migrate",
                LOG_S("what",
                    "all words are indexed anew, once: half a minute for a million messages"));
        rc = was == VERSION ? 0 : cards_db_exec(db, was == 0 ? schema : from_1, err);
        rc = rc == 0 ? cards_db_exec(db, "COMMIT", err) : rc;
        if (rc < 0)
            sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
    }
    sqlite3_busy_timeout(db, BUSY_MS);
    return rc;
}

/* When several processes make a new file at once, this one pragma says "locked" without waiting for
 * the busy timeout. */
static int use_wal(sqlite3 *db, struct err *err) {
    int waited_ms = 0;
    while (sqlite3_exec(db, "PRAGMA journal_mode=WAL", NULL, NULL, NULL) != SQLITE_OK) {
        if ((sqlite3_errcode(db) & 0xff) != SQLITE_BUSY || waited_ms >= BUSY_MS)
            return cards_db_error(db, "journal", err);
        waited_ms += sqlite3_sleep(5);
    }
    return cards_db_exec(db, "PRAGMA synchronous=FULL;", err);
}

sqlite3 *cards_db_open(const char *path, bool write, const struct log *log, struct err *err) {
    sqlite3 *db = NULL;
    int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_READWRITE | (write ? SQLITE_OPEN_CREATE : 0);
    if (sqlite3_open_v2(path, &db, flags, NULL) != SQLITE_OK) {
        err_set(err, ERR_IO, "%s: %s", path, db ? sqlite3_errmsg(db) : "out of memory");
        sqlite3_close(db);
        return NULL;
    }
    sqlite3_busy_timeout(db, BUSY_MS);
    /* What is deleted is overwritten, so that it is in no page any more. */
    if (cards_db_exec(db, "PRAGMA secure_delete=ON", err) < 0 || use_wal(db, err) < 0 ||
        (write && migrate(db, log, err) < 0)) {
        sqlite3_close(db);
        return NULL;
    }
    return db;
}

/* --- statements ------------------------------------------------------------------------------ */

struct cards_statements {
    sqlite3 *db;
    size_t n;
    struct {
        const char *sql; /* compared by address: each is one literal */
        sqlite3_stmt *st;
    } all[STATEMENTS_MAX];
};

struct cards_statements *cards_statements_create(sqlite3 *db) {
    struct cards_statements *s = mem_zalloc(sizeof *s);
    s->db = db;
    return s;
}

void cards_statements_destroy(struct cards_statements **sp) {
    struct cards_statements *s = *sp;
    if (!s)
        return;
    for (size_t i = 0; i < s->n; i++)
        sqlite3_finalize(s->all[i].st);
    free(s);
    *sp = NULL;
}

sqlite3_stmt *cards_prepare(struct cards_statements *s, const char *sql, struct err *err) {
    for (size_t i = 0; i < s->n; i++)
        if (s->all[i].sql == sql) {
            sqlite3_reset(s->all[i].st);
            sqlite3_clear_bindings(s->all[i].st);
            return s->all[i].st;
        }
    sqlite3_stmt *st = NULL;
    if (s->n == STATEMENTS_MAX ||
        sqlite3_prepare_v3(s->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &st, NULL) != SQLITE_OK) {
        cards_db_error(s->db, "statement", err);
        return NULL;
    }
    s->all[s->n].sql = sql;
    s->all[s->n++].st = st;
    return st;
}

void cards_bind(sqlite3_stmt *st, int at, const char *text) {
    if (text)
        sqlite3_bind_text(st, at, text, -1, SQLITE_STATIC);
    else
        sqlite3_bind_null(st, at);
}

const char *cards_column(sqlite3_stmt *st, int at) {
    const unsigned char *s = sqlite3_column_text(st, at);
    return s ? (const char *)s : "";
}
