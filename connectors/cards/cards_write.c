/* cards_write.c - what changes cards: find or make one, attach a message, merge, change fields.
 * Runs in the thread pool inside a transaction; everything may come twice. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "connectors/cards/cards_private.h"
#include "core/crm/crm_person.h"
#include "model/phone.h"

/* Whose way of writing numbers without a country is meant. */
#define CARDS_COUNTRY "RU"

/* One row with one text column, into out (ID_SIZE). 1 found, 0 not, -1 error. */
static int find_card(sqlite3_stmt *st, char *out, struct err *err) {
    int rc = st ? sqlite3_step(st) : SQLITE_ERROR;
    out[0] = '\0';
    if (rc == SQLITE_ROW) {
        snprintf(out, ID_SIZE, "%s", cards_column(st, 0));
        sqlite3_reset(st);
        return 1;
    }
    if (rc == SQLITE_DONE)
        return 0;
    return st ? cards_db_error(sqlite3_db_handle(st), "look-up", err) : -1;
}

static int step(sqlite3_stmt *st, struct err *err) {
    if (!st)
        return -1;
    int rc = sqlite3_step(st);
    if (rc != SQLITE_DONE && rc != SQLITE_ROW)
        return cards_db_error(sqlite3_db_handle(st), "change", err);
    sqlite3_reset(st);
    return 0;
}

static const char *text_of(const json_t *o, const char *key) {
    const char *s = json_string_value(json_object_get(o, key));
    return s && *s ? s : NULL;
}

static int find_by(struct cards_statements *s, const char *sql, const char *a, const char *b,
    char *out, struct err *err) {
    sqlite3_stmt *st = cards_prepare(s, sql, err);
    if (!st)
        return -1;
    cards_bind(st, 1, a);
    if (b)
        cards_bind(st, 2, b);
    return find_card(st, out, err);
}

/* His once, and not any more. */
static bool is_former(const json_t *identity) {
    return json_is_true(json_object_get(identity, "former"));
}

struct finding {
    struct cards_statements *s;
    char *out;
    struct err *err;
    int rc; /* 0: nothing yet */
    bool several;
};

/* A card that has his number or address; two that have it are nobody's. */
static void find_by_way(void *arg, const struct crm_way *way) {
    static const char by_phone[] = "SELECT id FROM cards WHERE phone = ?1 ORDER BY id LIMIT 2";
    static const char by_email[] = "SELECT id FROM cards WHERE email = ?1 ORDER BY id LIMIT 2";
    struct finding *f = arg;
    if (f->rc != 0 || f->several || !way->proven || way->kind == CRM_MESSENGER)
        return;
    sqlite3_stmt *st = cards_prepare(f->s, way->kind == CRM_PHONE ? by_phone : by_email, f->err);
    if (!st) {
        f->rc = -1;
        return;
    }
    cards_bind(st, 1, way->value);
    int rc = sqlite3_step(st);
    if (rc == SQLITE_ROW) {
        snprintf(f->out, ID_SIZE, "%s", cards_column(st, 0));
        rc = sqlite3_step(st);
        f->several = rc == SQLITE_ROW;
        f->rc = f->several ? 0 : 1;
    }
    if (rc != SQLITE_DONE && rc != SQLITE_ROW)
        f->rc = cards_db_error(sqlite3_db_handle(st), "look-up", f->err);
    sqlite3_reset(st);
}

/* By our client id, else by an identity that is his, else by a proven number or address. */
static int find_existing(struct cards_statements *s, struct cards_call *c) {
    static const char by_client[] =
        "SELECT card FROM clients JOIN cards ON cards.id = card WHERE client = ?1";
    static const char by_identity[] = "SELECT card FROM identities JOIN cards ON cards.id = card "
                                      "WHERE kind = ?1 AND address = ?2";
    const json_t *client = c->fields;
    struct finding f = {.s = s, .out = c->card_id, .err = &c->err};
    size_t i;
    json_t *identity;
    int rc = find_by(s, by_client, c->client, NULL, c->card_id, &c->err);
    if (rc != 0)
        return rc;
    json_array_foreach(json_object_get(client, "identities"), i, identity) {
        const char *kind = text_of(identity, "kind"), *address = text_of(identity, "address");
        if (is_former(identity)) /* may be another's by now */
            continue;
        if (kind && address &&
            (rc = find_by(s, by_identity, kind, address, c->card_id, &c->err)) != 0)
            return rc;
    }
    crm_ways(client, CARDS_COUNTRY, find_by_way, &f);
    c->several = f.several;
    return f.rc;
}

