/* cards_lane_test.c - many calls in one transaction while the disk is full: SQLite undoes then more
 * than the statement that failed, and what is told as done has to be there all the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/crypto.h"
#include "base/log.h"
#include "base/mem.h"
#include "connectors/cards/cards_private.h"

#define CALLS 200 /* the first goes alone, the others together */
#define JSON_BYTES 40000
#define FULL_BYTES (3 << 20) /* so much of them does not fit in SQLite's cache, and not here */

struct told {
    struct world *w;
    enum err_code code;
    bool is;
};

struct world {
    char dir[64];
    struct log log;
    struct loop *loop;
    sqlite3 *db;
    struct cards_lane *lane;
    struct told told[CALLS];
    size_t waiting;
};

static void limit_files(rlim_t bytes) {
    struct rlimit l;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &l), 0);
    l.rlim_cur = bytes < l.rlim_max ? bytes : l.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &l), 0);
}

/* There is room again just before the last one, and so for the commit. */
static void write_with_room_at_last(struct cards_statements *s, struct cards_call *c) {
    if (c->seq == CALLS)
        limit_files(RLIM_INFINITY);
    cards_write(s, c);
}

static void on_told(void *arg, const struct crm_outcome *o) {
    struct told *t = arg;
    assert_false(t->is);
    t->is = true;
    t->code = o->err ? o->err->code : ERR_NONE;
    if (--t->w->waiting == 0)
        loop_stop(t->w->loop);
}

static void add(struct world *w, size_t i) {
    struct cards_call *c = mem_zalloc(sizeof *c);
    char *json = mem_zalloc(JSON_BYTES + 1);
    memset(json, 'x', JSON_BYTES);
    c->kind = CARDS_ATTACH;
    c->client = mem_strdup("C");
    c->card = mem_strdup("K");
    c->thread = mem_strdup("T");
    c->message = mem_printf("M%zu", i);
    c->text = mem_printf("word%zu", i);
    c->json = json;
    c->seq = (int64_t)i + 1;
    c->done = on_told;
    c->arg = &w->told[i];
    w->told[i] = (struct told){.w = w};
    w->waiting++;
    cards_lane_add(w->lane, c);
}

static int64_t count(struct world *w, const char *sql, const char *id) {
    sqlite3_stmt *st = NULL;
    assert_int_equal(sqlite3_prepare_v2(w->db, sql, -1, &st, NULL), SQLITE_OK);
    cards_bind(st, 1, id);
    assert_int_equal(sqlite3_step(st), SQLITE_ROW);
    int64_t n = sqlite3_column_int64(st, 0);
    sqlite3_finalize(st);
    return n;
}

/* All of them, those that were not taken again: how many were not. */
static size_t look(struct world *w) {
    size_t later = 0;
    for (size_t i = 0; i < CALLS; i++) {
        char id[16];
        snprintf(id, sizeof id, "M%zu", i);
        assert_true(w->told[i].is);
        if (w->told[i].code && w->told[i].code != ERR_UNAVAILABLE)
            fail_msg("%s ended as %s", id, err_name(w->told[i].code));
        if (!w->told[i].code && count(w, "SELECT count(*) FROM messages WHERE id = ?1", id) != 1)
            fail_msg("%s is told as done and is not there", id);
        later += w->told[i].code != ERR_NONE;
    }
    return later;
}

static void fill_up(
    struct world *w, void (*run)(struct cards_statements *s, struct cards_call *c)) {
    w->lane = cards_lane_create(w->loop, w->db, true, run);
    limit_files(FULL_BYTES);
    for (size_t i = 0; i < CALLS; i++)
        add(w, i);
    loop_run(w->loop);
    assert_true(look(w) > 0);
    limit_files(RLIM_INFINITY);
    for (size_t i = 0; i < CALLS; i++)
        if (w->told[i].code)
            add(w, i);
    loop_run(w->loop);
    assert_int_equal(look(w), 0);
    assert_int_equal(count(w, "SELECT count(*) FROM messages WHERE ?1 IS NULL", NULL), CALLS);
    assert_int_equal(count(w, "SELECT count(*) FROM words WHERE ?1 IS NULL", NULL), CALLS);
}

static void a_full_disk_loses_nothing_that_was_told(void **state) {
    fill_up(*state, cards_write);
}

static void nor_one_that_has_room_again(void **state) {
    fill_up(*state, write_with_room_at_last);
}

static int begin(void **state) {
    struct world *w = mem_zalloc(sizeof *w);
    char path[100];
    struct err err;
    signal(SIGXFSZ, SIG_IGN);
    snprintf(w->dir, sizeof w->dir, "/tmp/cards_test.XXXXXX");
    if (crypto_start() < 0 || !mkdtemp(w->dir))
        return -1;
    snprintf(path, sizeof path, "%s/cards.db", w->dir);
    log_init(&w->log);
    w->loop = loop_create();
    w->db = cards_db_open(path, true, &w->log, &err);
    *state = w;
    return w->db ? cards_db_exec(w->db, "INSERT INTO cards(id, created) VALUES('K', 0)", &err) : -1;
}

static int end(void **state) {
    struct world *w = *state;
    limit_files(RLIM_INFINITY);
    cards_lane_destroy(&w->lane);
    loop_destroy(&w->loop);
    pid_t pid = fork();
    if (pid == 0)
        execlp("rm", "rm", "-rf", w->dir, (char *)NULL);
    waitpid(pid, NULL, 0);
    free(w);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_full_disk_loses_nothing_that_was_told, begin, end),
        cmocka_unit_test_setup_teardown(nor_one_that_has_room_again, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
