/* cards_read.c - search, old messages, one card. Runs in the thread pool on a connection of its
 * own. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json_quick.h"
#include "base/mem.h"
#include "connectors/cards/cards_private.h"

#define ENDINGS_MAX 128

static char *dump(json_t *o) {
    char *text = json_quick_dump(o);
    json_decref(o);
    return text;
}

/* The words in the index that begin so: how many, or ENDINGS_MAX + 1 if there are more. A look-up
 * each: FTS5 by itself would put together all places of all of them before it gives the newest. */
static size_t endings(
    struct cards_statements *s, const char *beginning, char *out[ENDINGS_MAX], struct err *err) {
    static const char sql[] = "SELECT term FROM terms WHERE term >= ?1 LIMIT 1";
    size_t n = 0, len = strlen(beginning);
    char *from = mem_strdup(beginning);
    sqlite3_stmt *st;
    while (n <= ENDINGS_MAX && (st = cards_prepare(s, sql, err))) {
        cards_bind(st, 1, from);
        int rc = sqlite3_step(st);
        bool found = rc == SQLITE_ROW && strncmp(cards_column(st, 0), beginning, len) == 0;
        if (rc != SQLITE_ROW && rc != SQLITE_DONE)
            cards_db_error(sqlite3_db_handle(st), "search", err);
        if (found && n < ENDINGS_MAX)
            out[n] = mem_strdup(cards_column(st, 0));
        free(from);
        from = found ? mem_printf("%s\x01", cards_column(st, 0)) : NULL; /* no term has one */
        sqlite3_reset(st);
        if (!found)
            break;
        n++;
    }
    free(from);
    return n;
}

/* What is asked of FTS5; "" when nothing can be found. */
static char *match_of(struct cards_statements *s, struct cards_call *c) {
    char *beginning = cards_query_beginning(c->query), *out, *words[ENDINGS_MAX];
    size_t n = *beginning ? endings(s, beginning, words, &c->err) : ENDINGS_MAX + 1;
    if (n == 0)
        out = mem_strdup("");
    else
        out = cards_query_match(c->query, n <= ENDINGS_MAX ? words : NULL, n);
    for (size_t i = 0; *beginning && i < n && i < ENDINGS_MAX; i++)
        free(words[i]);
    free(beginning);
    return out;
}

static void search(struct cards_statements *s, struct cards_call *c) {
    static const char sql[] =
        "SELECT m.id, m.thread, m.client, m.seq, m.at, json_extract(m.json, '$.text')"
        " FROM words JOIN messages m ON m.n = words.rowid"
        " WHERE words MATCH ?1 ORDER BY words.rowid DESC LIMIT ?2";
    char *match = match_of(s, c), when[CLOCK_TEXT_SIZE];
    json_t *hits = json_array();
    sqlite3_stmt *st = *match ? cards_prepare(s, sql, &c->err) : NULL;
    int rc = SQLITE_DONE;
    if (st) {
        cards_bind(st, 1, match);
        sqlite3_bind_int(st, 2, (int)c->limit);
        while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
            char *snippet = cards_query_snippet(c->query, cards_column(st, 5));
            json_array_append_new(
                hits, json_pack("{s:s,s:s,s:s,s:I,s:s,s:s}", "message", cards_column(st, 0),
                          "thread", cards_column(st, 1), "client", cards_column(st, 2), "seq",
                          (json_int_t)sqlite3_column_int64(st, 3), "snippet", snippet, "at",
                          clock_format(sqlite3_column_int64(st, 4), when)));
            free(snippet);
        }
        if (rc != SQLITE_DONE)
            cards_db_error(sqlite3_db_handle(st), "search", &c->err);
        sqlite3_reset(st);
    }
    free(match);
    c->result = dump(json_pack("{s:o}", "hits", hits));
}