static int note_identities(
    struct cards_statements *s, const json_t *client, const char *card, struct err *err) {
    static const char sql[] = "INSERT INTO identities(kind, address, card) VALUES(?1, ?2, ?3)"
                              " ON CONFLICT DO UPDATE SET card = ?3";
    static const char gone[] =
        "DELETE FROM identities WHERE kind = ?1 AND address = ?2 AND card = ?3";
    size_t i;
    json_t *identity;
    json_array_foreach(json_object_get(client, "identities"), i, identity) {
        const char *kind = text_of(identity, "kind"), *address = text_of(identity, "address");
        sqlite3_stmt *st =
            kind && address ? cards_prepare(s, is_former(identity) ? gone : sql, err) : NULL;
        if (!st)
            continue;
        cards_bind(st, 1, kind);
        cards_bind(st, 2, address);
        cards_bind(st, 3, card);
        if (step(st, err) < 0)
            return -1;
    }
    return 0;
}

static int ensure(struct cards_statements *s, struct cards_call *c) {
    static const char insert[] = "INSERT INTO cards(id, name, phone, email, note, created)"
                                 " VALUES(?1, ?2, ?3, ?4, ?5, ?6)";
    /* The name of a card that was found for him is left as it is. */
    static const char update[] =
        "UPDATE cards SET name = CASE WHEN name = '' OR EXISTS(SELECT 1 FROM clients WHERE client "
        "= "
        "?6 AND card = ?1) THEN ?2 ELSE name END, phone = coalesce(?3, phone),"
        " email = coalesce(?4, email), note = coalesce(?5, note) WHERE id = ?1";
    static const char link[] = "INSERT INTO clients(client, card) VALUES(?1, ?2)"
                               " ON CONFLICT DO UPDATE SET card = ?2";
    char number[PHONE_SIZE];
    const char *phone = text_of(c->fields, "phone");
    if (phone && phone_e164(phone, CARDS_COUNTRY, number) == 0)
        phone = number; /* so that it is found, however it was typed */
    int found = find_existing(s, c);
    if (found < 0)
        return -1;
    if (!found)
        id_make(0, c->card_id);
    sqlite3_stmt *st = cards_prepare(s, found ? update : insert, &c->err);
    if (!st)
        return -1;
    cards_bind(st, 1, c->card_id);
    cards_bind(st, 2, text_of(c->fields, "name") ? text_of(c->fields, "name") : "");
    cards_bind(st, 3, phone);
    cards_bind(st, 4, text_of(c->fields, "email"));
    cards_bind(st, 5, text_of(c->fields, "note"));
    if (found)
        cards_bind(st, 6, c->client);
    else
        sqlite3_bind_int64(st, 6, clock_ms());
    if (step(st, &c->err) < 0)
        return -1;
    st = cards_prepare(s, link, &c->err);
    cards_bind(st, 1, c->client);
    cards_bind(st, 2, c->card_id);
    if (step(st, &c->err) < 0)
        return -1;
    return note_identities(s, c->fields, c->card_id, &c->err);
}

/* The message's number when it is there already, else 0; -1 error. */
static int64_t number_of(struct cards_statements *s, const char *id, struct err *err) {
    static const char sql[] = "SELECT n FROM messages WHERE id = ?1";
    sqlite3_stmt *st = cards_prepare(s, sql, err);
    if (!st)
        return -1;
    cards_bind(st, 1, id);
    int rc = sqlite3_step(st);
    int64_t n = rc == SQLITE_ROW ? sqlite3_column_int64(st, 0) : 0;
    if (rc != SQLITE_ROW && rc != SQLITE_DONE)
        return cards_db_error(sqlite3_db_handle(st), "look-up", err);
    sqlite3_reset(st);
    return n;
}

