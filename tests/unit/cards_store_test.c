/* cards_store_test.c - the embedded CRM store as the core uses it, on a real file: everything may
 * come twice, several processes write at once, kill -9 in the middle loses nothing that was
 * answered. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/crypto.h"
#include "base/id.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "config/config.h"
#include "config/gateway_settings.h"
#include "connectors/cards/cards.h"

struct world {
    char dir[64];
    struct log log;
    struct env env;
    struct config *config;
    struct crm *crm;
    unsigned waiting;
    char card[ID_SIZE];
    struct err err;
    json_t *result;
};

static const struct section_type types[] = {
    {"", SECTION_PLAIN, gateway_settings, "", NULL},
};

static void finish(struct world *w, const struct err *err) {
    if (err)
        w->err = *err;
    if (--w->waiting == 0)
        loop_stop(w->env.loop);
}

static void on_done(void *arg, const struct crm_outcome *o) {
    struct world *w = arg;
    if (o->card_id)
        snprintf(w->card, sizeof w->card, "%s", o->card_id);
    finish(w, o->err);
}

static void on_result(void *arg, const json_t *result, const struct err *err) {
    struct world *w = arg;
    json_decref(w->result);
    w->result = err ? NULL : json_deep_copy(result);
    finish(w, err);
}

static void begin_call(struct world *w) {
    w->err = (struct err){0};
    w->waiting++;
}

static json_t *client_of(const char *id, const char *visitor, const char *phone) {
    return json_pack("{s:s,s:s,s:s,s:[{s:s,s:s,s:s,s:b}]}", "id", id, "name", "Ann", "phone",
        phone ? phone : "", "identities", "kind", "visitor", "address", visitor, "name", "",
        "verified", 0);
}

static void ensure(struct world *w, const char *id, const char *visitor, const char *phone) {
    json_t *c = client_of(id, visitor, phone);
    begin_call(w);
    cards_crm.ensure_card(w->crm, c, "", on_done, w);
    loop_run(w->env.loop);
    json_decref(c);
    assert_int_equal(w->err.code, 0);
}

static void start_attach(struct world *w, const char *client, const char *id, const char *thread,
    int seq, const char *text) {
    json_t *m =
        json_pack("{s:s,s:s,s:s,s:i,s:s,s:s,s:s}", "id", id, "thread", thread, "client", client,
            "seq", seq, "direction", "in", "text", text, "received_at", "2026-11-23T14:00:00.000Z");
    begin_call(w);
    cards_crm.attach(w->crm, &(struct crm_attach){.card_id = w->card, .message = m}, on_done, w);
    json_decref(m);
}

static void attach(struct world *w, const char *client, const char *id, const char *thread, int seq,
    const char *text) {
    int tries = 0;
    do { /* two processes write: who finds the file busy tries again, as the queue does */
        start_attach(w, client, id, thread, seq, text);
        loop_run(w->env.loop);
    } while (w->err.code == ERR_UNAVAILABLE && ++tries < 100);
    assert_int_equal(w->err.code, 0);
}

static size_t hits(struct world *w, const char *query) {
    begin_call(w);
    cards_crm.search(w->crm, query, 50, on_result, w);
    loop_run(w->env.loop);
    assert_int_equal(w->err.code, 0);
    return json_array_size(json_object_get(w->result, "hits"));
}

static json_int_t messages_of(struct world *w, const char *client) {
    begin_call(w);
    cards_crm.card(w->crm, client, "", on_result, w);
    loop_run(w->env.loop);
    return json_integer_value(json_object_get(json_object_get(w->result, "card"), "messages"));
}

static int open_store(struct world *w, const char *dir);
static void close_store(struct world *w);

/* --- tests ---------------------------------------------------------------------------------- */