static void history(struct cards_statements *s, struct cards_call *c) {
    static const char sql[] = "SELECT json FROM messages WHERE thread = ?1 AND seq < ?2"
                              " ORDER BY seq DESC LIMIT ?3";
    json_t *list = json_array();
    sqlite3_stmt *st = cards_prepare(s, sql, &c->err);
    int rc = SQLITE_DONE;
    if (st) {
        cards_bind(st, 1, c->thread);
        sqlite3_bind_int64(st, 2, c->seq < 0 ? INT64_MAX : c->seq);
        sqlite3_bind_int(st, 3, (int)c->limit);
        while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
            json_t *m = json_quick_load(span_str(cards_column(st, 0)));
            if (m)
                json_array_insert_new(list, 0, m);
        }
        if (rc != SQLITE_DONE)
            cards_db_error(sqlite3_db_handle(st), "history", &c->err);
        sqlite3_reset(st);
    }
    c->result = dump(json_pack("{s:o}", "messages", list));
}

static json_t *text_or_null(sqlite3_stmt *st, int at) {
    const char *s = cards_column(st, at);
    return *s ? json_string(s) : json_null();
}

static void card(struct cards_statements *s, struct cards_call *c) {
    static const char sql[] = "SELECT id, name, phone, email, note, created,"
                              " (SELECT count(*) FROM messages WHERE card = cards.id)"
                              " FROM cards WHERE id = (SELECT card FROM clients WHERE client = ?1)";
    char when[CLOCK_TEXT_SIZE];
    json_t *out = json_null();
    sqlite3_stmt *st = cards_prepare(s, sql, &c->err);
    if (st) {
        cards_bind(st, 1, c->client);
        int rc = sqlite3_step(st);
        if (rc == SQLITE_ROW)
            out = json_pack("{s:s,s:s,s:o,s:o,s:o,s:{},s:I,s:s}", "id", cards_column(st, 0), "name",
                cards_column(st, 1), "phone", text_or_null(st, 2), "email", text_or_null(st, 3),
                "note", text_or_null(st, 4), "fields", "messages",
                (json_int_t)sqlite3_column_int64(st, 6), "created_at",
                clock_format(sqlite3_column_int64(st, 5), when));
        else if (rc != SQLITE_DONE)
            cards_db_error(sqlite3_db_handle(st), "card", &c->err);
        sqlite3_reset(st);
    }
    c->result = dump(json_pack("{s:o}", "card", out));
}

/* In the order in which a thread is read back. */
static void entries(struct cards_statements *s, struct cards_call *c) {
    static const char exists[] = "SELECT 1 FROM cards WHERE id = ?1";
    static const char sql[] = "SELECT id FROM messages WHERE card = ?1 ORDER BY thread, seq, n";
    json_t *list = json_array();
    sqlite3_stmt *st = cards_prepare(s, exists, &c->err);
    int rc = SQLITE_ERROR;
    if (st) {
        cards_bind(st, 1, c->card);
        rc = sqlite3_step(st);
        sqlite3_reset(st);
    }
    if (rc == SQLITE_DONE)
        err_set(&c->err, ERR_NOT_FOUND, "there is no such card");
    st = rc == SQLITE_ROW ? cards_prepare(s, sql, &c->err) : NULL;
    if (st) {
        cards_bind(st, 1, c->card);
        while ((rc = sqlite3_step(st)) == SQLITE_ROW)
            json_array_append_new(list, json_pack("{s:s}", "message", cards_column(st, 0)));
        if (rc != SQLITE_DONE)
            cards_db_error(sqlite3_db_handle(st), "entries", &c->err);
        sqlite3_reset(st);
    }
    c->result = dump(json_pack("{s:o}", "entries", list));
}

void cards_read(struct cards_statements *s, struct cards_call *c) {
    if (c->kind == CARDS_SEARCH)
        search(s, c);
    else if (c->kind == CARDS_HISTORY)
        history(s, c);
    else if (c->kind == CARDS_ENTRIES)
        entries(s, c);
    else
        card(s, c);
}