static int index_text(
    struct cards_statements *s, int64_t n, bool is_new, const char *text, struct err *err) {
    static const char drop[] = "DELETE FROM words WHERE rowid = ?1";
    static const char add[] = /* a message that was lost with this number may have left its words */
        "INSERT OR REPLACE INTO words(rowid, stems) VALUES(?1, ?2)";
    sqlite3_stmt *st = is_new ? NULL : cards_prepare(s, drop, err);
    if (!st && !is_new)
        return -1;
    if (st)
        sqlite3_bind_int64(st, 1, n);
    if (st && step(st, err) < 0)
        return -1;
    char *stems = cards_stems(text);
    int rc = 0;
    if (*stems) {
        st = cards_prepare(s, add, err);
        if (st) {
            sqlite3_bind_int64(st, 1, n);
            cards_bind(st, 2, stems);
        }
        rc = step(st, err);
    }
    free(stems);
    return rc;
}

/* Once, and at its number: what else has its name, or its place, goes (the latter behind the
 * thread's start, until it comes again itself). */
static int put_in_place(
    struct cards_statements *s, const struct cards_call *c, int64_t n, struct err *err) {
    static const char others[] = "DELETE FROM messages WHERE id = ?1 AND n <> ?2";
    static const char room[] = "UPDATE messages SET seq = -n WHERE thread = ?1 AND seq = ?2"
                               " AND id <> ?3";
    static const char place[] = "UPDATE messages SET thread = ?2, seq = ?3 WHERE n = ?1";
    sqlite3_stmt *st = cards_prepare(s, others, err);
    if (!st)
        return -1;
    cards_bind(st, 1, c->message);
    sqlite3_bind_int64(st, 2, n);
    if (step(st, err) < 0 || !(st = cards_prepare(s, room, err)))
        return -1;
    cards_bind(st, 1, c->thread);
    sqlite3_bind_int64(st, 2, c->seq);
    cards_bind(st, 3, c->message);
    if (step(st, err) < 0 || !(st = cards_prepare(s, place, err)))
        return -1;
    sqlite3_bind_int64(st, 1, n);
    cards_bind(st, 2, c->thread);
    sqlite3_bind_int64(st, 3, c->seq);
    return step(st, err);
}

/* The message's id makes it once; coming again (edited, a new status) it replaces what was there.
 */
static int attach(struct cards_statements *s, struct cards_call *c) {
    static const char insert[] = "INSERT INTO messages(id, card, thread, seq, client, at, json)"
                                 " VALUES(?1, ?3, ?4, ?5, ?2, ?6, ?7)";
    static const char by_id[] = "SELECT id FROM cards WHERE id = ?1";
    char card[ID_SIZE];
    static const char update[] = "UPDATE messages SET json = ?2 WHERE n = ?1";
    int64_t n = number_of(s, c->message, &c->err);
    if (n < 0 || (c->again && put_in_place(s, c, n, &c->err) < 0))
        return -1;
    int found = n ? 1 : find_by(s, by_id, c->card, NULL, card, &c->err);
    if (found <= 0)
        return found < 0 ? -1 : err_set(&c->err, ERR_NOT_FOUND, "the card was deleted, or merged");
    sqlite3_stmt *st = cards_prepare(s, n ? update : insert, &c->err);
    if (!st)
        return -1;
    if (n) {
        sqlite3_bind_int64(st, 1, n);
        cards_bind(st, 2, c->json);
    } else {
        cards_bind(st, 1, c->message);
        cards_bind(st, 2, c->client);
        cards_bind(st, 3, card);
        cards_bind(st, 4, c->thread);
        sqlite3_bind_int64(st, 5, c->seq);
        sqlite3_bind_int64(st, 6, c->at);
        cards_bind(st, 7, c->json);
    }
    if (step(st, &c->err) < 0)
        return -1;
    bool is_new = n == 0;
    if (is_new)
        n = sqlite3_last_insert_rowid(sqlite3_db_handle(st));
    if (is_new && !*c->text)
        return 0;
    return index_text(s, n, is_new, c->text, &c->err);
}