static void a_message_is_attached_once(void **state) {
    struct world *w = *state;
    ensure(w, "C1", "v1", NULL);
    attach(w, "C1", "M1", "T1", 1, "Где мой заказ?");
    attach(w, "C1", "M1", "T1", 1, "Где мой заказ?");
    assert_int_equal(messages_of(w, "C1"), 1);
    assert_int_equal(hits(w, "заказы"), 1);
    attach(w, "C1", "M1", "T1", 1, "Где моя посылка?"); /* edited */
    assert_int_equal(hits(w, "заказы"), 0);
    assert_int_equal(hits(w, "посылка"), 1);
    assert_int_equal(messages_of(w, "C1"), 1);
}

static void a_person_has_one_card(void **state) {
    struct world *w = *state;
    char first[ID_SIZE];
    ensure(w, "C2", "v2", "+79001234567");
    memcpy(first, w->card, ID_SIZE);
    ensure(w, "C2", "v2", "+79001234567");
    assert_string_equal(w->card, first);
    ensure(w, "C3", "v3", "+79001234567"); /* another client, the same telephone */
    assert_string_equal(w->card, first);
    ensure(w, "C4", "v4", NULL);
    assert_string_not_equal(w->card, first);
}

static void history_is_in_order(void **state) {
    struct world *w = *state;
    char id[16];
    ensure(w, "C5", "v5", NULL);
    for (int i = 1; i <= 20; i++) {
        snprintf(id, sizeof id, "H%d", i);
        attach(w, "C5", id, "T5", i, "text");
    }
    begin_call(w);
    cards_crm.history(w->crm, "T5", 15, 5, on_result, w);
    loop_run(w->env.loop);
    json_t *list = json_object_get(w->result, "messages");
    assert_int_equal(json_array_size(list), 5);
    assert_int_equal(json_integer_value(json_object_get(json_array_get(list, 0), "seq")), 10);
    assert_int_equal(json_integer_value(json_object_get(json_array_get(list, 4), "seq")), 14);
}

static void merging_twice_does_no_harm(void **state) {
    struct world *w = *state;
    ensure(w, "C6", "v6", NULL);
    attach(w, "C6", "X1", "T6", 1, "one");
    ensure(w, "C7", "v7", NULL);
    attach(w, "C7", "X2", "T7", 1, "two");
    for (int i = 0; i < 2; i++) {
        begin_call(w);
        cards_crm.merge(w->crm, "C7", "C6", i + 1, on_done, w);
        loop_run(w->env.loop);
        assert_int_equal(w->err.code, 0);
    }
    assert_int_equal(messages_of(w, "C6"), 2);
    assert_int_equal(messages_of(w, "C7"), 2);
    ensure(w, "C7", "v7", NULL); /* his card is the other one now */
    attach(w, "C7", "X3", "T7", 2, "three");
    assert_int_equal(messages_of(w, "C6"), 3);
}

static void an_undone_merge_parts_the_cards(void **state) {
    struct world *w = *state;
    json_t *back = json_pack("{s:s,s:s,s:[s],s:[{s:s,s:s}]}", "id", "C21", "name", "Two", "threads",
        "T21", "identities", "kind", "visitor", "address", "v21");
    ensure(w, "C20", "v20", NULL);
    attach(w, "C20", "Y1", "T20", 1, "one");
    ensure(w, "C21", "v21", NULL);
    attach(w, "C21", "Y2", "T21", 1, "two");
    begin_call(w);
    cards_crm.merge(w->crm, "C21", "C20", 1, on_done, w);
    loop_run(w->env.loop);
    assert_int_equal(messages_of(w, "C20"), 2);
    for (int i = 0; i < 2; i++) {
        begin_call(w);
        cards_crm.unmerge(w->crm, back, "C20", 1, on_done, w);
        loop_run(w->env.loop);
        assert_int_equal(w->err.code, 0);
    }
    assert_int_equal(messages_of(w, "C20"), 1);
    assert_int_equal(messages_of(w, "C21"), 1);
    json_decref(back);
}

