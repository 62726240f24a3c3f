/* cards_queue.c - calls wait in a lane and run in the thread pool, up to BATCH in one transaction,
 * so that one fsync serves many. Each ends exactly once, on the loop, after the commit. */
#include <stdlib.h>
#include <string.h>

#include "base/json_quick.h"
#include "base/log.h"
#include "base/mem.h"
#include "connectors/cards/cards_private.h"

#define BATCH 200

struct cards_lane {
    struct loop *loop;
    sqlite3 *db;
    struct cards_statements *statements;
    void (*run)(struct cards_statements *s, struct cards_call *c);
    bool write, busy, ended;
    struct cards_call *waiting, **tail;
    struct cards_call *batch; /* with the pool while busy */
    struct err err;           /* of the batch as a whole */
};

static void call_free(struct cards_call *c) {
    char *all[] = {c->client, c->card, c->message, c->thread, c->direction, c->text, c->json,
        c->query, c->result};
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        free(all[i]);
    json_decref(c->fields);
    free(c);
}

static void call_end(struct cards_call *c) {
    const struct err *err = c->err.code ? &c->err : NULL;
    if (c->several && !err)
        LOG_WARN(c->crm->env->log, "crm.ambiguous", LOG_S("target", c->crm->target),
            LOG_S("client", c->client),
            LOG_S("what", "several cards have his number or address: he gets one of his own"));
    if (c->done) {
        c->done(
            c->arg, &(struct crm_outcome){.err = err, .card_id = *c->card_id ? c->card_id : NULL});
    } else {
        struct err bad;
        json_t *result = err ? NULL : json_quick_load(span_str(c->result ? c->result : ""));
        if (!err && !result) {
            err_set(&bad, ERR_INTERNAL, "cards.db gave an answer that is no JSON");
            err = &bad;
        }
        c->answer(c->arg, result, err);
        json_decref(result);
    }
    call_free(c);
}

/* --- in the pool ----------------------------------------------------------------------------- */

/* A call that fails inside the transaction is undone alone. But on a full disk, or one with errors,
 * SQLite may have undone all there was: then nothing of the batch is done. */
static void run_one(struct cards_lane *l, struct cards_call *c) {
    struct err ignored;
    int rc = cards_db_exec(l->db, "SAVEPOINT one", &c->err);
    if (rc == 0) {
        l->run(l->statements, c);
        if (c->err.code)
            cards_db_exec(l->db, "ROLLBACK TO one", &ignored);
        rc = cards_db_exec(l->db, "RELEASE one", c->err.code ? &ignored : &c->err);
    }
    if (rc < 0 || sqlite3_get_autocommit(l->db))
        err_set(&l->err, ERR_UNAVAILABLE, "all was undone: %.250s", c->err.text);
}

/* All of them, as long as none fails. */
static bool run_all(struct cards_lane *l) {
    for (struct cards_call *c = l->batch; c; c = c->next) {
        l->run(l->statements, c);
        if (c->err.code && l->write)
            return false;
    }
    return true;
}

/* One of them failed: the same again, each so that it can be undone. */
static void run_each(struct cards_lane *l) {
    struct err ignored;
    cards_db_exec(l->db, "ROLLBACK", &ignored);
    for (struct cards_call *c = l->batch; c; c = c->next) {
        c->err.code = ERR_NONE;
        c->card_id[0] = '\0';
    }
    if (cards_db_exec(l->db, "BEGIN IMMEDIATE", &l->err) < 0)
        return;
    for (struct cards_call *c = l->batch; c && !l->err.code; c = c->next)
        run_one(l, c);
}

/* What was erased is not in the log of changes either; while somebody reads from it, it is tried
 * again.
 */
static void forget(struct cards_lane *l) {
    int rc = -1; /* not asked */
    for (struct cards_call *c = l->batch; c; c = c->next) {
        if (c->kind != CARDS_ERASE || c->err.code)
            continue;
        if (rc < 0)
            rc = sqlite3_wal_checkpoint_v2(l->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
        if (rc != SQLITE_OK)
            err_set(&c->err, ERR_UNAVAILABLE, "cards.db: somebody reads what was erased");
    }
}

static void work(void *arg) {
    struct cards_lane *l = arg;
    struct err ignored;
    l->err.code = ERR_NONE;
    if (l->write && cards_db_exec(l->db, "BEGIN IMMEDIATE", &l->err) < 0)
        return;
    if (!run_all(l))
        run_each(l);
    if (!l->write)
        return;
    if (!l->err.code && sqlite3_get_autocommit(l->db))
        err_set(&l->err, ERR_UNAVAILABLE, "cards.db: all was undone");
    if (l->err.code || cards_db_exec(l->db, "COMMIT", &l->err) < 0)
        cards_db_exec(l->db, "ROLLBACK", &ignored);
    else
        forget(l);
}

/* --- on the loop ----------------------------------------------------------------------------- */

static void lane_free(struct cards_lane *l) {
    cards_statements_destroy(&l->statements);
    sqlite3_close(l->db);
    free(l);
}

static void next(struct cards_lane *l);

static void done(void *arg) {
    struct cards_lane *l = arg;
    struct cards_call *c = l->batch;
    l->batch = NULL;
    l->busy = false;
    while (c) {
        struct cards_call *after = c->next;
        if (l->err.code) {
            c->err = l->err;
            c->card_id[0] = '\0';
        }
        call_end(c);
        c = after;
    }
    if (l->ended)
        lane_free(l);
    else
        next(l);
}

static void next(struct cards_lane *l) {
    struct cards_call **at = &l->waiting;
    if (l->busy || !l->waiting)
        return;
    for (size_t n = 0; *at && n < BATCH; n++)
        at = &(*at)->next;
    l->batch = l->waiting;
    l->waiting = *at;
    *at = NULL;
    if (!l->waiting)
        l->tail = &l->waiting;
    l->busy = true;
    loop_work(l->loop, work, done, l);
}

struct cards_lane *cards_lane_create(struct loop *loop, sqlite3 *db, bool write,
    void (*run)(struct cards_statements *s, struct cards_call *c)) {
    struct cards_lane *l = mem_zalloc(sizeof *l);
    *l = (struct cards_lane){.loop = loop, .db = db, .write = write, .run = run};
    l->statements = cards_statements_create(db);
    l->tail = &l->waiting;
    return l;
}

void cards_lane_add(struct cards_lane *l, struct cards_call *c) {
    *l->tail = c;
    l->tail = &c->next;
    next(l);
}

void cards_lane_destroy(struct cards_lane **lp) {
    struct cards_lane *l = *lp;
    if (!l)
        return;
    *lp = NULL;
    l->ended = true;
    while (l->waiting) {
        struct cards_call *c = l->waiting;
        l->waiting = c->next;
        err_set(&c->err, ERR_UNAVAILABLE, "the gateway is stopping");
        call_end(c);
    }
    if (!l->busy)
        lane_free(l);
}