/* `client` (the one that goes) and `card` (a client id here: the one that stays) share one card. */
static int merge(struct cards_statements *s, struct cards_call *c) {
    static const char of_client[] = "SELECT card FROM clients WHERE client = ?1";
    static const char link[] = "INSERT INTO clients(client, card) VALUES(?1, ?2)"
                               " ON CONFLICT DO UPDATE SET card = ?2";
    static const char messages[] = "UPDATE messages SET card = ?2 WHERE card = ?1";
    static const char identities[] = "UPDATE identities SET card = ?2 WHERE card = ?1";
    static const char clients[] = "UPDATE clients SET card = ?2 WHERE card = ?1";
    static const char keep[] =
        "UPDATE cards SET phone = coalesce(phone, (SELECT phone FROM cards WHERE id = ?1)),"
        " email = coalesce(email, (SELECT email FROM cards WHERE id = ?1)),"
        " note = coalesce(note, (SELECT note FROM cards WHERE id = ?1)) WHERE id = ?2";
    static const char drop[] = "DELETE FROM cards WHERE id = ?1 AND ?2 = ?2";
    static const char *const moves[] = {messages, identities, clients, keep, drop};
    char from[ID_SIZE], into[ID_SIZE];
    int has_from = find_by(s, of_client, c->client, NULL, from, &c->err);
    int has_into = has_from < 0 ? -1 : find_by(s, of_client, c->card, NULL, into, &c->err);
    if (has_into < 0)
        return -1;
    if (!has_from && !has_into)
        return 0;
    if (!has_from || !has_into) { /* only one has a card: it is both's */
        sqlite3_stmt *st = cards_prepare(s, link, &c->err);
        cards_bind(st, 1, has_from ? c->card : c->client);
        cards_bind(st, 2, has_from ? from : into);
        return step(st, &c->err);
    }
    if (strcmp(from, into) == 0)
        return 0;
    for (size_t i = 0; i < ARRAY_LEN(moves); i++) {
        sqlite3_stmt *st = cards_prepare(s, moves[i], &c->err);
        if (!st)
            return -1;
        cards_bind(st, 1, from);
        cards_bind(st, 2, into);
        if (step(st, &c->err) < 0)
            return -1;
    }
    return 0;
}

static int bind_and_step(
    struct cards_statements *s, const char *sql, const char *a, const char *b, struct err *err) {
    sqlite3_stmt *st = cards_prepare(s, sql, err);
    if (!st)
        return -1;
    cards_bind(st, 1, a);
    cards_bind(st, 2, b);
    return step(st, err);
}

/* `client` and `card` (a client id here, too) are two again: the first gets a card of his own, with
 * what is in his threads. The fields that the card has stay on it: nobody knows whose they are. */
static int unmerge(struct cards_statements *s, struct cards_call *c) {
    static const char of_client[] = "SELECT card FROM clients WHERE client = ?1";
    static const char insert[] = "INSERT INTO cards(id, name, phone, email, note, created)"
                                 " VALUES(?1, ?2, ?3, ?4, ?5, ?6)";
    static const char people[] = "UPDATE clients SET card = ?1 WHERE client = ?2 OR client IN"
                                 " (SELECT client FROM messages WHERE thread = ?2)";
    static const char messages[] = "UPDATE messages SET card = ?1 WHERE thread = ?2";
    char from[ID_SIZE], into[ID_SIZE];
    size_t i;
    json_t *thread;
    int has_from = find_by(s, of_client, c->client, NULL, from, &c->err);
    int has_into = has_from < 0 ? -1 : find_by(s, of_client, c->card, NULL, into, &c->err);
    if (has_into < 0)
        return -1;
    if (!has_from || strcmp(from, into) != 0)
        return 0; /* he has one of his own, or gets it with his next message */
    id_make(0, c->card_id);
    sqlite3_stmt *st = cards_prepare(s, insert, &c->err);
    if (!st)
        return -1;
    cards_bind(st, 1, c->card_id);
    cards_bind(st, 2, text_of(c->fields, "name") ? text_of(c->fields, "name") : "");
    cards_bind(st, 3, text_of(c->fields, "phone"));
    cards_bind(st, 4, text_of(c->fields, "email"));
    cards_bind(st, 5, text_of(c->fields, "note"));
    sqlite3_bind_int64(st, 6, clock_ms());
    if (step(st, &c->err) < 0 || bind_and_step(s, people, c->card_id, c->client, &c->err) < 0)
        return -1;
    json_array_foreach(json_object_get(c->fields, "threads"), i, thread) {
        const char *id = json_string_value(thread);
        if (bind_and_step(s, people, c->card_id, id, &c->err) < 0 ||
            bind_and_step(s, messages, c->card_id, id, &c->err) < 0)
            return -1;
    }
    return note_identities(s, c->fields, c->card_id, &c->err);
}