static void what_is_erased_is_gone(void **state) {
    struct world *w = *state;
    ensure(w, "C22", "v22", NULL);
    attach(w, "C22", "Z1", "T22", 1, "xylophone");
    for (int i = 0; i < 2; i++) {
        begin_call(w);
        cards_crm.erase(w->crm, "C22", on_done, w);
        loop_run(w->env.loop);
        assert_int_equal(w->err.code, 0);
    }
    assert_int_equal(hits(w, "xylophone"), 0);
    begin_call(w);
    cards_crm.card(w->crm, "C22", "", on_result, w);
    loop_run(w->env.loop);
    assert_true(json_is_null(json_object_get(w->result, "card")));
}

static void fields_are_changed_and_searched(void **state) {
    struct world *w = *state;
    json_t *fields = json_pack("{s:s,s:s}", "name", "Bob", "note", "likes tea");
    ensure(w, "C8", "v8", NULL);
    begin_call(w);
    cards_crm.update_card(w->crm, "C8", fields, on_done, w);
    loop_run(w->env.loop);
    json_decref(fields);
    begin_call(w);
    cards_crm.card(w->crm, "C8", "", on_result, w);
    loop_run(w->env.loop);
    json_t *card = json_object_get(w->result, "card");
    assert_string_equal(json_string_value(json_object_get(card, "name")), "Bob");
    assert_string_equal(json_string_value(json_object_get(card, "note")), "likes tea");
    hits(w, "\"); DROP TABLE cards; --"); /* what is typed is never a statement */
    assert_int_equal(messages_of(w, "C1"), 1);
}

static void many_at_once_share_a_commit(void **state) {
    struct world *w = *state;
    char id[16];
    ensure(w, "C9", "v9", NULL);
    for (int i = 1; i <= 2000; i++) {
        snprintf(id, sizeof id, "B%d", i);
        start_attach(w, "C9", id, "T9", i, "bulk words here");
    }
    loop_run(w->env.loop);
    assert_int_equal(w->err.code, 0);
    assert_int_equal(messages_of(w, "C9"), 2000);
}

/* Words are found by how they begin, be it short, long, or of more words than are looked for. */
static void beginnings_are_found(void **state) {
    struct world *w = *state;
    char id[16], text[64];
    ensure(w, "C30", "v30", NULL);
    for (int i = 0; i < 200; i++) {
        snprintf(id, sizeof id, "W%d", i);
        snprintf(text, sizeof text, "%s%d zebra", i < 20 ? "quince" : "walrus", 100 + i);
        attach(w, "C30", id, "T30", i + 1, text);
    }
    assert_int_equal(hits(w, "q"), 20);
    assert_int_equal(hits(w, "qui"), 20);
    assert_int_equal(hits(w, "quinc"), 20);
    assert_int_equal(hits(w, "zebra quinc"), 20);
    assert_int_equal(hits(w, "quince11"), 10);
    assert_int_equal(hits(w, "walru"), 50); /* 180: the newest 50 are asked for */
    assert_int_equal(hits(w, "zebra walru"), 50);
    assert_int_equal(hits(w, "walrus2995"), 0);
}

/* A file of before there was an index of beginnings is brought to today's schema. */
static void an_older_file_is_indexed_anew(void **state) {
    static const char older[] =
        "CREATE TABLE kept AS SELECT rowid AS n, stems FROM words; DROP TABLE terms; DROP TABLE "
        "words;"
        "CREATE VIRTUAL TABLE words USING fts5(stems, tokenize = \"unicode61 remove_diacritics "
        "2\");"
        "INSERT INTO words(rowid, stems) SELECT n, stems FROM kept; DROP TABLE kept;"
        "PRAGMA user_version = 1;";
    struct world *w = *state;
    char path[100], dir[64];
    sqlite3 *db = NULL;
    ensure(w, "C31", "v31", NULL);
    attach(w, "C31", "O1", "T31", 1, "an umbrella");
    close_store(w);
    snprintf(path, sizeof path, "%s/cards.db", w->dir);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, older, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    memcpy(dir, w->dir, sizeof dir);
    assert_int_equal(open_store(w, dir), 0);
    assert_int_equal(hits(w, "umb"), 1);
    assert_int_equal(hits(w, "umbrel"), 1);
}