/* All that is here of the client goes: his messages with their words, and the card with what leads
 * to it, when it is nobody else's. The index is written anew, for words that were deleted are only
 * marked in it. */
static int erase(struct cards_statements *s, struct cards_call *c) {
    static const char of_client[] = "SELECT card FROM clients WHERE client = ?1";
    static const char words[] = "DELETE FROM words WHERE rowid IN (SELECT n FROM messages WHERE"
                                " card = ?1 AND client = ?2)";
    static const char messages[] = "DELETE FROM messages WHERE card = ?1 AND client = ?2";
    static const char client[] = "DELETE FROM clients WHERE card = ?1 AND client = ?2";
    static const char identities[] =
        "DELETE FROM identities WHERE card = ?1 AND ?2 = ?2"
        " AND NOT EXISTS (SELECT 1 FROM clients WHERE clients.card = ?1)";
    static const char card[] = "DELETE FROM cards WHERE id = ?1 AND ?2 = ?2"
                               " AND NOT EXISTS (SELECT 1 FROM clients WHERE clients.card = ?1)";
    static const char anew[] = "INSERT INTO words(words) VALUES('optimize')";
    static const char *const gone[] = {words, messages, client, identities, card};
    char id[ID_SIZE];
    int found = find_by(s, of_client, c->client, NULL, id, &c->err);
    if (found < 0)
        return -1;
    for (size_t i = 0; found && i < ARRAY_LEN(gone); i++)
        if (bind_and_step(s, gone[i], id, c->client, &c->err) < 0)
            return -1;
    return step(cards_prepare(s, anew, &c->err), &c->err);
}

static int update_fields(struct cards_statements *s, struct cards_call *c) {
    static const char sql[] =
        "UPDATE cards SET name = coalesce(?2, name), phone = coalesce(?3, phone),"
        " email = coalesce(?4, email), note = coalesce(?5, note)"
        " WHERE id = (SELECT card FROM clients WHERE client = ?1)";
    static const char *const keys[] = {"name", "phone", "email", "note"};
    sqlite3_stmt *st = cards_prepare(s, sql, &c->err);
    if (!st)
        return -1;
    cards_bind(st, 1, c->client);
    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        cards_bind(st, (int)i + 2, json_string_value(json_object_get(c->fields, keys[i])));
    if (step(st, &c->err) < 0)
        return -1;
    if (sqlite3_changes(sqlite3_db_handle(st)) == 0)
        return err_set(&c->err, ERR_NOT_FOUND, "this client has no card yet");
    return 0;
}

void cards_write(struct cards_statements *s, struct cards_call *c) {
    int rc = c->kind == CARDS_ENSURE    ? ensure(s, c)
             : c->kind == CARDS_ATTACH  ? attach(s, c)
             : c->kind == CARDS_MERGE   ? merge(s, c)
             : c->kind == CARDS_UNMERGE ? unmerge(s, c)
             : c->kind == CARDS_ERASE   ? erase(s, c)
                                        : update_fields(s, c);
    if (rc < 0 && !c->err.code)
        err_set(&c->err, ERR_INTERNAL, "cards.db: a change failed without a reason");
}