/* A child that attaches and is killed: what it was told is done, is there. */
static void killed_in_the_middle(void **state) {
    struct world *w = *state;
    int pipe_fds[2], done = 0;
    char byte;
    ensure(w, "CK", "vk", NULL);
    assert_int_equal(pipe(pipe_fds), 0);
    pid_t pid = fork();
    if (pid == 0) {
        struct world child = {0};
        snprintf(child.card, sizeof child.card, "%s", w->card);
        if (open_store(&child, w->dir) < 0)
            _exit(1);
        for (int i = 1;; i++) {
            char id[16];
            snprintf(id, sizeof id, "K%d", i);
            start_attach(&child, "CK", id, "TK", i, "killed");
            loop_run(child.env.loop);
            if (child.err.code == ERR_UNAVAILABLE && i--)
                continue;
            if (child.err.code || write(pipe_fds[1], "1", 1) != 1)
                _exit(1);
        }
    }
    for (int i = 1; i <= 50; i++) { /* both write at once */
        char id[16];
        snprintf(id, sizeof id, "P%d", i);
        attach(w, "CK", id, "TP", i, "parent");
    }
    while (done < 30 && read(pipe_fds[0], &byte, 1) == 1)
        done++;
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    close(pipe_fds[1]);
    while (read(pipe_fds[0], &byte, 1) == 1)
        done++;
    close(pipe_fds[0]);
    assert_true(done >= 30);
    assert_true(messages_of(w, "CK") >= 50 + done);
}

/* --- set-up ---------------------------------------------------------------------------------- */

static int open_store(struct world *w, const char *dir) {
    struct section_type all[3] = {
        types[0], {"cards", SECTION_CRM, cards_crm.settings, "", "main"}, {0}};
    static const char *const sets[] = {"cards.main.file=cards.db", NULL};
    struct buf problems;
    struct err err;
    char path[100];
    snprintf(path, sizeof path, "%s/c.conf", dir);
    FILE *f = fopen(path, "w");
    if (!f)
        return -1;
    fclose(f);
    buf_init(&problems, 10000);
    w->config = config_read(path, sets, all, &problems);
    buf_free(&problems);
    log_init(&w->log);
    w->env = (struct env){loop_create(), &w->log, metrics_create(1)};
    w->crm = mem_zalloc(cards_crm.size);
    w->crm->ops = &cards_crm;
    w->crm->target = "main";
    w->crm->env = &w->env;
    const struct settings *s = config_at(w->config, SECTION_CRM, 0, NULL);
    if (cards_crm.init(w->crm, s, dir, &err) < 0 || cards_crm.start(w->crm, &err) < 0)
        return -1;
    config_destroy(&w->config);
    return 0;
}

static void close_store(struct world *w) {
    cards_crm.stop(w->crm);
    cards_crm.finish(w->crm);
    loop_destroy(&w->env.loop);
    metrics_destroy(&w->env.metrics);
    free(w->crm);
}

static int begin(void **state) {
    struct world *w = mem_zalloc(sizeof *w);
    snprintf(w->dir, sizeof w->dir, "/tmp/cards_test.XXXXXX");
    if (crypto_start() < 0 || !mkdtemp(w->dir))
        return -1;
    *state = w;
    return open_store(w, w->dir);
}

static int end(void **state) {
    struct world *w = *state;
    close_store(w);
    json_decref(w->result);
    pid_t pid = fork();
    if (pid == 0)
        execlp("rm", "rm", "-rf", w->dir, (char *)NULL);
    waitpid(pid, NULL, 0);
    free(w);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_is_attached_once),
        cmocka_unit_test(a_person_has_one_card),
        cmocka_unit_test(history_is_in_order),
        cmocka_unit_test(merging_twice_does_no_harm),
        cmocka_unit_test(an_undone_merge_parts_the_cards),
        cmocka_unit_test(what_is_erased_is_gone),
        cmocka_unit_test(fields_are_changed_and_searched),
        cmocka_unit_test(many_at_once_share_a_commit),
        cmocka_unit_test(beginnings_are_found),
        cmocka_unit_test(an_older_file_is_indexed_anew),
        cmocka_unit_test(killed_in_the_middle),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
